use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use pe_binding::Work;
use pe_ct::{EXAM_FINDINGS, ExamId, ExamLabels};
use pe_files::Files;
use serde::Serialize;

use crate::id;
use crate::scan::SeenIds;
use crate::{DicomError, Exam, Finding, FindingKind};

pub(crate) const STUDY: &str = "StudyInstanceUID";
pub(crate) const SERIES: &str = "SeriesInstanceUID";
pub(crate) const SLICE: &str = "SOPInstanceUID";
pub(crate) const PE_ON_SLICE: &str = "pe_present_on_image";
/// Rows between two looks at the user's interrupt.
pub(crate) const ROWS_PER_CHECK: usize = 65_536;
/// Examples that a report names.
const MAX_EXAMPLES: usize = 5;

/// A rule that the label table and the files should keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelRule {
    /// One of the 17 columns is not there.
    MissingColumn,
    /// A row without the ids, or with fewer fields than the header.
    BrokenRow,
    /// A label that is neither 0 nor 1; it counts as not given.
    NotZeroOrOne,
    /// A slice has several rows that agree.
    RepeatedRow,
    /// A slice has several rows that disagree on PE; it counts as not labelled.
    ConflictingRows,
    /// An exam-level label differs between the rows of an exam; it counts as not given.
    ExamLabelDiffers,
    /// A slice shows PE in an exam that is negative for PE.
    PeSliceInNegativeExam,
    /// An exam is positive, and none of its labelled slices shows PE.
    NoPeSliceInPositiveExam,
    /// An exam is both negative for PE and indeterminate.
    NegativeAndIndeterminate,
    /// A negative or indeterminate exam has a side, a centre, or a chronic PE.
    PeFindingWithoutPe,
    /// The RV/LV ratio is both at least 1 and below 1.
    RvLvRatioBoth,
    /// Chronic PE, and acute and chronic PE, which exclude each other.
    ChronicTwice,
    /// A row names a file that was not found.
    LabelWithoutFile,
    /// A slice of a used exam has no row.
    FileWithoutLabel,
}

impl LabelRule {
    /// The rule's name in scripts and files, `"label_without_file"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingColumn => "missing_column",
            Self::BrokenRow => "broken_row",
            Self::NotZeroOrOne => "not_zero_or_one",
            Self::RepeatedRow => "repeated_row",
            Self::ConflictingRows => "conflicting_rows",
            Self::ExamLabelDiffers => "exam_label_differs",
            Self::PeSliceInNegativeExam => "pe_slice_in_negative_exam",
            Self::NoPeSliceInPositiveExam => "no_pe_slice_in_positive_exam",
            Self::NegativeAndIndeterminate => "negative_and_indeterminate",
            Self::PeFindingWithoutPe => "pe_finding_without_pe",
            Self::RvLvRatioBoth => "rv_lv_ratio_both",
            Self::ChronicTwice => "chronic_twice",
            Self::LabelWithoutFile => "label_without_file",
            Self::FileWithoutLabel => "file_without_label",
        }
    }
}

/// What the label table says of the files that were scanned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelReport {
    /// The table. Serialized as text, with `�` for what is not UTF-8.
    #[serde(serialize_with = "crate::finding::as_text")]
    pub path: PathBuf,
    /// Rows, one a slice.
    pub n_rows: usize,
    /// Exams (series) that the table names.
    pub n_exams: usize,
    /// Used exams that have labels.
    pub n_exams_labelled: usize,
    /// How often each rule was broken; rules that were kept are not in it.
    pub broken: BTreeMap<LabelRule, usize>,
}

/// The RSNA-STR label table (`train.csv`, Colak et al. 2021), read by column name.
pub(crate) struct LabelTable {
    path: PathBuf,
    exams: HashMap<ExamId, ExamRows>,
    n_rows: usize,
    broken: BTreeMap<LabelRule, usize>,
    examples: BTreeMap<LabelRule, Vec<String>>,
}

/// The rows of one exam.
#[derive(Default)]
struct ExamRows {
    slices: Vec<(Box<str>, Option<bool>)>,
    /// Bit `i`: exam column `i` was 0, was 1, in some row.
    zeros: u16,
    ones: u16,
}

impl ExamRows {
    /// An exam label that all rows agree on.
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

/// Where the columns are; `None` for one that the table does not have.
struct Columns {
    ids: [usize; 3],
    pe_on_slice: Option<usize>,
    exam: [Option<usize>; EXAM_FINDINGS.len()],
}

impl LabelTable {
    /// The table that belongs to a data set: the given one, `train.csv` in the root, or beside a
    /// root that is called `train`.
    pub fn locate(root: &Path, given: Option<&Path>, files: &Files) -> Option<PathBuf> {
        if let Some(path) = given {
            return Some(path.to_owned());
        }
        let inside = root.join("train.csv");
        let is_there = |path: &Path| files.metadata(path).is_ok_and(|found| found.is_file());
        if is_there(&inside) {
            return Some(inside);
        }
        let absolute = std::path::absolute(root).ok()?;
        let beside = absolute.with_file_name("train.csv");
        (absolute.file_name()? == "train" && is_there(&beside)).then_some(beside)
    }

    /// Reads the table.
    pub fn read(path: &Path, work: &Work) -> Result<Self, DicomError> {
        let file = work.files().open(path).map_err(|source| DicomError::Io {
            path: path.to_owned(),
            action: "read",
            source,
        })?;
        Self::read_from(file, path, work)
    }

    /// Rows that were read.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Reads the table from its bytes; `path` is what errors name.
    pub fn read_from(file: impl Read, path: &Path, work: &Work) -> Result<Self, DicomError> {
        let wrong = |reason: String| DicomError::LabelTable {
            path: path.to_owned(),
            reason,
        };
        let task = work.task("reading labels", 0, "rows");
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .buffer_capacity(1 << 20)
            .from_reader(file);
        let mut table = Self {
            path: path.to_owned(),
            exams: HashMap::new(),
            n_rows: 0,
            broken: BTreeMap::new(),
            examples: BTreeMap::new(),
        };
        let headers = reader.byte_headers();
        let headers = headers.map_err(|_| wrong("found no header row".into()))?;
        let columns = table.columns(headers).map_err(wrong)?;
        let mut record = ByteRecord::new();
        let mut id = ExamId {
            study_uid: String::new(),
            series_uid: String::new(),
        };
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => table.take(&record, &columns, &mut id),
                Ok(false) => break,
                Err(_) => {
                    let row = table.n_rows + 2;
                    return Err(wrong(format!("found row {row} that is no CSV")));
                }
            }
            if table.n_rows.is_multiple_of(ROWS_PER_CHECK) {
                task.advance(ROWS_PER_CHECK);
                task.check()?;
            }
        }
        table.check_exams();
        Ok(table)
    }

    fn columns(&mut self, headers: &ByteRecord) -> Result<Columns, String> {
        // A byte order mark is no part of the first name.
        let name = |field: &[u8]| {
            let field = field.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(field);
            field.to_vec()
        };
        let names: Vec<Vec<u8>> = headers.iter().map(name).collect();
        let find = |wanted: &str| names.iter().position(|name| name == wanted.as_bytes());
        let id = |wanted: &str| find(wanted).ok_or(format!("found no column {wanted}"));
        let columns = Columns {
            ids: [id(STUDY)?, id(SERIES)?, id(SLICE)?],
            pe_on_slice: find(PE_ON_SLICE),
            exam: EXAM_FINDINGS.map(find),
        };
        let wanted = std::iter::once(PE_ON_SLICE).chain(EXAM_FINDINGS);
        for missing in wanted.filter(|wanted| find(wanted).is_none()) {
            self.note(LabelRule::MissingColumn, || missing.to_owned());
        }
        Ok(columns)
    }

    fn take(&mut self, record: &ByteRecord, columns: &Columns, id: &mut ExamId) {
        self.n_rows += 1;
        let row = self.n_rows + 1;
        let text = |column: usize| {
            let field = record.get(column).unwrap_or_default();
            std::str::from_utf8(field).unwrap_or_default()
        };
        let ids = columns.ids.map(|column| id::kept(text(column)));
        let [Some(study), Some(series), Some(slice)] = ids else {
            self.note(LabelRule::BrokenRow, || format!("row {row}"));
            return;
        };
        let mut odd = 0;
        let mut flag = |column: Option<usize>| match record.get(column?) {
            Some(b"0") => Some(false),
            Some(b"1") => Some(true),
            _ => {
                odd += 1;
                None
            }
        };
        let pe_on_slice = flag(columns.pe_on_slice);
        let (mut zeros, mut ones) = (0, 0);
        for (bit, column) in columns.exam.iter().enumerate() {
            match flag(*column) {
                Some(false) => zeros |= 1 << bit,
                Some(true) => ones |= 1 << bit,
                None => {}
            }
        }
        for _ in 0..odd {
            self.note(LabelRule::NotZeroOrOne, || format!("row {row}"));
        }
        (id.study_uid, id.series_uid) = (study, series);
        // Rows of an exam mostly follow each other: the id is only copied for a new exam.
        if !self.exams.contains_key(id) {
            self.exams.insert(id.clone(), ExamRows::default());
        }
        if let Some(exam) = self.exams.get_mut(id) {
            exam.slices.push((slice.into_boxed_str(), pe_on_slice));
            exam.zeros |= zeros;
            exam.ones |= ones;
        }
    }

    /// Sorts each exam's rows and checks the rules that the table can break by itself.
    fn check_exams(&mut self) {
        let mut exams = std::mem::take(&mut self.exams);
        let mut ids: Vec<ExamId> = exams.keys().cloned().collect();
        ids.sort();
        for id in &ids {
            if let Some(exam) = exams.get_mut(id) {
                self.check_rows(id, exam);
                self.check_rules(id, exam);
            }
        }
        self.exams = exams;
    }

    fn check_rows(&mut self, id: &ExamId, exam: &mut ExamRows) {
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
                    self.note(rule, || {
                        format!("slice {slice} of series {}", id.series_uid)
                    });
                }
                _ => kept.push((slice, pe)),
            }
        }
        exam.slices = kept;
    }

    fn check_rules(&mut self, id: &ExamId, exam: &ExamRows) {
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
                positive && !indeterminate && n_pe == 0,
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
            self.note(rule, || format!("series {}", id.series_uid));
        }
    }

    /// Labels the exams, checks the table against the files, and reports.
    pub fn apply(
        mut self,
        exams: &mut [(Exam, PathBuf)],
        seen: &SeenIds,
        findings: &mut Vec<Finding>,
    ) -> LabelReport {
        let mut n_exams_labelled = 0;
        for (exam, place) in exams {
            let labels = self.labels_of(exam);
            n_exams_labelled += usize::from(labels.is_some());
            let n_without = match &labels {
                // That they have none is said where the volume is cut across the images.
                Some(_) if !exam.slices_are_images() => 0,
                Some(labels) => labels.pe_on_slice.iter().filter(|l| l.is_none()).count(),
                None => exam.n_slices(),
            };
            if n_without > 0 {
                let reason = format!("{n_without} of {} slices without a label", exam.n_slices());
                findings.push(Finding::new(place, FindingKind::Labels, reason));
            }
            let mut info = (*exam.info).clone();
            info.labels = labels;
            exam.info = Arc::new(info);
        }
        self.check_files(seen);
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

    fn labels_of(&mut self, exam: &Exam) -> Option<ExamLabels> {
        let rows = self.exams.get(&exam.info.id);
        let on_slice = |uid: &String| {
            // The table names files; a frame of a multi-frame file has no row of its own.
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
            if label.is_none() && exam.slices_are_images() {
                self.note(LabelRule::FileWithoutLabel, String::new);
            }
        }
        labels
    }

    fn check_files(&mut self, seen: &SeenIds) {
        let exams = std::mem::take(&mut self.exams);
        let mut missing: Vec<&str> = Vec::new();
        for exam in exams.values() {
            let slices = exam.slices.iter().map(|(slice, _)| &**slice);
            missing.extend(slices.filter(|slice| !seen.contains(slice)));
        }
        missing.sort_unstable();
        for slice in missing {
            self.note(LabelRule::LabelWithoutFile, || format!("slice {slice}"));
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

impl fmt::Display for LabelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  labels: {} of {} exams in {} rows of {}",
            self.n_exams_labelled,
            self.n_exams,
            self.n_rows,
            self.path.display()
        )?;
        for (rule, n) in &self.broken {
            write!(f, "\n  labels: {} {n}", rule.name())?;
        }
        Ok(())
    }
}
