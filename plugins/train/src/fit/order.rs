//! Selects the samples of an epoch and their order.

use crate::data::Samples;
use crate::options::FitOptions;
use crate::random::Stream;

/// Returns the batches of an epoch, drawn by seed and epoch. A last batch of one sample joins the
/// one before it, because BatchNorm cannot compute the variance of one value.
pub(super) fn batches(
    samples: &dyn Samples,
    options: &FitOptions,
    seed: u64,
    epoch: usize,
) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..samples.len()).collect();
    let n_drawn = match options.steps {
        0 => all.len(),
        steps => steps * options.batch,
    };
    let (positive, negative): (Vec<usize>, Vec<usize>) =
        all.iter().partition(|&&sample| samples.positive(sample));
    let balanced = options.balance > 0.0 && !positive.is_empty() && !negative.is_empty();
    let order: Vec<usize> = if balanced {
        let mut positive = Passes::new(positive, seed, "order of PE", epoch);
        let mut negative = Passes::new(negative, seed, "order without PE", epoch);
        // The first n draws have round(n * balance) positives. This spreads them evenly, so that
        // each batch has its share.
        let due = |n: usize| (n as f64 * options.balance).round() as usize;
        (0..n_drawn)
            .filter_map(|n| {
                if due(n + 1) > due(n) {
                    positive.next()
                } else {
                    negative.next()
                }
            })
            .collect()
    } else {
        Passes::new(all, seed, "order", epoch)
            .take(n_drawn)
            .collect()
    };
    let mut batches: Vec<Vec<usize>> = order.chunks(options.batch).map(<[usize]>::to_vec).collect();
    if let [.., before, last] = &mut batches[..]
        && last.len() == 1
    {
        before.append(last);
        batches.pop();
    }
    batches
}

/// An endless iterator over samples: all of them in a random order, then all in another order, and
/// so on. Ends at once if there are no samples.
struct Passes {
    samples: Vec<usize>,
    at: usize,
    stream: Stream,
}

impl Passes {
    fn new(mut samples: Vec<usize>, seed: u64, what: &str, epoch: usize) -> Self {
        let mut stream = Stream::new(seed, what, &[epoch]);
        stream.shuffle(&mut samples);
        Self {
            samples,
            at: 0,
            stream,
        }
    }
}

impl Iterator for Passes {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.at == self.samples.len() {
            self.stream.shuffle(&mut self.samples);
            self.at = 0;
        }
        self.at += 1;
        self.samples.get(self.at - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{HostBatch, Wanted};

    /// Samples of which the first `n_positive` show PE.
    struct Marked {
        n: usize,
        n_positive: usize,
    }

    impl Samples for Marked {
        fn len(&self) -> usize {
            self.n
        }
        fn unit(&self) -> &'static str {
            "samples"
        }
        fn n_slices(&self, _: usize) -> usize {
            1
        }
        fn positive(&self, sample: usize) -> bool {
            sample < self.n_positive
        }
        fn describe(&self, sample: usize) -> String {
            sample.to_string()
        }
        fn batch(&self, _: &[usize], _: Option<usize>, _: &Wanted) -> Option<HostBatch> {
            None
        }
    }

    fn drawn(n_positive: usize, steps: usize, balance: f64) -> Vec<Vec<usize>> {
        let options = FitOptions {
            batch: 4,
            steps,
            balance,
            ..FitOptions::default()
        };
        batches(&Marked { n: 21, n_positive }, &options, 7, 0)
    }

    #[test]
    fn an_epoch_is_a_pass_unless_it_is_told_otherwise() {
        let whole = drawn(3, 0, 0.0);
        assert_eq!(
            whole.iter().map(Vec::len).collect::<Vec<_>>(),
            [4, 4, 4, 4, 5]
        );
        let mut samples = whole.concat();
        samples.sort_unstable();
        assert_eq!(samples, (0..21).collect::<Vec<_>>());
        let longer = drawn(3, 8, 0.0).concat();
        assert_eq!(longer.len(), 32);
        let mut first = longer[..21].to_vec();
        first.sort_unstable();
        assert_eq!(
            first, samples,
            "a sample repeats before all have had their turn"
        );
    }

    #[test]
    fn a_balanced_epoch_has_its_share_in_every_batch_and_uses_every_sample() {
        let batches = drawn(3, 9, 0.5);
        assert_eq!(batches.len(), 9);
        for batch in &batches {
            assert_eq!(batch.iter().filter(|&&sample| sample < 3).count(), 2);
        }
        let samples = batches.concat();
        let times = |wanted: usize| samples.iter().filter(|&&sample| sample == wanted).count();
        assert!((0..3).all(|sample| times(sample) == 6));
        assert!((3..21).all(|sample| times(sample) == 1));
    }

    #[test]
    fn one_class_alone_is_taken_as_it_is() {
        assert_eq!(drawn(0, 2, 0.5).concat().len(), 8);
        assert_eq!(drawn(21, 2, 0.5).concat().len(), 8);
    }
}
