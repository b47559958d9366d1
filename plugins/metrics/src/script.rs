//! `metrics` in Rhai: scores from plain data, evaluations, comparisons, the worst errors.

use std::sync::Arc;

use pe_binding::script::{ScriptResult, number, options, raise, runtime_error, work};
use rhai::def_package;
use rhai::plugin::*;
use rhai::{Array, FLOAT, INT, Map};
use serde::Deserialize;

use crate::options::NamedLevelOptions;
use crate::{
    Comparison, Confusion, Estimate, EvaluateOptions, Evaluation, ExamScores, GroupEvaluation,
    GroupPe, GroupSlices, Groups, Level, MetricsError, Mistake, SameHeight, SameHeightComparison,
    Samples, Scores, auroc, average_precision, choose_threshold, compare_watched,
    evaluate_groups_watched, evaluate_watched, mistakes,
};

/// An evaluation as a script value.
pub type EvaluationHandle = Arc<Evaluation>;
/// A comparison as a script value.
pub type ComparisonHandle = Arc<Comparison>;

/// Groups of slices as a script value.
pub type GroupsHandle = Arc<Groups>;

def_package! {
    /// How well probabilities fit labels.
    pub MetricsPackage(module) {
        module.set_custom_type::<Scores>("Scores");
        module.set_custom_type::<EvaluationHandle>("Evaluation");
        module.set_custom_type::<ComparisonHandle>("Comparison");
        module.set_custom_type::<GroupsHandle>("Groups");
        combine_with_exported_module!(module, "metrics", metrics);
    }
}

/// One exam of `metrics::scores`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExamMap {
    exam: String,
    positive: Option<bool>,
    probability: Option<f64>,
    labels: Vec<Option<bool>>,
    probabilities: Vec<f64>,
}

/// An exam from its map, `of` being the function that was called.
fn exam(of: &str, map: &Map) -> ScriptResult<ExamScores> {
    let map: ExamMap = options(of, map)?;
    Ok(ExamScores {
        exam: map.exam,
        positive: map.positive,
        probability: map.probability,
        labels: map.labels,
        probabilities: map.probabilities,
    })
}

/// A map, where `of` says what it is.
fn map(of: &str, value: Dynamic) -> ScriptResult<Map> {
    let found = value.type_name();
    let message = format!("expected {of} as a map, found a {found}");
    let wrong = || runtime_error("argument.invalid", &message, None);
    value.try_cast::<Map>().ok_or_else(wrong)
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

/// The options of a call that is about slices.
fn slices_only((level, options): (Level, EvaluateOptions)) -> ScriptResult<EvaluateOptions> {
    match level {
        Level::Slice => Ok(options),
        _ => Err(raise(MetricsError::Option {
            name: "level",
            expected: "\"slice\", for groups are of slices",
            found: level.to_string(),
        })),
    }
}

fn numbers<const N: usize>(entries: [(&str, f64); N]) -> Map {
    entries
        .into_iter()
        .map(|(name, value)| (name.into(), Dynamic::from(value as FLOAT)))
        .collect()
}

fn estimate(of: &Estimate) -> Map {
    numbers([("value", of.value), ("low", of.low), ("high", of.high)])
}

fn same_height(of: &SameHeight) -> Map {
    let mut map = estimate(&of.auroc);
    map.insert("n_compared".into(), (of.n_compared as INT).into());
    map.insert("n_left_out".into(), (of.n_left_out as INT).into());
    map
}

fn same_height_comparison(of: &SameHeightComparison) -> Map {
    let mut map = numbers([
        ("auroc_a", of.auroc_a),
        ("auroc_b", of.auroc_b),
        ("p", of.p),
    ]);
    map.insert("delta_auroc".into(), estimate(&of.delta_auroc).into());
    map
}

fn group(of: &GroupEvaluation) -> Dynamic {
    let pe = |part: fn(&GroupPe) -> Map| {
        let found = of.pe.as_ref().map(part);
        found.map_or(Dynamic::UNIT, Dynamic::from)
    };
    let rate = of.false_positive_rate.as_ref().map(estimate);
    Map::from([
        ("group".into(), of.group.clone().into()),
        ("n_pe_slices".into(), (of.n_pe_slices as INT).into()),
        ("n_other_slices".into(), (of.n_other_slices as INT).into()),
        ("sensitivity".into(), pe(|pe| estimate(&pe.sensitivity))),
        ("auroc".into(), pe(|pe| estimate(&pe.auroc))),
        (
            "same_height_auroc".into(),
            pe(|pe| same_height(&pe.same_height_auroc)),
        ),
        (
            "false_positive_rate".into(),
            rate.map_or(Dynamic::UNIT, Dynamic::from),
        ),
    ])
    .into()
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

fn exam_map(exam: &ExamScores) -> Dynamic {
    let positive = exam.positive.map_or(Dynamic::UNIT, Dynamic::from);
    Map::from([
        ("exam".into(), exam.exam.clone().into()),
        ("n_slices".into(), (exam.probabilities.len() as INT).into()),
        (
            "probability".into(),
            (exam.exam_probability() as FLOAT).into(),
        ),
        ("positive".into(), positive),
    ])
    .into()
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

    /// A model's scores from plain data: the labels and probabilities of the slices of each exam.
    ///
    /// `model` is its name; `exams` an array of one map an exam, with these entries:
    ///
    /// - `exam` (""): the exam's name, its series UID where other functions look it up; each only
    ///   once
    /// - `labels` ([]): by slice: true, false, or `()` for a slice without a label
    /// - `probabilities` ([]): of the target, in [0, 1], as many
    /// - `positive` (()): the exam's own label, where it is known
    /// - `probability` (()): the probability of the exam itself; without one, the greatest of its slices
    ///
    /// They are scores for `pe_present_on_image`; `with_target` says so of another target.
    ///
    /// Throws `metrics.lengths` for labels and probabilities that are not as many, or none and no
    /// `probability`;
    /// `metrics.probability` for one outside [0, 1]; `metrics.duplicate` for an exam that is there
    /// twice; `options.unknown` or `options.invalid` for another entry or type.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    ///     #{ exam: "1.2.4", labels: [false, ()], probabilities: [0.3, 0.2], positive: false },
    /// ]);
    /// print(scores); // scores of effnet: 4 slices of 2 exams, no threshold
    /// let bad = #{ exam: "1.2.5", labels: [true], probabilities: [2.5] };
    /// try { metrics::scores("effnet", [bad]); } catch (error) {
    ///     print(error.kind); // metrics.probability
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn scores(model: &str, exams: Array) -> ScriptResult<Scores> {
        let of = "an exam of metrics::scores()";
        let exams = exams.into_iter().map(|value| exam(of, &map(of, value)?));
        Scores::new(model, exams.collect::<ScriptResult<_>>()?).map_err(raise)
    }

    /// The model's name.
    #[rhai_fn(global, get = "model", pure)]
    pub fn scores_model(scores: &mut Scores) -> String {
        scores.model().to_owned()
    }

    /// The name of what the probabilities are of, a column of the label table.
    #[rhai_fn(global, get = "target", pure)]
    pub fn scores_target(scores: &mut Scores) -> String {
        scores.target().to_owned()
    }

    /// The same scores as those of another target, such as `central_pe`, which only exams have.
    ///
    /// Only scores of one target can be compared.
    ///
    /// ```rhai
    /// let central = metrics::scores("winner", [
    ///     #{ exam: "1.2.3", positive: true, probability: 0.7 },
    ///     #{ exam: "1.2.4", positive: false, probability: 0.2 },
    /// ]).with_target("central_pe");
    /// print(central); // scores of winner for central_pe: 2 exams, no threshold
    /// print(metrics::evaluate(central, #{ level: "exam" }).auroc.value); // 1.0
    /// ```
    #[rhai_fn(global, pure)]
    pub fn with_target(scores: &mut Scores, target: &str) -> Scores {
        scores.with_target(target)
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

    /// The same scores with a threshold that was chosen elsewhere, such as on the validation part.
    ///
    /// It is the threshold for slices, and holds for slabs and exams too, unless they have their
    /// own. A probability equal to it or above counts as PE.
    ///
    /// Throws `argument.invalid` for anything but a number.
    ///
    /// ```rhai
    /// let validation = model.predict(features, split.validation);
    /// let chosen = scores.with_threshold(metrics::youden(validation).threshold);
    /// print(scores.with_threshold(0.5).threshold); // 0.5
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn with_threshold(scores: &mut Scores, threshold: Dynamic) -> ScriptResult<Scores> {
        Ok(scores.with_threshold(number("threshold", &threshold)?))
    }

    /// As `scores.with_threshold(threshold)`, for one level: `settings` are the options of
    /// `metrics::evaluate`, of which `level` and `slab` count.
    ///
    /// ```rhai
    /// let both = scores.with_threshold(0.5).with_threshold(0.7, #{ level: "exam" });
    /// print(metrics::evaluate(both, #{ level: "exam", replicates: 10 }).threshold); // 0.7
    /// print(both.threshold); // 0.5
    /// ```
    #[rhai_fn(global, name = "with_threshold", return_raw, pure)]
    pub fn with_threshold_at(
        scores: &mut Scores,
        threshold: Dynamic,
        settings: Map,
    ) -> ScriptResult<Scores> {
        let (level, _) = level("with_threshold()", &settings)?;
        Ok(scores.with_threshold_at(level, number("threshold", &threshold)?))
    }

    /// The same scores without a threshold: an evaluation then chooses its own, which is
    /// optimistic.
    ///
    /// ```rhai
    /// print(scores.without_threshold().threshold == ()); // true
    /// ```
    #[rhai_fn(global, pure)]
    pub fn without_threshold(scores: &mut Scores) -> Scores {
        scores.without_threshold()
    }

    /// The `n` worst false positives and the `n` worst false negatives among the slices, the worst
    /// first.
    ///
    /// Each is a map `#{exam, slice_idx, probability, label, kind}`, where `kind` is "false
    /// positive" or "false negative". There are fewer where fewer slices are called wrong.
    ///
    /// Throws `argument.invalid` for an `n` below 0, and `metrics.no_samples` for scores without
    /// labels.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.7, 0.8] },
    /// ]);
    /// let worst = scores.with_threshold(0.5).errors(4);
    /// print(worst.len());   // 1
    /// print(worst[0].kind); // false positive
    /// print(scores.with_threshold(0.75).errors(4).len()); // 0
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

    /// Slices in groups, by what is known of them beside the label: the size of the clot, the artery
    /// that it lies in, what looks like a clot and is none.
    ///
    /// `name` says what they are grouped by, `rows` is an array of maps with these entries:
    ///
    /// - `exam` (""): the exam as the scores know it, its series UID
    /// - `group` (""): the group's name
    /// - `slices` ([]): the indices of those of its slices that belong to the group
    ///
    /// A slice may be in no group, or in several. One table may serve a whole cohort: exams that a
    /// model did not score are passed over.
    ///
    /// Throws `metrics.groups` for a group without a name; `argument.invalid`, `options.unknown` or
    /// `options.invalid` for rows of another form.
    ///
    /// ```rhai
    /// let groups = metrics::groups("clot", [
    ///     #{ exam: "1.2.3", group: "large", slices: [1] },
    ///     #{ exam: "1.2.3", group: "small", slices: [2, 3] },
    /// ]);
    /// print(groups);       // slices by clot: large, small
    /// print(groups.names); // ["large", "small"]
    /// try { metrics::groups("clot", [#{ exam: "1.2.3", slices: [1] }]); } catch (error) {
    ///     print(error.kind); // metrics.groups
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn groups(name: &str, rows: Array) -> ScriptResult<GroupsHandle> {
        let of = "a row of metrics::groups()";
        let rows = rows.into_iter().map(|row| options(of, &map(of, row)?));
        let rows = rows.collect::<ScriptResult<Vec<GroupSlices>>>()?;
        Groups::new(name, rows).map(Arc::new).map_err(raise)
    }

    /// What the slices are grouped by.
    #[rhai_fn(global, get = "name", pure)]
    pub fn groups_name(groups: &mut GroupsHandle) -> String {
        groups.name().to_owned()
    }

    /// The groups' names, in the order in which they were first given.
    #[rhai_fn(global, get = "names", pure)]
    pub fn groups_names(groups: &mut GroupsHandle) -> Array {
        texts(groups.names())
    }

    /// The groups in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn groups_to_string(groups: &mut GroupsHandle) -> String {
        groups.to_string()
    }

    /// As `scores.by(groups, settings)` with the defaults.
    ///
    /// ```rhai
    /// let uid = scores.exams[0].exam;
    /// let ends = metrics::groups("end", [#{ exam: uid, group: "lowest", slices: [0, 1, 2] }]);
    /// print(scores.by(ends).len()); // 2
    /// ```
    #[rhai_fn(global, name = "by", return_raw, pure)]
    pub fn by(
        context: NativeCallContext,
        scores: &mut Scores,
        groups: GroupsHandle,
    ) -> ScriptResult<Array> {
        by_with(context, scores, groups, Map::new())
    }

    /// Where a model fails: its numbers on each group of slices, an array of maps.
    ///
    /// A map is `#{group, n_pe_slices, n_other_slices, sensitivity, auroc, same_height_auroc,
    /// false_positive_rate}`. The group's PE slices are held against all slices of exams without PE,
    /// and `same_height_auroc` against those at the same height; both are `()` where the group has
    /// no PE slice, and so is `sensitivity`. `false_positive_rate` is the share of the group's other
    /// slices that are called PE. The last map is of the slices in none of the groups. Groups that
    /// no labelled slice is in are left out.
    ///
    /// `settings` are the options of `metrics::evaluate`, of which `level` can only be "slice".
    ///
    /// Throws `metrics.groups` for groups of other exams only, or of slices that an exam has not;
    /// and as `metrics::evaluate`.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true, true, false], probabilities: [0.1, 0.9, 0.3, 0.2] },
    ///     #{ exam: "1.2.4", labels: [false, false, false, false], probabilities: [0.2, 0.4, 0.4, 0.1] },
    /// ]);
    /// let groups = metrics::groups("clot", [
    ///     #{ exam: "1.2.3", group: "large", slices: [1] },
    ///     #{ exam: "1.2.3", group: "small", slices: [2] },
    /// ]);
    /// let found = scores.with_threshold(0.35).by(groups, #{ replicates: 10 });
    /// print(found.map(|each| each.group)); // ["large", "small", "none of these"]
    /// print(found[0].auroc.value);               // 1.0
    /// print(found[1].same_height_auroc.value);   // 0.0
    /// print(found[2].false_positive_rate.value); // 0.3333333333333333
    /// let other = metrics::groups("clot", [#{ exam: "9", group: "large", slices: [1] }]);
    /// try { scores.by(other); } catch (error) { print(error.kind); } // metrics.groups
    /// ```
    #[rhai_fn(global, name = "by", return_raw, pure)]
    pub fn by_with(
        context: NativeCallContext,
        scores: &mut Scores,
        groups: GroupsHandle,
        settings: Map,
    ) -> ScriptResult<Array> {
        let options = slices_only(level("by()", &settings)?)?;
        let found = evaluate_groups_watched(scores, &groups, &options, &work(&context));
        let found = found.map_err(raise)?;
        Ok(found.groups.iter().map(group).collect())
    }

    /// Every exam as a map `#{exam, n_slices, probability, positive}`.
    ///
    /// They are its UID, the number of its slices, the greatest probability of them, and its
    /// label, `()` without one.
    ///
    /// ```rhai
    /// let unlabelled = #{ exam: "1.2", labels: [()], probabilities: [0.7] };
    /// let scores = metrics::scores("effnet", [unlabelled]);
    /// print(scores.exams[0].probability); // 0.7
    /// ```
    #[rhai_fn(global, get = "exams", pure)]
    pub fn scores_exams(scores: &mut Scores) -> Array {
        scores.exams().iter().map(exam_map).collect()
    }

    /// The scores in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn scores_to_string(scores: &mut Scores) -> String {
        scores.to_string()
    }

    /// The area under the ROC curve of plain arrays, in [0, 1].
    ///
    /// It is the chance that a positive sample scores higher than a negative one; a tie counts one
    /// half. `labels` are true or false, or `()` for samples that do not count. NaN where there is
    /// one class only.
    ///
    /// Throws `metrics.lengths` and `metrics.probability` as `metrics::scores`.
    ///
    /// ```rhai
    /// print(metrics::auroc([false, false, true, true], [0.1, 0.4, 0.4, 0.8])); // 0.875
    /// print(metrics::auroc([true], [0.5])); // NaN
    /// ```
    #[rhai_fn(name = "auroc", return_raw)]
    pub fn auroc_of(labels: Array, probabilities: Array) -> ScriptResult<FLOAT> {
        let samples = samples("metrics::auroc()", labels, probabilities)?;
        Ok(auroc(&samples.labels, &samples.probabilities) as FLOAT)
    }

    /// The average precision of plain arrays, in [0, 1]: the sum of the steps of the
    /// precision-recall curve.
    ///
    /// It is NaN without positives, where scikit-learn gives 0. The arguments are those of
    /// `metrics::auroc`, and so is what it throws.
    ///
    /// ```rhai
    /// print(metrics::average_precision([false, true, false], [0.1, 0.8, 0.9])); // 0.5
    /// print(metrics::average_precision([false], [0.5])); // NaN
    /// ```
    #[rhai_fn(name = "average_precision", return_raw)]
    pub fn average_precision_of(labels: Array, probabilities: Array) -> ScriptResult<FLOAT> {
        let samples = samples("metrics::average_precision()", labels, probabilities)?;
        Ok(average_precision(&samples.labels, &samples.probabilities) as FLOAT)
    }

    /// The threshold of the slices with the greatest Youden index, as a map
    /// `#{threshold, sensitivity, specificity, index}`.
    ///
    /// The index is sensitivity + specificity - 1. Choose it on a validation part, never on the
    /// test part. All four are NaN where there is one class only.
    ///
    /// Throws `metrics.no_samples` for scores without labels.
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

    /// As `metrics::youden(scores)`, at another level: `settings` are the options of
    /// `metrics::evaluate`, of which `level` and `slab` count.
    ///
    /// ```rhai
    /// let validation = model.predict(features, split.validation);
    /// let chosen = metrics::youden(validation, #{ level: "exam" });
    /// print(chosen.index <= 1.0); // true
    /// ```
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

    /// As `metrics::evaluate(scores, settings)` with its defaults: each labelled slice is a
    /// sample.
    ///
    /// ```rhai
    /// print(metrics::evaluate(scores));
    /// ```
    #[rhai_fn(name = "evaluate", return_raw)]
    pub fn evaluate(context: NativeCallContext, scores: Scores) -> ScriptResult<EvaluationHandle> {
        evaluate_with(context, scores, Map::new())
    }

    /// Evaluates a model's scores: areas, numbers at the threshold, calibration, all with
    /// intervals.
    ///
    /// | setting | default | meaning |
    /// |---|---|---|
    /// | `level` | `"slice"` | what a sample is: `"slice"`; `"slab"`, positive when any of its slices is; `"exam"` |
    /// | `slab` | 32 | slices in a slab |
    /// | `replicates` | 1000 | resamples of the exams, for the intervals |
    /// | `confidence` | 0.95 | of the intervals |
    /// | `seed` | 0 | of the resamples |
    /// | `bins` | 10 | of the calibration |
    /// | `height_tolerance` | 0.04 | how far the heights of slices may differ that the same-height AUC compares, in shares of the exam |
    ///
    /// The threshold is that of the scores; without one it is chosen on these samples by the
    /// Youden index, and `threshold_from` says so. What one class leaves undefined is NaN and a
    /// sentence in `warnings`.
    ///
    /// Throws `options.invalid` for a setting out of range, `metrics.no_samples` when no sample of
    /// the level has a label, and `metrics.threshold` for a threshold that is not finite.
    ///
    /// ```rhai
    /// let scores = metrics::scores("effnet", [
    ///     #{ exam: "1.2.3", labels: [false, true], probabilities: [0.1, 0.8] },
    ///     #{ exam: "1.2.4", labels: [false, false], probabilities: [0.3, 0.2] },
    /// ]);
    /// let settings = #{ level: "exam", replicates: 200 };
    /// let found = metrics::evaluate(scores.with_threshold(0.5), settings);
    /// print(found.auroc.value);               // 1.0
    /// print(found.confusion.true_positives); // 1
    /// try { metrics::evaluate(scores, #{ level: "voxel" }); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
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

    /// As `metrics::compare(a, b, settings)` with the defaults: each labelled slice is a sample.
    ///
    /// ```rhai
    /// print(metrics::compare(scores, other));
    /// ```
    #[rhai_fn(name = "compare", return_raw)]
    pub fn compare(
        context: NativeCallContext,
        a: Scores,
        b: Scores,
    ) -> ScriptResult<ComparisonHandle> {
        compare_with(context, a, b, Map::new())
    }

    /// Compares two models that scored the same exams with the same labels; `settings` are the
    /// options of `metrics::evaluate`.
    ///
    /// Differences are those of the second model from the first: above 0, the second is better.
    ///
    /// Throws `metrics.different`, with the first difference, for models that did not score the
    /// same, and as `metrics::evaluate`.
    ///
    /// ```rhai
    /// let found = metrics::compare(scores, other, #{ replicates: 200 });
    /// print(found.delta_auroc.low <= found.delta_auroc.value); // true
    /// print(metrics::compare(scores, scores).delta_auroc.value); // 0.0
    /// let fewer = model.predict(features, split.train);
    /// try { metrics::compare(scores, fewer); } catch (error) {
    ///     print(error.kind); // metrics.different
    /// }
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

    /// The name of what the probabilities are of, a column of the label table.
    #[rhai_fn(global, get = "target", pure)]
    pub fn evaluation_target(evaluation: &mut EvaluationHandle) -> String {
        evaluation.target.clone()
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

    /// Who chose the threshold.
    ///
    /// `"validation"`: the scores brought it; `"same_samples"`: these samples, which is
    /// optimistic; `"half"`: it is 0.5, where one class allows no choice.
    #[rhai_fn(global, get = "threshold_from", pure)]
    pub fn evaluation_threshold_from(evaluation: &mut EvaluationHandle) -> String {
        evaluation.threshold_from.to_string()
    }

    /// The counts at the threshold, as a map
    /// `#{true_positives, false_positives, true_negatives, false_negatives}`.
    #[rhai_fn(global, get = "confusion", pure)]
    pub fn evaluation_confusion(evaluation: &mut EvaluationHandle) -> Map {
        confusion(&evaluation.confusion)
    }

    /// The share of samples called right, as `#{value, low, high}`.
    #[rhai_fn(global, get = "accuracy", pure)]
    pub fn evaluation_accuracy(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.accuracy)
    }

    /// The share of positives called positive, as `#{value, low, high}`.
    #[rhai_fn(global, get = "sensitivity", pure)]
    pub fn evaluation_sensitivity(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.sensitivity)
    }

    /// The share of negatives called negative, as `#{value, low, high}`.
    #[rhai_fn(global, get = "specificity", pure)]
    pub fn evaluation_specificity(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.specificity)
    }

    /// The share of called positives that are positive, as `#{value, low, high}`.
    #[rhai_fn(global, get = "precision", pure)]
    pub fn evaluation_precision(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.precision)
    }

    /// The harmonic mean of precision and sensitivity, as `#{value, low, high}`.
    #[rhai_fn(global, get = "f1", pure)]
    pub fn evaluation_f1(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.f1)
    }

    /// The area under the ROC curve, as `#{value, low, high}`.
    #[rhai_fn(global, get = "auroc", pure)]
    pub fn evaluation_auroc(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.auroc)
    }

    /// The area under the ROC curve with DeLong's interval, as `#{value, low, high}`.
    ///
    /// The interval takes samples to be independent, which slices of one exam are not: it is too
    /// narrow.
    #[rhai_fn(global, get = "auroc_delong", pure)]
    pub fn evaluation_auroc_delong(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.auroc_delong)
    }

    /// The area under the ROC curve among slices at the same height, as
    /// `#{value, low, high, n_compared, n_left_out}`: the chance that a PE slice scores higher than
    /// a slice at its height in an exam without PE. `()` for slabs and exams.
    ///
    /// 0.5 is blind: how far up a slice lies, which tells much without an image, hardly helps here.
    /// Heights are the same when they differ by at most `height_tolerance` of the exam. A score of
    /// the height alone can still reach some 0.55, where PE lies at its peak, so compare with
    /// `train::position_baseline`. Each PE slice weighs the same; `n_compared` of them had a slice
    /// to be compared with, `n_left_out` had none.
    ///
    /// ```rhai
    /// let height = [0.1, 0.2, 0.6, 0.3]; // the third slice scores best, in every exam
    /// let blind = metrics::scores("height", [
    ///     #{ exam: "1.2.3", labels: [false, false, true, false], probabilities: height },
    ///     #{ exam: "1.2.4", labels: [false, false, false, false], probabilities: height },
    /// ]);
    /// let found = metrics::evaluate(blind, #{ replicates: 10 });
    /// print(found.auroc.value > 0.9);        // true
    /// print(found.same_height_auroc.value); // 0.5
    /// print(metrics::evaluate(blind, #{ level: "exam" }).same_height_auroc == ()); // true
    /// ```
    #[rhai_fn(global, get = "same_height_auroc", pure)]
    pub fn evaluation_same_height_auroc(evaluation: &mut EvaluationHandle) -> Dynamic {
        let found = evaluation.same_height_auroc.as_ref();
        found.map_or(Dynamic::UNIT, |found| same_height(found).into())
    }

    /// The average precision, as `#{value, low, high}`; see `metrics::average_precision`.
    #[rhai_fn(global, get = "average_precision", pure)]
    pub fn evaluation_average_precision(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.average_precision)
    }

    /// The Brier score, the mean squared distance of the probabilities from the labels, as
    /// `#{value, low, high}`.
    #[rhai_fn(global, get = "brier", pure)]
    pub fn evaluation_brier(evaluation: &mut EvaluationHandle) -> Map {
        estimate(&evaluation.brier)
    }

    /// The expected calibration error: how far probabilities lie from the share of positives, in
    /// the mean over the bins.
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

    /// The name of what the probabilities are of, a column of the label table.
    #[rhai_fn(global, get = "target", pure)]
    pub fn comparison_target(comparison: &mut ComparisonHandle) -> String {
        comparison.target.clone()
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

    /// The second area minus the first, as `#{value, low, high}`.
    #[rhai_fn(global, get = "delta_auroc", pure)]
    pub fn comparison_delta_auroc(comparison: &mut ComparisonHandle) -> Map {
        estimate(&comparison.delta_auroc)
    }

    /// DeLong's z; NaN where nothing differs.
    #[rhai_fn(global, get = "delong_z", pure)]
    pub fn comparison_delong_z(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.delong_z as FLOAT
    }

    /// The two-sided p value of DeLong's test, which takes samples to be independent.
    #[rhai_fn(global, get = "delong_p", pure)]
    pub fn comparison_delong_p(comparison: &mut ComparisonHandle) -> FLOAT {
        comparison.delong_p as FLOAT
    }

    /// The areas among slices at the same height, as `#{auroc_a, auroc_b, delta_auroc, p}`; `()` for
    /// slabs and exams. See `evaluation.same_height_auroc`.
    ///
    /// `delta_auroc` is the second less the first, `#{value, low, high}`, and `p` the two-sided p
    /// value of the same resamples of exams.
    ///
    /// ```rhai
    /// let found = metrics::compare(scores, scores, #{ replicates: 100 }).same_height;
    /// print(found.delta_auroc.value); // 0.0
    /// print(found.p);                 // 1.0
    /// ```
    #[rhai_fn(global, get = "same_height", pure)]
    pub fn comparison_same_height(comparison: &mut ComparisonHandle) -> Dynamic {
        let found = comparison.same_height.as_ref();
        found.map_or(Dynamic::UNIT, |found| same_height_comparison(found).into())
    }

    /// The comparison in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn comparison_to_string(comparison: &mut ComparisonHandle) -> String {
        comparison.to_string()
    }
}
