//! Running many tests, some at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Case, Finished, Surroundings, Verdict, run};

/// Runs tests on `jobs` threads and hands each to `finished` as it ends, on the caller's thread.
/// After a failure with `fail_fast`, and after the user's request to stop, no other test begins.
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
        drop(tell);
        for (index, done) in told {
            finished(&cases[index], done);
        }
    });
}
