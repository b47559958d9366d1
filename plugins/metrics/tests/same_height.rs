//! The AUROC among slices at the same height: by hand, against a plain count, and blind to height.

use pe_metrics::{
    EvaluateOptions, ExamScores, Level, MetricsError, SameHeight, Scores, auroc, compare, evaluate,
    relative_height, same_height_auroc,
};
use proptest::prelude::*;

/// An exam from a text of labels, `+` PE, `-` none, `.` unlabelled.
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

fn at_height(exams: Vec<ExamScores>, tolerance: f64) -> f64 {
    same_height_auroc(&scores(exams), tolerance).expect("a tolerance in range")
}

fn found(exams: Vec<ExamScores>, height_tolerance: f64) -> (SameHeight, Vec<String>) {
    let options = EvaluateOptions {
        replicates: 20,
        height_tolerance,
        ..Default::default()
    };
    let found = evaluate(&scores(exams), Level::Slice, &options).expect("it is evaluated");
    let same_height = found.same_height_auroc.expect("slices have heights");
    (same_height, found.warnings)
}

/// Five slices lie at .1, .3, .5, .7 and .9: with .2, neighbours are at the same height.
#[test]
fn by_hand() {
    let pe = exam("pe", None, "-+-+.", &[0.9, 0.25, 0.9, 0.4, 0.9]);
    let first = exam("1", None, "-----", &[0.1, 0.2, 0.3, 0.4, 0.5]);
    let second = exam("2", Some(false), "--.--", &[0.25, 0.3, 0.0, 0.4, 0.1]);
    // Slice 1: above .1 and .2, below .3; tied with .25, below .3: 2.5 of 5.
    // Slice 3: above .3, tied with .4, below .5; tied with .4, above .1: 3 of 5.
    let all = || vec![pe.clone(), first.clone(), second.clone()];
    assert!((at_height(all(), 0.2) - 0.55).abs() < 1e-15);
    // With .1 each slice has its own height only: .25 to .2 and .3, .4 to .4 and .4.
    assert_eq!(at_height(all(), 0.1), 0.5);
    let (found, warnings) = found(all(), 0.2);
    assert_eq!((found.n_compared, found.n_left_out), (2, 0));
    assert!(
        !warnings
            .iter()
            .any(|text| text.contains("left out of the same-height AUROC:"))
    );
}

#[test]
fn slices_of_exams_with_pe_are_no_partners() {
    let pe = exam("pe", Some(true), "+--", &[0.5, 0.9, 0.9]);
    let indeterminate = exam("doubtful", Some(true), "---", &[0.9; 3]);
    let negative = exam("1", Some(false), "---", &[0.4, 0.9, 0.9]);
    let partners = |others: &[&ExamScores]| {
        let others = others.iter().map(|exam| (*exam).clone());
        at_height([pe.clone()].into_iter().chain(others).collect(), 0.04)
    };
    assert_eq!(partners(&[&indeterminate, &negative]), 1.0);
    assert!(partners(&[&indeterminate]).is_nan());
    let (found, warnings) = found(vec![pe.clone(), indeterminate], 0.04);
    assert_eq!((found.n_compared, found.n_left_out), (0, 1));
    assert!(found.auroc.value.is_nan() && found.auroc.low.is_nan());
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("no exam is without PE")),
        "{warnings:?}"
    );
}

#[test]
fn what_has_no_partner_is_counted_and_told() {
    let pe = exam("pe", None, "+-+", &[0.5, 0.1, 0.6]);
    let negative = exam("1", None, "-..", &[0.4, 0.1, 0.7]);
    let (found, warnings) = found(vec![pe, negative], 0.04);
    assert_eq!(found.auroc.value, 1.0);
    assert_eq!((found.n_compared, found.n_left_out), (1, 1));
    let told = "1 of 2 PE slices left out of the same-height AUROC";
    assert!(
        warnings.iter().any(|text| text.contains(told)),
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("no two slices to compare")),
        "{warnings:?}"
    );
}

#[test]
fn a_tolerance_out_of_range_is_refused() {
    let scores = scores(vec![exam("1", None, "-+", &[0.1, 0.4])]);
    for tolerance in [0.0, -0.04, 1.01, 4.0, f64::NAN] {
        let error = same_height_auroc(&scores, tolerance).expect_err("out of range");
        assert!(
            matches!(
                error,
                MetricsError::Option {
                    name: "height_tolerance",
                    ..
                }
            ),
            "{error}"
        );
        let options = EvaluateOptions {
            height_tolerance: tolerance,
            ..Default::default()
        };
        assert_eq!(evaluate(&scores, Level::Slice, &options), Err(error));
    }
}

#[test]
fn coarser_levels_have_no_heights() {
    let scores = scores(vec![
        exam("1", None, "-+", &[0.1, 0.4]),
        exam("2", None, "--", &[0.1; 2]),
    ]);
    for level in [Level::Slab(2), Level::Exam] {
        let options = EvaluateOptions::default();
        let found = evaluate(&scores, level, &options).expect("it is evaluated");
        assert_eq!(found.same_height_auroc, None);
        let found = compare(&scores, &scores, level, &options).expect("they are compared");
        assert_eq!(found.same_height, None);
    }
}

/// A cohort without an image: every third exam has PE about .55, where `score` sees the height alone.
fn of_height(n_slices: impl Fn(usize) -> usize, score: impl Fn(f64) -> f64) -> Vec<ExamScores> {
    let exam = |exam: usize| {
        let n_slices = n_slices(exam);
        let heights = || (0..n_slices).map(|slice| relative_height(slice, n_slices));
        let middle = 0.4 + 0.3 * (exam as f64 * 0.618).fract();
        let pe = |height: f64| exam.is_multiple_of(3) && (height - middle).abs() < 0.05;
        ExamScores {
            exam: format!("1.2.{exam}"),
            positive: None,
            probability: None,
            labels: heights().map(|height| Some(pe(height))).collect(),
            probabilities: heights().map(&score).collect(),
        }
    };
    (0..60).map(exam).collect()
}

#[test]
fn a_score_with_one_peak_is_nearly_blind() {
    let peaked = |height: f64| (-0.5 * ((height - 0.55) / 0.1).powi(2)).exp();
    let exams = of_height(|_| 400, peaked);
    let plain = at_height(exams.clone(), 1.0);
    assert!(plain > 0.8, "the plain AUROC is fooled: {plain}");
    // A quarter of the share of PE slices within half the tolerance of the peak, by what the
    // documentation says.
    for tolerance in [0.04, 0.02, 0.01] {
        let (mut near, mut all) = (0, 0);
        for exam in &exams {
            for (slice, label) in exam.labels.iter().enumerate() {
                let from_peak = (relative_height(slice, 400) - 0.55).abs();
                all += usize::from(*label == Some(true));
                near += usize::from(*label == Some(true) && from_peak < tolerance / 2.0);
            }
        }
        let excess = 0.25 * near as f64 / all as f64;
        let found = at_height(exams.clone(), tolerance) - 0.5;
        assert!(
            (found - excess).abs() < 0.01,
            "{tolerance}: {found}, not {excess}"
        );
        assert!(found < 0.06, "{tolerance}: {found}");
    }
}

/// Exams of 1 to 12 slices with some labels missing, and scores with many ties.
fn cohort() -> impl Strategy<Value = Vec<ExamScores>> {
    let slice = (0_u8..10, 0_u8..8);
    let exam = (any::<bool>(), proptest::collection::vec(slice, 1..13));
    proptest::collection::vec(exam, 2..9).prop_map(|exams| {
        let of = |(number, (pe, slices)): (usize, (bool, Vec<(u8, u8)>))| ExamScores {
            exam: number.to_string(),
            positive: None,
            probability: None,
            labels: slices
                .iter()
                .map(|(label, _)| (*label > 0).then_some(pe && *label > 5))
                .collect(),
            probabilities: slices
                .iter()
                .map(|(_, score)| f64::from(*score) / 7.0)
                .collect(),
        };
        exams.into_iter().enumerate().map(of).collect()
    })
}

/// By the definition, pair by pair; heights are compared as whole numbers.
fn pair_by_pair(exams: &[ExamScores], percent: usize) -> f64 {
    let labelled = |pe: bool| {
        exams.iter().flat_map(move |exam| {
            let n = exam.labels.len();
            (0..n)
                .filter(move |slice| exam.labels[*slice] == Some(pe))
                .map(move |slice| (exam, slice, n))
        })
    };
    let without = |exam: &ExamScores| !exam.labels.contains(&Some(true));
    let mut shares = Vec::new();
    for (exam, slice, n) in labelled(true) {
        let (mut won, mut all) = (0.0, 0.0);
        for (other, at, m) in labelled(false).filter(|(other, ..)| without(other)) {
            let apart = ((2 * slice + 1) * m).abs_diff((2 * at + 1) * n);
            if 100 * apart <= percent * 2 * n * m {
                let (pe, none) = (exam.probabilities[slice], other.probabilities[at]);
                won += if pe > none { 1.0 } else { 0.0 } + if pe == none { 0.5 } else { 0.0 };
                all += 1.0;
            }
        }
        if all > 0.0 {
            shares.push(won / all);
        }
    }
    shares.iter().sum::<f64>() / shares.len() as f64
}

fn same(found: f64, expected: f64) -> bool {
    found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-12
}

proptest! {
    #[test]
    fn it_is_the_count_pair_by_pair(exams in cohort(), percent in 1_usize..=100) {
        let found = at_height(exams.clone(), percent as f64 / 100.0);
        prop_assert!(same(found, pair_by_pair(&exams, percent)));
    }

    #[test]
    fn with_all_heights_it_is_the_auroc_against_exams_without_pe(exams in cohort()) {
        let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
        for exam in &exams {
            let with_pe = exam.labels.contains(&Some(true));
            for (label, probability) in exam.labels.iter().zip(&exam.probabilities) {
                if label.is_some() && *label == Some(with_pe) {
                    labels.push(with_pe);
                    probabilities.push(*probability);
                }
            }
        }
        prop_assert!(same(at_height(exams, 1.0), auroc(&labels, &probabilities)));
    }

    #[test]
    fn neither_the_order_of_exams_nor_a_monotone_map_changes_it(exams in cohort(), by in 0_usize..9) {
        let found = at_height(exams.clone(), 0.2);
        let mut turned = exams;
        let by = by % turned.len();
        turned.rotate_left(by);
        for probability in turned.iter_mut().flat_map(|exam| &mut exam.probabilities) {
            *probability = probability.powi(3) / 2.0;
        }
        prop_assert!(same(at_height(turned, 0.2), found));
    }

    #[test]
    fn perfect_scores_give_1(exams in cohort()) {
        let mut exams = exams;
        for exam in &mut exams {
            for (label, probability) in exam.labels.iter().zip(&mut exam.probabilities) {
                *probability = if *label == Some(true) { 0.9 } else { *probability / 2.0 };
            }
        }
        let found = at_height(exams, 0.2);
        prop_assert!(found.is_nan() || found == 1.0);
    }

    /// Of one exam's slices at a PE slice's height, those above and those below are as many but
    /// for one: a score that rises with the height can gain no more than half a slice of each.
    #[test]
    fn a_score_that_rises_with_the_height_is_blind(
        shortest in 30_usize..60,
        power in 0.2..4.0_f64,
        falls in any::<bool>(),
    ) {
        let exams = of_height(
            |exam| shortest + exam * 7 % 50,
            |height| if falls { 1.0 - height.powf(power) } else { height.powf(power) },
        );
        let at_least = (0.08 * shortest as f64).floor();
        let found = at_height(exams, 0.04);
        prop_assert!((found - 0.5).abs() <= 0.5 / at_least, "{found}");
        prop_assert!((found - 0.5).abs() < 0.05, "{found}");
    }
}
