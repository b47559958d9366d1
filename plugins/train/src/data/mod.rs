//! Data sets, from which training takes its batches.

mod frames;
mod image;
mod prefetch;
mod sequences;
mod slabs;
mod slices;

pub(crate) use frames::FrameSet;
pub use image::Normalisation;
pub(crate) use prefetch::{Wanted, for_each_batch};
pub(crate) use sequences::{SequenceForm, SequenceSet};
pub(crate) use slabs::{SlabForm, SlabSet};
pub(crate) use slices::SliceSet;

use pe_metrics::ExamScores;
use pe_store::StoredExam;
use tch::{Device, Tensor};

use crate::TrainError;
use crate::random::Stream;

/// A slice of an exam of the data set, to which one logit belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) exam_idx: usize,
    pub(crate) slice_idx: usize,
}

/// Samples that batches are made of: slices, slabs or sequences of rows.
pub(crate) trait Samples: Sync {
    /// The number of samples.
    fn len(&self) -> usize;
    /// The name of the samples in the plural, for messages.
    fn unit(&self) -> &'static str;
    /// Number of slices in a sample, without padding.
    fn n_slices(&self, sample: usize) -> usize;
    /// Returns whether any slice of the sample shows PE.
    fn positive(&self, sample: usize) -> bool;
    /// Describes a sample so that a user can find it: the exam's series UID and the slices.
    fn describe(&self, sample: usize) -> String;
    /// Makes a batch. `epoch` is given in training, where images are augmented. Returns `None` if
    /// `wanted` ends meanwhile: a batch of slabs takes seconds, too long to finish it for nothing.
    fn batch(&self, samples: &[usize], epoch: Option<usize>, wanted: &Wanted) -> Option<HostBatch>;
}

/// A batch in host memory, which any thread can make.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct HostBatch {
    /// The input's values, in the order of `shape`.
    pub(crate) input: Vec<f32>,
    /// The input's shape, as it is in memory.
    pub(crate) shape: Vec<i64>,
    /// Permutation of `shape` to the shape that the network takes; empty if they are the same.
    /// Images have their channels last in memory.
    pub(crate) permute: Vec<i64>,
    /// 1 for PE, in the shape of the logits.
    pub(crate) target: Vec<f32>,
    /// True for logits that count: labelled and not padding.
    pub(crate) valid: Vec<bool>,
    /// The shape of the logits.
    pub(crate) logits: Vec<i64>,
    /// True for rows of a sequence that are not padding, `[batch, time]`; empty for images.
    pub(crate) rows: Vec<bool>,
}

/// A batch on the device.
pub(crate) struct Batch {
    pub(crate) input: Tensor,
    pub(crate) rows: Option<Tensor>,
    pub(crate) target: Tensor,
    pub(crate) valid: Tensor,
}

impl HostBatch {
    /// Copies the batch to the device.
    pub(crate) fn to_device(&self, device: Device) -> Result<Batch, TrainError> {
        let floats = |values: &[f32], shape: &[i64]| {
            Tensor::f_from_slice(values)?
                .f_reshape(shape)?
                .f_to_device(device)
        };
        let flags = |values: &[bool], shape: &[i64]| Tensor::f_from_slice(values)?.f_reshape(shape);
        let mut input = floats(&self.input, &self.shape)?;
        if !self.permute.is_empty() {
            input = input.f_permute(&self.permute)?;
        }
        let rows = if self.rows.is_empty() {
            None
        } else {
            Some(flags(&self.rows, &self.shape[..2])?.f_to_device(device)?)
        };
        Ok(Batch {
            input,
            rows,
            target: floats(&self.target, &self.logits)?,
            // Stays on the CPU: the loss counts these flags, and would have to wait for a GPU.
            valid: flags(&self.valid, &self.logits)?,
        })
    }
}

/// Returns the labels of an exam's slices; `None` for a slice without a label.
pub(crate) fn labels(exam: &StoredExam) -> Vec<Option<bool>> {
    let labels = exam.manifest().exam.labels.as_ref();
    let known = labels.map_or(&[][..], |labels| &labels.pe_on_slice);
    (0..exam.n_slices())
        .map(|idx| known.get(idx).copied().flatten())
        .collect()
}

/// Returns the scores of an exam: its labels, and a model's probability of PE for each slice.
pub(crate) fn exam_scores(exam: &StoredExam, probabilities: Vec<f64>) -> ExamScores {
    let info = &exam.manifest().exam;
    ExamScores {
        exam: info.id.series_uid.clone(),
        positive: info.labels.as_ref().and_then(|labels| labels.positive()),
        probability: None,
        labels: labels(exam),
        probabilities,
    }
}

/// Shuffles the labels among all slices of all exams, as a negative control.
pub(crate) fn shuffle_labels(labels: &mut [Vec<Option<bool>>], seed: u64) {
    let mut all: Vec<Option<bool>> = labels.iter().flatten().copied().collect();
    Stream::new(seed, "shuffled labels", &[]).shuffle(&mut all);
    let mut rest = all.into_iter();
    for label in labels.iter_mut().flatten() {
        *label = rest.next().flatten();
    }
}

/// `slice 3` or `slices 0 to 31` of an exam.
fn describe(exam: &StoredExam, first: usize, last: usize) -> String {
    let uid = &exam.manifest().exam.id.series_uid;
    if first == last {
        format!("{uid} slice {first}")
    } else {
        format!("{uid} slices {first} to {last}")
    }
}
