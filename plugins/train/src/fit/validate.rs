use pe_binding::Work;
use pe_nn::Mode;
use tch::Kind;

use super::Network;
use crate::TrainError;
use crate::data::{Batch, Samples, for_each_batch};
use crate::options::FitOptions;
use crate::stop::stoppable;

/// Results of a network on the validation samples.
pub(crate) struct Validation {
    /// Mean loss per slice, with positives weighted as in training.
    pub(crate) loss: f64,
    /// AUC of slices; `None` if there is one class only.
    pub(crate) auroc: Option<f64>,
    /// Labels of the slices that count, in the order of the samples; likewise `probabilities`.
    pub(crate) labels: Vec<bool>,
    pub(crate) probabilities: Vec<f64>,
}

/// Runs a network over all samples, in eval mode and float32, without augmentation; returns `None`
/// if there are no samples.
pub(crate) fn validate(
    network: &Network,
    samples: &dyn Samples,
    options: &FitOptions,
    n_threads: usize,
    work: &Work,
) -> Result<Option<Validation>, TrainError> {
    if samples.len() == 0 {
        return Ok(None);
    }
    let _no_grad = tch::no_grad_guard();
    let _stoppable = stoppable(work);
    let indices: Vec<usize> = (0..samples.len()).collect();
    let order: Vec<&[usize]> = indices.chunks(options.batch).collect();
    let mut found = Validation {
        loss: 0.0,
        auroc: None,
        labels: Vec::new(),
        probabilities: Vec::new(),
    };
    for_each_batch(samples, &order, None, n_threads, work, |_, host| {
        let batch = host.to_device(network.params().device())?;
        add(&mut found, network, &batch, options, &host.valid)
    })?;
    found.loss /= found.labels.len().max(1) as f64;
    let auroc = pe_metrics::auroc(&found.labels, &found.probabilities);
    found.auroc = auroc.is_finite().then_some(auroc);
    Ok(Some(found))
}

fn add(
    found: &mut Validation,
    network: &Network,
    batch: &Batch,
    options: &FitOptions,
    valid: &[bool],
) -> Result<(), TrainError> {
    let logits = network.logits(batch, Mode::Eval)?;
    let weight = (options.positive_weight != 1.0).then_some(options.positive_weight);
    let loss = pe_nn::bce_with_logits(&logits, &batch.target, &batch.valid, weight)?;
    let n_valid = valid.iter().filter(|valid| **valid).count();
    // `loss` is the mean over the batch's valid slices, whose number varies: sum up here, divide
    // once at the end.
    found.loss += loss.f_double_value(&[])? * n_valid as f64;
    let logits = Vec::<f64>::try_from(&logits.f_to_kind(Kind::Double)?.f_flatten(0, -1)?)?;
    let targets = Vec::<f32>::try_from(&batch.target.f_flatten(0, -1)?)?;
    for ((logit, target), _) in logits
        .iter()
        .zip(targets)
        .zip(valid)
        .filter(|(_, valid)| **valid)
    {
        found.labels.push(target > 0.5);
        found.probabilities.push(probability(*logit));
    }
    Ok(())
}

/// The logistic function.
pub(crate) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
