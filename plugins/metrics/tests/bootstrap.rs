//! The intervals equal those of a plain bootstrap, which repeats the drawn exams' samples and
//! computes every metric anew, with the same draws.

use pe_metrics::{
    Bootstrap, Confusion, Estimate, EvaluateOptions, ExamScores, Level, Samples, Scores, auroc,
    average_precision, bootstrap_p, brier, compare, evaluate, same_height_auroc,
};

/// 30 exams of 1 to 40 slices; a third of them with runs of positive slices; some unlabelled slices.
/// `noise` sets how far probabilities stray from labels.
fn scores(model: &str, noise: f64) -> Scores {
    let mut state = 12_345_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut stray = 77_u64;
    let exams = (0..30).map(|exam| {
        let n_slices = 1 + (uniform() * 40.0) as usize;
        let labels: Vec<Option<bool>> = (0..n_slices)
            .map(|slice| {
                let labelled = uniform() > 0.1;
                labelled.then_some(exam % 3 == 0 && slice > n_slices / 2)
            })
            .collect();
        let probabilities = labels.iter().map(|label| {
            stray = stray
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let share = (stray >> 11) as f64 / (1_u64 << 53) as f64;
            let sure = if *label == Some(true) { 0.7 } else { 0.3 };
            // Two digits, so that there are ties.
            (100.0 * ((1.0 - noise) * sure + noise * share)).round() / 100.0
        });
        let probabilities = probabilities.collect();
        ExamScores {
            exam: format!("1.2.{exam}"),
            positive: None,
            probability: None,
            labels,
            probabilities,
        }
    });
    Scores::new(model, exams.collect()).expect("good scores")
}

/// The samples of one resample, each exam's as often as it was drawn.
fn resample(samples: &Samples, times: &[u32]) -> (Vec<bool>, Vec<f64>) {
    let mut drawn = (Vec::new(), Vec::new());
    let mut exams = samples.exams.clone();
    exams.dedup();
    for (exam, times) in exams.iter().zip(times) {
        for _ in 0..*times {
            for sample in (0..samples.len()).filter(|sample| samples.exams[*sample] == *exam) {
                drawn.0.push(samples.labels[sample]);
                drawn.1.push(samples.probabilities[sample]);
            }
        }
    }
    drawn
}

/// The percentiles of the values that are defined, by the textbook.
fn interval(mut values: Vec<f64>, confidence: f64) -> (f64, f64) {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (below, part) = (place as usize, place.fract());
        let above = values[(below + 1).min(values.len() - 1)];
        values[below] * (1.0 - part) + above * part
    };
    let tail = (1.0 - confidence) / 2.0;
    (at(tail), at(1.0 - tail))
}

#[track_caller]
fn check(what: &str, found: Estimate, value: f64, (low, high): (f64, f64)) {
    assert!(
        (found.value - value).abs() < 1e-12,
        "{what}: {found}, {value}"
    );
    assert!((found.low - low).abs() < 1e-12, "{what}: {found}, {low}");
    assert!((found.high - high).abs() < 1e-12, "{what}: {found}, {high}");
}

const OPTIONS: EvaluateOptions = EvaluateOptions {
    replicates: 150,
    confidence: 0.9,
    seed: 11,
    slab: 8,
    bins: 10,
    height_tolerance: 0.04,
};

type Metric = fn(&[bool], &[f64]) -> f64;

#[test]
fn intervals_are_those_of_a_plain_bootstrap() {
    let scores = scores("effnet", 0.7).with_threshold(0.45);
    for level in [Level::Slice, Level::Slab(8), Level::Exam] {
        let found = evaluate(&scores, level, &OPTIONS).expect("it is evaluated");
        let samples = scores.samples(level);
        let bootstrap = Bootstrap {
            replicates: OPTIONS.replicates,
            seed: OPTIONS.seed,
            n_exams: found.n_exams,
        };
        let resamples: Vec<_> = (0..OPTIONS.replicates)
            .map(|replicate| resample(&samples, &bootstrap.multiplicities(replicate)))
            .collect();
        let metrics: [(&str, Estimate, Metric); 8] = [
            ("auroc", found.auroc, auroc),
            (
                "average precision",
                found.average_precision,
                average_precision,
            ),
            ("brier", found.brier, brier),
            ("accuracy", found.accuracy, |l, s| {
                Confusion::at(l, s, 0.45).accuracy()
            }),
            ("sensitivity", found.sensitivity, |l, s| {
                Confusion::at(l, s, 0.45).sensitivity()
            }),
            ("specificity", found.specificity, |l, s| {
                Confusion::at(l, s, 0.45).specificity()
            }),
            ("precision", found.precision, |l, s| {
                Confusion::at(l, s, 0.45).precision()
            }),
            ("f1", found.f1, |l, s| Confusion::at(l, s, 0.45).f1()),
        ];
        for (name, estimate, metric) in metrics {
            let values = resamples
                .iter()
                .map(|(labels, scores)| metric(labels, scores));
            let expected = interval(values.collect(), OPTIONS.confidence);
            let value = metric(&samples.labels, &samples.probabilities);
            check(&format!("{name} by {level}"), estimate, value, expected);
            // Few samples can all be called right in every resample; slices are many.
            let wide = estimate.low < estimate.high;
            assert!(wide || level != Level::Slice, "{name}: {estimate}");
        }
    }
}

#[test]
fn a_difference_is_of_the_same_resamples() {
    let (a, b) = (scores("effnet", 0.9), scores("effnet_lstm", 0.7));
    let found = compare(&a, &b, Level::Slice, &OPTIONS).expect("they are compared");
    let (samples_a, samples_b) = (a.samples(Level::Slice), b.samples(Level::Slice));
    let bootstrap = Bootstrap {
        replicates: OPTIONS.replicates,
        seed: OPTIONS.seed,
        n_exams: found.n_exams,
    };
    let area = |samples: &Samples, times: &[u32]| {
        let (labels, scores) = resample(samples, times);
        auroc(&labels, &scores)
    };
    let deltas = (0..OPTIONS.replicates).map(|replicate| {
        let times = bootstrap.multiplicities(replicate);
        area(&samples_b, &times) - area(&samples_a, &times)
    });
    let expected = interval(deltas.collect(), OPTIONS.confidence);
    check(
        "delta",
        found.delta_auroc,
        found.auroc_b - found.auroc_a,
        expected,
    );
    assert!(
        found.delta_auroc.value > 0.0 && found.delong_p < 0.05,
        "{found}"
    );
}

/// The exams of one resample, each as often as it was drawn, under other names.
fn redrawn(scores: &Scores, times: &[u32]) -> Scores {
    let labelled = scores
        .exams()
        .iter()
        .filter(|exam| exam.labels.iter().any(Option::is_some));
    let mut drawn = Vec::new();
    for (exam, times) in labelled.zip(times) {
        for time in 0..*times {
            let exam_name = format!("{}.{time}", exam.exam);
            drawn.push(ExamScores {
                exam: exam_name,
                ..exam.clone()
            });
        }
    }
    Scores::new(scores.model(), drawn).expect("good scores")
}

#[test]
fn the_interval_at_the_same_height_is_of_exams_drawn_again() {
    let (a, b) = (scores("effnet", 0.9), scores("effnet_lstm", 0.7));
    let found = compare(&a, &b, Level::Slice, &OPTIONS).expect("they are compared");
    let bootstrap = Bootstrap {
        replicates: OPTIONS.replicates,
        seed: OPTIONS.seed,
        n_exams: found.n_exams,
    };
    let area = |scores: &Scores| {
        same_height_auroc(scores, OPTIONS.height_tolerance).expect("a tolerance in range")
    };
    let areas = |scores: &Scores| -> Vec<f64> {
        (0..OPTIONS.replicates)
            .map(|replicate| area(&redrawn(scores, &bootstrap.multiplicities(replicate))))
            .collect()
    };
    let (areas_a, areas_b) = (areas(&a), areas(&b));
    let deltas: Vec<f64> = areas_a.iter().zip(&areas_b).map(|(a, b)| b - a).collect();
    let of_a = evaluate(&a, Level::Slice, &OPTIONS).expect("it is evaluated");
    let of_a = of_a.same_height_auroc.expect("slices have heights");
    check(
        "a",
        of_a.auroc,
        area(&a),
        interval(areas_a, OPTIONS.confidence),
    );
    let same_height = found.same_height.expect("slices have heights");
    let expected = interval(deltas.clone(), OPTIONS.confidence);
    check(
        "delta",
        same_height.delta_auroc,
        area(&b) - area(&a),
        expected,
    );
    assert_eq!(
        (same_height.auroc_a, same_height.auroc_b),
        (area(&a), area(&b))
    );
    assert!((same_height.p - bootstrap_p(&deltas)).abs() < 1e-12);
    assert!(
        same_height.p < 0.05 && same_height.delta_auroc.low > 0.0,
        "{found}"
    );
}

#[test]
fn the_seed_alone_decides() {
    let scores = scores("effnet", 0.7);
    let with = |seed| {
        let options = EvaluateOptions { seed, ..OPTIONS };
        let found = evaluate(&scores, Level::Slice, &options).expect("it is evaluated");
        (found.auroc, found.same_height_auroc)
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    let three_threads = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .expect("a pool");
    assert_eq!(
        one_thread.install(|| with(1)),
        three_threads.install(|| with(1))
    );
}
