//! File access for all plugins, with an optional sandbox.
//!
//! A [`Files`] is the right to use the file system. It travels with `pe_binding::Work`; a program
//! without a sandbox uses [`Files::free`], which has no limits. One that is
//! [confined](Files::confined) checks every path against a [`Gate`]: a script that is not trusted
//! then reaches only the folders that its user named, whatever its paths contain and wherever a
//! symbolic link leads. For tests, [`Faults`] make the disk fill up, or the process end, at the n-th
//! change.
//!
//! Input: paths. Output: bytes. This crate must not know what the bytes mean.
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
