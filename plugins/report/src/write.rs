use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pe_files::{Files, UNFINISHED};

use crate::ReportError;

/// Writes a file atomically: writes a temporary file beside it and renames that, so that a reader
/// never sees half of it.
pub fn write_whole(path: &Path, bytes: &[u8], files: &Files) -> Result<(), ReportError> {
    let (folder, name) = (path.parent(), path.file_name());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let name = name.ok_or_else(|| ReportError::Io {
        path: path.to_owned(),
        source: io::ErrorKind::InvalidFilename.into(),
    })?;
    let name = name.to_string_lossy();
    write_together(folder.unwrap_or(Path::new(".")), &[(&*name, bytes)], files)
}

/// Writes several files in `folder`, which it creates if needed. It writes temporary files first
/// and renames them only when all are written. So a full disk leaves the former files as they were,
/// and nothing beside them.
pub fn write_together(
    folder: &Path,
    contents: &[(impl AsRef<str>, impl AsRef<[u8]>)],
    files: &Files,
) -> Result<(), ReportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, source }
    };
    files.create_dir_all(folder).map_err(failed(folder))?;
    let beside = |name: &str| folder.join(format!("{UNFINISHED}{}-{name}", std::process::id()));
    let write = |name: &str, bytes: &[u8]| files.create(&beside(name))?.write_all(bytes);
    let written = contents.iter().try_for_each(|(name, bytes)| {
        let name = name.as_ref();
        write(name, bytes.as_ref()).map_err(failed(&folder.join(name)))
    });
    let renamed = written.and_then(|()| {
        contents.iter().try_for_each(|(name, _)| {
            let name = name.as_ref();
            let path: PathBuf = folder.join(name);
            files.rename(&beside(name), &path).map_err(failed(&path))
        })
    });
    if renamed.is_err() {
        for (name, _) in contents {
            // A file that was renamed or never written is not there. Only the first error counts.
            let _ = files.remove_file(&beside(name.as_ref()));
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_an_old_one_or_a_new_one_whatever_fails_and_when() {
        use pe_files::{Fault, Faults};
        use std::sync::Arc;
        for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
            for at in 0..6 {
                let scratch = tempfile::tempdir().expect("a scratch folder");
                let folder = scratch.path();
                let old = [("a", "old"), ("b", "old")];
                write_together(folder, &old, &Files::free()).expect("written");
                let files = Files::free().with_faults(Arc::new(Faults::at(at, fault, at)));
                let new = [("a", "newer"), ("b", "newer")];
                let failed = write_together(folder, &new, &files);
                // A full disk does not hinder the renames.
                assert!(failed.is_err() || fault == Fault::Full && at >= 4);
                for name in ["a", "b"] {
                    let found = std::fs::read_to_string(folder.join(name)).expect("it is there");
                    assert!(
                        found == "old" || found == "newer",
                        "{fault:?} at {at}: {found}"
                    );
                }
                if fault == Fault::Full {
                    assert_eq!(names(folder), ["a", "b"], "{fault:?} at {at}");
                }
                write_together(folder, &new, &Files::free()).expect("written");
                for name in ["a", "b"] {
                    let found = std::fs::read_to_string(folder.join(name)).expect("it is there");
                    assert_eq!(found, "newer");
                }
            }
        }
    }

    #[test]
    fn files_are_written_together_and_leave_nothing_beside() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let folder = scratch.path().join("new");
        write_together(&folder, &[("a", "1"), ("b", "2")], &Files::free()).expect("written");
        assert_eq!(names(&folder), ["a", "b"]);
        let files = [("c", "3"), ("no/folder", "4")];
        write_together(&folder, &files, &Files::free()).expect_err("no such folder");
        assert_eq!(
            names(&folder),
            ["a", "b"],
            "neither is written, nothing is left"
        );
    }
}
