//! The label table with the new UIDs.

use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Writer};
use pe_binding::Work;
use pe_ct::EXAM_FINDINGS;

use crate::DicomError;
use crate::id;
use crate::labels::{PE_ON_SLICE, ROWS_PER_CHECK, SERIES, SLICE, STUDY};

use super::disk::io_error;
use super::pseudonym::Pseudonyms;

/// A label table to be written.
pub(crate) struct NewLabels {
    pub bytes: Vec<u8>,
    pub n_rows: usize,
}

/// Where the columns that are kept are in the table: their names, and their places in a row.
struct Columns {
    ids: [usize; 3],
    labels: Vec<(&'static str, usize)>,
}

/// Rewrites a label table: UIDs are replaced, labels are kept where they are 0 or 1 and empty
/// otherwise, and columns that are none of an RSNA label table's are left out, as are rows without
/// UIDs.
pub(crate) fn rewrite(
    path: &Path,
    names: &Pseudonyms,
    work: &Work,
) -> Result<NewLabels, DicomError> {
    let wrong = |reason: String| DicomError::LabelTable {
        path: path.to_owned(),
        reason,
    };
    let file = work
        .files()
        .open(path)
        .map_err(|error| io_error(path, "read", error))?;
    let task = work.task("replacing UIDs of labels", 0, "rows");
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .buffer_capacity(1 << 20)
        .from_reader(file);
    let headers = reader.byte_headers();
    let headers = headers.map_err(|_| wrong("found no header row".into()))?;
    let columns = Columns::of(headers).map_err(wrong)?;
    let memory = |_: csv::Error| wrong("cannot write the table anew".into());
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(columns.names()).map_err(memory)?;
    let mut record = ByteRecord::new();
    let (mut n_read, mut n_rows) = (0_usize, 0_usize);
    while reader
        .read_byte_record(&mut record)
        .map_err(|_| wrong(format!("found row {} that is no CSV", n_read + 2)))?
    {
        n_read += 1;
        if let Some(row) = columns.row(&record, names) {
            writer.write_record(row).map_err(memory)?;
            n_rows += 1;
        }
        if n_read.is_multiple_of(ROWS_PER_CHECK) {
            task.advance(ROWS_PER_CHECK);
            task.check()?;
        }
    }
    let bytes = writer.into_inner();
    let bytes = bytes.map_err(|_| wrong("cannot write the table anew".into()))?;
    Ok(NewLabels { bytes, n_rows })
}

impl Columns {
    fn of(headers: &ByteRecord) -> Result<Self, String> {
        // A byte order mark is no part of the first name.
        let name = |field: &'_ [u8]| -> Vec<u8> {
            let field = field.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(field);
            field.to_vec()
        };
        let names: Vec<Vec<u8>> = headers.iter().map(name).collect();
        let find = |wanted: &str| names.iter().position(|name| name == wanted.as_bytes());
        let id = |wanted: &str| find(wanted).ok_or(format!("found no column {wanted}"));
        let labels = std::iter::once(PE_ON_SLICE).chain(EXAM_FINDINGS);
        Ok(Self {
            ids: [id(STUDY)?, id(SERIES)?, id(SLICE)?],
            labels: labels
                .filter_map(|name| Some((name, find(name)?)))
                .collect(),
        })
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let labels = self.labels.iter().map(|(name, _)| *name);
        [STUDY, SERIES, SLICE].into_iter().chain(labels)
    }

    fn row(&self, record: &ByteRecord, names: &Pseudonyms) -> Option<Vec<String>> {
        let mut row = Vec::with_capacity(self.ids.len() + self.labels.len());
        for column in self.ids {
            let uid = std::str::from_utf8(record.get(column)?).ok()?;
            row.push(names.uid(&id::kept(uid)?));
        }
        for (_, column) in &self.labels {
            row.push(match record.get(*column) {
                Some(b"0") => "0".to_owned(),
                Some(b"1") => "1".to_owned(),
                _ => String::new(),
            });
        }
        Some(row)
    }
}
