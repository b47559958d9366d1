//! The readers of this crate on bytes in memory, for the fuzz targets and the mutation test. Not part
//! of the API.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::Finding;
use pe_files::Files;

use crate::catalogue::FileRef;
use crate::deidentify::copy_in_memory;
use crate::element::{Elements, Encoding, Stop, is_pixel_data};
use crate::labels::LabelTable;
use crate::scan::ScannedFile;
use crate::source::{Source, header_of};
use crate::table::ColumnNames;
use crate::{DicomError, FileFault, FindingKind, ScanOptions, StoredImage, series, stored};

/// Name of the bytes in errors.
const NAME: &str = "in memory";

/// Walks every element of a data set, including the items of its sequences; returns their number.
///
/// # Errors
/// [`FileFault::Malformed`] when the structure is broken.
pub fn walk(bytes: &[u8], explicit_vr: bool, big_endian: bool) -> Result<usize, FileFault> {
    let encoding = Encoding {
        explicit_vr,
        big_endian,
    };
    // Walk with an explicit stack, as the reader itself does: hostile nesting must not overflow the
    // thread's stack.
    let mut open = vec![Elements::new(bytes, 0, bytes.len(), encoding)];
    let mut n_elements = 0;
    while let Some(elements) = open.last_mut() {
        let next = elements.next().map_err(fault)?;
        let Some(element) = next else {
            open.pop();
            continue;
        };
        n_elements += 1;
        if is_pixel_data(element.tag) {
            open.pop();
        } else if element.undefined_length || element.vr == Some(*b"SQ") {
            let items = elements.items(&element).map_err(fault)?;
            open.extend(items);
        } else {
            let value = elements.value(&element).map_err(fault)?;
            assert_eq!(
                value.len(),
                element.value.len(),
                "a value is inside the file"
            );
        }
    }
    Ok(n_elements)
}

fn fault(stop: Stop) -> FileFault {
    match stop {
        Stop::Fault(fault) => fault,
        Stop::NeedMore(_) => unreachable!("the walk has all the bytes"),
    }
}

/// Reads the header as a scan does, from the first kilobytes and then more.
///
/// # Errors
/// The fault that leaves the file out of a scan.
pub fn scan(bytes: &[u8]) -> Result<(), FileFault> {
    header_of(&mut Cursor::new(bytes), bytes.len() as u64).map(drop)
}

/// Decodes a file as [`crate::decode_file`] does.
///
/// # Errors
/// As [`crate::decode_file`].
pub fn decode(bytes: &[u8]) -> Result<StoredImage, FileFault> {
    stored::decode(bytes)
}

/// Scans and loads a file as [`crate::load_only`] does; returns HU.
///
/// # Errors
/// The finding or the error of [`crate::scan`] and of loading for this file.
pub fn load(bytes: &[u8]) -> Result<Array3<i16>, Refused> {
    let n_bytes = bytes.len() as u64;
    let path = Path::new(NAME);
    let (header, syntax) = header_of(&mut Cursor::new(bytes), n_bytes)
        .map_err(|fault| Refused::Finding(fault.finding(path)))?;
    let file = ScannedFile {
        path: Arc::new(path.to_owned()),
        place: FileRef::only(path),
        header,
        syntax,
        n_bytes,
        modified_ns: 0,
        files: Files::free(),
    };
    if let Some(finding) = series::refuse(&file) {
        return Err(Refused::Finding(finding));
    }
    let (series, findings) = series::assemble(vec![file], &ScanOptions::default());
    match series {
        Some(series) => crate::load::load_bytes(&series.exam, bytes).map_err(Refused::Error),
        None => Err(Refused::Finding(
            findings.into_iter().next_back().unwrap_or(Finding::new(
                path,
                FindingKind::NoStack,
                "left out without a finding",
            )),
        )),
    }
}

/// The reason why [`load`] returned no volume.
#[derive(Debug)]
pub enum Refused {
    /// A scan left the file out.
    Finding(Finding),
    /// Loading failed.
    Error(DicomError),
}

/// De-identifies a file that [`load`] accepts, as [`crate::deidentify`] does; `None` if no copy is made.
pub fn deidentify(bytes: &[u8]) -> Option<Vec<u8>> {
    copy_in_memory(bytes)
}

/// Reads a label table; returns the number of its rows.
///
/// # Errors
/// [`DicomError::LabelTable`].
pub fn labels(bytes: &[u8]) -> Result<usize, DicomError> {
    LabelTable::read_from(bytes, Path::new(NAME), &ColumnNames::new(), &Work::silent())
        .map(|table| table.n_rows())
}

/// Finds the start and end of each element in a file and of its value, so that a test can cut there.
/// Offsets count in the file, for the top level and for items. Empty if the file has no structure.
pub fn boundaries(bytes: &[u8]) -> Vec<Boundary> {
    let Ok((start, encoding)) = Source::data_set(bytes) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let whole = |start, encoding| Elements::new(bytes, start, bytes.len(), encoding);
    let meta = if bytes.get(128..132) == Some(b"DICM") {
        132
    } else {
        0
    };
    let mut open = vec![
        whole(start, encoding),
        Elements::new(bytes, meta, start, Encoding::EXPLICIT_LE),
    ];
    while let Some(elements) = open.last_mut() {
        let start = elements.pos();
        let Ok(Some(element)) = elements.next() else {
            open.pop();
            continue;
        };
        found.push(Boundary {
            start,
            value: element.value.start,
            end: element.value.end.min(bytes.len()),
            is_pixel_data: is_pixel_data(element.tag),
        });
        let is_sequence = element.undefined_length || element.vr == Some(*b"SQ");
        if is_sequence && !is_pixel_data(element.tag) {
            let items = elements.items(&element);
            open.extend(items.into_iter().flatten());
        }
    }
    found
}

/// The position of an element in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundary {
    /// First byte of its tag.
    pub start: usize,
    /// First byte of its value; the four bytes before it hold the length, or its last two bytes do.
    pub value: usize,
    /// End of its value, exclusive.
    pub end: usize,
    /// True if the value holds the image's samples.
    pub is_pixel_data: bool,
}
