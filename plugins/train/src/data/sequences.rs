use pe_store::{FeatureUnit, StoredExam, StoredFeatures};

use super::{HostBatch, Samples, Wanted, describe, labels, shuffle_labels};
use crate::options::SequenceOptions;

/// Sequences of an exam's features, for sequence models.
#[derive(Debug)]
pub struct SequenceSet {
    exams: Vec<(StoredExam, StoredFeatures)>,
    labels: Vec<Vec<Option<bool>>>,
    samples: Vec<Chunk>,
    form: SequenceForm,
}

/// The form of the sequences that exams are cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceForm {
    /// Slices per row of features, which is also the number of logits per row.
    pub slices_per_row: usize,
    /// Most rows in a sequence; longer exams are cut.
    pub chunk: usize,
    /// Number of rows on either side whose features are joined to a row.
    pub neighbours: usize,
}

/// Consecutive rows of one exam.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    exam_idx: usize,
    first: usize,
    n_rows: usize,
}

impl SequenceSet {
    /// Creates the set of all sequences that have at least one labelled slice. `shuffled` shuffles
    /// the labels.
    pub fn new(
        exams: Vec<(StoredExam, StoredFeatures)>,
        form: SequenceForm,
        seed: u64,
        shuffled: bool,
    ) -> Self {
        let mut labels: Vec<_> = exams.iter().map(|(exam, _)| labels(exam)).collect();
        if shuffled {
            shuffle_labels(&mut labels, seed);
        }
        let mut samples = Vec::new();
        for (exam_idx, (_, features)) in exams.iter().enumerate() {
            for first in (0..features.n_rows()).step_by(form.chunk) {
                let n_rows = form.chunk.min(features.n_rows() - first);
                let slices = labels[exam_idx].iter().skip(first * form.slices_per_row);
                if slices
                    .take(n_rows * form.slices_per_row)
                    .any(Option::is_some)
                {
                    samples.push(Chunk {
                        exam_idx,
                        first,
                        n_rows,
                    });
                }
            }
        }
        Self {
            exams,
            labels,
            samples,
            form,
        }
    }

    fn slices(&self, chunk: Chunk) -> std::ops::Range<usize> {
        let per_row = self.form.slices_per_row;
        let end = (chunk.first + chunk.n_rows) * per_row;
        chunk.first * per_row..end.min(self.labels[chunk.exam_idx].len())
    }
}

impl SequenceForm {
    /// Creates the form for features of this unit.
    pub(crate) fn new(unit: FeatureUnit, options: &SequenceOptions) -> Self {
        match unit {
            FeatureUnit::Slice => Self {
                slices_per_row: 1,
                chunk: options.chunk_slices,
                neighbours: 0,
            },
            FeatureUnit::Slab(n_slices) => Self {
                slices_per_row: n_slices,
                chunk: options.chunk_slabs,
                neighbours: options.neighbours,
            },
        }
    }

    /// Number of values in a row as the model takes it, with its neighbours.
    pub fn width(&self, features: usize) -> usize {
        features * (1 + 2 * self.neighbours)
    }

    /// Writes the rows from `first` on to `out`, each with its neighbours; zeros beyond the exam.
    pub(crate) fn rows(&self, features: &StoredFeatures, first: usize, out: &mut [f32]) {
        let (width, reach) = (features.width(), self.neighbours);
        for (row, out) in out.chunks_exact_mut(self.width(width)).enumerate() {
            for (part, out) in out.chunks_exact_mut(width).enumerate() {
                match (first + row + part).checked_sub(reach) {
                    Some(row) if row < features.n_rows() => out.copy_from_slice(features.row(row)),
                    _ => out.fill(0.0),
                }
            }
        }
    }
}

impl Samples for SequenceSet {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn unit(&self) -> &'static str {
        "sequences"
    }

    fn n_slices(&self, sample: usize) -> usize {
        self.slices(self.samples[sample]).len()
    }

    fn positive(&self, sample: usize) -> bool {
        let chunk = self.samples[sample];
        self.labels[chunk.exam_idx][self.slices(chunk)].contains(&Some(true))
    }

    fn describe(&self, sample: usize) -> String {
        let chunk = self.samples[sample];
        let slices = self.slices(chunk);
        describe(
            &self.exams[chunk.exam_idx].0,
            slices.start,
            slices.end.max(1) - 1,
        )
    }

    fn batch(&self, samples: &[usize], _: Option<usize>, wanted: &Wanted) -> Option<HostBatch> {
        let chunks: Vec<Chunk> = samples.iter().map(|&sample| self.samples[sample]).collect();
        // Pad shorter sequences with zeros to the longest one; `rows` and `valid` are false there.
        let time = chunks.iter().map(|chunk| chunk.n_rows).max().unwrap_or(0);
        let features = self
            .exams
            .first()
            .map_or(0, |(_, features)| features.width());
        let (width, per_row) = (self.form.width(features), self.form.slices_per_row);
        let n_logits = chunks.len() * time * per_row;
        let mut input = vec![0.0; chunks.len() * time * width];
        let (mut target, mut valid) = (vec![0.0; n_logits], vec![false; n_logits]);
        let mut rows = vec![false; chunks.len() * time];
        for (n, &chunk) in chunks.iter().enumerate() {
            if !wanted.still() {
                return None;
            }
            let out = &mut input[n * time * width..][..chunk.n_rows * width];
            self.form
                .rows(&self.exams[chunk.exam_idx].1, chunk.first, out);
            rows[n * time..][..chunk.n_rows].fill(true);
            for (offset, slice_idx) in self.slices(chunk).enumerate() {
                let at = n * time * per_row + offset;
                if let Some(label) = self.labels[chunk.exam_idx][slice_idx] {
                    (target[at], valid[at]) = (f32::from(u8::from(label)), true);
                }
            }
        }
        let shape = |last: usize| vec![chunks.len() as i64, time as i64, last as i64];
        Some(HostBatch {
            input,
            shape: shape(width),
            permute: Vec::new(),
            target,
            valid,
            logits: shape(per_row),
            rows,
        })
    }
}
