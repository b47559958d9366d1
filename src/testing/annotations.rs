//! Annotations in the comments of a test script: `// error: REGEX`, `// tags: slow`, `// timeout: 60s`.
//!
//! `error` stands at the end of the line in which the test is expected to fail. `tags` and `timeout`
//! stand on the lines directly above a test, or at the top of the file for all of its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;

use super::source::{Comment, Function, Source};

/// The annotations of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// The error that the test must end with.
    pub error: Option<ExpectedError>,
    /// Tags, by which `--tag` selects tests. A test with the tag `cuda` is skipped without a GPU.
    pub tags: BTreeSet<String>,
    /// Time limit.
    pub timeout: Option<Duration>,
}

/// The error that a test must end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedError {
    /// The line, counted from 1.
    pub line: usize,
    /// The regular expression that its text must match.
    pub pattern: String,
}

/// An annotation that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Its line, counted from 1.
    pub line: usize,
    /// The error message.
    pub message: String,
}

/// The annotations of a script.
pub(super) struct Found {
    /// First line of each function.
    lines: BTreeMap<String, usize>,
    /// Annotations of single tests, by function name.
    functions: BTreeMap<String, Annotations>,
    /// Annotations for all tests.
    file: Annotations,
    /// The first annotation that cannot be read.
    misread: Option<Misread>,
}

/// Target of an annotation.
enum Owner {
    Function(String),
    File,
}

impl Found {
    /// Reads the annotations of a script.
    pub fn new(text: &str) -> Self {
        let source = Source::new(text);
        let line = |function: &Function| (function.name.clone(), *function.lines.start());
        let mut found = Self {
            lines: source.functions.iter().map(line).collect(),
            functions: BTreeMap::new(),
            file: Annotations::default(),
            misread: None,
        };
        for comment in &source.comments {
            if let Err(message) = found.read(&source, comment) {
                let line = comment.line;
                found.misread.get_or_insert(Misread { line, message });
            }
        }
        found
    }

    /// The first line of a function.
    pub fn line_of(&self, function: &str) -> Option<usize> {
        self.lines.get(function).copied()
    }

    /// The annotations of a function, completed by those of the file.
    ///
    /// # Errors
    /// The first annotation of the script that cannot be read. It fails every test, because we do not
    /// know which test it was meant for.
    pub fn of(&self, function: &str) -> Result<Annotations, Misread> {
        if let Some(misread) = &self.misread {
            return Err(misread.clone());
        }
        let mut own = self.functions.get(function).cloned().unwrap_or_default();
        own.tags.extend(self.file.tags.iter().cloned());
        own.timeout = own.timeout.or(self.file.timeout);
        Ok(own)
    }

    /// Adds the annotation in a comment. Other comments are ignored.
    fn read(&mut self, source: &Source, comment: &Comment) -> Result<(), String> {
        let Some((word, rest)) = comment.text.split_once(':') else {
            return Ok(());
        };
        let rest = rest.trim();
        match word {
            "error" => self.error(source, comment, rest),
            "tags" => {
                let tags = tags(rest)?;
                self.target(source, comment)?.tags.extend(tags);
                Ok(())
            }
            "timeout" => {
                let timeout = duration(rest)?;
                let target = self.target(source, comment)?;
                match target.timeout.replace(timeout) {
                    Some(_) => Err("a second `timeout:` of the same test".to_owned()),
                    None => Ok(()),
                }
            }
            // Likely typos. Other words before a colon are ordinary comments.
            "errors" | "tag" | "timeouts" => Err(format!(
                "there is no annotation `{word}:`; there are `error:`, `tags:` and `timeout:`"
            )),
            _ => Ok(()),
        }
    }

    fn error(&mut self, source: &Source, comment: &Comment, pattern: &str) -> Result<(), String> {
        let Comment { line, alone, .. } = *comment;
        if alone {
            return Err(
                "`error:` stands at the end of the line where the error is expected".into(),
            );
        }
        if pattern.is_empty() {
            return Err("`error:` needs a regular expression that the error's text matches".into());
        }
        Regex::new(pattern)
            .map_err(|error| format!("`error:` has no regular expression: {error}"))?;
        let tests = source.functions.iter();
        let test = tests
            .filter(|function| is_test(function))
            .find(|function| function.lines.contains(&line))
            .ok_or("`error:` stands outside of a test function")?;
        let target = self.functions.entry(test.name.clone()).or_default();
        if let Some(first) = &target.error {
            let first = first.line;
            return Err(format!(
                "a second `error:` in `{}`; the first is in line {first}: a test \
                                ends at its first error",
                test.name
            ));
        }
        let pattern = pattern.to_owned();
        target.error = Some(ExpectedError { line, pattern });
        Ok(())
    }

    fn target(&mut self, source: &Source, comment: &Comment) -> Result<&mut Annotations, String> {
        match owner(source, comment) {
            Some(Owner::Function(name)) => Ok(self.functions.entry(name).or_default()),
            Some(Owner::File) => Ok(&mut self.file),
            None => Err(
                "`tags:` and `timeout:` stand directly above a test function, or at the \
                         top of the file for all of its tests"
                    .to_owned(),
            ),
        }
    }
}

fn is_test(function: &Function) -> bool {
    function.name.starts_with("test_")
}

/// The test below a comment, or the file for a comment above all code.
fn owner(source: &Source, comment: &Comment) -> Option<Owner> {
    if !comment.alone {
        return None;
    }
    let is_comment = |line| source.comments.iter().any(|c| c.alone && c.line == line);
    let below = (comment.line..).find(|&line| !is_comment(line))?;
    let tests = source.functions.iter().filter(|function| is_test(function));
    if let Some(test) = tests.clone().find(|test| *test.lines.start() == below) {
        return Some(Owner::Function(test.name.clone()));
    }
    let top = source
        .first_line_of_code
        .is_none_or(|code| comment.line < code);
    top.then_some(Owner::File)
}

fn tags(text: &str) -> Result<BTreeSet<String>, String> {
    let tags = text.split(',').map(|tag| match tag.trim() {
        tag if is_tag(tag) => Ok(tag.to_owned()),
        tag => Err(format!(
            "`tags:` takes names of letters, digits, `-` and `_`, with commas between, as in \
             `// tags: slow, cuda`; found `{tag}`"
        )),
    });
    tags.collect()
}

/// Returns whether a text can be a tag.
pub(super) fn is_tag(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(allowed)
}

fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - unit.len()];
    let scale = match unit.trim() {
        "ms" => 1e-3,
        "s" => 1.0,
        "min" | "m" => 60.0,
        _ => 0.0,
    };
    let seconds = number.parse().map_or(0.0, |number: f64| number * scale);
    let duration = Duration::try_from_secs_f64(seconds).ok();
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        format!("`timeout:` takes a number with ms, s or min, as in `// timeout: 60s`; found `{text}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_belong_to_a_test_or_to_the_file() {
        let check =
            |text: &str, error: Option<(usize, &str)>, tags: &[&str], timeout: Option<u64>| {
                let found = Found::new(text).of("test_a").unwrap();
                let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
                let error = error.map(|(line, pattern)| ExpectedError {
                    line,
                    pattern: pattern.to_owned(),
                });
                let timeout = timeout.map(Duration::from_millis);
                assert_eq!(
                    found,
                    Annotations {
                        error,
                        tags,
                        timeout
                    },
                    "{text}"
                );
            };
        check("fn test_a() {}", None, &[], None);
        check(
            "// tags: slow, cuda\n// note: x\nfn test_a() {}",
            None,
            &["cuda", "slow"],
            None,
        );
        check("// timeout: 1.5s\n\nfn test_a() {}", None, &[], Some(1500));
        check(
            "// tags: b\n\n// tags: a\nfn test_a() {}",
            None,
            &["a", "b"],
            None,
        );
        check(
            "// timeout: 2min\n\n// timeout: 5 ms\nfn test_a() {}",
            None,
            &[],
            Some(5),
        );
        check(
            "let x = 1;\n// tags: b\nfn test_b() {}\nfn test_a() {}",
            None,
            &[],
            None,
        );
        check(
            "fn test_a() {\n  f(\"// error: no\"); // error: no `x`$\n}",
            Some((2, "no `x`$")),
            &[],
            None,
        );
        check(
            "fn test_a() {}\nfn test_b() { f(); // error: b\n}",
            None,
            &[],
            None,
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let check = |text: &str, line: usize, message: &str| {
            let misread = Found::new(text).of("test_a").unwrap_err();
            assert_eq!(misread.line, line, "{text}");
            assert!(misread.message.contains(message), "{}", misread.message);
        };
        check("// tags:\nfn test_a() {}", 1, "found ``");
        check("// tags: a b\nfn test_a() {}", 1, "found `a b`");
        check("// tag: a\nfn test_a() {}", 1, "no annotation `tag:`");
        check("\n// timeout: soon\nfn test_a() {}", 2, "found `soon`");
        check("// timeout: 0s\nfn test_a() {}", 1, "found `0s`");
        check("// timeout: 5\nfn test_a() {}", 1, "found `5`");
        check(
            "// timeout: 1s\n// timeout: 2s\nfn test_a() {}",
            2,
            "a second `timeout:`",
        );
        check("fn test_a() {\n// tags: a\n}", 2, "directly above");
        check(
            "fn test_a() {\n// error: x\nf() }",
            2,
            "at the end of the line",
        );
        check(
            "fn test_a() { f() // error: (\n}",
            1,
            "no regular expression",
        );
        check(
            "fn test_a() { f() // error:\n}",
            1,
            "needs a regular expression",
        );
        check(
            "fn f() { g() // error: x\n}\nfn test_a() { f() }",
            1,
            "outside of a test",
        );
        check(
            "fn test_a() { f(); // error: x\ng(); // error: y\n}",
            2,
            "the first is in line 1",
        );
    }
}
