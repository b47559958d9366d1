use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use crate::Faults;
use crate::faults::Change;

/// A file that is being written, from [`Files::create`](crate::Files::create).
#[derive(Debug)]
pub struct Output {
    pub(crate) file: File,
    pub(crate) faults: Option<Arc<Faults>>,
}

impl Output {
    /// Waits until everything written is on the disk (`fsync`).
    ///
    /// # Errors
    /// An error of the operating system.
    pub fn sync_all(&self) -> io::Result<()> {
        if let Some(faults) = &self.faults {
            faults.change(Change::Sync, 0).map_err(|(_, error)| error)?;
        }
        self.file.sync_all()
    }

    /// The file itself, for locks and lengths.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let met = self
            .faults
            .as_ref()
            .map(|f| f.change(Change::Bytes, bytes.len()));
        if let Some(Err((part, error))) = met {
            self.file.write_all(&bytes[..part])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
