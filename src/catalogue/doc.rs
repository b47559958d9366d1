//! Parses a function's documentation: its first sentence, its options and its examples.

use std::iter::Peekable;
use std::str::Lines;

/// An entry of an option map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionDoc {
    /// The entry's name.
    pub name: String,
    /// Its default as it is written in a script; empty if the documentation gives none.
    pub default: String,
    /// Its meaning.
    pub meaning: String,
}

/// Converts comment lines, `/// text` or `/** text */`, to Markdown.
pub(super) fn text<'a>(comments: impl Iterator<Item = &'a str>) -> String {
    let mut lines = Vec::new();
    for comment in comments {
        let block = comment
            .strip_prefix("/**")
            .map(|text| text.trim_end_matches("*/"));
        match block {
            Some(block) => lines.extend(block.lines().map(str::trim)),
            None => lines.extend(comment.lines().map(|line| {
                let line = line.strip_prefix("///").unwrap_or(line);
                line.strip_prefix(' ').unwrap_or(line)
            })),
        }
    }
    lines.join("\n").trim().to_owned()
}

/// The first sentence, or the first paragraph if no sentence ends there. A point in `code` does not end
/// a sentence.
pub(super) fn summary(doc: &str) -> &str {
    let paragraph = doc.split("\n\n").next().unwrap_or(doc);
    let mut code = false;
    for (at, c) in paragraph.char_indices() {
        let rest = &paragraph[at + c.len_utf8()..];
        code ^= c == '`';
        let ends = matches!(c, '.' | ':') && (rest.is_empty() || rest.starts_with([' ', '\n']));
        if ends && !code {
            return paragraph[..at].trim();
        }
    }
    paragraph.trim()
}

/// The code blocks marked `rhai`.
pub(super) fn examples(doc: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = doc.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim().strip_prefix("```") else {
            continue;
        };
        let body: Vec<&str> = lines
            .by_ref()
            .take_while(|line| !line.trim().starts_with("```"))
            .collect();
        if language == "rhai" {
            found.push(body.join("\n"));
        }
    }
    found
}

/// The options of a list ``- `batch` (48), `epochs` (10): meaning`` or of a table
/// ``| `mode` | `"paper"` | meaning |``.
pub(super) fn options(doc: &str) -> Vec<OptionDoc> {
    let mut found = Vec::new();
    let mut lines = doc.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(row) = line.strip_prefix("| `") {
            found.extend(row_option(row));
        } else if let Some(item) = line.strip_prefix("- `") {
            let item = joined(item, &mut lines);
            found.extend(item_options(&item));
        }
    }
    found
}

/// Phrases in documentation that are followed by another function whose options a function also takes.
const REFERENCES: [&str; 2] = ["the options of `", "settings are those of `"];

/// The names of other functions whose options a function also takes, by its documentation.
pub(super) fn option_references(doc: &str) -> Vec<String> {
    let text = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let behind = |words: &'static str| {
        let pieces = text.split(words).skip(1);
        pieces.filter_map(|piece| piece.split(['`', '(']).next())
    };
    let names = REFERENCES.into_iter().flat_map(behind);
    names.map(str::to_owned).collect()
}

/// Joins a list item with its continuation lines.
fn joined(item: &str, lines: &mut Peekable<Lines<'_>>) -> String {
    let mut text = item.to_owned();
    while let Some(more) = lines.next_if(|line| line.starts_with("  ")) {
        text.push(' ');
        text.push_str(more.trim());
    }
    text
}

/// Parses a row of a table of options; the first backtick is gone already.
fn row_option(row: &str) -> Option<OptionDoc> {
    let (name, rest) = row.split_once('`')?;
    let mut cells = rest.split(" | ").skip(1);
    let default = cells.next()?.trim_matches(['`', ' ']).to_owned();
    let meaning = cells.collect::<Vec<_>>().join(" | ");
    Some(OptionDoc {
        name: name.to_owned(),
        default,
        meaning: meaning.trim_end_matches(['|', ' ']).to_owned(),
    })
}

/// Parses ``batch` (48), `epochs` (10): meaning``; the first backtick is gone already.
fn item_options(item: &str) -> Vec<OptionDoc> {
    let mut found: Vec<OptionDoc> = Vec::new();
    let mut rest = item;
    while let Some((name, after)) = rest.split_once('`') {
        let (default, after) = match after.strip_prefix(" (") {
            Some(inside) => parenthesis(inside),
            None => ("", after),
        };
        found.push(OptionDoc {
            name: name.to_owned(),
            default: default.trim_matches('`').to_owned(),
            meaning: String::new(),
        });
        rest = match after.strip_prefix(", `") {
            Some(next) => next,
            None => {
                let meaning = after.trim_start_matches([':', ';', ',', ' ']).to_owned();
                for option in &mut found {
                    option.meaning.clone_from(&meaning);
                }
                break;
            }
        };
    }
    found
}

/// Splits at the closing parenthesis: the text inside, and the rest.
fn parenthesis(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_is_the_summary() {
        let check = |doc: &str, expected: &str| assert_eq!(summary(doc), expected);
        check("An HU window, in HU.\n\nMore.", "An HU window, in HU");
        check("Sigma 0.1 of the\nblur. More.", "Sigma 0.1 of the\nblur");
        check("Scans with options:\n- a", "Scans with options");
        check("As `f(#{ a: 1 })` has. More.", "As `f(#{ a: 1 })` has");
        check("Größe é: x", "Größe é");
        check("No end", "No end");
        check("", "");
    }

    #[test]
    fn options_are_read_from_lists_and_tables() {
        let read = |doc: &str| -> Vec<(String, String, String)> {
            let options = options(doc).into_iter();
            options
                .map(|option| (option.name, option.default, option.meaning))
                .collect()
        };
        let owned = |all: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
            let all = all.iter();
            all.map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string()))
                .collect()
        };
        assert_eq!(
            read("- `size` (224): side,\n  pixels\n- `dtype` (\"u8\"): kept as"),
            owned(&[
                ("size", "224", "side, pixels"),
                ("dtype", "\"u8\"", "kept as")
            ])
        );
        assert_eq!(
            read("- `batch` (48), `lr` (1e-4): samples, rate"),
            owned(&[
                ("batch", "48", "samples, rate"),
                ("lr", "1e-4", "samples, rate")
            ])
        );
        assert_eq!(
            read(
                "| setting | default | meaning |\n|---|---|---|\n| `mode` | `\"paper\"` | which |"
            ),
            owned(&[("mode", "\"paper\"", "which")])
        );
        assert_eq!(
            read("- `seed` (0)\n- `labels` (`train.csv` in the folder): path"),
            owned(&[
                ("seed", "0", ""),
                ("labels", "train.csv` in the folder", "path")
            ])
        );
        assert_eq!(read("No `options` (here): none"), []);
    }

    #[test]
    fn the_options_of_other_functions_are_followed() {
        let check = |doc: &str, expected: &[&str]| assert_eq!(option_references(doc), expected);
        check("Takes the\noptions of `lung::masking`.", &["lung::masking"]);
        check(
            "The settings are those of `a::f(x, y)`; the options of\n`b::g` too.",
            &["b::g", "a::f"],
        );
        check("With options of its own, `a`.", &[]);
    }

    #[test]
    fn examples_are_the_rhai_blocks() {
        let doc = "Text\n```rhai\nlet a = 1;\na\n```\n```text\nno\n```";
        assert_eq!(examples(doc), ["let a = 1;\na"]);
        assert_eq!(
            text(["/// a", "///  b", "/** c\n * d */"].into_iter()),
            "a\n b\nc\n* d"
        );
    }
}
