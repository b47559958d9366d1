use std::fmt;
use std::sync::Arc;

use ndarray::{ArcArray, Array3, ArrayView2, Axis, Ix3};

use crate::{CtError, ExamId, ExamInfo, Spacing};

/// HU of air, and the least HU in a volume. Lower values (padding, the corners outside a scanner's
/// field of view) are set to it on loading.
pub const AIR_HU: i16 = -1024;

/// One exam's voxels in HU, `[slice, row, col]`: slices ascend towards the head, rows to the back
/// and columns to the patient's left.
///
/// Cheap to clone: the voxels are shared.
#[derive(Debug, Clone)]
pub struct Volume {
    info: Arc<ExamInfo>,
    hu: ArcArray<i16, Ix3>,
}

impl Volume {
    /// Creates a volume of the exam `info`.
    ///
    /// # Errors
    /// [`CtError::SliceCount`] when `info` does not describe as many slices as `hu` has.
    pub fn new(info: Arc<ExamInfo>, hu: Array3<i16>) -> Result<Self, CtError> {
        let expected = hu.dim().0;
        let counted = [
            ("SOP instance UIDs", info.sop_uids.len()),
            ("slice positions", info.positions_mm.len()),
        ];
        for (what, found) in counted {
            if found != expected {
                return Err(CtError::SliceCount {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(Self {
            info,
            hu: hu.into_shared(),
        })
    }

    /// Creates a volume without a DICOM exam, for computed and test images. Its UIDs are `name`,
    /// `name.1`, `name.2` …, and its first slice lies at 0 mm.
    pub fn unnamed(name: &str, spacing: Spacing, hu: Array3<i16>) -> Self {
        let n_slices = hu.dim().0;
        let info = ExamInfo {
            id: ExamId {
                study_uid: name.into(),
                series_uid: name.into(),
            },
            spacing,
            sop_uids: (1..=n_slices).map(|n| format!("{name}.{n}")).collect(),
            positions_mm: (0..n_slices).map(|n| n as f64 * spacing.slice_mm).collect(),
            patient_key: None,
            inputs_key: name.into(),
            labels: None,
        };
        Self {
            info: Arc::new(info),
            hu: hu.into_shared(),
        }
    }

    /// The exam's data besides its voxels.
    pub fn info(&self) -> &Arc<ExamInfo> {
        &self.info
    }

    /// The voxels in HU, `[slice, row, col]`.
    pub fn hu(&self) -> &ArcArray<i16, Ix3> {
        &self.hu
    }

    /// Distance between voxels in mm.
    pub fn spacing(&self) -> Spacing {
        self.info.spacing
    }

    /// Shape: slices, rows, cols.
    pub fn dim(&self) -> (usize, usize, usize) {
        self.hu.dim()
    }

    /// The number of slices.
    pub fn n_slices(&self) -> usize {
        self.dim().0
    }

    /// One slice, `[row, col]` in HU.
    ///
    /// # Panics
    /// When `slice_idx` is not below [`Volume::n_slices`].
    pub fn slice(&self, slice_idx: usize) -> ArrayView2<'_, i16> {
        self.hu.index_axis(Axis(0), slice_idx)
    }

    /// The least and the greatest HU; `None` for a volume without voxels.
    pub fn hu_range(&self) -> Option<(i16, i16)> {
        self.hu.iter().fold(None, |range, &hu| match range {
            None => Some((hu, hu)),
            Some((least, greatest)) => Some((hu.min(least), hu.max(greatest))),
        })
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((slices, rows, cols), spacing) = (self.dim(), self.spacing());
        write!(f, "volume {slices} × {rows} × {cols}, {spacing}")?;
        match self.hu_range() {
            Some((least, greatest)) => write!(f, ", {least} to {greatest} HU"),
            None => f.write_str(", no voxels"),
        }
    }
}
