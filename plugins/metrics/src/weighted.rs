//! Computes metrics of a resample from how often each exam was drawn. The samples are sorted once
//! for all resamples, and an exam drawn twice counts twice.

use crate::brier::squared_error;
use crate::steps::descending;
use crate::{Confusion, Samples};

/// Numbers the exams from 0 without gaps. Returns each sample's exam number, and the number of
/// exams.
pub(crate) fn exam_numbers(samples: &Samples) -> (Vec<u32>, usize) {
    let mut number = 0_u32;
    let mut numbers = Vec::with_capacity(samples.len());
    for (place, exam) in samples.exams.iter().enumerate() {
        // Samples are in the order of exams, so a change of the exam starts the next number.
        number += u32::from(place > 0 && samples.exams[place - 1] != *exam);
        numbers.push(number);
    }
    (numbers, samples.n_exams())
}

/// Samples by descending probability, packed into integers so that one pass reads little memory.
pub(crate) struct Ranking {
    /// `exam << 2 | positive << 1 | last of its ties`.
    packed: Vec<u32>,
}

/// The rank metrics of one resample; NaN if only one class was drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Areas {
    pub auroc: f64,
    pub average_precision: f64,
}

impl Ranking {
    /// Sorts and packs the samples. `exams` are the samples' exam numbers, below 2^30.
    pub fn new(samples: &Samples, exams: &[u32]) -> Self {
        let order = descending(&samples.probabilities);
        let packed = order.iter().enumerate().map(|(place, &sample)| {
            let probability = |sample: usize| samples.probabilities[sample];
            let next = order.get(place + 1);
            let last = next.is_none_or(|next| probability(*next) != probability(sample));
            exams[sample] << 2 | u32::from(samples.labels[sample]) << 1 | u32::from(last)
        });
        Self {
            packed: packed.collect(),
        }
    }

    /// Computes both areas if exam `i` counts `times[i]` times.
    pub fn areas(&self, times: &[u32]) -> Areas {
        let (mut found, mut wrong) = (0_u64, 0_u64);
        let (mut found_before, mut wrong_before) = (0_u64, 0_u64);
        let mut twice_area = 0_u64;
        let mut precisions = 0.0;
        for packed in &self.packed {
            let weight = u64::from(times[(packed >> 2) as usize]);
            let positive = u64::from(packed >> 1 & 1);
            found += weight * positive;
            wrong += weight * (1 - positive);
            // A threshold cannot separate ties, so add to the areas only at the last of them.
            if packed & 1 == 1 {
                twice_area += (wrong - wrong_before) * (found + found_before);
                // Without this check, 0 / 0 would make the sum NaN as long as nothing was drawn.
                if found > found_before {
                    let gained = (found - found_before) as f64;
                    precisions += gained * found as f64 / (found + wrong) as f64;
                }
                (found_before, wrong_before) = (found, wrong);
            }
        }
        Areas {
            auroc: twice_area as f64 / (2.0 * found as f64 * wrong as f64),
            average_precision: precisions / found as f64,
        }
    }
}

/// Each exam's contribution to the metrics at a threshold, and to the Brier score.
pub(crate) struct ExamSums {
    sums: Vec<(Confusion, f64)>,
}

impl ExamSums {
    pub fn new(samples: &Samples, exams: &[u32], n_exams: usize, threshold: f64) -> Self {
        let mut sums = vec![(Confusion::default(), 0.0); n_exams];
        for ((label, probability), exam) in
            samples.labels.iter().zip(&samples.probabilities).zip(exams)
        {
            let (confusion, error) = &mut sums[*exam as usize];
            confusion.add(*label, *probability >= threshold);
            *error += squared_error(*label, *probability);
        }
        Self { sums }
    }

    /// Returns the confusion and the Brier score if exam `i` counts `times[i]` times.
    pub fn total(&self, times: &[u32]) -> (Confusion, f64) {
        let mut total = Confusion::default();
        let mut error = 0.0;
        for ((confusion, exam_error), times) in self.sums.iter().zip(times) {
            total.add_times(confusion, *times as usize);
            error += f64::from(*times) * exam_error;
        }
        let n_samples = total.n_samples() as f64;
        (total, error / n_samples)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{auroc, average_precision, brier};

    /// Repeats each exam's samples as often as the exam was drawn.
    fn resampled(samples: &Samples, exams: &[u32], times: &[u32]) -> (Vec<bool>, Vec<f64>) {
        let repeated = (0..samples.len())
            .flat_map(|sample| std::iter::repeat_n(sample, times[exams[sample] as usize] as usize));
        repeated
            .map(|sample| (samples.labels[sample], samples.probabilities[sample]))
            .unzip()
    }

    fn same(found: f64, expected: f64) -> bool {
        found == expected || (found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan()
    }

    proptest! {
        #[test]
        fn weights_equal_repeated_samples(
            drawn in proptest::collection::vec((0_usize..6, any::<bool>(), 0_u8..9), 1..60),
            times in proptest::collection::vec(0_u32..4, 6),
        ) {
            let mut drawn = drawn;
            drawn.sort_by_key(|sample| sample.0);
            let samples = Samples {
                labels: drawn.iter().map(|sample| sample.1).collect(),
                probabilities: drawn.iter().map(|sample| f64::from(sample.2) / 8.0).collect(),
                exams: drawn.iter().map(|sample| sample.0).collect(),
            };
            let (exams, n_exams) = exam_numbers(&samples);
            let times = &times[..n_exams];
            let (labels, scores) = resampled(&samples, &exams, times);

            let areas = Ranking::new(&samples, &exams).areas(times);
            prop_assert!(same(areas.auroc, auroc(&labels, &scores)));
            let expected = average_precision(&labels, &scores);
            prop_assert!(same(areas.average_precision, expected));

            let sums = ExamSums::new(&samples, &exams, n_exams, 0.5);
            let (confusion, error) = sums.total(times);
            prop_assert_eq!(confusion, Confusion::at(&labels, &scores, 0.5));
            prop_assert!(same(error, brier(&labels, &scores)));
        }
    }
}
