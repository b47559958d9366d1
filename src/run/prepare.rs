//! Preparation of a run: everything between the command line and the script's first statement.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use pe_binding::Explain;
use pe_files::Files;
use pe_nn::Request;
use serde_yaml::{Mapping, Value};
use signal_hook::low_level;

use super::{Refused, Script, settings};
use crate::console::{Console, Look};
use crate::diagnosis::{Diagnosis, Failure};
use crate::extension::{Plugins, RhaiPlugin};
use crate::params::{self, Bad, Given, Resolved};
use crate::record::{self, Journal, Record, Status};
use crate::run::RunArgs;
use crate::sandbox::{Clock, Limits, Sandbox};
use crate::session::{Session, find_plugins};
use crate::stop::{Interrupt, Limit};

/// A run that is about to begin.
pub(super) struct Prepared {
    pub(super) session: Arc<Session>,
    pub(super) journal: Arc<Journal>,
    /// Timer of the time limit; it stops when this is dropped.
    _clock: Clock,
}

/// Resolves parameters, plugins, sandbox and device, and makes the run folder.
///
/// # Errors
/// When something is wrong with the command line or a plugin, or the folder cannot be made.
pub(super) fn prepare(
    arguments: &RunArgs,
    path: &Path,
    script: &Script,
    look: Look,
    files: &Files,
) -> Result<Prepared, Refused> {
    let arguments = &settings::fold(arguments, &script.params)?;
    let sandbox = Sandbox::of(&arguments.session.sandbox, Some(path))?.on(files);
    // Set once there is a run folder. The signal handler and the clock start earlier; when they end the
    // process, they write the record through this cell.
    let ended_at_once = Arc::new(OnceLock::<Arc<Journal>>::new());
    let interrupt = listen(ended_at_once.clone())?;
    // Start the clock first: the time limit includes reading plugins and parameter files.
    let clock = sandbox.clock(&interrupt, overdue(ended_at_once.clone()));
    let given = given(arguments, path, script, &sandbox.files())?;
    let params = params::resolve(&script.params, &given)?;
    let device = arguments.session.device().map_err(usage)?;
    let root = path.parent().unwrap_or(Path::new(""));
    let given_plugins = &arguments.session.plugin;
    let plugins = find_plugins(given_plugins, root, &sandbox, &interrupt)?;
    let sandbox = plugins.let_in(sandbox, root)?;
    let threads = set_threads(arguments.session.threads);
    let console = Console::new(look, interrupt);
    if let Some(notice) = sandbox.notice() {
        console.warning(&notice);
    }
    let record = Record {
        // Git runs commands that a repository's settings name, so it is not called in the repository of
        // a confined script.
        git: if sandbox.is_confined() {
            None
        } else {
            record::git(path)
        },
        sandbox: sandbox.told(),
        limits: sandbox.limits().clone(),
        plugins: plugins.all().iter().map(RhaiPlugin::loaded).collect(),
        ..record(arguments, path, &params, threads, device)
    };
    let profile = given.profile.iter().map(|file| (&*file.path, &*file.text));
    let kept = profile.chain([(path, &*script.text)]);
    let journal = Journal::create(&arguments.out, record, &script.text, console.clone(), files)
        .map_err(no_folder)?;
    let journal = Arc::new(journal);
    let kept = keep(&journal, kept, &plugins);
    let folder = kept.and_then(|()| own_folder(&journal, &sandbox, files));
    let folder = folder.map_err(|error| {
        journal.withdraw();
        no_folder(error)
    })?;
    let _ = ended_at_once.set(journal.clone());
    let mut session = Session::new(console, &folder);
    session.sandbox = sandbox.and_write(&folder)?;
    session.params = params;
    session.plugins = plugins;
    session.journal = Some(journal.clone());
    session.seed = arguments.session.seed.unwrap_or_default();
    session.set_threads(threads);
    session.set_device(device);
    // Fail now if a GPU was named and is missing, not after an hour of preprocessing.
    if device != Request::Auto {
        session.choose_device().map_err(|error| {
            let refused = usage(error);
            let _ = journal.finish(Status::Failed, crate::stop::USAGE, refused.failure());
            refused
        })?;
    }
    Ok(Prepared {
        session: Arc::new(session),
        journal,
        _clock: clock,
    })
}

/// Copies the script, its profile's file and its plugins into the run folder.
fn keep<'a>(
    journal: &Journal,
    texts: impl Iterator<Item = (&'a Path, &'a str)>,
    plugins: &Plugins,
) -> anyhow::Result<()> {
    for (path, text) in texts {
        journal.keep(Path::new(path.file_name().unwrap_or_default()), text)?;
    }
    plugins.keep(journal)
}

/// Folder for the script's own files. A confined script gets the subfolder `files`, because it must
/// not change its record or the copies of what was run.
fn own_folder(journal: &Journal, sandbox: &Sandbox, files: &Files) -> anyhow::Result<PathBuf> {
    if !sandbox.is_confined() {
        return Ok(journal.folder().to_path_buf());
    }
    let folder = journal.folder().join("files");
    let made = files.create_dir(&folder);
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn no_folder(error: anyhow::Error) -> Refused {
    Refused::Usage(Diagnosis::of_run_folder(&error).into())
}

/// Returns what the clock calls for a run that did not stop at its time limit: it writes the record
/// and ends the process.
fn overdue(journal: Arc<OnceLock<Arc<Journal>>>) -> impl FnOnce(Limit) + Send + 'static {
    move |limit| {
        let report = Diagnosis::of_limit(limit);
        let code = limit.exit_code();
        // An error is ignored: the terminal may be gone.
        let _ = writeln!(io::stderr(), "{}", report.render(false));
        end_record(&journal, Status::Failed, code, Some(report.failure()));
        low_level::exit(code);
    }
}

/// Writes the record of a run whose process ends now, or prints why it cannot.
fn end_record(
    journal: &OnceLock<Arc<Journal>>,
    status: Status,
    code: i32,
    failure: Option<Failure>,
) {
    let finished = journal
        .get()
        .map(|journal| journal.finish(status, code, failure));
    if let Some(Err(error)) = finished {
        let _ = writeln!(
            io::stderr(),
            "{}",
            Diagnosis::of_record(&error).render(false)
        );
    }
}

fn usage(error: impl Explain) -> Refused {
    Refused::Usage(Diagnosis::new(error.kind(), error.to_string(), error.hint()).into())
}

impl Refused {
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::Usage(report) | Self::Script(report) => Some(report.failure()),
        }
    }
}

impl From<Box<Diagnosis>> for Refused {
    /// Only kinds `usage.…` are usage errors: an error inside a plugin's script counts as a script's.
    fn from(report: Box<Diagnosis>) -> Self {
        if report.kind.starts_with("usage.") {
            Self::Usage(report)
        } else {
            Self::Script(report)
        }
    }
}

impl From<Bad> for Refused {
    fn from(bad: Bad) -> Self {
        Self::Usage(Diagnosis::new(bad.kind, bad.message, Some(bad.hint)).into())
    }
}

/// Reads the parameters that the user gave: arguments, parameter file, and the chosen profile's file.
/// The profile comes with the script, so it is read through the script's confined `files`.
pub(super) fn given(
    arguments: &RunArgs,
    path: &Path,
    script: &Script,
    files: &Files,
) -> Result<Given, Bad> {
    let file = arguments
        .file
        .as_deref()
        .map(params::read_file)
        .transpose()?;
    let mut given = Given {
        profile: None,
        file,
        arguments: arguments.params.clone(),
    };
    given.profile = params::read_profile(&script.params, path, &given, files)?;
    Ok(given)
}

/// Sets the number of threads of rayon and libtorch, all cores by default, and returns it. Both get
/// the same number, so that neither takes all cores while the other runs.
pub(crate) fn set_threads(asked: Option<u16>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = asked.map_or(cores, usize::from);
    // It fails only if the process, one that embeds the host, has a pool already.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global();
    pe_nn::libtorch::set_threads(threads);
    threads
}

/// Listens for signals. A second Ctrl-C writes the record before the process ends.
fn listen(journal: Arc<OnceLock<Arc<Journal>>>) -> Result<Interrupt, Refused> {
    let at_once = move |code| end_record(&journal, Status::Interrupted, code, None);
    Interrupt::listen(at_once).map_err(|error| {
        let message = format!("cannot listen for Ctrl-C: {error}");
        Refused::Usage(Diagnosis::new("usage.signals", message, None).into())
    })
}

/// The record of a run that begins.
fn record(
    arguments: &RunArgs,
    path: &Path,
    params: &[Resolved],
    threads: usize,
    device: Request,
) -> Record {
    let value = |param: &Resolved| (Value::from(param.name.as_str()), param.value.clone());
    Record {
        status: Status::Running,
        exit_code: None,
        script: path.display().to_string(),
        params: params.iter().map(value).collect::<Mapping>(),
        given: params::given(params),
        seed: arguments.session.seed.unwrap_or_default(),
        threads,
        device: record::Device {
            requested: device.to_string(),
            ..record::Device::default()
        },
        started: record::now(),
        finished: None,
        pid: std::process::id(),
        versions: record::versions(),
        plugins: Vec::new(),
        sandbox: None,
        limits: Limits::default(),
        git: None,
        timings: record::Timings::default(),
        weights: Vec::new(),
        results: Mapping::new(),
        error: None,
    }
}
