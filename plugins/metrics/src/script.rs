//! `metrics` in Rhai: scores from plain data, evaluations, comparisons, the worst errors.

use std::sync::Arc;

use pe_binding::script::{ScriptResult, number, options, raise, runtime_error, work};
use rhai::def_package;
use rhai::plugin::*;
use rhai::{Array, FLOAT, INT, Map};
use serde::Deserialize;

use crate::options::NamedLevelOptions;
use crate::{
    Comparison, Confusion, Estimate, EvaluateOptions, Evaluation, ExamScores, Level, Mistake,
    Samples, Scores, auroc, average_precision, choose_threshold, compare_watched, evaluate_watched,
    mistakes,
};

/// An evaluation as a script value.
pub type EvaluationHandle = Arc<Evaluation>;
/// A comparison as a script value.
pub type ComparisonHandle = Arc<Comparison>;

def_package! {
    /// How well probabilities fit labels.
    pub MetricsPackage(module) {
        module.set_custom_type::<Scores>("Scores");
        module.set_custom_type::<EvaluationHandle>("Evaluation");
        module.set_custom_type::<ComparisonHandle>("Comparison");
        combine_with_exported_module!(module, "metrics", metrics);
    }
}

/// One exam of `metrics::scores`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExamMap {
    exam: String,
    positive: Option<bool>,
    labels: Vec<Option<bool>>,
    probabilities: Vec<f64>,
}

/// An exam from its map, `of` being the function that was called.
fn exam(of: &str, map: &Map) -> ScriptResult<ExamScores> {
    let map: ExamMap = options(of, map)?;
    Ok(ExamScores {
        exam: map.exam,
        positive: map.positive,
        labels: map.labels,
        probabilities: map.probabilities,
    })
}

/// The samples of plain arrays, all of one exam.
fn samples(of: &str, labels: Array, probabilities: Array) -> ScriptResult<Samples> {
    let map = Map::from([
        ("labels".into(), labels.into()),
        ("probabilities".into(), probabilities.into()),
    ]);
    let scores = Scores::new("", vec![exam(of, &map)?]).map_err(raise)?;
    Ok(scores.samples(Level::Slice))
}

/// The level and the options of a call.
fn level(of: &str, map: &Map) -> ScriptResult<(Level, EvaluateOptions)> {
    let named: NamedLevelOptions = options(of, map)?;
    named.split().map_err(raise)
}

fn numbers<const N: usize>(entries: [(&str, f64); N]) -> Map {
    entries
        .into_iter()
        .map(|(name, value)| (name.into(), Dynamic::from(value as FLOAT)))
        .collect()
}

fn estimate(of: &Estimate) -> Map {
    numbers([
        ("value", of.value),
        ("lower", of.lower),
        ("upper", of.upper),
    ])
}

fn confusion(of: &Confusion) -> Map {
    let counts = [
        ("true_positives", of.true_positives),
        ("false_positives", of.false_positives),
        ("true_negatives", of.true_negatives),
        ("false_negatives", of.false_negatives),
    ];
    counts
        .into_iter()
        .map(|(name, count)| (name.into(), (count as INT).into()))
        .collect()
}

fn list(values: &[f64]) -> Dynamic {
    let items: Array = values
        .iter()
        .map(|value| Dynamic::from(*value as FLOAT))
        .collect();
    items.into()
}

fn texts(values: &[String]) -> Array {
    values.iter().map(|value| value.clone().into()).collect()
}

fn mistake(of: Mistake) -> Dynamic {
    Map::from([
        ("exam".into(), of.exam.into()),
        ("slice_idx".into(), (of.slice_idx as INT).into()),
        ("probability".into(), (of.probability as FLOAT).into()),
        ("label".into(), of.label.into()),
        ("kind".into(), of.kind.to_string().into()),
    ])
    .into()
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod metrics {
    use rhai::NativeCallContext;

    /// A model's scores from plain data: one map an exam, with `exam` (its name), `labels` (true,
    /// false, or `()` for unlabelled, by slice), `probabilities` (in [0, 1], as many), and, where it
    /// is known, `positive` (the exam's own label).
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    /// ]);
    /// ```
    #[rhai_fn(return_raw)]
    pub fn scores(model: &str, exams: Array) -> ScriptResult<Scores> {
        let of = "an exam of metrics::scores()";
        let exams = exams.into_iter().map(|value| {
            let found = value.type_name();
            let wrong = || {
                runtime_error(
                    "argument.invalid",
                    &format!("expected {of} as a map, found a {found}"),
                    None,
                )
            };
            exam(of, &value.try_cast::<Map>().ok_or_else(wrong)?)
        });
        Scores::new(model, exams.collect::<ScriptResult<_>>()?).map_err(raise)
    }

    /// The model's name.
    #[rhai_fn(global, get = "model", pure)]
    pub fn scores_model(scores: &mut Scores) -> String {
        scores.model().to_owned()
    }

    /// The number of exams.
    #[rhai_fn(global, get = "n_exams", pure)]
    pub fn scores_n_exams(scores: &mut Scores) -> INT {
        scores.exams().len() as INT
    }

    /// The threshold for slices; `()` where none was chosen.
    #[rhai_fn(global, get = "threshold", pure)]
    pub fn scores_threshold(scores: &mut Scores) -> Dynamic {
        let threshold = scores.threshold();
        threshold.map_or(Dynamic::UNIT, |value| Dynamic::from(value as FLOAT))
    }

    /// The same scores with a threshold chosen elsewhere, such as on the validation part. It holds
    /// for slabs and exams too, unless they have their own.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    /// ]);
    /// let scores = scores.with_threshold(metrics::youden(scores).threshold);
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn with_threshold(scores: &mut Scores, threshold: Dynamic) -> ScriptResult<Scores> {
        Ok(scores.with_threshold(number("threshold", &threshold)?))
    }

    /// The same scores with a threshold for one level, as in
    /// `scores.with_threshold(0.7, #{ level: "exam" })`.
    #[rhai_fn(global, name = "with_threshold", return_raw, pure)]
    pub fn with_threshold_at(
        scores: &mut Scores,
        threshold: Dynamic,
        settings: Map,
    ) -> ScriptResult<Scores> {
        let (level, _) = level("with_threshold()", &settings)?;
        Ok(scores.with_threshold_at(level, number("threshold", &threshold)?))
    }

    /// The same scores without a threshold: an evaluation then chooses its own, which is optimistic.
    #[rhai_fn(global, pure)]
    pub fn without_threshold(scores: &mut Scores) -> Scores {
        scores.without_threshold()
    }

    /// The `n` worst false positives and the `n` worst false negatives among the slices, the worst
    /// first, each a map `#{exam, slice_idx, probability, label, kind}` where `kind` is "false
    /// positive" or "false negative".
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.7, 0.8] },
    /// ]);
    /// let worst = scores.with_threshold(0.5).errors(4);
    /// print(worst[0].kind); // false positive
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn errors(scores: &mut Scores, n: INT) -> ScriptResult<Array> {
        let negative = |_| {
            runtime_error(
                "argument.invalid",
                &format!("expected `n` from 0, found {n}"),
                None,
            )
        };
        let found = mistakes(scores, usize::try_from(n).map_err(negative)?).map_err(raise)?;
        Ok(found.into_iter().map(mistake).collect())
    }

    /// The scores in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn scores_to_string(scores: &mut Scores) -> String {
        scores.to_string()
    }

    /// The area under the ROC curve of plain arrays; NaN for one class only.
    ///
    /// ```rhai
    /// let area = metrics::auroc([false, false, true, true], [0.1, 0.4, 0.4, 0.8]);
    /// print(area); // 0.875
    /// ```
    #[rhai_fn(name = "auroc", return_raw)]
    pub fn auroc_of(labels: Array, probabilities: Array) -> ScriptResult<FLOAT> {
        let samples = samples("metrics::auroc()", labels, probabilities)?;
        Ok(auroc(&samples.labels, &samples.probabilities) as FLOAT)
    }

    /// The average precision of plain arrays; NaN without positives.
    ///
    /// ```rhai
    /// let found = metrics::average_precision([false, true], [0.1, 0.8]);
    /// ```
    #[rhai_fn(name = "average_precision", return_raw)]
    pub fn average_precision_of(labels: Array, probabilities: Array) -> ScriptResult<FLOAT> {
        let samples = samples("metrics::average_precision()", labels, probabilities)?;
        Ok(average_precision(&samples.labels, &samples.probabilities) as FLOAT)
    }

    /// The threshold of the slices with the greatest Youden index, as a map `#{threshold,
    /// sensitivity, specificity, index}`. Choose it on a validation part, never on the test part.
    ///
    /// ```rhai
    /// let validation = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    /// ]);
    /// print(metrics::youden(validation).threshold); // 0.8
    /// ```
    #[rhai_fn(name = "youden", return_raw)]
    pub fn youden_of(scores: Scores) -> ScriptResult<Map> {
        youden_at(scores, Map::new())
    }

    /// The same at another level, as in `metrics::youden(validation, #{ level: "exam" })`.
    #[rhai_fn(name = "youden", return_raw)]
    pub fn youden_at(scores: Scores, settings: Map) -> ScriptResult<Map> {
        let (level, _) = level("metrics::youden()", &settings)?;
        let found = choose_threshold(&scores, level).map_err(raise)?;
        Ok(numbers([
            ("threshold", found.threshold),
            ("sensitivity", found.sensitivity),
            ("specificity", found.specificity),
            ("index", found.index),
        ]))
    }

    /// Evaluates a model's slices with the default settings.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    /// ]);
    /// print(metrics::evaluate(scores));
    /// ```
    #[rhai_fn(name = "evaluate", return_raw)]
    pub fn evaluate(context: NativeCallContext, scores: Scores) -> ScriptResult<EvaluationHandle> {
        evaluate_with(context, scores, Map::new())
    }

    /// Evaluates a model with settings of your own:
    ///
    /// | setting | default | meaning |
    /// |---|---|---|
    /// | `level` | `"slice"` | what a sample is: `"slice"`; `"slab"`, positive when any of its slices is; `"exam"` |
    /// | `slab` | 32 | slices in a slab |
    /// | `replicates` | 1000 | resamples of the exams, for the intervals |
    /// | `confidence` | 0.95 | of the intervals |
    /// | `seed` | 0 | of the resamples |
    /// | `bins` | 10 | of the calibration |
    ///
    /// The threshold is that of the scores; without one it is chosen on these samples by the Youden
    /// index, and `threshold_from` says so: "validation", "same_samples", or "half" where the samples are of
    /// one class and the threshold is 0.5.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    ///     #{ exam: "1.2.4", labels: [false, false], probabilities: [0.3, 0.2] },
    /// ]);
    /// let found = metrics::evaluate(scores.with_threshold(0.5), #{ level: "exam", replicates: 200 });
    /// print(found.auroc.value);
    /// print(found.confusion.true_positives);
    /// ```
    #[rhai_fn(name = "evaluate", return_raw)]
    pub fn evaluate_with(
        context: NativeCallContext,
        scores: Scores,
        settings: Map,
    ) -> ScriptResult<EvaluationHandle> {
        let (level, options) = level("metrics::evaluate()", &settings)?;
        evaluate_watched(&scores, level, &options, &work(&context))
            .map(Arc::new)
            .map_err(raise)
    }

    /// Compares two models' slices with the default settings.
    ///
    /// ```rhai
    /// let exams = [#{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] }];
    /// let a = metrics::scores("effnet", exams);
    /// let b = metrics::scores("effnet_lstm", exams);
    /// print(metrics::compare(a, b));
    /// ```
    #[rhai_fn(name = "compare", return_raw)]
    pub fn compare(
        context: NativeCallContext,
        a: Scores,
        b: Scores,
    ) -> ScriptResult<ComparisonHandle> {
        compare_with(context, a, b, Map::new())
    }

    /// Compares two models, which scored the same exams with the same labels; the settings are those
    /// of `metrics::evaluate`. The difference is that of the second model from the first.
    ///
    /// ```rhai
    /// let exams = [#{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] }];
    /// let a = metrics::scores("effnet", exams);
    /// let b = metrics::scores("effnet_lstm", exams);
    /// let found = metrics::compare(a, b, #{ replicates: 200 });
    /// print(found.delta_auroc.value);
    /// ```
    #[rhai_fn(name = "compare", return_raw)]
    pub fn compare_with(
        context: NativeCallContext,
        a: Scores,
        b: Scores,
        settings: Map,
    ) -> ScriptResult<ComparisonHandle> {
        let (level, options) = level("metrics::compare()", &settings)?;
        compare_watched(&a, &b, level, &options, &work(&context))
            .map(Arc::new)
            .map_err(raise)
    }

    /// The model's name.
    #[rhai_fn(global, get = "model", pure)]
    pub fn evaluation_model(evaluation: &mut EvaluationHandle) -> String {
        evaluation.model.clone()
    }

    /// What a sample is, in words.
    #[rhai_fn(global, get = "level", pure)]
    pub fn evaluation_level(evaluation: &mut EvaluationHandle) -> String {
        evaluation.level.to_string()
    }

    /// The number of labelled samples.
    #[rhai_fn(global, get = "n_samples", pure)]
    pub fn evaluation_n_samples(evaluation: &mut EvaluationHandle) -> INT {
        evaluation.n_samples as INT
    }

    /// The number of positive samples.
    #[rhai_fn(global, get = "n_positive", pure)]
    pub fn evaluation_n_positive(evaluation: &mut EvaluationHandle) -> INT {
        evaluation.n_positive as INT
    }

    /// The number of exams with labelled samples.
    #[rhai_fn(global, get = "n_exams", pure)]
    pub fn evaluation_n_exams(evaluation: &mut EvaluationHandle) -> INT {
        evaluation.n_exams as INT
    }

    /// What makes some of the numbers undefined or weak, in sentences.
    #[rhai_fn(global, get = "warnings", pure)]
    pub fn evaluation_warnings(evaluation: &mut EvaluationHandle) -> Array {
        texts(&evaluation.warnings)
    }

    /// The threshold: a probability equal to it or above is called positive.
    #[rhai_fn(global, get = "threshold", pure)]
    pub fn evaluation_threshold(evaluation: &mut EvaluationHandle) -> FLOAT {
        evaluation.threshold as FLOAT
    }

    /// Who chose the threshold: "validation" (the scores brought it), "same_samples" (optimistic), or "half" (0.5, where one class allows no choice).
    #[rhai_fn(global, get = "threshold_from", pure)]
    pub fn evaluation_threshold_from(evaluation: &mut EvaluationHandle) -> String {
        evaluation.threshold_from.to_string()
    }

    /// The counts at the threshold: `#{true_positives, false_positives, true_negatives, false_negatives}`.
    #[rhai_fn(global, get = "confusion", pure)]
    pub fn evaluation_confusion(evaluation: &mut EvaluationHandle) -> Map {
        confusion(&evaluation.confusion)
    }

    /// The share of samples called right, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "accuracy", pure)]
    pub fn evaluation_accuracy(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.accuracy)
    }

    /// The share of positives called positive, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "sensitivity", pure)]
    pub fn evaluation_sensitivity(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.sensitivity)
    }

    /// The share of negatives called negative, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "specificity", pure)]
    pub fn evaluation_specificity(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.specificity)
    }

    /// The share of called positives that are positive, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "precision", pure)]
    pub fn evaluation_precision(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.precision)
    }

    /// The harmonic mean of precision and sensitivity, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "f1", pure)]
    pub fn evaluation_f1(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.f1)
    }

    /// The area under the ROC curve, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "auroc", pure)]
    pub fn evaluation_auroc(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.auroc)
    }

    /// The area under the ROC curve with DeLong's interval, which takes samples to be independent, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "auroc_delong", pure)]
    pub fn evaluation_auroc_delong(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.auroc_delong)
    }

    /// The average precision, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "average_precision", pure)]
    pub fn evaluation_average_precision(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.average_precision)
    }

    /// The Brier score, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "brier", pure)]
    pub fn evaluation_brier(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.brier)
    }

    /// The expected calibration error.
    #[rhai_fn(global, get = "calibration_error", pure)]
    pub fn evaluation_calibration_error(evaluation: &mut EvaluationHandle) -> FLOAT {
        evaluation.calibration_error as FLOAT
    }

    /// The ROC curve, as `#{thresholds, false_positive_rate, sensitivity}`, each an array.
    #[rhai_fn(global, get = "roc", pure)]
    pub fn evaluation_roc(evaluation: &mut EvaluationHandle) -> Map {
        let curve = &evaluation.roc;
        Map::from([
            ("thresholds".into(), list(&curve.thresholds)),
            (
                "false_positive_rate".into(),
                list(&curve.false_positive_rate),
            ),
            ("sensitivity".into(), list(&curve.sensitivity)),
        ])
    }

    /// The precision-recall curve, as `#{thresholds, precision, recall}`, each an array.
    #[rhai_fn(global, get = "precision_recall", pure)]
    pub fn evaluation_precision_recall(evaluation: &mut EvaluationHandle) -> Map {
        let curve = &evaluation.precision_recall;
        Map::from([
            ("thresholds".into(), list(&curve.thresholds)),
            ("precision".into(), list(&curve.precision)),
            ("recall".into(), list(&curve.recall)),
        ])
    }

    /// The evaluation as a table in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn evaluation_to_string(evaluation: &mut EvaluationHandle) -> String {
        evaluation.to_string()
    }

    /// The first model's name.
    #[rhai_fn(global, get = "model_a", pure)]
    pub fn comparison_model_a(comparison: &mut ComparisonHandle) -> String {
        comparison.model_a.clone()
    }

    /// The second model's name.
    #[rhai_fn(global, get = "model_b", pure)]
    pub fn comparison_model_b(comparison: &mut ComparisonHandle) -> String {
        comparison.model_b.clone()
    }

    /// What a sample is, in words.
    #[rhai_fn(global, get = "level", pure)]
    pub fn comparison_level(comparison: &mut ComparisonHandle) -> String {
        comparison.level.to_string()
    }

    /// The number of labelled samples.
    #[rhai_fn(global, get = "n_samples", pure)]
    pub fn comparison_n_samples(comparison: &mut ComparisonHandle) -> INT {
        comparison.n_samples as INT
    }

    /// The number of positive samples.
    #[rhai_fn(global, get = "n_positive", pure)]
    pub fn comparison_n_positive(comparison: &mut ComparisonHandle) -> INT {
        comparison.n_positive as INT
    }

    /// The number of exams with labelled samples.
    #[rhai_fn(global, get = "n_exams", pure)]
    pub fn comparison_n_exams(comparison: &mut ComparisonHandle) -> INT {
        comparison.n_exams as INT
    }

    /// What makes some of the numbers undefined or weak, in sentences.
    #[rhai_fn(global, get = "warnings", pure)]
    pub fn comparison_warnings(comparison: &mut ComparisonHandle) -> Array {
        texts(&comparison.warnings)
    }

    /// The first model's area under the ROC curve.
    #[rhai_fn(global, get = "auroc_a", pure)]
    pub fn comparison_auroc_a(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.auroc_a as FLOAT
    }

    /// The second model's area under the ROC curve.
    #[rhai_fn(global, get = "auroc_b", pure)]
    pub fn comparison_auroc_b(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.auroc_b as FLOAT
    }

    /// The second area minus the first, as `#{value, lower, upper}`.
    #[rhai_fn(global, get = "delta_auroc", pure)]
    pub fn comparison_delta_auroc(comparison: &mut ComparisonHandle) -> Map {
        estimate(&comparison.delta_auroc)
    }

    /// DeLong's z; NaN where nothing differs.
    #[rhai_fn(global, get = "delong_z", pure)]
    pub fn comparison_delong_z(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.delong_z as FLOAT
    }

    /// DeLong's two-sided p value, which takes samples to be independent.
    #[rhai_fn(global, get = "delong_p", pure)]
    pub fn comparison_delong_p(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.delong_p as FLOAT
    }

    /// The comparison in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn comparison_to_string(comparison: &mut ComparisonHandle) -> String {
        comparison.to_string()
    }
}
