//! Curves, areas, counts and DeLong's variances equal the reference's, on the fixtures that
//! `fixtures/make.py` made.

use std::fs;
use std::path::Path;

use pe_metrics::{
    Confusion, Operating, PrCurve, RocCurve, auroc, average_precision, brier, calibration,
    calibration_error, delong, delong_pair, precision_recall_curve, roc_curve, youden,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(file);
    let text = fs::read_to_string(path).expect("the fixtures are committed");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("a list of cases");
    assert!(!cases.is_empty());
    cases
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some(other) => panic!("unexpected text {other}"),
        None => value.as_f64().expect("a number"),
    }
}

#[track_caller]
fn same(what: &str, found: f64, expected: f64) {
    let equal = found == expected
        || found.is_nan() && expected.is_nan()
        || (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
    assert!(equal, "{what}: expected {expected}, found {found}");
}

#[track_caller]
fn all_same(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(
        found.len(),
        expected.len(),
        "{what}: {found:?}, {expected:?}"
    );
    for (found, expected) in found.iter().zip(expected) {
        same(what, *found, *expected);
    }
}

/// Runs `check` on each case, with its name, labels and scores.
fn each(file: &str, check: impl Fn(&Value, &str, &[bool], &[f64])) {
    for case in cases(file) {
        let name = case["name"].as_str().expect("a name").to_owned();
        let scores = case.get("scores").unwrap_or(&case["a"]);
        check(
            &case,
            &name,
            &read::<Vec<bool>>(&case["labels"]),
            &read::<Vec<f64>>(scores),
        );
    }
}

#[test]
fn areas_and_brier() {
    each("metrics.json", |case, name, labels, scores| {
        same(name, auroc(labels, scores), number(&case["auroc"]));
        let expected = number(&case["average_precision"]);
        same(name, average_precision(labels, scores), expected);
        same(name, brier(labels, scores), number(&case["brier"]));
    });
}

#[test]
fn roc_curves() {
    each("metrics.json", |case, name, labels, scores| {
        for (field, drop) in [("roc", false), ("roc_dropped", true)] {
            let expected: RocCurve = read(&case[field]);
            let found = roc_curve(labels, scores, drop);
            assert_eq!(found.thresholds, expected.thresholds, "{name}, {field}");
            let (found_rate, rate) = (found.false_positive_rate, expected.false_positive_rate);
            all_same(name, &found_rate, &rate);
            all_same(name, &found.sensitivity, &expected.sensitivity);
        }
    });
}

#[test]
fn precision_recall_curves() {
    each("metrics.json", |case, name, labels, scores| {
        for (field, drop) in [
            ("precision_recall", false),
            ("precision_recall_dropped", true),
        ] {
            let expected: PrCurve = read(&case[field]);
            let found = precision_recall_curve(labels, scores, drop);
            assert_eq!(found.thresholds, expected.thresholds, "{name}, {field}");
            all_same(name, &found.precision, &expected.precision);
            all_same(name, &found.recall, &expected.recall);
        }
    });
}

#[test]
fn counts_at_a_threshold() {
    each("metrics.json", |case, name, labels, scores| {
        let expected = &case["at_threshold"];
        let found = Confusion::at(labels, scores, number(&expected["threshold"]));
        let counts = [
            (found.true_positives, "true_positives"),
            (found.false_positives, "false_positives"),
            (found.true_negatives, "true_negatives"),
            (found.false_negatives, "false_negatives"),
        ];
        for (found, field) in counts {
            assert_eq!(expected[field], found, "{name}, {field}");
        }
        let shares = [
            (found.accuracy(), "accuracy"),
            (found.sensitivity(), "sensitivity"),
            (found.specificity(), "specificity"),
            (found.precision(), "precision"),
            (found.f1(), "f1"),
        ];
        for (found, field) in shares {
            same(&format!("{name}, {field}"), found, number(&expected[field]));
        }
    });
}

#[test]
fn youden_thresholds() {
    each("metrics.json", |case, name, labels, scores| {
        let expected: Operating = read(&case["youden"]);
        let found = youden(labels, scores);
        same(name, found.threshold, expected.threshold);
        same(name, found.sensitivity, expected.sensitivity);
        same(name, found.specificity, expected.specificity);
        same(name, found.index, expected.index);
    });
}

#[test]
fn calibrations() {
    each("metrics.json", |case, name, labels, scores| {
        let expected = &case["calibration"];
        let bins = calibration(labels, scores, read(&expected["n_bins"]));
        let counts: Vec<usize> = bins.iter().map(|bin| bin.n_samples).collect();
        assert_eq!(counts, read::<Vec<usize>>(&expected["n_samples"]), "{name}");
        let means: Vec<f64> = bins.iter().map(|bin| bin.mean_probability).collect();
        all_same(
            name,
            &means,
            &read::<Vec<f64>>(&expected["mean_probability"]),
        );
        let shares: Vec<f64> = bins.iter().map(|bin| bin.positive_fraction).collect();
        all_same(
            name,
            &shares,
            &read::<Vec<f64>>(&expected["positive_fraction"]),
        );
        same(name, calibration_error(&bins), number(&expected["error"]));
        for bin in bins {
            let within = bin.lower..=bin.upper + 1e-12;
            assert!(within.contains(&bin.mean_probability), "{name}: {bin:?}");
        }
    });
}

#[test]
fn delong_variances() {
    each("delong.json", |case, name, labels, a| {
        let b: Vec<f64> = read(&case["b"]);
        let pair = delong_pair(labels, a, &b);
        same(name, pair.a.auroc, number(&case["auroc_a"]));
        same(name, pair.b.auroc, number(&case["auroc_b"]));
        same(name, pair.a.variance, number(&case["variance_a"]));
        same(name, pair.b.variance, number(&case["variance_b"]));
        same(name, pair.covariance, number(&case["covariance"]));
        same(name, delong(labels, a).variance, pair.a.variance);
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-9;
        assert!(close(pair.z, number(&case["z"])), "{name}: {pair:?}");
        assert!(close(pair.p, number(&case["p"])), "{name}: {pair:?}");
        let interval = pair.a.interval(0.95);
        let half = 1.959_963_984_540_054 * number(&case["variance_a"]).sqrt();
        same(name, interval.low, (interval.value - half).max(0.0));
        same(name, interval.high, (interval.value + half).min(1.0));
    });
}
