//! What a script may do that is not trusted: which folders it may read and write, and how much it
//! may use.
//!
//! Input: the command line and where the script lies. Output: the [`Files`] of a session, limits on
//! its engine, and a clock. This room must not know what a script is for.

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

/// What a script may do. Clones share how much was used of it.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    walls: Option<Walls>,
    disk: Files,
    limits: Limits,
    n_operations: Arc<AtomicU64>,
}

/// The folders of a confined script.
#[derive(Debug, Clone)]
struct Walls {
    gate: Gate,
    told: Confinement,
    /// The project that the script does not lie in, when that is why it is confined.
    outside: Option<Outside>,
}

#[derive(Debug, Clone)]
struct Outside {
    script: PathBuf,
    project: PathBuf,
}

/// What a run's record says of its sandbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Confinement {
    /// Why the script is confined.
    pub because: String,
    /// What it may read, beside what it may write.
    pub read: Vec<PathBuf>,
    /// What it may write, beside the folder that `run_dir()` gives.
    pub write: Vec<PathBuf>,
}

impl Sandbox {
    /// What the command line lets a script do; without a script, what it lets the user's own text.
    ///
    /// A script that does not lie in the project is confined unless the user says otherwise.
    ///
    /// # Errors
    /// For a folder of `--allow-read` that is not there, or one of `--allow-write` that cannot be.
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

    /// Everything, within `limits`.
    fn free(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The same on these files, which are not confined themselves.
    pub(crate) fn on(self, files: &Files) -> Self {
        let disk = files.clone();
        Self { disk, ..self }
    }

    /// Whether the script reaches some folders only.
    pub fn is_confined(&self) -> bool {
        self.walls.is_some()
    }

    /// How much may be used.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same with a folder that may be written too; nothing changes for a script that is trusted.
    ///
    /// # Errors
    /// When the folder cannot be.
    pub(crate) fn and_write(mut self, folder: &Path) -> Result<Self, Box<Diagnosis>> {
        if let Some(walls) = &mut self.walls {
            walls.write(folder, "the run's folder")?;
        }
        Ok(self)
    }

    /// The same with a folder that may be read too.
    ///
    /// # Errors
    /// As [`Self::and_write`].
    pub(crate) fn and_read(mut self, folder: &Path) -> Result<Self, Box<Diagnosis>> {
        if let Some(walls) = &mut self.walls {
            walls.read(folder, "the folder")?;
        }
        Ok(self)
    }

    /// The files that the script may use.
    pub fn files(&self) -> Files {
        match &self.walls {
            Some(walls) => self.disk.clone().within(walls.gate.clone()),
            None => self.disk.clone(),
        }
    }

    /// For the user, of a script that is confined and of which they did not ask it.
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

    /// What the run's record says.
    pub(crate) fn told(&self) -> Option<Confinement> {
        self.walls.as_ref().map(|walls| walls.told.clone())
    }

    /// Sets the limits of an engine and of what is said through a console.
    pub(crate) fn limit(&self, engine: &mut Engine, console: &Console) {
        self.limits.apply(engine);
        console.limit(self.limits.output_bytes);
        console.confine(self.is_confined());
    }

    /// Counts an operation of a script. Rhai's own count begins anew in each callback.
    pub(crate) fn count(&self, interrupt: &Interrupt) {
        if let Some(most) = self.limits.operations
            && self.n_operations.fetch_add(1, Ordering::Relaxed) >= most
        {
            interrupt.exceed(Limit::Operations(most));
        }
    }

    /// Counts operations from 0 again.
    pub(crate) fn begin(&self) {
        self.n_operations.store(0, Ordering::Relaxed);
    }

    /// Asks to stop when the time is over, and calls `at_end` when nothing has stopped then.
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

/// The folder of a script, as it can be opened from here.
fn folder_of(script: &Path) -> PathBuf {
    match script.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// A path for the record, which is read elsewhere.
fn real(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.canonicalize().unwrap_or_else(|_| absolute())
}
