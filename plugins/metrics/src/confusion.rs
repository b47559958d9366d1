use serde::{Deserialize, Serialize};

/// Numbers of samples that were called right and wrong at one threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives called positive.
    pub true_positives: usize,
    /// Negatives called positive.
    pub false_positives: usize,
    /// Negatives called negative.
    pub true_negatives: usize,
    /// Positives called negative.
    pub false_negatives: usize,
}

impl Confusion {
    /// Counts the samples; a score equal to `threshold` or above is called positive.
    ///
    /// ```
    /// use pe_metrics::Confusion;
    /// let confusion = Confusion::at(&[false, true, true], &[0.5, 0.5, 0.2], 0.5);
    /// assert_eq!(confusion.true_positives, 1);
    /// assert_eq!(confusion.false_positives, 1);
    /// assert_eq!(confusion.false_negatives, 1);
    /// assert_eq!(confusion.precision(), 0.5);
    /// ```
    ///
    /// # Panics
    /// When there are not as many scores as labels.
    pub fn at(labels: &[bool], scores: &[f64], threshold: f64) -> Self {
        assert_eq!(labels.len(), scores.len(), "one score for each label");
        let mut confusion = Self::default();
        for (label, score) in labels.iter().zip(scores) {
            confusion.add(*label, *score >= threshold);
        }
        confusion
    }

    /// Counts one more sample.
    pub(crate) fn add(&mut self, label: bool, predicted: bool) {
        let count = match (label, predicted) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
            (true, false) => &mut self.false_negatives,
        };
        *count += 1;
    }

    /// Adds `other`, counted `times` times.
    pub(crate) fn add_times(&mut self, other: &Self, times: usize) {
        self.true_positives += times * other.true_positives;
        self.false_positives += times * other.false_positives;
        self.true_negatives += times * other.true_negatives;
        self.false_negatives += times * other.false_negatives;
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.n_positive() + self.true_negatives + self.false_positives
    }

    /// Number of positive samples.
    pub fn n_positive(&self) -> usize {
        self.true_positives + self.false_negatives
    }

    /// Returns whether nothing was called positive. Precision and F1 are then 0 by convention, not
    /// by measurement.
    pub fn calls_nothing_positive(&self) -> bool {
        self.true_positives + self.false_positives == 0
    }

    /// The share of samples called right; NaN without samples.
    pub fn accuracy(&self) -> f64 {
        (self.true_positives + self.true_negatives) as f64 / self.n_samples() as f64
    }

    /// The share of positives called positive (recall); NaN without positives, where scikit-learn
    /// gives 0 and a warning.
    pub fn sensitivity(&self) -> f64 {
        self.true_positives as f64 / self.n_positive() as f64
    }

    /// The share of negatives called negative; NaN without negatives.
    pub fn specificity(&self) -> f64 {
        self.true_negatives as f64 / (self.true_negatives + self.false_positives) as f64
    }

    /// The share of called positives that are positive; 0 if nothing is called positive.
    pub fn precision(&self) -> f64 {
        if self.calls_nothing_positive() {
            return 0.0;
        }
        self.true_positives as f64 / (self.true_positives + self.false_positives) as f64
    }

    /// The harmonic mean of precision and sensitivity; 0 if nothing is positive and nothing was
    /// called positive.
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        match 2 * self.true_positives + wrong {
            0 => 0.0,
            all => 2.0 * self.true_positives as f64 / all as f64,
        }
    }
}
