//! Random access to a gzip file (RFC 1952). The first pass stores copies of the decoder at even
//! distances; later reads begin at the nearest copy.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use flate2::Crc;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// Maximum number of decoder copies, of some 43 kB each. Beyond it, every second one is dropped.
const MAX_POINTS: usize = 1024;
/// Unpacked bytes between two copies at first. The distance doubles whenever copies are dropped.
const SPACING_BYTES: u64 = 4 << 20;
/// Maximum number of stored readers that are done with one file, for reuse by the next.
const MAX_LEFT: usize = 16;
const BUFFER_BYTES: usize = 64 << 10;
/// Bytes that are read first for a stream's header; nearly all headers fit.
const HEADER_BYTES: usize = 256;
/// Bytes that are read for a long header, with a name, a comment and an extra field of 65,535 bytes.
const MAX_HEADER_BYTES: usize = 256 << 10;

/// Decoder states at which reading can begin. Shared by all readers of an archive.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Copies of the decoder, in ascending order of position.
    points: Vec<Cursor>,
    spacing: u64,
    /// Readers that were given back. Unlike points they are moved out, not copied.
    left: Vec<Cursor>,
}

impl Places {
    /// Stores a copy of the first pass's reader, if it is far enough from the last copy.
    pub fn pass(&self, cursor: &Cursor) {
        // A poisoned lock is fine: the lists are valid at any time.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.spacing = known.spacing.max(SPACING_BYTES);
        let last = known.points.last().map(|point| point.pos);
        if last.is_some_and(|last| cursor.pos < last + known.spacing) {
            return;
        }
        known.points.push(cursor.copy());
        if known.points.len() > MAX_POINTS {
            known.spacing *= 2;
            let mut n = 0;
            known.points.retain(|_| {
                n += 1;
                n % 2 == 1
            });
        }
    }

    /// Returns a reader at `pos`, started from the nearest stored place before it.
    pub fn at(&self, pos: u64, file: &File) -> io::Result<Cursor> {
        let mut cursor = self.nearest(pos);
        cursor.skip_to(pos, file)?;
        Ok(cursor)
    }

    fn nearest(&self, pos: u64) -> Cursor {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n_before = known.points.partition_point(|point| point.pos <= pos);
        let point = n_before.checked_sub(1).map(|n| &known.points[n]);
        let at_point = point.map_or(0, |point| point.pos);
        // Prefer a reader that was given back between the nearest copy and `pos`. Files are mostly read
        // in order, so it often is at the very position, and it need not be copied.
        let left = known.left.iter().enumerate();
        let left = left.filter(|(_, it)| (at_point..=pos).contains(&it.pos));
        match left.max_by_key(|(_, it)| it.pos).map(|(n, _)| n) {
            Some(n) => known.left.swap_remove(n),
            None => point.map_or_else(Cursor::default, Cursor::copy),
        }
    }

    /// Gives a reader back, so that the next one can continue from its position.
    pub fn leave(&self, cursor: Cursor) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.left.len() == MAX_LEFT {
            known.left.remove(0);
        }
        known.left.push(cursor);
    }
}

/// A reader of a gzip file at one position.
#[derive(Default)]
pub(crate) struct Cursor {
    /// Offset of the next unpacked byte.
    pub pos: u64,
    /// Offset of the next packed byte.
    packed_pos: u64,
    /// The decoder; `None` between two of the streams that a gzip file may consist of.
    state: Option<Box<InflateState>>,
    /// Packed bytes that were read from the file; from `n_taken` on, they begin at `packed_pos`.
    buffer: Vec<u8>,
    n_taken: usize,
    /// Checksum of the stream so far; `None` if it was not read from its beginning.
    crc: Option<Crc>,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor at {} of {}", self.pos, self.packed_pos)
    }
}

impl Cursor {
    /// A copy continues at the same position. It cannot check the checksum of its first stream.
    fn copy(&self) -> Self {
        Self {
            pos: self.pos,
            packed_pos: self.packed_pos,
            state: self.state.clone(),
            ..Self::default()
        }
    }

    /// Number of packed bytes that were consumed so far.
    pub fn packed_pos(&self) -> u64 {
        self.packed_pos
    }

    /// Reads some bytes; returns 0 at the end.
    pub fn read(&mut self, out: &mut [u8], file: &File) -> io::Result<usize> {
        while !out.is_empty() {
            if self.state.is_none() && !self.begin(file)? {
                return Ok(0);
            }
            if self.n_taken == self.buffer.len() {
                self.buffer.resize(BUFFER_BYTES, 0);
                let n_read = file.read_at(&mut self.buffer, self.packed_pos)?;
                self.buffer.truncate(n_read);
                self.n_taken = 0;
            }
            let Some(state) = &mut self.state else {
                return Err(broken());
            };
            let input = &self.buffer[self.n_taken..];
            let done = inflate(state, input, out, MZFlush::None);
            self.n_taken += done.bytes_consumed;
            self.packed_pos += done.bytes_consumed as u64;
            self.pos += done.bytes_written as u64;
            if let Some(crc) = &mut self.crc {
                crc.update(&out[..done.bytes_written]);
            }
            match done.status {
                Ok(MZStatus::StreamEnd) => self.end(file)?,
                Ok(_) | Err(MZError::Buf) => {
                    let is_stuck = done.bytes_consumed == 0 && done.bytes_written == 0;
                    if is_stuck && self.buffer.is_empty() {
                        return Err(too_early());
                    }
                }
                Err(_) => return Err(broken()),
            }
            if done.bytes_written > 0 {
                return Ok(done.bytes_written);
            }
        }
        Ok(0)
    }

    /// Reads and discards up to the unpacked offset `pos`.
    pub fn skip_to(&mut self, pos: u64, file: &File) -> io::Result<()> {
        let mut unused = [0; 32 << 10];
        while self.pos < pos {
            let n = unused.len().min((pos - self.pos) as usize);
            if self.read(&mut unused[..n], file)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Begins the next stream; returns `false` if there is none.
    fn begin(&mut self, file: &File) -> io::Result<bool> {
        let mut head = self.head(HEADER_BYTES, file)?;
        if header_bytes(&head).is_none() {
            head = self.head(MAX_HEADER_BYTES, file)?;
        }
        if !head.starts_with(&[0x1F, 0x8B]) {
            // Padding may follow the last stream.
            return Ok(false);
        }
        let length = header_bytes(&head).ok_or_else(broken)?;
        self.packed_pos += length as u64;
        self.buffer.clear();
        self.n_taken = 0;
        self.state = Some(InflateState::new_boxed(DataFormat::Raw));
        self.crc = Some(Crc::new());
        Ok(true)
    }

    fn head(&self, n_bytes: usize, file: &File) -> io::Result<Vec<u8>> {
        let mut head = vec![0; n_bytes];
        let n_read = file.read_at(&mut head, self.packed_pos)?;
        head.truncate(n_read);
        Ok(head)
    }

    /// Ends a stream and checks its checksum. The length after that is skipped.
    fn end(&mut self, file: &File) -> io::Result<()> {
        let mut trailer = [0; 8];
        file.read_exact_at(&mut trailer, self.packed_pos)
            .map_err(|_| too_early())?;
        let [c0, c1, c2, c3, ..] = trailer;
        let said = u32::from_le_bytes([c0, c1, c2, c3]);
        if self.crc.take().is_some_and(|crc| crc.sum() != said) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its bytes are not those that were packed (CRC-32)",
            ));
        }
        self.packed_pos += 8;
        self.state = None;
        Ok(())
    }
}

fn too_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the gzip file ends too early")
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a broken gzip file")
}

/// The length of a stream's header (RFC 1952 section 2.3); `None` if it is cut off or invalid.
fn header_bytes(head: &[u8]) -> Option<usize> {
    let (method, flags) = (*head.get(2)?, *head.get(3)?);
    let mut pos = 10;
    if method != 8 {
        return None;
    }
    if flags & 4 != 0 {
        let length = head.get(pos..)?.first_chunk::<2>()?;
        pos += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            pos += 1 + head.get(pos..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    pos += 2 * usize::from(flags & 2 != 0);
    (pos <= head.len()).then_some(pos)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A gzip file of two streams and its contents, longer than two distances between copies.
    fn packed() -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..2_600_000_u32)
            .flat_map(|n| (n / 3).wrapping_mul(n).to_le_bytes())
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        for part in bytes.chunks(7_000_000) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(part).unwrap();
            file.write_all(&encoder.finish().unwrap()).unwrap();
        }
        (file, bytes)
    }

    fn read(cursor: &mut Cursor, n: usize, file: &File) -> Vec<u8> {
        let mut found = vec![0; n];
        let mut n_read = 0;
        while n_read < n {
            match cursor.read(&mut found[n_read..], file).unwrap() {
                0 => break,
                more => n_read += more,
            }
        }
        found.truncate(n_read);
        found
    }

    #[test]
    fn every_place_gives_its_bytes() {
        let (file, bytes) = packed();
        let places = Places::default();
        let mut first = Cursor::default();
        while first.pos < bytes.len() as u64 {
            places.pass(&first);
            let n = (bytes.len() as u64).min(first.pos + 100_000);
            first.skip_to(n, &file).unwrap();
        }
        assert_eq!(read(&mut first, 1, &file), [0; 0]);
        assert!(places.0.lock().unwrap().points.len() >= 2);
        for pos in [
            10_000_000, 0, 6_999_990, 4_194_304, 9_999_999, 5, 8_000_000, 10_399_990,
        ] {
            let mut cursor = places.at(pos, &file).unwrap();
            let found = read(&mut cursor, 20, &file);
            let end = bytes.len().min(pos as usize + 20);
            assert_eq!(found, bytes[pos as usize..end], "{pos}");
            places.leave(cursor);
        }
        assert!(places.at(bytes.len() as u64 + 1, &file).is_err());
    }

    #[test]
    fn a_header_has_a_length() {
        let check = |head: &[u8], expected: Option<usize>| assert_eq!(header_bytes(head), expected);
        let plain = b"\x1F\x8B\x08\0\0\0\0\0\0\0";
        check(plain, Some(10));
        check(&plain[..9], None);
        check(b"\x1F\x8B\x08\x08\0\0\0\0\0\0name\0x", Some(15));
        check(b"\x1F\x8B\x08\x08\0\0\0\0\0\0name", None);
        check(b"\x1F\x8B\x08\x16\0\0\0\0\0\0\x02\0abc\0\x01\x02", Some(18));
        check(b"\x1F\x8B\x07\0\0\0\0\0\0\0", None);
    }
}
