//! `run_script(path, #{key: value})`: runs a whole script inside a test, as `pe-script run` would.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{Dynamic, Engine, Map};
use serde_yaml::{Mapping, Value};

use crate::language::value::{to_dynamic, to_value};
use crate::run::inner;
use crate::session::Session;
use crate::session::documented;

/// Registers `run_script`. The script's path is relative to `folder`, that of the test script.
pub(super) fn register(engine: &mut Engine, folder: &Path, session: &Arc<Session>) {
    let doc = "Runs another script as `pe-script run` would, with seed 0 and one thread, and gives what \
               it recorded with `result(…)` as a map, with what it printed under `printed`. The path \
               is relative to the test's file; paths that the script itself opens are relative to \
               the current folder, as ever. `run_dir()` is the test's `scratch_dir()`. In script \
               tests only.\n\n```rhai,test\nassert(run_script(\"../scripts/inspect.rhai\")\
               .printed.contains(\"volume\"));\n```";
    let (here, outer) = (folder.to_path_buf(), session.clone());
    documented("run_script", &["path: &str", "Map"], doc)
        .register_into_engine(engine, move |path: &str| {
            run_script(&here, path, &Map::new(), &outer)
        });
    let doc = "As `run_script(path)`, with values of the script's parameters; those that are maps take \
               the entries that are given.\n\n```rhai,test\nlet ran = run_script(\
               \"../scripts/table2.rhai\", #{ out: scratch_dir(), effnet: #{ epochs: 1 } });\n\
               assert(ran.printed.contains(\"Table 2\"));\n```";
    let (here, outer) = (folder.to_path_buf(), session.clone());
    documented("run_script", &["path: &str", "params: Map", "Map"], doc)
        .register_into_engine(engine, move |path: &str, params: Map| {
            run_script(&here, path, &params, &outer)
        });
}

/// Runs a script and returns its results as a map, with its output as the entry `printed`.
fn run_script(
    folder: &Path,
    path: &str,
    params: &Map,
    outer: &Arc<Session>,
) -> ScriptResult<Dynamic> {
    let params = params
        .iter()
        .map(|(key, value)| match to_value(value) {
            Ok(value) => Ok((Value::from(key.as_str()), value)),
            Err(kind) => {
                let message =
                    format!("parameter `{key}` of {path} is no plain data: found a {kind}");
                Err(runtime_error("run_script.param", &message, None))
            }
        })
        .collect::<ScriptResult<Mapping>>()?;
    let ran = inner::run(&plain(folder.join(path)), params, outer)?;
    let mut results = ran.results;
    results.insert("printed".into(), ran.printed.into());
    Ok(to_dynamic(&Value::Mapping(results)))
}

/// Removes `..` from a path, if the result is the same file: after a link it may be another one.
fn plain(path: PathBuf) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    match (plain.canonicalize(), path.canonicalize()) {
        (Ok(short), Ok(long)) if short == long => plain,
        _ => path,
    }
}
