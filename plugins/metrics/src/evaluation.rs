use pe_binding::Work;
use serde::{Deserialize, Serialize};

use crate::same_height::HeightPairs;
use crate::threshold::{labelled, threshold};
use crate::weighted::{ExamSums, Ranking, exam_numbers};
use crate::words::counted;
use crate::{
    Bootstrap, CalibrationBin, Confusion, Estimate, EvaluateOptions, Level, MetricsError, PrCurve,
    RocCurve, SameHeight, Samples, Scores, ThresholdFrom, auroc, average_precision, brier,
    calibration, calibration_error, delong, json_number, percentile_interval,
    precision_recall_curve, roc_curve,
};

/// One model's metrics at one level. All intervals except DeLong's come from a bootstrap over
/// exams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The model's name.
    pub model: String,
    /// The target, a column of the label table.
    pub target: String,
    /// The level of the samples.
    pub level: Level,
    /// Number of labelled samples.
    pub n_samples: usize,
    /// Number of positive samples.
    pub n_positive: usize,
    /// Number of exams with at least one labelled sample.
    pub n_exams: usize,
    /// A probability equal to it or above is called positive. The intervals treat it as fixed.
    #[serde(with = "json_number")]
    pub threshold: f64,
    /// Source of the threshold.
    pub threshold_from: ThresholdFrom,
    /// The counts at the threshold.
    pub confusion: Confusion,
    /// See [`Confusion::accuracy`].
    pub accuracy: Estimate,
    /// See [`Confusion::sensitivity`].
    pub sensitivity: Estimate,
    /// See [`Confusion::specificity`].
    pub specificity: Estimate,
    /// See [`Confusion::precision`].
    pub precision: Estimate,
    /// See [`Confusion::f1`].
    pub f1: Estimate,
    /// See [`auroc`]; with the bootstrap's interval.
    pub auroc: Estimate,
    /// The same area with DeLong's interval, which assumes that samples are independent.
    pub auroc_delong: Estimate,
    /// See [`same_height_auroc`](crate::same_height_auroc); `None` above the level of slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_height_auroc: Option<SameHeight>,
    /// See [`average_precision`].
    pub average_precision: Estimate,
    /// See [`brier`].
    pub brier: Estimate,
    /// See [`calibration_error`].
    #[serde(with = "json_number")]
    pub calibration_error: f64,
    /// The curve, without intermediate points.
    pub roc: RocCurve,
    /// The curve, without intermediate points.
    pub precision_recall: PrCurve,
    /// The bins that hold samples.
    pub calibration: Vec<CalibrationBin>,
    /// Reasons why some of the numbers are undefined or weak, in sentences.
    pub warnings: Vec<String>,
    /// Options of the evaluation.
    pub options: EvaluateOptions,
}

/// Evaluates `scores` on the labelled samples of `level`.
///
/// The threshold is that of the scores for the level ([`Scores::threshold_at`]). If they have none,
/// it is the one with the greatest Youden index on these samples, marked
/// [`ThresholdFrom::SameSamples`]. [`EvaluateOptions::slab`] is not used: `level` has the length of
/// a slab.
///
/// ```
/// use pe_metrics::{EvaluateOptions, ExamScores, Level, Scores, ThresholdFrom, evaluate};
/// let exams = (0..20).map(|exam| ExamScores {
///     exam: format!("1.2.{exam}"),
///     positive: Some(exam % 2 == 0),
///     probability: None,
///     labels: vec![Some(false), Some(exam % 2 == 0)],
///     probabilities: vec![0.1, if exam % 4 == 0 { 0.9 } else { 0.2 }],
/// });
/// let scores = Scores::new("effnet", exams.collect())?.with_threshold(0.5);
/// let found = evaluate(&scores, Level::Slice, &EvaluateOptions::default())?;
/// assert_eq!((found.n_samples, found.n_positive, found.n_exams), (40, 10, 20));
/// assert_eq!((found.sensitivity.value, found.specificity.value), (0.5, 1.0));
/// assert_eq!(found.threshold_from, ThresholdFrom::Validation);
/// assert!(found.auroc.low < found.auroc.value);
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// For options out of range, a threshold that is not finite, and no labelled sample.
pub fn evaluate(
    scores: &Scores,
    level: Level,
    options: &EvaluateOptions,
) -> Result<Evaluation, MetricsError> {
    evaluate_watched(scores, level, options, &Work::silent())
}

/// Like [`evaluate`], with progress and stop requests.
///
/// # Errors
/// As [`evaluate`], and [`MetricsError::Interrupted`].
pub fn evaluate_watched(
    scores: &Scores,
    level: Level,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<Evaluation, MetricsError> {
    options.check()?;
    let samples = labelled(scores, level)?;
    let (threshold, threshold_from) = threshold(scores, level, &samples)?;
    let (labels, probabilities) = (&samples.labels, &samples.probabilities);
    let confusion = Confusion::at(labels, probabilities, threshold);
    let pairs = height_pairs(scores, level, options);
    let replicates = replicates(&samples, threshold, pairs.as_ref(), options, work)?;
    let interval = |of: fn(&Statistics) -> f64| {
        percentile_interval(replicates.iter().map(of).collect(), options.confidence)
    };
    let estimate = |value: f64, of: fn(&Statistics) -> f64| {
        let (low, high) = interval(of);
        Estimate { value, low, high }
    };
    let bins = calibration(labels, probabilities, options.bins);
    let mut evaluation = Evaluation {
        model: scores.model().to_owned(),
        target: scores.target().to_owned(),
        level,
        n_samples: samples.len(),
        n_positive: samples.n_positive(),
        n_exams: samples.n_exams(),
        threshold,
        threshold_from,
        confusion,
        accuracy: estimate(confusion.accuracy(), |r| r.confusion.accuracy()),
        sensitivity: estimate(confusion.sensitivity(), |r| r.confusion.sensitivity()),
        specificity: estimate(confusion.specificity(), |r| r.confusion.specificity()),
        precision: estimate(confusion.precision(), |r| r.confusion.precision()),
        f1: estimate(confusion.f1(), |r| r.confusion.f1()),
        auroc: estimate(auroc(labels, probabilities), |r| r.auroc),
        auroc_delong: delong(labels, probabilities).interval(options.confidence),
        same_height_auroc: pairs
            .as_ref()
            .map(|pairs| pairs.result(interval(|r| r.same_height))),
        average_precision: estimate(average_precision(labels, probabilities), |r| {
            r.average_precision
        }),
        brier: estimate(brier(labels, probabilities), |r| r.brier),
        calibration_error: calibration_error(&bins),
        roc: roc_curve(labels, probabilities, true),
        precision_recall: precision_recall_curve(labels, probabilities, true),
        calibration: bins,
        warnings: Vec::new(),
        options: *options,
    };
    evaluation.warnings = warnings(&evaluation, pairs.as_ref(), &replicates);
    Ok(evaluation)
}

/// The numbers with a bootstrap interval, of one resample.
struct Statistics {
    confusion: Confusion,
    auroc: f64,
    /// NaN above the level of slices.
    same_height: f64,
    average_precision: f64,
    brier: f64,
}

/// Returns the pairs of slices at the same height; `None` above the level of slices.
pub(crate) fn height_pairs(
    scores: &Scores,
    level: Level,
    options: &EvaluateOptions,
) -> Option<HeightPairs> {
    let of_slices = level == Level::Slice;
    of_slices.then(|| HeightPairs::new(scores, options.height_tolerance, |_, _| true))
}

fn replicates(
    samples: &Samples,
    threshold: f64,
    pairs: Option<&HeightPairs>,
    options: &EvaluateOptions,
    work: &Work,
) -> Result<Vec<Statistics>, MetricsError> {
    let (exams, n_exams) = exam_numbers(samples);
    let ranking = Ranking::new(samples, &exams);
    let sums = ExamSums::new(samples, &exams, n_exams, threshold);
    let bootstrap = Bootstrap {
        replicates: options.replicates,
        seed: options.seed,
        n_exams,
    };
    let statistics = |times: &[u32]| {
        let areas = ranking.areas(times);
        let (confusion, brier) = sums.total(times);
        Statistics {
            confusion,
            auroc: areas.auroc,
            same_height: pairs.map_or(f64::NAN, |pairs| pairs.auroc(times)),
            average_precision: areas.average_precision,
            brier,
        }
    };
    Ok(bootstrap.run(statistics, work)?)
}

fn warnings(
    evaluation: &Evaluation,
    pairs: Option<&HeightPairs>,
    replicates: &[Statistics],
) -> Vec<String> {
    let mut warnings = Vec::new();
    let one_class = match evaluation.n_positive {
        0 => Some("negative: the areas and the sensitivity are undefined"),
        n if n == evaluation.n_samples => {
            Some("positive: the AUROC and the specificity are undefined")
        }
        _ => None,
    };
    if let Some(class) = one_class {
        warnings.push(format!("every sample is {class}"));
    } else {
        warnings.extend(undefined_resamples(replicates.iter().map(|r| r.auroc)));
        let same_height = || replicates.iter().map(|r| r.same_height);
        warnings.extend(pairs.map_or_else(Vec::new, |pairs| pairs.warnings(same_height())));
    }
    if evaluation.threshold_from == ThresholdFrom::Half {
        warnings.push("the threshold is 0.5: samples of one class allow no choice".to_owned());
    }
    if evaluation.confusion.calls_nothing_positive() {
        warnings
            .push("nothing is called positive: precision and F1 are 0 by convention".to_owned());
    }
    warnings.extend(few_exams(evaluation.n_exams));
    warnings
}

/// Returns a warning if some resamples have one class only.
pub(crate) fn undefined_resamples(areas: impl Iterator<Item = f64>) -> Option<String> {
    let (mut undefined, mut all) = (0, 0);
    for area in areas {
        undefined += usize::from(area.is_nan());
        all += 1;
    }
    (undefined > 0).then(|| {
        format!("{undefined} of {all} resamples hold one class only and are left out of the AUROC's interval")
    })
}

/// With fewer exams we warn. Percentile intervals of few clusters are well known to be too narrow;
/// the exact number is ours.
const FEW_EXAMS: usize = 10;

/// Returns a warning if there are too few exams for a bootstrap.
pub(crate) fn few_exams(n_exams: usize) -> Option<String> {
    let exams = counted(n_exams, "exam");
    (n_exams < FEW_EXAMS)
        .then(|| format!("{exams}: too few for the bootstrap's intervals to be trusted"))
}
