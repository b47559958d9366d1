//! Resolves `import`, confined to the folder of the script or plugin.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pe_binding::script::{ScriptResult, runtime_error};
use pe_files::Files;
use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use crate::diagnosis::remedy;
use crate::record::Journal;
use crate::text;

type SharedModule = Shared<Module>;

/// Module resolver for one folder. `import "lib/masks"` loads `lib/masks.rhai` in that folder, also
/// when the import stands in a file of a subfolder. Nothing outside of the folder can be imported.
pub(crate) struct Confined {
    root: PathBuf,
    /// Owner of the folder for messages: `script` or `plugin`.
    whose: &'static str,
    journal: Option<Arc<Journal>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Cache: each file is evaluated once, however often it is imported.
    loaded: BTreeMap<PathBuf, SharedModule>,
    /// Stack of the files that are being evaluated, to detect modules that import each other.
    loading: Vec<PathBuf>,
}

impl Confined {
    /// Resolver for a script in the folder `root`. The run's `journal` gets a copy of each import.
    pub(crate) fn new(root: &Path, journal: Option<Arc<Journal>>) -> Self {
        Self {
            root: root.to_path_buf(),
            whose: "script",
            journal,
            state: Mutex::default(),
        }
    }

    /// Resolver for a plugin in the folder `root`. It needs no journal: the run copies a plugin's files
    /// as a whole.
    pub(crate) fn of_plugin(root: &Path) -> Self {
        Self {
            whose: "plugin",
            ..Self::new(root, None)
        }
    }

    /// The folder that imports are confined to.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks the path of an import and appends `.rhai`. The result is relative to the root.
    fn relative(&self, path: &str) -> ScriptResult<PathBuf> {
        let whose = self.whose;
        let mut relative = PathBuf::from(path);
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !inside {
            let message =
                format!("cannot import \"{path}\": it is outside of the {whose}'s folder");
            let hint = format!("name a file in the {whose}'s folder or below it, without `..`");
            return Err(runtime_error("import.outside", &message, Some(&hint)));
        }
        // Appended, not set as the extension: `v1.2` becomes `v1.2.rhai`.
        if relative
            .extension()
            .is_none_or(|extension| extension != "rhai")
        {
            relative.as_mut_os_string().push(".rhai");
        }
        Ok(relative)
    }

    fn read(&self, relative: &Path, path: &str) -> ScriptResult<String> {
        let file = self.root.join(relative);
        let cannot = |what: String, hint: &str| {
            let message = format!("cannot import \"{path}\": {what}");
            runtime_error("import.unreadable", &message, Some(hint))
        };
        let unreadable = |error: std::io::Error| {
            let hint = match self.whose {
                "plugin" => "a plugin's imports are searched in the plugin's folder",
                _ => "imports are searched in the folder of the script that is run",
            };
            cannot(format!("{}: {error}", file.display()), hint)
        };
        let real = text::within(&self.root, relative, self.whose).map_err(unreadable)?;
        text::script(&real, &Files::free()).map_err(unreadable)
    }

    /// Reads, copies into the run folder, compiles and evaluates a module.
    fn load(&self, engine: &Engine, relative: &Path, path: &str) -> ScriptResult<SharedModule> {
        let text = self.read(relative, path)?;
        if let Some(journal) = &self.journal {
            journal.keep(relative, &text).map_err(|error| {
                let message = format!("cannot keep a copy of \"{path}\": {error:#}");
                runtime_error("import.copy", &message, Some(&remedy(&error)))
            })?;
        }
        let source = self.root.join(relative).display().to_string();
        let in_module = |error: Box<EvalAltResult>| {
            Box::new(EvalAltResult::ErrorInModule(
                source.clone(),
                error,
                Position::NONE,
            ))
        };
        let mut ast = engine
            .compile(&text)
            .map_err(|error| in_module(EvalAltResult::ErrorParsing(*error.0, error.1).into()))?;
        ast.set_source(source.as_str());
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine).map_err(in_module)?;
        Ok(module.into())
    }
}

impl ModuleResolver for Confined {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        path: &str,
        pos: Position,
    ) -> ScriptResult<SharedModule> {
        let here = |mut error: Box<EvalAltResult>| {
            error.set_position(pos);
            error
        };
        let relative = self.relative(path).map_err(here)?;
        if let Some(module) = self.with_state(|state| state.loaded.get(&relative).cloned()) {
            return Ok(module);
        }
        // The lock is not held while the module loads: its own imports come back here.
        let chain = self.with_state(|state| {
            let begun = state.loading.contains(&relative);
            state.loading.push(relative.clone());
            begun.then(|| chain(&state.loading))
        });
        let loaded = match chain {
            Some(chain) => {
                let message = format!("modules import each other in a circle: {chain}");
                Err(runtime_error("import.circle", &message, None))
            }
            None => self.load(engine, &relative, path),
        };
        self.with_state(|state| {
            state.loading.pop();
            if let Ok(module) = &loaded {
                state.loaded.insert(relative, module.clone());
            }
        });
        loaded.map_err(here)
    }
}

/// `a.rhai → b.rhai → a.rhai`, for the error message.
fn chain(files: &[PathBuf]) -> String {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    names.join(" → ")
}
