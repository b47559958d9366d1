//! Archives that are read where they lie: `.zip` (PKWARE APPNOTE, ZIP64 too) and `.tar` (POSIX ustar, pax,
//! GNU). Nothing is unpacked to the disk, and nothing is taken to memory by what an archive says of
//! itself: of each file in it some 50 bytes are kept, and where they begin.
//!
//! What an archive says is held against its own length here, and against what comes out when a file is
//! read ([`crate::member`]).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pe_files::Files;
use rawzip::{CompressionMethod, ZipArchive};
use tar::{EntryType, Header, PaxExtensions};

use crate::catalogue::{Catalogue, Stamp, stamp_of};
use crate::member::Member;
use crate::{Finding, FindingKind};

/// Bytes that deflate makes of one at most.
const MAX_DEFLATE_RATIO: u64 = 1032;
/// Bytes that a packed file may have when it is unpacked: as many as a deflated data set, or the ratio
/// below, whichever is more.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;
/// Compressed CT has a ratio of 2 to 10.
const MAX_RATIO: u64 = 64;
/// Bytes of a name in a tar file, or of the records that pax puts before a file.
const MAX_TAR_TEXT: u64 = 64 << 10;
const TAR_BLOCK: u64 = 512;

/// An archive, open for as long as a catalogue names its files.
#[derive(Debug)]
pub(crate) struct Archive {
    pub path: PathBuf,
    pub file: File,
    pub stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Gzip,
}

/// Whether a file's name is that of an archive: others are not opened to see.
fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    [".zip", ".tar", ".tgz", ".tar.gz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// What a file's first bytes say that it is.
fn kind_of(file: &File) -> Option<Kind> {
    let mut head = [0; TAR_BLOCK as usize];
    let n_read = file.read_at(&mut head, 0).ok()?;
    match &head[..n_read] {
        // The end of an empty archive too.
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
        [0x1F, 0x8B, ..] => Some(Kind::Gzip),
        head if head.get(257..262) == Some(b"ustar") => Some(Kind::Tar),
        _ => None,
    }
}

/// Adds the files of an archive to a catalogue; `false`, and nothing, when the file is none. What
/// cannot be read of it is a finding each.
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
    });
    let mut list = List {
        archive,
        catalogue,
        findings,
    };
    let listed = match kind {
        Kind::Zip => list.zip(),
        Kind::Tar => list.tar(),
        Kind::Gzip => {
            let reason = "a gzip file can only be read from its beginning: make a .tar of it \
                          (gunzip), or a .zip, whose files are read one by one";
            list.findings
                .push(Finding::new(path, FindingKind::Unsupported, reason));
            return Ok(true);
        }
    };
    if let Err(reason) = listed {
        let reason = format!("a broken archive: {reason}");
        findings.push(Finding::new(path, FindingKind::Unreadable, reason));
    }
    Ok(true)
}

/// The files of an archive on their way into a catalogue.
struct List<'a> {
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
            let member = Member {
                start: entry.local_header_offset(),
                packed,
                n_bytes,
                crc: Some(entry.crc32()),
                is_zip: true,
                is_deflated: method == CompressionMethod::DEFLATE,
            };
            let refusal = if entry.flags().is_encrypted() {
                Some("an encrypted file of an archive".to_owned())
            } else if !member.is_deflated && method != CompressionMethod::STORE {
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
        if n_found != n_said {
            return Err(format!(
                "its end tells of {n_said} files, its directory of {n_found}"
            ));
        }
        Ok(())
    }

    fn tar(&mut self) -> Result<(), String> {
        let length = self.archive.stamp.n_bytes;
        // Of the next file, by the records before it.
        let (mut name, mut size) = (None, None);
        let mut pos = 0;
        let mut block = [0; TAR_BLOCK as usize];
        while pos + TAR_BLOCK <= length {
            self.read(&mut block, pos)?;
            // Blocks of zeros end it; what lies behind is padding.
            if block.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            let header = Header::from_byte_slice(&block);
            if header.cksum().ok() != Some(sum_of(&block)) {
                return Err(format!("no header of a file at byte {pos}"));
            }
            let start = pos + TAR_BLOCK;
            let said = size.take().or(header.entry_size().ok());
            let n_bytes = said.filter(|n| *n <= length - start);
            let n_bytes = n_bytes.ok_or(format!("the file at byte {pos} goes beyond its end"))?;
            pos = start + n_bytes.next_multiple_of(TAR_BLOCK);
            match header.entry_type() {
                EntryType::GNULongName => name = Some(self.text(start, n_bytes)?),
                EntryType::XHeader => pax(&self.text(start, n_bytes)?, &mut name, &mut size),
                EntryType::Regular | EntryType::Continuous => {
                    let member = Member::of_tar(start, n_bytes);
                    self.add(&name_of(header, &mut name), member, None);
                }
                EntryType::GNUSparse => {
                    let refusal = Some("a sparse file of a tar file".to_owned());
                    let member = Member::of_tar(start, n_bytes);
                    self.add(&name_of(header, &mut name), member, refusal);
                }
                // What holds for all files is their time at most; a link's target lies in its place.
                EntryType::XGlobalHeader | EntryType::GNULongLink => {}
                // Folders, links, devices: no files of their own.
                _ => name = None,
            }
        }
        Err("it ends without the mark of its end: files may be missing".into())
    }

    fn read(&self, buffer: &mut [u8], at: u64) -> Result<(), String> {
        let read = self.archive.file.read_exact_at(buffer, at);
        read.map_err(|error| error.to_string())
    }

    fn text(&self, start: u64, n_bytes: u64) -> Result<Vec<u8>, String> {
        if n_bytes > MAX_TAR_TEXT {
            return Err(format!(
                "expected a name of at most {MAX_TAR_TEXT} bytes, found {n_bytes}"
            ));
        }
        let mut text = vec![0; n_bytes as usize];
        self.read(&mut text, start)?;
        Ok(text)
    }

    /// Adds a file, unless it is refused.
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

/// What cannot be true of the sizes that an archive tells of a file.
fn lie(member: &Member, archive_bytes: u64) -> Option<String> {
    let Member {
        start,
        packed,
        n_bytes,
        ..
    } = *member;
    if start
        .checked_add(packed)
        .is_none_or(|end| end > archive_bytes)
    {
        return Some(format!(
            "broken: the archive says {packed} bytes from byte {start} on, and has {archive_bytes}"
        ));
    }
    if !member.is_deflated {
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

/// A file's name as a path below its archive; `None` for one that leads elsewhere.
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

/// The name that a record before it gives a file, or its header's own.
fn name_of(header: &Header, given: &mut Option<Vec<u8>>) -> Vec<u8> {
    let name = given
        .take()
        .unwrap_or_else(|| header.path_bytes().into_owned());
    name.split(|byte| *byte == 0)
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// The records of POSIX's pax that matter.
fn pax(text: &[u8], name: &mut Option<Vec<u8>>, size: &mut Option<u64>) {
    for record in PaxExtensions::new(text).flatten() {
        match record.key_bytes() {
            b"path" => *name = Some(record.value_bytes().to_vec()),
            b"size" => *size = record.value().ok().and_then(|text| text.parse().ok()),
            _ => {}
        }
    }
}

/// The sum of a header's bytes, with spaces in the place of the sum itself.
fn sum_of(block: &[u8; TAR_BLOCK as usize]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    };
    block.iter().enumerate().map(byte).sum()
}
