//! Compares texts word by word, so that a printed table can be a snapshot: numbers may differ within a
//! tolerance, anything else must be the same.
//!
//! The number of blanks between words does not count, because a column is as wide as its widest number.

use std::sync::LazyLock;

use regex::Regex;

use super::compare::{Difference, Tolerance};

/// A piece of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Number(f64, &'a str),
    Other(&'a str),
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Number(_, text) | Self::Other(text) => text,
        }
    }
}

/// A number without its sign: a `-` may also be a hyphen, depending on the text before it.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    #[allow(clippy::unwrap_used)] // The pattern is a constant.
    Regex::new(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?").unwrap()
});

/// Splits a line into numbers and other text. Digits inside a word are no number: `lstm2`, `1.2.840` and
/// `12-b` are words.
fn tokens(line: &str) -> Vec<Token<'_>> {
    line.split_whitespace().flat_map(split).collect()
}

fn split(word: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = 0;
    for found in NUMBER.find_iter(word) {
        let Some(start) = start_of_number(&word[..found.start()]) else {
            continue;
        };
        if goes_on(&word[found.end()..]) {
            continue;
        }
        let text = &word[start..found.end()];
        let Ok(number) = text.parse() else {
            continue;
        };
        if rest < start {
            tokens.push(Token::Other(&word[rest..start]));
        }
        tokens.push(Token::Number(number, text));
        rest = found.end();
    }
    if rest < word.len() {
        tokens.push(Token::Other(&word[rest..]));
    }
    tokens
}

/// Returns whether a character can be part of a word.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The byte at which a number begins whose digits follow the text `before`: at its sign, or at the
/// digits. `None` if the digits belong to a word.
fn start_of_number(before: &str) -> Option<usize> {
    match before.chars().next_back() {
        Some(c) if joins(c) || c == '.' => None,
        Some('-' | '+') if !before[..before.len() - 1].ends_with(joins) => Some(before.len() - 1),
        _ => Some(before.len()),
    }
}

/// Returns whether the text after digits makes them part of a word.
fn goes_on(after: &str) -> bool {
    let mut after = after.chars();
    match after.next() {
        Some('.') => after.next().is_some_and(joins),
        Some('-') => after.next().is_some_and(char::is_alphabetic),
        next => next.is_some_and(joins),
    }
}

/// The lines of `found` that are not as expected, each with its first difference.
pub(super) fn differences(expected: &str, found: &str, at: &str, by: Tolerance) -> Vec<Difference> {
    let (left, right) = (expected.lines().count(), found.lines().count());
    let mut all = Vec::new();
    if left != right {
        all.push(Difference::new(
            at,
            format!("{left} lines"),
            right.to_string(),
        ));
    }
    for (i, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        let line = format!("line {}", i + 1);
        let place = if at.is_empty() {
            line
        } else {
            format!("{at}, {line}")
        };
        all.extend(in_line(expected, found, &place, by));
    }
    all
}

/// The first difference of two lines.
fn in_line(expected: &str, found: &str, at: &str, by: Tolerance) -> Option<Difference> {
    let (left, right) = (tokens(expected), tokens(found));
    for (a, b) in left.iter().zip(&right) {
        match (*a, *b) {
            (Token::Number(a, left), Token::Number(b, right)) if !by.holds(a, b) => {
                let texts = (left.to_owned(), right.to_owned());
                return Some(Difference::of_numbers(at, (a, b), texts));
            }
            (Token::Number(..), Token::Number(..)) => {}
            (a, b) if a.text() != b.text() => {
                let quoted = |token: Token| format!("{:?}", token.text());
                return Some(Difference::new(at, quoted(a), quoted(b)));
            }
            _ => {}
        }
    }
    let quoted = |text: &str| format!("{:?}", text.trim());
    (left.len() != right.len()).then(|| Difference::new(at, quoted(expected), quoted(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_words() {
        let check = |line: &str, expected: &[&str]| {
            let tokens = tokens(line);
            let numbers: Vec<&str> = tokens
                .iter()
                .filter(|token| matches!(token, Token::Number(..)))
                .map(|token| token.text())
                .collect();
            assert_eq!(numbers, expected, "{line}");
            let all: String = tokens.iter().map(|token| token.text()).collect();
            assert_eq!(all, line.split_whitespace().collect::<String>());
        };
        check("auroc  0.912 [0.88, 0.95]", &["0.912", "0.88", "0.95"]);
        check("n=64, -3 of +2e-3.", &["64", "-3", "+2e-3"]);
        check("95 %, 95%", &["95", "95"]);
        check("effnet_lstm2 r3d_18 v1.2 64x64 12s 12-b", &[]);
        check(
            "1.2.840.10008 exam-3 0.88-0.95 (-1)",
            &["3", "0.88", "0.95", "-1"],
        );
        check("a|1|2", &["1", "2"]);
        check("", &[]);
    }

    #[test]
    fn texts_differ_in_lines() {
        let check = |expected: &str, found: &str, texts: &[&str]| {
            let by: Tolerance = serde_yaml::from_str("atol: 0.1").unwrap();
            let found = differences(expected, found, "", by);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, texts);
        };
        check("a  9.99 b\n", "a 10.02 b", &[]);
        check(
            "a 1 b\nc",
            "a 2 b\nd",
            &[
                "expected 1, found 2 at line 1",
                "expected \"c\", found \"d\" at line 2",
            ],
        );
        check("a\nb", "a", &["expected 2 lines, found 1"]);
        check("a b", "a", &["expected \"a b\", found \"a\" at line 1"]);
        check("1", "one", &["expected \"1\", found \"one\" at line 1"]);
    }
}
