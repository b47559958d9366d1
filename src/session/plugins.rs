//! Finds a session's plugins written in Rhai, and tries them before anything runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::Position;

use super::{Session, engine};
use crate::console::Console;
use crate::diagnosis::{Diagnosis, Vocabulary};
use crate::extension::Plugins;
use crate::sandbox::Sandbox;
use crate::stop::Interrupt;

/// Reads the plugins in the folders `given`, and those named in the nearest `pe-script.yaml` in the
/// folder `near` or above it. Evaluates each once in an engine, confined by `sandbox` and stopped by
/// `interrupt`.
///
/// # Errors
/// As [`Plugins::read`]; for a name that two plugins or a built-in one share; and for an error in a
/// plugin's script, with its place.
pub(crate) fn find_plugins(
    given: &[PathBuf],
    near: &Path,
    sandbox: &Sandbox,
    interrupt: &Interrupt,
) -> Result<Plugins, Box<Diagnosis>> {
    let found = Plugins::read(given, near, sandbox.is_confined())?;
    if found.all().is_empty() {
        return Ok(found);
    }
    let mut session = Session::new(Console::silent_until(interrupt.clone()), "");
    session.sandbox = sandbox.clone();
    let (mut engine, _) = engine(&Arc::new(session), near);
    found.refuse_taken_names(&engine)?;
    let installed = found.install(&mut engine, near, None);
    installed.map_err(|(plugin, error)| match interrupt.exceeded() {
        Some(limit) => Diagnosis::of_limit(limit),
        None => {
            let known = Vocabulary::new(&engine, None);
            Diagnosis::of_script(&error, &plugin.main(), Position::NONE, &known)
        }
    })?;
    Ok(found)
}
