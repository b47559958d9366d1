//! The training loop: fits a network to batches of samples, and writes checkpoints that a later run
//! resumes from.

mod average;
mod checkpoint;
mod log;
mod network;
mod optimizer;
mod order;
mod progress;
mod schedule;
mod statistics;
mod tensorboard;
mod validate;

use std::path::Path;
use std::time::Instant;

use pe_binding::{Task, Work};
use pe_files::Files;
use tch::Tensor;

use average::Average;
use checkpoint::{Checkpoints, State};
pub(crate) use checkpoint::{TensorFile, parse, read_tensors, write_tensors};
use log::{Log, Step};
pub(crate) use network::Network;
pub(crate) use optimizer::Adam;
use optimizer::clip;
use order::batches;
pub use progress::Epoch;
pub(crate) use progress::Length;
use progress::{Best, Progress};
use schedule::learning_rate;
use statistics::Statistics;
pub(crate) use validate::{probability, validate};

use crate::TrainError;
use crate::data::{Batch, HostBatch, Samples, for_each_batch};
use crate::options::{FitOptions, Precision, Select};
use crate::random::seed_torch;
use crate::stop::stoppable;

/// The inputs of [`fit`], beside the network.
pub(crate) struct Job<'a> {
    /// The model's name, for messages.
    pub(crate) name: &'a str,
    /// The run's folder, which exists.
    pub(crate) folder: &'a Path,
    pub(crate) train: &'a dyn Samples,
    /// Empty if the split has no validation part.
    pub(crate) validation: &'a dyn Samples,
    pub(crate) options: &'a FitOptions,
    pub(crate) seed: u64,
    /// Threads that make batches.
    pub(crate) n_threads: usize,
    pub(crate) work: &'a Work,
}

/// The result of [`fit`], beside the network, which then has the best weights.
pub(crate) struct Fitted {
    pub(crate) history: Vec<Epoch>,
    /// Counted from 1.
    pub(crate) best_epoch: usize,
}

/// Trains a network, resuming from the newest checkpoint in the folder if there is one.
///
/// # Errors
/// [`TrainError::NonFinite`] when the loss or the norm of the gradients is not finite;
/// [`TrainError::Interrupted`] after a stop request, with a checkpoint written; errors of files and
/// of libtorch.
pub(crate) fn fit(job: &Job, network: &mut Network) -> Result<Fitted, TrainError> {
    let mut training = Training::start(job, network)?;
    let trained = training.epochs();
    if matches!(trained, Ok(()) | Err(TrainError::Interrupted(_))) {
        // Save even if all epochs are done: the caller's next step, choosing thresholds, may be
        // interrupted too.
        training.keep()?;
    }
    trained?;
    let (progress, checkpoints) = (training.progress, training.checkpoints);
    let best = progress
        .best
        .as_ref()
        .map_or(progress.epoch, |best| best.epoch + 1);
    if let Some(best) = &progress.best {
        network
            .params_mut()
            .load(&checkpoints.read_tensors(&best.weights)?)?;
    }
    Ok(Fitted {
        history: progress.history,
        best_epoch: best,
    })
}

/// Removes a finished run's checkpoints.
pub(crate) fn clear(folder: &Path, files: &Files) -> Result<(), TrainError> {
    Checkpoints::new(folder, files).clear()
}

/// Warns if `balance` is set but all training samples have the same class.
fn tell_one_class(job: &Job) {
    let mut classes = (0..job.train.len()).map(|sample| job.train.positive(sample));
    let Some(first) = classes.next() else {
        return;
    };
    if job.options.balance > 0.0 && classes.all(|positive| positive == first) {
        let all = if first { "every one" } else { "none" };
        job.work.warn(&format!(
            "{}: `balance` has no effect, since {all} of the training {} shows PE",
            job.name,
            job.train.unit()
        ));
    }
}

struct Training<'a> {
    job: &'a Job<'a>,
    network: &'a mut Network,
    adam: Adam,
    /// `None` if the option `average` is 0.
    average: Option<Average>,
    progress: Progress,
    checkpoints: Checkpoints,
    log: Log,
    task: Task,
    saved: Instant,
    /// Epoch and step of the checkpoint on disk. At the start none is needed: a run can make its
    /// first weights again.
    saved_at: (usize, usize),
    statistics: Statistics,
    steps_per_epoch: usize,
}

impl<'a> Training<'a> {
    fn start(job: &'a Job<'a>, network: &'a mut Network) -> Result<Self, TrainError> {
        tell_one_class(job);
        let checkpoints = Checkpoints::new(job.folder, job.work.files());
        let mut adam = Adam::new(network.params(), job.options)?;
        let mut average = Average::new(network.params(), job.options.average)?;
        let mut progress = Progress::default();
        let first = batches(job.train, job.options, job.seed, 0);
        let steps_per_epoch = first.len();
        let length = Length {
            epochs: job.options.epochs,
            steps_per_epoch,
        };
        if let Some((found, mut state)) = checkpoints.read(&length, job.work)? {
            // `restore` takes moments and averages out of `state`. `load` wants exactly the
            // network's own tensors, which are left.
            adam.restore(&mut state, found.steps)?;
            if let Some(average) = &mut average {
                average.restore(network.params(), &mut state)?;
            }
            network.params_mut().load(&state)?;
            progress = found;
        }
        let per_epoch = n_slices(job, &first);
        let what = format!("training {}", job.name);
        let task = job
            .work
            .task(&what, per_epoch * job.options.epochs, "slices");
        let done = per_epoch * progress.epoch + per_epoch * progress.step / steps_per_epoch.max(1);
        task.resume(done);
        let log = Log::open(job.folder, progress.steps, progress.epoch, job.work.files())?;
        let statistics = Statistics::new(network.params())?;
        Ok(Self {
            job,
            network,
            adam,
            average,
            saved_at: (progress.epoch, progress.step),
            statistics,
            progress,
            checkpoints,
            log,
            task,
            saved: Instant::now(),
            steps_per_epoch,
        })
    }

    fn epochs(&mut self) -> Result<(), TrainError> {
        while self.progress.epoch < self.job.options.epochs && !self.progress.stopped_early {
            let began = Instant::now();
            // A resumed epoch adds to the seconds spent before it was stopped.
            let before_s = self.progress.elapsed_s;
            self.train_epoch()?;
            let trained_s = before_s + began.elapsed().as_secs_f64();
            self.exchange()?;
            let ended = self.end_epoch(trained_s, began, before_s);
            self.exchange()?;
            ended?;
            // A sequence model's epoch takes a fraction of a second, and so would a checkpoint: not
            // after each.
            if self.saved.elapsed().as_secs_f64() >= self.job.options.checkpoint_s / 10.0 {
                self.save()?;
            }
        }
        Ok(())
    }

    fn train_epoch(&mut self) -> Result<(), TrainError> {
        let (job, epoch) = (self.job, self.progress.epoch);
        let batches = batches(job.train, job.options, job.seed, epoch);
        // A resumed epoch has the same batches, and skips those that were done.
        let order: Vec<&[usize]> = batches
            .iter()
            .skip(self.progress.step)
            .map(Vec::as_slice)
            .collect();
        for_each_batch(
            job.train,
            &order,
            Some(epoch),
            job.n_threads,
            job.work,
            |batch_idx, batch| self.step(order[batch_idx], &batch),
        )
    }

    fn step(&mut self, samples: &[usize], host: &HostBatch) -> Result<(), TrainError> {
        let began = Instant::now();
        let (epoch, step) = (self.progress.epoch, self.progress.step);
        let options = self.job.options;
        let lr = learning_rate(options, self.progress.steps, self.steps_per_epoch);
        let batch = host.to_device(self.network.params().device())?;
        let (loss, mut gradients) = self.gradients(&batch)?;
        if !loss.is_finite() {
            return Err(self.non_finite(loss, samples));
        }
        let gradient_norm = clip(&mut gradients, options.clip_norm)?;
        if !gradient_norm.is_finite() {
            return Err(self.non_finite(gradient_norm, samples));
        }
        self.adam.step(self.network.params(), &gradients, lr)?;
        if let Some(average) = &mut self.average {
            average.add(self.network.params(), self.progress.steps + 1)?;
        }
        let n_valid = host.valid.iter().filter(|valid| **valid).count();
        let n_slices: usize = samples
            .iter()
            .map(|&sample| self.job.train.n_slices(sample))
            .sum();
        self.progress.step += 1;
        self.progress.steps += 1;
        self.progress.loss_sum += loss * n_valid as f64;
        self.progress.loss_n = self.progress.loss_n.saturating_add(n_valid as u64);
        self.progress.norm_sum += gradient_norm;
        let elapsed_s = began.elapsed().as_secs_f64();
        self.progress.elapsed_s += elapsed_s;
        self.log.step(&Step {
            epoch,
            step,
            steps: self.progress.steps,
            loss,
            lr,
            gradient_norm,
            slices_per_s: n_slices as f64 / elapsed_s,
        })?;
        self.tell(loss, n_slices);
        self.pause()
    }

    /// Computes the loss and the gradients of a batch. After a stop request it restores BatchNorm's
    /// statistics: the network is then as before, and a resumed run repeats the whole step.
    fn gradients(&mut self, batch: &Batch) -> Result<(f64, Vec<Tensor>), TrainError> {
        let (epoch, step) = (self.progress.epoch, self.progress.step);
        self.statistics.keep(self.network.params())?;
        let _drawing = seed_torch(self.job.seed, "step", &[epoch, step]);
        let _stoppable = stoppable(self.job.work);
        let found = gradients(self.network, batch, self.job.options);
        if let Err(TrainError::Interrupted(_)) = found {
            self.statistics.put_back(self.network.params())?;
        }
        found
    }

    fn tell(&self, loss: f64, n_slices: usize) {
        self.task.advance(n_slices);
        let last = self.progress.history.last();
        let auroc = last.and_then(|epoch| epoch.validation_auroc);
        let auroc = auroc.map_or(String::new(), |auroc| {
            format!(", validation AUC {auroc:.3}")
        });
        let (epoch, epochs) = (self.progress.epoch + 1, self.job.options.epochs);
        self.task
            .note(&format!("epoch {epoch}/{epochs}, loss {loss:.4}{auroc}"));
    }

    /// Called after each step: returns an error after a stop request, and saves a checkpoint when
    /// one is due.
    fn pause(&mut self) -> Result<(), TrainError> {
        self.task.check()?;
        if self.saved.elapsed().as_secs_f64() >= self.job.options.checkpoint_s {
            self.save()
        } else {
            Ok(())
        }
    }

    fn non_finite(&self, loss: f64, samples: &[usize]) -> TrainError {
        let batch: Vec<_> = samples
            .iter()
            .map(|&sample| self.job.train.describe(sample))
            .collect();
        TrainError::NonFinite {
            loss,
            epoch: self.progress.epoch + 1,
            step: self.progress.step + 1,
            batch: batch.join(", "),
        }
    }

    /// Exchanges the network's weights with their average, if there is one.
    fn exchange(&mut self) -> Result<(), TrainError> {
        match &mut self.average {
            Some(average) => average.exchange(self.network.params()),
            None => Ok(()),
        }
    }

    /// Validates the network, writes the epoch's numbers, and keeps the weights if they are the best
    /// so far.
    fn end_epoch(
        &mut self,
        trained_s: f64,
        began: Instant,
        before_s: f64,
    ) -> Result<(), TrainError> {
        let (job, options) = (self.job, self.job.options);
        let validation = validate(
            self.network,
            job.validation,
            options,
            job.n_threads,
            job.work,
        )?;
        let learning_rate = learning_rate(
            options,
            self.progress.steps.max(1) - 1,
            self.steps_per_epoch,
        );
        let n_slices = n_slices(
            job,
            &batches(job.train, options, job.seed, self.progress.epoch),
        );
        let epoch = Epoch {
            epoch: self.progress.epoch + 1,
            train_loss: self.progress.loss_sum / self.progress.loss_n.max(1) as f64,
            validation_loss: validation.as_ref().map(|found| found.loss),
            validation_auroc: validation.as_ref().and_then(|found| found.auroc),
            learning_rate,
            gradient_norm: self.progress.norm_sum / self.steps_per_epoch.max(1) as f64,
            slices_per_s: n_slices as f64 / trained_s,
            elapsed_s: before_s + began.elapsed().as_secs_f64(),
        };
        self.log.epoch(&epoch, self.progress.steps)?;
        self.choose(&epoch)?;
        // Step, loss, norm and time start from 0 again in the next epoch.
        self.progress = Progress {
            epoch: self.progress.epoch + 1,
            steps: self.progress.steps,
            stopped_early: self.progress.stopped_early,
            best: self.progress.best.take(),
            history: std::mem::take(&mut self.progress.history),
            ..Progress::default()
        };
        self.progress.history.push(epoch);
        Ok(())
    }

    /// Saves the weights if this epoch is the best so far. Ends training after `patience` epochs
    /// without a better one.
    fn choose(&mut self, epoch: &Epoch) -> Result<(), TrainError> {
        let options = self.job.options;
        let best = self
            .progress
            .best
            .as_ref()
            .map(|best| &self.progress.history[best.epoch]);
        if best.is_none_or(|best| is_better(options.select, epoch, best)) {
            let name = format!("best-E{:04}.safetensors", epoch.epoch);
            let weights = self
                .checkpoints
                .write_tensors(&name, &weights(self.network))?;
            self.progress.best = Some(Best {
                epoch: epoch.epoch - 1,
                weights,
            });
        }
        let since = self
            .progress
            .best
            .as_ref()
            .map_or(0, |best| epoch.epoch - 1 - best.epoch);
        self.progress.stopped_early = options.patience > 0 && since >= options.patience;
        Ok(())
    }

    /// Saves a checkpoint unless the one on disk is of the last step.
    fn keep(&mut self) -> Result<(), TrainError> {
        if self.saved_at == (self.progress.epoch, self.progress.step) {
            Ok(())
        } else {
            self.save()
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let mut state = weights(self.network);
        state.extend(self.adam.state());
        if let Some(average) = &self.average {
            state.extend(average.state(self.network.params()));
        }
        self.checkpoints.write(&self.progress, &state)?;
        self.saved = Instant::now();
        self.saved_at = (self.progress.epoch, self.progress.step);
        Ok(())
    }
}

/// Number of slices in the batches of an epoch.
fn n_slices(job: &Job, batches: &[Vec<usize>]) -> usize {
    let samples = batches.iter().flatten();
    samples.map(|&sample| job.train.n_slices(sample)).sum()
}

/// Computes the loss and the gradients of the trainable parameters, in their order.
fn gradients(
    network: &Network,
    batch: &Batch,
    options: &FitOptions,
) -> Result<(f64, Vec<Tensor>), TrainError> {
    let logits = {
        let _autocast = match options.precision {
            Precision::F32 => None,
            Precision::Bf16 => Some(pe_nn::Autocast::bf16(network.params().device())?),
        };
        network.logits(batch, pe_nn::Mode::Train)?
    };
    let weight = (options.positive_weight != 1.0).then_some(options.positive_weight);
    let loss = pe_nn::bce_with_logits(&logits, &batch.target, &batch.valid, weight)?;
    let params: Vec<&Tensor> = network
        .params()
        .trainable()
        .map(|(_, tensor)| tensor)
        .collect();
    let gradients = pe_nn::gradients(&loss, &params)?;
    Ok((loss.f_double_value(&[])?, gradients))
}

/// Returns whether `epoch` is better than the best so far. If there is nothing to compare
/// (`Select::Last`, no validation part), the later epoch is better.
fn is_better(select: Select, epoch: &Epoch, best: &Epoch) -> bool {
    let better = match select {
        Select::Last => None,
        Select::Loss => epoch
            .validation_loss
            .zip(best.validation_loss)
            .map(|(new, old)| new < old),
        Select::Auroc => epoch
            .validation_auroc
            .zip(best.validation_auroc)
            .map(|(new, old)| new > old),
    };
    better.unwrap_or(true)
}

/// Returns all tensors of a network, including buffers.
pub(crate) fn weights(network: &Network) -> State {
    let named = network.params().iter();
    named
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
        .collect()
}
