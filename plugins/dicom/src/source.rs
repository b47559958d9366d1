//! Reads a file's bytes: finds its data set and encoding, and reads its header, from the first
//! kilobytes if possible.

use std::io::{Read, Seek, SeekFrom};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flate2::read::DeflateDecoder;
use pe_files::Files;

use crate::FileFault;
use crate::catalogue::{FileRef, Stamp};
use crate::element::{Elements, Encoding, Stop};
use crate::frame::MAX_FRAGMENTS;
use crate::header::Header;
use crate::syntax::{self, Syntax};

/// Bytes that are read first. A single-frame CT header has 2 to 10 kB.
const HEAD_BYTES: usize = 16 << 10;
/// Maximum bytes of a file: the 2³⁰ voxels that an exam may have, at 16 bits, and a header.
const MAX_FILE_BYTES: u64 = (2 << 30) + (64 << 20);
/// Maximum bytes before the pixel data. The facts of 65,536 frames take less.
const MAX_HEAD_BYTES: usize = 256 << 20;
/// Maximum bytes of an inflated data set: 256 slices of 512 × 512 at 16 bits.
const MAX_INFLATED_BYTES: u64 = 128 << 20;

/// A parsed file: its header and the bytes of its data set.
pub(crate) struct Source<'a> {
    pub header: Header,
    pub syntax: Syntax,
    /// Offset of the data set.
    pub start: usize,
    /// The bytes in which the header's offsets count: the file, or its inflated data set.
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Source<'a> {
    /// Parses a whole file.
    pub fn parse(file: &'a [u8]) -> Result<Self, FileFault> {
        parse(file, file.len()).map_err(complete)
    }

    /// Finds the start of a file's data set and the encoding of its elements.
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
    place: &FileRef,
    files: &Files,
) -> Result<(Header, Syntax, Stamp), FileFault> {
    let opened = place.open(files);
    let (mut file, stamp) = opened.map_err(|error| FileFault::Io(error.to_string()))?;
    let (header, syntax) = header_of(&mut file, stamp.n_bytes)?;
    Ok((header, syntax, stamp))
}

/// Reads the header of a file of `n_bytes`, and no more of the file than needed.
pub(crate) fn header_of(
    file: &mut (impl Read + Seek),
    n_bytes: u64,
) -> Result<(Header, Syntax), FileFault> {
    let (header, syntax, _) = read_head(file, n_bytes, &mut Vec::new())?;
    Ok((header, syntax))
}

/// Reads the beginning of a file into an empty buffer. Returns its header and the end of its image.
fn read_head(
    file: &mut (impl Read + Seek),
    n_bytes: u64,
    head: &mut Vec<u8>,
) -> Result<(Header, Syntax, usize), FileFault> {
    let length = checked_length(n_bytes)?;
    let mut wanted = HEAD_BYTES;
    loop {
        read_to(file, head, wanted.min(length))?;
        match parse(head, length) {
            Ok(source) => {
                let end = image_end(file, &source, length)?;
                return Ok((source.header, source.syntax, end));
            }
            // Read eight times as much: a header of any size then takes only a few steps.
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

/// Reads on until the buffer has `n_bytes`.
fn read_to(file: &mut impl Read, buffer: &mut Vec<u8>, n_bytes: usize) -> Result<(), FileFault> {
    let missing = n_bytes.saturating_sub(buffer.len());
    match file.take(missing as u64).read_to_end(buffer) {
        Ok(read) if read < missing => {
            Err(FileFault::Io("the file shrank while it was read".into()))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(FileFault::Io(error.to_string())),
    }
}

/// Reads a file's header and image into `buffer`, whose memory is reused from file to file. Returns the
/// file's length.
///
/// Bytes after the image are not read: a sparse file may claim any length without using space.
pub(crate) fn read_file(
    place: &FileRef,
    buffer: &mut Vec<u8>,
    files: &Files,
) -> Result<u64, FileFault> {
    let opened = place.open(files);
    let (mut file, stamp) = opened.map_err(|error| FileFault::Io(error.to_string()))?;
    read_image(&mut file, stamp.n_bytes, buffer)?;
    Ok(stamp.n_bytes)
}

fn read_image(
    file: &mut (impl Read + Seek),
    n_bytes: u64,
    buffer: &mut Vec<u8>,
) -> Result<(), FileFault> {
    buffer.clear();
    let (header, _, end) = read_head(file, n_bytes, buffer)?;
    if header.pixels.is_none() {
        return Err(FileFault::NoImage("it has no pixel data".into()));
    }
    // `read_head` may have moved on to later fragments: go back to the end of the buffer.
    let at = buffer.len() as u64;
    let sought = file.seek(SeekFrom::Start(at));
    sought.map_err(|error| FileFault::Io(error.to_string()))?;
    read_to(file, buffer, end)
}

/// Returns a file's length, if it is within the limits.
fn checked_length(n_bytes: u64) -> Result<usize, FileFault> {
    match usize::try_from(n_bytes) {
        Ok(0) => Err(FileFault::Empty),
        Ok(length) if n_bytes <= MAX_FILE_BYTES => Ok(length),
        _ => Err(FileFault::TooLarge(format!(
            "expected a file of at most {MAX_FILE_BYTES} bytes, found {n_bytes}"
        ))),
    }
}

/// Converts a stop to a fault, for a file that was read to its end.
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

/// Finds the start and the encoding of the data set: after the preamble and the file meta information
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

/// Guesses the encoding of a data set that does not name it. Its first element must be of a low group
/// and have a VR or a plausible length.
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
    // The first group of a data set: 0008 in an image, 0004 in a DICOMDIR.
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

/// Finds the end of the image. Reads nothing but the headers of its fragments, so that a scan finds
/// files that were cut off.
fn image_end(
    file: &mut (impl Read + Seek),
    source: &Source,
    length: usize,
) -> Result<usize, FileFault> {
    if source.syntax.deflated {
        return Ok(length);
    }
    let Some(pixels) = &source.header.pixels else {
        return Ok(length);
    };
    let layout = &source.header.layout;
    // An image with a bad layout is refused anyway, so none of it is needed.
    if layout.check().is_err() {
        return Ok(pixels.start.min(length));
    }
    match pixels.declared {
        Some(_) => {
            // Include the padding of an odd length: with swapped words it comes before the last sample.
            let n_bytes = layout.native_bytes().next_multiple_of(2);
            let end = (pixels.start as u64).saturating_add(n_bytes);
            Ok(end.min(length as u64) as usize)
        }
        None => {
            let end = fragments_end(file, pixels.start, length)?;
            let (limit, found) = (layout.max_coded_bytes(), (end - pixels.start) as u64);
            if found <= limit {
                return Ok(end);
            }
            Err(FileFault::TooLarge(format!(
                "expected at most {limit} bytes of coded pixel data for {} frames of {} × {}, found {found}",
                layout.n_frames, layout.rows, layout.cols
            )))
        }
    }
}

/// Finds the end of the fragments of encapsulated pixel data, including their delimiter. Their lengths
/// are checked against the file.
fn fragments_end(
    file: &mut (impl Read + Seek),
    start: usize,
    length: usize,
) -> Result<usize, FileFault> {
    let mut pos = start;
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
        pos += 8;
        if head[..4] != [0xFE, 0xFF, 0x00, 0xE0] {
            return Ok(pos);
        }
        let bytes = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if bytes > length - pos {
            return Err(FileFault::Truncated {
                expected: bytes as u64,
                found: (length - pos) as u64,
            });
        }
        pos += bytes;
    }
    Ok(pos)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A file that begins with `head` and continues with zeros; it counts the bytes read.
    struct Sparse {
        head: Cursor<Vec<u8>>,
        n_bytes: u64,
        n_read: u64,
    }

    impl Read for Sparse {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let left = self.n_bytes.saturating_sub(self.head.position());
            let n = left.min(buffer.len() as u64) as usize;
            buffer[..n].fill(0);
            let at = self.head.position();
            // Beyond the head, this reads nothing, and the zeros stay.
            let _ = self.head.read(&mut buffer[..n])?;
            self.head.set_position(at + n as u64);
            self.n_read += n as u64;
            Ok(n)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.head.seek(to)
        }
    }

    /// A file that claims 2,000,000,000 bytes, with an image of `side` × `side` at 16 bits that begins
    /// with `pixels`.
    fn sparse(syntax: &str, side: u16, pixels: &[u8]) -> Sparse {
        let mut head = vec![0; 128];
        head.extend(b"DICM\x02\0\x10\0UI");
        head.extend((syntax.len() as u16).to_le_bytes());
        head.extend(syntax.as_bytes());
        for (element, value) in [(0x10, side), (0x11, side), (0x100, 16)] {
            head.extend([0x28, 0]);
            head.extend(u16::to_le_bytes(element));
            head.extend(b"US\x02\0");
            head.extend(value.to_le_bytes());
        }
        head.extend(pixels);
        Sparse {
            head: Cursor::new(head),
            n_bytes: 2_000_000_000,
            n_read: 0,
        }
    }

    const NATIVE: &[u8] = b"\xE0\x7F\x10\0OW\0\0\0\x90\x35\x77";
    const CODED: &[u8] =
        b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0";

    #[test]
    fn no_more_is_read_than_the_image() {
        let check = |syntax: &str, pixels: &[u8], most: u64, is_image: bool| {
            let mut file = sparse(syntax, 512, pixels);
            let (n_bytes, mut buffer) = (file.n_bytes, Vec::new());
            let read = read_image(&mut file, n_bytes, &mut buffer);
            assert_eq!(read.is_ok(), is_image, "{read:?}");
            if let Err(fault) = read {
                assert!(matches!(fault, FileFault::TooLarge(_)), "{fault}");
            }
            assert!(file.n_read <= most, "{} bytes were read", file.n_read);
            assert!(buffer.len() as u64 <= most);
        };
        let image = 512 * 512 * 2;
        check("1.2.840.10008.1.2.1\0", NATIVE, image + 16_384, true);
        let jpeg = "1.2.840.10008.1.2.4.70";
        let with = |length: u32| [CODED, &length.to_le_bytes()].concat();
        check(jpeg, &with(1_000_000), 1_100_000, true);
        check(jpeg, &with(1_900_000_000), 17_000, false);
        let deflated = "1.2.840.10008.1.2.1.99";
        check(deflated, NATIVE, 17_000, false);
    }

    #[test]
    fn what_is_read_is_the_image() {
        let mut file = sparse("1.2.840.10008.1.2.1\0", 64, NATIVE);
        let (n_bytes, mut buffer) = (file.n_bytes, Vec::new());
        read_image(&mut file, n_bytes, &mut buffer).unwrap();
        let image = crate::stored::decode(&buffer).unwrap();
        assert_eq!(image.values, vec![0; 64 * 64]);
    }
}
