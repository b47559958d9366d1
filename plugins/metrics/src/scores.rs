use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Level, MetricsError};

/// The target of slices: whether an embolism is seen, a column of RSNA-STR's label table.
pub const PE_ON_SLICE: &str = "pe_present_on_image";

/// One model's probabilities and the labels of one exam, and of its slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamScores {
    /// The exam's SeriesInstanceUID, to find it again.
    pub exam: String,
    /// The exam's own label; `None` if it is unknown.
    pub positive: Option<bool>,
    /// The probability of the exam itself, in [0, 1]; `None` if the model scores slices only, whose
    /// greatest probability then is the exam's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Each slice's label, by slice index. A slice with `None` is unlabelled and never counted. Empty for
    /// a target that only exams have.
    pub labels: Vec<Option<bool>>,
    /// Each slice's probability of the target, in [0, 1].
    pub probabilities: Vec<f64>,
}

/// One model's probabilities of one target on a set of exams, and the thresholds chosen for it elsewhere.
/// Cheap to clone: the exams are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    model: Arc<str>,
    target: Arc<str>,
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
    /// Creates the scores of `model` on `exams`, of the target [`PE_ON_SLICE`] and without a threshold.
    ///
    /// ```
    /// use pe_metrics::{ExamScores, Level, Scores};
    /// let exam = ExamScores {
    ///     exam: "1.2.3".into(),
    ///     positive: Some(true),
    ///     probability: None,
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
    /// For an exam with neither slices nor a probability of its own, an exam that is there twice, labels
    /// and probabilities that are not as many, and a probability outside [0, 1].
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
            target: PE_ON_SLICE.into(),
            exams: exams.into(),
            thresholds: Vec::new(),
        })
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The name of what the probabilities are of, a column of the label table.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the same scores as those of another target.
    ///
    /// ```
    /// use pe_metrics::{ExamScores, Level, Scores};
    /// let exam = ExamScores {
    ///     exam: "1.2.3".into(),
    ///     positive: Some(true),
    ///     probability: Some(0.7),
    ///     labels: Vec::new(),
    ///     probabilities: Vec::new(),
    /// };
    /// let central = Scores::new("winner", vec![exam])?.with_target("central_pe");
    /// assert_eq!(central.samples(Level::Exam).probabilities, [0.7]);
    /// assert!(central.samples(Level::Slice).is_empty());
    /// # Ok::<(), pe_metrics::MetricsError>(())
    /// ```
    #[must_use]
    pub fn with_target(&self, target: &str) -> Self {
        Self {
            target: target.into(),
            ..self.clone()
        }
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
        if self.labels.is_empty() && self.probability.is_none() {
            return Err(MetricsError::EmptyExam { model, exam });
        }
        if let Some(found) = self.probability
            && !(0.0..=1.0).contains(&found)
        {
            return Err(MetricsError::ExamProbability { model, exam, found });
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

    /// The probability of the exam: its own, or else the greatest of its slices.
    ///
    /// ```
    /// use pe_metrics::ExamScores;
    /// let mut exam = ExamScores {
    ///     exam: "1.2.3".into(),
    ///     positive: None,
    ///     probability: None,
    ///     labels: vec![None, None],
    ///     probabilities: vec![0.25, 0.5],
    /// };
    /// assert_eq!(exam.exam_probability(), 0.5);
    /// exam.probability = Some(0.75);
    /// assert_eq!(exam.exam_probability(), 0.75);
    /// ```
    pub fn exam_probability(&self) -> f64 {
        let slices = self.probabilities.iter().copied();
        self.probability
            .unwrap_or_else(|| slices.fold(0.0, f64::max))
    }

    fn each_sample(&self, level: Level, mut add: impl FnMut(bool, f64)) {
        match level {
            Level::Slice => {
                for (label, probability) in self.labels.iter().zip(&self.probabilities) {
                    if let Some(label) = label {
                        add(*label, *probability);
                    }
                }
            }
            Level::Slab(length) => {
                let slabs = self.labels.chunks(length);
                for (labels, probabilities) in slabs.zip(self.probabilities.chunks(length)) {
                    if let Some((label, probability)) = any_and_greatest(labels, probabilities) {
                        add(label, probability);
                    }
                }
            }
            Level::Exam => {
                let of_slices = || any_and_greatest(&self.labels, &self.probabilities);
                if let Some(positive) = self.positive {
                    add(positive, self.exam_probability());
                } else if let Some((positive, greatest)) = of_slices() {
                    add(positive, self.probability.unwrap_or(greatest));
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
        write!(f, "scores of {}", self.model)?;
        if self.target() != PE_ON_SLICE {
            write!(f, " for {}", self.target)?;
        }
        match n_slices {
            0 => write!(f, ": {n_exams} exams")?,
            _ => write!(f, ": {n_slices} slices of {n_exams} exams")?,
        }
        match self.threshold() {
            Some(threshold) => write!(f, ", threshold {threshold:.4}"),
            None => f.write_str(", no threshold"),
        }
    }
}
