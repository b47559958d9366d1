//! `pe-script run SCRIPT --help`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::Script;
use crate::cli::DONE;
use crate::params::Param;
use crate::value::{kind_of, shown};

/// Prints what a script says of itself and the parameters it declares.
pub(super) fn print(path: &Path, script: &Script) -> i32 {
    let _ = write!(io::stdout(), "{}", text(path, &script.text, &script.params));
    DONE
}

fn text(path: &Path, source: &str, params: &[Param]) -> String {
    let mut text = String::new();
    let about = about(source);
    if !about.is_empty() {
        text.push_str(&about);
        text.push_str("\n\n");
    }
    let _ = writeln!(
        text,
        "Usage: pe-script run {} [key=value …] [options]\n",
        path.display()
    );
    if params.is_empty() {
        text.push_str("The script declares no parameters.\n");
    } else {
        text.push_str("Parameters:\n");
    }
    let heads: Vec<String> = params
        .iter()
        .map(|param| format!("{}={}", param.name, shown(&param.default)))
        .collect();
    let width = heads
        .iter()
        .map(|head| head.chars().count())
        .max()
        .unwrap_or_default();
    for (param, head) in params.iter().zip(&heads) {
        let pad = " ".repeat(width - head.chars().count());
        let _ = writeln!(text, "  {head}{pad}  {} ({})", param.doc, accepted(param));
    }
    text.push_str("\nOptions: see `pe-script run --help`.\n");
    text
}

fn accepted(param: &Param) -> String {
    match param.choices.is_empty() {
        true => kind_of(&param.default).to_owned(),
        false => {
            let choices: Vec<String> = param.choices.iter().map(shown).collect();
            format!("one of {}", choices.join(", "))
        }
    }
}

/// The comment at the script's beginning: its lines until the first that is none.
fn about(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.starts_with("#!"));
    let comment = lines.map_while(|line| line.trim_start().strip_prefix("//"));
    let lines: Vec<&str> = comment
        .map(|line| line.trim_start_matches(['/', '!']))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_comment_tells_about_the_script() {
        let check = |source: &str, expected: &str| assert_eq!(about(source), expected);
        check("// One.\n//\n//   Two.\nlet a = 1; // no", "One.\n\n  Two.");
        check("#!/usr/bin/env pe-script\n//! One.\n\n// Another", "One.");
        check("let a = 1;", "");
        check("", "");
    }
}
