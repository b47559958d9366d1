//! Label tables as common tools write them. The separator and the columns are recognised by the header,
//! and a label is 0 or 1 in any spelling.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use pe_binding::nearest::nearest;
use pe_ct::EXAM_FINDINGS;

use crate::DicomError;

pub(crate) const STUDY: &str = "StudyInstanceUID";
pub(crate) const SERIES: &str = "SeriesInstanceUID";
pub(crate) const SLICE: &str = "SOPInstanceUID";
pub(crate) const PATIENT: &str = "PatientID";
pub(crate) const PE_ON_SLICE: &str = "pe_present_on_image";
/// Lists of hospitals often have this column instead of its opposite, [`NEGATIVE`].
const POSITIVE: &str = "positive_exam_for_pe";
const NEGATIVE: &str = "negative_exam_for_pe";
/// Bytes at the beginning of a table in which its header is searched.
const HEAD_BYTES: u64 = 64 << 10;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Names of the table's columns by the known names, for columns that are named differently.
pub(crate) type ColumnNames = BTreeMap<String, String>;

/// A label table that is read row by row.
pub(crate) struct Table<R: Read> {
    reader: Reader<std::io::Chain<Cursor<Vec<u8>>, R>>,
    pub columns: Columns,
    record: ByteRecord,
    n_rows: usize,
}

/// Positions of the columns; `None` for one that the table does not have.
pub(crate) struct Columns {
    pub study: Option<usize>,
    pub series: Option<usize>,
    pub slice: Option<usize>,
    /// Only used if there is neither a study nor a series.
    pub patient: Option<usize>,
    pub pe_on_slice: Option<usize>,
    /// Position of each of [`EXAM_FINDINGS`], and whether the column has the opposite meaning.
    pub exam: [Option<(usize, bool)>; EXAM_FINDINGS.len()],
}

/// A cell where a label should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Label(bool),
    Empty,
    /// Something that is not a label.
    Other,
}

impl<R: Read> Table<R> {
    /// Reads the header. The error says what was expected and found.
    pub fn open(mut file: R, names: &ColumnNames) -> Result<Self, String> {
        let mut head = Vec::new();
        let read = file.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        read.map_err(|error| format!("cannot read it: {error}"))?;
        if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
            return Err("found UTF-16; save it as CSV in UTF-8".into());
        }
        if head.starts_with(b"\xEF\xBB\xBF") {
            head.drain(..3);
        }
        let separator = separator(&mut head, names);
        let mut reader = (ReaderBuilder::new().flexible(true).trim(Trim::All))
            .delimiter(separator)
            .buffer_capacity(1 << 20)
            .from_reader(Cursor::new(head).chain(file));
        let headers = reader.byte_headers();
        let headers = headers.map_err(|_| "found no header row".to_owned())?;
        let columns = Columns::of(headers, names)?;
        Ok(Self {
            reader,
            columns,
            record: ByteRecord::new(),
            n_rows: 0,
        })
    }

    /// Reads the next row, with its number in the file; the header is row 1.
    pub fn next(&mut self) -> Result<Option<(&ByteRecord, &Columns, usize)>, String> {
        let row = self.n_rows + 2;
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {
                self.n_rows += 1;
                Ok(Some((&self.record, &self.columns, row)))
            }
            Ok(false) => Ok(None),
            Err(_) => Err(format!("found row {row} that is no CSV")),
        }
    }
}

/// Finds the separator that splits the first row into the most known columns. Removes a line `sep=;`,
/// which Excel reads and writes.
fn separator(head: &mut Vec<u8>, names: &ColumnNames) -> u8 {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if let Some([separator]) =
        (head.split(is_end).next()).and_then(|line| line.strip_prefix(b"sep="))
    {
        let separator = *separator;
        head.drain(..b"sep=;".len());
        return separator;
    }
    let n_known = |separator: u8| {
        let mut reader = (ReaderBuilder::new().trim(Trim::All))
            .delimiter(separator)
            .from_reader(head.as_slice());
        let headers = reader.byte_headers().cloned().unwrap_or_default();
        let found = known().filter(|name| find(&headers, name, names).is_some());
        found.count()
    };
    // `max_by_key` returns the last of equals: reverse the list, so that a comma is preferred.
    let best = SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|separator| n_known(*separator));
    best.unwrap_or(b',')
}

/// All known column names.
fn known() -> impl Iterator<Item = &'static str> {
    [STUDY, SERIES, SLICE, PATIENT, PE_ON_SLICE, POSITIVE]
        .into_iter()
        .chain(EXAM_FINDINGS)
}

/// Checks that the keys of the option `columns` are known column names.
pub(crate) fn check_names(names: &ColumnNames) -> Result<(), DicomError> {
    let Some(other) = names
        .keys()
        .find(|name| !known().any(|known| known == *name))
    else {
        return Ok(());
    };
    let lower: Vec<String> = known().map(str::to_lowercase).collect();
    let near = nearest(other, lower.iter().map(String::as_str));
    Err(DicomError::LabelColumn {
        found: other.clone(),
        near: known().find(|known| Some(known.to_lowercase().as_str()) == near),
        known: known().collect(),
    })
}

/// Finds a column: by the name that the options give it, else by its own name. Case and the characters
/// between words of its own name do not matter.
fn find(headers: &ByteRecord, name: &str, names: &ColumnNames) -> Option<usize> {
    if let Some(given) = names.get(name) {
        return headers
            .iter()
            .position(|header| header == given.trim().as_bytes());
    }
    let plain = |name: &[u8]| -> Vec<u8> {
        let letters = name.iter().filter(|b| b.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).collect()
    };
    let exact = headers.iter().position(|header| header == name.as_bytes());
    let wanted = plain(name.as_bytes());
    exact.or_else(|| headers.iter().position(|header| plain(header) == wanted))
}

impl Columns {
    fn of(headers: &ByteRecord, names: &ColumnNames) -> Result<Self, String> {
        if let Some((name, given)) =
            (names.iter()).find(|(name, _)| find(headers, name, names).is_none())
        {
            return Err(format!(
                "found no column `{given}`, which the option `columns` gives for {name}"
            ));
        }
        let find = |name: &str| find(headers, name, names);
        let (study, series) = (find(STUDY), find(SERIES));
        let patient = find(PATIENT).filter(|_| study.is_none() && series.is_none());
        if study.or(series).or(patient).is_none() {
            return Err(format!(
                "found none of the columns {STUDY}, {SERIES} and {PATIENT}; the option `columns` can name them"
            ));
        }
        let exam = EXAM_FINDINGS.map(|name| match find(name) {
            Some(column) => Some((column, false)),
            None if name == NEGATIVE => find(POSITIVE).map(|column| (column, true)),
            None => None,
        });
        let slice = find(SLICE);
        let pe_on_slice = find(PE_ON_SLICE).filter(|_| slice.is_some());
        Ok(Self {
            study,
            series,
            slice,
            patient,
            pe_on_slice,
            exam,
        })
    }

    /// The columns of an RSNA label table that this table lacks.
    pub fn missing(&self) -> Vec<&'static str> {
        let of_slices = [(SLICE, self.slice), (PE_ON_SLICE, self.pe_on_slice)];
        let of_slices = of_slices.into_iter().filter(|(_, column)| column.is_none());
        let of_exams = EXAM_FINDINGS.into_iter().zip(self.exam);
        let of_exams = of_exams.filter(|(_, column)| column.is_none());
        let of_slices = of_slices.map(|(name, _)| name);
        of_slices.chain(of_exams.map(|(name, _)| name)).collect()
    }

    /// Reads an exam's label in a row, with its column; `None` if the table lacks that column.
    pub fn exam_cell(&self, record: &ByteRecord, finding: usize) -> Option<(Cell, usize)> {
        let (column, is_contrary) = self.exam[finding]?;
        let cell = match Cell::of(record.get(column)) {
            Cell::Label(value) => Cell::Label(value != is_contrary),
            other => other,
        };
        Some((cell, column))
    }
}

/// A cell's text; empty if the cell is missing or is not UTF-8.
pub(crate) fn text(record: &ByteRecord, column: usize) -> &str {
    let field = record.get(column).unwrap_or_default();
    std::str::from_utf8(field).unwrap_or_default()
}

impl Cell {
    pub fn of(field: Option<&[u8]>) -> Self {
        let text = std::str::from_utf8(field.unwrap_or_default()).unwrap_or("?");
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        // pandas, R and other tools write these for a missing value.
        if text.is_empty() || is(&["nan", "na", "n/a", "<na>", "null", "none"]) {
            return Self::Empty;
        }
        // A table with another separator may have a decimal comma.
        let number = text.replacen(',', ".", 1).parse::<f64>();
        match number {
            _ if is(&["true"]) => Self::Label(true),
            _ if is(&["false"]) => Self::Label(false),
            Ok(0.0) => Self::Label(false),
            Ok(1.0) => Self::Label(true),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_in_all_their_spellings() {
        let check = |text: &str, expected: Cell| {
            assert_eq!(Cell::of(Some(text.as_bytes())), expected, "{text:?}");
        };
        for yes in ["1", "1.0", "1,0", "1.000", "True", "true", "TRUE"] {
            check(yes, Cell::Label(true));
        }
        for no in ["0", "0.0", "0,0", "-0.0", "False", "false", "FALSE"] {
            check(no, Cell::Label(false));
        }
        for empty in ["", "nan", "NaN", "NA", "<NA>", "None", "null"] {
            check(empty, Cell::Empty);
        }
        for other in ["2", "0.5", "yes", "1;0", "01.01.1970", "inf", "DOE^JANE"] {
            check(other, Cell::Other);
        }
        assert_eq!(Cell::of(None), Cell::Empty);
        assert_eq!(Cell::of(Some(b"\xFF")), Cell::Other);
    }

    #[test]
    fn separators_and_columns_are_found_from_the_header() {
        let check = |table: &str| {
            let table = Table::open(table.as_bytes(), &ColumnNames::new());
            let columns = table.map(|table| table.columns).unwrap();
            let found = [columns.study, columns.slice, columns.pe_on_slice];
            assert_eq!(found, [Some(1), Some(3), Some(2)]);
        };
        check("x,StudyInstanceUID,pe_present_on_image,SOPInstanceUID\n");
        check("x;StudyInstanceUID;pe_present_on_image;SOPInstanceUID\r\n");
        check("\u{feff}a,b;StudyInstanceUID;\"pe_present_on_image\";SOPInstanceUID\n1;2;3;4");
        check("x\tstudy_instance_uid\tPE present on image\tsopinstanceuid");
        check("sep=;\nx;StudyInstanceUID;pe_present_on_image;SOPInstanceUID\n");
        check("\n\n ,StudyInstanceUID,pe_present_on_image,SOPInstanceUID\r");
    }
}
