//! Writes de-identified copies of the CT images under a folder (DICOM PS3.15 annex E).

mod attribute;
mod coded;
mod dataset;
mod disk;
mod encode;
mod labels;
mod pixels;
mod pseudonym;
mod unfinished;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use pe_binding::{Task, Work};
use pe_ct::{Effect, Finding, counted};
use pe_files::Files;
use rayon::prelude::*;
use serde::Deserialize;

use crate::headers::read_headers;
use crate::labels::{LabelTable, TABLE};
use crate::listing::list_files;
use crate::scan::ScannedFile;
use crate::series;
use crate::source::{Source, read_file};
use crate::table;
use crate::{DicomError, FileFault, FindingKind};

use dataset::{NewUids, Refusal};
use labels::NewLabels;
use pseudonym::Pseudonyms;
use unfinished::Note;

/// Options of a de-identification.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeidentifyOptions {
    /// A secret of at least 16 characters for making new UIDs and PatientIDs. Two runs with the same
    /// key give the same ids. Without one, a random key is used and forgotten.
    pub key: Option<String>,
    /// A file with the key, instead of `key`. White space at both ends is ignored.
    pub key_file: Option<PathBuf>,
    /// The label table; by default the one that [`crate::scan`] finds. It is written as `train.csv` with
    /// the new ids and the columns of an RSNA label table.
    pub labels: Option<PathBuf>,
    /// Names of the label table's columns, as in [`crate::ScanOptions::columns`].
    pub columns: BTreeMap<String, String>,
    /// True to write images with BurnedInAnnotation `YES` too.
    pub keep_burned_in: bool,
}

/// The result of a de-identification.
#[derive(Debug, Clone)]
pub struct Deidentified {
    /// The folder that was written to.
    pub out: PathBuf,
    /// Number of files, not counting the label table.
    pub n_files: usize,
    /// Number of files that were left out. A finding gives the reason for each.
    pub n_skipped: usize,
    /// Number of rows of the written label table; `None` without a table.
    pub n_label_rows: Option<usize>,
    /// The reasons why files were left out, sorted by the path of the original.
    pub findings: Vec<Finding>,
}

/// A file that is to be written.
struct Job {
    file: ScannedFile,
    uids: NewUids,
    path: PathBuf,
}

/// Writes a de-identified copy of every CT image under `root` to `out`, as `STUDY/SERIES/SLICE.dcm`
/// with the new UIDs. Follows the Basic Application Level Confidentiality Profile of PS3.15 annex E.
///
/// Only what is known to be safe is kept: the image, and the attributes that [`crate::scan`] and
/// [`pe_ct::Exam::load`] read, with a few more, each value checked. Every UID is replaced, equal ones by equal
/// ones. PatientID becomes a pseudonym, so that a patient's exams stay together. Names, dates and study
/// numbers are empty, as are all other attributes of table E.1-1 that an image must have. Everything
/// else is removed: private attributes, sequences other than an enhanced image's geometry, overlays,
/// comments, the preamble, and any bytes after the pixels.
///
/// Pixel data are those of the image, sample for sample, and nothing else. Bits outside BitsStored,
/// where old files have overlays, become zeros or copies of the sign; a word that equals
/// PixelPaddingValue or PixelPaddingRangeLimit is kept. Of a compressed frame, only what a decoder needs
/// is copied, and the copy is decoded and compared with the original. So comments, application data,
/// surplus fragments and bytes after the end are gone. RLE is encoded again. A file is left out if one
/// of its frames cannot be copied in this way, such as JPEG 2000 inside a JP2 file, cannot be decoded,
/// or has a drawing in bits outside BitsStored. The numbers of a decoder's tables and the coded bits
/// themselves are not examined.
///
/// Without the key, nobody can link a copy to its original by its attributes. Anyone who has the
/// original can do so by the pixels. Text in the pixels is not searched for: an image that declares some
/// (BurnedInAnnotation) is left out, as are localizers, secondary captures, and all images other than
/// CT.
///
/// Each file is written atomically, and an existing file is never changed. An interrupted run is resumed
/// by running it again with the same key. Without a key, the next run into the folder removes the copies
/// of the interrupted run, and starts again.
///
/// # Errors
/// [`DicomError::DeidentifyOutput`] if one folder lies in the other;
/// [`DicomError::DeidentifyAgain`] if `out` holds copies and no key is given;
/// [`DicomError::DeidentifyKey`] for a short key; [`DicomError::LabelTable`] for a file that is no label
/// table; [`DicomError::Io`] if `root` cannot be read or `out` cannot be written;
/// [`DicomError::Interrupted`]. Faults of single files are findings.
///
/// ```no_run
/// use pe_binding::Work;
/// use pe_dicom::{DeidentifyOptions, deidentify};
///
/// let options = DeidentifyOptions::default();
/// let done = deidentify("series".as_ref(), "copies".as_ref(), &options, &Work::silent())?;
/// println!("{done}");
/// # Ok::<(), pe_dicom::DicomError>(())
/// ```
pub fn deidentify(
    root: &Path,
    out: &Path,
    options: &DeidentifyOptions,
    work: &Work,
) -> Result<Deidentified, DicomError> {
    let files = work.files();
    table::check_names(&options.columns)?;
    let names = options.pseudonyms(files)?;
    let mut findings = Vec::new();
    disk::prepare(root, out, files)?;
    let mut catalogue = list_files(root, None, &mut findings, work)?;
    // Read the label table first: report a broken one before hours of work, not after.
    let labels = LabelTable::locate(root, options.labels.as_deref(), &mut catalogue, files)
        .map(|file| labels::rewrite(&file, &options.columns, &names, work))
        .transpose()?;
    let catalogue = catalogue.finish();
    let mut read = Vec::with_capacity(catalogue.len());
    read_headers(&catalogue, None, work, |batch| {
        read.extend(batch.files);
        Ok::<_, DicomError>(())
    })?;
    let jobs = plan(read, out, &names, &mut findings);
    let n_label_rows = labels.as_ref().map(|labels| labels.n_rows);
    findings.extend(write(&jobs, labels, out, &names, options, work)?);
    // Some kinds usually say that an exam is left out. Here, each finding is about one file.
    for finding in &mut findings {
        finding.effect = Effect::FileLeftOut;
    }
    findings.sort();
    let n_skipped = catalogue.paths().filter(|p| is_named(p, &findings)).count();
    Ok(Deidentified {
        out: out.to_owned(),
        n_files: catalogue.len(),
        n_skipped,
        n_label_rows,
        findings,
    })
}

fn is_named(path: &Path, findings: &[Finding]) -> bool {
    let at = findings.partition_point(|finding| finding.path.as_path() < path);
    findings.get(at).is_some_and(|finding| finding.path == path)
}

impl DeidentifyOptions {
    fn pseudonyms(&self, files: &Files) -> Result<Pseudonyms, DicomError> {
        match (&self.key, &self.key_file) {
            (Some(_), Some(_)) => Err(DicomError::DeidentifyTwoKeys),
            (Some(key), None) => Pseudonyms::of_key(key),
            (None, Some(path)) => Pseudonyms::of_key(disk::read_text(path, files)?.trim()),
            (None, None) => Pseudonyms::random(),
        }
    }
}

/// Assigns UIDs and paths to the copies. Files with the same UIDs, which a scan tells apart, are
/// numbered in the order of their paths.
fn plan(
    files: Vec<Result<ScannedFile, Finding>>,
    out: &Path,
    names: &Pseudonyms,
    findings: &mut Vec<Finding>,
) -> Vec<Job> {
    let mut n_of = BTreeMap::new();
    let mut jobs = Vec::new();
    for file in files {
        let file = match file.and_then(|file| series::refuse(&file).map_or(Ok(file), Err)) {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        if file.header.sop_uid.is_empty() {
            let reason = "no SOPInstanceUID";
            findings.push(Finding::new(&file.path, FindingKind::MissingUid, reason));
            continue;
        }
        let uids = NewUids {
            study: names.uid(&file.header.study_uid),
            series: names.uid(&file.header.series_uid),
            sop: names.uid(&file.header.sop_uid),
        };
        let n = n_of.entry(uids.clone()).or_insert(0_usize);
        *n += 1;
        let name = match *n {
            1 => format!("{}.dcm", uids.sop),
            n => format!("{}-{n}.dcm", uids.sop),
        };
        let path = out.join(&uids.study).join(&uids.series).join(name);
        jobs.push(Job { file, uids, path });
    }
    jobs
}

/// Writes the copies and then the label table; returns why some were not written. First removes what an
/// interrupted run left.
fn write(
    jobs: &[Job],
    labels: Option<NewLabels>,
    out: &Path,
    names: &Pseudonyms,
    options: &DeidentifyOptions,
    work: &Work,
) -> Result<Vec<Finding>, DicomError> {
    let files = work.files();
    let mut note = if options.key.is_none() && options.key_file.is_none() {
        Some(Note::begin(out, files)?)
    } else {
        Note::settle(out, files).map(|()| None)?
    };
    let folders = jobs.iter().filter_map(|job| job.path.parent());
    unfinished::sweep(folders.chain([out]), files)?;
    if let Some(note) = &mut note {
        // List the folders before they are created, so that the next run can remove them.
        let studies: BTreeSet<&str> = jobs.iter().map(|job| &*job.uids.study).collect();
        note.add(studies.into_iter(), files)?;
    }
    let mut findings = write_copies(jobs, names, options, work)?;
    if let Some(labels) = labels {
        let path = out.join(TABLE);
        if disk::exists(&path) {
            let reason = "a label table is there already, and not written anew";
            findings.push(Finding::new(&path, FindingKind::Exists, reason));
        } else {
            if let Some(note) = &mut note {
                note.add([TABLE].into_iter(), files)?;
            }
            disk::write_whole(&path, &labels.bytes, files)?;
        }
    }
    note.map_or(Ok(()), |note| note.end(files))?;
    Ok(findings)
}

/// Writes the copies in parallel; returns why some were not written.
fn write_copies(
    jobs: &[Job],
    names: &Pseudonyms,
    options: &DeidentifyOptions,
    work: &Work,
) -> Result<Vec<Finding>, DicomError> {
    let task = work.task("de-identifying", jobs.len(), "files");
    let found: Vec<Option<Finding>> = jobs
        .par_iter()
        .map_init(Vec::new, |buffer, job| {
            task.check()?;
            let finding = job.run(names, options, buffer, work.files(), &task)?;
            task.advance(1);
            Ok::<_, DicomError>(finding)
        })
        .collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

impl Job {
    fn run(
        &self,
        names: &Pseudonyms,
        options: &DeidentifyOptions,
        buffer: &mut Vec<u8>,
        files: &Files,
        task: &Task,
    ) -> Result<Option<Finding>, DicomError> {
        let finding = |kind, reason: &str| Some(Finding::new(&self.file.path, kind, reason));
        if disk::exists(&self.path) {
            let reason = "its copy is there already, and not written anew";
            return Ok(finding(FindingKind::Exists, reason));
        }
        let bytes = match self.copy(names, options, buffer, files, task) {
            Ok(bytes) => bytes,
            Err(Refusal::Fault(fault)) => {
                return Ok(Some(fault.finding(&self.file.path)));
            }
            Err(Refusal::Interrupted(interrupted)) => return Err(interrupted.into()),
            Err(Refusal::BurnedIn) => {
                let reason = "BurnedInAnnotation is YES: its pixels may show who the patient is \
                              (keep_burned_in writes it all the same)";
                return Ok(finding(FindingKind::BurnedIn, reason));
            }
        };
        if let Some(folder) = self.path.parent() {
            disk::create_folder(folder, files)?;
        }
        disk::write_whole(&self.path, &bytes, files)?;
        Ok(None)
    }

    /// Encodes the copy.
    fn copy(
        &self,
        names: &Pseudonyms,
        options: &DeidentifyOptions,
        buffer: &mut Vec<u8>,
        files: &Files,
        task: &Task,
    ) -> Result<Vec<u8>, Refusal> {
        if read_file(&self.file.place, buffer, files)? != self.file.n_bytes {
            return Err(FileFault::Changed("its size in bytes is another").into());
        }
        copy_of(buffer, &self.uids, names, options, task)
    }
}

/// Encodes the copy of a file that can be a slice.
fn copy_of(
    file: &[u8],
    uids: &NewUids,
    names: &Pseudonyms,
    options: &DeidentifyOptions,
    task: &Task,
) -> Result<Vec<u8>, Refusal> {
    let source = Source::parse(file)?;
    source.header.check_image(&source.syntax)?;
    let dataset = dataset::of(&source, uids, names, options.keep_burned_in, task)?;
    Ok(encode::file(&dataset, source.syntax, &uids.sop)?)
}

/// Encodes the copy of a file in memory; `None` if none is made.
pub(crate) fn copy_in_memory(file: &[u8]) -> Option<Vec<u8>> {
    let names = Pseudonyms::of_key("a key of a program that tries").ok()?;
    let uids = NewUids {
        study: names.uid("study"),
        series: names.uid("series"),
        sop: names.uid("sop"),
    };
    let task = Work::silent().task("", 1, "files");
    copy_of(file, &uids, &names, &DeidentifyOptions::default(), &task).ok()
}

impl fmt::Display for Deidentified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_written = self.n_files - self.n_skipped;
        let (written, looked_at) = (counted(n_written, "file"), counted(self.n_files, "file"));
        let out = self.out.display();
        write!(f, "{written} of {looked_at} de-identified to {out}")?;
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.kind).or_insert(0_usize) += 1;
        }
        for (kind, n) in counts {
            write!(f, "\n  left out: {n} × {}", kind.replace('_', " "))?;
        }
        match self.n_label_rows {
            Some(n) => write!(f, "\n  labels: {} in train.csv", counted(n, "row")),
            None => write!(f, "\n  no label table"),
        }
    }
}
