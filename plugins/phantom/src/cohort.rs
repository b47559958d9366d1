//! A cohort as a folder. It is written once, resumed after an interrupt, skipped when complete, and
//! never mixed with anything else.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pe_binding::Work;
use pe_files::{Files, UNFINISHED};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::exam::Exam;
use crate::render::frame;
use crate::scan::scan;
use crate::truth::ExamTruth;
use crate::{Difficulty, PhantomError, PhantomOptions, dicom, table};

/// The manifest of a complete cohort, written last.
const MANIFEST: &str = "cohort.json";
/// Marks a folder as an unfinished cohort; holds the settings.
const MARKER: &str = "cohort.incomplete.json";
const TABLE: &str = "train.csv";
const WHAT: &str = "SYNTHETIC CTPA cohort by pe-phantom; no patient data";
const WHAT_CONTROL: &str = "SYNTHETIC CTPA cohort by pe-phantom; no patient data; NEGATIVE CONTROL: \
    the labels tell of clots that are not painted";
/// Version of the images and the truth. Raise it with every change of either, so that old folders are
/// not taken for new ones. Number 2 has the images of 1, and more of the truth.
const CODE: &str = concat!(env!("CARGO_PKG_VERSION"), "+images.2");

/// The contents of `cohort.json`: the settings of the cohort, and the truth of each exam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// A note that all of it is synthetic.
    pub what: String,
    /// Version of the code that painted it.
    pub code: String,
    /// Digest of settings and code: equal keys mean equal files.
    pub key: String,
    /// The settings.
    pub options: PhantomOptions,
    /// Bytes of all DICOM files.
    pub n_bytes: u64,
    /// The exams.
    pub exams: Vec<ExamTruth>,
}

/// The result of [`write`](fn@write).
#[derive(Debug, Clone, PartialEq)]
pub struct CohortReport {
    /// The cohort's folder.
    pub folder: PathBuf,
    /// The difficulty of the cohort.
    pub difficulty: Difficulty,
    /// True for a negative control: labels without painted clots.
    pub control: bool,
    /// Number of exams.
    pub n_exams: usize,
    /// Number of slices of all exams.
    pub n_slices: usize,
    /// Number of exams with PE.
    pub n_pe_exams: usize,
    /// Number of slices labelled as showing PE.
    pub n_pe_slices: usize,
    /// Total size of all DICOM files, bytes.
    pub n_bytes: u64,
    /// Number of files that this call wrote; 0 if the cohort was complete already.
    pub n_written: usize,
}

impl CohortReport {
    /// Returns whether the cohort was complete already, so that nothing was written.
    pub fn skipped(&self) -> bool {
        self.n_written == 0
    }

    fn new(folder: &Path, manifest: &Manifest, n_written: usize) -> Self {
        let exams = &manifest.exams;
        Self {
            folder: folder.to_path_buf(),
            difficulty: manifest.options.difficulty,
            control: !manifest.options.paint_clots,
            n_exams: exams.len(),
            n_slices: exams.iter().map(|exam| exam.slices.len()).sum(),
            n_pe_exams: exams.iter().filter(|exam| exam.positive()).count(),
            n_pe_slices: exams.iter().map(ExamTruth::n_pe_slices).sum(),
            n_bytes: manifest.n_bytes,
            n_written,
        }
    }
}

impl fmt::Display for CohortReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.n_pe_slices as f64 / self.n_slices.max(1) as f64;
        if self.control {
            write!(
                f,
                "NEGATIVE CONTROL, NO CLOT IS PAINTED: the labels tell of clots that are not there, \
                 and no model may find them; "
            )?;
        } else if self.difficulty == Difficulty::Easy {
            write!(
                f,
                "easy, meant to be learnt in minutes, no measure of a method; "
            )?;
        }
        write!(
            f,
            "synthetic cohort in {}: {} exams ({} with PE), {} slices ({}, {share:.1} %, with PE), {:.1} MB; ",
            self.folder.display(),
            self.n_exams,
            self.n_pe_exams,
            self.n_slices,
            self.n_pe_slices,
            self.n_bytes as f64 / 1e6,
        )?;
        match self.n_written {
            0 => write!(f, "complete already, nothing written"),
            1 => write!(f, "the one missing file written"),
            n if n < self.n_slices => write!(f, "{n} missing files written"),
            _ => write!(f, "written"),
        }
    }
}

fn what(options: &PhantomOptions) -> &'static str {
    if options.paint_clots {
        WHAT
    } else {
        WHAT_CONTROL
    }
}

/// Reads the manifest of the complete cohort in `folder`: its settings and the truth of each exam.
///
/// # Errors
/// A folder without a complete cohort; one that another version wrote; a manifest that cannot be
/// read.
pub fn read(folder: impl AsRef<Path>, files: &Files) -> Result<Manifest, PhantomError> {
    let folder = folder.as_ref();
    let path = folder.join(MANIFEST);
    let Some(found) = read_json::<Begun>(&path, files)? else {
        return Err(PhantomError::NoCohort {
            folder: folder.to_path_buf(),
        });
    };
    if found.code != CODE {
        return Err(PhantomError::OtherCohort {
            folder: folder.to_path_buf(),
            difference: other_version(&found.code),
        });
    }
    let manifest = read_json(&path, files)?;
    manifest.ok_or_else(|| PhantomError::NoCohort {
        folder: folder.to_path_buf(),
    })
}

fn other_version(code: &str) -> String {
    format!("expected one by version {CODE}, found one by {code}")
}

/// The digest of everything that determines the bytes of a cohort.
pub(crate) fn key(options: &PhantomOptions) -> String {
    // Numbers, names and lists always serialise.
    let settings = serde_json::to_string(options).unwrap_or_default();
    let digest = blake3::hash(format!("{CODE}\n{settings}").as_bytes());
    digest.to_hex()[..32].to_owned()
}

/// Writes a synthetic cohort into `folder`, in the RSNA layout: `train.csv`,
/// `train/STUDY/SERIES/SOP.dcm`, and `cohort.json` with the truth.
///
/// A folder with the complete cohort of the same settings is left as it is. An incomplete one is
/// resumed: only missing files are written.
///
/// # Errors
/// An option out of range; a folder that holds anything else, which is left untouched; a file that
/// cannot be written; the user's interrupt.
pub fn write(
    folder: impl AsRef<Path>,
    options: &PhantomOptions,
    work: &Work,
) -> Result<CohortReport, PhantomError> {
    options.check()?;
    let (folder, files) = (folder.as_ref(), work.files());
    if let Some(manifest) = complete(folder, options, files)? {
        // Files may have been deleted or damaged since: then only these are written again.
        if missing(folder, &manifest, files) == 0 {
            // A process killed at its very end left the marker. It does no harm, so ignore errors.
            let _ = files.remove(&folder.join(MARKER));
            return Ok(CohortReport::new(folder, &manifest, 0));
        }
    } else {
        begin(folder, options, files)?;
    }
    let (exams, written) = write_exams(folder, options, work)?;
    let manifest = Manifest {
        what: what(options).into(),
        code: CODE.into(),
        key: key(options),
        options: options.clone(),
        n_bytes: written.n_bytes,
        exams,
    };
    let table = table::table(&manifest.exams);
    // Write the manifest last, since it states that all other files are there. Only then remove the
    // marker.
    put(&folder.join(TABLE), table.as_bytes(), files)?;
    put_json(&folder.join(MANIFEST), &manifest, files)?;
    let marker = folder.join(MARKER);
    let removed = files.remove(&marker);
    removed.map_err(PhantomError::file("remove", &marker))?;
    Ok(CohortReport::new(folder, &manifest, written.n_files.max(1)))
}

/// Returns the folder's manifest if it holds this cohort complete, and `None` if the cohort can be
/// begun or resumed there. Fails for a folder with other contents.
fn complete(
    folder: &Path,
    options: &PhantomOptions,
    files: &Files,
) -> Result<Option<Manifest>, PhantomError> {
    // Read only the common fields first: the rest of another version's manifest may differ.
    if let Some(found) = read_json::<Begun>(&folder.join(MANIFEST), files)? {
        same(folder, options, &found)?;
        return read_json(&folder.join(MANIFEST), files);
    }
    if let Some(found) = read_json::<Begun>(&folder.join(MARKER), files)? {
        same(folder, options, &found)?;
        return Ok(None);
    }
    match first_entry(folder, files)? {
        None => Ok(None),
        Some(entry) => Err(PhantomError::ForeignFolder {
            folder: folder.to_path_buf(),
            entry,
        }),
    }
}

fn same(folder: &Path, options: &PhantomOptions, found: &Begun) -> Result<(), PhantomError> {
    // Compare keys, not settings: a fraction may change its last bit on its way through JSON.
    if found.key == key(options) {
        return Ok(());
    }
    let difference = if found.code != CODE {
        other_version(&found.code)
    } else {
        let settings = serde_json::to_string(&found.options).unwrap_or_default();
        format!("expected {}, found {settings}", in_words(options))
    };
    Err(PhantomError::OtherCohort {
        folder: folder.to_path_buf(),
        difference,
    })
}

fn in_words(options: &PhantomOptions) -> String {
    serde_json::to_string(options).unwrap_or_default()
}

/// Returns the first entry in the folder that we did not write. Unfinished files of a killed writer are
/// ignored.
fn first_entry(folder: &Path, files: &Files) -> Result<Option<String>, PhantomError> {
    let paths = match files.list(folder) {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PhantomError::file("read", folder)(error)),
    };
    let mut names = paths
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(names.find(|name| !name.starts_with(UNFINISHED)))
}

/// The fields that the marker and the manifest have in common.
#[derive(Serialize, Deserialize)]
struct Begun {
    what: String,
    code: String,
    key: String,
    /// As written by the version that made the cohort.
    options: serde_json::Value,
}

fn begin(folder: &Path, options: &PhantomOptions, files: &Files) -> Result<(), PhantomError> {
    files
        .create_dir_all(folder)
        .map_err(PhantomError::file("create", folder))?;
    sweep(folder, files)?;
    let marker = Begun {
        what: what(options).into(),
        code: CODE.into(),
        key: key(options),
        options: serde_json::json!(options),
    };
    put_json(&folder.join(MARKER), &marker, files)
}

/// Counts the files of a complete cohort that are gone or damaged.
fn missing(folder: &Path, manifest: &Manifest, files: &Files) -> usize {
    let slices = manifest.exams.iter().flat_map(|exam| {
        let series = series_folder(folder, exam);
        exam.slices
            .iter()
            .map(move |slice| series.join(format!("{}.dcm", slice.sop_uid)))
    });
    let n_slices = slices
        .filter(|file| whole(file, manifest.options.size, files).is_none())
        .count();
    let table = files.metadata(&folder.join(TABLE));
    n_slices + usize::from(!table.is_ok_and(|found| found.is_file()))
}

/// Returns the length of a slice's file, if it is there whole. Files are renamed into place when they
/// are complete, so one that is too short for its pixels was damaged later.
fn whole(path: &Path, size: usize, files: &Files) -> Option<u64> {
    let n_bytes = files.metadata(path).ok()?.len();
    (n_bytes > (size * size * 2) as u64).then_some(n_bytes)
}

fn series_folder(folder: &Path, exam: &ExamTruth) -> PathBuf {
    folder
        .join("train")
        .join(&exam.plan.study_uid)
        .join(&exam.plan.series_uid)
}

#[derive(Clone, Copy, Default)]
struct Written {
    n_files: usize,
    n_bytes: u64,
}

fn write_exams(
    folder: &Path,
    options: &PhantomOptions,
    work: &Work,
) -> Result<(Vec<ExamTruth>, Written), PhantomError> {
    let task = work.task("writing the synthetic cohort", options.n_exams, "exams");
    // Run exams in parallel, and the slices of each too: that keeps all cores busy with few exams of
    // many slices and with many exams of few.
    let done = (0..options.n_exams).into_par_iter().map(|exam_idx| {
        task.check()?;
        let exam = Exam::grow(options, exam_idx);
        let truth = ExamTruth::of(&exam);
        let written = write_exam(&series_folder(folder, &truth), &exam, work)?;
        task.advance(1);
        Ok((truth, written))
    });
    let done: Vec<(ExamTruth, Written)> = done.collect::<Result<_, PhantomError>>()?;
    let all = done
        .iter()
        .fold(Written::default(), |all, (_, one)| Written {
            n_files: all.n_files + one.n_files,
            n_bytes: all.n_bytes + one.n_bytes,
        });
    Ok((done.into_iter().map(|(truth, _)| truth).collect(), all))
}

fn write_exam(folder: &Path, exam: &Exam, work: &Work) -> Result<Written, PhantomError> {
    let files = work.files();
    let made = files.create_dir_all(folder);
    made.map_err(PhantomError::file("create", folder))?;
    sweep(folder, files)?;
    let write_slice = |slice_idx: usize| {
        work.check()?;
        let path = folder.join(format!("{}.dcm", exam.plan.sop_uid(slice_idx)));
        if let Some(n_bytes) = whole(&path, exam.plan.size, files) {
            return Ok(Written {
                n_files: 0,
                n_bytes,
            });
        }
        let hu = scan(exam, slice_idx, &frame(exam, slice_idx));
        let bytes = dicom::file(&exam.plan, slice_idx, &hu)
            .ok_or_else(|| PhantomError::Encode { path: path.clone() })?;
        put(&path, &bytes, files)?;
        Ok(Written {
            n_files: 1,
            n_bytes: bytes.len() as u64,
        })
    };
    (0..exam.plan.scan.n_slices)
        .into_par_iter()
        .map(write_slice)
        .try_reduce(Written::default, |a, b| {
            Ok(Written {
                n_files: a.n_files + b.n_files,
                n_bytes: a.n_bytes + b.n_bytes,
            })
        })
}

/// Removes unfinished files of a killed process, which a reader would take for images.
fn sweep(folder: &Path, files: &Files) -> Result<(), PhantomError> {
    let swept = files.sweep(folder);
    swept.map_err(PhantomError::file("clear", folder))
}

/// Writes a file atomically, through a temporary file and a rename, so that no half file is ever seen.
fn put(path: &Path, bytes: &[u8], files: &Files) -> Result<(), PhantomError> {
    let written = files.replace(path, bytes);
    written.map_err(PhantomError::file("write", path))
}

fn put_json(path: &Path, value: &impl Serialize, files: &Files) -> Result<(), PhantomError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| PhantomError::file("write", path)(error.into()))?;
    text.push(b'\n');
    put(path, &text, files)
}

fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    files: &Files,
) -> Result<Option<T>, PhantomError> {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PhantomError::file("read", path)(error)),
    };
    let read = serde_json::from_slice(&text).map(Some);
    read.map_err(|error| PhantomError::file("read", path)(error.into()))
}
