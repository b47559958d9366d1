//! Reads a file within an archive like any other file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::archive::Archive;
use crate::gzip::Cursor;

/// Length of a zip file's local file header without its name and extra field (APPNOTE 4.3.7), bytes.
const LOCAL_HEADER_BYTES: usize = 30;

/// The place of a file in its archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Offset of the local header in a zip file; in a tar file, of the file's own bytes.
    pub start: u64,
    /// Packed size in the archive, bytes.
    pub packed: u64,
    /// Unpacked size, bytes.
    pub n_bytes: u64,
    pub crc: Option<u32>,
    pub coding: Coding,
}

/// The way in which an archive stores a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Uncompressed, in a tar file.
    Plain,
    /// Uncompressed, after its local header in a zip file.
    Stored,
    /// Deflated, after its local header in a zip file.
    Deflated,
    /// Uncompressed in a tar file that is compressed as a whole. Offsets count in the unpacked tar file.
    Gzip,
}

impl Member {
    /// Offset of the file's own bytes in the archive.
    fn data_start(&self, file: &File) -> io::Result<u64> {
        if matches!(self.coding, Coding::Plain | Coding::Gzip) {
            return Ok(self.start);
        }
        let mut header = [0; LOCAL_HEADER_BYTES];
        file.read_exact_at(&mut header, self.start)?;
        let [b'P', b'K', 3, 4, .., n0, n1, e0, e1] = header else {
            return Err(broken(
                "expected the header of a file in the archive, found none",
            ));
        };
        let names =
            u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([e0, e1]));
        Ok(self.start + LOCAL_HEADER_BYTES as u64 + names)
    }
}

fn broken(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// Reads a member. Fails if its length or checksum is not what the archive claims.
#[derive(Debug)]
pub(crate) struct MemberReader {
    member: Member,
    data: Section,
    inflate: Option<DeflateDecoder<BufReader<Section>>>,
    gzip: Option<Cursor>,
    /// Offset of the next byte to read.
    pos: u64,
    /// Checksum of all bytes up to `pos`; `None` once bytes were skipped.
    crc: Option<Crc>,
}

/// A part of a file, read without the file's own position, so that threads can share the file.
#[derive(Debug, Clone)]
struct Section {
    archive: Arc<Archive>,
    start: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = buffer.len().min((self.end - self.start) as usize);
        let n_read = self.archive.file.read_at(&mut buffer[..n], self.start)?;
        self.start += n_read as u64;
        Ok(n_read)
    }
}

impl MemberReader {
    pub fn new(archive: &Arc<Archive>, member: Member) -> io::Result<Self> {
        let start = member.data_start(&archive.file)?;
        let data = Section {
            archive: Arc::clone(archive),
            start,
            end: start + member.packed,
        };
        let mut reader = Self {
            member,
            data,
            inflate: None,
            gzip: None,
            pos: 0,
            crc: None,
        };
        reader.restart()?;
        Ok(reader)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.pos = 0;
        self.crc = self.member.crc.map(|_| Crc::new());
        match self.member.coding {
            Coding::Plain | Coding::Stored => {}
            Coding::Deflated => {
                let data = BufReader::with_capacity(16 << 10, self.data.clone());
                self.inflate = Some(DeflateDecoder::new(data));
            }
            Coding::Gzip => {
                self.leave();
                let Archive { file, places, .. } = &*self.data.archive;
                self.gzip = Some(places.at(self.member.start, file)?);
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(cursor) = self.gzip.take() {
            self.data.archive.places.leave(cursor);
        }
    }

    /// At the end, compares length and checksum with the archive's claims.
    fn check_end(&mut self) -> io::Result<()> {
        let Member { n_bytes, crc, .. } = self.member;
        // After `n_bytes` the compressed data must end: one more byte would be beyond the claim.
        if let Some(inflate) = &mut self.inflate
            && inflate.read(&mut [0])? > 0
        {
            return Err(broken(format!(
                "the archive says {n_bytes} bytes of it, and holds more"
            )));
        }
        let found = self.crc.as_ref().map(Crc::sum);
        if found.is_some() && found != crc {
            return Err(broken("its bytes are not those that were packed (CRC-32)"));
        }
        Ok(())
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.member.n_bytes - self.pos;
        let n = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if n == 0 {
            return Ok(0);
        }
        let n_read = match (&mut self.inflate, &mut self.gzip) {
            (Some(inflate), _) => inflate.read(&mut buffer[..n])?,
            (None, Some(cursor)) => cursor.read(&mut buffer[..n], &self.data.archive.file)?,
            (None, None) => {
                let at = self.data.start + self.pos;
                self.data.archive.file.read_at(&mut buffer[..n], at)?
            }
        };
        // The member has bytes left, so its data ends too early.
        if n_read == 0 {
            return Err(broken(format!(
                "the archive says {} bytes of it, and holds {}",
                self.member.n_bytes, self.pos
            )));
        }
        if let Some(crc) = &mut self.crc {
            crc.update(&buffer[..n_read]);
        }
        self.pos += n_read as u64;
        if self.pos == self.member.n_bytes {
            self.check_end()?;
        }
        Ok(n_read)
    }
}

impl Drop for MemberReader {
    fn drop(&mut self) {
        self.leave();
    }
}

/// In compressed data, seeking backwards reads again from the start, and forwards reads and discards.
impl Seek for MemberReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let n_bytes = self.member.n_bytes;
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.pos, by),
            SeekFrom::End(by) => (n_bytes, by),
        };
        let at = from.checked_add_signed(by).filter(|at| *at <= n_bytes);
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        if at == self.pos {
            return Ok(at);
        }
        if self.inflate.is_none() && self.gzip.is_none() {
            self.pos = at;
            // Skipped bytes are missing from the checksum, so it cannot be checked any more.
            self.crc = None;
            return Ok(at);
        }
        if at < self.pos {
            self.restart()?;
        }
        let skipped = at - self.pos;
        io::copy(&mut self.by_ref().take(skipped), &mut io::sink())?;
        Ok(at)
    }
}
