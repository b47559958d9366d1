//! Data sets: what a training run takes its batches from.

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

use pe_store::StoredExam;
use tch::{Device, Tensor};

use crate::TrainError;
use crate::random::Stream;

/// Where one logit belongs: an exam of the data set and a slice of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) exam_idx: usize,
    pub(crate) slice_idx: usize,
}

/// Samples that batches are made of: slices, slabs or sequences of rows.
pub(crate) trait Samples: Sync {
    /// The number of samples.
    fn len(&self) -> usize;
    /// What a sample is called, in the plural.
    fn unit(&self) -> &'static str;
    /// Slices in a sample, without padding.
    fn n_slices(&self, sample: usize) -> usize;
    /// Whether it shows PE on any slice.
    fn positive(&self, sample: usize) -> bool;
    /// The sample in words, to find it: the exam's series UID and the slices.
    fn describe(&self, sample: usize) -> String;
    /// Makes a batch; `epoch` is given in training, where images are augmented. `None` when it was
    /// left because nobody wants it any more: a batch of slabs takes seconds.
    fn batch(&self, samples: &[usize], epoch: Option<usize>, wanted: &Wanted) -> Option<HostBatch>;
}

/// A batch in plain memory, made on any thread.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct HostBatch {
    /// The input's values, in the order of `shape`.
    pub(crate) input: Vec<f32>,
    /// The input's shape as it lies in memory.
    pub(crate) shape: Vec<i64>,
    /// How `shape` is permuted to what the network takes; empty where it is that already. Images
    /// lie with their channels last.
    pub(crate) permute: Vec<i64>,
    /// 1 for PE, in the shape of the logits.
    pub(crate) target: Vec<f32>,
    /// Whether a logit counts: labelled, and no padding.
    pub(crate) valid: Vec<bool>,
    /// The shape of the logits.
    pub(crate) logits: Vec<i64>,
    /// Which rows of a sequence are no padding, `[batch, time]`; empty for images.
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
            // The loss counts them: on the CPU it need not wait for a GPU.
            valid: flags(&self.valid, &self.logits)?,
        })
    }
}

/// The labels of an exam's slices, `None` where there is none.
pub(crate) fn labels(exam: &StoredExam) -> Vec<Option<bool>> {
    let labels = exam.manifest().exam.labels.as_ref();
    let known = labels.map_or(&[][..], |labels| &labels.pe_on_slice);
    (0..exam.n_slices())
        .map(|idx| known.get(idx).copied().flatten())
        .collect()
}

/// Shuffles the labels of all exams' slices among them: a negative control.
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
