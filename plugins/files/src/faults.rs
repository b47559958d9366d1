use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// The simulated failure of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed: nothing changes any more, so that it does not even clean up.
    Killed,
    /// The disk is full: nothing can be added any more; names can still be changed and removed.
    Full,
    /// The file system is mounted read-only: nothing can be changed any more.
    ReadOnly,
    /// The folder's permission is lost: no name can be created, changed or removed any more; files
    /// that are open can still be written.
    Denied,
}

/// The kind of a change on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Bytes are written to an open file.
    Bytes,
    /// A file or folder is created, or a file is opened for writing.
    Make,
    /// A name is changed or removed.
    Name,
    /// Written data is flushed to the disk (`fsync`).
    Sync,
}

/// A simulated disk that fails at the n-th change and at all later ones, the same way for the same seed.
///
/// A change is one call of the operating system: create a file, write some bytes, rename. Of the bytes
/// of a failing write, a part whose length depends on the seed is still written.
///
/// ```
/// use std::sync::Arc;
/// use pe_files::{Fault, Faults, Files};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a");
/// let faults = Arc::new(Faults::at(1, Fault::Full, 0));
/// assert!(Files::free().with_faults(faults).replace(&path, b"bytes").is_err());
/// assert!(!path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Faults {
    at: u64,
    fault: Fault,
    seed: u64,
    count: AtomicU64,
    n_opened: AtomicU64,
}

impl Faults {
    /// A disk on which change number `at` (from 0) and all later ones meet with `fault`.
    pub fn at(at: u64, fault: Fault, seed: u64) -> Self {
        Self {
            at,
            fault,
            seed,
            count: AtomicU64::new(0),
            n_opened: AtomicU64::new(0),
        }
    }

    /// A disk without faults that only counts changes and opened files.
    pub fn none() -> Self {
        Self::at(u64::MAX, Fault::Killed, 0)
    }

    /// Number of changes that were tried.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Number of files that were opened for reading.
    pub fn n_opened(&self) -> u64 {
        self.n_opened.load(Ordering::SeqCst)
    }

    pub(crate) fn opened(&self) {
        self.n_opened.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns whether the fault has struck.
    pub fn met(&self) -> bool {
        self.count() > self.at
    }

    /// Counts one change. At a fault, returns the error and how many of the `n_bytes` to write before it.
    pub(crate) fn change(&self, change: Change, n_bytes: usize) -> Result<(), (usize, io::Error)> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        if number < self.at || !self.fault.hinders(change) {
            return Ok(());
        }
        // Only the interrupted change leaves a part behind; later ones write nothing.
        let part = if number == self.at && change == Change::Bytes {
            (mixed(self.seed ^ number) % (n_bytes as u64 + 1)) as usize
        } else {
            0
        };
        let part = match self.fault {
            Fault::Killed | Fault::Full => part,
            Fault::ReadOnly | Fault::Denied => 0,
        };
        Err((part, self.fault.error()))
    }
}

impl Fault {
    fn hinders(self, change: Change) -> bool {
        match self {
            Self::Killed | Self::ReadOnly => true,
            Self::Full => matches!(change, Change::Bytes | Change::Make),
            Self::Denied => matches!(change, Change::Make | Change::Name),
        }
    }

    fn error(self) -> io::Error {
        match self {
            Self::Killed => io::Error::other("the process was killed here, by a test"),
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
            Self::Denied => io::ErrorKind::PermissionDenied.into(),
        }
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014), as a pseudorandom hash of `value`.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
