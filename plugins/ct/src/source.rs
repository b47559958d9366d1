use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use pe_binding::{Explain, Work};
use serde::Serialize;

use crate::{ExamInfo, Spacing, Volume};

/// An exam that can be loaded: its description, and the files that a reader found for it.
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exam {
    /// Description of the exam, without its voxels.
    pub info: Arc<ExamInfo>,
    source: Arc<dyn ExamSource>,
}

/// What a reader of a file format must know of an exam to load it.
///
/// Implement this, and a function that returns a [`Scan`](crate::Scan), to read another format.
pub trait ExamSource: fmt::Debug + Send + Sync {
    /// Slices, rows and columns of the volume.
    fn shape(&self) -> [usize; 3];

    /// The files that hold the exam, in the order of its slices where each has its own. A file that holds
    /// several slices is repeated for each of them.
    fn files(&self) -> Vec<PathBuf>;

    /// Technical facts of the files, a map for scripts and records. No names, ids or dates.
    fn header(&self) -> serde_json::Value;

    /// Position of the volume's voxels in the patient; `None` if the files do not say.
    fn affine(&self) -> Option<Affine>;

    /// Loads the voxels in HU: slices ascend towards the head, rows to the back, columns to the left.
    ///
    /// # Errors
    /// The reader's own, about one of the files.
    fn load(
        &self,
        info: &Arc<ExamInfo>,
        work: &Work,
    ) -> Result<Volume, Box<dyn Explain + Send + Sync>>;
}

/// The position of a volume's voxels in the patient, in millimetres to the left, the back and the head
/// (the LPS coordinates of DICOM PS3.3 section C.7.6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Affine {
    /// The centre of voxel `[0, 0, 0]`.
    pub origin_mm: [f64; 3],
    /// One step along slices, along rows, and along columns.
    pub steps_mm: [[f64; 3]; 3],
}

/// An exam cannot be loaded. Other exams may be fine.
#[derive(Debug)]
pub struct LoadError {
    /// The exam's SeriesInstanceUID.
    pub series_uid: String,
    /// The reader's error.
    pub reason: Box<dyn Explain + Send + Sync>,
}

impl Exam {
    /// An exam that `source` loads.
    pub fn new(info: Arc<ExamInfo>, source: Arc<dyn ExamSource>) -> Self {
        Self { info, source }
    }

    /// The number of slices.
    pub fn n_slices(&self) -> usize {
        self.source.shape()[0]
    }

    /// Rows of a slice.
    pub fn rows(&self) -> usize {
        self.source.shape()[1]
    }

    /// Columns of a slice.
    pub fn cols(&self) -> usize {
        self.source.shape()[2]
    }

    /// The files that hold the exam, see [`ExamSource::files`].
    pub fn files(&self) -> Vec<PathBuf> {
        self.source.files()
    }

    /// Technical facts of the files, see [`ExamSource::header`].
    pub fn header(&self) -> serde_json::Value {
        self.source.header()
    }

    /// Position of the volume's voxels in the patient; `None` if the files do not say.
    pub fn affine(&self) -> Option<Affine> {
        self.source.affine()
    }

    /// Loads the voxels in HU.
    ///
    /// # Errors
    /// [`LoadError`] with the reader's error about one of the files.
    pub fn load(&self, work: &Work) -> Result<Volume, LoadError> {
        self.source
            .load(&self.info, work)
            .map_err(|reason| LoadError {
                series_uid: self.info.id.series_uid.clone(),
                reason,
            })
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

impl Explain for LoadError {
    fn kind(&self) -> &'static str {
        self.reason.kind()
    }

    fn hint(&self) -> Option<String> {
        self.reason.hint()
    }

    fn is_interrupt(&self) -> bool {
        self.reason.is_interrupt()
    }

    fn exam(&self) -> Option<&str> {
        Some(&self.series_uid)
    }
}

impl fmt::Display for Exam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spacing {
            slice_mm,
            row_mm,
            col_mm,
        } = self.info.spacing;
        write!(
            f,
            "exam {}: {} slices of {} × {}, {slice_mm:.3} × {row_mm:.3} × {col_mm:.3} mm",
            self.info.id.series_uid,
            self.n_slices(),
            self.rows(),
            self.cols()
        )
    }
}
