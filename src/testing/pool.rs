//! Runs many tests on a pool of threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Case, Finished, Surroundings, Verdict, run};

/// Runs tests on `jobs` threads. Calls `finished` for each test as it ends, on the caller's thread. No
/// further test begins after the user's request to stop, nor after a failure with `fail_fast`.
pub(super) fn run_all(
    cases: &[Case],
    surroundings: &Surroundings,
    jobs: usize,
    fail_fast: bool,
    mut finished: impl FnMut(&Case, Finished),
) {
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    let work = |tell: mpsc::Sender<(usize, Finished)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let stop = ended.load(Ordering::Relaxed) || surroundings.stop.requested();
            let Some(case) = cases.get(index).filter(|_| !stop) else {
                return;
            };
            let done = run(case, surroundings);
            if fail_fast && matches!(done.verdict, Verdict::Failed(_)) {
                ended.store(true, Ordering::Relaxed);
            }
            let _ = tell.send((index, done));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            let tell = tell.clone();
            scope.spawn(|| work(tell));
        }
        // The loop below ends when all senders are dropped, so ours must go.
        drop(tell);
        for (index, done) in told {
            finished(&cases[index], done);
        }
    });
}
