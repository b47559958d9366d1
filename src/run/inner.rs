//! Runs a script inside the process of another one, for script tests. Its parameters come in a map;
//! it has one thread and seed 0. Its output and results are returned, and no run folder is made.

use std::path::Path;
use std::sync::Arc;

use pe_binding::script::{REFUSED, ScriptResult, refused, runtime_error};
use pe_files::{Access, Files};
use rhai::{Array, Dynamic, EvalAltResult, Map, Position};
use serde_yaml::Mapping;

use super::{Fault, Refused, Script, read, whole};
use crate::console::Console;
use crate::diagnosis::Diagnosis;
use crate::params::{self, Bad, Given, ParamFile, Resolved};
use crate::session::{Session, find_plugins};

/// Results and output of a script.
pub(crate) struct Ran {
    /// The values that it recorded with `result(name, value)`.
    pub results: Mapping,
    /// Its output by `print`.
    pub printed: String,
}

/// Runs the script at `path` with the run folder, sandbox and plugins of the session `outer`. The
/// user's interrupt stops both.
///
/// # Errors
/// When the script cannot be read, a parameter is wrong, the script fails, or it calls `exit` with
/// another code than 0.
pub(crate) fn run(path: &Path, values: Mapping, outer: &Arc<Session>) -> ScriptResult<Ran> {
    // `read` is not confined itself: a confined test must not run, and so see, any script it likes.
    if let Err(error) = outer.work().files().check(path, Access::Read) {
        let unreadable = || runtime_error("script.file", &error.to_string(), None);
        return Err(refused(&error).unwrap_or_else(unreadable));
    }
    let script = read(path).map_err(|refused| match refused {
        Refused::Usage(report) | Refused::Script(report) => raise(path, &report),
    })?;
    let files = outer.work().files().clone();
    let params = resolve(path, &script, values, &files).map_err(|bad| {
        let kind = match bad.kind {
            REFUSED => REFUSED,
            _ => "run_script.param",
        };
        runtime_error(kind, &bad.message, Some(&bad.hint))
    })?;
    let root = path.parent().unwrap_or(Path::new(""));
    let interrupt = outer.console.interrupt();
    let plugins = find_plugins(outer.plugins.given(), root, &outer.sandbox, interrupt)
        .map_err(|report| raise(path, &report))?;
    let console = Console::keeping(outer.console.interrupt().clone());
    let mut session = Session::new(console.clone(), &outer.run_dir);
    session.params = params;
    session.plugins = plugins;
    session.sandbox = outer.sandbox.clone();
    let session = Arc::new(session);
    let ended = whole(&session, path, &script).map_err(|fault| match fault {
        Fault::Stopped => EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into(),
        Fault::Failed(report) => raise(path, &report),
    });
    // Before the error is returned, so that a failed test shows the script's output.
    for line in console.said().all.lines() {
        outer.console.log(line);
    }
    ended?;
    match session.exit_code() {
        Some(code) if code != 0 => {
            let message = format!("{} ended itself with `exit({code})`", path.display());
            Err(runtime_error("script.exit", &message, None))
        }
        _ => Ok(Ran {
            results: session.results(),
            printed: console.said().printed,
        }),
    }
}

fn resolve(
    path: &Path,
    script: &Script,
    values: Mapping,
    files: &Files,
) -> Result<Vec<Resolved>, Bad> {
    let mut given = Given {
        file: Some(ParamFile {
            path: "the map of `run_script`".into(),
            values,
            ..ParamFile::default()
        }),
        ..Given::default()
    };
    given.profile = params::read_profile(&script.params, path, &given, files)?;
    params::resolve(&script.params, &given)
}

/// The inner script's error as an error of the outer one. The rendered report, with the place in the
/// inner script, becomes a note.
fn raise(path: &Path, report: &Diagnosis) -> Box<EvalAltResult> {
    let message = format!("{} failed: {}", path.display(), report.message);
    let mut error = runtime_error(&report.kind, &message, report.hint.as_deref());
    if let EvalAltResult::ErrorRuntime(thrown, _) = &mut *error
        && let Some(mut map) = thrown.write_lock::<Map>()
    {
        let notes: Array = vec![Dynamic::from(report.render(false))];
        map.insert("notes".into(), notes.into());
    }
    error
}
