//! Maps files into memory.

#![expect(unsafe_code, reason = "somebody else may change a mapped file")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file of the store.
///
/// # Errors
/// The error of the operating system.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the store never changes a file in place. It renames new files over old ones, and this
    // map then still shows the old one. If somebody else truncates the file meanwhile, the process
    // ends with a bus error, as with any mapped file.
    unsafe { Mmap::map(file) }
}
