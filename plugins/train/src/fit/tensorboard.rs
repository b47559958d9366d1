//! TensorBoard's event files: records of protocol buffers, each with its length and masked CRC-32C
//! (TensorFlow's `record_writer.h`; messages of `event.proto` and `summary.proto`).

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pe_files::{Files, Output};

use crate::TrainError;

/// An event file of TensorBoard.
pub(crate) struct EventFile {
    path: PathBuf,
    file: BufWriter<Output>,
}

impl EventFile {
    /// Creates the file. Its START entry makes TensorBoard drop what earlier files say about steps
    /// after `steps`.
    pub(crate) fn create(path: &Path, steps: usize, files: &Files) -> Result<Self, TrainError> {
        let file = files.create(path).map_err(TrainError::io("create", path))?;
        let mut events = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        };
        // Event.file_version = 3
        events.write(0, &bytes_field(3, b"brain.Event:2"))?;
        // Event.session_log = 7, of status = 1 with START = 1
        events.write(steps + 1, &bytes_field(7, &[0x08, 1]))?;
        Ok(events)
    }

    /// Adds scalars of one step.
    pub(crate) fn scalars(
        &mut self,
        step: usize,
        scalars: &[(&str, f64)],
    ) -> Result<(), TrainError> {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            // Summary.Value: tag = 1, simple_value = 2 (a fixed 32-bit float).
            let mut entry = bytes_field(1, tag.as_bytes());
            entry.push(2 << 3 | 5);
            entry.extend((*value as f32).to_le_bytes());
            summary.extend(bytes_field(1, &entry));
        }
        // Event.summary = 5
        self.write(step, &bytes_field(5, &summary))
    }

    fn write(&mut self, step: usize, what: &[u8]) -> Result<(), TrainError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |time| time.as_secs_f64());
        // Event.wall_time = 1 (a fixed 64-bit float), Event.step = 2
        let mut event = vec![1 << 3 | 1];
        event.extend(now.to_le_bytes());
        event.push(2 << 3);
        event.extend(varint(step as u64));
        event.extend(what);
        self.file
            .write_all(&record(&event))
            .and_then(|()| self.file.flush())
            .map_err(TrainError::io("write", &self.path))
    }
}

/// A record of the file: length, its checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(bytes);
    out.extend(masked_crc(bytes).to_le_bytes());
    out
}

/// TensorFlow masks checksums, since a checksum of data that holds checksums is weak.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// A field of the wire type 2: its number, its length, its bytes.
fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    out.extend(varint(bytes.len() as u64));
    out.extend(bytes);
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_records_are_encoded_as_the_formats_say() {
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(bytes_field(1, b"ab"), [0x0a, 2, b'a', b'b']);
        // RFC 3720's test of CRC-32C: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let record = record(b"x");
        assert_eq!(record.len(), 8 + 4 + 1 + 4);
        assert_eq!(record[..8], 1u64.to_le_bytes());
    }
}
