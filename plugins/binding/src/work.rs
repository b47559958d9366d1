use std::fmt;
use std::sync::Arc;

use pe_files::Files;
use serde::{Deserialize, Serialize};

/// Observer of a long computation: the host's progress bars and Ctrl-C, or an embedder's own.
pub trait Watch: Send + Sync {
    /// A task of `total` units (`"files"`, `"slices"`) begins; `total` is 0 if it is not known.
    fn begin(&self, what: &str, total: u64, unit: &str);
    /// `n` more units of the innermost task are done. Called from any thread.
    fn advance(&self, n: u64);
    /// `n` units of the innermost task were done earlier, by another process. They count as done, but
    /// not for the speed.
    fn resume(&self, n: u64) {
        self.advance(n);
    }
    /// Sets a short status text of the innermost task, such as its loss or epoch. It replaces the text
    /// before.
    fn note(&self, _text: &str) {}
    /// The innermost task ended, complete or not.
    fn end(&self);
    /// Shows a warning: something the user should know that is not an error. Holds no patient data.
    fn warn(&self, message: &str);
    /// Records, for the record of a run, that the work starts from this file of weights or uses it.
    fn weights(&self, _file: &WeightsFile) {}
    /// Returns whether the user asked to stop.
    fn interrupted(&self) -> bool;
}

/// A file of weights that a script named, identified by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// The file as the user named it.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of published weights, if the file says that it was made from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

/// The handle through which a computation reports progress, checks whether it should stop, and uses
/// files.
///
/// Cheap to clone and usable from any thread. [`Work::silent`] reports to nobody, never stops, and
/// uses the file system without limits.
/// In Rhai it travels as the engine's default tag, see `script::work`.
#[derive(Clone, Default)]
pub struct Work {
    watch: Option<Arc<dyn Watch>>,
    files: Files,
}

/// The user's interrupt (Ctrl-C) as an error value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

impl Work {
    /// Creates work whose progress goes to `watch`.
    pub fn new(watch: Arc<dyn Watch>) -> Self {
        Self {
            watch: Some(watch),
            files: Files::free(),
        }
    }

    /// Returns this work with `files` for everything that it reads and writes.
    ///
    /// ```
    /// use pe_binding::Work;
    /// use pe_files::{Files, Gate};
    /// let work = Work::silent().with_files(Files::confined(Gate::default()));
    /// assert!(work.files().read("secret".as_ref()).is_err());
    /// ```
    pub fn with_files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// The file access of this work. A plugin reads and writes through it alone.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Creates work that reports to nobody and that nobody can stop.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Begins a task; it ends when the returned guard is dropped.
    ///
    /// ```
    /// let work = pe_binding::Work::silent();
    /// let task = work.task("reading headers", 2, "files");
    /// task.advance(2);
    /// assert_eq!(task.check(), Ok(()));
    /// ```
    pub fn task(&self, what: &str, total: usize, unit: &str) -> Task {
        if let Some(watch) = &self.watch {
            watch.begin(what, total as u64, unit);
        }
        Task { work: self.clone() }
    }

    /// Returns `Err` once the user has asked to stop. Call it at least every 0.2 s of work.
    ///
    /// # Errors
    /// [`Interrupted`] after the user's interrupt.
    pub fn check(&self) -> Result<(), Interrupted> {
        match &self.watch {
            Some(watch) if watch.interrupted() => Err(Interrupted),
            _ => Ok(()),
        }
    }

    /// Records a file of weights that the work starts from.
    pub fn weights(&self, file: &WeightsFile) {
        if let Some(watch) = &self.watch {
            watch.weights(file);
        }
    }

    /// Shows the user something that is not an error. Never pass patient data.
    pub fn warn(&self, message: &str) {
        if let Some(watch) = &self.watch {
            watch.warn(message);
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.watch.is_some() {
            "Work(watched)"
        } else {
            "Work(silent)"
        })
    }
}

/// A running task, from [`Work::task`]; ends when dropped.
pub struct Task {
    work: Work,
}

impl Task {
    /// `n` more units are done.
    pub fn advance(&self, n: usize) {
        if let Some(watch) = &self.work.watch {
            watch.advance(n as u64);
        }
    }

    /// `n` units were done earlier, by another process.
    pub fn resume(&self, n: usize) {
        if let Some(watch) = &self.work.watch {
            watch.resume(n as u64);
        }
    }

    /// Sets a short status text of the task, which replaces the one before.
    pub fn note(&self, text: &str) {
        if let Some(watch) = &self.work.watch {
            watch.note(text);
        }
    }

    /// As [`Work::check`].
    ///
    /// # Errors
    /// [`Interrupted`] after the user's interrupt.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.work.check()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(watch) = &self.work.watch {
            watch.end();
        }
    }
}
