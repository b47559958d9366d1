use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::Work;
use pe_ct::{Finding, LabelReport, Scan};
use pe_files::Files;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, FileRef};
use crate::exam::Images;
use crate::header::Header;
use crate::headers::{Batch, read_headers};
use crate::id;
use crate::index::{self, Failed, Index};
use crate::labels::LabelTable;
use crate::listing::list_files;
use crate::pack::{Rows, pack};
use crate::series::{self, Series};
use crate::syntax::Syntax;
use crate::table;
use crate::tilt::Tilt;
use crate::{DicomError, FindingKind};

/// Options of a scan: what to look for in a folder, and what to leave out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// Maximum number of slices of an exam; an exam with more is left out. 0 for no limit. The paper
    /// keeps exams of at most 320.
    pub max_slices: usize,
    /// True to keep exams that the label table calls indeterminate. The paper's counts are only
    /// reached with them (2,211 + 157 = 2,368).
    pub include_indeterminate: bool,
    /// The label table. By default, `train.csv` in the root, or beside it if the root is named `train`.
    /// Its rows name exams by StudyInstanceUID, SeriesInstanceUID or both, else by PatientID.
    pub labels: Option<PathBuf>,
    /// The label table's own column names. The keys are the column names of an RSNA label table,
    /// `PatientID`, or `positive_exam_for_pe`, the opposite of `negative_exam_for_pe`.
    pub columns: BTreeMap<String, String>,
    /// True if [`pe_ct::ExamInfo::inputs_key`] should digest the bytes of all files instead of their
    /// modification times. This reads all files.
    pub hash_contents: bool,
    /// The volume to use of a series that has several, by its number from 1 in the findings. 0 prefers
    /// an axial volume, then the one with the most slices, then the one with the softest kernel. A
    /// series of one volume ignores this option.
    pub volume: usize,
    /// A folder for an index, created if it is missing. It caches the facts of headers by path, size and
    /// time, so that the next scan of the same root reads only files that are new or have changed. Scans
    /// of several roots may share it, and it may be a store's folder.
    pub index: Option<PathBuf>,
    /// The treatment of a series that was taken with a tilted gantry.
    pub tilt: Tilt,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            max_slices: 320,
            include_indeterminate: true,
            labels: None,
            columns: BTreeMap::new(),
            hash_contents: false,
            volume: 0,
            index: None,
            tilt: Tilt::Keep,
        }
    }
}

/// A file with its header.
#[derive(Debug)]
pub(crate) struct ScannedFile {
    pub path: Arc<PathBuf>,
    pub place: FileRef,
    pub header: Header,
    pub syntax: Syntax,
    pub n_bytes: u64,
    pub modified_ns: u64,
    /// The file access for reading it again.
    pub files: Files,
}

/// Scans a file, or a folder of any layout, for CT exams. No pixels are read. An archive (`.zip`, `.tar`
/// or `.tar.gz`) may be given instead of a folder, and may lie in a folder: it is read in place. The result
/// does not depend on the number of threads.
///
/// Files are recognised by content, never by name. Images are grouped by study and series, and ordered
/// along the normal of their plane. If a series has several volumes at the same places (phases, kernels,
/// planes), they are told apart by their headers, and one is used. If a study has several usable series,
/// an axial one is preferred, then the one with the most slices, then the one with the smallest UID.
/// Everything that is left out, or used despite an oddity, becomes a [`Finding`].
///
/// Links are followed, but each folder is read once: a link to a folder under `root` is not followed,
/// and of several links to a folder elsewhere only the first is.
///
/// With [`ScanOptions::index`], a file with the same size and time as in an earlier scan is not opened,
/// unless its bytes are needed: with `hash_contents`, or if another file claims the same identity or
/// place.
///
/// # Errors
/// [`DicomError::Io`] if `root` cannot be read or the index cannot be written,
/// [`DicomError::LabelTable`] if the label table is not one, [`DicomError::Interrupted`]. Faults of
/// single files are findings.
pub fn scan(root: &Path, options: &ScanOptions, work: &Work) -> Result<Scan, DicomError> {
    scan_images(root, options, work).map(Scanned::scan)
}

/// The result of a scan, with the images of each exam.
pub(crate) struct Scanned {
    root: PathBuf,
    pub exams: Vec<Arc<Images>>,
    findings: Vec<Finding>,
    n_files: usize,
    labels: Option<LabelReport>,
}

impl Scanned {
    pub fn scan(self) -> Scan {
        let exams = self.exams.into_iter();
        Scan {
            root: self.root,
            exams: exams.map(Images::exam).collect(),
            findings: self.findings,
            n_files: self.n_files,
            labels: self.labels,
        }
    }
}

/// Scans as [`scan`] does.
pub(crate) fn scan_images(
    root: &Path,
    options: &ScanOptions,
    work: &Work,
) -> Result<Scanned, DicomError> {
    table::check_names(&options.columns)?;
    let index_path = options.index.as_ref().map(|it| index::path_in(it, root));
    let mut findings = Vec::new();
    let mut catalogue = list_files(root, index_path.as_deref(), &mut findings, work)?;
    let given = options.labels.as_deref();
    let table = LabelTable::locate(root, given, &mut catalogue, work.files())
        .map(|file| LabelTable::read(&file, &options.columns, work))
        .transpose()?;
    let catalogue = catalogue.finish();
    let mut found = Found {
        seen: table.is_some().then(SeenIds::default),
        groups: BTreeMap::new(),
        findings,
    };
    match index_path {
        None => read_headers(&catalogue, None, work, |batch| {
            found.take(batch);
            Ok::<_, DicomError>(())
        })?,
        Some(path) => {
            // Read the old index while writing the new one, which replaces it only if the scan succeeds.
            let index = Index::open(&path, work.files(), &mut found.findings);
            index::replace(&path, work.files(), |out| {
                read_headers(&catalogue, Some((&index, root)), work, |batch| {
                    batch.block.write(out)?;
                    found.take(batch);
                    Ok::<_, Failed>(())
                })
            })?;
        }
    }
    let Found {
        groups,
        seen,
        mut findings,
    } = found;
    let series = assemble(groups, &catalogue, options, work, &mut findings)?;
    let mut exams = choose(series, &mut findings);
    let seen = seen.map(SeenIds::sorted).unwrap_or_default();
    let labels = table.map(|table| table.apply(&mut exams, &seen, &mut findings));
    leave_out_indeterminate(&mut exams, options, &mut findings);
    // After the labels, which are matched by the digests that this replaces.
    for (exam, _) in &mut exams {
        id::named_by_paths(exam);
    }
    findings.sort();
    let exams = exams.into_iter().map(|(images, _)| Arc::new(images));
    Ok(Scanned {
        root: root.to_owned(),
        exams: exams.collect(),
        findings,
        n_files: catalogue.len(),
        labels,
    })
}

/// The results of a scan so far.
struct Found {
    /// Packed files by study and series.
    groups: BTreeMap<(String, String), Rows>,
    /// The ids of all images, kept only if there is a label table to check.
    seen: Option<SeenIds>,
    findings: Vec<Finding>,
}

impl Found {
    fn take(&mut self, batch: Batch) {
        for file in batch.files {
            let file = match file {
                Ok(file) => file,
                Err(finding) => {
                    self.findings.push(finding);
                    continue;
                }
            };
            if let Some(seen) = &mut self.seen {
                seen.push(&file.header.sop_uid);
            }
            if let Some(finding) = series::refuse(&file) {
                self.findings.push(finding);
                continue;
            }
            let header = &file.header;
            let id = (header.study_uid.clone(), header.series_uid.clone());
            self.groups.entry(id).or_default().push(&Packed::of(file));
        }
    }
}

/// SOPInstanceUIDs as digests, to save memory: there may be millions.
#[derive(Default)]
pub(crate) struct SeenIds(Vec<[u8; 16]>);

impl SeenIds {
    fn digest(id: &str) -> [u8; 16] {
        let mut digest = [0; 16];
        let whole = blake3::hash(id.as_bytes());
        digest.copy_from_slice(&whole.as_bytes()[..16]);
        digest
    }

    fn push(&mut self, id: &str) {
        self.0.push(Self::digest(id));
    }

    fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    pub fn contains(&self, id: &str) -> bool {
        self.0.binary_search(&Self::digest(id)).is_ok()
    }
}

/// A scanned file in the form in which it waits, packed, for the rest of its series.
struct Packed {
    idx: usize,
    n_bytes: u64,
    modified_ns: u64,
    syntax: Syntax,
    header: Header,
}

pack!(Packed {
    idx,
    n_bytes,
    modified_ns,
    syntax,
    header
});

impl Packed {
    fn of(file: ScannedFile) -> Self {
        Self {
            idx: file.place.idx(),
            n_bytes: file.n_bytes,
            modified_ns: file.modified_ns,
            syntax: file.syntax,
            header: file.header,
        }
    }

    fn file(self, catalogue: &Arc<Catalogue>, files: &Files) -> ScannedFile {
        ScannedFile {
            path: catalogue.path(self.idx).into(),
            place: FileRef::new(catalogue, self.idx),
            header: self.header,
            syntax: self.syntax,
            n_bytes: self.n_bytes,
            modified_ns: self.modified_ns,
            files: files.clone(),
        }
    }
}

fn assemble(
    groups: BTreeMap<(String, String), Rows>,
    catalogue: &Arc<Catalogue>,
    options: &ScanOptions,
    work: &Work,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Series>, DicomError> {
    let task = work.task("ordering slices", groups.len(), "series");
    let assembled: Vec<_> = groups
        .into_par_iter()
        .map(|(_, rows)| {
            task.check()?;
            let files = Rows::read::<Packed>(rows.bytes()).unwrap_or_default();
            drop(rows);
            let files = files.into_iter();
            let files = files.map(|file| file.file(catalogue, work.files()));
            let outcome = series::assemble(files.collect(), options);
            task.advance(1);
            Ok::<_, DicomError>(outcome)
        })
        .collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for (series, found) in assembled {
        findings.extend(found);
        all.extend(series);
    }
    Ok(all)
}

/// Keeps one series of each study. Returns each exam with the path of findings about it.
fn choose(mut series: Vec<Series>, findings: &mut Vec<Finding>) -> Vec<(Images, PathBuf)> {
    series.sort_by(|a, b| {
        let id = |s: &Series| s.exam.info.id.clone();
        (id(a).study_uid.cmp(&id(b).study_uid))
            .then(b.is_axial.cmp(&a.is_axial))
            .then(b.exam.n_slices().cmp(&a.exam.n_slices()))
            .then(id(a).series_uid.cmp(&id(b).series_uid))
    });
    let mut chosen: Vec<Series> = Vec::new();
    for candidate in series {
        let used = chosen
            .last()
            .filter(|last| last.exam.info.id.study_uid == candidate.exam.info.id.study_uid);
        let Some(used) = used else {
            chosen.push(candidate);
            continue;
        };
        findings.push(Finding::new(
            &candidate.place,
            FindingKind::OtherSeries,
            format!(
                "another series of the study is used: {} of {} slices, this one is {} of {}",
                plane(used),
                used.exam.n_slices(),
                plane(&candidate),
                candidate.exam.n_slices()
            ),
        ));
    }
    chosen.into_iter().map(|s| (s.exam, s.place)).collect()
}

fn plane(series: &Series) -> &'static str {
    if series.is_axial {
        "axial"
    } else {
        "not axial"
    }
}

fn leave_out_indeterminate(
    exams: &mut Vec<(Images, PathBuf)>,
    options: &ScanOptions,
    findings: &mut Vec<Finding>,
) {
    if options.include_indeterminate {
        return;
    }
    exams.retain(|(exam, place)| {
        let labels = exam.info.labels.as_ref();
        let keep = !labels.is_some_and(|labels| labels.indeterminate());
        if !keep {
            findings.push(Finding::new(
                place,
                FindingKind::Indeterminate,
                "the label table calls the exam indeterminate, and include_indeterminate is false",
            ));
        }
        keep
    });
}
