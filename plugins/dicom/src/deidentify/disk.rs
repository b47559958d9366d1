//! All file system access of de-identification, except reading DICOM files.

use std::io;
use std::path::Path;

use pe_files::{Access, Files};

use crate::DicomError;

/// Creates the output folder. Refuses one that equals, contains or lies in the input: a second run would
/// read the copies of the first, or a scan of the copies would find the originals.
pub(crate) fn prepare(root: &Path, out: &Path, files: &Files) -> Result<(), DicomError> {
    let may = |path, access, action| {
        files
            .check(path, access)
            .map_err(|e| io_error(path, action, e))
    };
    may(root, Access::Read, "read")?;
    may(out, Access::Write, "create")?;
    let resolve = |path: &Path, action| path.canonicalize().map_err(|e| io_error(path, action, e));
    let input = resolve(root, "read")?;
    // Resolve the existing part only: creating folders first could already write into the originals.
    let absolute = std::path::absolute(out).map_err(|e| io_error(out, "create", e))?;
    let existing = absolute.ancestors().find(|path| exists(path));
    let existing = existing.unwrap_or(Path::new("/"));
    let missing = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
    let output = resolve(existing, "read")?.join(missing);
    // `..` after a missing folder cannot be resolved.
    let holds_parent = missing.components().any(|part| part.as_os_str() == "..");
    if output.starts_with(&input) || input.starts_with(&output) || holds_parent {
        return Err(DicomError::DeidentifyOutput {
            folder: root.to_owned(),
            out: out.to_owned(),
        });
    }
    create_folder(out, files)
}

/// Creates a folder and its missing parents.
pub(crate) fn create_folder(path: &Path, files: &Files) -> Result<(), DicomError> {
    files
        .create_dir_all(path)
        .map_err(|error| io_error(path, "create", error))
}

/// Returns whether there is anything at a path, also a broken link.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Reads a text file of the user's, such as a key.
pub(crate) fn read_text(path: &Path, files: &Files) -> Result<String, DicomError> {
    files
        .read_to_string(path)
        .map_err(|error| io_error(path, "read", error))
}

/// Writes a file atomically. The caller has checked that it does not exist.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], files: &Files) -> Result<(), DicomError> {
    let written = files.replace(path, bytes);
    written.map_err(|error| io_error(path, "write", error))
}

/// Makes an error of the file system.
pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> DicomError {
    DicomError::Io {
        path: path.to_owned(),
        action,
        source,
    }
}
