use std::path::PathBuf;
use std::sync::Arc;

use pe_binding::{Explain, Work};
use pe_ct::{Affine, Exam, ExamInfo, ExamSource, Spacing, Volume};
use serde::Serialize;

use crate::catalogue::FileRef;
use crate::grid::Grid;
use crate::layout::Layout;
use crate::load::load;

/// The images of an exam: the one series of a study that is used, with its description and its files.
#[derive(Debug)]
pub(crate) struct Images {
    /// Description of the exam, without its voxels, for the rest of the pipeline.
    pub info: Arc<ExamInfo>,
    /// Technical facts from the header.
    pub header: ExamHeader,
    /// The stored images, ascending along their normal.
    pub(crate) slices: Vec<SliceSource>,
    pub(crate) layout: Layout,
    pub(crate) grid: Grid,
}

/// Technical facts of an exam, from the header of its first slice. No names, ids or dates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ExamHeader {
    /// Number of slices of the volume.
    pub n_slices: usize,
    /// Number of files that hold them.
    pub n_files: usize,
    /// Rows of a slice.
    pub rows: usize,
    /// Columns of a slice.
    pub cols: usize,
    /// Distance between voxels.
    #[serde(flatten)]
    pub spacing: Spacing,
    /// SliceThickness, mm.
    pub slice_thickness_mm: Option<f64>,
    /// Tube voltage, kV.
    pub kvp: Option<f64>,
    /// ConvolutionKernel, if it is the name of a vendor's kernel; other free text could be anything.
    pub kernel: Option<String>,
    /// RescaleSlope of the first slice.
    pub slope: f64,
    /// RescaleIntercept of the first slice, HU.
    pub intercept: f64,
    /// BitsAllocated.
    pub bits_allocated: u32,
    /// BitsStored.
    pub bits_stored: u32,
    /// True if stored values are signed.
    pub signed: bool,
    /// First and last stored value that count as padding.
    pub padding: Option<(i64, i64)>,
    /// The transfer syntax by name.
    pub transfer_syntax: String,
    /// ImageOrientationPatient of the first file: direction cosines of a row and of a column.
    pub orientation: [f64; 6],
    /// Position of the volume's voxels in the patient; `None` if the files have no positions.
    pub affine: Option<Affine>,
}

/// The file and the frame that hold an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SliceSource {
    pub file: FileRef,
    pub frame_idx: usize,
    /// Frames that the file had when it was scanned.
    pub n_frames: usize,
    /// Bytes that the file had when it was scanned.
    pub file_bytes: u64,
}

impl Images {
    /// The exam of these images.
    pub fn exam(self: Arc<Self>) -> Exam {
        Exam::new(Arc::clone(&self.info), self)
    }

    /// The number of slices.
    pub fn n_slices(&self) -> usize {
        self.grid.shape()[0]
    }

    /// Returns whether each slice is an image of the files. If these are coronal or sagittal, each slice
    /// goes through all of them.
    pub(crate) fn slices_are_images(&self) -> bool {
        self.grid.axes.is_axial()
    }

    /// The file of each image, ascending along their normal; for axial images, of each slice. A
    /// multi-frame file is repeated for each of its frames.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = PathBuf> {
        self.slices.iter().map(|slice| slice.file.path())
    }
}

impl ExamSource for Images {
    fn shape(&self) -> [usize; 3] {
        self.grid.shape()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.paths().collect()
    }

    fn header(&self) -> serde_json::Value {
        serde_json::to_value(&self.header).unwrap_or_default()
    }

    fn affine(&self) -> Option<Affine> {
        self.header.affine
    }

    fn load(
        &self,
        info: &Arc<ExamInfo>,
        work: &Work,
    ) -> Result<Volume, Box<dyn Explain + Send + Sync>> {
        load(self, info, work).map_err(|error| Box::new(error) as _)
    }
}
