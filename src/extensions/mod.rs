//! Plugins written in Rhai: functions that several scripts share, in a folder of their own.
//!
//! Input: a folder with `plugin.yaml` (name, version, description) and `.rhai` files. Output: the
//! functions of its main file, `NAME::f(…)`, in every engine of the host. This room must not know
//! what a plugin is for.
//!
//! Plugins are named with `--plugin DIR`, or in the nearest `pe-script.yaml` above the script. Their
//! files may import each other, and nothing outside of their folder.

mod config;
mod files;
mod manifest;
mod rooms;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::script::ScriptResult;
use rhai::{AST, Engine, EvalAltResult, Module, Position, Scope};
use serde::Serialize;

use crate::Session;
use crate::console::Console;
use crate::diagnostics::{Report, Vocabulary};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::sandbox::Sandbox;
pub(crate) use config::FILE as CONFIG;
use files::Files;
use manifest::Manifest;
use rooms::Rooms;

/// A plugin that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct RhaiPlugin {
    manifest: Manifest,
    folder: PathBuf,
    files: Files,
}

/// What a run's record says of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// Its name, the namespace of its functions.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, as it can be opened from where the run began.
    pub folder: String,
    /// BLAKE3 of its files' names and contents.
    pub digest: String,
}

impl RhaiPlugin {
    /// Reads a plugin's folder; nothing of it is run.
    ///
    /// # Errors
    /// For a folder without `plugin.yaml`, one that says too little or too much, and a main file that
    /// is not there.
    pub fn read(folder: &Path) -> Result<Self, Box<Report>> {
        let manifest = Manifest::read(folder)?;
        let files = Files::read(folder).map_err(|error| {
            let message = format!("cannot read the plugin in {}: {error}", folder.display());
            usage(message, "its scripts must be readable texts")
        })?;
        if files.text(&manifest.main).is_none() {
            let (name, main) = (&manifest.name, folder.join(&manifest.main));
            let message = format!("plugin `{name}` has no main file {}", main.display());
            return Err(usage(
                message,
                "`main: FILE.rhai` in plugin.yaml names another one",
            ));
        }
        Ok(Self {
            manifest,
            folder: folder.to_path_buf(),
            files,
        })
    }

    /// Its name, the namespace of its functions.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// What it is for, in its own words.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// What a run's record says of it.
    pub fn loaded(&self) -> Loaded {
        Loaded {
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            folder: self.folder.display().to_string(),
            digest: self.files.digest(),
        }
    }

    fn main(&self) -> PathBuf {
        self.folder.join(&self.manifest.main)
    }

    /// Evaluates the main file and registers its functions that are not `private` under the
    /// plugin's name, with their comments. The engine must resolve its imports already.
    ///
    /// # Errors
    /// What is wrong in the plugin's files.
    pub fn register(&self, engine: &mut Engine) -> ScriptResult<()> {
        let source = self.main().display().to_string();
        let within = |error: Box<EvalAltResult>| {
            let source = source.clone();
            Box::new(EvalAltResult::ErrorInModule(source, error, Position::NONE))
        };
        let text = self.files.text(&self.manifest.main).unwrap_or_default();
        let mut ast = engine
            .compile(text)
            .map_err(|error| within(EvalAltResult::ErrorParsing(*error.0, error.1).into()))?;
        ast.set_source(source.as_str());
        let mut module = Module::eval_ast_as_new(Scope::new(), &ast, engine).map_err(within)?;
        document(&mut module, &ast);
        engine.register_static_module(self.name(), module.into());
        Ok(())
    }
}

/// The plugins of a session, and which of them the user named.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plugins {
    given: Vec<PathBuf>,
    all: Vec<RhaiPlugin>,
}

impl Plugins {
    /// Reads the plugins in the folders `given` and those that the nearest `pe-script.yaml` in the
    /// folder `near` or above it names, and tries each in an engine.
    ///
    /// # Errors
    /// As [`RhaiPlugin::read`]; for two plugins of one name, or the name of a built-in one; and for
    /// what is wrong in a plugin's script, with its place.
    pub fn find(given: &[PathBuf], near: &Path) -> Result<Self, Box<Report>> {
        Self::find_for(given, near, &Sandbox::default(), &Interrupt::default())
    }

    /// As [`find`](Self::find), for a script that may do what a sandbox says: so may the plugins
    /// while they are tried, and they stop when they are asked to.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn find_for(
        given: &[PathBuf],
        near: &Path,
        sandbox: &Sandbox,
        interrupt: &Interrupt,
    ) -> Result<Self, Box<Report>> {
        let configured = config::nearest(near, sandbox.is_confined())?;
        let mut all: Vec<RhaiPlugin> = Vec::new();
        let mut folders = BTreeSet::new();
        for folder in given.iter().chain(&configured) {
            let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if folders.insert(real) {
                all.push(RhaiPlugin::read(folder)?);
            }
        }
        let found = Self {
            given: given.to_vec(),
            all,
        };
        if !found.all.is_empty() {
            found.try_out(near, sandbox, interrupt)?;
        }
        Ok(found)
    }

    /// As [`find`](Self::find), for a script elsewhere that a session's own runs.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn again(&self, near: &Path, outer: &Session) -> Result<Self, Box<Report>> {
        let interrupt = outer.console.interrupt();
        Self::find_for(&self.given, near, &outer.sandbox, interrupt)
    }

    /// The folders of those that the user named, or of all.
    pub(crate) fn folders(&self, all: bool) -> Vec<&Path> {
        let own = self.all.iter().map(|plugin| plugin.folder.as_path());
        own.filter(|folder| all || self.given.iter().any(|given| given == folder))
            .collect()
    }

    /// Those that were found, the user's first.
    pub fn all(&self) -> &[RhaiPlugin] {
        &self.all
    }

    /// Keeps copies of their files with a run.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(crate) fn keep(&self, journal: &Journal) -> anyhow::Result<()> {
        for plugin in &self.all {
            for (path, text) in plugin.files.iter() {
                journal.keep_of_plugin(plugin.name(), path, text)?;
            }
        }
        Ok(())
    }

    /// Makes an engine resolve imports, those of the script in `root` and those of plugins each in
    /// its own folder, and registers the plugins.
    ///
    /// # Errors
    /// The first plugin's that fails, with the plugin.
    pub(crate) fn install(
        &self,
        engine: &mut Engine,
        root: &Path,
        journal: Option<Arc<Journal>>,
    ) -> Result<(), (&RhaiPlugin, Box<EvalAltResult>)> {
        self.set_imports(engine, root, journal);
        let mut all = self.all.iter();
        all.try_for_each(|plugin| plugin.register(engine).map_err(|error| (plugin, error)))
    }

    /// From now on the engine's script may import what lies in `root`, and plugins what is theirs.
    pub(crate) fn set_imports(
        &self,
        engine: &mut Engine,
        root: &Path,
        journal: Option<Arc<Journal>>,
    ) {
        let folders = self.all.iter().map(|plugin| plugin.folder.as_path());
        engine.set_module_resolver(Rooms::new(root, journal, folders));
    }

    /// Refuses what could not be told from something else, or fails when it is loaded.
    fn try_out(
        &self,
        near: &Path,
        sandbox: &Sandbox,
        interrupt: &Interrupt,
    ) -> Result<(), Box<Report>> {
        let mut session = Session::new(Console::silent_until(interrupt.clone()), "");
        session.sandbox = sandbox.clone();
        let session = Arc::new(session);
        let (mut engine, _) = crate::run::engine(&session, near);
        let built_in = namespaces(&engine);
        for (i, plugin) in self.all.iter().enumerate() {
            let (name, folder) = (plugin.name(), plugin.folder.display());
            let taken = |by: String| {
                let message = format!("the name of plugin `{name}` in {folder} is taken by {by}");
                usage(message, "give it another `name:` in its plugin.yaml")
            };
            if built_in.contains(name) {
                return Err(taken("a plugin that is built in".to_owned()));
            }
            if let Some(other) = self.all[..i].iter().find(|other| other.name() == name) {
                return Err(taken(format!("the plugin in {}", other.folder.display())));
            }
        }
        self.install(&mut engine, near, None)
            .map_err(|(plugin, error)| {
                if let Some(limit) = interrupt.exceeded() {
                    return limit.report().into();
                }
                let known = Vocabulary::new(&engine, None);
                Report::of_script(&error, &plugin.main(), Position::NONE, &known).into()
            })
    }
}

/// Gives a module's functions their comments, which Rhai leaves in the script.
fn document(module: &mut Module, ast: &AST) {
    for function in ast.iter_fn_def() {
        // The number by which a module knows a function is told only by adding it to one.
        let hash = Module::new().set_script_fn(function.clone());
        // Marked deprecated in favour of registering functions anew, which these are not.
        #[allow(deprecated)]
        module.update_fn_metadata_with_comments(
            hash,
            function.params.iter().map(|name| name.as_str()),
            function.comments.iter().map(|comment| comment.as_str()),
        );
    }
}

/// The first parts of the names of an engine's functions.
fn namespaces(engine: &Engine) -> BTreeSet<String> {
    let signatures = engine.gen_fn_signatures(false);
    let spaces = signatures.iter().filter_map(|text| {
        let name = text.split('(').next()?;
        name.split_once("::").map(|(space, _)| space.to_owned())
    });
    spaces.collect()
}

/// A plugin, or a file that names some, that was given wrongly.
fn usage(message: impl Into<String>, hint: impl Into<String>) -> Box<Report> {
    Report::new("usage.plugin", message, Some(hint.into())).into()
}
