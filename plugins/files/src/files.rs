use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::faults::Change;
use crate::{Access, Faults, Gate, Output};

/// Prefix of the name of a file or folder while it is written. A writer that was killed leaves one
/// behind; any process that may write to the folder may remove it.
pub const UNFINISHED: &str = ".unfinished-";

/// The right to use the file system, see the [crate](crate). Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Files {
    gate: Option<Arc<Gate>>,
    faults: Option<Arc<Faults>>,
}

impl Files {
    /// File access without limits.
    pub fn free() -> Self {
        Self::default()
    }

    /// File access that `gate` restricts.
    pub fn confined(gate: Gate) -> Self {
        Self::free().within(gate)
    }

    /// Returns these files restricted by `gate`, which replaces an earlier gate.
    pub fn within(self, gate: Gate) -> Self {
        Self {
            gate: Some(Arc::new(gate)),
            ..self
        }
    }

    /// Returns these files on a simulated disk with `faults`, for tests.
    pub fn with_faults(self, faults: Arc<Faults>) -> Self {
        Self {
            faults: Some(faults),
            ..self
        }
    }

    /// The gate that restricts these files, if they are confined.
    pub fn gate(&self) -> Option<&Gate> {
        self.gate.as_deref()
    }

    /// Checks that the gate lets `path` be read or written. Nothing needs to exist there.
    ///
    /// # Errors
    /// [`Refused`](crate::Refused), inside an error of the kind `PermissionDenied`.
    pub fn check(&self, path: &Path, access: Access) -> io::Result<()> {
        match &self.gate {
            Some(gate) => Ok(gate.check(path, access)?),
            None => Ok(()),
        }
    }

    fn check_name(&self, path: &Path) -> io::Result<()> {
        match &self.gate {
            Some(gate) => Ok(gate.check_name(path)?),
            None => Ok(()),
        }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        match &self.faults {
            Some(faults) => faults.change(change, 0).map_err(|(_, error)| error),
            None => Ok(()),
        }
    }
}

/// Reading. Errors are those of [`std::fs`], and a refusal of the gate.
impl Files {
    /// Opens a file to read it.
    ///
    /// # Errors
    /// An error of the operating system; a refusal; `InvalidInput` for a pipe, a socket or a device. A
    /// folder from elsewhere may hold one in a file's place, and reading it would wait for ever or never
    /// end.
    /// `/dev/stdin` and a shell's `<(…)` are opened, since the user passed them on purpose.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        self.may_open(path)?;
        File::open(path)
    }

    fn may_open(&self, path: &Path) -> io::Result<()> {
        self.check(path, Access::Read)?;
        regular(path)?;
        if let Some(faults) = &self.faults {
            faults.opened();
        }
        Ok(())
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.may_open(path)?;
        fs::read(path)
    }

    /// Reads a whole file as UTF-8 text.
    ///
    /// # Errors
    /// As [`Files::open`]; other bytes are `InvalidData`.
    pub fn read_to_string(&self, path: &Path) -> io::Result<String> {
        self.may_open(path)?;
        fs::read_to_string(path)
    }

    /// Lists the entries of a folder, sorted by name. Symbolic links are not followed.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.check(folder, Access::Read)?;
        let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    /// Reads the metadata of a file or folder. Symbolic links are followed.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.check(path, Access::Read)?;
        fs::metadata(path)
    }
}

/// Writing. Symbolic links in a path are followed before it is checked, so that a write cannot leave
/// the allowed folders through one.
impl Files {
    /// Creates a folder and its missing parents.
    ///
    /// # Errors
    /// An error of the operating system; a refusal.
    pub fn create_dir_all(&self, folder: &Path) -> io::Result<()> {
        self.check(folder, Access::Write)?;
        if !folder.is_dir() {
            self.change(Change::Make)?;
        }
        fs::create_dir_all(folder)
    }

    /// Creates a folder, which must not exist yet.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`]; `AlreadyExists`.
    pub fn create_dir(&self, folder: &Path) -> io::Result<()> {
        self.check(folder, Access::Write)?;
        self.change(Change::Make)?;
        fs::create_dir(folder)
    }

    /// Creates a file, or truncates it. Only for files that nobody reads before they are renamed, see
    /// [`Files::replace`].
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn create(&self, path: &Path) -> io::Result<Output> {
        let mut options = OpenOptions::new();
        self.open_with(path, options.write(true).create(true).truncate(true))
    }

    /// Opens a file for reading and writing without truncating it, and creates it if it is missing.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn edit(&self, path: &Path) -> io::Result<Output> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true);
        self.open_with(path, options.truncate(false))
    }

    /// Opens a file to append to it, and creates it if it is missing.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn append(&self, path: &Path) -> io::Result<Output> {
        self.open_with(path, OpenOptions::new().append(true).create(true))
    }

    fn open_with(&self, path: &Path, options: &OpenOptions) -> io::Result<Output> {
        self.check(path, Access::Write)?;
        self.change(Change::Make)?;
        Ok(Output {
            file: options.open(path)?,
            faults: self.faults.clone(),
        })
    }

    /// Overwrites the file at `path` atomically: a reader finds either all old bytes or all new ones.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`]; the old file is then still there.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.replace_with(path, |out| out.write_all(bytes))
    }

    /// As [`Files::replace`], and waits until the bytes are on the disk, so that a power cut does not
    /// lose them.
    ///
    /// # Errors
    /// As [`Files::replace`].
    pub fn replace_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // The bytes must be on the disk before the rename, and the rename before we return.
        self.replace_with(path, |out| {
            out.write_all(bytes)?;
            out.sync_all()
        })?;
        self.sync_folder(path)
    }

    /// As [`Files::replace`], with the bytes that `write` writes.
    ///
    /// # Errors
    /// As [`Files::replace`], or what `write` fails with.
    pub fn replace_with<T, E: From<io::Error>>(
        &self,
        path: &Path,
        write: impl FnOnce(&mut Output) -> Result<T, E>,
    ) -> Result<T, E> {
        // Check the name itself: the rename replaces a link there, not the file that it points to.
        self.check_name(path)?;
        let beside = unfinished(path);
        let written = self.create(&beside).map_err(E::from);
        let written = written.and_then(|mut out| {
            // The lock keeps `sweep` away while we write. Where locks do not work, its `try_lock` fails
            // too, so it removes nothing.
            let _ = out.file.try_lock();
            write(&mut out)
        });
        written
            .and_then(|value| Ok(self.rename(&beside, path).map(|()| value)?))
            .inspect_err(|_| {
                // Report the first error; one from the clean-up would say less.
                let _ = self.remove_file(&beside);
            })
    }

    /// Renames a file or folder; an existing file of that name is overwritten.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_name(from)?;
        self.check_name(to)?;
        self.change(Change::Name)?;
        fs::rename(from, to)
    }

    /// Removes a file or a symbolic link.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.check_name(path)?;
        self.change(Change::Name)?;
        fs::remove_file(path)
    }

    /// Removes a file, link or folder with everything in it; does nothing if it does not exist.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.check_name(path)?;
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        if !found.is_dir() {
            return self.remove_file(path);
        }
        if self.faults.is_some() {
            // Remove entries one by one, so that a fault can strike in the middle.
            for path in self.list(path)? {
                self.remove(&path)?;
            }
            self.change(Change::Name)?;
        }
        fs::remove_dir_all(path)
    }

    /// Removes unfinished files in `folder` that killed writers left behind. A file that is still being
    /// written is locked and stays.
    ///
    /// # Errors
    /// As [`Files::create_dir_all`].
    pub fn sweep(&self, folder: &Path) -> io::Result<()> {
        let unfinished = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(UNFINISHED)
        };
        for path in self.list(folder)?.into_iter().filter(unfinished) {
            let left = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            if left && File::open(&path)?.try_lock().is_ok() {
                self.remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Waits until the names in the parent folder of `path` are on the disk (`fsync` of the folder).
    ///
    /// # Errors
    /// An error of the operating system.
    pub fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.change(Change::Sync)?;
        let folder = path.parent().filter(|one| *one != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// The temporary path of a file while it is written: in the same folder, under a name that no other
/// thread or process uses.
fn unfinished(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{UNFINISHED}{process}-{number}-{name}"))
}

/// Refuses pipes, sockets and devices. A folder passes: the system's own error says that it is no file.
fn regular(path: &Path) -> io::Result<()> {
    let about = fs::metadata(path)?;
    if about.is_file() || about.is_dir() || is_handed_over(path) {
        return Ok(());
    }
    let message = "expected a file, found a pipe, a socket or a device";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Returns whether `path` names an open file of this process, such as `/dev/stdin`. A link of another
/// name that leads there does not count.
fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin")
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, refusal};

    const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied];

    fn faulty(at: u64, fault: Fault) -> Files {
        Files::free().with_faults(Arc::new(Faults::at(at, fault, 7)))
    }

    #[test]
    fn a_file_is_found_whole_whatever_fails_and_when() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a");
        let (old, new) = ([1; 1000], [2; 3000]);
        let counting = Arc::new(Faults::none());
        let files = Files::free().with_faults(counting.clone());
        files.replace_synced(&path, &new).unwrap();
        // Make, write, sync, rename, sync the folder.
        assert_eq!(counting.count(), 5);
        for (fault, at) in FAULTS
            .into_iter()
            .flat_map(|f| (0..5).map(move |at| (f, at)))
        {
            fs::write(&path, old).unwrap();
            let written = faulty(at, fault).replace_synced(&path, &new);
            let found = fs::read(&path).unwrap();
            assert!(found == old || found == new, "{fault:?} at {at}");
            if written.is_ok() {
                assert_eq!(found, new, "{fault:?} at {at}: said to be written");
            }
            if fault == Fault::Full {
                assert_eq!(
                    files.list(scratch.path()).unwrap(),
                    std::slice::from_ref(&path)
                );
            }
            for left in files.list(scratch.path()).unwrap() {
                if left != path {
                    fs::remove_file(left).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_and_what_is_written_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a");
        faulty(2, Fault::Killed)
            .replace(&path, b"bytes")
            .unwrap_err();
        let files = Files::free();
        assert_eq!(files.list(scratch.path()).unwrap().len(), 1);
        let swept = |_: &mut Output| {
            files.sweep(scratch.path())?;
            io::Result::Ok(files.list(scratch.path())?.len())
        };
        let left = files.replace_with(&path, swept).unwrap();
        assert_eq!(left, 1, "the file that is being written");
        assert_eq!(files.list(scratch.path()).unwrap(), [path]);
    }

    #[test]
    fn a_piece_that_fails_is_written_in_part() {
        let scratch = tempfile::tempdir().unwrap();
        let lengths: Vec<u64> = (0..20)
            .map(|seed| {
                let path = scratch.path().join(seed.to_string());
                let faults = Arc::new(Faults::at(1, Fault::Full, seed));
                let files = Files::free().with_faults(faults.clone());
                let mut out = files.create(&path).unwrap();
                let error = out.write_all(&[0; 100]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                assert!(faults.met());
                fs::metadata(&path).unwrap().len()
            })
            .collect();
        assert!(lengths.iter().all(|length| *length <= 100));
        assert!(lengths.iter().any(|n| *n > 0) && lengths.iter().any(|n| *n < 100));
    }

    #[test]
    fn a_killed_process_changes_nothing_more() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("folder");
        fs::create_dir(&folder).unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let files = faulty(2, Fault::Killed);
        assert!(files.remove(&folder).is_err());
        assert_eq!(Files::free().list(&folder).unwrap(), [folder.join("c")]);
        assert!(files.create(&folder.join("d")).is_err());
        assert!(files.create_dir_all(&folder.join("e")).is_err());
        assert!(files.rename(&folder.join("c"), &folder.join("d")).is_err());
        assert_eq!(Files::free().list(&folder).unwrap(), [folder.join("c")]);
        Files::free().remove(&folder).unwrap();
        Files::free().remove(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn confined_files_do_not_leave_by_a_link() {
        use std::os::unix::fs::symlink;
        let scratch = tempfile::tempdir().unwrap();
        let (inside, outside) = (scratch.path().join("in"), scratch.path().join("out"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("a"), "a").unwrap();
        symlink(&outside, inside.join("folder")).unwrap();
        symlink(outside.join("a"), inside.join("file")).unwrap();
        symlink(outside.join("new"), inside.join("new")).unwrap();
        let mut gate = Gate::default();
        gate.allow_write(&inside).unwrap();
        let files = Files::confined(gate);
        let check = |name: &str, result: io::Result<()>| {
            let error = result.expect_err(name);
            assert!(refusal(&error).is_some(), "{name}: {error}");
        };
        let at = |name: &str| inside.join(name);
        check("open", files.open(&at("file")).map(drop));
        check("read", files.read(&at("folder/a")).map(drop));
        check("text", files.read_to_string(&at("file")).map(drop));
        check("list", files.list(&at("folder")).map(drop));
        check("metadata", files.metadata(&at("file")).map(drop));
        check("create", files.create(&at("new")).map(drop));
        check("edit", files.edit(&at("file")).map(drop));
        check("append", files.append(&at("file")).map(drop));
        check("folder", files.create_dir(&at("folder/b")));
        check("folders", files.create_dir_all(&at("folder/b/c")));
        check("replace", files.replace(&at("folder/a"), b""));
        check("rename in", files.rename(&at("folder/a"), &at("b")));
        check("rename out", files.rename(&at("file"), &at("folder/b")));
        check("remove a file", files.remove_file(&at("folder/a")));
        check("remove", files.remove(&at("folder/a")));
        check("up", files.replace(&at("../out/b"), b""));
        check("up", files.remove(&at("..")));
        assert_eq!(Files::free().list(&outside).unwrap(), [outside.join("a")]);
        // The link itself lies inside the folder, so it, and not its target, is replaced or removed.
        files.replace(&at("file"), b"new").unwrap();
        files.remove(&at("folder")).unwrap();
        assert_eq!(fs::read(outside.join("a")).unwrap(), b"a");
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_file_is_not_waited_for() {
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _open = UnixListener::bind(&socket).unwrap();
        let files = Files::free();
        for path in [Path::new("/dev/zero"), &socket] {
            let check = |result: io::Result<()>| {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            };
            check(files.open(path).map(drop));
            check(files.read(path).map(drop));
            check(files.read_to_string(path).map(drop));
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(files.open(&link).is_err());
        let handed_over = fs::File::open("/dev/zero").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&handed_over);
        let path = format!("/dev/fd/{number}");
        assert!(files.open(Path::new(&path)).is_ok());
    }
}
