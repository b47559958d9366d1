//! The folder of a run: `runs/NAME/TIME-HASH/` with what was run, with which settings, on what,
//! and what came of it.
//!
//! `run.yaml` is written when the run begins, with the status `running`, and again when it ends.
//! It is replaced as a whole, so that a reader never sees half of one. A run whose process was
//! killed keeps the status `running` beside a `pid` that is no longer alive.

mod provenance;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use pe_binding::WeightsFile;
use pe_files::Files;
use serde::Serialize;
use serde_yaml::{Mapping, Value};

use crate::console::{Console, Spent};
use crate::diagnosis::Failure;
use crate::sandbox::{Confinement, Limits};
pub use provenance::{Git, git, versions};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It has not ended, or its process was killed.
    Running,
    /// The script came to its end, or called `exit(0)`.
    Done,
    /// An error ended it, or the script called `exit` with another code.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// What `run.yaml` says, in its order.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// How the run stands.
    pub status: Status,
    /// The exit code, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The script as the user named it.
    pub script: String,
    /// Every parameter with the value used.
    pub params: Mapping,
    /// Where each value that is no default came from: the command line, the parameter file or the
    /// profile. Entries of maps are named `parameter.entry`.
    pub given: Mapping,
    /// The seed of everything random.
    pub seed: i64,
    /// Threads of rayon and of libtorch.
    pub threads: usize,
    /// What was asked for and what was used; a run that never asked used none.
    pub device: Device,
    /// When it began, UTC.
    pub started: String,
    /// When it ended, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// The process, while it runs.
    pub pid: u32,
    /// The versions of what ran.
    pub versions: BTreeMap<&'static str, String>,
    /// The plugins written in Rhai that were loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Loaded>,
    /// What a confined script was allowed; absent for one that is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Confinement>,
    /// How much it may use.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// The commit of the script's repository; absent outside of one, and for a confined script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// How long it took, and each native task in it.
    pub timings: Timings,
    /// The files of weights that training started from, and those of models that were loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightsFile>,
    /// What the script recorded with `result(name, value)`.
    pub results: Mapping,
    /// What ended a failed run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// The device of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Device {
    /// `auto`, `cpu` or `cuda:N`.
    pub requested: String,
    /// The one that was chosen; absent while nobody asked for it.
    pub used: Option<String>,
    /// Why this one.
    pub reason: Option<String>,
}

/// What a run's record says of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// Its name, the namespace of its functions.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, as it can be opened from where the run began.
    pub folder: String,
    /// BLAKE3 of its files' names and contents.
    pub digest: String,
}

/// How long a run took.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timings {
    /// From the start of the script to its end.
    pub total_s: f64,
    /// Native tasks by name.
    pub tasks: BTreeMap<String, Spent>,
}

/// A run's folder.
pub struct Journal {
    folder: PathBuf,
    files: Files,
    record: Mutex<Record>,
    console: Arc<Console>,
    started: Instant,
}

impl Journal {
    /// Makes the folder `root/NAME/TIME-HASH`, where HASH stands for the script and its settings:
    /// runs of the same script with the same parameters and seed end alike.
    ///
    /// # Errors
    /// When the folder, the log or `run.yaml` cannot be written; the folder is removed again, if
    /// that can be.
    pub fn create(
        root: &Path,
        record: Record,
        text: &str,
        console: Arc<Console>,
        files: &Files,
    ) -> Result<Self> {
        let folder = new_folder(root, &record, text, files)
            .with_context(|| format!("cannot make a run folder in {}", root.display()))?;
        let journal = Self {
            folder,
            files: files.clone(),
            record: Mutex::new(record),
            console,
            started: Instant::now(),
        };
        match journal.begin() {
            Ok(()) => Ok(journal),
            Err(error) => {
                journal.withdraw();
                Err(error)
            }
        }
    }

    fn begin(&self) -> Result<()> {
        let log = self.folder.join("log.txt");
        let made = self.console.log_to(&log, &self.files);
        made.with_context(|| cannot_write(&log))?;
        self.write().map(drop)
    }

    /// Removes the folder of a run that does not begin. Where it cannot, a `run.yaml` there is that
    /// of a process that ended.
    pub(crate) fn withdraw(&self) {
        self.console.log_to_nothing();
        // The error at hand says more than one from clearing up.
        let _ = self.files.remove(&self.folder);
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a copy of a script under its path relative to the script's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, relative: &Path, text: &str) -> Result<()> {
        self.keep_at(&Path::new("script").join(relative), text)
    }

    /// Keeps a copy of a plugin's file under its path within the plugin's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_of_plugin(&self, name: &str, relative: &Path, text: &str) -> Result<()> {
        self.keep_at(&Path::new("plugins").join(name).join(relative), text)
    }

    fn keep_at(&self, relative: &Path, text: &str) -> Result<()> {
        let path = self.folder.join(relative);
        let made = self
            .files
            .create_dir_all(path.parent().unwrap_or(&self.folder));
        made.and_then(|()| self.files.replace(&path, text.as_bytes()))
            .with_context(|| cannot_write(&path))
    }

    /// What the record says.
    pub fn record(&self) -> Record {
        let record = self.record.lock();
        record.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the record says; it is written at the end of the run.
    pub fn update(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Records a result under its name; a second one of that name replaces the first.
    pub fn result(&self, name: &str, value: Value) {
        self.update(|record| drop(record.results.insert(name.into(), value)));
    }

    /// Marks the run ended and writes `run.yaml`.
    ///
    /// # Errors
    /// When `run.yaml` cannot be written.
    pub fn finish(&self, status: Status, exit_code: i32, error: Option<Failure>) -> Result<Record> {
        self.update(|record| {
            record.status = status;
            record.exit_code = Some(exit_code);
            record.error = error;
            record.finished = Some(now());
            record.weights = self.console.weights();
            record.timings = Timings {
                total_s: (self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
                tasks: self.console.spent(),
            };
        });
        self.write()
    }

    fn write(&self) -> Result<Record> {
        let record = self.record();
        let path = self.folder.join("run.yaml");
        self.files
            .replace_synced(&path, serde_yaml::to_string(&record)?.as_bytes())
            .with_context(|| cannot_write(&path))?;
        Ok(record)
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Now, UTC, to the second.
pub fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

fn new_folder(root: &Path, record: &Record, text: &str, files: &Files) -> io::Result<PathBuf> {
    let stem = Path::new(&record.script).file_stem().unwrap_or_default();
    let plugins = record.plugins.iter().map(|plugin| plugin.digest.as_str());
    let plugins: String = plugins.collect();
    let settings = format!("{text}\0{:?}\0{}{plugins}", record.params, record.seed);
    let hash = blake3::hash(settings.as_bytes()).to_hex();
    let time = record.started.replace(['-', ':'], "");
    let parent = root.join(stem);
    files.create_dir_all(&parent)?;
    // Two runs of the same second, script and settings: the later ones are numbered.
    for n in 1.. {
        let suffix = if n == 1 {
            String::new()
        } else {
            format!("-{n}")
        };
        let folder = parent.join(format!("{time}-{}{suffix}", &hash[..8]));
        match files.create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    unreachable!("a free number is found before the integers end")
}
