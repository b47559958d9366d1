//! Plugins written in Rhai: functions that several scripts share, in a folder of their own.
//!
//! Input: a folder with `plugin.yaml` (name, version, description) and `.rhai` files. Output: the
//! functions of its main file, `NAME::f(…)`, in every engine of the host. This module must not know
//! what a plugin is for.
//!
//! Plugins are named with `--plugin DIR`, or in the nearest `pe-script.yaml` above the script. Their
//! files may import each other, and nothing outside of their folder.

mod config;
mod files;
mod folders;
mod imports;
mod manifest;
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
use folders::Folders;
use manifest::Manifest;

/// A plugin written in Rhai, read from its folder and not yet evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct RhaiPlugin {
    manifest: Manifest,
    folder: PathBuf,
    files: Files,
}

impl RhaiPlugin {
    /// Reads a plugin's folder. No script in it is run.
    ///
    /// # Errors
    /// When `plugin.yaml` is missing, lacks a key or has an unknown one, when the main file is missing,
    /// and when a script cannot be read.
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

    /// The description in its `plugin.yaml`.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// Name, version, folder and digest for `run.yaml`.
    pub fn loaded(&self) -> Loaded {
        Loaded {
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            folder: self.folder.display().to_string(),
            digest: self.files.digest(),
        }
    }

    /// Path of the main file, which defines the plugin's functions.
    pub(crate) fn main(&self) -> PathBuf {
        self.folder.join(&self.manifest.main)
    }

    /// Evaluates the main file and registers its functions under the plugin's name, with their
    /// comments. `private` functions are left out. The engine must have a resolver for the plugin's
    /// imports already.
    ///
    /// # Errors
    /// An error in the plugin's scripts, when they are compiled or evaluated.
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

/// The plugins of a session, and the folders that the user named with `--plugin`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plugins {
    given: Vec<PathBuf>,
    all: Vec<RhaiPlugin>,
}

impl Plugins {
    /// Reads the plugins in the folders `given`, and those named in the nearest `pe-script.yaml` in
    /// the folder `near` or above it. For a script that is `confined`, that file must not be a link
    /// that leads out of its folder.
    ///
    /// # Errors
    /// As [`RhaiPlugin::read`], and for an error in `pe-script.yaml`.
    pub(crate) fn read(
        given: &[PathBuf],
        near: &Path,
        confined: bool,
    ) -> Result<Self, Box<Diagnosis>> {
        let configured = config::nearest(near, confined)?;
        let mut all: Vec<RhaiPlugin> = Vec::new();
        let mut folders = BTreeSet::new();
        for folder in given.iter().chain(&configured) {
            // A folder that is given twice, in two spellings, is one plugin.
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

    /// The folders that the user named with `--plugin`.
    pub(crate) fn given(&self) -> &[PathBuf] {
        &self.given
    }

    /// Lets the script in the folder `near` read its plugins' folders: those that the user named, and
    /// those in the `pe-script.yaml` of the user's project.
    ///
    /// A `pe-script.yaml` that comes with a script from elsewhere gives no access: otherwise such a
    /// script could name any folder there and read it.
    ///
    /// # Errors
    /// When a folder cannot be resolved.
    pub(crate) fn let_in(&self, sandbox: Sandbox, near: &Path) -> Result<Sandbox, Box<Diagnosis>> {
        let folders = self.folders(is_of_project(near));
        folders
            .into_iter()
            .try_fold(sandbox, |sandbox, folder| sandbox.and_read(folder))
    }

    /// The folders of all plugins, or only of those that the user named.
    fn folders(&self, all: bool) -> Vec<&Path> {
        let own = self.all.iter().map(|plugin| plugin.folder.as_path());
        own.filter(|folder| all || self.given.iter().any(|given| given == folder))
            .collect()
    }

    /// All plugins, those that the user named first.
    pub fn all(&self) -> &[RhaiPlugin] {
        &self.all
    }

    /// Copies the plugins' files into the run folder.
    ///
    /// # Errors
    /// When a copy cannot be written.
    pub(crate) fn keep(&self, journal: &Journal) -> anyhow::Result<()> {
        for plugin in &self.all {
            for (path, text) in plugin.files.iter() {
                journal.keep_of_plugin(plugin.name(), path, text)?;
            }
        }
        Ok(())
    }

    /// Sets the engine's resolver for imports, as [`Self::set_imports`], then registers the plugins.
    /// The order matters: a plugin's main file may import while it is evaluated.
    ///
    /// # Errors
    /// The first plugin that fails, with its error.
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

    /// Sets the engine's resolver for imports: the script imports from `root`, each plugin from its own
    /// folder.
    pub(crate) fn set_imports(
        &self,
        engine: &mut Engine,
        root: &Path,
        journal: Option<Arc<Journal>>,
    ) {
        let folders = self.all.iter().map(|plugin| plugin.folder.as_path());
        engine.set_module_resolver(Folders::new(root, journal, folders));
    }

    /// Rejects a plugin whose name is that of a built-in plugin or of another one in the list. `engine`
    /// must not have these plugins registered yet.
    ///
    /// # Errors
    /// For the first name that is taken.
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

/// Copies the functions' doc comments from the script to the module, because Rhai does not.
fn document(module: &mut Module, ast: &AST) {
    for function in ast.iter_fn_def() {
        // A module identifies a function by a hash, which only `set_script_fn` returns.
        let hash = Module::new().set_script_fn(function.clone());
        // Deprecated in favour of giving comments at registration. These functions are registered
        // already.
        #[allow(deprecated)]
        module.update_fn_metadata_with_comments(
            hash,
            function.params.iter().map(|name| name.as_str()),
            function.comments.iter().map(|comment| comment.as_str()),
        );
    }
}

/// The namespaces of an engine's functions: `ct` of `ct::window`.
fn namespaces(engine: &Engine) -> BTreeSet<String> {
    let signatures = engine.gen_fn_signatures(false);
    let spaces = signatures.iter().filter_map(|text| {
        let name = text.split('(').next()?;
        name.split_once("::").map(|(space, _)| space.to_owned())
    });
    spaces.collect()
}

/// A usage error about a plugin or `pe-script.yaml`.
fn usage(message: impl Into<String>, hint: impl Into<String>) -> Box<Diagnosis> {
    Diagnosis::new("usage.plugin", message, Some(hint.into())).into()
}
