//! The folder of a run, `runs/NAME/TIME-HASH/`: copies of what was run, the settings, versions, log and
//! results.
//!
//! `run.yaml` is written when the run begins, with the status `running`, and again when it ends. It is
//! replaced as a whole, so that a reader never sees a part of it. A run whose process was killed keeps
//! the status `running`, with a `pid` that is no longer alive.

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

/// Status of a run.
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

/// Content of `run.yaml`, in its order.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Status of the run.
    pub status: Status,
    /// The exit code, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The script as the user named it.
    pub script: String,
    /// Every parameter with the value used.
    pub params: Mapping,
    /// The source of each value that is no default: the command line, the parameter file or the profile.
    /// Entries of maps are named `parameter.entry`.
    pub given: Mapping,
    /// The seed of everything random.
    pub seed: i64,
    /// Threads of rayon and of libtorch.
    pub threads: usize,
    /// The device that was requested and the one that was used.
    pub device: Device,
    /// Start time, UTC.
    pub started: String,
    /// End time, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Process id of the run.
    pub pid: u32,
    /// Versions of the program, its libraries and the system.
    pub versions: BTreeMap<&'static str, String>,
    /// The plugins written in Rhai that were loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Loaded>,
    /// The sandbox of a confined script; absent for a trusted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Confinement>,
    /// The limits of the script.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// The commit of the script's repository; absent outside of one, and for a confined script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// Duration of the run, and of each kind of native task in it.
    pub timings: Timings,
    /// The files of weights that training started from, and those of models that were loaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightsFile>,
    /// The values that the script recorded with `result(name, value)`.
    pub results: Mapping,
    /// The error of a failed run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// The device of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Device {
    /// `auto`, `cpu` or `cuda:N`.
    pub requested: String,
    /// The device that was chosen; absent if the script needed none.
    pub used: Option<String>,
    /// The reason for this choice.
    pub reason: Option<String>,
}

/// A plugin written in Rhai, as a run's record has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// Its name, the namespace of its functions.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, as a path from the folder where the run was started.
    pub folder: String,
    /// BLAKE3 of its files' names and contents.
    pub digest: String,
}

/// Duration of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Seconds from the creation of the run folder to the end.
    pub total_s: f64,
    /// Native tasks by name.
    pub tasks: BTreeMap<String, Spent>,
}

/// Writer of a run's folder.
pub struct Journal {
    folder: PathBuf,
    files: Files,
    record: Mutex<Record>,
    console: Arc<Console>,
    started: Instant,
}

impl Journal {
    /// Makes the folder `root/NAME/TIME-HASH`. HASH is the same for runs of the same script and plugins
    /// with the same parameters and seed.
    ///
    /// # Errors
    /// When the folder, the log or `run.yaml` cannot be written. The folder is then removed again, if
    /// possible.
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

    /// Starts the log and writes the first `run.yaml`.
    fn begin(&self) -> Result<()> {
        let log = self.folder.join("log.txt");
        let made = self.console.log_to(&log, &self.files);
        made.with_context(|| cannot_write(&log))?;
        self.write().map(drop)
    }

    /// Removes the folder of a run that does not begin. If that fails, a `run.yaml` in it reads like that
    /// of a killed process.
    pub(crate) fn withdraw(&self) {
        self.console.log_to_nothing();
        // A failure is ignored: the first error is the one to report.
        let _ = self.files.remove(&self.folder);
    }

    /// Path of the run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Copies a script's file into the run folder, below `script/`. `relative` is its path in the
    /// script's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, relative: &Path, text: &str) -> Result<()> {
        self.keep_at(&Path::new("script").join(relative), text)
    }

    /// Copies a plugin's file into the run folder, below `plugins/NAME/`. `relative` is its path in the
    /// plugin's folder.
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

    /// A copy of the record.
    pub fn record(&self) -> Record {
        let record = self.record.lock();
        record.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the record in memory. It is written at the end of the run.
    pub fn update(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Records a result under its name; a second one of that name replaces the first.
    pub fn result(&self, name: &str, value: Value) {
        self.update(|record| drop(record.results.insert(name.into(), value)));
    }

    /// Marks the run as ended and writes `run.yaml`.
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

/// The current time, UTC, to the second.
pub fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// Creates a new run folder and returns its path.
fn new_folder(root: &Path, record: &Record, text: &str, files: &Files) -> io::Result<PathBuf> {
    let stem = Path::new(&record.script).file_stem().unwrap_or_default();
    let plugins = record.plugins.iter().map(|plugin| plugin.digest.as_str());
    let plugins: String = plugins.collect();
    let settings = format!("{text}\0{:?}\0{}{plugins}", record.params, record.seed);
    let hash = blake3::hash(settings.as_bytes()).to_hex();
    let time = record.started.replace(['-', ':'], "");
    let parent = root.join(stem);
    files.create_dir_all(&parent)?;
    // Runs of the same second, script and settings are numbered. `create_dir` fails for a folder that
    // exists, so two processes never share one.
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
