//! `script_dir` and `read_yaml`: data files beside a script.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::script::{ScriptResult, refused, runtime_error};
use rhai::{Dynamic, Engine};

use super::{doc, documented};
use crate::diagnosis::remedy;
use crate::language::value::to_dynamic;
use crate::session::Session;
use crate::text;

pub(super) fn register(engine: &mut Engine, session: &Arc<Session>, root: &Path) {
    let folder = if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    };
    let name = folder.display().to_string();
    documented("script_dir", &["String"], doc::SCRIPT_DIR)
        .register_into_engine(engine, move || name.clone());
    let (session, folder) = (session.clone(), folder.to_path_buf());
    documented("read_yaml", &["path: &str", "?"], doc::READ_YAML)
        .register_into_engine(engine, move |path: &str| read_yaml(&session, &folder, path));
}

fn read_yaml(session: &Session, folder: &Path, path: &str) -> ScriptResult<Dynamic> {
    let wrong = |kind, what: String, hint: &str| {
        runtime_error(kind, &format!("cannot read {path}: {what}"), Some(hint))
    };
    let text = text::data(Path::new(path), &session.sandbox.files()).map_err(|error| {
        let hint = "a path is relative to the current folder; `script_dir()` is the script's";
        refused(&error).unwrap_or_else(|| wrong("yaml.file", error.to_string(), hint))
    })?;
    let value = text::yaml(&text).map_err(|error| {
        let hint = "the file must be YAML or JSON: lists, maps, texts and numbers";
        wrong("yaml.syntax", error, hint)
    })?;
    keep(session, folder, Path::new(path), &text)?;
    Ok(to_dynamic(&value))
}

/// Copies a file that was read into the run folder, if it lies in the script's folder: such data are
/// part of the experiment, as imports are.
fn keep(session: &Session, folder: &Path, path: &Path, text: &str) -> ScriptResult<()> {
    let inside = || -> Option<PathBuf> {
        let (folder, path) = (folder.canonicalize().ok()?, path.canonicalize().ok()?);
        path.strip_prefix(folder).map(Path::to_path_buf).ok()
    };
    let (Some(journal), Some(relative)) = (&session.journal, inside()) else {
        return Ok(());
    };
    journal.keep(&relative, text).map_err(|error| {
        let message = format!("cannot keep a copy of {}: {error:#}", path.display());
        runtime_error("yaml.copy", &message, Some(&remedy(&error)))
    })
}
