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
mod imports;
mod manifest;
mod rooms;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::script::ScriptResult;
use rhai::{AST, Engine, EvalAltResult, Module, Position, Scope};

use crate::diagnosis::Diagnosis;
use crate::record::{Journal, Loaded};
use crate::sandbox::{Sandbox, is_of_project};
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

impl RhaiPlugin {
    /// Reads a plugin's folder; nothing of it is run.
    ///
    /// # Errors
    /// For a folder without `plugin.yaml`, one that says too little or too much, and a main file that
    /// is not there.
    pub fn read(folder: &Path) -> Result<Self, Box<Diagnosis>> {
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

    /// The file that its functions are in.
    pub(crate) fn main(&self) -> PathBuf {
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
    /// folder `near` or above it names. Of a script that is `confined`, a link there may not lead
    /// elsewhere.
    ///
    /// # Errors
    /// As [`RhaiPlugin::read`], and for what is wrong in `pe-script.yaml`.
    pub(crate) fn read(
        given: &[PathBuf],
        near: &Path,
        confined: bool,
    ) -> Result<Self, Box<Diagnosis>> {
        let configured = config::nearest(near, confined)?;
        let mut all: Vec<RhaiPlugin> = Vec::new();
        let mut folders = BTreeSet::new();
        for folder in given.iter().chain(&configured) {
            let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if folders.insert(real) {
                all.push(RhaiPlugin::read(folder)?);
            }
        }
        Ok(Self {
            given: given.to_vec(),
            all,
        })
    }

    /// The folders that the user named.
    pub(crate) fn given(&self) -> &[PathBuf] {
        &self.given
    }

    /// The sandbox with the folders of the plugins of a script in `near`: those that the user named,
    /// and those that the project's `pe-script.yaml` names. One that comes with the script names
    /// what it likes, and gains nothing by it.
    ///
    /// # Errors
    /// When a folder cannot be followed.
    pub(crate) fn let_in(&self, sandbox: Sandbox, near: &Path) -> Result<Sandbox, Box<Diagnosis>> {
        let folders = self.folders(is_of_project(near));
        folders
            .into_iter()
            .try_fold(sandbox, |sandbox, folder| sandbox.and_read(folder))
    }

    /// The folders of those that the user named, or of all.
    fn folders(&self, all: bool) -> Vec<&Path> {
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

    /// Refuses plugins whose names are taken in an engine that has none of them yet, or by each other.
    ///
    /// # Errors
    /// For the first of them.
    pub(crate) fn refuse_taken_names(&self, engine: &Engine) -> Result<(), Box<Diagnosis>> {
        let built_in = namespaces(engine);
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
        Ok(())
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
fn usage(message: impl Into<String>, hint: impl Into<String>) -> Box<Diagnosis> {
    Diagnosis::new("usage.plugin", message, Some(hint.into())).into()
}
