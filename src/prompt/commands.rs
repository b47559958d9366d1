//! Commands of the prompt: lines that begin with a point, such as `.help`.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use pe_files::Files;

use super::workspace::{Outcome, Workspace};
use super::{Next, Repl};
use crate::catalogue;
use crate::text;

/// The commands: name, arguments, description.
const COMMANDS: [(&str, &str, &str); 14] = [
    (
        ".help",
        "[NAME]",
        "these commands; with a name, its documentation",
    ),
    (".doc", "NAME", "the documentation of a function, as ?NAME"),
    (".vars", "", "the variables, their types and values"),
    (".type", "EXPR", "the type of an expression's value"),
    (".time", "EXPR", "how long an expression takes"),
    (
        ".load",
        "FILE",
        "evaluate a script in this session, with the parameters' defaults",
    ),
    (".save", "FILE", "write this session as a script"),
    (
        ".run",
        "SCRIPT [key=value …]",
        "run a script as `pe-script run`, outside of this session",
    ),
    (".reset", "", "forget variables, functions and imports"),
    (
        ".device",
        "[auto|cpu|cuda[:N]]",
        "where networks run; with a device, use it from now on",
    ),
    (
        ".threads",
        "[N]",
        "how many threads networks use; with a number, change it",
    ),
    (".history", "[N]", "the last lines that were typed"),
    (".quit", "", "end the session, as Ctrl-D"),
    (".exit", "", "as .quit"),
];

/// The commands' names, for completion.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, ..)| *name)
}

/// Runs the command in a line.
pub(super) fn command(repl: &mut Repl, line: &str) -> Next {
    let (name, argument) = line
        .split_once(char::is_whitespace)
        .map_or((line, ""), |(name, rest)| (name, rest.trim()));
    let wanted = COMMANDS.iter().find(|(known, ..)| *known == name);
    let Some((_, takes, _)) = wanted else {
        let near = pe_binding::nearest::nearest(name, names());
        let hint = near.unwrap_or(".help");
        repl.complain(
            &format!("there is no command `{name}`"),
            &format!("did you mean `{hint}`?"),
        );
        return Next::Prompt;
    };
    let needs = !takes.is_empty() && !takes.starts_with('[');
    if needs && argument.is_empty() {
        repl.complain(
            &format!("`{name}` takes {takes}"),
            &format!("as in `{name} {takes}`"),
        );
        return Next::Prompt;
    }
    match name {
        ".help" if argument.is_empty() => repl.print(&overview()),
        ".help" | ".doc" => document(repl, argument),
        ".vars" => variables(repl),
        ".type" => return type_of(repl, argument),
        ".time" => return time(repl, argument),
        ".load" => return load(repl, Path::new(argument)),
        ".save" => save(repl, Path::new(argument)),
        ".run" => return run(repl, argument),
        ".reset" => {
            repl.workspace.borrow_mut().reset();
            repl.print("variables, functions and imports are forgotten");
        }
        ".device" => device(repl, argument),
        ".threads" => threads(repl, argument),
        ".history" => history(repl, argument),
        _ => return Next::Quit(0),
    }
    Next::Prompt
}

/// The text of `.help`.
fn overview() -> String {
    let wide = |(name, takes, _): &(&str, &str, &str)| name.len() + 1 + takes.chars().count();
    let column = COMMANDS.iter().map(wide).max().unwrap_or(0);
    let mut lines: Vec<String> = COMMANDS
        .iter()
        .map(|(name, takes, what)| format!("  {:column$}  {what}", format!("{name} {takes}")))
        .collect();
    lines.push(String::new());
    for (key, what) in [
        (
            "?NAME",
            "the documentation of a function; apropos(\"word\") searches all",
        ),
        (
            "Tab",
            "completes names, methods, options in #{}, files in texts",
        ),
        ("Ctrl-R", "searches the history"),
        (
            "Ctrl-C",
            "clears the line, or stops the work and keeps the variables",
        ),
        ("Ctrl-D", "ends the session"),
    ] {
        lines.push(format!("  {key:column$}  {what}"));
    }
    lines.join("\n")
}

/// Shows the documentation of a function.
pub(super) fn document(repl: &Repl, name: &str) {
    let found = catalogue::help(repl.workspace.borrow().catalogue(), name);
    match found {
        Ok(page) => {
            let page = catalogue::terminal(&page, repl.look.colour);
            repl.console(|console| console.show(&page));
        }
        Err(text) => repl.complain(
            &text,
            "`apropos(\"word\")` searches names and documentation",
        ),
    }
}

fn variables(repl: &Repl) {
    let workspace = repl.workspace.borrow();
    let rows: Vec<[String; 3]> = workspace
        .variables()
        .filter_map(|name| {
            let value = workspace.variable(&name)?;
            let type_name = type_name(&workspace, &value);
            let words = super::present::short(workspace.engine(), &value);
            Some([name, type_name, words])
        })
        .collect();
    if rows.is_empty() {
        return repl.print("there are no variables yet: `let x = 1` makes one");
    }
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (wide(0).unwrap_or(0), wide(1).unwrap_or(0));
    let lines: Vec<String> = rows
        .iter()
        .map(|[name, type_name, words]| {
            let line = format!("  {name:first$}  {type_name:second$}  {words}");
            super::present::clipped(&line, super::width())
        })
        .collect();
    repl.print(&lines.join("\n"));
}

fn type_name(workspace: &Workspace, value: &rhai::Dynamic) -> String {
    let name = workspace.engine().map_type_name(value.type_name());
    catalogue::plain_types(name)
}

fn type_of(repl: &mut Repl, expression: &str) -> Next {
    let outcome = repl.work(|workspace| workspace.evaluate(expression));
    let Outcome::Value(value) = outcome else {
        return repl.conclude(outcome);
    };
    let name = type_name(&repl.workspace.borrow(), &value);
    repl.print(&name);
    repl.next(None)
}

fn time(repl: &mut Repl, expression: &str) -> Next {
    let began = Instant::now();
    let outcome = repl.work(|workspace| workspace.evaluate(expression));
    let seconds = began.elapsed().as_secs_f64();
    let next = repl.conclude(outcome);
    let text = match seconds {
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    };
    repl.print(&text);
    next
}

pub(super) fn load(repl: &mut Repl, file: &Path) -> Next {
    match text::script(file, &Files::free()) {
        Ok(text) => {
            let outcome = repl.work(|workspace| workspace.load(&text, file));
            repl.conclude(outcome)
        }
        Err(error) => {
            let text = format!("cannot read {}: {error}", file.display());
            repl.complain(&text, "paths are relative to the current folder");
            Next::Prompt
        }
    }
}

fn save(repl: &Repl, file: &Path) {
    let script = repl.workspace.borrow().transcript().script();
    // Never overwrite a file: it may be a script that was written by hand.
    let written = match file.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => Files::free().replace(file, script.as_bytes()),
    };
    match written {
        Ok(()) => {
            let n = script.lines().count();
            repl.print(&format!("{n} lines written to {}", file.display()));
            let n_failed = repl.workspace.borrow().transcript().n_failed();
            if n_failed > 0 {
                repl.warn(&format!(
                    "inputs that failed are comments there ({n_failed}): what they had defined \
                     before they failed is missing"
                ));
            }
        }
        Err(error) => {
            let text = format!("cannot write {}: {error}", file.display());
            repl.complain(&text, "name a file that does not exist yet");
        }
    }
}

fn run(repl: &Repl, argument: &str) -> Next {
    let arguments = argument.split_whitespace();
    let status = std::env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        command.arg("run").args(arguments);
        // Ctrl-C goes to the child too, because it has the same terminal, and stops it. `while_busy`
        // keeps this process alive.
        repl.while_busy(|| command.status())
    });
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => repl.complain(
            &format!("the run ended with {status}"),
            "its messages are above",
        ),
        Err(error) => repl.complain(&format!("cannot start the run: {error}"), "try it again"),
    }
    repl.next(None)
}

fn device(repl: &Repl, argument: &str) {
    let workspace = repl.workspace.borrow();
    let session = workspace.session();
    if !argument.is_empty() {
        match argument.parse() {
            Ok(request) => session.set_device(request),
            Err(error) => {
                let error: pe_nn::DeviceError = error;
                return repl.complain(&error.to_string(), "auto, cpu, cuda or cuda:N");
            }
        }
    }
    match session.choose_device() {
        Ok(choice) => repl.print(&choice.name()),
        Err(error) => repl.complain(&error.to_string(), "`.device cpu` always works"),
    }
}

fn threads(repl: &Repl, argument: &str) {
    let workspace = repl.workspace.borrow();
    let session = workspace.session();
    if argument.is_empty() {
        return repl.print(&session.threads().to_string());
    }
    match argument.parse::<u16>() {
        Ok(threads) if threads > 0 => {
            pe_nn::libtorch::set_threads(usize::from(threads));
            session.set_threads(usize::from(threads));
            repl.print(&format!(
                "networks use {threads} threads from now on; preprocessing keeps what the session \
                 began with (`pe-script repl --threads N`)"
            ));
        }
        _ => repl.complain(
            &format!("expected a number of threads from 1 to 65535, found `{argument}`"),
            "as in `.threads 4`",
        ),
    }
}

fn history(repl: &Repl, argument: &str) {
    let n = match argument {
        "" => 20,
        text => match text.parse::<usize>() {
            Ok(n) => n,
            Err(_) => {
                let text = format!("expected a number of lines, found `{argument}`");
                return repl.complain(&text, "as in `.history 50`");
            }
        },
    };
    let from = repl.lines.len().saturating_sub(n);
    repl.print(&repl.lines[from..].join("\n"));
}
