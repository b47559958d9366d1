//! The state of a prompt: variables, functions, imports and transcript. Evaluates inputs and keeps what
//! they define for the next one.

use std::cell::OnceCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{
    AST, Caches, Dynamic, Engine, EvalAltResult, GlobalRuntimeState, Locked, Position, Scope,
    Shared,
};

use super::transcript::Transcript;
use crate::catalogue::Catalogue;
use crate::diagnosis::{Diagnosis, Vocabulary};
use crate::language::LastCall;
use crate::run::outcome::Panics;
use crate::session::Session;

/// Result of an input.
pub(crate) enum Outcome {
    /// A value, `()` for none.
    Value(Dynamic),
    /// The user's interrupt stopped it.
    Stopped,
    /// It called `exit(code)`.
    Exit(i32),
    /// An error.
    Failed(Box<Diagnosis>),
}

/// State that is kept from one input to the next.
pub(crate) struct Workspace {
    session: Arc<Session>,
    panics: Panics,
    root: PathBuf,
    engine: Engine,
    last_call: LastCall,
    /// Variables and constants.
    scope: Scope<'static>,
    /// The functions of all inputs, without statements.
    functions: AST,
    /// Rhai's runtime state, passed from one evaluation to the next.
    global: GlobalRuntimeState,
    transcript: Transcript,
    /// Cache, cleared when functions or imports are added.
    catalogue: OnceCell<Catalogue>,
}

impl Workspace {
    /// An empty workspace. Imports are searched in the folder `root`.
    pub(crate) fn new(session: Arc<Session>, panics: Panics, root: &Path) -> Self {
        let (engine, last_call) = crate::session::engine(&session, root);
        let global = engine.new_global_runtime_state();
        Self {
            session,
            panics,
            root: root.to_path_buf(),
            engine,
            last_call,
            scope: Scope::new(),
            functions: AST::empty(),
            global,
            transcript: Transcript::default(),
            catalogue: OnceCell::new(),
        }
    }

    /// Clears variables, functions, imports and the transcript.
    pub(crate) fn reset(&mut self) {
        // A new engine, because imports were registered on the old one.
        let (engine, last_call) = crate::session::engine(&self.session, &self.root);
        self.global = engine.new_global_runtime_state();
        (self.engine, self.last_call) = (engine, last_call);
        self.scope = Scope::new();
        self.functions = AST::empty();
        self.transcript = Transcript::default();
        self.catalogue.take();
    }

    /// The report of a panic that was caught outside of an evaluation.
    pub(crate) fn panic_report(&self) -> Diagnosis {
        self.panics.report()
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    #[cfg(test)]
    pub(crate) fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    pub(crate) fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Every function that the next input can call.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.catalogue.get_or_init(|| {
            let mut catalogue = Catalogue::of(&self.engine);
            catalogue.add_script(&self.functions);
            catalogue
        })
    }

    /// Names of the variables. A name that was declared again with `let` is listed once.
    pub(crate) fn variables(&self) -> impl Iterator<Item = String> {
        let names: std::collections::BTreeSet<String> = self
            .scope
            .iter()
            .map(|(name, ..)| name.to_owned())
            .collect();
        names.into_iter()
    }

    /// Value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<Dynamic> {
        self.scope.get(name).cloned()
    }

    /// Evaluates typed text.
    pub(crate) fn evaluate(&mut self, text: &str) -> Outcome {
        self.evaluate_as(text, None)
    }

    /// Evaluates a file as if it were typed. Its imports are searched in its own folder.
    pub(crate) fn load(&mut self, text: &str, file: &Path) -> Outcome {
        let beside = file.parent().unwrap_or(Path::new("")).to_path_buf();
        self.import_from(&beside);
        let outcome = self.evaluate_as(text, Some(file));
        self.import_from(&self.root.clone());
        outcome
    }

    fn import_from(&mut self, folder: &Path) {
        let plugins = &self.session.plugins;
        plugins.set_imports(&mut self.engine, folder, None);
    }

    fn evaluate_as(&mut self, text: &str, file: Option<&Path>) -> Outcome {
        let padded = self.transcript.begin(text, file);
        // A panic of a native function fails the input and keeps the session. Unwinding drops the guards
        // that restore libtorch's state of this thread, such as its gradient mode.
        let evaluated = panic::catch_unwind(AssertUnwindSafe(|| self.run(&padded)));
        let result = match evaluated {
            Ok(result) => result,
            Err(_) => {
                self.transcript.end(false);
                return Outcome::Failed(self.panics.report().into());
            }
        };
        self.transcript.end(result.is_ok());
        match (result, self.session.exit_code()) {
            (_, Some(code)) => Outcome::Exit(code),
            (Ok(value), None) => Outcome::Value(value),
            (Err(error), None) => match error.unwrap_inner() {
                EvalAltResult::ErrorTerminated(..) if !self.met_limit() => Outcome::Stopped,
                _ => Outcome::Failed(self.report(&error).into()),
            },
        }
    }

    /// Compiles and evaluates a text with all that earlier inputs defined.
    fn run(&mut self, text: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        let mut ast = self
            .engine
            .compile_with_scope(&self.scope, text)
            .map_err(|error| EvalAltResult::ErrorParsing(*error.0, error.1))?;
        ast.set_source(self.transcript.source());
        // Functions are added before the statements run, so they stay defined if a statement fails.
        if ast.has_functions() {
            self.functions = self.functions.merge(&ast.clone_functions_only());
            self.catalogue.take();
        }
        self.functions.set_source(self.transcript.source());
        if self.functions.has_functions() {
            self.keep_constants();
        }
        let global = &mut self.global;
        global.source = ast.source().map(Into::into);
        global.lib.clear();
        global.lib.push(self.functions.shared_lib().clone());
        // Reset what an error in the middle of a call left behind.
        (global.level, global.scope_level) = (0, 0);
        global.always_search_scope = false;
        // Deprecated because the interface may change; Cargo.lock pins the version. The public
        // `eval_ast_with_scope` would drop constants and imports at its end.
        #[allow(deprecated)]
        let result = self.engine.eval_statements_raw(
            global,
            &mut Caches::new(),
            &mut self.scope,
            ast.statements(),
        );
        // Also after an error: imports before it stay.
        self.keep_imports();
        result
    }

    /// Gives functions access to the constants of earlier inputs, as `global::X`.
    fn keep_constants(&mut self) {
        let constants = self
            .scope
            .iter_raw()
            .filter(|(_, constant, _)| *constant)
            .map(|(name, _, value)| (name.into(), value.clone()));
        let constants: std::collections::BTreeMap<_, _> = constants.collect();
        self.global.constants = Some(Shared::new(Locked::new(constants)));
    }

    /// Registers imported modules on the engine, so that later inputs can name them.
    fn keep_imports(&mut self) {
        let imports: Vec<_> = self
            .global
            .iter_imports_raw()
            .map(|(name, module)| (name.clone(), module.clone()))
            .collect();
        if imports.is_empty() {
            return;
        }
        for (name, module) in imports {
            self.engine.register_static_module(name.as_str(), module);
        }
        self.global.truncate_imports(0);
        self.catalogue.take();
    }

    fn report(&self, error: &EvalAltResult) -> Diagnosis {
        let mut known = Vocabulary::new(&self.engine, Some(&self.functions));
        known.add_variables(self.variables());
        let source = PathBuf::from(self.transcript.source());
        let mut report = Diagnosis::of_script(error, &source, self.last_call(), &known);
        report.relocate(|place| self.transcript.locate(place));
        report.or_of(self.session.console.interrupt().exceeded())
    }

    fn met_limit(&self) -> bool {
        self.session.console.interrupt().exceeded().is_some()
    }

    fn last_call(&self) -> Position {
        self.last_call.position()
    }
}
