use std::path::Path;

use pe_ct::{ExamId, ExamInfo};
use pe_files::Files;
use serde::{Deserialize, Serialize};

use crate::{Dtype, StoreError};

/// What is written beside an exam's slices: where they come from, their shape and their checksum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The exam, with its labels and the digest of its inputs.
    pub exam: ExamInfo,
    /// Slices, channels, rows, cols.
    pub shape: [usize; 4],
    /// How a value is kept.
    pub dtype: Dtype,
    /// The indices of the slices whose mask is empty: stored, as zeros, and never dropped.
    pub empty_slices: Vec<usize>,
    /// The volume inside the mask in ml; `None` for slices without a mask.
    pub mask_ml: Option<f64>,
    /// BLAKE3 of `slices.bin`, hexadecimal.
    pub checksum: String,
}

/// A manifest as it lies on disk: its own text is checked too.
#[derive(Serialize, Deserialize)]
struct Sealed {
    manifest: serde_json::Value,
    seal: String,
}

/// The file's name in an exam's folder.
pub const FILE: &str = "exam.json";

impl Manifest {
    /// The bytes that `slices.bin` must have; `None` for a shape that no file can have.
    pub fn n_bytes(&self) -> Option<u64> {
        let n_bytes = |n: u64, &side: &usize| n.checked_mul(side as u64);
        self.shape
            .iter()
            .try_fold(self.dtype.bytes() as u64, n_bytes)
    }

    /// Reads and checks the manifest in `folder`; `None` when there is none.
    pub(crate) fn read(folder: &Path, files: &Files) -> Result<Option<Self>, StoreError> {
        let path = folder.join(FILE);
        let bytes = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        Self::parse(&bytes, &path).map(Some)
    }

    /// Checks the bytes of a manifest; `path` is what errors name.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let damaged = |found: String| StoreError::Damaged {
            path: path.to_owned(),
            expected: "a manifest with its seal".into(),
            found,
        };
        let sealed: Sealed =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if seal(&sealed.manifest) != sealed.seal {
            return Err(damaged("another seal".into()));
        }
        serde_json::from_value(sealed.manifest).map_err(|error| damaged(error.to_string()))
    }

    /// The bytes of a manifest's file.
    pub(crate) fn sealed(manifest: serde_json::Value) -> String {
        let sealed = Sealed {
            seal: seal(&manifest),
            manifest,
        };
        serde_json::json!(sealed).to_string()
    }

    /// Writes the manifest into `folder`, in one step.
    pub(crate) fn write(&self, folder: &Path, files: &Files) -> Result<(), StoreError> {
        let text = Self::sealed(serde_json::json!(self));
        let path = folder.join(FILE);
        let written = files.replace(&path, text.as_bytes());
        written.map_err(StoreError::io("write", &path))
    }
}

fn seal(manifest: &serde_json::Value) -> String {
    blake3::hash(manifest.to_string().as_bytes())
        .to_hex()
        .to_string()
}

/// The name of an exam's folder: a digest of its UIDs, so that no UID ever becomes a path.
pub fn folder_name(exam: &ExamId) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("pe-script exam folder");
    hasher.update(exam.study_uid.as_bytes());
    hasher.update(&[0]);
    hasher.update(exam.series_uid.as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use crate::in_memory::{manifest, seal};

    #[test]
    fn a_shape_beyond_the_address_space_is_no_size_of_a_file() {
        let content = |shape: &str| {
            let text = format!(
                r#"{{"exam": {{"id": {{"study_uid": "1", "series_uid": "2"}},
                "spacing": {{"slice_mm": 1.0, "row_mm": 1.0, "col_mm": 1.0}},
                "sop_uids": [], "positions_mm": [], "patient_key": null, "inputs_key": "",
                "labels": null}}, "shape": {shape}, "dtype": "f16", "empty_slices": [],
                "mask_ml": null, "checksum": ""}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let n_bytes = |shape| manifest(&seal(content(shape))).unwrap().n_bytes();
        assert_eq!(n_bytes("[1, 3, 4, 5]"), Some(120));
        assert_eq!(n_bytes("[0, 3, 4, 5]"), Some(0));
        let huge = "[4294967296, 4294967296, 4294967296, 2]";
        assert_eq!(n_bytes(huge), None);
        let error = manifest(b"{\"manifest\": {}, \"seal\": \"\"}").unwrap_err();
        assert!(error.to_string().contains("another seal"), "{error}");
    }
}
