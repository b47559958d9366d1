use std::collections::HashMap;

use pe_binding::Work;
use serde::{Deserialize, Serialize};

use crate::evaluation::{few_exams, height_pairs, undefined_resamples};
use crate::same_height::HeightPairs;
use crate::threshold::labelled;
use crate::weighted::{Ranking, exam_numbers};
use crate::{
    Bootstrap, Estimate, EvaluateOptions, ExamScores, Level, MetricsError, Samples, Scores,
    bootstrap_p, delong_pair, json_number, percentile_interval,
};

/// Comparison of two models on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model.
    pub model_a: String,
    /// The second model.
    pub model_b: String,
    /// The target of both, a column of the label table.
    pub target: String,
    /// The level of the samples.
    pub level: Level,
    /// Number of labelled samples.
    pub n_samples: usize,
    /// Number of positive samples.
    pub n_positive: usize,
    /// Number of exams with at least one labelled sample.
    pub n_exams: usize,
    /// The first model's area under the ROC curve.
    #[serde(with = "json_number")]
    pub auroc_a: f64,
    /// The second model's area.
    #[serde(with = "json_number")]
    pub auroc_b: f64,
    /// The second area minus the first. The interval comes from a bootstrap over exams, with the
    /// same resamples for both models.
    pub delta_auroc: Estimate,
    /// DeLong's z, see [`DelongPair::z`](crate::DelongPair::z).
    #[serde(with = "json_number")]
    pub delong_z: f64,
    /// DeLong's two-sided p value, which assumes that samples are independent.
    #[serde(with = "json_number")]
    pub delong_p: f64,
    /// The areas among slices at the same height; `None` above the level of slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_height: Option<SameHeightComparison>,
    /// Reasons why some of the numbers are undefined or weak, in sentences.
    pub warnings: Vec<String>,
    /// Options of the comparison.
    pub options: EvaluateOptions,
}

/// Two models' areas under the ROC curve among slices at the same height, see
/// [`same_height_auroc`](crate::same_height_auroc).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SameHeightComparison {
    /// The first model's area.
    #[serde(with = "json_number")]
    pub auroc_a: f64,
    /// The second model's area.
    #[serde(with = "json_number")]
    pub auroc_b: f64,
    /// The second area minus the first, with the interval of the same resamples for both models.
    pub delta_auroc: Estimate,
    /// The two-sided p value of the same resamples, see [`bootstrap_p`]. It assumes that exams are
    /// independent, not slices.
    #[serde(with = "json_number")]
    pub p: f64,
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
///         probability: None,
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
/// [`MetricsError::Different`] with the first difference between the two models' exams; other
/// errors for options out of range, and for no labelled sample.
pub fn compare(
    a: &Scores,
    b: &Scores,
    level: Level,
    options: &EvaluateOptions,
) -> Result<Comparison, MetricsError> {
    compare_watched(a, b, level, options, &Work::silent())
}

/// Like [`compare`], with progress and stop requests.
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
    let samples = [labelled(a, level)?, labelled(b, level)?];
    let pairs = [a, b].map(|scores| height_pairs(scores, level, options));
    let replicates = replicates(&samples, &pairs, options, work)?;
    let [samples_a, samples_b] = &samples;
    let pair = delong_pair(
        &samples_a.labels,
        &samples_a.probabilities,
        &samples_b.probabilities,
    );
    let n_exams = samples_a.n_exams();
    let mut comparison = Comparison {
        model_a: a.model().to_owned(),
        model_b: b.model().to_owned(),
        target: a.target().to_owned(),
        level,
        n_samples: samples_a.len(),
        n_positive: samples_a.n_positive(),
        n_exams,
        auroc_a: pair.a.auroc,
        auroc_b: pair.b.auroc,
        delta_auroc: estimate(pair.delta, deltas(&replicates, |r| r.auroc), options),
        delong_z: pair.z,
        delong_p: pair.p,
        same_height: same_height(&pairs, &replicates, options),
        warnings: Vec::new(),
        options: *options,
    };
    comparison.warnings = warnings(&comparison, &pairs[0], &replicates);
    Ok(comparison)
}

/// The areas of both models in one resample.
struct Areas {
    auroc: [f64; 2],
    /// NaN above the level of slices.
    same_height: [f64; 2],
}

fn replicates(
    samples: &[Samples; 2],
    pairs: &[Option<HeightPairs>; 2],
    options: &EvaluateOptions,
    work: &Work,
) -> Result<Vec<Areas>, MetricsError> {
    // The labels are equal, so both models' samples come from the same exams.
    let (exams, n_exams) = exam_numbers(&samples[0]);
    let rankings = samples
        .each_ref()
        .map(|samples| Ranking::new(samples, &exams));
    let bootstrap = Bootstrap {
        replicates: options.replicates,
        seed: options.seed,
        n_exams,
    };
    let areas = |times: &[u32]| Areas {
        auroc: rankings
            .each_ref()
            .map(|ranking| ranking.areas(times).auroc),
        same_height: pairs
            .each_ref()
            .map(|pairs| pairs.as_ref().map_or(f64::NAN, |pairs| pairs.auroc(times))),
    };
    Ok(bootstrap.run(areas, work)?)
}

/// Returns the differences of all resamples.
fn deltas(replicates: &[Areas], of: fn(&Areas) -> [f64; 2]) -> Vec<f64> {
    let both = replicates.iter().map(of);
    both.map(|[a, b]| b - a).collect()
}

fn estimate(value: f64, replicates: Vec<f64>, options: &EvaluateOptions) -> Estimate {
    let (low, high) = percentile_interval(replicates, options.confidence);
    Estimate { value, low, high }
}

fn same_height(
    pairs: &[Option<HeightPairs>; 2],
    replicates: &[Areas],
    options: &EvaluateOptions,
) -> Option<SameHeightComparison> {
    let [a, b] = pairs.each_ref().map(Option::as_ref);
    let (auroc_a, auroc_b) = (a?.auroc_of_all(), b?.auroc_of_all());
    let deltas = deltas(replicates, |r| r.same_height);
    Some(SameHeightComparison {
        auroc_a,
        auroc_b,
        p: bootstrap_p(&deltas),
        delta_auroc: estimate(auroc_b - auroc_a, deltas, options),
    })
}

fn warnings(
    comparison: &Comparison,
    pairs: &Option<HeightPairs>,
    replicates: &[Areas],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if comparison.delta_auroc.value.is_nan() {
        warnings.push("samples of one class only: the AUROC is undefined".to_owned());
    } else {
        warnings.extend(undefined_resamples(replicates.iter().map(|r| r.auroc[0])));
        // Both models have the same pairs.
        let same_height = replicates.iter().map(|r| r.same_height[0]);
        warnings.extend(
            pairs
                .iter()
                .flat_map(|pairs| pairs.warnings(same_height.clone())),
        );
    }
    warnings.extend(few_exams(comparison.n_exams));
    warnings
}

/// Returns `b` with its exams in the order of `a`'s. An error if they differ in exams or labels.
fn in_order_of(a: &Scores, b: &Scores) -> Result<Scores, MetricsError> {
    let different = |difference: String| MetricsError::Different {
        a: a.model().to_owned(),
        b: b.model().to_owned(),
        difference,
    };
    if a.target() != b.target() {
        let (a, b) = (a.target(), b.target());
        return Err(different(format!(
            "the first is for {a}, the second for {b}"
        )));
    }
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
        None => Ok(Scores::new(b.model(), ordered)?.with_target(b.target())),
    }
}

/// Returns the first difference between two models' labels of one exam.
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
