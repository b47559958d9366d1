//! `pe-script doctor`: shows what is installed, what is missing, and the command that installs it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use pe_binding::Explain;
use pe_nn::{BackboneKind, Request, device, imagenet, libtorch};

use crate::record::versions;
use crate::stop::{DONE, FAILED};

/// One line of the report.
struct Line {
    what: &'static str,
    found: String,
    state: State,
}

enum State {
    Good,
    /// Something optional is missing. The text says how to get it.
    Note(String),
    /// Something needed is missing. The text says how to get it.
    Missing(String),
}

/// Prints the report and returns the exit code: 1 if something needed is missing.
pub fn main() -> i32 {
    let lines = report();
    let missing = lines
        .iter()
        .any(|line| matches!(line.state, State::Missing(_)));
    let _ = io::stdout().write_all(render(&lines).as_bytes());
    if missing { FAILED } else { DONE }
}

fn report() -> Vec<Line> {
    let mut lines: Vec<Line> = versions()
        .into_iter()
        .filter(|(what, _)| *what != "libtorch")
        .map(|(what, version)| good(what, version))
        .collect();
    lines.push(libtorch_version());
    lines.push(libtorch_place());
    lines.push(weights());
    lines.extend(cuda());
    lines.push(chosen_device());
    lines.push(threads());
    lines.push(run_folder(Path::new("runs")));
    lines.push(git());
    lines
}

fn good(what: &'static str, found: impl Into<String>) -> Line {
    Line {
        what,
        found: found.into(),
        state: State::Good,
    }
}

fn libtorch_version() -> Line {
    let found = libtorch::version();
    let expected = libtorch::LIBTORCH_VERSION;
    // A version may have a suffix: `2.11.0+cpu`.
    let fits = found.as_deref().and_then(|text| text.split('+').next()) == Some(expected);
    let state = if fits {
        State::Good
    } else {
        State::Missing(format!(
            "version {expected} is needed: `make setup`, or `python3 -m pip install \
         torch=={expected}` and LIBTORCH set to its folder"
        ))
    };
    Line {
        what: "libtorch",
        found: found.unwrap_or_else(|| "unknown".to_owned()),
        state,
    }
}

fn libtorch_place() -> Line {
    match libtorch::loaded_from() {
        Some(path) => good("loaded from", path.display().to_string()),
        None => Line {
            what: "loaded from",
            found: "unknown".to_owned(),
            state: State::Note("libtorch's place can only be told on Linux".to_owned()),
        },
    }
}

/// The ImageNet weights that `make setup` installs.
fn weights() -> Line {
    let what = "ImageNet weights";
    match imagenet::find(BackboneKind::EfficientNetLite0) {
        Ok(installed) => good(what, installed.path.display().to_string()),
        Err(error) => Line {
            what,
            found: error.to_string(),
            state: State::Note(error.hint().unwrap_or_default()),
        },
    }
}

fn cuda() -> [Line; 2] {
    let facts = device::cuda_facts();
    [
        ("CUDA driver", facts.driver),
        ("CUDA library", facts.library),
    ]
    .map(|(what, fact)| match fact {
        Ok(found) => good(what, found),
        Err(error) => Line {
            what,
            found: "none".to_owned(),
            state: State::Note(error.hint().unwrap_or_else(|| error.to_string())),
        },
    })
}

fn chosen_device() -> Line {
    match pe_nn::choose(Request::Auto) {
        Ok(choice) => good("device", format!("{} ({})", choice.name(), choice.reason())),
        Err(error) => Line {
            what: "device",
            found: error.to_string(),
            state: State::Missing(error.hint().unwrap_or_default()),
        },
    }
}

fn threads() -> Line {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let torch = device::n_threads();
    let rayon = rayon::current_num_threads();
    good(
        "threads",
        format!("{cores} cores; libtorch takes {torch} and rayon {rayon} by default"),
    )
}

/// Checks that a run folder can be made at `path`, by a temporary file there, or in the current folder
/// if `path` does not exist.
fn run_folder(path: &Path) -> Line {
    let place = if path.is_dir() { path } else { Path::new(".") };
    let here = std::env::current_dir().unwrap_or_default().join(path);
    let found = here.display().to_string();
    match tempfile::tempfile_in(place) {
        Ok(_) => good("run folders", format!("{found}, can be written")),
        Err(error) => Line {
            what: "run folders",
            found: format!("{found}: {error}"),
            state: State::Missing(
                "run in a folder that you can write, or name one with `--out DIR`".to_owned(),
            ),
        },
    }
}

fn git() -> Line {
    let output = Command::new("git").arg("--version").output();
    match output.ok().filter(|output| output.status.success()) {
        Some(output) => good(
            "git",
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        ),
        None => Line {
            what: "git",
            found: "none".to_owned(),
            state: State::Note(
                "runs record the commit where git is installed: `apt-get install git`".to_owned(),
            ),
        },
    }
}

fn render(lines: &[Line]) -> String {
    let width = lines
        .iter()
        .map(|line| line.what.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    let mut missing = 0;
    for Line { what, found, state } in lines {
        let (mark, advice) = match state {
            State::Good => ("ok     ", None),
            State::Note(advice) => ("note   ", Some(advice)),
            State::Missing(advice) => ("MISSING", Some(advice)),
        };
        missing += usize::from(matches!(state, State::Missing(_)));
        let _ = writeln!(text, "{mark}  {what:width$}  {found}");
        if let Some(advice) = advice {
            let _ = writeln!(text, "         {:width$}  → {advice}", "");
        }
    }
    let _ = match missing {
        0 => writeln!(text, "\nEverything needed is there."),
        n => writeln!(text, "\nMissing: {n}. Each is told with what mends it."),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_mends_it() {
        let lines = [
            good("git", "git 2"),
            Line {
                what: "driver",
                found: "none".into(),
                state: State::Note("fetch it".into()),
            },
            Line {
                what: "torch",
                found: "1.0".into(),
                state: State::Missing("mend it".into()),
            },
        ];
        let text = render(&lines);
        assert!(text.contains("ok       git     git 2\n"), "{text}");
        assert!(
            text.contains("note     driver  none\n                 → fetch it\n"),
            "{text}"
        );
        assert!(
            text.contains("MISSING  torch   1.0\n                 → mend it\n"),
            "{text}"
        );
        assert!(
            text.ends_with("Missing: 1. Each is told with what mends it.\n"),
            "{text}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_missing() {
        let gone = run_folder(Path::new("/proc/self"));
        assert!(matches!(gone.state, State::Missing(_)), "{}", gone.found);
        let here = tempfile::tempdir().unwrap();
        assert!(matches!(run_folder(here.path()).state, State::Good));
    }
}
