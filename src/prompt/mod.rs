//! The interactive prompt, `pe-script repl` or plain `pe-script`; a script on standard input; and
//! `pe-script eval`.

mod commands;
mod complete;
mod editor;
mod present;
mod state;
mod transcript;
mod workspace;

use std::cell::RefCell;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use pe_binding::Explain;
use pe_files::Files;
use pe_report::Picture;
use rhai::Dynamic;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History, SearchDirection};
use rustyline::{ColorMode, CompletionType, Config, Editor};
use signal_hook::consts::SIGINT;
use signal_hook::low_level;

use crate::console::{Console, Look};
use crate::diagnosis::{Diagnosis, remember};
use crate::run::{outcome, prepare};
use crate::sandbox::Sandbox;
use crate::session::{Session, SessionArgs, find_plugins};
use crate::stop::{DONE, FAILED, USAGE};
use crate::stop::{Interrupt, Limit, at_second, exit_code};
use crate::text;
use crate::text::{visible, visible_line};
use editor::Assistant;
use workspace::{Outcome, Workspace};

const PROMPT: &str = "pe> ";
/// Maximum number of lines in the history file.
const HISTORY: usize = 10_000;
/// Width of tables in columns, if output goes to a file or pipe.
const WIDTH: usize = 120;

/// What `pe-script repl` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ReplArgs {
    /// A script to evaluate before the prompt
    pub script: Option<PathBuf>,
    /// Seed, threads, device
    #[command(flatten)]
    pub session: SessionArgs,
}

/// What `pe-script eval` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct EvalArgs {
    /// The expression, as it would be typed at the prompt
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Print the value as JSON
    #[arg(long)]
    pub json: bool,
    /// Seed, threads, device
    #[command(flatten)]
    pub session: SessionArgs,
}

/// Next step after a line was handled.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Prompt,
    Quit(i32),
}

/// An interactive session.
struct Repl {
    workspace: Rc<RefCell<Workspace>>,
    look: Look,
    /// True while work is running; the signal handler reads it.
    busy: Arc<AtomicBool>,
    /// The lines of the history, for `.history`.
    lines: Vec<String>,
}

/// Starts the prompt. If standard input is no terminal, its text is run as a script instead.
pub fn main(arguments: &ReplArgs, look: Look) -> i32 {
    let look = Look {
        quiet: arguments.session.quiet,
        ..look
    };
    if io::stdin().is_terminal() {
        interactive(arguments, look)
    } else {
        piped(arguments, look)
    }
}

/// Evaluates one expression and prints its value.
pub fn eval(arguments: &EvalArgs, look: Look) -> i32 {
    let look = Look {
        quiet: arguments.session.quiet,
        ..look
    };
    let source = Path::new("EXPR");
    run_text(
        &arguments.session,
        look,
        (&arguments.expression, source, None),
        |workspace, value| {
            if !arguments.json {
                show(workspace, value, true);
                return DONE;
            }
            match crate::language::value::to_value(value) {
                Ok(value) => {
                    let json = serde_json::to_string(&value).unwrap_or_default();
                    workspace.session().console.print(&json);
                    DONE
                }
                Err(found) => {
                    let text = format!("the value is no plain data: found a {found}");
                    let hint = "print its numbers, strings or maps of these".to_owned();
                    tell(
                        &workspace.session().console,
                        &Diagnosis::new("usage.json", text, Some(hint)),
                    );
                    USAGE
                }
            }
        },
    )
}

/// Runs the script that the user named, or else standard input.
fn piped(arguments: &ReplArgs, look: Look) -> i32 {
    let mut text = String::new();
    let source = Path::new("standard input");
    let read = match &arguments.script {
        Some(file) => text::script(file, &Files::free()).map(|script| text = script),
        None => io::stdin().read_to_string(&mut text).map(drop),
    };
    let source = arguments.script.as_deref().unwrap_or(source);
    if let Err(error) = read {
        let source = source.display().to_string();
        eprintln!("error: cannot read {}: {error}", visible_line(&source));
        return USAGE;
    }
    let script = arguments.script.as_deref();
    run_text(&arguments.session, look, (&text, source, script), |_, _| {
        DONE
    })
}

/// Evaluates a text from beginning to end and returns the exit code. `source` names it in messages;
/// `script` is its file, if it has one. `with` gets the value and returns the exit code for it.
fn run_text(
    arguments: &SessionArgs,
    look: Look,
    (text, source, script): (&str, &Path, Option<&Path>),
    with: impl FnOnce(&Workspace, &Dynamic) -> i32,
) -> i32 {
    remember(source, text.to_owned());
    let mut workspace = match open(arguments, script, look, at_second(|_| {})) {
        Ok(workspace) => workspace,
        Err(code) => return code,
    };
    let session = workspace.session().clone();
    let interrupt = session.console.interrupt();
    let _clock = session.sandbox.clock(interrupt, |limit| {
        // An error is ignored: the terminal may be gone.
        let _ = writeln!(io::stderr(), "{}", Diagnosis::of_limit(limit).render(false));
        low_level::exit(limit.exit_code());
    });
    let outcome = workspace.load(text, source);
    let limit = interrupt.exceeded();
    session.console.limit(None);
    let signal = session.console.interrupt().exit_code();
    let code = match (outcome, signal) {
        (Outcome::Value(value), None) => with(&workspace, &value),
        (Outcome::Exit(code), None) => code,
        (Outcome::Failed(report), None) => {
            tell(&session.console, &report);
            limit.map_or(FAILED, Limit::exit_code)
        }
        (_, Some(code)) => {
            session.console.log("interrupted");
            code
        }
        (Outcome::Stopped, None) => FAILED,
    };
    state::tidy(&session.run_dir);
    code
}

/// Makes a workspace, with its console, folder, plugins and device.
///
/// # Errors
/// The exit code, after the error was printed.
fn open(
    arguments: &SessionArgs,
    script: Option<&Path>,
    look: Look,
    told: impl Fn(i32, u32) -> Option<i32> + Send + 'static,
) -> Result<Workspace, i32> {
    let usage = |kind: &str, text: String, hint: Option<String>| {
        let report = Diagnosis::new(kind, text, hint);
        eprintln!("{}", report.render(look.colour));
        USAGE
    };
    let device = arguments
        .device()
        .map_err(|error| usage(error.kind(), error.to_string(), error.hint()))?;
    let told_wrong = |report: Box<Diagnosis>| {
        eprintln!("{}", report.render(look.colour));
        USAGE
    };
    let sandbox = Sandbox::of(&arguments.sandbox, script).map_err(told_wrong)?;
    let interrupt = Interrupt::listen_with(told).map_err(|error| {
        usage(
            "usage.signals",
            format!("cannot listen for Ctrl-C: {error}"),
            None,
        )
    })?;
    let folder = state::session().map_err(|error| {
        let text = format!("cannot make a folder for this session: {error}");
        let hint = "set XDG_STATE_HOME to a folder that can be written".to_owned();
        usage("usage.state", text, Some(hint))
    })?;
    let near = Path::new(".");
    let plugins = find_plugins(&arguments.plugin, near, &sandbox, &interrupt);
    let plugins = plugins.map_err(told_wrong)?;
    let sandbox = plugins.let_in(sandbox, near).map_err(told_wrong)?;
    let console = Console::new(look, interrupt);
    if let Some(notice) = sandbox.notice() {
        console.warning(&notice);
    }
    let mut session = Session::new(console.clone(), &folder);
    session.sandbox = sandbox.and_write(&folder).map_err(told_wrong)?;
    session.defaults = true;
    session.plugins = plugins;
    session.seed = arguments.seed.unwrap_or_default();
    session.set_threads(prepare::set_threads(arguments.threads));
    session.set_device(device);
    let panics = outcome::catch_panics(&console);
    Ok(Workspace::new(Arc::new(session), panics, Path::new(".")))
}

/// Runs the prompt on a terminal.
fn interactive(arguments: &ReplArgs, look: Look) -> i32 {
    let busy = Arc::new(AtomicBool::new(false));
    let script = arguments.script.as_deref();
    let workspace = match open(&arguments.session, script, look, patient(busy.clone())) {
        Ok(workspace) => workspace,
        Err(code) => return code,
    };
    let session = workspace.session().clone();
    let mut repl = Repl {
        workspace: Rc::new(RefCell::new(workspace)),
        look,
        busy,
        lines: Vec::new(),
    };
    let code = match repl.converse(arguments.script.as_deref()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: the terminal cannot be used: {error}");
            FAILED
        }
    };
    state::tidy(&session.run_dir);
    code
}

/// Signal handler of the prompt. Ctrl-C stops the work and keeps the session, unless it is pressed three
/// times. At the prompt, the line editor handles Ctrl-C itself. Other signals end the process, with the
/// terminal's settings restored.
fn patient(busy: Arc<AtomicBool>) -> impl Fn(i32, u32) -> Option<i32> + Send + 'static {
    let terminal = rustix::termios::tcgetattr(io::stdin()).ok();
    move |signal, times| {
        if busy.load(Ordering::SeqCst) && signal == SIGINT && times < 3 {
            // An error is ignored: the terminal may be gone.
            let _ = writeln!(
                io::stderr(),
                "stopping … (Ctrl-C three times ends pe-script)"
            );
            return None;
        }
        // SIGTERM and SIGHUP end the session. If work is running, it is only asked to stop, so that it
        // can write its results; the session ends after it.
        let asked = signal != SIGINT && busy.load(Ordering::SeqCst);
        if signal == SIGINT && times < 3 || asked {
            return None;
        }
        if let Some(terminal) = &terminal {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, terminal);
        }
        Some(exit_code(signal))
    }
}

impl Repl {
    fn converse(&mut self, script: Option<&Path>) -> rustyline::Result<i32> {
        let mut editor = self.editor()?;
        let history = state::history();
        if let Some(file) = &history {
            // It fails for the first session, which has no history file.
            let _ = editor.load_history(file);
        }
        self.lines = lines(editor.history());
        let mut told = false;
        self.print(&format!(
            "pe-script {}: Tab completes, ?name explains, .help lists the commands, Ctrl-D ends",
            env!("CARGO_PKG_VERSION")
        ));
        if let Some(file) = script
            && let Next::Quit(code) = commands::load(self, file)
        {
            return Ok(code);
        }
        loop {
            let line = match editor.readline(PROMPT) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    self.complain(
                        "the line has bytes that are no UTF-8",
                        "type or paste it again",
                    );
                    continue;
                }
                Err(ReadlineError::Eof) => return Ok(DONE),
                Err(error) => return Err(error),
            };
            if line.trim().is_empty() {
                continue;
            }
            editor.add_history_entry(line.as_str())?;
            if let Some(file) = &history {
                // Written after each line, so that a session that is killed keeps its history.
                let written = editor.append_history(file);
                if let Err(error) = written
                    && !std::mem::replace(&mut told, true)
                {
                    let file = file.display();
                    self.warn(&format!("lines are not kept in {file}: {error}"));
                }
            }
            self.lines.push(line.clone());
            if let Next::Quit(code) = self.input(&line) {
                return Ok(code);
            }
        }
    }

    fn editor(&self) -> rustyline::Result<Editor<Assistant, FileHistory>> {
        let colours = if self.look.colour {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        };
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(colours)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Assistant::new(
            self.workspace.clone(),
            self.look.colour,
        )));
        Ok(editor)
    }

    /// Handles a line: `?name`, a command such as `.help`, or code.
    fn input(&mut self, line: &str) -> Next {
        let text = line.trim();
        if let Some(name) = text.strip_prefix('?') {
            commands::document(self, name.trim());
            return Next::Prompt;
        }
        if text.starts_with('.') {
            return commands::command(self, text);
        }
        let outcome = self.work(|workspace| workspace.evaluate(line));
        self.conclude(outcome)
    }

    /// Runs work that Ctrl-C can stop.
    fn work(&self, work: impl FnOnce(&mut Workspace) -> Outcome) -> Outcome {
        self.while_busy(|| work(&mut self.workspace.borrow_mut()))
    }

    /// Runs work as a new input: clears the stop request, resets the limits and starts the clock.
    fn while_busy<T>(&self, work: impl FnOnce() -> T) -> T {
        self.console(|console| console.interrupt().clear());
        let session = self.workspace.borrow().session().clone();
        session.sandbox.begin();
        // Work that ignores the request is not killed at the time limit: the user can press Ctrl-C.
        let interrupt = session.console.interrupt();
        let _clock = session.sandbox.clock(interrupt, |_| {});
        self.busy.store(true, Ordering::SeqCst);
        let done = work();
        self.busy.store(false, Ordering::SeqCst);
        done
    }

    /// Shows the value or the error of an input.
    fn conclude(&self, outcome: Outcome) -> Next {
        let signal = self.taken();
        match (outcome, signal) {
            (Outcome::Exit(code), _) => return Next::Quit(code),
            // Ctrl-C works here too: to show a value may take long, as a store's counts read every exam.
            (Outcome::Value(value), _) => {
                self.while_busy(|| show(&self.workspace.borrow(), &value, false));
            }
            (Outcome::Stopped, _) | (Outcome::Failed(_), Some(_)) => {
                self.console(|console| console.warning("interrupted; the variables are kept"));
            }
            (Outcome::Failed(report), None) => self.console(|console| tell(console, &report)),
        }
        self.next(signal)
    }

    /// Returns the exit code of the signal that came, if any, and clears the request.
    fn taken(&self) -> Option<i32> {
        self.console(|console| {
            let signal = console.interrupt().exit_code();
            console.interrupt().clear();
            signal
        })
    }

    /// The step after work: after SIGTERM or SIGHUP the session ends, after Ctrl-C it goes on.
    fn next(&self, signal: Option<i32>) -> Next {
        match signal.or_else(|| self.taken()) {
            Some(code) if code != exit_code(SIGINT) => Next::Quit(code),
            _ => Next::Prompt,
        }
    }

    fn warn(&self, text: &str) {
        self.console(|console| console.warning(text));
    }

    fn print(&self, text: &str) {
        self.console(|console| console.show(&visible(text)));
    }

    fn complain(&self, text: &str, hint: &str) {
        let report = Diagnosis::new("usage.command", text, Some(hint.to_owned()));
        self.console(|console| tell(console, &report));
    }

    fn console<T>(&self, with: impl FnOnce(&Console) -> T) -> T {
        let console = self.workspace.borrow().session().console.clone();
        with(&console)
    }
}

fn tell(console: &Console, report: &Diagnosis) {
    console.error(&report.render(console.look().colour), &report.render(false));
}

/// Shows a value. A picture is drawn if the terminal can; a text has no quotes if `raw` is set.
fn show(workspace: &Workspace, value: &Dynamic, raw: bool) {
    let session = workspace.session();
    if let Some(picture) = value.clone().try_cast::<Picture>() {
        if let Err(error) = crate::session::picture(session, &picture) {
            session.console.warning(&error.to_string());
        }
        return;
    }
    if raw && let Ok(text) = value.as_immutable_string_ref() {
        return session.console.print(&text);
    }
    // The properties of a value call native functions. A panic there must not end the session.
    let shown = || present::present(workspace, value, width());
    match panic::catch_unwind(AssertUnwindSafe(shown)) {
        Ok(Some(text)) => session.console.show(&text),
        Ok(None) => {}
        Err(_) => tell(&session.console, &workspace.panic_report()),
    }
}

/// The lines of a history.
fn lines(history: &FileHistory) -> Vec<String> {
    let entry = |at| history.get(at, SearchDirection::Forward).ok().flatten();
    let entries = (0..history.len()).filter_map(entry);
    entries.map(|found| found.entry.into_owned()).collect()
}

/// Width of the terminal in columns.
fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests;
