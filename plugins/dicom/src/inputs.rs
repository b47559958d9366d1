//! The digest of an exam's input files. Results made from the exam are found again by it.

use crate::FileFault;
use crate::scan::ScannedFile;

/// Digests the files in slice order: SOPInstanceUID, frame, size and, depending on `hash_contents`, the
/// modification time or the bytes; and whether they are sheared. Paths are not included, so that a data
/// set can be moved.
pub(crate) fn key<'a>(
    slices: impl Iterator<Item = (&'a ScannedFile, usize)>,
    is_sheared: bool,
    hash_contents: bool,
) -> Result<String, (std::path::PathBuf, FileFault)> {
    let mut hasher = blake3::Hasher::new_derive_key("pe-dicom exam inputs v2");
    hasher.update(&[is_sheared.into()]);
    let mut previous: Option<&std::path::Path> = None;
    for (file, frame_idx) in slices {
        hasher.update(file.header.sop_uid.as_bytes());
        hasher.update(&[0]);
        hasher.update(&(frame_idx as u64).to_le_bytes());
        hasher.update(&file.n_bytes.to_le_bytes());
        if !hash_contents {
            hasher.update(&file.modified_ns.to_le_bytes());
        } else if previous != Some(file.path.as_path()) {
            hasher.update(digest(file)?.as_bytes());
        }
        previous = Some(file.path.as_path());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Digests a file's bytes piece by piece, without reading all of them into memory.
fn digest(file: &ScannedFile) -> Result<blake3::Hash, (std::path::PathBuf, FileFault)> {
    let mut hasher = blake3::Hasher::new();
    let read =
        (file.place.open(&file.files)).and_then(|(bytes, _)| hasher.update_reader(bytes).map(drop));
    read.map_err(|e| (file.path.to_path_buf(), FileFault::Io(e.to_string())))?;
    Ok(hasher.finalize())
}
