//! Reads archives in place: `.zip` (PKWARE APPNOTE, including ZIP64), `.tar` (POSIX ustar, pax, GNU) and
//! `.tar.gz`. Nothing is unpacked to the disk, and an archive's claims about itself never decide how
//! much memory is allocated: only some 50 bytes are kept for each file in it.
//!
//! Here, an archive's claims are checked against its own length. When a file in it is read, they are
//! checked against the unpacked bytes ([`crate::member`]).

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pe_ct::Finding;
use pe_files::Files;
use rawzip::{CompressionMethod, ZipArchive};
use tar::{EntryType, Header, PaxExtensions};

use crate::FindingKind;
use crate::catalogue::{Catalogue, Stamp, stamp_of};
use crate::gzip::{Cursor, Places};
use crate::member::{Coding, Member, MemberReader};

/// Maximum number of bytes that deflate can make of one.
const MAX_DEFLATE_RATIO: u64 = 1032;
/// A file in an archive may unpack to this many bytes (the limit of a deflated data set) or to its packed
/// size times [`MAX_RATIO`], whichever is more.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;
/// The largest accepted ratio of unpacked to packed bytes. Compressed CT has a ratio of 2 to 10.
const MAX_RATIO: u64 = 64;
/// The longest name in a tar file, and the longest pax records before a file, bytes.
const MAX_TAR_TEXT: u64 = 64 << 10;
const TAR_BLOCK: u64 = 512;

/// An open archive. It stays open as long as a catalogue lists its files.
#[derive(Debug)]
pub(crate) struct Archive {
    pub path: PathBuf,
    pub file: File,
    pub stamp: Stamp,
    /// Places in a gzip file at which reading can begin.
    pub places: Places,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Gzip,
}

/// Returns whether a file is named like an archive. Other files are not opened to find out.
fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    [".zip", ".tar", ".tgz", ".tar.gz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Detects the kind of an archive by its first bytes.
fn kind_of(file: &File) -> Option<Kind> {
    let mut head = [0; TAR_BLOCK as usize];
    let n_read = file.read_at(&mut head, 0).ok()?;
    match &head[..n_read] {
        // The second one begins an archive without files.
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
        [0x1F, 0x8B, ..] => Some(Kind::Gzip),
        head if head.get(257..262) == Some(b"ustar") => Some(Kind::Tar),
        _ => None,
    }
}

/// Adds the files of an archive to a catalogue. Returns `false` and adds nothing if `path` is no
/// archive. Each file in it that cannot be read becomes a finding.
pub(crate) fn list(
    path: &Path,
    is_root: bool,
    files: &Files,
    catalogue: &mut Catalogue,
    findings: &mut Vec<Finding>,
) -> io::Result<bool> {
    if !is_root && !is_named_so(path) {
        return Ok(false);
    }
    let file = files.open(path)?;
    let Some(kind) = kind_of(&file) else {
        return Ok(false);
    };
    let archive = Arc::new(Archive {
        path: path.to_owned(),
        stamp: stamp_of(&file.metadata()?),
        file,
        places: Places::default(),
    });
    let mut list = List {
        kind,
        archive,
        catalogue,
        findings,
    };
    let listed = match kind {
        Kind::Zip => list.zip(),
        Kind::Tar => list.tar(None),
        Kind::Gzip => list.tar(Some(Cursor::default())),
    };
    if let Err(reason) = listed {
        let reason = format!("a broken archive: {reason}");
        findings.push(Finding::new(path, FindingKind::Unreadable, reason));
    }
    Ok(true)
}

/// Lists the files of an archive into a catalogue.
struct List<'a> {
    kind: Kind,
    archive: Arc<Archive>,
    catalogue: &'a mut Catalogue,
    findings: &'a mut Vec<Finding>,
}

impl List<'_> {
    fn zip(&mut self) -> Result<(), String> {
        let said = |error: rawzip::Error| error.to_string();
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let handle = self.archive.file.try_clone();
        let handle = handle.map_err(|error| error.to_string())?;
        let zip = ZipArchive::from_file(handle, &mut buffer).map_err(said)?;
        let n_said = zip.entries_hint();
        let mut n_found = 0;
        let mut entries = zip.entries(&mut buffer);
        while let Some(entry) = entries.next_entry().map_err(said)? {
            n_found += 1;
            if entry.is_dir() {
                continue;
            }
            let (packed, n_bytes) = (entry.compressed_size_hint(), entry.uncompressed_size_hint());
            let method = entry.compression_method();
            let is_deflated = method == CompressionMethod::DEFLATE;
            let member = Member {
                start: entry.local_header_offset(),
                packed,
                n_bytes,
                crc: Some(entry.crc32()),
                coding: if is_deflated {
                    Coding::Deflated
                } else {
                    Coding::Stored
                },
            };
            let refusal = if entry.flags().is_encrypted() {
                Some("an encrypted file of an archive".to_owned())
            } else if !is_deflated && method != CompressionMethod::STORE {
                let number = method.as_u16();
                Some(format!(
                    "compression method {number} of a zip file (0 stored and 8 deflated are read)"
                ))
            } else {
                None
            };
            let name = entry.file_path();
            self.add(name.as_bytes(), member, refusal);
        }
        // The end record and the directory must agree, or files may be missing.
        if n_found != n_said {
            return Err(format!(
                "its end tells of {n_said} files, its directory of {n_found}"
            ));
        }
        Ok(())
    }

    /// Lists a tar file, or with `packed` one inside gzip, in one pass from its beginning.
    fn tar(&mut self, mut packed: Option<Cursor>) -> Result<(), String> {
        // Name and size of the next file, from the extra records before it.
        let (mut name, mut size) = (None, None);
        let mut pos = 0;
        let mut block = [0; TAR_BLOCK as usize];
        loop {
            self.read(&mut packed, &mut block, pos)
                .map_err(|reason| format!("{reason}: files may be missing"))?;
            // A block of zeros ends the archive; only padding follows.
            if block.iter().all(|byte| *byte == 0) {
                return packed.map_or(Ok(()), |cursor| self.check_end(cursor));
            }
            let header = Header::from_byte_slice(&block);
            if header.cksum().ok() != Some(sum_of(&block)) {
                return Err(format!("no header of a file at byte {pos}"));
            }
            let start = pos + TAR_BLOCK;
            let n_bytes = size.take().or(header.entry_size().ok());
            let end = n_bytes.and_then(|n_bytes| start.checked_add(n_bytes));
            let beyond = || format!("the file at byte {pos} goes beyond its end");
            let (Some(n_bytes), Some(end)) = (n_bytes, end) else {
                return Err(beyond());
            };
            let member = self.tar_member(&mut packed, start, end);
            let member = member.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => beyond(),
                _ => error.to_string(),
            })?;
            match header.entry_type() {
                // A gzip cursor is past the text by now, so `text` reads it with a reader of its own.
                EntryType::GNULongName => name = Some(self.text(start, n_bytes)?),
                EntryType::XHeader => pax(&self.text(start, n_bytes)?, &mut name, &mut size),
                EntryType::Regular | EntryType::Continuous => {
                    self.add(&name_of(header, &mut name), member, None);
                }
                EntryType::GNUSparse => {
                    let refusal = Some("a sparse file of a tar file".to_owned());
                    self.add(&name_of(header, &mut name), member, refusal);
                }
                // Not needed: a global header sets times at most, and a long link is the target of a
                // link.
                EntryType::XGlobalHeader | EntryType::GNULongLink => {}
                // Folders, links and devices hold no bytes; a long name before one is not the next
                // file's.
                _ => name = None,
            }
            pos = end.next_multiple_of(TAR_BLOCK);
        }
    }

    /// Describes the file between `start` and `end`, after checking that the archive reaches that far.
    fn tar_member(&self, packed: &mut Option<Cursor>, start: u64, end: u64) -> io::Result<Member> {
        let n_bytes = end - start;
        let member = Member {
            start,
            packed: n_bytes,
            n_bytes,
            crc: None,
            coding: Coding::Plain,
        };
        let Some(cursor) = packed else {
            let is_there = end <= self.archive.stamp.n_bytes;
            return is_there
                .then_some(member)
                .ok_or(io::ErrorKind::UnexpectedEof.into());
        };
        let packed_start = cursor.packed_pos();
        self.skip(cursor, end)?;
        // `packed` later limits how much memory the file may claim. The decoder works ahead, so it may
        // take no packed byte for a small file: allow one buffer more.
        let taken = cursor.packed_pos() - packed_start;
        Ok(Member {
            packed: n_bytes.min(taken.saturating_add(64 << 10)),
            coding: Coding::Gzip,
            ..member
        })
    }

    /// Reads a gzip file to its end, to check the checksum there.
    fn check_end(&self, mut cursor: Cursor) -> Result<(), String> {
        let mut unused = [0; 32 << 10];
        let most = cursor.pos.saturating_add(MAX_UNPACKED_BYTES);
        while cursor.pos < most {
            match cursor.read(&mut unused, &self.archive.file) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!(
            "it has over {MAX_UNPACKED_BYTES} bytes behind its end"
        ))
    }

    /// Skips forwards in a gzip file, and stores places on the way at which later reads can begin. Fails
    /// beyond a ratio that no real file has: that would be a decompression bomb.
    fn skip(&self, cursor: &mut Cursor, to: u64) -> io::Result<()> {
        let Archive {
            file,
            stamp,
            places,
            ..
        } = &*self.archive;
        let most = stamp
            .n_bytes
            .saturating_mul(MAX_RATIO)
            .max(MAX_UNPACKED_BYTES);
        while cursor.pos < to {
            if cursor.pos > most {
                return Err(io::Error::other(format!(
                    "too large: it has over {most} bytes, packed in {}",
                    stamp.n_bytes
                )));
            }
            places.pass(cursor);
            cursor.skip_to(to.min(cursor.pos + (1 << 20)), file)?;
        }
        Ok(())
    }

    fn read(&self, packed: &mut Option<Cursor>, buffer: &mut [u8], at: u64) -> Result<(), String> {
        let file = &self.archive.file;
        let read = match packed {
            None => file.read_exact_at(buffer, at),
            Some(cursor) => self.skip(cursor, at).and_then(|()| {
                let mut n_read = 0;
                while n_read < buffer.len() {
                    match cursor.read(&mut buffer[n_read..], file)? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        n => n_read += n,
                    }
                }
                Ok(())
            }),
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends without the mark of its end".to_owned(),
            _ => error.to_string(),
        })
    }

    fn text(&self, start: u64, n_bytes: u64) -> Result<Vec<u8>, String> {
        if n_bytes > MAX_TAR_TEXT {
            return Err(format!(
                "expected a name of at most {MAX_TAR_TEXT} bytes, found {n_bytes}"
            ));
        }
        let coding = match self.kind {
            Kind::Gzip => Coding::Gzip,
            _ => Coding::Plain,
        };
        let member = Member {
            start,
            packed: n_bytes,
            n_bytes,
            crc: None,
            coding,
        };
        let mut text = Vec::new();
        let read = MemberReader::new(&self.archive, member)
            .and_then(|mut reader| reader.read_to_end(&mut text));
        read.map_err(|error| error.to_string())?;
        Ok(text)
    }

    /// Adds a file to the catalogue, or a finding if the file is refused.
    fn add(&mut self, name: &[u8], member: Member, refusal: Option<String>) {
        let Some(name) = inner_path(name) else {
            let reason = "the name of a file in it leads out of it, or is none";
            let path = self.archive.path.clone();
            self.findings
                .push(Finding::new(&path, FindingKind::Unreadable, reason));
            return;
        };
        let path = self.archive.path.join(name);
        let is_nested = is_named_so(&path).then(|| "an archive within an archive".to_owned());
        if let Some(what) = refusal.or(is_nested) {
            let reason = format!("unsupported: {what}");
            self.findings
                .push(Finding::new(&path, FindingKind::Unsupported, reason));
        } else if let Some(reason) = lie(&member, self.archive.stamp.n_bytes) {
            self.findings
                .push(Finding::new(&path, FindingKind::Unreadable, reason));
        } else {
            self.catalogue.push_member(&path, &self.archive, member);
        }
    }
}

/// Checks the sizes that an archive claims for a file. Returns a reason if they are impossible.
fn lie(member: &Member, archive_bytes: u64) -> Option<String> {
    let Member {
        start,
        packed,
        n_bytes,
        ..
    } = *member;
    if matches!(member.coding, Coding::Plain | Coding::Gzip) {
        return None;
    }
    if start
        .checked_add(packed)
        .is_none_or(|end| end > archive_bytes)
    {
        return Some(format!(
            "broken: the archive says {packed} bytes from byte {start} on, and has {archive_bytes}"
        ));
    }
    if member.coding == Coding::Stored {
        return (packed != n_bytes).then(|| {
            format!("broken: the archive says {packed} bytes stored and {n_bytes} when read")
        });
    }
    let possible = packed.saturating_mul(MAX_DEFLATE_RATIO);
    let most = packed.saturating_mul(MAX_RATIO).max(MAX_UNPACKED_BYTES);
    if n_bytes <= possible.min(most) {
        return None;
    }
    Some(format!(
        "too large: the archive says {n_bytes} bytes, packed in {packed}"
    ))
}

/// A file's name as a path below its archive; `None` for one that leads out of it.
fn inner_path(name: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    if name.contains(&0) || name.contains(&b'\\') {
        return None;
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(name));
    let mut inner = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => inner.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    inner.file_name()?;
    Some(inner)
}

/// Returns the name that a record before the file gave it, or else the one in its header.
fn name_of(header: &Header, given: &mut Option<Vec<u8>>) -> Vec<u8> {
    let name = given
        .take()
        .unwrap_or_else(|| header.path_bytes().into_owned());
    name.split(|byte| *byte == 0)
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// Takes name and size from the records of a POSIX pax header.
fn pax(text: &[u8], name: &mut Option<Vec<u8>>, size: &mut Option<u64>) {
    for record in PaxExtensions::new(text).flatten() {
        match record.key_bytes() {
            b"path" => *name = Some(record.value_bytes().to_vec()),
            b"size" => *size = record.value().ok().and_then(|text| text.parse().ok()),
            _ => {}
        }
    }
}

/// Checksum of a tar header: the sum of its bytes, with spaces in place of the checksum field.
fn sum_of(block: &[u8; TAR_BLOCK as usize]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    };
    block.iter().enumerate().map(byte).sum()
}
