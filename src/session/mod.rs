//! A session: what the script functions of the host know of the run, test or prompt that they are in, and
//! the engine that has them.

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

/// What the host's script functions know of the run they are in.
pub struct Session {
    /// Where output, progress and warnings go.
    pub console: Arc<Console>,
    /// The parameters' values.
    pub params: Vec<Resolved>,
    /// The folder for what the script writes.
    pub run_dir: PathBuf,
    /// The plugins written in Rhai.
    pub plugins: Plugins,
    /// What the script may do.
    pub sandbox: Sandbox,
    /// The run's record; a script test has none.
    pub journal: Option<Arc<Journal>>,
    /// The seed of everything random.
    pub seed: i64,
    /// Whether `param` gives its default when the parameter is not known: at a prompt nobody gave
    /// any.
    pub defaults: bool,
    threads: AtomicUsize,
    device: Mutex<Device>,
    exit_code: Mutex<Option<i32>>,
    results: Mutex<Mapping>,
    started: Instant,
}

/// The device asked for, and what was chosen once a script asked.
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

    /// The handle through which plugins report progress, learn that they should stop, and use files.
    pub fn work(&self) -> Work {
        Work::new(Arc::new(ConsoleWatch(self.console.clone()))).with_files(self.sandbox.files())
    }

    /// The device, chosen when it is first asked for: a script that needs none does not wait for
    /// a GPU to start.
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

    /// Asks for another device; it is chosen when it is needed.
    pub fn set_device(&self, request: Request) {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        *device = Device {
            request,
            chosen: None,
        };
    }

    /// Threads of rayon and of libtorch.
    pub fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Says how many threads rayon and libtorch were given.
    pub fn set_threads(&self, threads: usize) {
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// Records a result, here, in the journal and the log.
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

    /// What was recorded so far.
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
