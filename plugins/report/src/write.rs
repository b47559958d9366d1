use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::ReportError;

/// Writes a file beside its place and renames it, so that a reader never sees half of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let (folder, name) = (path.parent(), path.file_name());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let name = name.ok_or_else(|| ReportError::Io {
        path: path.to_owned(),
        source: io::ErrorKind::InvalidFilename.into(),
    })?;
    let name = name.to_string_lossy();
    write_together(folder.unwrap_or(Path::new(".")), &[(&*name, bytes)])
}

/// Writes files beside their places in `folder`, creating it, and renames them when all are
/// written: a full disk leaves the former files as they were, and nothing beside them.
pub fn write_together(
    folder: &Path,
    files: &[(&str, impl AsRef<[u8]>)],
) -> Result<(), ReportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let beside = |name: &str| folder.join(format!(".{name}.{}", std::process::id()));
    let written = files.iter().try_for_each(|(name, bytes)| {
        fs::write(beside(name), bytes).map_err(failed(&folder.join(name)))
    });
    let renamed = written.and_then(|()| {
        files.iter().try_for_each(|(name, _)| {
            let path: PathBuf = folder.join(name);
            fs::rename(beside(name), &path).map_err(failed(&path))
        })
    });
    if renamed.is_err() {
        for (name, _) in files {
            // What was renamed, or never written, is not there; the first error is what counts.
            let _ = fs::remove_file(beside(name));
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder is there");
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
    fn files_are_written_together_and_leave_nothing_beside() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let folder = scratch.path().join("new");
        write_together(&folder, &[("a", "1"), ("b", "2")]).expect("written");
        assert_eq!(names(&folder), ["a", "b"]);
        write_together(&folder, &[("c", "3"), ("no/folder", "4")]).expect_err("no such folder");
        assert_eq!(
            names(&folder),
            ["a", "b"],
            "neither is written, nothing is left"
        );
    }
}
