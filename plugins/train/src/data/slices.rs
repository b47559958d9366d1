use pe_store::StoredExam;

use super::image::{CHANNELS, Draw, ImageMaker, Normalisation};
use super::{HostBatch, Place, Samples, Wanted, describe, labels, shuffle_labels};
use crate::options::Augmentation;
use crate::random::Stream;

/// Single slices, for 2D networks. Slices without a label are skipped.
#[derive(Debug)]
pub struct SliceSet {
    exams: Vec<StoredExam>,
    labels: Vec<Vec<Option<bool>>>,
    samples: Vec<Place>,
    normalisation: Normalisation,
    augmentation: Augmentation,
    seed: u64,
}

impl SliceSet {
    /// Creates the set of the labelled slices of `exams`. `shuffled` shuffles the labels.
    pub fn new(
        exams: Vec<StoredExam>,
        normalisation: Normalisation,
        augmentation: Augmentation,
        seed: u64,
        shuffled: bool,
    ) -> Self {
        let mut labels: Vec<_> = exams.iter().map(labels).collect();
        let places = |(exam_idx, labels): (usize, &Vec<Option<bool>>)| -> Vec<Place> {
            let labelled = labels
                .iter()
                .enumerate()
                .filter(|(_, label)| label.is_some());
            labelled
                .map(|(slice_idx, _)| Place {
                    exam_idx,
                    slice_idx,
                })
                .collect()
        };
        if shuffled {
            shuffle_labels(&mut labels, seed);
        }
        Self {
            samples: labels.iter().enumerate().flat_map(places).collect(),
            exams,
            labels,
            normalisation,
            augmentation,
            seed,
        }
    }
}

impl Samples for SliceSet {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn unit(&self) -> &'static str {
        "slices"
    }

    fn n_slices(&self, _: usize) -> usize {
        1
    }

    fn positive(&self, sample: usize) -> bool {
        let place = self.samples[sample];
        self.labels[place.exam_idx][place.slice_idx] == Some(true)
    }

    fn describe(&self, sample: usize) -> String {
        let place = self.samples[sample];
        describe(
            &self.exams[place.exam_idx],
            place.slice_idx,
            place.slice_idx,
        )
    }

    fn batch(&self, samples: &[usize], epoch: Option<usize>, wanted: &Wanted) -> Option<HostBatch> {
        let size = self
            .exams
            .first()
            .map_or(0, |exam| exam.manifest().shape[3]);
        let mut maker = ImageMaker::new(self.normalisation);
        let mut input = vec![0.0; samples.len() * size * size * CHANNELS];
        let mut target = Vec::with_capacity(samples.len());
        for (&sample, out) in samples
            .iter()
            .zip(input.chunks_exact_mut(size * size * CHANNELS))
        {
            if !wanted.still() {
                return None;
            }
            let place = self.samples[sample];
            let draw = epoch.map(|epoch| {
                let mut stream = Stream::new(self.seed, "augment", &[epoch, sample]);
                Draw::new(&self.augmentation, &mut stream)
            });
            maker.slice(
                &self.exams[place.exam_idx],
                place.slice_idx,
                draw.as_ref(),
                out,
            );
            target.push(f32::from(u8::from(self.positive(sample))));
        }
        let (n, side) = (samples.len() as i64, size as i64);
        Some(HostBatch {
            input,
            shape: vec![n, side, side, CHANNELS as i64],
            permute: vec![0, 3, 1, 2],
            valid: vec![true; target.len()],
            target,
            logits: vec![n, 1],
            rows: Vec::new(),
        })
    }
}
