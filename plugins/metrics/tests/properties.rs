//! What must hold for any samples.

use pe_metrics::{Confusion, auroc, average_precision, delong, roc_curve, youden};
use proptest::prelude::*;

/// Samples of both classes, with many ties.
fn samples() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    let sample = (any::<bool>(), 0_u8..20);
    proptest::collection::vec(sample, 2..80)
        .prop_map(|drawn| {
            let scores = drawn.iter().map(|sample| f64::from(sample.1) / 19.0);
            (
                drawn.iter().map(|sample| sample.0).collect(),
                scores.collect(),
            )
        })
        .prop_filter("both classes", |(labels, _): &(Vec<bool>, Vec<f64>)| {
            labels.contains(&true) && labels.contains(&false)
        })
}

/// The share of pairs of a positive and a negative in which the positive scores higher.
fn mann_whitney(labels: &[bool], scores: &[f64]) -> f64 {
    let of = |class: bool| {
        let samples = labels.iter().zip(scores);
        samples
            .filter(move |(label, _)| **label == class)
            .map(|(_, score)| *score)
    };
    let wins: f64 = of(true)
        .flat_map(|positive| {
            of(false).map(move |negative| match positive.total_cmp(&negative) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })
        })
        .sum();
    wins / (of(true).count() * of(false).count()) as f64
}

proptest! {
    #[test]
    fn auroc_is_the_mann_whitney_count((labels, scores) in samples()) {
        prop_assert!((auroc(&labels, &scores) - mann_whitney(&labels, &scores)).abs() < 1e-12);
        prop_assert!((delong(&labels, &scores).auroc - auroc(&labels, &scores)).abs() < 1e-12);
    }

    #[test]
    fn auroc_does_not_change_under_monotone_maps((labels, scores) in samples()) {
        let mapped: Vec<f64> = scores.iter().map(|score| (3.0 * score).exp() - 7.0).collect();
        prop_assert_eq!(auroc(&labels, &mapped), auroc(&labels, &scores));
        prop_assert_eq!(average_precision(&labels, &mapped), average_precision(&labels, &scores));
    }

    #[test]
    fn auroc_is_its_complement_when_labels_flip((labels, scores) in samples()) {
        let flipped: Vec<bool> = labels.iter().map(|label| !label).collect();
        let sum = auroc(&labels, &scores) + auroc(&flipped, &scores);
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn auroc_does_not_depend_on_the_order((labels, scores) in samples(), by in 0_usize..80) {
        let (mut turned, mut turned_scores) = (labels.clone(), scores.clone());
        let by = by % labels.len();
        turned.rotate_left(by);
        turned_scores.rotate_left(by);
        prop_assert_eq!(auroc(&labels, &scores), auroc(&turned, &turned_scores));
    }

    #[test]
    fn the_curve_has_the_area_and_dropping_points_keeps_it((labels, scores) in samples()) {
        for drop in [false, true] {
            let curve = roc_curve(&labels, &scores, drop);
            let (x, y) = (&curve.false_positive_rate, &curve.sensitivity);
            let area: f64 = (1..x.len())
                .map(|at| (x[at] - x[at - 1]) * (y[at] + y[at - 1]) / 2.0)
                .sum();
            prop_assert!((area - auroc(&labels, &scores)).abs() < 1e-12);
        }
    }

    #[test]
    fn no_threshold_beats_youdens((labels, scores) in samples()) {
        let best = youden(&labels, &scores);
        let at = Confusion::at(&labels, &scores, best.threshold);
        prop_assert_eq!((at.sensitivity(), at.specificity()), (best.sensitivity, best.specificity));
        for threshold in &scores {
            let at = Confusion::at(&labels, &scores, *threshold);
            let index = at.sensitivity() + at.specificity() - 1.0;
            prop_assert!(index <= best.index + 1e-12);
            // A tie is never lost to a higher sensitivity.
            prop_assert!(index < best.index - 1e-12 || at.sensitivity() <= best.sensitivity);
        }
    }
}
