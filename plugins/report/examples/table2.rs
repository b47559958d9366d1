//! A report from made-up scores: what the page of a real experiment looks like.
//!
//! `cargo run -p pe-report --example table2 -- FOLDER` writes it and prints the table.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::ChannelSlice;
use pe_metrics::{
    EvaluateOptions, ExamScores, GroupSlices, Groups, Level, Scores, mistakes, relative_height,
    youden,
};
use pe_report::{Epoch, Experiment, ExperimentOptions, Reference, ReferenceModel};

/// How far apart each model's scores of the two classes lie, in the order of the reference.
const SKILL: [f64; 6] = [1.5, 1.8, 2.3, 2.0, 2.7, 2.9];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or("target/table2".into());
    let experiment = experiment()?;
    experiment.save(Path::new(&folder), &pe_files::Files::free())?;
    println!("{}", experiment.table()?);
    Ok(())
}

/// A table that no paper has printed, of six models.
pub fn reference() -> Reference {
    let models = [
        (
            "effnet",
            "EfficientNet-B0",
            [0.77, 0.78, 0.76, 0.16, 0.27, 0.83],
        ),
        (
            "resnet3d",
            "ResNet 3D 18",
            [0.79, 0.80, 0.78, 0.22, 0.34, 0.86],
        ),
        (
            "effnet_lstm",
            "EfficientNet-B0 + BiLSTM",
            [0.82, 0.83, 0.81, 0.26, 0.40, 0.89],
        ),
        (
            "effnet_tcn",
            "EfficientNet-B0 + TCN",
            [0.80, 0.81, 0.79, 0.25, 0.38, 0.87],
        ),
        (
            "resnet3d_lstm",
            "ResNet 3D 18 + BiLSTM",
            [0.83, 0.87, 0.82, 0.28, 0.42, 0.91],
        ),
        (
            "resnet3d_tcn",
            "ResNet 3D 18 + TCN",
            [0.87, 0.86, 0.88, 0.33, 0.48, 0.92],
        ),
    ];
    let keys = [
        "accuracy",
        "sensitivity",
        "specificity",
        "precision",
        "f1",
        "auroc",
    ];
    let model = |(id, name, values): (&str, &str, [f64; 6])| ReferenceModel {
        id: id.into(),
        name: name.into(),
        dashed: !id.contains('_'),
        numbers: keys.map(Into::into).into_iter().zip(values).collect(),
    };
    Reference {
        name: "paper".into(),
        data: "900 exams that are made up too".into(),
        caveats: vec!["These numbers come from other data than ours.".into()],
        models: models.map(model).into(),
    }
}

/// Six models on 15 made-up exams, evaluated.
///
/// # Errors
/// Never, unless the made-up scores are out of order.
pub fn experiment() -> Result<Experiment, Box<dyn Error>> {
    let options = ExperimentOptions {
        file: "table2".into(),
        reference: Some(reference()),
        ..Default::default()
    };
    let title = "Six models for pulmonary embolism on CTPA";
    let mut experiment = Experiment::with_options(title, options)?;
    experiment.data("made-up scores of 15 made-up exams, drawn to look at this report; no CT");
    for (n, (model, skill)) in reference().models.iter().zip(SKILL).enumerate() {
        let validation =
            Scores::new(&model.id, exams(100 + n as u64, skill))?.samples(Level::Slice);
        let threshold = youden(&validation.labels, &validation.probabilities).threshold;
        let scores = Scores::new(&model.id, exams(n as u64, skill))?.with_threshold(threshold);
        experiment.model(&model.id, scores.clone(), history(skill))?;
        if n == 5 {
            for (shade, mistake) in mistakes(&scores, 3)?.iter().enumerate() {
                experiment.example(&model.id, mistake.into(), &blobs(shade))?;
            }
        }
    }
    let heights = Scores::new(
        "position",
        exams(0, 0.0).into_iter().map(by_height).collect(),
    )?;
    experiment.baseline("position", heights.with_threshold(0.5))?;
    experiment.by(Groups::new("place of the clot", ends(&exams(0, 0.0)))?);
    for (base, id) in [
        ("effnet", "effnet_lstm"),
        ("effnet", "effnet_tcn"),
        ("resnet3d", "resnet3d_lstm"),
        ("resnet3d", "resnet3d_tcn"),
    ] {
        experiment.compare(base, id)?;
    }
    experiment.fact("input", "224 × 224 and 112 × 112 pixels, mask \"paper\"");
    experiment.fact(
        "optimizer",
        "Adam, 1e-4 for backbones, 5e-4 for sequence models",
    );
    experiment.note("Every number on this page is made up.");
    experiment.evaluate(&EvaluateOptions::default(), &Work::silent())?;
    Ok(experiment)
}

/// 15 exams, five with PE, whose slices' logits lie `skill` apart; the labels do not depend on
/// the seed.
fn exams(seed: u64, skill: f64) -> Vec<ExamScores> {
    (0..15_u64)
        .map(|exam| {
            let n_slices = 90 + (exam * 37 % 160) as usize;
            let clot = (exam < 5).then(|| n_slices / 3..n_slices / 3 + 14 + 4 * exam as usize);
            let within = |slice_idx| clot.as_ref().is_some_and(|clot| clot.contains(&slice_idx));
            // Neighbours resemble each other: noise of knots ten slices apart, and a little more.
            let smooth = |slice_idx: usize| {
                let (knot, share) = (slice_idx as u64 / 10, (slice_idx % 10) as f64 / 10.0);
                let at = |knot| noise(seed ^ (exam << 20) ^ (knot << 40));
                at(knot) * (1.0 - share) + at(knot + 1) * share
            };
            let logit = |slice_idx: usize| {
                let rough = noise(seed ^ (exam << 8) ^ ((slice_idx as u64) << 30));
                let signal = if within(slice_idx) { skill } else { 0.0 };
                signal - 2.2 + smooth(slice_idx) + 0.4 * rough
            };
            ExamScores {
                exam: format!("1.2.826.0.1.3680043.8.498.{:012}", 271_828_182 * (exam + 3)),
                positive: Some(clot.is_some()),
                probability: None,
                labels: (0..n_slices)
                    .map(|slice_idx| Some(within(slice_idx)))
                    .collect(),
                probabilities: (0..n_slices)
                    .map(|slice_idx| 1.0 / (1.0 + (-logit(slice_idx)).exp()))
                    .collect(),
            }
        })
        .collect()
}

/// The same exam with scores of its slices' heights alone.
fn by_height(exam: ExamScores) -> ExamScores {
    let n_slices = exam.labels.len();
    let heights = (0..n_slices).map(|slice_idx| relative_height(slice_idx, n_slices));
    ExamScores {
        probabilities: heights
            .map(|height| (-0.5 * ((height - 0.4) / 0.1).powi(2)).exp())
            .collect(),
        ..exam
    }
}

/// The first and the last slices of each clot.
fn ends(exams: &[ExamScores]) -> Vec<GroupSlices> {
    let of = |exam: &ExamScores| {
        let n_slices = exam.labels.len();
        let within = (0..n_slices).filter(|slice_idx| exam.labels[*slice_idx] == Some(true));
        let within: Vec<usize> = within.collect();
        let at_ends = |slice_idx: &usize| {
            [within.first(), within.last()]
                .into_iter()
                .flatten()
                .any(|end| slice_idx.abs_diff(*end) < 3)
        };
        let (ends, middle) = within.iter().partition(|slice_idx| at_ends(slice_idx));
        [("ends", ends), ("middle", middle)].map(|(group, slices)| GroupSlices {
            exam: exam.exam.clone(),
            group: group.into(),
            slices,
        })
    };
    exams.iter().flat_map(of).collect()
}

/// A number near the normal distribution, from a counter (SplitMix64, Steele et al. 2014).
fn noise(counter: u64) -> f64 {
    let uniform = |counter: u64| {
        let mut bits = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let draws = (1..=12).map(|draw| uniform(counter.wrapping_mul(12).wrapping_add(draw)));
    draws.sum::<f64>() - 6.0
}

fn history(skill: f64) -> Vec<Epoch> {
    (1..=20_u32)
        .map(|epoch| {
            let gone = (-f64::from(epoch) / 5.0).exp();
            let wiggle = 0.01 * noise(u64::from(epoch) ^ (skill.to_bits() << 1));
            let values = [
                ("train_loss", 0.12 + 0.4 * gone),
                (
                    "validation_loss",
                    0.2 + 0.35 * gone + wiggle + 0.002 * f64::from(epoch),
                ),
                (
                    "validation_auroc",
                    0.72 + 0.08 * skill - 0.3 * gone - wiggle,
                ),
                ("elapsed_s", 12.5),
                ("learning_rate", 5e-4 * 0.9_f64.powi(epoch as i32 / 5)),
            ];
            Epoch {
                epoch: f64::from(epoch),
                values: BTreeMap::from(values.map(|(name, value)| (name.into(), value))),
            }
        })
        .collect()
}

/// A slice that is no CT: bright ovals.
fn blobs(shade: usize) -> ChannelSlice {
    let pixels = Array3::from_shape_fn((3, 112, 112), |(channel, row, col)| {
        let oval = |mid_row: f64, mid_col: f64, size: f64| {
            let (down, across) = (row as f64 - mid_row, (col as f64 - mid_col) * 1.3);
            (1.0 - (down * down + across * across).sqrt() / size).max(0.0)
        };
        let lungs = oval(56.0, 34.0, 30.0).max(oval(56.0, 78.0, 30.0));
        let heart = oval(60.0 + shade as f64, 58.0, 16.0);
        [lungs, heart.max(0.5 * lungs), heart][channel] as f32
    });
    ChannelSlice::new(pixels).expect("three channels in [0, 1]")
}
