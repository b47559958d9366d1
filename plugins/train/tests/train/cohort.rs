//! A small store of made-up exams: noise, and a bright block on the slices with "PE".

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ndarray::Array3;
use pe_binding::{Watch, WeightsFile, Work};
use pe_ct::{ExamId, ExamInfo, ExamLabels, Spacing, Volume};
use pe_files::Files;
use pe_store::{SliceSettings, SliceStore};

/// Slices of an exam; two slabs of 8, the second one not full.
pub const N_SLICES: usize = 13;

/// A store of `n_exams` exams at `size` pixels; every third one has PE, on slices 3 to 6.
pub fn store(folder: &Path, n_exams: usize, size: usize) -> SliceStore {
    let settings = SliceSettings {
        size,
        ..SliceSettings::default()
    };
    let store = SliceStore::open(folder, settings, &Files::free()).unwrap();
    for exam_idx in 0..n_exams {
        store
            .put(&exam(exam_idx, size), None, &Work::silent())
            .unwrap();
    }
    store
}

pub fn info(exam_idx: usize, n_slices: usize, positive: bool) -> ExamInfo {
    let pe_on_slice = |idx: usize| Some(positive && (3..=6).contains(&idx));
    ExamInfo {
        id: ExamId {
            study_uid: format!("1.{exam_idx}"),
            series_uid: format!("1.{exam_idx}.1"),
        },
        spacing: Spacing {
            slice_mm: 2.5,
            row_mm: 0.7,
            col_mm: 0.7,
        },
        sop_uids: (0..n_slices)
            .map(|idx| format!("1.{exam_idx}.1.{idx}"))
            .collect(),
        positions_mm: (0..n_slices).map(|idx| idx as f64 * 2.5).collect(),
        patient_key: Some(format!("patient {exam_idx}")),
        inputs_key: format!("inputs {exam_idx}"),
        labels: Some(ExamLabels {
            pe_on_slice: (0..n_slices).map(pe_on_slice).collect(),
            findings: BTreeMap::from([("negative_exam_for_pe".to_owned(), !positive)]),
        }),
    }
}

/// That exam with other voxels and the opposite labels.
pub fn inverted(exam_idx: usize, size: usize) -> Volume {
    let exam = exam(exam_idx, size);
    let mut info = ExamInfo::clone(exam.info());
    for label in info
        .labels
        .iter_mut()
        .flat_map(|labels| &mut labels.pe_on_slice)
    {
        *label = label.map(|label| !label);
    }
    Volume::new(Arc::new(info), exam.hu().mapv(|hu| 200 - hu)).unwrap()
}

/// One exam.
pub fn exam(exam_idx: usize, size: usize) -> Volume {
    let positive = exam_idx.is_multiple_of(3);
    let info = info(exam_idx, N_SLICES, positive);
    let labels = info.labels.clone().unwrap().pe_on_slice;
    let hu = Array3::from_shape_fn((N_SLICES, size, size), |(slice, row, col)| {
        let noise = (exam_idx * 7919 + slice * 104_729 + row * 1_299_709 + col * 15_485_863) % 97;
        let block = (size / 4..size / 2).contains(&row) && (size / 4..size / 2).contains(&col);
        let pe = labels[slice] == Some(true) && block;
        noise as i16 + if pe { 350 } else { 0 }
    });
    Volume::new(Arc::new(info), hu).unwrap()
}

/// Work that is interrupted after `steps` units of progress.
pub fn stopped_after(steps: usize) -> Work {
    Work::new(Arc::new(Stop {
        left: AtomicUsize::new(steps),
    }))
}

/// Work that is interrupted at the question of this number, counted from 0.
pub fn stopped_at(question: usize) -> Work {
    Work::new(Arc::new(Answer {
        left: AtomicUsize::new(question),
    }))
}

/// Work whose files of weights are kept.
#[derive(Clone, Default)]
pub struct Started(pub Arc<Mutex<Vec<WeightsFile>>>);

impl Watch for Started {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn weights(&self, file: &WeightsFile) {
        self.0.lock().unwrap().push(file.clone());
    }
    fn interrupted(&self) -> bool {
        false
    }
}

/// Work whose warnings are kept.
#[derive(Clone, Default)]
pub struct Warned(pub Arc<Mutex<Vec<String>>>);

impl Watch for Warned {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn interrupted(&self) -> bool {
        false
    }
}

struct Answer {
    left: AtomicUsize,
}

impl Watch for Answer {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_err()
    }
}

struct Stop {
    left: AtomicUsize,
}

impl Watch for Stop {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
    }
    fn resume(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}
