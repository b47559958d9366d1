//! Scores, the samples of each level, what is refused, and what an evaluation makes of edge cases.

use pe_metrics::{
    EvaluateOptions, Evaluation, ExamScores, Level, MetricsError, MistakeKind, Scores,
    ThresholdFrom, compare, evaluate, mistakes,
};

/// An exam from a text of labels, `+` positive, `-` negative, `.` unlabelled.
fn exam(name: &str, positive: Option<bool>, labels: &str, probabilities: &[f64]) -> ExamScores {
    let label = |c: char| match c {
        '+' => Some(true),
        '-' => Some(false),
        _ => None,
    };
    ExamScores {
        exam: name.to_owned(),
        positive,
        probability: None,
        labels: labels.chars().map(label).collect(),
        probabilities: probabilities.to_vec(),
    }
}

fn scores(exams: Vec<ExamScores>) -> Scores {
    Scores::new("effnet", exams).expect("good scores")
}

const FAST: EvaluateOptions = EvaluateOptions {
    replicates: 50,
    confidence: 0.95,
    seed: 0,
    slab: 32,
    bins: 10,
    height_tolerance: 0.04,
};

fn evaluated(scores: &Scores, level: Level) -> Evaluation {
    evaluate(scores, level, &FAST).expect("it is evaluated")
}

#[test]
fn samples_of_each_level() {
    let scores = scores(vec![
        exam("a", None, "-+.--", &[0.1, 0.4, 0.9, 0.2, 0.3]),
        exam("b", Some(true), "..", &[0.6, 0.5]),
        exam("c", None, "..", &[0.7, 0.8]),
        exam("d", Some(false), "--.", &[0.2, 0.1, 0.4]),
    ]);
    let check = |level: Level, expected: &[(usize, bool, f64)]| {
        let samples = scores.samples(level);
        let found: Vec<_> = (0..samples.len())
            .map(|at| {
                (
                    samples.exams[at],
                    samples.labels[at],
                    samples.probabilities[at],
                )
            })
            .collect();
        assert_eq!(found, expected, "{level}");
    };
    check(
        Level::Slice,
        &[
            (0, false, 0.1),
            (0, true, 0.4),
            (0, false, 0.2),
            (0, false, 0.3),
            (3, false, 0.2),
            (3, false, 0.1),
        ],
    );
    check(
        Level::Slab(2),
        &[
            (0, true, 0.4),
            (0, false, 0.2),
            (0, false, 0.3),
            (3, false, 0.2),
        ],
    );
    check(Level::Slab(9), &[(0, true, 0.4), (3, false, 0.2)]);
    check(
        Level::Exam,
        &[(0, true, 0.4), (1, true, 0.6), (3, false, 0.4)],
    );
}

#[test]
fn bad_scores_are_refused() {
    let check = |exams: Vec<ExamScores>, expected: &str| {
        let error = Scores::new("effnet", exams).expect_err("bad scores");
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(
        vec![exam("1.2", None, "-+", &[0.1])],
        "each of the 2 labels, found 1",
    );
    check(
        vec![exam("1.2", None, "", &[])],
        "at least one slice in exam 1.2",
    );
    check(
        vec![exam("1.2", None, "--", &[0.1, 1.1])],
        "1.2, slice 1: expected a probability in [0, 1], found 1.1",
    );
    check(vec![exam("1.2", None, "-", &[f64::NAN])], "found NaN");
    check(vec![exam("1.2", None, "-", &[-0.1])], "found -0.1");
    let twice = vec![
        exam("1.2", None, "-", &[0.1]),
        exam("1.2", None, "+", &[0.2]),
    ];
    check(twice, "found 1.2 twice");
}

#[test]
fn thresholds_of_levels() {
    let scores = scores(vec![exam("a", None, "-+", &[0.1, 0.4])]);
    assert_eq!(scores.threshold_at(Level::Exam), None);
    let scores = scores.with_threshold(0.3);
    assert_eq!(scores.threshold(), Some(0.3));
    assert_eq!(scores.threshold_at(Level::Slab(2)), Some(0.3));
    let scores = scores
        .with_threshold_at(Level::Exam, 0.6)
        .with_threshold(0.2);
    assert_eq!(scores.threshold_at(Level::Exam), Some(0.6));
    assert_eq!(scores.threshold_at(Level::Slab(2)), Some(0.2));
    assert_eq!(evaluated(&scores, Level::Exam).threshold, 0.6);
    assert_eq!(scores.without_threshold().threshold_at(Level::Exam), None);
}

#[test]
fn a_threshold_says_where_it_comes_from() {
    let mixed = scores(vec![exam("a", None, "-+-", &[0.1, 0.4, 0.3])]);
    let found = evaluated(&mixed.with_threshold(0.2), Level::Slice);
    assert_eq!(found.threshold_from, ThresholdFrom::Validation);
    assert_eq!(found.confusion.false_positives, 1);
    let found = evaluated(&mixed, Level::Slice);
    assert_eq!(
        (found.threshold, found.threshold_from),
        (0.4, ThresholdFrom::SameSamples)
    );
    assert!(found.to_string().contains("optimistic"), "{found}");
    let found = evaluated(
        &scores(vec![exam("a", None, "++", &[0.1, 0.6])]),
        Level::Slice,
    );
    assert_eq!(
        (found.threshold, found.threshold_from),
        (0.5, ThresholdFrom::Half)
    );
    let error = evaluate(&mixed.with_threshold(f64::NAN), Level::Slice, &FAST);
    assert!(
        matches!(error, Err(MetricsError::Threshold { .. })),
        "{error:?}"
    );
}

#[test]
fn what_is_undefined_is_nan_with_a_warning() {
    let check = |labels: &str, threshold: f64, expected: &[&str]| {
        let exams = vec![exam("a", None, labels, &vec![0.4; labels.len()])];
        let found = evaluated(&scores(exams).with_threshold(threshold), Level::Slice);
        for expected in expected {
            let warned = found
                .warnings
                .iter()
                .any(|warning| warning.contains(expected));
            assert!(warned, "{expected}: {:?}", found.warnings);
        }
        found
    };
    let found = check(
        "---",
        0.5,
        &[
            "every sample is negative",
            "nothing is called positive",
            "1 exam:",
        ],
    );
    assert!(found.auroc.value.is_nan() && found.auroc.low.is_nan());
    assert!(found.sensitivity.value.is_nan() && found.average_precision.value.is_nan());
    assert_eq!((found.precision.value, found.f1.value), (0.0, 0.0));
    assert_eq!(found.specificity.value, 1.0);
    let found = check("++", 0.3, &["every sample is positive"]);
    assert!(found.auroc_delong.value.is_nan() && found.specificity.value.is_nan());
    assert_eq!(found.sensitivity.value, 1.0);

    let exams = vec![
        exam("a", None, "--", &[0.1, 0.2]),
        exam("b", None, "+-", &[0.6, 0.2]),
    ];
    let found = evaluated(&scores(exams), Level::Slice);
    assert_eq!(found.auroc.value, 1.0);
    assert!(
        found
            .warnings
            .iter()
            .any(|w| w.contains("of 50 resamples hold one class")),
        "{:?}",
        found.warnings
    );
}

#[test]
fn an_evaluation_survives_json() {
    let cases = [
        exam("a", None, "-+-+", &[0.1, 0.4, 0.4, 0.8]),
        exam("a", None, "---", &[0.1, 0.4, 0.4]), // NaN in many places
    ];
    for exam in cases {
        let found = evaluated(&scores(vec![exam]), Level::Slab(2));
        let text = serde_json::to_string(&found).expect("it is written");
        assert!(text.contains("\"thresholds\":[\"inf\""), "{text}");
        assert!(!text.contains("null"), "{text}");
        let read: Evaluation = serde_json::from_str(&text).expect("it is read");
        // NaN is not equal to itself; texts are.
        assert_eq!(format!("{read:?}"), format!("{found:?}"));
    }
}

#[test]
fn options_and_levels_out_of_range_are_refused() {
    let scores = scores(vec![exam("a", None, "-+", &[0.1, 0.4])]);
    let check = |options: EvaluateOptions, level: Level, expected: &str| {
        let error = evaluate(&scores, level, &options).expect_err("bad options");
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(
        EvaluateOptions {
            replicates: 0,
            ..FAST
        },
        Level::Slice,
        "`replicates` from 1",
    );
    check(
        EvaluateOptions {
            confidence: 1.0,
            ..FAST
        },
        Level::Slice,
        "`confidence` above 0",
    );
    check(
        EvaluateOptions {
            confidence: f64::NAN,
            ..FAST
        },
        Level::Slice,
        "found NaN",
    );
    check(
        EvaluateOptions { bins: 0, ..FAST },
        Level::Slice,
        "`bins` from 1",
    );
    check(
        EvaluateOptions { slab: 0, ..FAST },
        Level::Slice,
        "`slab` of at least 1",
    );
    check(FAST, Level::Slab(0), "`slab` of at least 1");
}

#[test]
fn no_labels_no_evaluation() {
    let unlabelled = scores(vec![exam("a", Some(true), "..", &[0.1, 0.4])]);
    let error = evaluate(&unlabelled, Level::Slice, &FAST).expect_err("no labels");
    assert!(
        error
            .to_string()
            .contains("labelled samples at level slice, found none"),
        "{error}"
    );
    assert_eq!(evaluated(&unlabelled, Level::Exam).n_samples, 1);
}

#[test]
fn models_on_other_exams_are_not_compared() {
    let a = scores(vec![
        exam("1", None, "-+", &[0.1, 0.4]),
        exam("2", None, "--", &[0.1, 0.2]),
    ]);
    let check = |exams: Vec<ExamScores>, expected: &str| {
        let b = Scores::new("tcn", exams).expect("good scores");
        let error = compare(&a, &b, Level::Slice, &FAST).expect_err("they differ");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let second = || exam("2", None, "--", &[0.3, 0.2]);
    check(
        vec![exam("1", None, "-+", &[0.1, 0.4])],
        "the second lacks exam 2",
    );
    let extra = exam("3", None, "-", &[0.1]);
    check(
        vec![exam("1", None, "-+", &[0.1, 0.4]), second(), extra],
        "the first lacks exam 3",
    );
    check(
        vec![exam("1", None, "-+.", &[0.1; 3]), second()],
        "the first has 2 slices, the second 3",
    );
    check(
        vec![exam("1", None, "-.", &[0.1; 2]), second()],
        "slice 1 is positive in the first, unlabelled",
    );
    check(
        vec![exam("1", Some(true), "-+", &[0.1; 2]), second()],
        "the exam is unlabelled in the first, positive",
    );
}

#[test]
fn models_are_compared_whatever_the_order_of_exams() {
    let first = || exam("1", None, "-+", &[0.1, 0.4]);
    let second = || exam("2", None, "-+", &[0.3, 0.2]);
    let (a, b) = (
        scores(vec![first(), second()]),
        scores(vec![second(), first()]),
    );
    let found = compare(&a, &b, Level::Slice, &FAST).expect("they are compared");
    assert_eq!(found.delta_auroc.value, 0.0);
    assert_eq!((found.delta_auroc.low, found.delta_auroc.high), (0.0, 0.0));
    assert!(found.delong_p.is_nan());
}

#[test]
fn mistakes_come_worst_first() {
    let scores = scores(vec![
        exam("a", None, "-+-.", &[0.6, 0.2, 0.9, 1.0]),
        exam("b", None, "-++-", &[0.9, 0.1, 0.5, 0.4]),
    ]);
    let scores = scores.with_threshold(0.5);
    let found: Vec<_> = mistakes(&scores, 2)
        .expect("there are mistakes")
        .into_iter()
        .map(|found| (found.exam, found.slice_idx, found.probability, found.kind))
        .collect();
    let (wrong, missed) = (MistakeKind::FalsePositive, MistakeKind::FalseNegative);
    let expected = [
        ("a".to_owned(), 2, 0.9, wrong),
        ("b".to_owned(), 0, 0.9, wrong),
        ("b".to_owned(), 1, 0.1, missed),
        ("a".to_owned(), 1, 0.2, missed),
    ];
    assert_eq!(found, expected);
    assert_eq!(mistakes(&scores, 0), Ok(vec![]));
    assert_eq!(mistakes(&scores, 9).map(|found| found.len()), Ok(5));
}

#[test]
fn a_target_that_only_exams_have_needs_no_slices() {
    let of = |name: &str, positive: Option<bool>, probability: f64| ExamScores {
        probability: Some(probability),
        ..exam(name, positive, "", &[])
    };
    let exams = vec![
        of("a", Some(true), 0.8),
        of("b", Some(false), 0.3),
        of("c", None, 0.9), // without a label: left out
        of("d", Some(false), 0.8),
    ];
    let central = scores(exams.clone()).with_target("central_pe");
    let found = evaluated(&central, Level::Exam);
    assert_eq!((found.target.as_str(), found.n_samples), ("central_pe", 3));
    assert_eq!(found.auroc.value, 0.75);
    assert_eq!(
        central.to_string(),
        "scores of effnet for central_pe: 4 exams, no threshold"
    );
    let no_slices = evaluate(&central, Level::Slice, &FAST).unwrap_err();
    assert!(matches!(no_slices, MetricsError::NoSamples { .. }));
    // Other labels, other question.
    let left = scores(exams.clone()).with_target("leftsided_pe");
    let error = compare(&central, &left, Level::Exam, &FAST).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the first is for central_pe, the second for leftsided_pe"),
        "{error}"
    );
    let mut bad = exams;
    bad[0].probability = Some(f64::NAN);
    let error = Scores::new("effnet", bad).unwrap_err();
    assert!(
        matches!(error, MetricsError::ExamProbability { .. }),
        "{error}"
    );
}

#[test]
fn an_exam_s_own_probability_counts_before_its_slices() {
    let own = ExamScores {
        probability: Some(0.2),
        ..exam("a", None, "-+", &[0.1, 0.9])
    };
    let scores = scores(vec![own]);
    assert_eq!(scores.samples(Level::Exam).probabilities, [0.2]);
    assert_eq!(scores.samples(Level::Exam).labels, [true]);
    assert_eq!(scores.samples(Level::Slab(2)).probabilities, [0.9]);
}
