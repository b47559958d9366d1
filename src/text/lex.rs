//! A lexer for Rhai that accepts unfinished text. The prompt uses it to colour and complete lines, and
//! script tests use it to find comments and functions. Rhai's own lexer cannot do that: it drops
//! comments and stops at errors.

use std::ops::Range;

/// Kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Keyword,
    Name,
    Number,
    Text,
    Comment,
    /// `(`, `[`, `{` or `#{`, or `${` in a text.
    Open,
    Close,
    Operator,
}

/// A token, as a byte range of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// The tokens of a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// The brackets that are still open at the end of the text, as indices of tokens.
    pub(crate) open: Vec<usize>,
    /// Pairs of brackets, as indices of tokens.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// `Text` or `Comment` if a string or comment is still open at the end.
    pub(crate) unclosed: Option<Kind>,
    /// True if the open string or comment may continue on the next line. A string in double quotes may
    /// not.
    lines_follow: bool,
}

const KEYWORDS: [&str; 30] = [
    "let", "const", "fn", "private", "if", "else", "switch", "for", "in", "while", "loop", "do",
    "until", "break", "continue", "return", "throw", "try", "catch", "import", "export", "as",
    "true", "false", "this", "global", "is", "not", "or", "and",
];

/// The keywords that completion offers.
pub(crate) fn keywords() -> impl Iterator<Item = &'static str> {
    // Without the last four, which Rhai only reserves.
    KEYWORDS.into_iter().take(26)
}

impl Lexed {
    /// Splits a text into tokens.
    pub(crate) fn of(text: &str) -> Self {
        let mut lexer = Lexer {
            text,
            at: 0,
            lexed: Self::default(),
        };
        while lexer.at < text.len() {
            lexer.next();
        }
        lexer.lexed
    }

    /// Returns whether the text can be evaluated. If not, the prompt waits for more lines.
    pub(crate) fn complete(&self) -> bool {
        self.open.is_empty() && !(self.unclosed.is_some() && self.lines_follow)
    }

    /// The token that ends at the byte `at`.
    pub(crate) fn ending_at(&self, at: usize) -> Option<&Token> {
        self.tokens.iter().rev().find(|token| token.range.end == at)
    }
}

struct Lexer<'a> {
    text: &'a str,
    /// Byte position of the next token.
    at: usize,
    lexed: Lexed,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let range = self.at..self.at + length;
        self.at = range.end;
        self.lexed.tokens.push(Token { kind, range });
    }

    fn next(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return;
        };
        match first {
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '/' if rest.starts_with("//") => {
                let length = rest.find('\n').unwrap_or(rest.len());
                self.push(Kind::Comment, length);
            }
            '/' if rest.starts_with("/*") => self.comment(),
            '"' => self.quoted('"', false),
            '\'' => self.quoted('\'', false),
            '`' => self.template(1),
            '#' if raw_hashes(rest).is_some() => self.raw(),
            '#' if rest.starts_with("#{") => self.open(2),
            '(' | '[' | '{' => self.open(1),
            ')' | ']' | '}' => self.close(),
            c if c.is_ascii_digit() => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            c => self.push(Kind::Operator, c.len_utf8()),
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let kind = if KEYWORDS.contains(&&rest[..length]) {
            Kind::Keyword
        } else {
            Kind::Name
        };
        self.push(kind, length);
    }

    /// A point belongs to a number only before a digit: not in `0..3` and `1.max(2)`.
    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let mut end = 1;
        while let Some(byte) = bytes.get(end) {
            let sign = matches!(byte, b'-' | b'+')
                && matches!(bytes[end - 1], b'e' | b'E')
                && digit(end + 1)
                && !self.rest().starts_with("0x");
            let inside = byte.is_ascii_alphanumeric()
                || *byte == b'_'
                || (*byte == b'.' && digit(end + 1))
                || sign;
            if !inside {
                break;
            }
            end += 1;
        }
        self.push(Kind::Number, end);
    }

    /// A string in quotes. It ends with its line unless `lines_follow` or the line ends with a `\`.
    fn quoted(&mut self, quote: char, lines_follow: bool) {
        let rest = self.rest();
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            if c == '\n' && !escaped && !lines_follow {
                return self.unclosed(at, Kind::Text, false);
            }
            if c == quote && !escaped {
                return self.push(Kind::Text, at + 1);
            }
            escaped = c == '\\' && !escaped;
        }
        self.unclosed(rest.len(), Kind::Text, lines_follow);
    }

    /// The text of a template string up to its end or its next `${`, whose code is then split into
    /// tokens as usual. The first `skip` bytes are not searched: the opening backtick.
    fn template(&mut self, skip: usize) {
        let rest = self.rest();
        let inner = &rest[skip..];
        match inner.find(['`', '$']).map(|at| (at, &inner[at..])) {
            Some((at, from)) if from.starts_with('`') => self.push(Kind::Text, skip + at + 1),
            Some((at, from)) if from.starts_with("${") => {
                self.push(Kind::Text, skip + at);
                self.open(2);
            }
            Some((at, _)) => self.template(skip + at + 1),
            None => self.unclosed(rest.len(), Kind::Text, true),
        }
    }

    /// A raw string, `#"…"#`.
    fn raw(&mut self) {
        let rest = self.rest();
        let hashes = raw_hashes(rest).unwrap_or(1);
        let closing = format!("\"{}", "#".repeat(hashes));
        match rest[hashes + 1..].find(&closing) {
            Some(at) => self.push(Kind::Text, hashes + 1 + at + closing.len()),
            None => self.unclosed(rest.len(), Kind::Text, true),
        }
    }

    /// A block comment. They can be nested.
    fn comment(&mut self) {
        let rest = self.rest();
        let (mut depth, mut at) = (0, 0);
        while at < rest.len() {
            if rest[at..].starts_with("/*") {
                depth += 1;
                at += 2;
            } else if rest[at..].starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return self.push(Kind::Comment, at);
                }
            } else {
                at += rest[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        self.unclosed(rest.len(), Kind::Comment, true);
    }

    fn unclosed(&mut self, length: usize, kind: Kind, lines_follow: bool) {
        self.push(kind, length);
        // A string that was cut off by the end of its line is an error: more lines do not complete it.
        if self.at == self.text.len() {
            self.lexed.unclosed = Some(kind);
            self.lexed.lines_follow = lines_follow;
        }
    }

    fn open(&mut self, length: usize) {
        self.lexed.open.push(self.lexed.tokens.len());
        self.push(Kind::Open, length);
    }

    fn close(&mut self) {
        let index = self.lexed.tokens.len();
        self.push(Kind::Close, 1);
        let Some(open) = self.lexed.open.pop() else {
            return;
        };
        self.lexed.pairs.push((open, index));
        let opening = &self.text[self.lexed.tokens[open].range.clone()];
        // The code of a template string ends here, so its text goes on.
        if opening == "${" && self.at < self.text.len() {
            self.template(0);
        } else if opening == "${" {
            self.lexed.unclosed = Some(Kind::Text);
            self.lexed.lines_follow = true;
        }
    }
}

/// Number of `#` at the beginning of a raw string such as `#"…"#`; `None` for other text.
fn raw_hashes(text: &str) -> Option<usize> {
    let hashes = text.len() - text.trim_start_matches('#').len();
    (hashes > 0 && text[hashes..].starts_with('"')).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_complete_when_nothing_is_open() {
        let check = |text: &str, complete: bool| {
            assert_eq!(Lexed::of(text).complete(), complete, "{text:?}");
        };
        for text in [
            "",
            "let a = 1;",
            "f(1, [2], #{a: {3}})",
            "\"(\"",
            "\"a\\\"(\"",
            "'('",
            "`a ${f(1)} b`",
            "`a ${`b ${1}`} c`",
            "// (",
            "/* ( /* */ */ 1",
            "#\"a \" (\"#",
            "a) + 1",
            // A string in double quotes ends on its line, so more lines cannot complete it.
            "print(1); \"open",
        ] {
            check(text, true);
        }
        for text in [
            "fn f(x) {",
            "[1,",
            "#{a:",
            "f(\"a\"",
            "`a",
            "`a ${",
            "`a ${1}",
            "/* a",
            "/* /* */",
            "#\"a\"",
            "f( // )",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn pieces_have_their_kinds() {
        let kinds = |text: &str| -> Vec<(String, Kind)> {
            let tokens = Lexed::of(text).tokens.into_iter();
            tokens
                .map(|token| (text[token.range].to_owned(), token.kind))
                .collect()
        };
        let check = |text: &str, expected: &[(&str, Kind)]| {
            let expected: Vec<_> = expected.iter().map(|(t, k)| (t.to_string(), *k)).collect();
            assert_eq!(kinds(text), expected);
        };
        use Kind::*;
        check(
            "let é = 1.5e-3..2 // x",
            &[
                ("let", Keyword),
                ("é", Name),
                ("=", Operator),
                ("1.5e-3", Number),
                (".", Operator),
                (".", Operator),
                ("2", Number),
                ("// x", Comment),
            ],
        );
        check(
            "`a${b}c`",
            &[
                ("`a", Text),
                ("${", Open),
                ("b", Name),
                ("}", Close),
                ("c`", Text),
            ],
        );
        check("1.max", &[("1", Number), (".", Operator), ("max", Name)]);
    }
}
