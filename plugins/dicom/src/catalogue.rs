//! The files that a scan looks at, each in some 25 bytes, for as long as an exam of the scan lives.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use pe_files::Files;

/// Files in the order of their paths.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    folders: Vec<Folder>,
    files: Vec<Entry>,
}

/// A folder, and the names of its files one behind the other, each with a zero at its end.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    names: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    folder: u32,
    /// First byte of its name among those of the folder.
    name: u32,
}

/// One file of a catalogue.
#[derive(Debug, Clone)]
pub(crate) struct FileRef {
    catalogue: Arc<Catalogue>,
    idx: usize,
}

/// A file's size and time, by which one that has changed is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub n_bytes: u64,
    /// Nanoseconds since 1970; 0 for before and for never.
    pub modified_ns: u64,
}

impl Catalogue {
    /// Adds a file; those of one folder mostly follow each other.
    pub fn push(&mut self, path: &Path) {
        let (folder, name) = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => (folder, name),
            _ => (Path::new(""), path.as_os_str()),
        };
        let is_open = |last: &Folder| {
            last.path.as_os_str() == folder.as_os_str() && last.names.len() < u32::MAX as usize / 2
        };
        if !self.folders.last().is_some_and(is_open) {
            if let Some(last) = self.folders.last_mut() {
                last.names.shrink_to_fit();
            }
            self.folders.push(Folder {
                path: folder.to_owned(),
                names: Vec::new(),
            });
        }
        let folder = self.folders.len() - 1;
        let names = &mut self.folders[folder].names;
        // Neither has room for more in any memory.
        self.files.push(Entry {
            folder: folder as u32,
            name: names.len() as u32,
        });
        names.extend(name.as_bytes());
        names.push(0);
    }

    /// Gives back the memory that was kept for more files.
    pub fn finish(mut self) -> Arc<Self> {
        self.files.shrink_to_fit();
        Arc::new(self)
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn path(&self, idx: usize) -> PathBuf {
        let entry = &self.files[idx];
        let folder = &self.folders[entry.folder as usize];
        let names = &folder.names[entry.name as usize..];
        let end = names.iter().position(|byte| *byte == 0);
        let name = OsStr::from_bytes(&names[..end.unwrap_or(names.len())]);
        // `join` would end an empty name in a slash.
        match folder.path.as_os_str().is_empty() {
            true => name.into(),
            false => folder.path.join(name),
        }
    }

    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        (0..self.len()).map(|idx| self.path(idx))
    }
}

impl FileRef {
    pub fn new(catalogue: &Arc<Catalogue>, idx: usize) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            idx,
        }
    }

    /// The file of a catalogue of its own.
    pub fn only(path: &Path) -> Self {
        let mut catalogue = Catalogue::default();
        catalogue.push(path);
        Self::new(&catalogue.finish(), 0)
    }

    /// Its number in the catalogue.
    pub fn idx(&self) -> usize {
        self.idx
    }

    pub fn path(&self) -> PathBuf {
        self.catalogue.path(self.idx)
    }

    pub fn stamp(&self, files: &Files) -> io::Result<Stamp> {
        files.metadata(&self.path()).map(|found| stamp_of(&found))
    }

    pub fn open(&self, files: &Files) -> io::Result<(File, Stamp)> {
        let file = files.open(&self.path())?;
        let stamp = stamp_of(&file.metadata()?);
        Ok((file, stamp))
    }
}

impl PartialEq for FileRef {
    fn eq(&self, other: &Self) -> bool {
        self.idx == other.idx && Arc::ptr_eq(&self.catalogue, &other.catalogue)
    }
}

impl Eq for FileRef {}

fn stamp_of(metadata: &Metadata) -> Stamp {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Stamp {
        n_bytes: metadata.len(),
        modified_ns: since.map_or(0, |since| since.as_nanos() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_out_as_they_went_in() {
        let mut catalogue = Catalogue::default();
        let odd = OsStr::from_bytes(b"root/a\xFF/\xFE\n b");
        let paths = ["root/a/1", "root/a/2", "root/b/1", "root/a/3", "1", "/1"].map(Path::new);
        let paths = [&paths[..], &[Path::new(odd)]].concat();
        paths.iter().for_each(|path| catalogue.push(path));
        let catalogue = catalogue.finish();
        assert!(
            catalogue
                .paths()
                .eq(paths.iter().map(|path| path.to_path_buf()))
        );
        assert_eq!(FileRef::new(&catalogue, 2).path(), paths[2]);
        assert_ne!(FileRef::new(&catalogue, 2), FileRef::new(&catalogue, 1));
        assert_eq!(FileRef::only(paths[3]).path(), paths[3]);
    }
}
