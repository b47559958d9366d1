//! Batches made on threads of their own while the network computes.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{HostBatch, Samples};
use crate::TrainError;

/// Batches that a thread may be ahead: memory is bounded, and the network never waits for one.
const AHEAD: usize = 2;

/// Makes the batches of `order` on `n_threads` threads and hands them, in order, to `each`.
///
/// What a batch holds depends on its samples and the epoch alone, so the number of threads changes
/// nothing.
///
/// # Errors
/// Whatever `each` gives; the rest is not made then.
pub(crate) fn for_each_batch(
    samples: &dyn Samples,
    order: &[&[usize]],
    epoch: Option<usize>,
    n_threads: usize,
    mut each: impl FnMut(usize, HostBatch) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let n_threads = n_threads.clamp(1, order.len().max(1));
    thread::scope(|scope| {
        let queues: Vec<Receiver<HostBatch>> = (0..n_threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(AHEAD);
                let mine = order.iter().skip(thread).step_by(n_threads);
                scope.spawn(move || make(samples, mine, epoch, &sender));
                receiver
            })
            .collect();
        for batch_idx in 0..order.len() {
            // A maker that is gone has panicked; the scope raises its panic again.
            let Ok(batch) = queues[batch_idx % n_threads].recv() else {
                break;
            };
            each(batch_idx, batch)?;
        }
        Ok(())
    })
}

fn make<'a>(
    samples: &dyn Samples,
    order: impl Iterator<Item = &'a &'a [usize]>,
    epoch: Option<usize>,
    sender: &SyncSender<HostBatch>,
) {
    for indices in order {
        if sender.send(samples.batch(indices, epoch)).is_err() {
            // The receiver stopped early.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Numbers(AtomicUsize);

    impl Samples for Numbers {
        fn len(&self) -> usize {
            40
        }
        fn unit(&self) -> &'static str {
            "numbers"
        }
        fn n_slices(&self, _: usize) -> usize {
            1
        }
        fn describe(&self, sample: usize) -> String {
            sample.to_string()
        }
        fn batch(&self, samples: &[usize], _: Option<usize>) -> HostBatch {
            self.0.fetch_add(1, Ordering::Relaxed);
            HostBatch {
                target: samples.iter().map(|&sample| sample as f32).collect(),
                ..HostBatch::default()
            }
        }
    }

    #[test]
    fn batches_come_in_order_on_any_number_of_threads() {
        let indices: Vec<usize> = (0..40).collect();
        let order: Vec<&[usize]> = indices.chunks(3).collect();
        for n_threads in [1, 2, 5, 100] {
            let mut seen = Vec::new();
            for_each_batch(
                &Numbers(AtomicUsize::new(0)),
                &order,
                None,
                n_threads,
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
        let numbers = Numbers(AtomicUsize::new(0));
        let indices: Vec<usize> = (0..40).collect();
        let order: Vec<&[usize]> = indices.chunks(1).collect();
        let stopped = for_each_batch(&numbers, &order, None, 2, |batch_idx, _| match batch_idx {
            3 => Err(TrainError::Interrupted(pe_binding::Interrupted)),
            _ => Ok(()),
        });
        assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
        let made = numbers.0.load(Ordering::Relaxed);
        assert!(made <= 4 + 2 * (AHEAD + 1), "{made} batches made");
    }
}
