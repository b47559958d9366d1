//! The list of files of a scan, at some 25 bytes a file. It lives as long as any exam of the scan.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use pe_files::{Access, Files};

use crate::archive::Archive;
use crate::member::{Member, MemberReader};

/// Files in the order of their paths; those of an archive are in the archive's order.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    folders: Vec<Folder>,
    files: Vec<Entry>,
}

/// A folder with the names of its files, concatenated, each followed by a zero byte.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    names: Vec<u8>,
    /// The archive that the folder lies in, and the position of each of its files in there.
    archive: Option<Arc<Archive>>,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    folder: u32,
    /// Offset of its name in the names of the folder.
    name: u32,
    /// Its index in the members of the folder.
    member: u32,
}

/// An open file, on the disk or in an archive.
#[derive(Debug)]
pub(crate) enum Opened {
    File(File),
    Member(Box<MemberReader>),
}

/// One file of a catalogue.
#[derive(Debug, Clone)]
pub(crate) struct FileRef {
    catalogue: Arc<Catalogue>,
    idx: usize,
}

/// A file's size and time of change, by which changed files are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub n_bytes: u64,
    /// Nanoseconds since 1970; 0 for an earlier or unknown time.
    pub modified_ns: u64,
}

impl Catalogue {
    /// Adds a file. Files of one folder should follow each other; otherwise the folder is stored again.
    pub fn push(&mut self, path: &Path) {
        self.push_to(path, None);
    }

    /// Adds a file of an archive. `path` is the archive's path joined with the path in it.
    pub fn push_member(&mut self, path: &Path, archive: &Arc<Archive>, member: Member) {
        let folder = self.push_to(path, Some(archive));
        folder.members.push(member);
    }

    fn push_to(&mut self, path: &Path, archive: Option<&Arc<Archive>>) -> &mut Folder {
        let (folder, name) = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => (folder, name),
            _ => (Path::new(""), path.as_os_str()),
        };
        let is_open = |last: &Folder| {
            last.path.as_os_str() == folder.as_os_str()
                && last.archive.as_ref().map(Arc::as_ptr) == archive.map(Arc::as_ptr)
                // Offsets into the names have 32 bits: start the folder again before they overflow.
                && last.names.len() < u32::MAX as usize / 2
        };
        if !self.folders.last().is_some_and(is_open) {
            if let Some(last) = self.folders.last_mut() {
                last.names.shrink_to_fit();
                last.members.shrink_to_fit();
            }
            self.folders.push(Folder {
                path: folder.to_owned(),
                names: Vec::new(),
                archive: archive.cloned(),
                members: Vec::new(),
            });
        }
        let folder_idx = self.folders.len() - 1;
        let folder = &mut self.folders[folder_idx];
        // These casts cannot overflow: so many folders or members would not fit into any memory.
        self.files.push(Entry {
            folder: folder_idx as u32,
            name: folder.names.len() as u32,
            member: folder.members.len() as u32,
        });
        folder.names.extend(name.as_bytes());
        folder.names.push(0);
        folder
    }

    /// Removes a file and returns it, if it is there.
    pub fn take(&mut self, path: &Path) -> Option<FileRef> {
        let parent = path.parent()?;
        let is_its: Vec<bool> = self.folders.iter().map(|it| it.path == parent).collect();
        if !is_its.contains(&true) {
            return None;
        }
        let is_it = |entry: &Entry| {
            let folder = entry.folder as usize;
            is_its[folder] && Some(self.folders[folder].name(entry)) == path.file_name()
        };
        let entry = self.files.remove(self.files.iter().position(is_it)?);
        let Folder {
            archive, members, ..
        } = &self.folders[entry.folder as usize];
        let mut own = Self::default();
        match archive {
            Some(archive) => own.push_member(path, archive, members[entry.member as usize]),
            None => own.push(path),
        }
        Some(FileRef::new(&own.finish(), 0))
    }

    /// The paths of the archives that hold files.
    pub fn archives(&self) -> Vec<PathBuf> {
        let archives = self.folders.iter().filter_map(|it| it.archive.as_ref());
        let mut paths: Vec<_> = archives.map(|archive| archive.path.clone()).collect();
        paths.dedup();
        paths
    }

    /// Frees the memory that was reserved for more files.
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
        let name = folder.name(entry);
        // `join` with an empty folder and name would end in a slash.
        if folder.path.as_os_str().is_empty() {
            name.into()
        } else {
            folder.path.join(name)
        }
    }

    fn member(&self, idx: usize) -> Option<(&Arc<Archive>, Member)> {
        let entry = &self.files[idx];
        let folder = &self.folders[entry.folder as usize];
        let archive = folder.archive.as_ref()?;
        Some((archive, folder.members[entry.member as usize]))
    }

    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        (0..self.len()).map(|idx| self.path(idx))
    }
}

impl Folder {
    fn name(&self, entry: &Entry) -> &OsStr {
        let names = &self.names[entry.name as usize..];
        let end = names.iter().position(|byte| *byte == 0);
        OsStr::from_bytes(&names[..end.unwrap_or(names.len())])
    }
}

impl FileRef {
    pub fn new(catalogue: &Arc<Catalogue>, idx: usize) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            idx,
        }
    }

    /// The only file of a new catalogue.
    pub fn only(path: &Path) -> Self {
        let mut catalogue = Catalogue::default();
        catalogue.push(path);
        Self::new(&catalogue.finish(), 0)
    }

    /// The file's index in the catalogue.
    pub fn idx(&self) -> usize {
        self.idx
    }

    pub fn path(&self) -> PathBuf {
        self.catalogue.path(self.idx)
    }

    /// The space that it takes on the disk, if it lies in an archive, bytes.
    pub fn packed_bytes(&self) -> Option<u64> {
        let (_, member) = self.catalogue.member(self.idx)?;
        Some(member.packed)
    }

    /// Size and time of change. A file in an archive has the time of the archive.
    pub fn stamp(&self, files: &Files) -> io::Result<Stamp> {
        let Some((archive, member)) = self.catalogue.member(self.idx) else {
            return files.metadata(&self.path()).map(|found| stamp_of(&found));
        };
        Ok(Stamp {
            n_bytes: member.n_bytes,
            modified_ns: archive.stamp.modified_ns,
        })
    }

    /// Opens the file for reading.
    pub fn open(&self, files: &Files) -> io::Result<(Opened, Stamp)> {
        let Some((archive, member)) = self.catalogue.member(self.idx) else {
            let file = files.open(&self.path())?;
            let stamp = stamp_of(&file.metadata()?);
            return Ok((Opened::File(file), stamp));
        };
        // Members are read through the archive's file, which was opened long ago: check again that it
        // may be read, and that it has not changed since.
        files.check(&archive.path, Access::Read)?;
        if stamp_of(&archive.file.metadata()?) != archive.stamp {
            return Err(io::Error::other("the archive changed since it was scanned"));
        }
        let stamp = self.stamp(files)?;
        let reader = MemberReader::new(archive, member)?;
        Ok((Opened::Member(Box::new(reader)), stamp))
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Member(member) => member.read(buffer),
        }
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Member(member) => member.seek(to),
        }
    }
}

impl PartialEq for FileRef {
    fn eq(&self, other: &Self) -> bool {
        self.idx == other.idx && Arc::ptr_eq(&self.catalogue, &other.catalogue)
    }
}

impl Eq for FileRef {}

pub(crate) fn stamp_of(metadata: &Metadata) -> Stamp {
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
