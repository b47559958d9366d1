//! What a script sees of `metrics`.
#![cfg(feature = "script")]

use std::any::Any;

use pe_metrics::script::MetricsPackage;
use rhai::packages::Package;
use rhai::{Engine, EvalAltResult, Map};

fn eval<T: Any + Clone + Send + Sync>(script: &str) -> Result<T, Box<EvalAltResult>> {
    let mut engine = Engine::new();
    MetricsPackage::new().register_into_engine_as(&mut engine, "metrics");
    let scores = r#"
        let scores = metrics::scores("effnet", [
            #{ exam: "1.2.3", labels: [false, true, false, ()], probabilities: [0.1, 0.8, 0.7, 1] },
            #{ exam: "1.2.4", labels: [false, false], probabilities: [0, 0.2], positive: false },
        ]);
    "#;
    engine.eval(&format!("{scores}{script}"))
}

#[test]
fn values_are_read() {
    let check = |script: &str, expected: &str| {
        let script = format!("({script}).to_string()");
        let found: String = eval(&script).unwrap_or_else(|error| panic!("{script}: {error}"));
        assert_eq!(found, expected, "{script}");
    };
    check(
        "metrics::auroc([false, false, true, true], [0.1, 0.4, 0.4, 0.8])",
        "0.875",
    );
    check("metrics::auroc([true], [1])", "NaN");
    check(
        "metrics::average_precision([false, true], [0.8, 0.1])",
        "0.5",
    );
    check(
        "scores",
        "scores of effnet: 6 slices of 2 exams, no threshold",
    );
    check(
        "scores.with_threshold(1)",
        "scores of effnet: 6 slices of 2 exams, threshold 1.0000",
    );
    check("scores.with_threshold(0.5).threshold", "0.5");
    check("scores.threshold == ()", "true");
    check("metrics::youden(scores).threshold", "0.8");
    check(
        "metrics::youden(scores, #{level: \"exam\"}).threshold",
        "0.8",
    );
    check("metrics::evaluate(scores).threshold_from", "same_samples");
    check(
        "metrics::evaluate(scores.with_threshold(0.6)).confusion.false_positives",
        "1",
    );
    check(
        "metrics::evaluate(scores, #{level: \"slab\", slab: 2}).n_samples",
        "3",
    );
    check(
        "metrics::evaluate(scores, #{level: \"exam\"}).auroc.value",
        "1.0",
    );
    check("metrics::evaluate(scores).roc.thresholds[0]", "inf");
    check("metrics::compare(scores, scores).delta_auroc.value", "0.0");
    let same = "same_height_auroc";
    check(&format!("metrics::evaluate(scores).{same}.n_left_out"), "1");
    let near = "#{height_tolerance: 0.125, replicates: 50}";
    check(
        &format!("metrics::evaluate(scores, {near}).{same}.value"),
        "1.0",
    );
    check(
        &format!("metrics::evaluate(scores, {near}).{same}.n_compared"),
        "1",
    );
    check(
        &format!("metrics::evaluate(scores, #{{level: \"exam\"}}).{same} == ()"),
        "true",
    );
    check(
        &format!("metrics::compare(scores, scores, {near}).same_height.p"),
        "1.0",
    );
    check(
        &format!("metrics::compare(scores, scores, {near}).same_height.auroc_a"),
        "1.0",
    );
    let groups =
        "metrics::groups(\"clot\", [#{exam: \"1.2.3\", group: \"large\", slices: [1, 3]}])";
    check(groups, "slices by clot: large");
    check(&format!("{groups}.names"), "[\"large\"]");
    let found = format!("scores.with_threshold(0.6).by({groups}, {near})");
    check(&format!("{found}.len()"), "2");
    check(&format!("{found}[0].sensitivity.value"), "1.0");
    check(&format!("{found}[0].same_height_auroc.n_compared"), "1");
    check(&format!("{found}[0].false_positive_rate == ()"), "true");
    check(&format!("{found}[1].false_positive_rate.value"), "0.25");
    check(&format!("{found}[1].auroc == ()"), "true");
    check("scores.with_threshold(0.6).errors(3)[0].slice_idx", "2");
    check(
        "scores.with_threshold(0.9).errors(3)[0].kind",
        "false negative",
    );
}

#[test]
fn errors_say_what_is_wrong() {
    let check = |script: &str, expected: &str| {
        let Err(error) = eval::<()>(script) else {
            panic!("{script} should fail");
        };
        let EvalAltResult::ErrorRuntime(value, _) = error.unwrap_inner() else {
            panic!("{script}: {error}");
        };
        let map = value.clone().cast::<Map>();
        let text = format!("{} / {}", map["message"], map["hint"]);
        assert!(text.contains(expected), "{script}: {text}");
    };
    check(
        "metrics::auroc([true, false], [0.1])",
        "each of the 2 labels, found 1",
    );
    check(
        "metrics::auroc([1], [0.1])",
        "metrics::auroc(): option `labels`",
    );
    check(
        "metrics::scores(\"m\", [#{exam: \"1\", label: [true]}])",
        "did you mean `labels`?",
    );
    check("metrics::scores(\"m\", [1])", "as a map, found a");
    check(
        "metrics::evaluate(scores, #{levle: \"exam\"})",
        "did you mean `level`?",
    );
    check(
        "metrics::evaluate(scores, #{level: \"slices\"})",
        "did you mean \"slice\"?",
    );
    check(
        "metrics::evaluate(scores, #{replicates: 0})",
        "`replicates` from 1 to 1000000",
    );
    check(
        "metrics::compare(scores, metrics::scores(\"b\", []))",
        "the second lacks exam 1.2.3",
    );
    check(
        "metrics::evaluate(scores, #{height_tolerance: 0})",
        "`height_tolerance` above 0 and at most 1, found 0",
    );
    check(
        "scores.by(metrics::groups(\"clot\", [#{exam: \"9\", group: \"a\"}]))",
        "groups \"clot\": expected exams that effnet scored, found none",
    );
    check(
        "scores.by(metrics::groups(\"clot\", [#{exam: \"1.2.4\", group: \"a\", slices: [2]}]))",
        "a slice index below 2 in exam 1.2.4, found 2",
    );
    check(
        "metrics::groups(\"clot\", [#{exam: \"1.2.4\", slices: [2]}])",
        "expected a group's name, found \"\"",
    );
    check(
        "metrics::groups(\"clot\", [#{exam: \"1\", slice: [2]}])",
        "did you mean `slices`?",
    );
    check(
        "scores.by(metrics::groups(\"clot\", []), #{level: \"exam\"})",
        "groups are of slices",
    );
    check("scores.errors(-1)", "expected `n` from 0, found -1");
    check(
        "scores.with_threshold(\"half\")",
        "expected a number for `threshold`",
    );
}

#[test]
fn results_read_well() {
    let text: String =
        eval("metrics::evaluate(scores.with_threshold(0.5), #{replicates: 20}).to_string()")
            .expect("it is evaluated");
    let expected = [
        "effnet by slice",
        "5 samples of 2 exams, 1 positive (20.0 %)",
        "threshold 0.5000, chosen elsewhere",
        "  AUROC           1.0000 [1.0000, 1.0000]",
        "[95 % intervals by 20 resamples of the exams]",
        "warning: 2 exams: too few",
    ];
    for line in expected {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let text: String = eval("metrics::compare(scores, scores).to_string()").expect("it compares");
    assert!(
        text.contains("effnet against effnet by slice: 5 samples of 2 exams"),
        "{text}"
    );
    assert!(text.contains("nothing differs"), "{text}");
    assert!(
        text.contains("difference      +0.0000 [+0.0000, +0.0000]"),
        "{text}"
    );
}
