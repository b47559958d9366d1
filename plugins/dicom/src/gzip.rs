//! A gzip file (RFC 1952) read at any place: on the first way through, copies of the decoder are kept at
//! even distances, from which later reads begin.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use flate2::Crc;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// Copies of the decoder, of some 43 kB each. When there are more, every second one goes.
const MAX_POINTS: usize = 1024;
/// Unpacked bytes between two copies at first; it doubles with each time that copies go.
const SPACING_BYTES: u64 = 4 << 20;
/// Places where readers left off, from which those of the next files go on.
const MAX_LEFT: usize = 16;
const BUFFER_BYTES: usize = 64 << 10;
/// Bytes of the fields before the packed data, as they mostly are.
const HEADER_BYTES: usize = 256;
/// Bytes of the fields before the packed data: a name, a comment and a field of 65,535 bytes.
const MAX_HEADER_BYTES: usize = 256 << 10;

/// Where reading may begin.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Ascending.
    points: Vec<Cursor>,
    spacing: u64,
    left: Vec<Cursor>,
}

impl Places {
    /// Keeps a copy of a reader on the first way through, if it is far enough from the last.
    pub fn pass(&self, cursor: &Cursor) {
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

    /// A reader at `pos`, from the nearest place before it.
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
        let left = known.left.iter().enumerate();
        let left = left.filter(|(_, it)| (at_point..=pos).contains(&it.pos));
        match left.max_by_key(|(_, it)| it.pos).map(|(n, _)| n) {
            Some(n) => known.left.swap_remove(n),
            None => point.map_or_else(Cursor::default, Cursor::copy),
        }
    }

    /// Gives a reader back, which the next may go on with.
    pub fn leave(&self, cursor: Cursor) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.left.len() == MAX_LEFT {
            known.left.remove(0);
        }
        known.left.push(cursor);
    }
}

/// Reads a gzip file from one place on.
#[derive(Default)]
pub(crate) struct Cursor {
    /// Unpacked bytes before the next one.
    pub pos: u64,
    /// Packed bytes that were taken.
    packed_pos: u64,
    /// The decoder, inside of one of the streams that follow each other.
    state: Option<Box<InflateState>>,
    /// Packed bytes from `packed_pos` on, from the first that is not taken.
    buffer: Vec<u8>,
    n_taken: usize,
    /// Of the stream so far, when it was read from its beginning.
    crc: Option<Crc>,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor at {} of {}", self.pos, self.packed_pos)
    }
}

impl Cursor {
    fn copy(&self) -> Self {
        Self {
            pos: self.pos,
            packed_pos: self.packed_pos,
            state: self.state.clone(),
            ..Self::default()
        }
    }

    /// Packed bytes that were taken so far.
    pub fn packed_pos(&self) -> u64 {
        self.packed_pos
    }

    /// Reads some bytes; none at the end.
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

    /// Reads on to an unpacked byte.
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

    /// Begins the next stream; `false` when there is none.
    fn begin(&mut self, file: &File) -> io::Result<bool> {
        let mut head = self.head(HEADER_BYTES, file)?;
        if header_bytes(&head).is_none() {
            head = self.head(MAX_HEADER_BYTES, file)?;
        }
        if !head.starts_with(&[0x1F, 0x8B]) {
            // Behind the last stream there may be padding.
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

    /// Ends a stream by its checksum and its length.
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

/// The length of a stream's header (RFC 1952 section 2.3).
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

    /// A gzip file of two streams, and what it holds: more than two distances of places.
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
