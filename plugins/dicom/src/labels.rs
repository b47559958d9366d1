use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue::{Catalogue, FileRef};
use crate::exam::Images;
use crate::id;
use crate::scan::SeenIds;
use crate::table::{Cell, ColumnNames, Columns, Table, text};
use crate::{DicomError, FindingKind};
use csv::ByteRecord;
use pe_binding::Work;
use pe_ct::{EXAM_FINDINGS, ExamInfo, ExamLabels, Finding, LabelReport, LabelRule};
use pe_files::Files;

/// The name of a data set's label table.
pub(crate) const TABLE: &str = "train.csv";
/// Number of rows after which progress is reported and an interrupt is noticed.
pub(crate) const ROWS_PER_CHECK: usize = 65_536;
/// Maximum number of examples that a report gives for a broken rule.
const MAX_EXAMPLES: usize = 5;

/// A label table, such as that of RSNA-STR (`train.csv`, Colak et al. 2021), read by column name.
pub(crate) struct LabelTable {
    path: PathBuf,
    exams: HashMap<Key, ExamRows>,
    has: Has,
    n_rows: usize,
    broken: BTreeMap<LabelRule, usize>,
    examples: BTreeMap<LabelRule, Vec<String>>,
}

/// The columns that a table has.
#[derive(Clone, Copy)]
struct Has {
    study: bool,
    series: bool,
    slice: bool,
    /// True if there are labels of slices.
    pe_on_slice: bool,
}

/// The exam that a row is about, by the columns that its table has: study, series, or the digest of the
/// patient's id. All of these may be shown.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    study: Option<Box<str>>,
    series: Option<Box<str>>,
    patient: Option<Box<str>>,
}

impl Key {
    /// Returns the exam of a row; `None` if the row lacks one of the ids.
    fn of_row(record: &ByteRecord, columns: &Columns) -> Option<Self> {
        let id = |column: Option<usize>| match column {
            None => Some(None),
            Some(column) => Some(Some(id::kept(text(record, column))?.into_boxed_str())),
        };
        let patient = match columns.patient {
            None => None,
            Some(column) => Some(id::patient_key(text(record, column))?.into_boxed_str()),
        };
        Some(Self {
            study: id(columns.study)?,
            series: id(columns.series)?,
            patient,
        })
    }

    fn of_exam(info: &ExamInfo, has: Has) -> Self {
        let by_patient = !has.study && !has.series;
        let patient = info.patient_key.as_deref().filter(|_| by_patient);
        Self {
            study: has.study.then(|| info.id.study_uid.as_str().into()),
            series: has.series.then(|| info.id.series_uid.as_str().into()),
            patient: patient.map(Into::into),
        }
    }

    /// The exam's name in a finding; for a patient, the number of the first row.
    fn shown(&self, exam: &ExamRows) -> String {
        match (&self.series, &self.study) {
            (Some(series), _) => format!("series {series}"),
            (None, Some(study)) => format!("study {study}"),
            (None, None) => format!("row {}", exam.first_row),
        }
    }
}

/// The rows of one exam.
#[derive(Default)]
struct ExamRows {
    first_row: usize,
    slices: Vec<(Box<str>, Option<bool>)>,
    /// Bit `i` is set if exam column `i` was 0 (or 1) in any row.
    zeros: u16,
    ones: u16,
}

impl ExamRows {
    /// Returns an exam label that all rows agree on.
    fn finding(&self, name: &str) -> Option<bool> {
        let column = EXAM_FINDINGS.iter().position(|known| *known == name)?;
        match (self.zeros >> column & 1, self.ones >> column & 1) {
            (1, 0) => Some(false),
            (0, 1) => Some(true),
            _ => None,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.finding(name) == Some(true)
    }
}

impl LabelTable {
    /// Finds a data set's label table and removes it from its files. It is the given one, `train.csv` in
    /// the root or in an archive in the root, or one beside a root named `train`.
    pub fn locate(
        root: &Path,
        given: Option<&Path>,
        catalogue: &mut Catalogue,
        files: &Files,
    ) -> Option<FileRef> {
        if let Some(path) = given {
            return Some(catalogue.take(path).unwrap_or_else(|| FileRef::only(path)));
        }
        if let Some(found) = catalogue.take(&root.join(TABLE)) {
            return Some(found);
        }
        let mut archives = catalogue.archives();
        archives.retain(|path| path.parent() == Some(root));
        let mut inside = archives.iter().map(|archive| archive.join(TABLE));
        if let Some(found) = inside.find_map(|path| catalogue.take(&path)) {
            return Some(found);
        }
        let absolute = std::path::absolute(root).ok()?;
        let beside = absolute.with_file_name(TABLE);
        let is_there = |path: &Path| files.metadata(path).is_ok_and(|found| found.is_file());
        (absolute.file_name()? == "train" && is_there(&beside)).then(|| FileRef::only(&beside))
    }

    /// Reads the table.
    pub fn read(file: &FileRef, names: &ColumnNames, work: &Work) -> Result<Self, DicomError> {
        let path = file.path();
        let (bytes, _) = file.open(work.files()).map_err(|source| DicomError::Io {
            path: path.clone(),
            action: "read",
            source,
        })?;
        Self::read_from(bytes, &path, names, work)
    }

    /// Number of rows that were read.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Reads the table from its bytes; `path` is for errors.
    pub fn read_from(
        file: impl Read,
        path: &Path,
        names: &ColumnNames,
        work: &Work,
    ) -> Result<Self, DicomError> {
        let wrong = |reason: String| DicomError::LabelTable {
            path: path.to_owned(),
            reason,
        };
        let task = work.task("reading labels", 0, "rows");
        let mut rows = Table::open(file, names).map_err(wrong)?;
        let columns = &rows.columns;
        let mut table = Self {
            path: path.to_owned(),
            exams: HashMap::new(),
            has: Has {
                study: columns.study.is_some(),
                series: columns.series.is_some(),
                slice: columns.slice.is_some(),
                pe_on_slice: columns.pe_on_slice.is_some(),
            },
            n_rows: 0,
            broken: BTreeMap::new(),
            examples: BTreeMap::new(),
        };
        for missing in columns.missing() {
            table.note(LabelRule::MissingColumn, || missing.to_owned());
        }
        while let Some((record, columns, row)) = rows.next().map_err(wrong)? {
            table.take(record, columns, row);
            if table.n_rows.is_multiple_of(ROWS_PER_CHECK) {
                task.advance(ROWS_PER_CHECK);
                task.check()?;
            }
        }
        table.check_exams();
        Ok(table)
    }

    fn take(&mut self, record: &ByteRecord, columns: &Columns, row: usize) {
        self.n_rows += 1;
        let slice = columns.slice.map(|column| id::kept(text(record, column)));
        let (Some(key), Some(slice)) = (
            Key::of_row(record, columns),
            slice.map_or(Some(None), |id| id.map(Some)),
        ) else {
            self.note(LabelRule::BrokenRow, || format!("row {row}"));
            return;
        };
        let pe_column = columns.pe_on_slice;
        let pe_cell = pe_column.map(|column| (Cell::of(record.get(column)), column));
        let pe_on_slice = pe_cell.and_then(|cell| self.label(cell, row));
        let (mut zeros, mut ones) = (0, 0);
        for bit in 0..EXAM_FINDINGS.len() {
            let cell = columns.exam_cell(record, bit);
            match cell.and_then(|cell| self.label(cell, row)) {
                Some(false) => zeros |= 1 << bit,
                Some(true) => ones |= 1 << bit,
                None => {}
            }
        }
        let exam = self.exams.entry(key).or_insert_with(|| ExamRows {
            first_row: row,
            ..ExamRows::default()
        });
        exam.zeros |= zeros;
        exam.ones |= ones;
        match slice {
            Some(slice) => exam.slices.push((slice.into_boxed_str(), pe_on_slice)),
            None if exam.first_row != row => {
                self.note(LabelRule::RepeatedRow, || format!("row {row}"));
            }
            None => {}
        }
    }

    /// Returns a cell's label, or notes that it has none.
    fn label(&mut self, (cell, column): (Cell, usize), row: usize) -> Option<bool> {
        let rule = match cell {
            Cell::Label(label) => return Some(label),
            Cell::Empty => LabelRule::EmptyLabel,
            Cell::Other => LabelRule::NotZeroOrOne,
        };
        self.note(rule, || format!("row {row}, column {}", column + 1));
        None
    }

    /// Sorts each exam's rows and checks the rules that concern the table alone.
    fn check_exams(&mut self) {
        let mut exams = std::mem::take(&mut self.exams);
        let mut keys: Vec<Key> = exams.keys().cloned().collect();
        keys.sort();
        for key in &keys {
            if let Some(exam) = exams.get_mut(key) {
                let shown = key.shown(exam);
                self.check_rows(&shown, exam);
                self.check_rules(&shown, exam);
            }
        }
        self.exams = exams;
    }

    fn check_rows(&mut self, shown: &str, exam: &mut ExamRows) {
        exam.slices.sort();
        let mut kept: Vec<(Box<str>, Option<bool>)> = Vec::with_capacity(exam.slices.len());
        for (slice, pe) in exam.slices.drain(..) {
            match kept.last_mut() {
                Some((last, label)) if *last == slice => {
                    let rule = if *label == pe {
                        LabelRule::RepeatedRow
                    } else {
                        *label = None;
                        LabelRule::ConflictingRows
                    };
                    self.note(rule, || format!("slice {slice} of {shown}"));
                }
                _ => kept.push((slice, pe)),
            }
        }
        exam.slices = kept;
    }

    fn check_rules(&mut self, shown: &str, exam: &ExamRows) {
        let n_pe = exam.slices.iter().filter(|s| s.1 == Some(true)).count();
        let negative = exam.is("negative_exam_for_pe");
        let indeterminate = exam.is("indeterminate");
        let any = |names: &[&str]| names.iter().any(|name| exam.is(name));
        let positive = exam.finding("negative_exam_for_pe") == Some(false);
        let place = any(&[
            "leftsided_pe",
            "rightsided_pe",
            "central_pe",
            "chronic_pe",
            "acute_and_chronic_pe",
        ]);
        let broken = [
            (LabelRule::ExamLabelDiffers, exam.zeros & exam.ones != 0),
            (LabelRule::PeSliceInNegativeExam, negative && n_pe > 0),
            (
                LabelRule::NoPeSliceInPositiveExam,
                self.has.pe_on_slice && positive && !indeterminate && n_pe == 0,
            ),
            (
                LabelRule::NegativeAndIndeterminate,
                negative && indeterminate,
            ),
            (
                LabelRule::PeFindingWithoutPe,
                place && (negative || indeterminate),
            ),
            (
                LabelRule::RvLvRatioBoth,
                exam.is("rv_lv_ratio_gte_1") && exam.is("rv_lv_ratio_lt_1"),
            ),
            (
                LabelRule::ChronicTwice,
                exam.is("chronic_pe") && exam.is("acute_and_chronic_pe"),
            ),
        ];
        for (rule, _) in broken.into_iter().filter(|(_, is_broken)| *is_broken) {
            self.note(rule, || shown.to_owned());
        }
    }

    /// Assigns the labels to the exams, checks the table against the files, and returns the report.
    pub fn apply(
        mut self,
        exams: &mut [(Images, PathBuf)],
        seen: &SeenIds,
        findings: &mut Vec<Finding>,
    ) -> LabelReport {
        let mut n_exams_labelled = 0;
        let mut n_exams_of: HashMap<Key, usize> = HashMap::new();
        for (exam, _) in exams.iter() {
            *n_exams_of
                .entry(Key::of_exam(&exam.info, self.has))
                .or_default() += 1;
        }
        for (exam, place) in exams {
            let key = Key::of_exam(&exam.info, self.has);
            let labels = match n_exams_of.get(&key) {
                Some(1) => self.labels_of(exam, &key),
                _ => None,
            };
            n_exams_labelled += usize::from(labels.is_some());
            let n_without = match &labels {
                // Other findings say already that these slices have no labels: the volume cuts across
                // the images, or the whole table has no slices.
                Some(_) if !exam.slices_are_images() || !self.has.slice => 0,
                Some(labels) => labels.pe_on_slice.iter().filter(|l| l.is_none()).count(),
                None => exam.n_slices(),
            };
            if n_without > 0 {
                let reason = format!("{n_without} of {} slices without a label", exam.n_slices());
                findings.push(Finding::new(place, FindingKind::Labels, reason));
            }
            Arc::make_mut(&mut exam.info).labels = labels;
        }
        self.check_files(seen, &n_exams_of);
        for (rule, n) in &self.broken {
            if *rule == LabelRule::FileWithoutLabel {
                continue;
            }
            let examples = self.examples.get(rule).map_or(&[][..], Vec::as_slice);
            let reason = format!("{}: {n} ({})", rule.name(), examples.join(", "));
            findings.push(Finding::new(&self.path, FindingKind::Labels, reason));
        }
        LabelReport {
            path: self.path,
            n_rows: self.n_rows,
            n_exams: self.exams.len(),
            n_exams_labelled,
            broken: self.broken,
        }
    }

    fn labels_of(&mut self, exam: &Images, key: &Key) -> Option<ExamLabels> {
        let rows = self.exams.get(key);
        let on_slice = |uid: &String| {
            // The table names files, so a frame of a multi-frame file has no row.
            let rows = &rows?.slices;
            let found = rows.binary_search_by(|(slice, _)| (**slice).cmp(uid.as_str()));
            rows[found.ok()?].1
        };
        let pe_on_slice: Vec<Option<bool>> = exam.info.sop_uids.iter().map(on_slice).collect();
        let labels = rows.map(|rows| ExamLabels {
            findings: EXAM_FINDINGS
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), rows.finding(name)?)))
                .collect(),
            pe_on_slice: pe_on_slice.clone(),
        });
        for label in &pe_on_slice {
            if label.is_none() && exam.slices_are_images() && self.has.slice {
                self.note(LabelRule::FileWithoutLabel, String::new);
            }
        }
        labels
    }

    /// Notes rows about missing files or exams, and rows that could mean several exams.
    fn check_files(&mut self, seen: &SeenIds, n_exams_of: &HashMap<Key, usize>) {
        let exams = std::mem::take(&mut self.exams);
        let mut missing: Vec<&str> = Vec::new();
        let mut odd: Vec<(LabelRule, &Key, &ExamRows)> = Vec::new();
        for (key, exam) in &exams {
            let slices = exam.slices.iter().map(|(slice, _)| &**slice);
            missing.extend(slices.filter(|slice| !seen.contains(slice)));
            match n_exams_of.get(key) {
                None if !self.has.slice => odd.push((LabelRule::LabelWithoutFile, key, exam)),
                Some(2..) => odd.push((LabelRule::SeveralExams, key, exam)),
                _ => {}
            }
        }
        missing.sort_unstable();
        for slice in missing {
            self.note(LabelRule::LabelWithoutFile, || format!("slice {slice}"));
        }
        odd.sort_unstable_by_key(|(_, _, exam)| exam.first_row);
        for (rule, key, exam) in odd {
            self.note(rule, || key.shown(exam));
        }
        self.exams = exams;
    }

    fn note(&mut self, rule: LabelRule, example: impl FnOnce() -> String) {
        *self.broken.entry(rule).or_insert(0) += 1;
        let examples = self.examples.entry(rule).or_default();
        if examples.len() < MAX_EXAMPLES {
            examples.push(example());
        }
    }
}
