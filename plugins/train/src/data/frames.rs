use pe_store::{FeatureUnit, StoredExam};

use super::image::{CHANNELS, ImageMaker, Normalisation};
use super::slabs::render_slab;
use super::{HostBatch, Samples, Wanted, describe};

/// All slices or slabs of one exam, labelled or not, in order. Features are extracted from them.
#[derive(Debug)]
pub(crate) struct FrameSet {
    exam: StoredExam,
    unit: FeatureUnit,
    normalisation: Normalisation,
}

impl FrameSet {
    pub(crate) fn new(exam: StoredExam, unit: FeatureUnit, normalisation: Normalisation) -> Self {
        Self {
            exam,
            unit,
            normalisation,
        }
    }

    /// Number of slices or slabs.
    pub(crate) fn n_rows(&self) -> usize {
        self.exam.n_slices().div_ceil(self.frames())
    }

    fn frames(&self) -> usize {
        match self.unit {
            FeatureUnit::Slice => 1,
            FeatureUnit::Slab(n_slices) => n_slices,
        }
    }
}

impl Samples for FrameSet {
    fn len(&self) -> usize {
        self.n_rows()
    }

    fn unit(&self) -> &'static str {
        "rows"
    }

    fn n_slices(&self, sample: usize) -> usize {
        self.frames()
            .min(self.exam.n_slices() - sample * self.frames())
    }

    fn positive(&self, _: usize) -> bool {
        // Extraction does not use labels.
        false
    }

    fn describe(&self, sample: usize) -> String {
        let first = sample * self.frames();
        describe(&self.exam, first, first + self.n_slices(sample) - 1)
    }

    fn batch(&self, samples: &[usize], _: Option<usize>, wanted: &Wanted) -> Option<HostBatch> {
        let (size, frames) = (self.exam.manifest().shape[3], self.frames());
        let frame_len = size * size * CHANNELS;
        let mut maker = ImageMaker::new(self.normalisation);
        let mut input = vec![0.0; samples.len() * frames * frame_len];
        for (&sample, out) in samples
            .iter()
            .zip(input.chunks_exact_mut(frames * frame_len))
        {
            if !wanted.still() {
                return None;
            }
            render_slab(
                &mut maker,
                &self.exam,
                sample * frames,
                None,
                frame_len,
                out,
            );
        }
        let (n, side, channels) = (samples.len() as i64, size as i64, CHANNELS as i64);
        let (shape, permute) = match self.unit {
            FeatureUnit::Slice => (vec![n, side, side, channels], vec![0, 3, 1, 2]),
            FeatureUnit::Slab(_) => (
                vec![n, frames as i64, side, side, channels],
                vec![0, 4, 1, 2, 3],
            ),
        };
        Some(HostBatch {
            input,
            shape,
            permute,
            // Extraction does not use targets either.
            target: vec![0.0; samples.len()],
            valid: vec![false; samples.len()],
            logits: vec![n],
            rows: Vec::new(),
        })
    }
}
