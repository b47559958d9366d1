use std::path::Path;

use pe_ct::{ExamId, ExamInfo, MaskQuality};
use pe_files::Files;
use serde::{Deserialize, Serialize};

use crate::{Dtype, SliceSettings, StoreError};

/// Manifest of an exam's slices, stored beside them: where they come from, their shape and their
/// checksum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The exam, with its labels and the digest of its inputs.
    pub exam: ExamInfo,
    /// Slices, channels, rows, cols.
    pub shape: [usize; 4],
    /// Type of a stored value.
    pub dtype: Dtype,
    /// Indices of the slices whose mask is empty. These slices are stored, as zeros, and never
    /// dropped.
    pub empty_slices: Vec<usize>,
    /// The volume inside the mask in ml; `None` for slices without a mask.
    pub mask_ml: Option<f64>,
    /// Quality of the mask's lungs; `None` if no lungs were looked for.
    pub quality: Option<MaskQuality>,
    /// BLAKE3 of `slices.bin`, hexadecimal.
    pub checksum: String,
}

/// A manifest as it is on disk, with a checksum of its own text.
#[derive(Serialize, Deserialize)]
struct Sealed {
    manifest: serde_json::Value,
    seal: String,
}

/// Most slices of an exam. A CTPA has some hundred.
const MAX_SLICES: usize = 1 << 20;

/// Name of the file in an exam's folder.
pub const FILE: &str = "exam.json";

impl Manifest {
    /// Number of bytes that `slices.bin` must have; `None` for a shape that no file can have.
    pub fn n_bytes(&self) -> Option<u64> {
        let n_bytes = |n: u64, &side: &usize| n.checked_mul(side as u64);
        self.shape
            .iter()
            .try_fold(self.dtype.bytes() as u64, n_bytes)
    }

    /// Reads and checks the manifest in `folder`; returns `None` if there is none.
    pub(crate) fn read(folder: &Path, files: &Files) -> Result<Option<Self>, StoreError> {
        let path = folder.join(FILE);
        let bytes = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        Self::parse(&bytes, &path).map(Some)
    }

    /// Parses and checks the bytes of a manifest. Errors name `path`.
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
        let manifest: Self =
            serde_json::from_value(sealed.manifest).map_err(|error| damaged(error.to_string()))?;
        let counted = manifest.count();
        counted.map_err(|(expected, found)| StoreError::Damaged {
            path: path.to_owned(),
            expected,
            found,
        })?;
        Ok(manifest)
    }

    /// Checks that every list with one entry per slice has as many entries as there are slices. A
    /// correct seal is not enough: it only shows that the file is unchanged since it was written,
    /// not who wrote it.
    fn count(&self) -> Result<(), (String, String)> {
        let [n_slices, ..] = self.shape;
        if !(1..=MAX_SLICES).contains(&n_slices) || self.shape.contains(&0) {
            let expected = format!("1 to {MAX_SLICES} slices, and pixels");
            return Err((expected, format!("the shape {:?}", self.shape)));
        }
        let labels = self.exam.labels.as_ref();
        let counted = [
            ("SOP instance UIDs", self.exam.sop_uids.len()),
            ("slice positions", self.exam.positions_mm.len()),
            (
                "labels",
                labels.map_or(n_slices, |labels| labels.pe_on_slice.len()),
            ),
        ];
        for (what, found) in counted {
            if found != n_slices {
                return Err((format!("{n_slices} {what}"), found.to_string()));
            }
        }
        let ascending = self.empty_slices.is_sorted_by(|a, b| a < b);
        if !ascending
            || self
                .empty_slices
                .last()
                .is_some_and(|last| *last >= n_slices)
        {
            let expected = format!("indices of {n_slices} slices, ascending, as empty");
            return Err((expected, "others".into()));
        }
        Ok(())
    }

    /// Checks that the shape and type of the slices are those of `settings`.
    pub(crate) fn check_made_with(
        &self,
        settings: &SliceSettings,
        path: &Path,
    ) -> Result<(), StoreError> {
        let size = settings.size;
        let expected = ([settings.windows.len(), size, size], settings.dtype);
        let [_, channels, rows, cols] = self.shape;
        let found = ([channels, rows, cols], self.dtype);
        let shown = |(shape, dtype): ([usize; 3], Dtype)| format!("slices of {shape:?}, {dtype:?}");
        if found == expected {
            Ok(())
        } else {
            Err(StoreError::Damaged {
                path: path.to_owned(),
                expected: shown(expected),
                found: shown(found),
            })
        }
    }

    /// Returns the text of a manifest's file.
    pub(crate) fn sealed(manifest: serde_json::Value) -> String {
        let sealed = Sealed {
            seal: seal(&manifest),
            manifest,
        };
        serde_json::json!(sealed).to_string()
    }

    /// Writes the manifest into `folder`, atomically.
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

/// Returns the name of an exam's folder: a digest of its UIDs, so that no UID ever becomes a path.
pub fn folder_name(exam: &ExamId) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("pe-script exam folder");
    hasher.update(exam.study_uid.as_bytes());
    hasher.update(&[0]);
    hasher.update(exam.series_uid.as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::in_memory::{manifest, seal};

    fn content(shape: [u64; 4], n_slices: usize) -> Value {
        json!({
            "exam": {
                "id": {"study_uid": "1", "series_uid": "2"},
                "spacing": {"slice_mm": 1.0, "row_mm": 1.0, "col_mm": 1.0},
                "sop_uids": vec!["3"; n_slices], "positions_mm": vec![0.5; n_slices],
                "patient_key": null, "inputs_key": "",
                "labels": {"pe_on_slice": vec![true; n_slices], "findings": {}},
            },
            "shape": shape, "dtype": "f16", "empty_slices": [], "mask_ml": null, "quality": null,
            "checksum": "",
        })
    }

    #[test]
    fn a_shape_beyond_the_address_space_is_no_size_of_a_file() {
        let n_bytes = |shape| manifest(&seal(content(shape, 1))).unwrap().n_bytes();
        assert_eq!(n_bytes([1, 3, 4, 5]), Some(120));
        let huge = 1 << 32;
        assert_eq!(n_bytes([1, huge, huge, 2]), None);
        let error = manifest(b"{\"manifest\": {}, \"seal\": \"\"}").unwrap_err();
        assert!(error.to_string().contains("another seal"), "{error}");
    }

    /// A correct seal does not make a manifest valid.
    #[test]
    fn what_is_there_once_a_slice_is_counted() {
        let shape = [2, 3, 4, 4];
        manifest(&seal(content(shape, 2))).unwrap();
        let check = |content: Value, expected: &str| match manifest(&seal(content)) {
            Err(error @ StoreError::Damaged { .. }) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            other => panic!("{expected}: {other:?}"),
        };
        check(content(shape, 3), "2 SOP instance UIDs, found 3");
        check(content([0, 3, 4, 4], 0), "and pixels");
        check(content([1 << 60, 0, 4, 4], 1), "1 to 1048576 slices");
        check(content([2, 0, 4, 4], 2), "and pixels");
        let set = |pointer: &str, value: Value| {
            let mut content = content(shape, 2);
            *content.pointer_mut(pointer).unwrap() = value;
            content
        };
        check(set("/exam/positions_mm", json!([1.0])), "2 slice positions");
        check(set("/exam/labels/pe_on_slice", json!([true])), "2 labels");
        check(set("/empty_slices", json!([2])), "indices of 2 slices");
        check(set("/empty_slices", json!([1, 0])), "indices of 2 slices");
    }
}
