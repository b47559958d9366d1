//! Parameters drawn for each exam before it is painted: the patient, the scan, the contrast.

use serde::{Deserialize, Serialize};

use crate::PhantomOptions;
use crate::difficulty::Recipe;
use crate::seed::{Stream, uid};

/// The encoding of HU as stored values in an exam's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// 12 bits, unsigned, intercept −1024; 0 outside the field of view. Implicit VR.
    Unsigned12,
    /// 16 bits, signed, intercept 0; the whole square is image.
    Signed16,
    /// 16 bits, signed, intercept −1024, padded with −2000 outside the field of view, as GE's
    /// scanners do.
    SignedPadded,
}

/// The patient's build, relative to the standard anatomy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Factor on left–right lengths.
    pub width: f32,
    /// Factor on front–back lengths.
    pub depth: f32,
    /// Factor on heights.
    pub height: f32,
    /// Rotation about the long axis, radians.
    pub rotation: f32,
    /// Position of the carina relative to the image's centre, mm to the left and back.
    pub shift_mm: (f32, f32),
    /// Thickness of the fat under the skin, mm.
    pub fat_mm: f32,
    /// True for a body with breasts.
    pub breasts: bool,
    /// Factor on the heart's size.
    pub heart: f32,
    /// Height of the domes of the diaphragm above the standard, mm.
    pub diaphragm_mm: f32,
    /// Diameter of the right ventricle divided by that of the left.
    pub rv_lv: f32,
}

/// HU of blood in each vessel: the state of the contrast at the time of the scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Pulmonary arteries.
    pub artery_hu: f32,
    /// Pulmonary veins and the left heart.
    pub vein_hu: f32,
    /// Aorta.
    pub aorta_hu: f32,
    /// Superior vena cava and the arm's vein of the injected side.
    pub cava_hu: f32,
    /// Strength of the streaks around the superior vena cava, HU.
    pub streak_hu: f32,
}

/// The scan and its reconstruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Number of slices.
    pub n_slices: usize,
    /// Distance between slices, which is also their thickness, mm.
    pub spacing_mm: f64,
    /// Distance between pixels, mm, at the exam's own size.
    pub pixel_mm: f64,
    /// Height of the lowest slice above the carina in the patient, mm.
    pub bottom_mm: f64,
    /// Offset that the files add to that height: the position of the table, mm.
    pub table_mm: f64,
    /// Standard deviation of the noise in the mediastinum, HU.
    pub noise_hu: f32,
    /// 0 for a soft reconstruction kernel, 1 for a sharp one.
    pub sharpness: f32,
    /// Tube voltage, kV.
    pub tube_kv: u32,
    /// True if InstanceNumber counts from the head down.
    pub numbered_from_head: bool,
    /// Encoding of HU in the files.
    pub storage: Storage,
    /// Front–back shift between the parts of one slice through breathing, mm.
    pub motion_mm: f32,
}

/// All parameters of one exam, drawn before it is painted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamPlan {
    /// The cohort's seed.
    pub seed: u64,
    /// Index of the exam in the cohort.
    pub exam_idx: usize,
    /// Rows and columns, pixels.
    pub size: usize,
    /// StudyInstanceUID.
    pub study_uid: String,
    /// SeriesInstanceUID.
    pub series_uid: String,
    /// True if emboli are drawn for the exam.
    pub positive: bool,
    /// Target share of the slices that show emboli, 0 without emboli.
    pub pe_slice_share: f32,
    /// True if there is too little contrast to say whether there are emboli.
    pub indeterminate: bool,
    /// The patient.
    pub build: Build,
    /// The contrast.
    pub timing: Timing,
    /// The scan.
    pub scan: Scan,
}

/// Height of a scan that shows everything from above the apices to the upper abdomen, mm at the
/// standard build.
const WHOLE_CHEST_MM: f64 = 290.0;
/// Height of the middle of that range above the carina, mm.
const MIDDLE_MM: f64 = -30.0;

/// Ratio of the right to the left ventricle's diameter, in a strained heart and in others.
const STRAINED: [f32; 2] = [1.05, 1.5];
const UNSTRAINED: [f32; 2] = [0.72, 0.97];

impl Build {
    /// Returns the same patient with an unstrained heart, for a negative control: only exams with emboli
    /// have a strained heart, so it would reveal them. The ratio keeps its relative place in the range.
    pub(crate) fn unstrained(&self) -> Self {
        let share = (self.rv_lv - STRAINED[0]) / (STRAINED[1] - STRAINED[0]);
        let rv_lv = if share >= 0.0 {
            UNSTRAINED[0] + (UNSTRAINED[1] - UNSTRAINED[0]) * share
        } else {
            self.rv_lv
        };
        Self {
            rv_lv,
            ..self.clone()
        }
    }
}

impl ExamPlan {
    /// Draws the plan of exam `exam_idx` of the cohort.
    pub(crate) fn draw(options: &PhantomOptions, exam_idx: usize) -> Self {
        let seed = options.seed;
        let recipe = Recipe::new(options);
        // Keep the order of the draws: each one changes all later ones.
        let mut stream = Stream::new(seed, "plan", &[exam_idx]);
        let positive = positives(options)[exam_idx];
        let pe_slice_share = if positive {
            stream.within(recipe.pe_slices)
        } else {
            0.0
        };
        let indeterminate = !positive && stream.chance(0.03);
        let build = draw_build(&mut stream, positive);
        // Only exams without emboli have poor contrast, so a negative control must have none.
        let poor = indeterminate && recipe.paint_clots;
        let timing = draw_timing(&mut stream, &recipe, poor);
        let scan = draw_scan(&mut stream, options, &recipe, &build);
        Self {
            seed,
            exam_idx,
            size: options.size,
            study_uid: uid(seed, "study", &[exam_idx]),
            series_uid: uid(seed, "series", &[exam_idx]),
            positive,
            pe_slice_share,
            indeterminate,
            build,
            timing,
            scan,
        }
    }

    /// SOPInstanceUID of a slice. UIDs are not in the order of the slices.
    pub fn sop_uid(&self, slice_idx: usize) -> String {
        uid(self.seed, "slice", &[self.exam_idx, slice_idx])
    }

    /// Height of a slice in the files' coordinates, mm, ascending.
    pub fn position_mm(&self, slice_idx: usize) -> f64 {
        let scan = &self.scan;
        // Round to the two decimals in the files, so that computed and read positions agree.
        ((scan.bottom_mm + scan.table_mm + slice_idx as f64 * scan.spacing_mm) * 100.0).round()
            / 100.0
    }

    /// Height of the middle of a slice in the standard anatomy, mm above the carina.
    pub(crate) fn up_mm(&self, slice_idx: usize) -> f32 {
        let up = self.scan.bottom_mm + slice_idx as f64 * self.scan.spacing_mm;
        (up / f64::from(self.build.height)) as f32
    }
}

/// Chooses the exams with emboli: the rounded share of all exams, in random order (Fisher–Yates).
fn positives(options: &PhantomOptions) -> Vec<bool> {
    let n_positive = (options.n_exams as f64 * options.pe_share).round() as usize;
    let mut flags: Vec<bool> = (0..options.n_exams).map(|idx| idx < n_positive).collect();
    let mut stream = Stream::new(options.seed, "positives", &[]);
    for last in (1..flags.len()).rev() {
        flags.swap(last, stream.below(last + 1));
    }
    flags
}

fn draw_build(stream: &mut Stream, positive: bool) -> Build {
    let size = stream.uniform(0.93, 1.07);
    // Emboli strain the right heart in some of the exams only.
    let strained = positive && stream.chance(0.35);
    Build {
        width: size * stream.uniform(0.96, 1.04),
        depth: size * stream.uniform(0.95, 1.06),
        height: size * stream.uniform(0.95, 1.05),
        rotation: 0.035 * stream.normal().clamp(-2.0, 2.0),
        shift_mm: (stream.uniform(-7.0, 7.0), stream.uniform(-4.0, 10.0)),
        fat_mm: stream.uniform(6.0, 24.0),
        breasts: stream.chance(0.45),
        heart: stream.uniform(0.9, 1.12),
        diaphragm_mm: stream.uniform(-14.0, 16.0),
        rv_lv: if strained {
            stream.within(STRAINED)
        } else {
            stream.within(UNSTRAINED)
        },
    }
}

fn draw_timing(stream: &mut Stream, recipe: &Recipe, poor: bool) -> Timing {
    // 0: contrast has just reached the pulmonary arteries. 1: it has moved on into the aorta.
    let late = stream.uniform(0.0, 1.0);
    let artery_hu = if poor {
        stream.uniform(110.0, 160.0)
    } else {
        stream.within(recipe.artery_hu)
    };
    let vein_share = 0.3 + 0.65 * late + stream.uniform(-0.08, 0.08);
    let aorta_share = 0.2 + 0.7 * late + stream.uniform(-0.08, 0.08);
    let cava_hu = stream.uniform(450.0, 1100.0) * (1.0 - 0.45 * late);
    Timing {
        artery_hu,
        vein_hu: (artery_hu * vein_share).max(75.0),
        aorta_hu: (artery_hu * aorta_share).max(65.0),
        cava_hu,
        streak_hu: (cava_hu - 350.0).max(0.0) * stream.uniform(0.08, 0.2),
    }
}

fn draw_scan(
    stream: &mut Stream,
    options: &PhantomOptions,
    recipe: &Recipe,
    build: &Build,
) -> Scan {
    let more = stream.below(options.max_slices - options.min_slices + 1);
    let n_slices = options.min_slices + more;
    let whole_mm = WHOLE_CHEST_MM * f64::from(build.height);
    let spacing_mm = ((whole_mm / n_slices as f64) * 20.0).round() / 20.0;
    let spacing_mm = spacing_mm.clamp(1.0, 5.0);
    let covered_mm = spacing_mm * (n_slices - 1) as f64;
    // Leave a little air beside the widest part of the trunk.
    let body_mm = 2.0 * (162.0 * build.width + build.fat_mm);
    let view_mm = f64::from(body_mm + stream.uniform(4.0, 50.0));
    let pixel_512 = (view_mm / 512.0).clamp(0.6, 0.9);
    // A multiple of 2⁻¹⁰ mm is exact for every size that divides 512, and short as text.
    let pixel_512 = (pixel_512 * 1024.0).round() / 1024.0;
    let storage = [
        Storage::Unsigned12,
        Storage::SignedPadded,
        Storage::Signed16,
    ][stream.below(3)];
    let sharpness = if stream.chance(0.7) { 0.0 } else { 1.0 };
    Scan {
        n_slices,
        spacing_mm,
        pixel_mm: pixel_512 * 512.0 / options.size as f64,
        bottom_mm: MIDDLE_MM * f64::from(build.height) - covered_mm / 2.0,
        table_mm: f64::from(stream.uniform(-600.0, 200.0).round()),
        noise_hu: stream.within(recipe.noise_hu) * (1.0 + 0.35 * sharpness) * options.noise as f32,
        sharpness,
        tube_kv: [100, 120][stream.below(2)],
        numbered_from_head: stream.chance(0.5),
        storage,
        motion_mm: if stream.chance(0.1) {
            stream.uniform(1.5, 3.5)
        } else {
            0.0
        },
    }
}
