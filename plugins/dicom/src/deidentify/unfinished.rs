//! Removes what an interrupted run left behind.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use pe_files::{Files, Output};

use crate::DicomError;

use super::disk::{exists, io_error};
use crate::labels::TABLE;

/// File name of the [`Note`], in the output folder.
const NOTE: &str = ".deidentify-unfinished";

/// A list of the names that a run with a random key creates. Each name is written to the disk before it
/// is used, and the list is removed when the run has finished.
///
/// An interrupted run with a random key cannot be resumed, because its key is lost: with a new key, the
/// same exams would be there twice. So the next run removes the listed names and starts again.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
    /// Locked, so that no other process removes what this one is writing.
    file: Output,
}

impl Note {
    /// Begins a list in `out`, after removing what an earlier list names. Fails if `out` holds copies of
    /// a finished run: the same exams would be there twice, with one label table.
    pub fn begin(out: &Path, files: &Files) -> Result<Self, DicomError> {
        let note = Self::open(out, files)?;
        note.clear(out, files)?;
        let there = files.list(out);
        let there = there.map_err(|error| io_error(out, "read", error))?;
        let names = there.iter().filter_map(|path| path.file_name()?.to_str());
        if names.into_iter().any(is_ours) {
            note.end(files)?;
            return Err(DicomError::DeidentifyAgain { out: out.into() });
        }
        Ok(note)
    }

    /// Removes what an earlier list names, and the list, if there is one.
    pub fn settle(out: &Path, files: &Files) -> Result<(), DicomError> {
        if !exists(&out.join(NOTE)) {
            return Ok(());
        }
        let note = Self::open(out, files)?;
        note.clear(out, files)?;
        note.end(files)
    }

    fn open(out: &Path, files: &Files) -> Result<Self, DicomError> {
        let path = out.join(NOTE);
        let file = files.edit(&path);
        let file = file.map_err(|error| io_error(&path, "write", error))?;
        if let Err(TryLockError::WouldBlock) = file.file().try_lock() {
            let reason = "another process is de-identifying into this folder";
            let busy = io::Error::new(io::ErrorKind::WouldBlock, reason);
            return Err(io_error(&path, "write", busy));
        }
        Ok(Self { path, file })
    }

    fn clear(&self, out: &Path, files: &Files) -> Result<(), DicomError> {
        let mut bytes = Vec::new();
        let read = self.file.file().read_to_end(&mut bytes);
        read.map_err(|error| io_error(&self.path, "read", error))?;
        let text = String::from_utf8_lossy(&bytes);
        // A line without its end was cut off, and nothing of that name was created yet.
        let lines = text.split_inclusive('\n');
        for name in lines.filter_map(|line| line.strip_suffix('\n')) {
            if is_ours(name) {
                let path = out.join(name);
                let removed = files.remove(&path);
                removed.map_err(|error| io_error(&path, "remove", error))?;
            }
        }
        Ok(())
    }

    /// Adds names to the list, and waits until they are on the disk.
    pub fn add<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        files: &Files,
    ) -> Result<(), DicomError> {
        // Begin with a line break, since an earlier line may be cut off.
        let lines = names.fold(String::from("\n"), |text, name| text + name + "\n");
        let written = self.file.write_all(lines.as_bytes());
        written
            .and_then(|()| self.file.sync_all())
            .and_then(|()| files.sync_folder(&self.path))
            .map_err(|error| io_error(&self.path, "write", error))
    }

    /// Ends the list and keeps what it names.
    pub fn end(self, files: &Files) -> Result<(), DicomError> {
        let removed = files.remove_file(&self.path);
        removed.map_err(|error| io_error(&self.path, "remove", error))
    }
}

/// Returns whether a run with a random key creates such a name. Other names in a list are ignored.
fn is_ours(name: &str) -> bool {
    let number = name.strip_prefix("2.25.");
    name == TABLE || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Removes half-written files of killed runs from the folders that this run writes to.
pub(super) fn sweep<'a>(
    folders: impl Iterator<Item = &'a Path>,
    files: &Files,
) -> Result<(), DicomError> {
    for folder in folders.collect::<BTreeSet<_>>() {
        match files.sweep(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(folder, "clear", error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_removed_but_what_such_a_run_makes() {
        let check = |name: &str, expected: bool| assert_eq!(is_ours(name), expected, "{name:?}");
        check("2.25.1234", true);
        check("train.csv", true);
        check("", false);
        check("2.25.", false);
        check("2.25.1/..", false);
        check("..", false);
        check("2.25.mine", false);
        check("../train.csv", false);
    }

    #[test]
    fn a_note_that_is_held_is_left_alone() {
        let out = tempfile::tempdir().unwrap();
        let files = Files::free();
        let mut held = Note::begin(out.path(), &files).unwrap();
        held.add(["2.25.1"].into_iter(), &files).unwrap();
        files.create_dir(&out.path().join("2.25.1")).unwrap();
        for result in [
            Note::begin(out.path(), &files).map(drop),
            Note::settle(out.path(), &files),
        ] {
            let DicomError::Io { source, .. } = result.unwrap_err() else {
                panic!("another error");
            };
            assert!(source.to_string().contains("another process"), "{source}");
        }
        assert!(exists(&out.path().join("2.25.1")));
        drop(held);
        Note::settle(out.path(), &files).unwrap();
        assert_eq!(files.list(out.path()).unwrap(), [] as [PathBuf; 0]);
    }
}
