//! A script's text, taken apart as far as annotations need: its comments, and where its functions
//! begin and end.
//!
//! Rhai's own reader drops comments and keeps no ends of functions.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;

/// A line comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// Its line, counted from 1.
    pub line: usize,
    /// What follows the slashes, trimmed.
    pub text: String,
    /// Whether nothing but it is on its line.
    pub alone: bool,
}

/// A function that the script defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub name: String,
    /// From the line of `fn` to the line of its last brace, counted from 1.
    pub lines: RangeInclusive<usize>,
}

/// A text taken apart.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub comments: Vec<Comment>,
    pub functions: Vec<Function>,
    /// The first line that holds anything but comments, counted from 1.
    pub first_line_of_code: Option<usize>,
}

impl Source {
    /// Takes a script apart; of a text that is none, what can be made out.
    pub fn new(text: &str) -> Self {
        let mut reader = Reader {
            chars: text.chars().collect(),
            ..Reader::default()
        };
        reader.code(false);
        let blank = |line: &str| line.trim().is_empty();
        let first = reader.code.lines().position(|line| !blank(line));
        Self {
            comments: reader.comments,
            functions: functions(&reader.code),
            first_line_of_code: first.map(|index| index + 1),
        }
    }
}

/// `fn` is a keyword, so that wherever it stands in the code a function begins.
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    #[allow(clippy::unwrap_used)] // The pattern is a constant.
    Regex::new(r"\bfn\s+(\w+)\s*\(").unwrap()
});

fn functions(code: &str) -> Vec<Function> {
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let found = FUNCTION.captures_iter(code).filter_map(|captures| {
        let (whole, name) = (captures.get(0)?, captures.get(1)?);
        Some(Function {
            name: name.as_str().to_owned(),
            lines: line(whole.start())..=line(end_of_body(code, whole.end())),
        })
    });
    found.collect()
}

/// Where the block that opens next is closed.
fn end_of_body(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return from + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Goes through a text once. What it leaves in `code` has the text's lines, with comments taken out
/// and every string made blank.
#[derive(Default)]
struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    comments: Vec<Comment>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn done(&self) -> bool {
        self.at >= self.chars.len()
    }

    /// The next character; only line ends are kept.
    fn skip(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
            self.code.push('\n');
        }
        c
    }

    /// Reads code to the end of the text, or behind the brace that closes an interpolation.
    fn code(&mut self, interpolated: bool) {
        let mut depth = 0;
        while !self.done() {
            match (self.peek(0), self.peek(1)) {
                ('/', '/') => self.line_comment(),
                ('/', '*') => self.block_comment(),
                ('#', '"' | '#') => self.raw_string(),
                ('`', _) => self.template(),
                (quote @ ('"' | '\''), _) => self.quoted(quote),
                (c, _) => {
                    if !matches!(self.skip(), '\n') {
                        self.code.push(c);
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if interpolated && depth == 0 => return,
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }

    fn line_comment(&mut self) {
        let before = self.code.rsplit('\n').next().unwrap_or_default();
        let alone = before.trim().is_empty();
        let mut text = String::new();
        while !self.done() && self.peek(0) != '\n' {
            text.push(self.skip());
        }
        self.comments.push(Comment {
            line: self.line + 1,
            text: text.trim_start_matches(['/', '!']).trim().to_owned(),
            alone,
        });
    }

    /// Rhai's block comments are nested.
    fn block_comment(&mut self) {
        let mut depth = 0;
        while !self.done() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.skip();
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        self.code.push('_');
        self.skip();
        while !self.done() {
            match self.skip() {
                '\\' => drop(self.skip()),
                c if c == quote => return,
                _ => {}
            }
        }
    }

    /// `#"…"#`, with any number of `#`.
    fn raw_string(&mut self) {
        let hashes = (0..).take_while(|&n| self.peek(n) == '#').count();
        if self.peek(hashes) != '"' {
            self.at += hashes;
            return;
        }
        self.code.push('_');
        self.at += hashes + 1;
        while !self.done() {
            let closes = self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#');
            self.skip();
            if closes {
                self.at += hashes;
                return;
            }
        }
    }

    /// `` `…` ``, with code in `${…}`.
    fn template(&mut self) {
        self.code.push('_');
        self.skip();
        while !self.done() {
            match (self.peek(0), self.peek(1)) {
                ('$', '{') => {
                    self.at += 2;
                    self.code.push('{');
                    self.code(true);
                }
                _ => {
                    if self.skip() == '`' {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_and_what_looks_like_one_is_not() {
        let check = |text: &str, expected: &[(usize, &str, bool)]| {
            let source = Source::new(text);
            let found: Vec<(usize, &str, bool)> = source
                .comments
                .iter()
                .map(|comment| (comment.line, comment.text.as_str(), comment.alone))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("", &[]);
        check("// a", &[(1, "a", true)]);
        check(
            "\r\n  /// b\r\nf(); // c\r\n",
            &[(2, "b", true), (3, "c", false)],
        );
        check("let a = \"// no \\\" // no\"; // d", &[(1, "d", false)]);
        check("let c = '\"'; // e", &[(1, "e", false)]);
        check("let a = #\"a \" // no\"#; // f", &[(1, "f", false)]);
        check("let a = #{b: 1}; // g", &[(1, "g", false)]);
        check(
            "`a\n// no ${ f(\"}\") /* ` */ } // no`; // h",
            &[(2, "h", false)],
        );
        check("/* a /* b */ // no\n */ // i", &[(2, "i", true)]);
        check(
            "let url = \"https://x\"; // open \"\n// j",
            &[(1, "open \"", false), (2, "j", true)],
        );
    }

    #[test]
    fn functions_have_their_lines() {
        let check = |text: &str, expected: &[(&str, usize, usize)]| {
            let source = Source::new(text);
            let found: Vec<(&str, usize, usize)> = source
                .functions
                .iter()
                .map(|f| (f.name.as_str(), *f.lines.start(), *f.lines.end()))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("let a = 1;", &[]);
        check(
            "fn a() {}\nprivate fn b(x)\n{\n  if x { `${x}}` }\n}\n",
            &[("a", 1, 1), ("b", 2, 5)],
        );
        check(
            "// fn no() {}\nlet s = \"fn no() {\"; fn c() { let m = #{};\n}",
            &[("c", 2, 3)],
        );
        check("fn d() {", &[("d", 1, 1)]);
    }

    #[test]
    fn the_code_begins_behind_the_comments() {
        let check = |text: &str, expected| {
            assert_eq!(Source::new(text).first_line_of_code, expected, "{text}");
        };
        check("// a\n\n/* b\n*/\nlet a = 1;", Some(5));
        check("\"text\"", Some(1));
        check("// a", None);
    }
}
