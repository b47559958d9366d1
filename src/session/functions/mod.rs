//! The host's own script functions: parameters, output, results, the run itself.

mod data;
mod doc;
mod help;
mod iterate;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pe_binding::Work;
use pe_binding::nearest::nearest;
use pe_binding::script::{ScriptResult, raise, refused, runtime_error};
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FLOAT, FuncRegistration, INT, Map, NativeCallContext,
    Position,
};

use crate::language::value::{to_dynamic, to_value};
use crate::sandbox::Sandbox;
use crate::session::Session;
use crate::session::show::show;
use iterate::Progress;

/// Registers the host's functions on an engine, and connects its output and interrupt to the
/// session. `root` is the folder of the script to evaluate.
pub(crate) fn register(engine: &mut Engine, session: &Arc<Session>, root: &Path) {
    engine.set_default_tag(Dynamic::from(session.work()));
    let console = session.console.clone();
    engine.on_print(move |text| console.print(text));
    let console = session.console.clone();
    engine.on_debug(move |text, source, at| {
        let source = source.unwrap_or_default();
        console.log(&format!("debug {source}:{at:?}: {text}"));
    });
    let (interrupt, sandbox) = (session.console.interrupt().clone(), session.sandbox.clone());
    // Rhai calls this for every operation; `Some` terminates the script.
    engine.on_progress(move |_| {
        sandbox.count(&interrupt);
        interrupt.requested().then_some(Dynamic::UNIT)
    });
    parameters(engine, session);
    output(engine, session);
    surroundings(engine, session);
    data::register(engine, session, root);
    engine.register_iterator::<Progress>();
}

/// Starts the registration of a function with its documentation, from which the reference is written.
pub(crate) fn documented(name: &str, params: &[&str], doc: &str) -> FuncRegistration {
    FuncRegistration::new(name)
        .with_volatility(true)
        .with_params_info(params)
        .with_comments(
            doc.lines()
                .map(|line| format!("/// {line}").trim_end().to_owned()),
        )
}

fn parameters(engine: &mut Engine, session: &Arc<Session>) {
    let params = ["name: &str", "default: ?", "doc: &str", "Dynamic"];
    let values = session.clone();
    documented("param", &params, doc::PARAM)
        .register_into_engine(engine, move |name: &str, default: Dynamic, _doc: &str| {
            parameter(&values, name, default)
        });
    let params = [
        "name: &str",
        "default: ?",
        "doc: &str",
        "choices: Array",
        "Dynamic",
    ];
    let values = session.clone();
    documented("param", &params, doc::PARAM_CHOICES).register_into_engine(
        engine,
        move |name: &str, default: Dynamic, _doc: &str, _choices: Array| {
            parameter(&values, name, default)
        },
    );
    let params = [
        "name: &str",
        "default: Map",
        "doc: &str",
        "options: &str",
        "Dynamic",
    ];
    let values = session.clone();
    documented("param", &params, doc::PARAM_OPTIONS).register_into_engine(
        engine,
        move |name: &str, default: Map, _doc: &str, _options: &str| {
            parameter(&values, name, default.into())
        },
    );
}

/// The value of a parameter. It was resolved before the run, from the script's text.
fn parameter(session: &Session, name: &str, default: Dynamic) -> ScriptResult<Dynamic> {
    let found = session.params.iter().find(|param| param.name == name);
    if found.is_none() && session.defaults {
        return Ok(default);
    }
    found.map(|param| to_dynamic(&param.value)).ok_or_else(|| {
        let known = session.params.iter().map(|param| param.name.as_str());
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "parameters are declared in the script that is run, not in what it imports"
                .to_owned(),
        };
        let message = format!("the script that is run declares no parameter `{name}`");
        runtime_error("param.undeclared", &message, Some(&hint))
    })
}

fn output(engine: &mut Engine, session: &Arc<Session>) {
    let console = session.console.clone();
    documented("log", &["text: &str"], doc::LOG)
        .register_into_engine(engine, move |text: &str| console.log(text));
    let console = session.console.clone();
    documented("warn", &["text: &str"], doc::WARN)
        .register_into_engine(engine, move |text: &str| console.warning(text));
    let results = session.clone();
    documented("result", &["name: &str", "value: ?"], doc::RESULT).register_into_engine(
        engine,
        move |name: &str, value: Dynamic| {
            let value = to_value(&value).map_err(|found| {
                let message = format!("result `{name}` is no plain data: found a {found}");
                let hint = "record its numbers, strings or maps of these";
                runtime_error("result.invalid", &message, Some(hint))
            })?;
            results.result(name, value);
            ScriptResult::Ok(())
        },
    );
    let shown = session.clone();
    documented("show", &["value: ?"], doc::SHOW)
        .register_into_engine(engine, move |context: NativeCallContext, value: Dynamic| {
            show(&context, &shown, &value)
        });
    iterate::register(engine, session);
    help::register(engine, session);
}

fn surroundings(engine: &mut Engine, session: &Arc<Session>) {
    let run_dir = session.run_dir.display().to_string();
    documented("run_dir", &["String"], doc::RUN_DIR)
        .register_into_engine(engine, move || run_dir.clone());
    let seed = session.seed as INT;
    documented("seed", &["int"], doc::SEED).register_into_engine(engine, move || seed);
    let threads = session.clone();
    documented("threads", &["int"], doc::THREADS)
        .register_into_engine(engine, move || threads.threads() as INT);
    let chosen = session.clone();
    documented("device", &["String"], doc::DEVICE).register_into_engine(engine, move || {
        chosen
            .choose_device()
            .map(|choice| choice.name())
            .map_err(raise)
    });
    let clock = session.clone();
    documented("elapsed_s", &["float"], doc::ELAPSED_S)
        .register_into_engine(engine, move || clock.elapsed_s() as FLOAT);
    let sandbox = session.sandbox.clone();
    documented("exists", &["path: &str", "bool"], doc::EXISTS)
        .register_into_engine(engine, move |path: &str| exists(&sandbox, path));
    for_seconds(engine, session);
    let ended = session.clone();
    documented("exit", &["code: int"], doc::EXIT)
        .register_into_engine(engine, move |code: INT| exit(&ended, code));
    let ended = session.clone();
    documented("exit", &[], doc::EXIT_DONE).register_into_engine(engine, move || exit(&ended, 0));
}

/// Returns whether a path exists. For a path that the script may not read this is an error, so that
/// it cannot find out what exists outside of its folders.
fn exists(sandbox: &Sandbox, path: &str) -> ScriptResult<bool> {
    match sandbox.files().metadata(Path::new(path)) {
        Ok(_) => Ok(true),
        Err(error) => refused(&error).map_or(Ok(false), Err),
    }
}

/// Registers `sleep`. Rhai's own does not end at Ctrl-C.
fn for_seconds(engine: &mut Engine, session: &Arc<Session>) {
    let work = session.work();
    let params = ["seconds: float"];
    documented("sleep", &params, doc::SLEEP)
        .register_into_engine(engine, move |seconds: FLOAT| sleep(&work, seconds));
    let work = session.work();
    documented("sleep", &["seconds: int"], doc::SLEEP_WHOLE)
        .register_into_engine(engine, move |seconds: INT| sleep(&work, seconds as FLOAT));
}

fn sleep(work: &Work, seconds: FLOAT) -> ScriptResult<()> {
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| {
        let message = format!("expected seconds, 0 or more, found {seconds}");
        runtime_error("sleep.seconds", &message, None)
    })?;
    let began = Instant::now();
    while let Some(left) = duration.checked_sub(began.elapsed()) {
        work.check().map_err(|_| {
            Box::new(EvalAltResult::ErrorTerminated(
                Dynamic::UNIT,
                Position::NONE,
            ))
        })?;
        thread::sleep(left.min(Duration::from_millis(50)));
    }
    Ok(())
}

/// Stores the exit code and ends the script: a script cannot catch this error.
fn exit(session: &Session, code: INT) -> ScriptResult<()> {
    match u8::try_from(code) {
        Ok(small) => {
            session.set_exit_code(i32::from(small));
            Err(EvalAltResult::Exit(Dynamic::UNIT, Position::NONE).into())
        }
        Err(_) => {
            let message = format!("expected an exit code from 0 to 255, found {code}");
            Err(runtime_error("exit.code", &message, None))
        }
    }
}
