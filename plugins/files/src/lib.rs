//! Files, as every plugin reads and writes them.
//!
//! A [`Files`] is the right to use the file system. It travels with `pe_binding::Work`; without
//! one of its own, a program uses [`Files::free`], which is the file system as it is. One that is
//! [confined](Files::confined) passes a [`Gate`] at every call, so that a script that is not
//! trusted reaches the folders that its user named and no others, whatever it writes into a path
//! and wherever a symbolic link leads. [`Faults`] make the disk fill up, or the process end, at the
//! n-th change, for tests.
//!
//! Input: paths. Output: bytes. This room must not know what the bytes mean.
//!
//! ```
//! use pe_files::{Files, Gate, refusal};
//! let folder = tempfile::tempdir()?;
//! let mut gate = Gate::default();
//! gate.allow_write(folder.path())?;
//! let files = Files::confined(gate);
//! files.replace(&folder.path().join("a.txt"), b"whole")?;
//! assert_eq!(files.read(&folder.path().join("a.txt"))?, b"whole");
//! let error = files.read(&folder.path().join("../b.txt")).unwrap_err();
//! assert!(refusal(&error).is_some());
//! # Ok::<(), std::io::Error>(())
//! ```

mod faults;
mod files;
mod gate;
mod output;

pub use faults::{Fault, Faults};
pub use files::{Files, UNFINISHED};
pub use gate::{Access, Gate, Refused, refusal};
pub use output::Output;
