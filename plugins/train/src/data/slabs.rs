use pe_store::StoredExam;

use super::image::{CHANNELS, Draw, ImageMaker, Normalisation};
use super::{HostBatch, Samples, Wanted, describe, labels, shuffle_labels};
use crate::options::{Augmentation, SlabHead};
use crate::random::Stream;

/// Slabs of consecutive slices, for 3D networks. They start at the first slice; the last one is
/// padded with slices of zeros.
#[derive(Debug)]
pub struct SlabSet {
    exams: Vec<StoredExam>,
    labels: Vec<Vec<Option<bool>>>,
    samples: Vec<Slab>,
    frames: usize,
    head: SlabHead,
    normalisation: Normalisation,
    augmentation: Augmentation,
    seed: u64,
}

/// One slab: its exam and its first slice.
#[derive(Debug, Clone, Copy)]
struct Slab {
    exam_idx: usize,
    first: usize,
}

/// The form of slabs and their targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlabForm {
    /// Slices per slab.
    pub frames: usize,
    /// Slices from the start of one slab to the start of the next.
    pub stride: usize,
    /// One logit per slice, or one for the whole slab.
    pub head: SlabHead,
}

impl SlabSet {
    /// Creates the set of all slabs that have at least one labelled slice. `shuffled` shuffles the
    /// labels.
    pub fn new(
        exams: Vec<StoredExam>,
        form: SlabForm,
        normalisation: Normalisation,
        augmentation: Augmentation,
        seed: u64,
        shuffled: bool,
    ) -> Self {
        let mut labels: Vec<_> = exams.iter().map(labels).collect();
        if shuffled {
            shuffle_labels(&mut labels, seed);
        }
        let slabs = |(exam_idx, labels): (usize, &Vec<Option<bool>>)| -> Vec<Slab> {
            let starts = (0..labels.len()).step_by(form.stride.max(1));
            starts
                .filter(|&first| {
                    labels[first..]
                        .iter()
                        .take(form.frames)
                        .any(Option::is_some)
                })
                .map(|first| Slab { exam_idx, first })
                .collect()
        };
        Self {
            samples: labels.iter().enumerate().flat_map(slabs).collect(),
            exams,
            labels,
            frames: form.frames,
            head: form.head,
            normalisation,
            augmentation,
            seed,
        }
    }

    fn slab_labels(&self, slab: Slab) -> &[Option<bool>] {
        let labels = &self.labels[slab.exam_idx][slab.first..];
        &labels[..labels.len().min(self.frames)]
    }

    /// Returns the targets and whether each counts: one per slice, or one for the whole slab.
    fn targets(&self, slab: Slab) -> Vec<(f32, bool)> {
        let labels = self.slab_labels(slab);
        let as_float = |flag: bool| f32::from(u8::from(flag));
        match self.head {
            SlabHead::Slab => {
                let any = labels.contains(&Some(true));
                vec![(as_float(any), labels.iter().any(Option::is_some))]
            }
            SlabHead::Slices => (0..self.frames)
                .map(|frame| match labels.get(frame) {
                    Some(Some(label)) => (as_float(*label), true),
                    _ => (0.0, false),
                })
                .collect(),
        }
    }
}

/// Writes one slab into `out`, `[frame, row, col, channel]`.
pub(crate) fn render_slab(
    maker: &mut ImageMaker,
    exam: &StoredExam,
    first: usize,
    draw: Option<&Draw>,
    frame_len: usize,
    out: &mut [f32],
) {
    for (frame, out) in out.chunks_exact_mut(frame_len).enumerate() {
        if first + frame < exam.n_slices() {
            maker.slice(exam, first + frame, draw, out)
        } else {
            maker.padding(out)
        }
    }
}

impl Samples for SlabSet {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn unit(&self) -> &'static str {
        "slabs"
    }

    fn n_slices(&self, sample: usize) -> usize {
        self.slab_labels(self.samples[sample]).len()
    }

    fn positive(&self, sample: usize) -> bool {
        self.slab_labels(self.samples[sample]).contains(&Some(true))
    }

    fn describe(&self, sample: usize) -> String {
        let slab = self.samples[sample];
        let last = slab.first + self.n_slices(sample) - 1;
        describe(&self.exams[slab.exam_idx], slab.first, last)
    }

    fn batch(&self, samples: &[usize], epoch: Option<usize>, wanted: &Wanted) -> Option<HostBatch> {
        let size = self
            .exams
            .first()
            .map_or(0, |exam| exam.manifest().shape[3]);
        let frame_len = size * size * CHANNELS;
        let mut maker = ImageMaker::new(self.normalisation);
        let mut input = vec![0.0; samples.len() * self.frames * frame_len];
        let (mut target, mut valid) = (Vec::new(), Vec::new());
        for (&sample, out) in samples
            .iter()
            .zip(input.chunks_exact_mut(self.frames * frame_len))
        {
            if !wanted.still() {
                return None;
            }
            let slab = self.samples[sample];
            // One draw for the whole slab, so that its slices stay aligned.
            let draw = epoch.map(|epoch| {
                let mut stream = Stream::new(self.seed, "augment", &[epoch, sample]);
                Draw::new(&self.augmentation, &mut stream)
            });
            let exam = &self.exams[slab.exam_idx];
            render_slab(&mut maker, exam, slab.first, draw.as_ref(), frame_len, out);
            for (label, counts) in self.targets(slab) {
                target.push(label);
                valid.push(counts);
            }
        }
        let (n, frames, side) = (samples.len() as i64, self.frames as i64, size as i64);
        Some(HostBatch {
            input,
            shape: vec![n, frames, side, side, CHANNELS as i64],
            permute: vec![0, 4, 1, 2, 3],
            logits: vec![n, (target.len() / samples.len().max(1)) as i64],
            target,
            valid,
            rows: Vec::new(),
        })
    }
}
