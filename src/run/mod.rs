//! `pe-script run`: from a command line to an exit code.

mod help;
pub(crate) mod inner;
pub(crate) mod outcome;
pub(crate) mod prepare;
mod settings;

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Position};

use crate::cli::RunArgs;
use crate::console::Look;
use crate::diagnostics::{Report, Vocabulary};
use crate::engine::bare;
use crate::params::{self, Param};
use crate::trace::LastCall;
use crate::{Session, configure, host, register};
use outcome::Outcome;
use prepare::Prepared;

/// A script that has been read and whose parameters are known.
struct Script {
    text: String,
    ast: AST,
    params: Vec<Param>,
}

/// Why nothing ran.
enum Refused {
    /// The command line: exit code 2.
    Usage(Box<Report>),
    /// The script: exit code 1.
    Script(Box<Report>),
}

/// Runs a script as the command line says, and gives the exit code.
pub fn main(arguments: &RunArgs, look: Look) -> i32 {
    let look = Look {
        quiet: arguments.quiet,
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
            Err(bad) => outcome::refuse(arguments, look, bad.into()),
        };
    }
    match prepare::prepare(arguments, &path, &script, look) {
        Ok(prepared) => {
            let outcome = evaluate(&path, &script, &prepared);
            outcome::conclude(arguments, &prepared, outcome)
        }
        Err(refused) => outcome::refuse(arguments, look, refused),
    }
}

fn read(path: &Path) -> Result<Script, Refused> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the script {}: {error}", path.display());
        Refused::Usage(Report::new("usage.script", message, None).into())
    })?;
    let ast = bare().compile(&text).map_err(|error| {
        let error = EvalAltResult::ErrorParsing(*error.0, error.1);
        Refused::Script(
            Report::of_script(&error, path, Position::NONE, &Vocabulary::default()).into(),
        )
    })?;
    let params = params::declared(&ast)
        .map_err(|error| Refused::Script(Report::of_declaration(&error, path).into()))?;
    Ok(Script { text, ast, params })
}

/// The engine of a run: the plugins, the host's functions, the script's own modules.
pub(crate) fn engine(session: &Arc<Session>, root: &Path) -> (Engine, LastCall) {
    let mut engine = Engine::new();
    configure(&mut engine);
    register(&mut engine);
    host::register(&mut engine, session);
    let journal = session.journal.clone();
    if let Err((plugin, error)) = session.plugins.install(&mut engine, root, journal) {
        // It worked when it was found, so its files have changed since.
        let name = plugin.name();
        session
            .console
            .warning(&format!("plugin `{name}` is left out: {error}"));
    }
    let last_call = LastCall::follow(&mut engine);
    (engine, last_call)
}

fn evaluate(path: &Path, script: &Script, prepared: &Prepared) -> Outcome {
    let session = &prepared.session;
    let root = path.parent().unwrap_or(Path::new(""));
    let panics = outcome::catch_panics(&session.console);
    let run = || {
        let (engine, last_call) = engine(session, root);
        let result = compile(&engine, path, &script.text)
            .and_then(|ast| engine.eval_ast::<Dynamic>(&ast).map(drop));
        let Err(error) = result else {
            return Outcome::Ended(session.exit_code().unwrap_or_default());
        };
        if matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..)) {
            return Outcome::Stopped;
        }
        let known = Vocabulary::new(&engine, Some(&script.ast));
        Outcome::Failed(Report::of_script(
            &error,
            path,
            last_call.position(),
            &known,
        ))
    };
    // The one place where a panic of a native function is caught: a script never sees one.
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Outcome::Failed(panics.report()))
}

/// Compiles a script; what goes wrong in it later is told with its `path`.
pub(crate) fn compile(engine: &Engine, path: &Path, text: &str) -> Result<AST, Box<EvalAltResult>> {
    let mut ast = engine
        .compile(text)
        .map_err(|error| EvalAltResult::ErrorParsing(*error.0, error.1))?;
    ast.set_source(path.display().to_string());
    Ok(ast)
}
