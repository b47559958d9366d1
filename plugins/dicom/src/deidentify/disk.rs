//! All that de-identification does with the file system, but for reading DICOM files.

use std::io;
use std::path::Path;

use pe_files::{Access, Files};

use crate::DicomError;

/// Refuses an output folder that is, holds or lies in what is read: a second run would read what
/// the first has written, or a scan of the output would find the originals. Makes the folder.
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
    // What exists of the path is resolved, so that nothing is made where nothing may be.
    let absolute = std::path::absolute(out).map_err(|e| io_error(out, "create", e))?;
    let existing = absolute.ancestors().find(|path| exists(path));
    let existing = existing.unwrap_or(Path::new("/"));
    let missing = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
    let output = resolve(existing, "read")?.join(missing);
    let holds_parent = missing.components().any(|part| part.as_os_str() == "..");
    if output.starts_with(&input) || input.starts_with(&output) || holds_parent {
        return Err(DicomError::DeidentifyOutput {
            folder: root.to_owned(),
            out: out.to_owned(),
        });
    }
    create_folder(out, files)
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path, files: &Files) -> Result<(), DicomError> {
    files
        .create_dir_all(path)
        .map_err(|error| io_error(path, "create", error))
}

/// Whether something of this name is there, a broken link too.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Reads a text of the user's, such as a key.
pub(crate) fn read_text(path: &Path, files: &Files) -> Result<String, DicomError> {
    files
        .read_to_string(path)
        .map_err(|error| io_error(path, "read", error))
}

/// Writes a file whole or not at all. The caller has looked that there is none.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], files: &Files) -> Result<(), DicomError> {
    let written = files.replace(path, bytes);
    written.map_err(|error| io_error(path, "write", error))
}

/// An error of the file system.
pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> DicomError {
    DicomError::Io {
        path: path.to_owned(),
        action,
        source,
    }
}
