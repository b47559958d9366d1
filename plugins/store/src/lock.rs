use std::collections::HashMap;
use std::fs::TryLockError;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use pe_files::{Access, Files, Output};

use crate::StoreError;

/// Exclusive lock for writing to a store, until dropped. The operating system releases it when the
/// process ends in whatever way, so no stale lock is left behind.
#[derive(Debug)]
pub struct WriteLock {
    _file: Output,
}

/// The locks that this process holds. A script may open one folder with several settings, and must
/// not lock itself out.
static HELD: LazyLock<Mutex<HashMap<PathBuf, Weak<WriteLock>>>> = LazyLock::new(Mutex::default);

impl WriteLock {
    /// Takes the lock of the store at `folder`, which must exist. If this process holds it already,
    /// shares it.
    pub fn take(folder: &Path, files: &Files) -> Result<Arc<Self>, StoreError> {
        let allowed = files.check(folder, Access::Write);
        let folder = allowed
            .and_then(|()| folder.canonicalize())
            .map_err(StoreError::io("open", folder))?;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.get(&folder).and_then(Weak::upgrade) {
            return Ok(lock);
        }
        let lock = Arc::new(Self::take_new(&folder, files)?);
        held.insert(folder, Arc::downgrade(&lock));
        Ok(lock)
    }

    fn take_new(folder: &Path, files: &Files) -> Result<Self, StoreError> {
        let path = folder.join(".pe-script.lock");
        let mut file = files.edit(&path).map_err(StoreError::io("open", &path))?;
        match file.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder is only for the message: if it cannot be read, still report that the
                // lock is held.
                let _ = file.file().read_to_string(&mut holder);
                let holder = if holder.is_empty() {
                    "another process".into()
                } else {
                    holder
                };
                return Err(StoreError::Locked {
                    folder: folder.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path)(source)),
        }
        let mut write = || {
            file.file().set_len(0)?;
            write!(file, "process {}", std::process::id())
        };
        write().map_err(StoreError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}

/// Removes what an interrupted writer left in `folder`. The caller must hold the lock, or it would
/// remove the files of a running writer.
pub fn sweep(folder: &Path, prefix: &str, files: &Files) -> Result<(), StoreError> {
    for path in files.list(folder).map_err(StoreError::io("read", folder))? {
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        {
            files
                .remove(&path)
                .map_err(StoreError::io("remove", &path))?;
        }
    }
    Ok(())
}
