//! Files that are read where they lie.

#![expect(unsafe_code, reason = "somebody else may change a mapped file")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a file of the store, whole.
///
/// # Errors
/// What the system says.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the store never changes a file in place: it renames new files over old ones, which
    // leaves this map on the old one. Somebody else who truncates the file meanwhile would end the
    // process with a bus error, as with any mapped file.
    unsafe { Mmap::map(file) }
}
