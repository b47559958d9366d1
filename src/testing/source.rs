//! Finds the comments of a script, and the lines of its functions, as annotations need them.

use std::ops::RangeInclusive;

use crate::text::lex::{Kind, Lexed, Token};

/// A line comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its text after the slashes, trimmed.
    pub text: String,
    /// True if there is no code before it on its line.
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

/// The comments and functions of a script.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub comments: Vec<Comment>,
    pub functions: Vec<Function>,
    /// The first line that holds anything but comments, counted from 1.
    pub first_line_of_code: Option<usize>,
}

impl Source {
    /// Finds comments and functions, as far as possible also in a text with syntax errors.
    pub fn new(text: &str) -> Self {
        let lexed = Lexed::of(text);
        let code = lexed
            .tokens
            .iter()
            .find(|token| token.kind != Kind::Comment);
        Self {
            comments: comments(text, &lexed.tokens),
            functions: functions(text, &lexed),
            first_line_of_code: code.map(|token| line(text, token.range.start)),
        }
    }
}

/// The line of a byte position, counted from 1.
fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn comments(text: &str, tokens: &[Token]) -> Vec<Comment> {
    let mut comments = Vec::new();
    let mut code_ends_at = 0;
    for token in tokens {
        let piece = &text[token.range.clone()];
        if token.kind != Kind::Comment {
            code_ends_at = token.range.end;
        } else if piece.starts_with("//") {
            comments.push(Comment {
                line: line(text, token.range.start),
                text: piece.trim_start_matches(['/', '!']).trim().to_owned(),
                alone: !(code_ends_at > 0
                    && line(text, code_ends_at) == line(text, token.range.start)),
            });
        }
    }
    comments
}

/// The functions of a script. `fn` is a keyword, so each one in the code begins a function.
fn functions(text: &str, lexed: &Lexed) -> Vec<Function> {
    let piece = |at: usize| {
        let token = lexed.tokens.get(at);
        token.map_or("", |token| &text[token.range.clone()])
    };
    let begins = (0..lexed.tokens.len())
        .filter(|&at| piece(at) == "fn" && lexed.tokens[at].kind == Kind::Keyword);
    let function = |at: usize| {
        let begin = lexed.tokens[at].range.start;
        let body = (at..lexed.tokens.len()).find(|&brace| piece(brace) == "{");
        let pair = lexed.pairs.iter().find(|(open, _)| Some(*open) == body);
        // A function whose brace is not closed extends to the end of the text.
        let end = pair.map_or(text.len(), |(_, close)| lexed.tokens[*close].range.start);
        Function {
            name: piece(at + 1).to_owned(),
            lines: line(text, begin)..=line(text, end),
        }
    };
    begins.map(function).collect()
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
