//! The documentation of a name, as `help` and the reference show it.

use super::{Catalogue, Function};
use crate::text::visible;

/// The documentation of all functions that `name` may mean, as Markdown.
///
/// # Errors
/// A sentence with the nearest name, when there is no such function.
pub fn help(catalogue: &Catalogue, name: &str) -> Result<String, String> {
    let found = catalogue.named(name);
    if found.is_empty() {
        let near = match catalogue.nearest(name) {
            Some(near) => format!(": did you mean `{near}`?"),
            None => "; `apropos(\"word\")` searches the documentation".to_owned(),
        };
        return Err(format!("there is no function `{name}`{near}"));
    }
    let pages: Vec<String> = found.into_iter().map(entry).collect();
    Ok(pages.join("\n\n"))
}

/// One function: its signature and its documentation, Markdown.
pub(crate) fn entry(function: &Function) -> String {
    let signature = format!("```rhai,signature\n{}\n```", function.signature());
    match function.doc.as_str() {
        "" => signature,
        doc => format!("{signature}\n\n{doc}"),
    }
}

/// Converts Markdown for a terminal: code is indented, tables and lists stay, marks are removed.
pub fn terminal(markdown: &str, colour: bool) -> String {
    let (bold, dim, off) = if colour {
        ("\x1b[1m", "\x1b[36m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut shown = Vec::new();
    let mut fence = None;
    for line in visible(markdown).lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(language), None) => fence = Some(language),
            (None, Some("rhai,signature")) => shown.push(format!("{bold}{line}{off}")),
            (None, Some(_)) => shown.push(format!("    {dim}{line}{off}")),
            (None, None) if line.starts_with("|---") => {}
            (None, None) => shown.push(plain(line)),
        }
    }
    shown.join("\n")
}

/// Removes the marks of Markdown from a line.
fn plain(line: &str) -> String {
    match line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")) {
        Some(heading) => format!("{heading}:"),
        None => line.replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_shown_without_its_marks() {
        let text = "```rhai,signature\nf(a: int)\n```\n\nTakes `a`.\n\n# Errors\nNone.\n```rhai\nf(1)\n```";
        assert_eq!(
            terminal(text, false),
            "f(a: int)\n\nTakes a.\n\nErrors:\nNone.\n    f(1)"
        );
        assert!(terminal(text, true).contains("\x1b[1mf(a: int)\x1b[0m"));
    }
}
