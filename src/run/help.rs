//! `pe-script run SCRIPT --help`: a script's description and parameters.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use serde_yaml::Value;

use super::{Refused, Script, prepare};
use crate::language::value::{kind_of, shown};
use crate::params::{self, Given, Param, ParamFile, Resolved};
use crate::run::RunArgs;
use crate::sandbox::Sandbox;
use crate::stop::DONE;
use crate::text::{visible, visible_line};

/// Prints a script's leading comment and its parameters, with the values of the chosen profile.
///
/// # Errors
/// When the profile's file cannot be read, or a value in it is wrong.
pub(super) fn print(arguments: &RunArgs, path: &Path, script: &Script) -> Result<i32, Refused> {
    let given = if script.params.iter().any(Param::is_profile) {
        let sandbox = Sandbox::of(&arguments.session.sandbox, Some(path))?;
        prepare::given(arguments, path, script, &sandbox.files())?
    } else {
        Given::default()
    };
    let values = params::resolve(&script.params, &given.profile_alone())?;
    let text = text(path, script, &values, given.profile.as_ref());
    let _ = write!(io::stdout(), "{}", visible(&text));
    Ok(DONE)
}

fn text(path: &Path, script: &Script, values: &[Resolved], profile: Option<&ParamFile>) -> String {
    let mut text = String::new();
    let about = about(&script.text);
    if !about.is_empty() {
        text.push_str(&about);
        text.push_str("\n\n");
    }
    let _ = writeln!(
        text,
        "Usage: pe-script run {} [key=value …] [options]\n",
        visible_line(&path.display().to_string())
    );
    let _ = match profile {
        _ if values.is_empty() => writeln!(text, "The script declares no parameters."),
        Some(file) => {
            let file = file.path.display().to_string();
            let file = visible_line(&file);
            writeln!(text, "Parameters, with the values of {file}:")
        }
        None => writeln!(text, "Parameters:"),
    };
    table(&mut text, &rows(&script.params, values));
    text.push_str("\nOptions: see `pe-script run --help`.\n");
    text
}

/// Rows of the table: `name=value` and the meaning; below a map, a row for each of its entries.
fn rows(params: &[Param], values: &[Resolved]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (param, Resolved { value, .. }) in params.iter().zip(values) {
        let text = format!("{} ({})", param.doc, accepted(param));
        let Value::Mapping(entries) = value else {
            rows.push((format!("{}={}", param.name, shown(value)), text));
            continue;
        };
        rows.push((param.name.clone(), text));
        for (key, value) in entries {
            let key = key.as_str().unwrap_or_default();
            let head = format!("  {}.{key}={}", param.name, shown(value));
            rows.push((head, format!("({})", kind_of(value))));
        }
    }
    rows
}

/// Writes the rows in two columns. The meaning of a longer head stands on a line of its own.
fn table(text: &mut String, rows: &[(String, String)]) {
    const WIDEST: usize = 40;
    let width = |head: &String| head.chars().count();
    let widths = rows.iter().map(|(head, _)| width(head));
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (head, what) in rows {
        let _ = match column.checked_sub(width(head)) {
            Some(pad) => writeln!(text, "  {head}{}  {what}", " ".repeat(pad)),
            None => writeln!(text, "  {head}\n  {}  {what}", " ".repeat(column)),
        };
    }
}

/// The values that a parameter accepts: its choices, or else its kind.
fn accepted(param: &Param) -> String {
    if param.choices.is_empty() {
        return kind_of(&param.default).to_owned();
    }
    let choices: Vec<String> = param.choices.iter().map(shown).collect();
    let choices = choices.join(", ");
    match param.default {
        Value::Sequence(_) => format!("an array of any of {choices}"),
        _ => format!("one of {choices}"),
    }
}

/// The comment at the beginning of a script, up to the first line that is no comment.
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
    fn a_long_value_does_not_push_the_other_meanings_away() {
        let row = |head: &str| (head.to_owned(), "what".to_owned());
        let mut text = String::new();
        table(&mut text, &[row("a=1"), row(&"b".repeat(50)), row("abc=2")]);
        let expected = format!(
            "  a=1    what\n  {}\n         what\n  abc=2  what\n",
            "b".repeat(50)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_leading_comment_tells_about_the_script() {
        let check = |source: &str, expected: &str| assert_eq!(about(source), expected);
        check("// One.\n//\n//   Two.\nlet a = 1; // no", "One.\n\n  Two.");
        check("#!/usr/bin/env pe-script\n//! One.\n\n// Another", "One.");
        check("let a = 1;", "");
        check("", "");
    }
}
