use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The 13 exam-level columns of the RSNA-STR label table, in the table's order (its `train.csv`,
/// Colak et al. 2021). The 14th label, `pe_present_on_image`, belongs to a slice.
pub const EXAM_FINDINGS: [&str; 13] = [
    "negative_exam_for_pe",
    "qa_motion",
    "qa_contrast",
    "flow_artifact",
    "rv_lv_ratio_gte_1",
    "rv_lv_ratio_lt_1",
    "leftsided_pe",
    "chronic_pe",
    "true_filling_defect_not_pe",
    "rightsided_pe",
    "acute_and_chronic_pe",
    "central_pe",
    "indeterminate",
];

/// A radiologist's labels of one exam.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExamLabels {
    /// For each slice, in slice order: whether PE is present on the image. `None` for a slice that
    /// is not in the table.
    pub pe_on_slice: Vec<Option<bool>>,
    /// The exam-level findings by column name, [`EXAM_FINDINGS`].
    pub findings: BTreeMap<String, bool>,
}

impl ExamLabels {
    /// Returns whether the exam counts as PE: `negative_exam_for_pe == 0`. This counts the
    /// indeterminate exams too, as the paper's 2,368 does (2,211 + 157). `None` without that
    /// column.
    pub fn positive(&self) -> Option<bool> {
        self.findings
            .get("negative_exam_for_pe")
            .map(|negative| !negative)
    }

    /// Returns whether the exam was called indeterminate.
    pub fn indeterminate(&self) -> bool {
        self.findings.get("indeterminate").copied().unwrap_or(false)
    }

    /// The number of slices labelled as showing PE.
    pub fn n_pe_slices(&self) -> usize {
        self.pe_on_slice
            .iter()
            .filter(|label| **label == Some(true))
            .count()
    }
}
