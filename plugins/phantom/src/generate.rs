//! Generates one exam in memory.

use std::sync::Arc;

use ndarray::{Array3, s};
use pe_binding::Work;
use pe_ct::{ExamId, ExamInfo, Mask, Spacing, Volume};
use rayon::prelude::*;

use crate::cohort::key;
use crate::exam::Exam;
use crate::render::frame;
use crate::scan::scan;
use crate::truth::ExamTruth;
use crate::{PhantomError, PhantomOptions};

/// The ground truth of a generated exam, including masks.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Labels, clots, look-alikes.
    pub exam: ExamTruth,
    /// Pulmonary arteries, including clot: the voxels that they fill by at least half.
    pub artery: Mask,
    /// Clot: voxels that it fills by at least half.
    pub clot: Mask,
}

/// Generates exam `exam_idx` of a cohort as a volume in HU, with its truth. It equals what is read
/// back from the files that [`write`](crate::write) makes of it.
///
/// # Errors
/// An option or the index out of range, or the user's interrupt.
///
/// ```
/// use pe_binding::Work;
/// use pe_phantom::{PhantomOptions, generate};
///
/// let options = PhantomOptions { n_exams: 1, size: 32, max_slices: 40, ..Default::default() };
/// let (volume, truth) = generate(&options, 0, &Work::silent())?;
/// assert_eq!(volume.dim(), (40, 32, 32));
/// assert_eq!(truth.exam.slices.len(), 40);
/// assert!(generate(&options, 1, &Work::silent()).is_err());
/// # Ok::<(), pe_phantom::PhantomError>(())
/// ```
pub fn generate(
    options: &PhantomOptions,
    exam_idx: usize,
    work: &Work,
) -> Result<(Volume, Truth), PhantomError> {
    options.check_exam(exam_idx)?;
    let exam = Exam::grow(options, exam_idx);
    let truth = ExamTruth::of(&exam);
    let (size, n_slices) = (exam.plan.size, exam.plan.scan.n_slices);
    let task = work.task("painting a synthetic exam", n_slices, "slices");
    let slices: Vec<Painted> = (0..n_slices)
        .into_par_iter()
        .map(|slice_idx| {
            task.check()?;
            let painted = Painted::new(&exam, slice_idx);
            task.advance(1);
            Ok(painted)
        })
        .collect::<Result<_, PhantomError>>()?;
    let info = Arc::new(info(&truth, options));
    let spacing = info.spacing;
    let hu = stack(size, &slices, |slice| &slice.hu);
    let mask = |voxels| {
        Mask::new(
            voxels,
            spacing,
            concat!("pe-phantom ", env!("CARGO_PKG_VERSION")),
        )
    };
    let artery = mask(stack(size, &slices, |slice| &slice.artery));
    let clot = mask(stack(size, &slices, |slice| &slice.clot));
    // The info is made from the same truth as the slices, so that their counts agree.
    let volume = Volume::new(info, hu).map_err(|error| PhantomError::Option {
        option: "size",
        expected: "slices that agree with their description".into(),
        found: error.to_string(),
    })?;
    Ok((
        volume,
        Truth {
            exam: truth,
            artery,
            clot,
        },
    ))
}

struct Painted {
    hu: Vec<i16>,
    artery: Vec<bool>,
    clot: Vec<bool>,
}

impl Painted {
    fn new(exam: &Exam, slice_idx: usize) -> Self {
        let frame = frame(exam, slice_idx);
        let half = |shares: &[f32]| shares.iter().map(|share| *share >= 0.5).collect();
        Self {
            hu: scan(exam, slice_idx, &frame),
            artery: half(&frame.artery),
            clot: half(&frame.clot),
        }
    }
}

fn stack<T: Copy + Default>(
    size: usize,
    slices: &[Painted],
    layer: impl Fn(&Painted) -> &Vec<T>,
) -> Array3<T> {
    let mut volume = Array3::from_elem((slices.len(), size, size), T::default());
    for (slice_idx, slice) in slices.iter().enumerate() {
        let pixels = layer(slice);
        volume
            .slice_mut(s![slice_idx, .., ..])
            .iter_mut()
            .zip(pixels)
            .for_each(|(voxel, pixel)| *voxel = *pixel);
    }
    volume
}

fn info(truth: &ExamTruth, options: &PhantomOptions) -> ExamInfo {
    let plan = &truth.plan;
    ExamInfo {
        id: ExamId {
            study_uid: plan.study_uid.clone(),
            series_uid: plan.series_uid.clone(),
        },
        spacing: Spacing {
            slice_mm: plan.scan.spacing_mm,
            row_mm: plan.scan.pixel_mm,
            col_mm: plan.scan.pixel_mm,
        },
        sop_uids: truth
            .slices
            .iter()
            .map(|slice| slice.sop_uid.clone())
            .collect(),
        positions_mm: truth.slices.iter().map(|slice| slice.position_mm).collect(),
        patient_key: None,
        inputs_key: format!("{}#{}", key(options), plan.exam_idx),
        labels: Some(truth.labels()),
    }
}
