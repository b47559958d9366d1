use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// What goes wrong with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed: nothing is changed from then on, not even to clear up.
    Killed,
    /// The disk is full: nothing is added from then on; names can still be changed and removed.
    Full,
    /// The file system is mounted read-only: nothing is changed from then on.
    ReadOnly,
    /// The folder's permission is lost: no name is made, changed or removed from then on; files
    /// that are open can still be written.
    Denied,
}

/// What a change does to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Bytes are added to an open file.
    Bytes,
    /// A file or folder is made, or opened to be written.
    Make,
    /// A name is changed or removed.
    Name,
    /// What was written is brought to the disk.
    Sync,
}

/// A disk that fails at the n-th change and goes on failing; always the same for the same seed.
///
/// A change is one call of the operating system: a file made, a piece written, a rename. A piece
/// that fails is written in part, as far as the seed says.
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
    /// A disk on which the change number `at`, from 0, and those after it meet with `fault`.
    pub fn at(at: u64, fault: Fault, seed: u64) -> Self {
        Self {
            at,
            fault,
            seed,
            count: AtomicU64::new(0),
            n_opened: AtomicU64::new(0),
        }
    }

    /// A disk that only counts its changes and what is opened.
    pub fn none() -> Self {
        Self::at(u64::MAX, Fault::Killed, 0)
    }

    /// How many changes were tried.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// How many files were opened to be read.
    pub fn n_opened(&self) -> u64 {
        self.n_opened.load(Ordering::SeqCst)
    }

    pub(crate) fn opened(&self) {
        self.n_opened.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether a fault was met.
    pub fn met(&self) -> bool {
        self.count() > self.at
    }

    /// Takes note of a change; the error that it meets with, and how many of its `n_bytes` are
    /// written before.
    pub(crate) fn change(&self, change: Change, n_bytes: usize) -> Result<(), (usize, io::Error)> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        if number < self.at || !self.fault.hinders(change) {
            return Ok(());
        }
        // Only the change that is interrupted leaves a part behind.
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

/// SplitMix64's finaliser (Steele, Lea and Flood 2014): a number that looks random.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
