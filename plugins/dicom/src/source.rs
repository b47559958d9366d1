//! A file's bytes: where its data set begins, how it is encoded, and its header, from the first
//! kilobytes or from the whole file.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flate2::read::DeflateDecoder;
use pe_files::Files;

use crate::FileFault;
use crate::element::{Elements, Encoding, Stop};
use crate::frame::MAX_FRAGMENTS;
use crate::header::Header;
use crate::syntax::{self, Syntax};

/// Bytes of a file that are read first. A single-frame CT header has 2 to 10 kB.
const HEAD_BYTES: usize = 16 << 10;
/// Bytes of a file that are read: the 2³⁰ voxels that an exam may have, at 16 bits, and a header.
const MAX_FILE_BYTES: u64 = (2 << 30) + (64 << 20);
/// Bytes before the pixel data: what the facts of 65,536 frames take is less.
const MAX_HEAD_BYTES: usize = 256 << 20;
/// Bytes that a deflated data set may grow to: 256 slices of 512 × 512 at 16 bits.
const MAX_INFLATED_BYTES: u64 = 128 << 20;

/// A parsed file: its header and the bytes of its data set.
pub(crate) struct Source<'a> {
    pub header: Header,
    pub syntax: Syntax,
    /// First byte of the data set.
    pub start: usize,
    /// The bytes that the header's offsets count from: the file, or what it inflates to.
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Source<'a> {
    /// Parses a whole file.
    pub fn parse(file: &'a [u8]) -> Result<Self, FileFault> {
        parse(file, file.len()).map_err(complete)
    }

    /// Where a file's data set begins and how its elements are encoded.
    pub fn data_set(file: &[u8]) -> Result<(usize, Encoding), FileFault> {
        let (start, syntax) = locate(file, file.len()).map_err(complete)?;
        Ok((start, syntax.encoding))
    }

    /// The data set's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a file's header without its pixels.
pub(crate) fn read_header(
    path: &Path,
    files: &Files,
) -> Result<(Header, Syntax, std::fs::Metadata), FileFault> {
    let io = |error: std::io::Error| FileFault::Io(error.to_string());
    let mut file = files.open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    let (header, syntax) = header_of(&mut file, metadata.len())?;
    Ok((header, syntax, metadata))
}

/// The header of a file of `n_bytes`, of which no more is read than it needs.
pub(crate) fn header_of(
    file: &mut (impl Read + Seek),
    n_bytes: u64,
) -> Result<(Header, Syntax), FileFault> {
    let io = |error: std::io::Error| FileFault::Io(error.to_string());
    let length = checked_length(n_bytes)?;
    let mut head = Vec::new();
    let mut wanted = HEAD_BYTES;
    loop {
        let missing = wanted.min(length).saturating_sub(head.len());
        let read = file.take(missing as u64).read_to_end(&mut head);
        if read.map_err(io)? < missing {
            return Err(FileFault::Io("the file shrank while it was read".into()));
        }
        match parse(&head, length) {
            Ok(source) => {
                check_fragments(file, &source, length)?;
                return Ok((source.header, source.syntax));
            }
            // Growing by eight reads a header of any size in a few steps.
            Err(Stop::NeedMore(bytes)) if head.len() < length => {
                wanted = bytes.max(head.len().saturating_mul(8));
                if bytes > MAX_HEAD_BYTES {
                    return Err(FileFault::TooLarge(format!(
                        "expected a header of at most {MAX_HEAD_BYTES} bytes, it needs {bytes}"
                    )));
                }
                wanted = wanted.min(MAX_HEAD_BYTES);
            }
            Err(stop) => return Err(complete(stop)),
        }
    }
}

/// Reads a whole file into `buffer`, whose memory is used again from file to file.
pub(crate) fn read_file(path: &Path, buffer: &mut Vec<u8>, files: &Files) -> Result<(), FileFault> {
    buffer.clear();
    let io = |error: std::io::Error| FileFault::Io(error.to_string());
    let file = files.open(path).map_err(io)?;
    checked_length(file.metadata().map_err(io)?.len())?;
    match file.take(MAX_FILE_BYTES).read_to_end(buffer) {
        Ok(0) => Err(FileFault::Empty),
        Ok(_) => Ok(()),
        Err(error) => Err(io(error)),
    }
}

/// A file's length, when it is one that is read.
fn checked_length(n_bytes: u64) -> Result<usize, FileFault> {
    match usize::try_from(n_bytes) {
        Ok(0) => Err(FileFault::Empty),
        Ok(length) if n_bytes <= MAX_FILE_BYTES => Ok(length),
        _ => Err(FileFault::TooLarge(format!(
            "expected a file of at most {MAX_FILE_BYTES} bytes, found {n_bytes}"
        ))),
    }
}

/// The fault of a file that was read to its end.
pub(crate) fn complete(stop: Stop) -> FileFault {
    match stop {
        Stop::Fault(fault) => fault,
        Stop::NeedMore(bytes) => FileFault::Malformed(format!(
            "the structure asks for {bytes} bytes, the file ends"
        )),
    }
}

fn parse(bytes: &[u8], length: usize) -> Result<Source<'_>, Stop> {
    let (start, syntax) = locate(bytes, length)?;
    if !syntax.deflated {
        let header = Header::read(bytes, start, length, syntax.encoding)?;
        return Ok(Source {
            header,
            syntax,
            start,
            bytes: bytes.into(),
        });
    }
    if bytes.len() < length {
        return Err(Stop::NeedMore(length));
    }
    let inflated = inflate(&bytes[start..])?;
    let header = Header::read(&inflated, 0, inflated.len(), syntax.encoding)?;
    Ok(Source {
        header,
        syntax,
        start: 0,
        bytes: inflated.into(),
    })
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, FileFault> {
    let mut inflated = Vec::new();
    let mut reader = DeflateDecoder::new(deflated).take(MAX_INFLATED_BYTES + 1);
    match reader.read_to_end(&mut inflated) {
        Ok(n) if n as u64 > MAX_INFLATED_BYTES => Err(FileFault::TooLarge(format!(
            "the deflated data set has over {MAX_INFLATED_BYTES} bytes"
        ))),
        Ok(_) => Ok(inflated),
        Err(_) => Err(FileFault::Malformed(
            "the deflated data set cannot be inflated".into(),
        )),
    }
}

/// Where the data set begins and how it is encoded: after preamble and file meta information
/// (PS3.10 section 7.1), after meta information alone, or at the first byte.
fn locate(bytes: &[u8], length: usize) -> Result<(usize, Syntax), Stop> {
    let meta = if bytes.get(128..132) == Some(b"DICM") {
        132
    } else {
        0
    };
    let mut elements = Elements::new(bytes, meta, length, Encoding::EXPLICIT_LE);
    let mut uid = None;
    let mut start = meta;
    while bytes.get(start..start + 2) == Some(&[2, 0]) {
        let Some(element) = elements.next()? else {
            break;
        };
        if element.tag == tags::TRANSFER_SYNTAX_UID {
            let value = String::from_utf8_lossy(elements.value(&element)?);
            uid = Some(value.trim_matches(['\0', ' ']).to_owned());
        }
        start = elements.pos();
        if start + 2 > bytes.len() && start + 2 <= length {
            return Err(Stop::NeedMore(start + 2));
        }
    }
    match uid {
        Some(uid) if !uid.is_empty() => Ok((start, syntax::of(&uid))),
        _ => Ok((start, guess(bytes, start)?)),
    }
}

/// The encoding of a data set that does not say: by its first element, which is of a low group and
/// has either a VR or a length that fits.
fn guess(bytes: &[u8], start: usize) -> Result<Syntax, FileFault> {
    let Some(&[g0, g1, e0, e1, a, b, c, d]) =
        bytes.get(start..).and_then(|rest| rest.first_chunk::<8>())
    else {
        return Err(FileFault::NotDicom(
            "it ends before the first element".into(),
        ));
    };
    let explicit_vr = a.is_ascii_uppercase() && b.is_ascii_uppercase();
    let big_endian = g0 == 0 && g1 != 0;
    let encoding = Encoding {
        explicit_vr,
        big_endian,
    };
    let tag = Tag(encoding.u16([g0, g1]), encoding.u16([e0, e1]));
    // The first groups of a data set: 0008 in an image, 0004 in a DICOMDIR.
    let plausible = matches!(tag.group(), 0x0002..=0x0020)
        && (explicit_vr || (encoding.u32([a, b, c, d]) as usize) < bytes.len().max(1 << 16));
    if plausible {
        Ok(syntax::native_of(encoding))
    } else {
        Err(FileFault::NotDicom(
            "no DICM prefix, and it does not begin with an element".into(),
        ))
    }
}

/// Holds the lengths of the fragments of encapsulated pixel data against the file, reading their
/// eight-byte heads only, so that a file that was cut off is found by the scan.
fn check_fragments(
    file: &mut (impl Read + Seek),
    source: &Source,
    length: usize,
) -> Result<(), FileFault> {
    let Some(pixels) = &source.header.pixels else {
        return Ok(());
    };
    if pixels.declared.is_some() || source.syntax.deflated {
        return Ok(());
    }
    let mut pos = pixels.start;
    let mut n_fragments = 0;
    while pos + 8 <= length {
        n_fragments += 1;
        if n_fragments > MAX_FRAGMENTS {
            return Err(FileFault::TooLarge(format!(
                "expected at most {MAX_FRAGMENTS} fragments"
            )));
        }
        let mut head = [0; 8];
        let read = file
            .seek(SeekFrom::Start(pos as u64))
            .and_then(|_| file.read_exact(&mut head));
        read.map_err(|error| FileFault::Io(error.to_string()))?;
        let [.., l0, l1, l2, l3] = head;
        if head[..4] != [0xFE, 0xFF, 0x00, 0xE0] {
            return Ok(());
        }
        let bytes = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        pos += 8;
        if bytes > length - pos {
            return Err(FileFault::Truncated {
                expected: bytes as u64,
                found: (length - pos) as u64,
            });
        }
        pos += bytes;
    }
    Ok(())
}
