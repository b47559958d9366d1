use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use memmap2::Mmap;
use ndarray::{Array3, ArrayView3};
use pe_files::Files;

use crate::manifest::Manifest;
use crate::map::map;
use crate::{Dtype, StoreError};

// Halves are read directly from the mapped file.
#[cfg(target_endian = "big")]
compile_error!("the store's files are little endian and are mapped as they are");

/// Name of the file in an exam's folder.
pub(crate) const FILE: &str = "slices.bin";

/// One exam's stored slices, `[slice, channel, row, col]`, read through a memory map. Only the
/// slices in use take memory, and the system can reclaim it.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct StoredExam {
    folder: PathBuf,
    manifest: Arc<Manifest>,
    map: Arc<Mmap>,
}

impl StoredExam {
    /// Opens the exam stored in `folder`; returns `None` if there is none. Checks lengths and the
    /// manifest's seal, but not the voxels' checksum, see [`StoredExam::verify`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the manifest or the length is not right; [`StoreError::Io`].
    pub fn open(folder: &Path, files: &Files) -> Result<Option<Self>, StoreError> {
        let Some(manifest) = Manifest::read(folder, files)? else {
            return Ok(None);
        };
        let path = folder.join(FILE);
        let file = files.open(&path).map_err(StoreError::io("open", &path))?;
        let found = file
            .metadata()
            .map_err(StoreError::io("read", &path))?
            .len();
        if manifest.n_bytes() != Some(found) {
            let expected = match manifest.n_bytes() {
                Some(n_bytes) => format!("{n_bytes} bytes"),
                None => format!("{:?} values", manifest.shape),
            };
            return Err(StoreError::Damaged {
                path,
                expected,
                found: format!("{found} bytes"),
            });
        }
        let map = map(&file).map_err(StoreError::io("map", &path))?;
        Ok(Some(Self {
            folder: folder.to_owned(),
            manifest: Arc::new(manifest),
            map: Arc::new(map),
        }))
    }

    /// Compares the voxels with their checksum.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a bit differs.
    pub fn verify(&self) -> Result<(), StoreError> {
        let found = checksum(&self.map);
        if found == self.manifest.checksum {
            return Ok(());
        }
        let path = self.folder.join(FILE);
        Err(StoreError::Damaged {
            path,
            expected: format!("checksum {}", &self.manifest.checksum),
            found,
        })
    }

    /// The manifest: where the slices come from, their shape and checksum.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Number of bytes that the slices take on disk.
    pub fn n_bytes(&self) -> usize {
        self.map.len()
    }

    /// The number of slices.
    pub fn n_slices(&self) -> usize {
        self.manifest.shape[0]
    }

    /// The stored bytes of one slice, `[channel, row, col]`; `None` when the exam is stored as
    /// halves.
    ///
    /// # Panics
    /// When `slice_idx` is not below [`StoredExam::n_slices`].
    pub fn slice_u8(&self, slice_idx: usize) -> Option<ArrayView3<'_, u8>> {
        (self.manifest.dtype == Dtype::U8).then(|| self.view(self.slice_bytes(slice_idx)))
    }

    /// The stored halves of one slice, `[channel, row, col]`; `None` when the exam is stored as
    /// bytes.
    ///
    /// # Panics
    /// When `slice_idx` is not below [`StoredExam::n_slices`].
    pub fn slice_f16(&self, slice_idx: usize) -> Option<ArrayView3<'_, f16>> {
        let halves = || bytemuck::cast_slice(self.slice_bytes(slice_idx));
        (self.manifest.dtype == Dtype::F16).then(|| self.view(halves()))
    }

    /// One slice in [0, 1], `[channel, row, col]`, however it is stored.
    ///
    /// # Panics
    /// When `slice_idx` is not below [`StoredExam::n_slices`].
    pub fn slice(&self, slice_idx: usize) -> Array3<f32> {
        match (self.slice_u8(slice_idx), self.slice_f16(slice_idx)) {
            (Some(bytes), _) => bytes.map(|&byte| f32::from(byte) / 255.0),
            (None, Some(halves)) => halves.map(|half| half.to_f32()),
            (None, None) => unreachable!("a dtype is one of the two"),
        }
    }

    fn slice_bytes(&self, slice_idx: usize) -> &[u8] {
        let [_, channels, rows, cols] = self.manifest.shape;
        let n_bytes = channels * rows * cols * self.manifest.dtype.bytes();
        &self.map[slice_idx * n_bytes..][..n_bytes]
    }

    fn view<'a, T>(&self, values: &'a [T]) -> ArrayView3<'a, T> {
        let [_, channels, rows, cols] = self.manifest.shape;
        ArrayView3::from_shape((channels, rows, cols), values)
            .expect("the length was checked on opening")
    }
}

/// Returns the BLAKE3 hash of `bytes`, hexadecimal, computed on all threads.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    blake3::Hasher::new()
        .update_rayon(bytes)
        .finalize()
        .to_hex()
        .to_string()
}

impl fmt::Display for StoredExam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [slices, channels, rows, cols] = self.manifest.shape;
        let empty = self.manifest.empty_slices.len();
        write!(
            f,
            "stored slices {slices} × {channels} × {rows} × {cols}, {empty} with an empty mask"
        )
    }
}

impl fmt::Debug for StoredExam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
