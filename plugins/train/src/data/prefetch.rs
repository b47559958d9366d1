//! Makes batches on other threads while the network computes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use pe_binding::Work;

use super::{HostBatch, Samples};
use crate::TrainError;

/// Most finished batches in a thread's queue. With two the network need not wait, and memory stays
/// bounded.
const AHEAD: usize = 2;
/// Time to wait for a batch before checking for a stop request again. Too short for a user to
/// notice.
const PATIENCE: Duration = Duration::from_millis(50);

/// Flag that batches are still wanted. Dropping the guard of [`Wanted::end`] clears it.
#[derive(Debug)]
pub(crate) struct Wanted(AtomicBool);

impl Wanted {
    /// Returns whether batches are still wanted.
    pub(crate) fn still(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns a guard that clears the flag when it is dropped, also after an error or a panic.
    fn end(&self) -> End<'_> {
        End(self)
    }
}

struct End<'a>(&'a Wanted);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// Makes the batches of `order` on `n_threads` threads and hands them, in order, to `each`.
///
/// A batch depends only on its samples and the epoch, so the number of threads does not change the
/// result.
///
/// # Errors
/// [`TrainError::Interrupted`] after a stop request, and any error of `each`. The remaining batches
/// are then not made, and unfinished ones are abandoned.
pub(crate) fn for_each_batch(
    samples: &dyn Samples,
    order: &[&[usize]],
    epoch: Option<usize>,
    n_threads: usize,
    work: &Work,
    mut each: impl FnMut(usize, HostBatch) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let n_threads = n_threads.clamp(1, order.len().max(1));
    let wanted = Wanted(AtomicBool::new(true));
    thread::scope(|scope| {
        let queues: Vec<Receiver<HostBatch>> = (0..n_threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(AHEAD);
                // Thread i makes the batches i, i + n, i + 2n, …: taking from the queues in turn
                // keeps the order.
                let mine = order.iter().skip(thread).step_by(n_threads);
                let wanted = &wanted;
                scope.spawn(move || make(samples, mine, epoch, wanted, &sender));
                receiver
            })
            .collect();
        // The scope waits for its threads, so they must be told to stop when this closure returns
        // early.
        let _end = wanted.end();
        for batch_idx in 0..order.len() {
            // Without a batch, the thread has panicked; the scope raises its panic again.
            let Some(batch) = next(&queues[batch_idx % n_threads], work)? else {
                break;
            };
            each(batch_idx, batch)?;
        }
        Ok(())
    })
}

/// Waits for the next batch of a queue; returns `None` if its thread has ended.
fn next(queue: &Receiver<HostBatch>, work: &Work) -> Result<Option<HostBatch>, TrainError> {
    loop {
        work.check()?;
        match queue.recv_timeout(PATIENCE) {
            Ok(batch) => return Ok(Some(batch)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn make<'a>(
    samples: &dyn Samples,
    order: impl Iterator<Item = &'a &'a [usize]>,
    epoch: Option<usize>,
    wanted: &Wanted,
    sender: &SyncSender<HostBatch>,
) {
    for indices in order {
        let batch = samples.batch(indices, epoch, wanted);
        if batch.is_none_or(|batch| sender.send(batch).is_err()) {
            // Batches are no longer wanted, or the receiver is gone.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use pe_binding::Watch;

    use super::*;

    /// Forty numbers, with batches that a function makes.
    struct Numbers<F>(F);

    impl<F: Fn(&[usize], &Wanted) -> Option<HostBatch> + Sync> Samples for Numbers<F> {
        fn len(&self) -> usize {
            40
        }
        fn unit(&self) -> &'static str {
            "numbers"
        }
        fn n_slices(&self, _: usize) -> usize {
            1
        }
        fn positive(&self, _: usize) -> bool {
            false
        }
        fn describe(&self, sample: usize) -> String {
            sample.to_string()
        }
        fn batch(&self, samples: &[usize], _: Option<usize>, wanted: &Wanted) -> Option<HostBatch> {
            (self.0)(samples, wanted)
        }
    }

    fn of_targets(samples: &[usize]) -> Option<HostBatch> {
        Some(HostBatch {
            target: samples.iter().map(|&sample| sample as f32).collect(),
            ..HostBatch::default()
        })
    }

    #[test]
    fn batches_come_in_order_on_any_number_of_threads() {
        let indices: Vec<usize> = (0..40).collect();
        let order: Vec<&[usize]> = indices.chunks(3).collect();
        for n_threads in [1, 2, 5, 100] {
            let mut seen = Vec::new();
            for_each_batch(
                &Numbers(|samples: &[usize], _: &Wanted| of_targets(samples)),
                &order,
                None,
                n_threads,
                &Work::silent(),
                |_, batch| {
                    seen.extend(batch.target);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (0..40).map(|n| n as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_it_and_no_more_than_the_queues_hold_is_made() {
        let made = AtomicUsize::new(0);
        let numbers = Numbers(|samples: &[usize], _: &Wanted| {
            made.fetch_add(1, Ordering::Relaxed);
            of_targets(samples)
        });
        let indices: Vec<usize> = (0..40).collect();
        let order: Vec<&[usize]> = indices.chunks(1).collect();
        let work = Work::silent();
        let stopped =
            for_each_batch(
                &numbers,
                &order,
                None,
                2,
                &work,
                |batch_idx, _| match batch_idx {
                    3 => Err(TrainError::Interrupted(pe_binding::Interrupted)),
                    _ => Ok(()),
                },
            );
        assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
        let made = made.load(Ordering::Relaxed);
        assert!(made <= 4 + 2 * (AHEAD + 1), "{made} batches made");
    }

    /// Reports a stop request from the third check on.
    struct Impatient(AtomicUsize);

    impl Watch for Impatient {
        fn begin(&self, _: &str, _: u64, _: &str) {}
        fn advance(&self, _: u64) {}
        fn end(&self) {}
        fn warn(&self, _: &str) {}
        fn interrupted(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) >= 2
        }
    }

    #[test]
    fn the_users_interrupt_ends_the_wait_and_the_making() {
        let work = Work::new(Arc::new(Impatient(AtomicUsize::new(0))));
        // This batch never finishes as long as it is wanted.
        let endless = Numbers(|_: &[usize], wanted: &Wanted| {
            while wanted.still() {
                thread::yield_now();
            }
            None
        });
        let stopped = for_each_batch(&endless, &[&[0]], None, 1, &work, |_, _| Ok(()));
        assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
    }
}
