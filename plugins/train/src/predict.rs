//! Predicts the probability of PE for each slice of an exam.

use pe_binding::Work;
use pe_ct::ExamId;
use pe_metrics::{Level, Scores, youden};
use pe_nn::Mode;
use pe_store::{StoredExam, StoredFeatures};
use tch::{Device, Kind, Tensor};

use crate::TrainError;
use crate::data::exam_scores;
use crate::features::FeatureSet;
use crate::fit::{Network, probability};
use crate::model::{Architecture, Model, Threshold};
use crate::stop::stoppable;

/// Returns the probabilities of PE that `model` gives to the slices of `exams`, with the thresholds
/// of its validation part. Both kinds of model take features: a CNN its own, a sequence model its
/// backbone's.
///
/// A CNN classifies each row of features; a sequence model takes sequences as long as in training.
/// Each slice gets the probability of its own logit, or of its slab's if the model gives one logit
/// per slab.
///
/// # Errors
/// [`TrainError::Mismatch`] when the features are not those that the model takes;
/// [`TrainError::Data`] for an exam without slices; errors of the network.
pub fn predict(
    model: &Model,
    features: &FeatureSet,
    exams: &[ExamId],
    work: &Work,
) -> Result<Scores, TrainError> {
    let expected = model.features();
    if expected != *features.settings() {
        return Err(TrainError::Mismatch {
            model: model.record().name.clone(),
            expected: format!(
                "features of {} with weights {}",
                expected.network, expected.weights
            ),
            found: format!(
                "features of {} with weights {}",
                features.settings().network,
                features.settings().weights
            ),
        });
    }
    let exams = features.of(exams, work)?;
    // On the CPU: sequences are short and their networks small, so copying to a GPU would take
    // longer.
    let network = model.network(Device::Cpu)?;
    let _no_grad = tch::no_grad_guard();
    let _stoppable = stoppable(work);
    let task = work.task(
        &format!("predicting {}", model.record().name),
        exams.len(),
        "exams",
    );
    let scores = exams
        .iter()
        .map(|(exam, features)| {
            task.check()?;
            let probabilities = probabilities(model, &network, exam, features)?;
            task.advance(1);
            Ok(exam_scores(exam, probabilities))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let scores = Scores::new(model.record().name.as_str(), scores)?;
    let thresholds = &model.record().thresholds;
    Ok(thresholds.iter().fold(scores, |scores, one| {
        scores.with_threshold_at(one.level, one.threshold)
    }))
}

/// Levels at which a threshold is chosen: slices, slabs of 32 slices as in the paper, and exams.
const LEVELS: [Level; 3] = [Level::Slice, Level::Slab(32), Level::Exam];

/// Chooses the Youden thresholds of a model on these exams. A level with one class only gets none.
pub(crate) fn thresholds(
    model: &Model,
    features: &FeatureSet,
    exams: &[ExamId],
    work: &Work,
) -> Result<Vec<Threshold>, TrainError> {
    let scores = predict(model, features, exams, work)?;
    let chosen = LEVELS.map(|level| {
        let samples = scores.samples(level);
        let threshold = youden(&samples.labels, &samples.probabilities).threshold;
        Threshold { level, threshold }
    });
    Ok(chosen
        .into_iter()
        .filter(|one| one.threshold.is_finite())
        .collect())
}

fn probabilities(
    model: &Model,
    network: &Network,
    exam: &StoredExam,
    features: &StoredFeatures,
) -> Result<Vec<f64>, TrainError> {
    let (n_slices, per_row) = (exam.n_slices(), model.slices_per_row());
    let logits = match (network, &model.record().architecture) {
        (Network::Cnn(backbone), _) => {
            let rows = [features.n_rows() as i64, features.width() as i64];
            let rows = Tensor::f_from_slice(features.values())?.f_reshape(rows)?;
            floats(&backbone.classify(&rows)?)?
        }
        (
            Network::Sequence(head),
            Architecture::Sequence {
                options,
                features: settings,
                ..
            },
        ) => {
            let form = crate::data::SequenceForm::new(settings.unit, options);
            let mut logits = Vec::new();
            for first in (0..features.n_rows()).step_by(form.chunk) {
                let n_rows = form.chunk.min(features.n_rows() - first);
                let mut input = vec![0.0; n_rows * form.width(features.width())];
                form.rows(features, first, &mut input);
                let shape = [1, n_rows as i64, form.width(features.width()) as i64];
                let input = Tensor::f_from_slice(&input)?.f_reshape(shape)?;
                let rows = Tensor::f_ones([1, n_rows as i64], (Kind::Bool, Device::Cpu))?;
                logits.extend(floats(&head.logits(&input, &rows, Mode::Eval)?)?);
            }
            logits
        }
        (Network::Sequence(_), Architecture::Cnn { .. }) => Vec::new(),
    };
    // One logit per row holds for all slices of the row; otherwise each slice has its own.
    let per_logit = if logits.len() == features.n_rows() {
        per_row
    } else {
        1
    };
    Ok((0..n_slices)
        .map(|slice_idx| probability(logits[slice_idx / per_logit]))
        .collect())
}

fn floats(logits: &Tensor) -> Result<Vec<f64>, TrainError> {
    Ok(Vec::<f64>::try_from(
        &logits.f_to_kind(Kind::Double)?.f_flatten(0, -1)?,
    )?)
}
