//! Writes the label table with the new ids.

use csv::{ByteRecord, Writer};
use pe_binding::Work;
use pe_ct::EXAM_FINDINGS;

use crate::DicomError;
use crate::catalogue::FileRef;
use crate::id;
use crate::labels::ROWS_PER_CHECK;
use crate::table::{
    Cell, ColumnNames, Columns, PATIENT, PE_ON_SLICE, SERIES, SLICE, STUDY, Table, text,
};

use super::disk::io_error;
use super::pseudonym::Pseudonyms;

/// A label table to be written.
pub(crate) struct NewLabels {
    pub bytes: Vec<u8>,
    pub n_rows: usize,
}

/// Rewrites a label table. Ids are replaced. Labels become 0 and 1, or empty if they are neither. Other
/// columns are dropped, and so are rows without ids.
pub(crate) fn rewrite(
    file: &FileRef,
    column_names: &ColumnNames,
    names: &Pseudonyms,
    work: &Work,
) -> Result<NewLabels, DicomError> {
    let path = file.path();
    let wrong = |reason: String| DicomError::LabelTable {
        path: path.clone(),
        reason,
    };
    let (file, _) = file
        .open(work.files())
        .map_err(|error| io_error(&path, "read", error))?;
    let task = work.task("replacing ids of labels", 0, "rows");
    let mut table = Table::open(file, column_names).map_err(wrong)?;
    let memory = |_: csv::Error| wrong("cannot write the table anew".into());
    let mut writer = Writer::from_writer(Vec::new());
    let header = header(&table.columns);
    writer.write_record(header).map_err(memory)?;
    let (mut n_read, mut n_rows) = (0_usize, 0_usize);
    while let Some((record, columns, _)) = table.next().map_err(wrong)? {
        n_read += 1;
        if let Some(row) = row(record, columns, names) {
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

/// The name and the position of each column with ids.
fn ids(columns: &Columns) -> impl Iterator<Item = (&'static str, usize)> {
    let ids = [
        (STUDY, columns.study),
        (SERIES, columns.series),
        (SLICE, columns.slice),
        (PATIENT, columns.patient),
    ];
    ids.into_iter()
        .filter_map(|(name, column)| Some((name, column?)))
}

fn header(columns: &Columns) -> Vec<&'static str> {
    let ids = ids(columns).map(|(name, _)| name);
    let slice = columns.pe_on_slice.map(|_| PE_ON_SLICE);
    let exam = EXAM_FINDINGS.into_iter().zip(columns.exam);
    let exam = exam.filter_map(|(name, column)| column.map(|_| name));
    ids.chain(slice).chain(exam).collect()
}

fn row(record: &ByteRecord, columns: &Columns, names: &Pseudonyms) -> Option<Vec<String>> {
    let mut row = Vec::new();
    for (name, column) in ids(columns) {
        let id = text(record, column);
        row.push(match name {
            PATIENT => Some(names.patient(id)).filter(|id| !id.is_empty())?,
            _ => names.uid(&id::kept(id)?),
        });
    }
    let slice = columns
        .pe_on_slice
        .map(|column| Cell::of(record.get(column)));
    let exam = (0..EXAM_FINDINGS.len()).filter_map(|finding| columns.exam_cell(record, finding));
    row.extend(
        slice
            .into_iter()
            .chain(exam.map(|(cell, _)| cell))
            .map(|cell| match cell {
                Cell::Label(label) => u8::from(label).to_string(),
                Cell::Empty | Cell::Other => String::new(),
            }),
    );
    Some(row)
}
