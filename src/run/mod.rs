//! `pe-script run`: runs a script, from the command line to the exit code.

mod args;
mod help;
pub(crate) mod inner;
pub(crate) mod outcome;
pub(crate) mod prepare;
mod settings;

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;

use pe_binding::script::ScriptResult;
use pe_files::Files;
use rhai::{AST, Dynamic, Engine, EvalAltResult, Position};

use crate::catalogue::Catalogue;
use crate::console::Look;
use crate::diagnosis::{Diagnosis, Vocabulary};
use crate::language::{bare, configure};
use crate::params::{self, Declaration, Param};
use crate::session::{Session, engine, register};
use crate::text;
pub use args::RunArgs;
use outcome::Outcome;
use prepare::Prepared;

/// A script's text and the parameters that it declares.
struct Script {
    text: String,
    params: Vec<Param>,
}

/// The error of a run that was refused before the script began.
enum Refused {
    /// An error in the command line: exit code 2.
    Usage(Box<Diagnosis>),
    /// An error in the script: exit code 1.
    Script(Box<Diagnosis>),
}

/// Runs a script as the command line says, and returns the exit code.
pub fn main(arguments: &RunArgs, look: Look) -> i32 {
    main_on(arguments, look, &Files::free())
}

/// As [`main`], on a file system of the caller's: the record and all that the script writes go through
/// `files`.
pub fn main_on(arguments: &RunArgs, look: Look, files: &Files) -> i32 {
    let look = Look {
        quiet: arguments.session.quiet,
        print_to_stderr: arguments.json,
        ..look
    };
    let path = arguments.script.clone().unwrap_or_default();
    let script = match read(&path) {
        Ok(script) => script,
        Err(refused) => return outcome::refuse(arguments, look, refused),
    };
    if arguments.help {
        return match help::print(arguments, &path, &script) {
            Ok(code) => code,
            Err(refused) => outcome::refuse(arguments, look, refused),
        };
    }
    match prepare::prepare(arguments, &path, &script, look, files) {
        Ok(prepared) => {
            let outcome = evaluate(&path, &script, &prepared);
            outcome::conclude(arguments, &prepared, outcome)
        }
        Err(refused) => outcome::refuse(arguments, look, refused),
    }
}

/// Reads a script and finds its parameters, without running it.
fn read(path: &Path) -> Result<Script, Refused> {
    let text = text::script(path, &Files::free()).map_err(|error| {
        let message = format!("cannot read the script {}: {error}", path.display());
        Refused::Usage(Diagnosis::new("usage.script", message, None).into())
    })?;
    let ast = bare().compile(&text).map_err(|error| {
        let error = EvalAltResult::ErrorParsing(*error.0, error.1);
        Refused::Script(
            Diagnosis::of_script(&error, path, Position::NONE, &Vocabulary::default()).into(),
        )
    })?;
    let params = declared(&ast)
        .map_err(|error| Refused::Script(Diagnosis::of_declaration(&error, path).into()))?;
    Ok(Script { text, params })
}

/// The parameters of a script, with the options of the functions that they name.
fn declared(ast: &AST) -> Result<Vec<Param>, Declaration> {
    let mut params = params::declared(ast)?;
    if params.iter().any(|param| param.options.is_some()) {
        let mut engine = Engine::new();
        configure(&mut engine);
        register(&mut engine);
        let catalogue = Catalogue::of(&engine);
        params::complete(&mut params, |function| {
            let named = catalogue.named(function).into_iter();
            let options = named.flat_map(|function| catalogue.options_of(function));
            options
                .map(|option| (option.name, option.default))
                .collect()
        })?;
    }
    Ok(params)
}

/// The reason why a script did not run to its end.
pub(crate) enum Fault {
    /// It was terminated, by a stop request.
    Stopped,
    /// An error.
    Failed(Box<Diagnosis>),
}

/// Makes an engine for the session, lets `prepare` add to it, and calls `evaluate` with it.
///
/// Errors are reported with their place in the script `path`, whose text is `text`. `exit` counts as
/// success; the session has its code.
pub(crate) fn attempt(
    session: &Arc<Session>,
    (path, text): (&Path, &str),
    prepare: impl FnOnce(&mut Engine),
    evaluate: impl FnOnce(&Engine) -> ScriptResult<Dynamic>,
) -> Result<(), Fault> {
    let root = path.parent().unwrap_or(Path::new(""));
    let (mut engine, last_call) = engine(session, root);
    prepare(&mut engine);
    let error = match evaluate(&engine) {
        Err(error) if session.exit_code().is_none() => error,
        _ => return Ok(()),
    };
    let limit = session.console.interrupt().exceeded();
    // A limit terminates the script as Ctrl-C does, but is an error of the script.
    if matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..)) && limit.is_none() {
        return Err(Fault::Stopped);
    }
    let known = Vocabulary::new(&engine, bare().compile(text).ok().as_ref());
    let report = Diagnosis::of_script(&error, path, last_call.position(), &known);
    Err(Fault::Failed(report.or_of(limit).into()))
}

/// Compiles a script and evaluates it from beginning to end.
fn whole(session: &Arc<Session>, path: &Path, script: &Script) -> Result<(), Fault> {
    attempt(
        session,
        (path, &script.text),
        |_| {},
        |engine| compile(engine, path, &script.text).and_then(|ast| engine.eval_ast(&ast)),
    )
}

/// Evaluates the script of a prepared run, and turns errors and panics into an outcome.
fn evaluate(path: &Path, script: &Script, prepared: &Prepared) -> Outcome {
    let session = &prepared.session;
    let panics = outcome::catch_panics(&session.console);
    let run = || match whole(session, path, script) {
        Ok(()) => Outcome::Ended(session.exit_code().unwrap_or_default()),
        Err(Fault::Stopped) => Outcome::Stopped,
        Err(Fault::Failed(report)) => Outcome::Failed(*report),
    };
    // The only place where a run catches a panic of a native function. A script cannot catch it.
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Outcome::Failed(panics.report()))
}

/// Compiles a script, with `path` as its source, so that later errors name it.
pub(crate) fn compile(engine: &Engine, path: &Path, text: &str) -> Result<AST, Box<EvalAltResult>> {
    let mut ast = engine
        .compile(text)
        .map_err(|error| EvalAltResult::ErrorParsing(*error.0, error.1))?;
    ast.set_source(path.display().to_string());
    Ok(ast)
}
