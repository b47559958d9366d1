use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ExamLabels;

/// Identifies an exam by its study and its series. UIDs and hashes are kept as they are, any other
/// id is replaced by a digest. Never a name, a patient id or a date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExamId {
    /// StudyInstanceUID (0020,000D).
    pub study_uid: String,
    /// SeriesInstanceUID (0020,000E).
    pub series_uid: String,
}

/// The distance between neighbouring voxel centres, in mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spacing {
    /// Between slices, along their normal.
    pub slice_mm: f64,
    /// Between rows, from front to back.
    pub row_mm: f64,
    /// Between columns, from the patient's right to the left.
    pub col_mm: f64,
}

impl Spacing {
    /// The volume of one voxel in ml.
    ///
    /// ```
    /// let spacing = pe_ct::Spacing { slice_mm: 5.0, row_mm: 0.5, col_mm: 0.5 };
    /// assert_eq!(spacing.voxel_ml(), 0.00125);
    /// ```
    pub fn voxel_ml(&self) -> f64 {
        self.slice_mm * self.row_mm * self.col_mm / 1000.0
    }
}

/// An exam's data besides its voxels: enough to name it, to key what is made from it, to label it
/// and to split a data set by patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamInfo {
    /// The exam's UIDs.
    pub id: ExamId,
    /// Distance between voxels.
    pub spacing: Spacing,
    /// SOPInstanceUID of each slice, in slice order. The slices of a multi-frame file are
    /// `UID#FRAME`, with frames counted from 1 as in DICOM. Slices that cut across all of a series'
    /// coronal or sagittal images are named by its SeriesInstanceUID, `UID#SLICE`.
    pub sop_uids: Vec<String>,
    /// Position of each slice along the normal in mm, ascending.
    pub positions_mm: Vec<f64>,
    /// One-way digest of PatientID that groups exams of one patient; `None` if the files have no
    /// PatientID. It is a pseudonym, not anonymous: whoever knows an id can test for it.
    pub patient_key: Option<String>,
    /// Digest of the exam's input (files, sizes, times or contents). Equal digests mean that
    /// nothing changed.
    pub inputs_key: String,
    /// Labels from the data set's table, if it has this exam.
    pub labels: Option<ExamLabels>,
}

impl ExamInfo {
    /// The number of slices.
    pub fn n_slices(&self) -> usize {
        self.sop_uids.len()
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3} × {:.3} × {:.3} mm",
            self.slice_mm, self.row_mm, self.col_mm
        )
    }
}

impl fmt::Display for ExamInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exam {}, {} slices, {}",
            self.id.series_uid,
            self.n_slices(),
            self.spacing
        )?;
        match self
            .labels
            .as_ref()
            .map(|labels| (labels.positive(), labels.n_pe_slices()))
        {
            None | Some((None, _)) => f.write_str(", no label"),
            Some((Some(true), n_slices)) => write!(f, ", PE on {n_slices} slices"),
            Some((Some(false), _)) => f.write_str(", no PE"),
        }
    }
}
