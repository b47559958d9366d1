//! A session: the state of a run, test or prompt that the host's script functions use, and the engine
//! that has these functions.

mod args;
mod engine;
mod functions;
mod plugins;
mod show;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pe_binding::Work;
use pe_nn::{Choice, DeviceError, Request};
use serde_yaml::{Mapping, Value};

use crate::console::{Console, ConsoleWatch};
use crate::extension::Plugins;
use crate::params::Resolved;
use crate::record::Journal;
use crate::sandbox::Sandbox;
pub use args::SessionArgs;
pub(crate) use engine::engine;
pub use engine::{extend, register};
pub(crate) use functions::documented;
pub(crate) use plugins::find_plugins;
pub(crate) use show::picture;

/// State of a run, test or prompt, shared by the host's script functions.
pub struct Session {
    /// Receives output, progress and warnings.
    pub console: Arc<Console>,
    /// The parameters' values.
    pub params: Vec<Resolved>,
    /// The folder for the script's files, returned by `run_dir()`.
    pub run_dir: PathBuf,
    /// The plugins written in Rhai.
    pub plugins: Plugins,
    /// Permissions and limits of the script.
    pub sandbox: Sandbox,
    /// The run's record; a script test has none.
    pub journal: Option<Arc<Journal>>,
    /// The seed of everything random.
    pub seed: i64,
    /// Makes `param` return its default for an unknown parameter. Set at the prompt, where no
    /// parameters are given.
    pub defaults: bool,
    threads: AtomicUsize,
    device: Mutex<Device>,
    exit_code: Mutex<Option<i32>>,
    results: Mutex<Mapping>,
    started: Instant,
}

/// The requested device, and the choice once a script needed one.
#[derive(Default)]
struct Device {
    request: Request,
    chosen: Option<Result<Choice, DeviceError>>,
}

impl Session {
    /// A session that begins now, with seed 0, one thread and no parameters.
    pub fn new(console: Arc<Console>, run_dir: impl AsRef<Path>) -> Self {
        Self {
            console,
            params: Vec::new(),
            run_dir: run_dir.as_ref().to_path_buf(),
            plugins: Plugins::default(),
            sandbox: Sandbox::default(),
            journal: None,
            seed: 0,
            defaults: false,
            threads: AtomicUsize::new(1),
            device: Mutex::default(),
            exit_code: Mutex::new(None),
            results: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// The handle by which plugins report progress, poll for a stop request, and use files.
    pub fn work(&self) -> Work {
        Work::new(Arc::new(ConsoleWatch(self.console.clone()))).with_files(self.sandbox.files())
    }

    /// Returns the device and chooses it at the first call. A script that needs none does not wait
    /// until a GPU is initialised.
    ///
    /// # Errors
    /// [`DeviceError`] when the device that the user named cannot be used.
    pub fn choose_device(&self) -> Result<Choice, DeviceError> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        let request = device.request;
        let choose = || {
            let choice = pe_nn::choose(request)?;
            let (name, reason) = (choice.name(), choice.reason().to_owned());
            self.console.log(&format!("device: {name} ({reason})"));
            if let Some(journal) = &self.journal {
                journal.update(|record| {
                    record.device.used = Some(name);
                    record.device.reason = Some(reason);
                });
            }
            Ok(choice)
        };
        device.chosen.get_or_insert_with(choose).clone()
    }

    /// Requests another device. It is chosen when it is needed.
    pub fn set_device(&self, request: Request) {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        *device = Device {
            request,
            chosen: None,
        };
    }

    /// Number of threads of rayon and of libtorch.
    pub fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Stores the number of threads that rayon and libtorch were given, without changing theirs.
    pub fn set_threads(&self, threads: usize) {
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// Records a result in the session, the journal and the log.
    pub fn result(&self, name: &str, value: Value) {
        self.console.record(
            "result",
            &format!("{name} = {}", crate::language::value::shown(&value)),
        );
        if let Some(journal) = &self.journal {
            journal.result(name, value.clone());
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(name.into(), value);
    }

    /// The results that were recorded so far.
    pub fn results(&self) -> Mapping {
        let results = self.results.lock();
        results.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The code that the script gave to `exit`.
    pub fn exit_code(&self) -> Option<i32> {
        *self
            .exit_code
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_exit_code(&self, code: i32) {
        *self
            .exit_code
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// Seconds since the session began.
    pub fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
