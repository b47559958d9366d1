//! The ground truth of an exam, for the label table, the manifest and tests.

use std::collections::BTreeMap;

use pe_ct::{EXAM_FINDINGS, ExamLabels};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::anatomy::tree::{Order, Side};
use crate::emboli::{Clot, Filling};
use crate::exam::Exam;
use crate::geometry::Point;
use crate::lookalike::LookalikeKind;
use crate::plan::ExamPlan;
use crate::render::clot_on;

/// A slice shows PE if more than this many of its pixels are at least half clot, on a grid of
/// [`LABEL_SIZE`] × [`LABEL_SIZE`] pixels: about 6 mm², what a reader would call on one slice.
pub const LABEL_PIXELS: usize = 12;
/// Rows and columns of the grid on which clot is counted for the labels. It is the same for all image
/// sizes, so that the labels do not depend on them.
pub const LABEL_SIZE: usize = 512;
/// Streak strength from which an exam is labelled with a flow artefact, HU.
const FLOW_ARTIFACT_HU: f32 = 90.0;

/// The ground truth of one exam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamTruth {
    /// All parameters drawn for the exam.
    pub plan: ExamPlan,
    /// The 13 exam-level columns of the label table.
    pub findings: BTreeMap<String, bool>,
    /// Slices, ascending along the normal.
    pub slices: Vec<SliceTruth>,
    /// Clots; empty for an exam without PE.
    pub clots: Vec<ClotTruth>,
    /// Structures that look like clot on a slice but are not.
    pub lookalikes: Vec<LookalikeTruth>,
}

/// The ground truth of one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceTruth {
    /// SOPInstanceUID.
    pub sop_uid: String,
    /// Position along the normal, mm.
    pub position_mm: f64,
    /// Pixels that are at least half clot, on the grid of [`LABEL_SIZE`].
    pub clot_pixels: usize,
    /// Area of these pixels in the patient, mm².
    pub clot_mm2: f64,
    /// The artery that holds the largest part of the slice's largest clot; `None` on a slice without
    /// clot.
    pub artery: Option<Order>,
    /// The kinds of look-alike that the slice shows, each once.
    pub lookalikes: Vec<LookalikeKind>,
}

impl SliceTruth {
    /// Returns whether the slice is labelled as showing PE: more than [`LABEL_PIXELS`] of clot.
    pub fn pe_present(&self) -> bool {
        self.clot_pixels > LABEL_PIXELS
    }
}

/// One clot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClotTruth {
    /// The way in which it fills the artery.
    pub filling: Filling,
    /// True for old clot, which lies against the wall and is somewhat denser.
    pub chronic: bool,
    /// HU before noise, 30 to 90 by default.
    pub hu: f32,
    /// Length along the artery, mm.
    pub length_mm: f32,
    /// The orders of the arteries that hold it, sorted from the heart outwards.
    pub orders: Vec<Order>,
    /// The sides on which it lies.
    pub sides: Vec<Side>,
    /// Its course, mm in the standard anatomy (about the carina, before the patient's build).
    pub course: Vec<Point>,
    /// Indices of the slices that it reaches.
    pub slices: Vec<usize>,
}

/// One look-alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookalikeTruth {
    /// The kind of look-alike.
    pub kind: LookalikeKind,
    /// HU before noise; for a streak, its strength.
    pub hu: f32,
    /// Indices of the slices that it reaches.
    pub slices: Vec<usize>,
}

impl ExamTruth {
    /// Collects the truth of a grown exam; counts the clot on every slice.
    pub(crate) fn of(exam: &Exam) -> Self {
        let plan = &exam.plan;
        let reference = exam.at_size(LABEL_SIZE);
        let lookalikes: Vec<LookalikeTruth> = exam
            .lookalikes
            .iter()
            .map(|one| LookalikeTruth {
                kind: one.kind,
                hu: one.hu,
                slices: one.slices(plan),
            })
            .collect();
        let slices: Vec<SliceTruth> = (0..plan.scan.n_slices)
            .into_par_iter()
            .map(|slice_idx| slice_truth(&reference, slice_idx, &lookalikes))
            .collect();
        Self {
            findings: findings(exam, slices.iter().any(SliceTruth::pe_present)),
            clots: exam
                .clots
                .iter()
                .map(|clot| clot_truth(clot, plan))
                .collect(),
            lookalikes,
            slices,
            plan: plan.clone(),
        }
    }

    /// The number of slices labelled as showing PE.
    pub fn n_pe_slices(&self) -> usize {
        self.slices
            .iter()
            .filter(|slice| slice.pe_present())
            .count()
    }

    /// Returns whether any slice shows PE.
    pub fn positive(&self) -> bool {
        self.n_pe_slices() > 0
    }

    /// The labels in the form that the rest of the pipeline uses.
    pub fn labels(&self) -> ExamLabels {
        ExamLabels {
            pe_on_slice: self
                .slices
                .iter()
                .map(|slice| Some(slice.pe_present()))
                .collect(),
            findings: self.findings.clone(),
        }
    }
}

/// The truth of one slice. `exam` must be on the grid of [`LABEL_SIZE`].
fn slice_truth(exam: &Exam, slice_idx: usize, lookalikes: &[LookalikeTruth]) -> SliceTruth {
    let plan = &exam.plan;
    let clot = clot_on(exam, slice_idx);
    let shows = |kind: &LookalikeKind| {
        let mut of_kind = lookalikes.iter().filter(|one| one.kind == *kind);
        of_kind.any(|one| one.slices.contains(&slice_idx))
    };
    SliceTruth {
        sop_uid: plan.sop_uid(slice_idx),
        position_mm: plan.position_mm(slice_idx),
        clot_pixels: clot.n_pixels,
        clot_mm2: clot.n_pixels as f64 * plan.scan.pixel_mm * plan.scan.pixel_mm,
        artery: clot.artery,
        lookalikes: LookalikeKind::ALL.into_iter().filter(shows).collect(),
    }
}

fn clot_truth(clot: &Clot, plan: &ExamPlan) -> ClotTruth {
    let mut orders: Vec<Order> = clot.pieces.iter().map(|piece| piece.order).collect();
    orders.sort();
    orders.dedup();
    let mut sides = Vec::new();
    for piece in &clot.pieces {
        if !sides.contains(&piece.side) {
            sides.push(piece.side);
        }
    }
    ClotTruth {
        filling: clot.filling,
        chronic: clot.chronic,
        hu: clot.hu,
        length_mm: clot.length_mm,
        orders,
        sides,
        course: clot.pieces.iter().map(|piece| piece.tube.from).collect(),
        slices: clot.slices(plan),
    }
}

/// The exam-level findings, by the rules of the data set. An exam with PE on a slice has a side or a
/// central clot and exactly one ventricular ratio. One without has none of these, and is exactly one
/// of negative and indeterminate. `true_filling_defect_not_pe` is never set, since every simulated
/// filling defect of an artery is PE.
fn findings(exam: &Exam, positive: bool) -> BTreeMap<String, bool> {
    let plan = &exam.plan;
    let pieces = || exam.clots.iter().flat_map(|clot| &clot.pieces);
    let on_side = |side: Side| positive && pieces().any(|piece| piece.side == side);
    let any_chronic = positive && exam.clots.iter().any(|clot| clot.chronic);
    let any_acute = positive && exam.clots.iter().any(|clot| !clot.chronic);
    let strained = plan.build.rv_lv >= 1.0;
    let mut lookalikes = exam.lookalikes.iter();
    let streaks = lookalikes.find(|one| one.kind == LookalikeKind::Streak);
    let of = |name: &str| match name {
        "negative_exam_for_pe" => !positive && !plan.indeterminate,
        "qa_motion" => plan.scan.motion_mm > 0.0,
        "qa_contrast" => plan.indeterminate,
        "flow_artifact" => streaks.is_some_and(|streaks| streaks.hu >= FLOW_ARTIFACT_HU),
        "rv_lv_ratio_gte_1" => positive && strained,
        "rv_lv_ratio_lt_1" => positive && !strained,
        "leftsided_pe" => on_side(Side::Left),
        "rightsided_pe" => on_side(Side::Right),
        "central_pe" => positive && pieces().any(|piece| piece.order <= Order::Main),
        "chronic_pe" => any_chronic && !any_acute,
        "acute_and_chronic_pe" => any_chronic && any_acute,
        "indeterminate" => !positive && plan.indeterminate,
        _ => false,
    };
    EXAM_FINDINGS
        .iter()
        .map(|name| ((*name).to_owned(), of(name)))
        .collect()
}
