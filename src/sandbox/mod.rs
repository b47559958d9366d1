//! Sandbox for scripts that are not trusted: limits the folders that they read and write, and their
//! operations, time, output and data.
//!
//! Input: the command line and the script's path. Output: the [`Files`] of a session, limits on
//! its engine, and a clock. This module must not know what a script is for.

mod args;
mod clock;
mod limits;
mod project;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pe_files::{Files, Gate};
use rhai::Engine;
use serde::Serialize;

use crate::console::Console;
use crate::diagnosis::Diagnosis;
use crate::stop::{Interrupt, Limit};
use crate::text::visible_line;

pub use args::SandboxArgs;
pub(crate) use clock::Clock;
pub use limits::Limits;
pub(crate) use project::{CONFIG, is_of_project};

/// Permissions and limits of a script. Clones share the count of operations.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    walls: Option<Walls>,
    disk: Files,
    limits: Limits,
    n_operations: Arc<AtomicU64>,
}

/// The folders that a confined script may use.
#[derive(Debug, Clone)]
struct Walls {
    gate: Gate,
    told: Confinement,
    /// Set if the script is confined only because it lies outside of the user's project.
    outside: Option<Outside>,
}

#[derive(Debug, Clone)]
struct Outside {
    script: PathBuf,
    project: PathBuf,
}

/// The sandbox of a run, as `run.yaml` records it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Confinement {
    /// The reason, such as `--sandbox` or that the script lies outside of the project.
    pub because: String,
    /// Folders and files that it may read, in addition to those in `write`.
    pub read: Vec<PathBuf>,
    /// Folders that it may write, in addition to the folder that `run_dir()` returns.
    pub write: Vec<PathBuf>,
}

impl Sandbox {
    /// The sandbox for a script by the command line; `None` stands for text that the user typed.
    ///
    /// A script outside of the user's project is confined unless the command line says otherwise.
    ///
    /// # Errors
    /// When a path of `--allow-read` does not exist, or one of `--allow-write` cannot be resolved.
    pub fn of(arguments: &SandboxArgs, script: Option<&Path>) -> Result<Self, Box<Diagnosis>> {
        let project = if arguments.no_sandbox {
            None
        } else {
            script.and_then(project::without)
        };
        let because = match &project {
            _ if arguments.sandbox => "--sandbox".to_owned(),
            _ if !arguments.allow_read.is_empty() => "--allow-read".to_owned(),
            _ if !arguments.allow_write.is_empty() => "--allow-write".to_owned(),
            Some(project) => format!("the script lies outside of {}", project.display()),
            None => return Ok(Self::free(Limits::given(arguments))),
        };
        let asked = arguments.asks();
        // The notice about scripts from elsewhere is only for a user who did not ask for the sandbox.
        let outside = script.zip(project.filter(|_| !asked));
        let mut walls = Walls {
            gate: Gate::default(),
            told: Confinement {
                because,
                ..Confinement::default()
            },
            outside: outside.map(|(script, project)| Outside {
                script: script.to_path_buf(),
                project,
            }),
        };
        if let Some(script) = script {
            walls.read(&folder_of(script), "the script's folder")?;
        }
        for path in &arguments.allow_read {
            if !path.exists() {
                let message = format!("`--allow-read`: there is no {}", path.display());
                let hint = "name a folder or a file that is there".to_owned();
                return Err(Diagnosis::new("usage.sandbox", message, Some(hint)).into());
            }
            walls.read(path, "`--allow-read`")?;
        }
        for path in &arguments.allow_write {
            walls.write(path, "`--allow-write`")?;
            walls.told.write.push(real(path));
        }
        Ok(Self {
            walls: Some(walls),
            ..Self::free(Limits::confined(arguments))
        })
    }

    /// Access to all files, within `limits`.
    fn free(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Replaces the underlying file system. `files` must not be confined themselves.
    pub(crate) fn on(self, files: &Files) -> Self {
        let disk = files.clone();
        Self { disk, ..self }
    }

    /// Returns whether the script is restricted to some folders.
    pub fn is_confined(&self) -> bool {
        self.walls.is_some()
    }

    /// The limits of the script.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Also allows writing below a folder. No effect for a trusted script.
    ///
    /// # Errors
    /// When the folder's path cannot be resolved.
    pub(crate) fn and_write(mut self, folder: &Path) -> Result<Self, Box<Diagnosis>> {
        if let Some(walls) = &mut self.walls {
            walls.write(folder, "the run's folder")?;
        }
        Ok(self)
    }

    /// Also allows reading below a folder. No effect for a trusted script.
    ///
    /// # Errors
    /// As [`Self::and_write`].
    pub(crate) fn and_read(mut self, folder: &Path) -> Result<Self, Box<Diagnosis>> {
        if let Some(walls) = &mut self.walls {
            walls.read(folder, "the folder")?;
        }
        Ok(self)
    }

    /// The file system as the script may use it.
    pub fn files(&self) -> Files {
        match &self.walls {
            Some(walls) => self.disk.clone().within(walls.gate.clone()),
            None => self.disk.clone(),
        }
    }

    /// Message for the user about a script that is confined although they did not ask for it.
    pub(crate) fn notice(&self) -> Option<String> {
        let Outside { script, project } = self.walls.as_ref()?.outside.as_ref()?;
        let (name, folder) = (script.display(), folder_of(script));
        let notice = format!(
            "{name} lies outside of the project {}, so it runs in the sandbox: it reads below {} \
             and writes into its run's folder only; let it do more with `--allow-read DIR`, \
             `--allow-write DIR`, or `--no-sandbox`",
            project.display(),
            folder.display(),
        );
        Some(visible_line(&notice).into_owned())
    }

    /// The sandbox for the run's record; `None` for a trusted script.
    pub(crate) fn told(&self) -> Option<Confinement> {
        self.walls.as_ref().map(|walls| walls.told.clone())
    }

    /// Sets the limits of an engine, and those of the output through a console.
    pub(crate) fn limit(&self, engine: &mut Engine, console: &Console) {
        self.limits.apply(engine);
        console.limit(self.limits.output_bytes);
        console.confine(self.is_confined());
    }

    /// Counts one operation and requests a stop at the limit. Rhai's own counter cannot be used: it
    /// restarts in each callback.
    pub(crate) fn count(&self, interrupt: &Interrupt) {
        if let Some(most) = self.limits.operations
            && self.n_operations.fetch_add(1, Ordering::Relaxed) >= most
        {
            interrupt.exceed(Limit::Operations(most));
        }
    }

    /// Resets the count of operations to 0.
    pub(crate) fn begin(&self) {
        self.n_operations.store(0, Ordering::Relaxed);
    }

    /// Starts the timer for the time limit. It requests a stop, and calls `at_end` if the run is not
    /// over some time after that.
    pub(crate) fn clock(
        &self,
        interrupt: &Interrupt,
        at_end: impl FnOnce(Limit) + Send + 'static,
    ) -> Clock {
        Clock::start(self.limits.time, interrupt, at_end)
    }
}

impl Walls {
    fn read(&mut self, path: &Path, what: &str) -> Result<(), Box<Diagnosis>> {
        let allowed = self.gate.allow_read(path);
        allowed.map_err(|error| cannot(what, path, &error))?;
        self.told.read.push(real(path));
        Ok(())
    }

    fn write(&mut self, path: &Path, what: &str) -> Result<(), Box<Diagnosis>> {
        let allowed = self.gate.allow_write(path);
        allowed.map_err(|error| cannot(what, path, &error))
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Box<Diagnosis> {
    let message = format!("{what}: cannot allow {}: {error}", path.display());
    let hint = "name a folder, by a path that can be followed to its end".to_owned();
    Diagnosis::new("usage.sandbox", message, Some(hint)).into()
}

/// The folder of a script, `.` for a bare file name.
fn folder_of(script: &Path) -> PathBuf {
    match script.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Absolute path for the record, which is read from other folders.
fn real(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.canonicalize().unwrap_or_else(|_| absolute())
}
