use std::collections::HashMap;

use pe_binding::Work;
use serde::{Deserialize, Serialize};

use crate::evaluation::{few_exams, undefined_resamples};
use crate::threshold::labelled;
use crate::weighted::{Ranking, exam_numbers};
use crate::{
    Bootstrap, Estimate, EvaluateOptions, ExamScores, Level, MetricsError, Samples, Scores,
    delong_pair, json_number, percentile_interval,
};

/// Two models on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model.
    pub model_a: String,
    /// The second model.
    pub model_b: String,
    /// What a sample is.
    pub level: Level,
    /// Labelled samples.
    pub n_samples: usize,
    /// Positive samples.
    pub n_positive: usize,
    /// Exams with at least one labelled sample.
    pub n_exams: usize,
    /// The first model's area under the ROC curve.
    #[serde(with = "json_number")]
    pub auroc_a: f64,
    /// The second model's.
    #[serde(with = "json_number")]
    pub auroc_b: f64,
    /// The second area minus the first. The interval is of a bootstrap over exams, in which both
    /// models see the same resamples.
    pub delta_auroc: Estimate,
    /// DeLong's z, see [`DelongPair::z`](crate::DelongPair::z).
    #[serde(with = "json_number")]
    pub delong_z: f64,
    /// DeLong's two-sided p value, which takes samples to be independent.
    #[serde(with = "json_number")]
    pub delong_p: f64,
    /// What makes some of the numbers undefined or weak, in sentences.
    pub warnings: Vec<String>,
    /// How they were compared.
    pub options: EvaluateOptions,
}

/// Compares two models that scored the same exams with the same labels; the order of exams may
/// differ.
///
/// ```
/// use pe_metrics::{EvaluateOptions, ExamScores, Level, Scores, compare};
/// let scores = |model: &str, found: f64| {
///     let exams = (0..12).map(|exam| ExamScores {
///         exam: format!("1.2.{exam}"),
///         positive: None,
///         labels: vec![Some(false), Some(true)],
///         probabilities: vec![0.4, if exam % 3 == 0 { found } else { 0.8 }],
///     });
///     Scores::new(model, exams.collect())
/// };
/// let (a, b) = (scores("effnet", 0.1)?, scores("effnet_lstm", 0.6)?);
/// let found = compare(&a, &b, Level::Slice, &EvaluateOptions::default())?;
/// assert!((found.delta_auroc.value - 1.0 / 3.0).abs() < 1e-12);
/// assert!(found.delong_p < 0.05);
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// [`MetricsError::Different`] with the first difference between the two models' exams; for options
/// out of range, and no labelled sample.
pub fn compare(
    a: &Scores,
    b: &Scores,
    level: Level,
    options: &EvaluateOptions,
) -> Result<Comparison, MetricsError> {
    compare_watched(a, b, level, options, &Work::silent())
}

/// As [`compare`], with progress and the user's interrupt.
///
/// # Errors
/// As [`compare`], and [`MetricsError::Interrupted`].
pub fn compare_watched(
    a: &Scores,
    b: &Scores,
    level: Level,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<Comparison, MetricsError> {
    options.check()?;
    let b = &in_order_of(a, b)?;
    let (samples_a, samples_b) = (labelled(a, level)?, labelled(b, level)?);
    let replicates = replicates(&samples_a, &samples_b, options, work)?;
    let deltas = replicates.iter().map(|(a, b)| b - a).collect();
    let (lower, upper) = percentile_interval(deltas, options.confidence);
    let pair = delong_pair(
        &samples_a.labels,
        &samples_a.probabilities,
        &samples_b.probabilities,
    );
    let n_exams = samples_a.n_exams();
    let undefined = match pair.delta.is_nan() {
        true => Some("samples of one class only: the AUROC is undefined".to_owned()),
        false => undefined_resamples(replicates.iter().map(|(a, _)| *a)),
    };
    Ok(Comparison {
        model_a: a.model().to_owned(),
        model_b: b.model().to_owned(),
        level,
        n_samples: samples_a.len(),
        n_positive: samples_a.n_positive(),
        n_exams,
        auroc_a: pair.a.auroc,
        auroc_b: pair.b.auroc,
        delta_auroc: Estimate {
            value: pair.delta,
            lower,
            upper,
        },
        delong_z: pair.z,
        delong_p: pair.p,
        warnings: undefined.into_iter().chain(few_exams(n_exams)).collect(),
        options: *options,
    })
}

/// Both areas of every resample.
fn replicates(
    a: &Samples,
    b: &Samples,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<Vec<(f64, f64)>, MetricsError> {
    // The labels agree, so both models' samples come from the same exams.
    let (exams, n_exams) = exam_numbers(a);
    let (ranking_a, ranking_b) = (Ranking::new(a, &exams), Ranking::new(b, &exams));
    let bootstrap = Bootstrap {
        replicates: options.replicates,
        seed: options.seed,
        n_exams,
    };
    let areas = |times: &[u32]| (ranking_a.areas(times).auroc, ranking_b.areas(times).auroc);
    Ok(bootstrap.run(areas, work)?)
}

/// `b` with its exams in the order of `a`'s.
fn in_order_of(a: &Scores, b: &Scores) -> Result<Scores, MetricsError> {
    let different = |difference: String| MetricsError::Different {
        a: a.model().to_owned(),
        b: b.model().to_owned(),
        difference,
    };
    let mut of_b: HashMap<&str, &ExamScores> = b
        .exams()
        .iter()
        .map(|exam| (exam.exam.as_str(), exam))
        .collect();
    let mut ordered = Vec::with_capacity(b.exams().len());
    for exam in a.exams() {
        let Some(other) = of_b.remove(exam.exam.as_str()) else {
            return Err(different(format!("the second lacks exam {}", exam.exam)));
        };
        if let Some(difference) = difference(exam, other) {
            return Err(different(format!("in exam {}, {difference}", exam.exam)));
        }
        ordered.push(other.clone());
    }
    let extra = b
        .exams()
        .iter()
        .find(|exam| of_b.contains_key(exam.exam.as_str()));
    match extra {
        Some(extra) => Err(different(format!("the first lacks exam {}", extra.exam))),
        None => Scores::new(b.model(), ordered),
    }
}

/// The first difference between two models' labels of one exam.
fn difference(a: &ExamScores, b: &ExamScores) -> Option<String> {
    if a.labels.len() != b.labels.len() {
        let (a, b) = (a.labels.len(), b.labels.len());
        return Some(format!("the first has {a} slices, the second {b}"));
    }
    if a.positive != b.positive {
        let (a, b) = (words(a.positive), words(b.positive));
        return Some(format!("the exam is {a} in the first, {b} in the second"));
    }
    let mut labels = a.labels.iter().zip(&b.labels).enumerate();
    let (slice_idx, (a, b)) = labels.find(|(_, (a, b))| a != b)?;
    let (a, b) = (words(*a), words(*b));
    Some(format!(
        "slice {slice_idx} is {a} in the first, {b} in the second"
    ))
}

fn words(label: Option<bool>) -> &'static str {
    match label {
        Some(true) => "positive",
        Some(false) => "negative",
        None => "unlabelled",
    }
}
