use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Level, MetricsError};

/// One model's probabilities and the labels of one exam's slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamScores {
    /// The exam's SeriesInstanceUID, to find it again.
    pub exam: String,
    /// The exam's own label; `None` if it is unknown.
    pub positive: Option<bool>,
    /// Each slice's label, by slice index. A slice with `None` is unlabelled and never counted.
    pub labels: Vec<Option<bool>>,
    /// Each slice's probability of an embolism, in [0, 1].
    pub probabilities: Vec<f64>,
}

/// One model's probabilities on a set of exams, and the thresholds chosen for it elsewhere.
/// Cheap to clone: the exams are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    model: Arc<str>,
    exams: Arc<[ExamScores]>,
    thresholds: Vec<(Level, f64)>,
}

/// The labelled samples of one level, each with the exam that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// For each sample, whether it is positive.
    pub labels: Vec<bool>,
    /// Each sample's probability, in [0, 1].
    pub probabilities: Vec<f64>,
    /// Each sample's exam, an index into [`Scores::exams`]; ascending. Samples of one exam depend
    /// on each other.
    pub exams: Vec<usize>,
}

impl Scores {
    /// Creates the scores of `model` on `exams`, without a threshold.
    ///
    /// ```
    /// use pe_metrics::{ExamScores, Level, Scores};
    /// let exam = ExamScores {
    ///     exam: "1.2.3".into(),
    ///     positive: Some(true),
    ///     labels: vec![Some(false), Some(true), None],
    ///     probabilities: vec![0.1, 0.4, 0.9],
    /// };
    /// let scores = Scores::new("effnet", vec![exam.clone()])?;
    /// assert_eq!(scores.samples(Level::Slice).probabilities, [0.1, 0.4]); // unlabelled: left out
    /// assert_eq!(scores.samples(Level::Exam).probabilities, [0.9]);
    /// assert!(Scores::new("effnet", vec![exam.clone(), exam]).is_err()); // twice
    /// # Ok::<(), pe_metrics::MetricsError>(())
    /// ```
    ///
    /// # Errors
    /// For an exam without slices, an exam that is there twice, labels and probabilities that are
    /// not as many, and a probability outside [0, 1].
    pub fn new(model: impl Into<String>, exams: Vec<ExamScores>) -> Result<Self, MetricsError> {
        let model = model.into();
        let mut known = HashSet::new();
        for exam in &exams {
            exam.check(&model)?;
            if !known.insert(exam.exam.as_str()) {
                return Err(MetricsError::Duplicate {
                    model,
                    exam: exam.exam.clone(),
                });
            }
        }
        Ok(Self {
            model: model.into(),
            exams: exams.into(),
            thresholds: Vec::new(),
        })
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The exams, in the order given.
    pub fn exams(&self) -> &[ExamScores] {
        &self.exams
    }

    /// Returns the same scores with a threshold for slices, which was chosen elsewhere, for example
    /// on a validation part. It holds for slabs and exams too, unless they have their own.
    #[must_use]
    pub fn with_threshold(&self, threshold: f64) -> Self {
        self.with_threshold_at(Level::Slice, threshold)
    }

    /// Returns the same scores with a threshold for the samples of `level`.
    #[must_use]
    pub fn with_threshold_at(&self, level: Level, threshold: f64) -> Self {
        let mut scores = self.clone();
        scores.thresholds.retain(|(other, _)| *other != level);
        scores.thresholds.push((level, threshold));
        scores
    }

    /// Returns the same scores without any threshold, as [`Scores::new`] made them.
    #[must_use]
    pub fn without_threshold(&self) -> Self {
        Self {
            thresholds: Vec::new(),
            ..self.clone()
        }
    }

    /// The threshold for slices; `None` if none was chosen.
    pub fn threshold(&self) -> Option<f64> {
        self.own_threshold(Level::Slice)
    }

    /// The threshold for the samples of `level`: its own, or else that for slices. With the latter,
    /// a slab or an exam is positive if any of its slices is.
    pub fn threshold_at(&self, level: Level) -> Option<f64> {
        self.own_threshold(level).or_else(|| self.threshold())
    }

    fn own_threshold(&self, level: Level) -> Option<f64> {
        let own = self.thresholds.iter().find(|(other, _)| *other == level);
        own.map(|(_, threshold)| *threshold)
    }

    /// The labelled samples of `level`, exam by exam; see [`Level`] for what a sample is.
    ///
    /// # Panics
    /// For slabs of 0 slices.
    pub fn samples(&self, level: Level) -> Samples {
        let mut samples = Samples {
            labels: Vec::new(),
            probabilities: Vec::new(),
            exams: Vec::new(),
        };
        for (exam_idx, exam) in self.exams.iter().enumerate() {
            exam.each_sample(level, |label, probability| {
                samples.labels.push(label);
                samples.probabilities.push(probability);
                samples.exams.push(exam_idx);
            });
        }
        samples
    }
}

impl ExamScores {
    fn check(&self, model: &str) -> Result<(), MetricsError> {
        let (model, exam) = (model.to_owned(), self.exam.clone());
        if self.labels.len() != self.probabilities.len() {
            return Err(MetricsError::Lengths {
                model,
                exam,
                labels: self.labels.len(),
                probabilities: self.probabilities.len(),
            });
        }
        if self.labels.is_empty() {
            return Err(MetricsError::EmptyExam { model, exam });
        }
        let mut probabilities = self.probabilities.iter().enumerate();
        match probabilities.find(|(_, found)| !(0.0..=1.0).contains(*found)) {
            Some((slice_idx, &found)) => Err(MetricsError::Probability {
                model,
                exam,
                slice_idx,
                found,
            }),
            None => Ok(()),
        }
    }

    fn each_sample(&self, level: Level, mut add: impl FnMut(bool, f64)) {
        let slices = || self.labels.iter().zip(&self.probabilities);
        match (level, self.positive) {
            (Level::Slice, _) => {
                for (label, probability) in slices() {
                    if let Some(label) = label {
                        add(*label, *probability);
                    }
                }
            }
            (Level::Slab(length), _) => {
                let slabs = self.labels.chunks(length);
                for (labels, probabilities) in slabs.zip(self.probabilities.chunks(length)) {
                    if let Some((label, probability)) = any_and_greatest(labels, probabilities) {
                        add(label, probability);
                    }
                }
            }
            (Level::Exam, Some(positive)) => {
                add(
                    positive,
                    self.probabilities.iter().copied().fold(0.0, f64::max),
                );
            }
            (Level::Exam, None) => {
                if let Some((label, probability)) =
                    any_and_greatest(&self.labels, &self.probabilities)
                {
                    add(label, probability);
                }
            }
        }
    }
}

/// Returns whether any labelled slice is positive, and the greatest probability of the labelled
/// slices; `None` if none is labelled.
fn any_and_greatest(labels: &[Option<bool>], probabilities: &[f64]) -> Option<(bool, f64)> {
    let labelled = labels.iter().zip(probabilities);
    labelled
        .filter_map(|(label, probability)| label.map(|label| (label, *probability)))
        .reduce(|(any, greatest), (label, probability)| (any || label, greatest.max(probability)))
}

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of positive samples.
    pub fn n_positive(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// The number of exams that the samples come from.
    pub fn n_exams(&self) -> usize {
        self.exams.chunk_by(|a, b| a == b).count()
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_slices: usize = self.exams.iter().map(|exam| exam.labels.len()).sum();
        let n_exams = self.exams.len();
        write!(
            f,
            "scores of {}: {n_slices} slices of {n_exams} exams",
            self.model
        )?;
        match self.threshold() {
            Some(threshold) => write!(f, ", threshold {threshold:.4}"),
            None => f.write_str(", no threshold"),
        }
    }
}
