//! Lists the files below a folder, each once, even if links lead to it several times.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use pe_binding::Work;
use pe_ct::Finding;
use pe_files::Access;
use walkdir::{DirEntry, WalkDir};

use crate::archive;
use crate::catalogue::Catalogue;
use crate::{DicomError, FindingKind};

/// Number of entries after which progress is reported.
const ENTRIES_PER_ADVANCE: usize = 1024;

/// Lists all files under `root` in the order of their paths, including those in archives, except `but`.
///
/// A folder is read once: with links there are more paths than folders, up to two to the power of the
/// number of links. A link to a folder under `root` is not followed, since that folder is read in its
/// own place. Of several links to a folder elsewhere, the first is followed. The others become findings.
pub(crate) fn list_files(
    root: &Path,
    but: Option<&Path>,
    findings: &mut Vec<Finding>,
    work: &Work,
) -> Result<Catalogue, DicomError> {
    let failed = |source: io::Error| DicomError::Io {
        path: root.to_owned(),
        action: "read",
        source,
    };
    let metadata = work.files().metadata(root).map_err(failed)?;
    let mut catalogue = Catalogue::default();
    if metadata.is_file() {
        if !archive::list(root, true, work.files(), &mut catalogue, findings).map_err(failed)? {
            catalogue.push(root);
        }
        return Ok(catalogue);
    }
    let mut visited = Visited::new(root).map_err(failed)?;
    let task = work.task("listing files", 0, "files");
    let mut entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = entries.next() {
        task.check()?;
        if let Some((path, error)) = refused(&entry, work) {
            if entry.is_ok_and(|entry| entry.file_type().is_dir()) {
                entries.skip_current_dir();
            }
            let reason = error.to_string();
            findings.push(Finding::new(&path, FindingKind::Unreadable, reason));
            continue;
        }
        match entry {
            Ok(entry) if but.is_some_and(|it| is_same(it, entry.path())) => {}
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.path();
                match archive::list(path, false, work.files(), &mut catalogue, findings) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => catalogue.push(path),
                }
                if catalogue.len().is_multiple_of(ENTRIES_PER_ADVANCE) {
                    task.advance(ENTRIES_PER_ADVANCE);
                }
            }
            Ok(entry) if entry.file_type().is_dir() => {
                if let Some(finding) = visited.again(&entry) {
                    findings.push(finding);
                    entries.skip_current_dir();
                }
            }
            entry => findings.push(unreadable(entry, root)),
        }
    }
    Ok(catalogue)
}

/// Returns whether two paths with the same file name are the same file, however they are written.
fn is_same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    a == b || a.file_name() == b.file_name() && real(a).is_some_and(|a| real(b) == Some(a))
}

/// Returns the path and the error of a link that leads to where reading is not allowed. It does so
/// whether its target exists or not: the walk has looked behind the link, and what it saw there must not
/// show. Entries that are no links lie in a folder that was allowed.
fn refused(entry: &walkdir::Result<DirEntry>, work: &Work) -> Option<(PathBuf, io::Error)> {
    let path = match entry {
        Ok(entry) => entry.path_is_symlink().then(|| entry.path())?,
        Err(error) => error.path()?,
    };
    let error = work.files().check(path, Access::Read).err()?;
    Some((path.to_owned(), error))
}

fn unreadable(entry: walkdir::Result<DirEntry>, root: &Path) -> Finding {
    let (path, reason) = match &entry {
        // Opening a pipe or a device could wait for ever.
        Ok(entry) => (entry.path(), "neither a file nor a folder".to_owned()),
        Err(error) => {
            let reason = match error.io_error() {
                Some(error) => format!("cannot read it: {}", error.kind()),
                None => "a link to a folder that holds it".to_owned(),
            };
            (error.path().unwrap_or(root), reason)
        }
    };
    Finding::new(path, FindingKind::Unreadable, reason)
}

/// The folders that were read, by their real paths.
struct Visited {
    root: PathBuf,
    places: HashSet<PathBuf>,
}

impl Visited {
    fn new(root: &Path) -> io::Result<Self> {
        Ok(Self {
            root: root.canonicalize()?,
            places: HashSet::new(),
        })
    }

    /// Returns a finding if this folder is read elsewhere and must be skipped. A path that cannot be
    /// resolved cannot be read either, which the walk reports itself.
    fn again(&mut self, entry: &DirEntry) -> Option<Finding> {
        let place = entry.path().canonicalize().ok()?;
        let is_elsewhere = entry.depth() > 0 && entry.path_is_symlink();
        let reason = if is_elsewhere && place.starts_with(&self.root) {
            "a link to a folder that is read in its own place: it is not read again"
        } else if !self.places.insert(place) {
            "the same folder as one that an earlier link led to: it is not read again"
        } else {
            return None;
        };
        Some(Finding::new(entry.path(), FindingKind::Duplicate, reason))
    }
}
