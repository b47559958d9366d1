//! What was typed, as one text whose lines an error names and `.save` writes.
//!
//! Every input is compiled as if it stood behind all that came before it, so that a place in it
//! means the same line for as long as the session lives, also in a function defined long ago.

use std::path::{Path, PathBuf};

use crate::diagnosis::{Place, remember};
use crate::text::lex::{Kind, Lexed};

/// The name under which the text is shown in errors.
const NAME: &str = "session";

#[derive(Debug, Clone)]
struct Input {
    text: String,
    /// The line at which it begins, from 1.
    line: usize,
    file: Option<PathBuf>,
    done: bool,
}

/// The inputs of a session, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transcript {
    inputs: Vec<Input>,
    lines: usize,
}

impl Transcript {
    /// The name of the source that inputs are compiled with.
    pub(crate) fn source(&self) -> &'static str {
        NAME
    }

    /// Adds an input, and gives the text to compile: the input at its place.
    pub(crate) fn begin(&mut self, text: &str, file: Option<&Path>) -> String {
        let text = text.trim_end();
        let padded = format!("{}{text}", "\n".repeat(self.lines));
        let text = ended(text);
        self.inputs.push(Input {
            text: text.clone(),
            line: self.lines + 1,
            file: file.map(Path::to_path_buf),
            done: false,
        });
        self.lines += text.split('\n').count();
        remember(Path::new(NAME), self.whole());
        padded
    }

    /// The input that began last is done, or failed.
    pub(crate) fn end(&mut self, done: bool) {
        if let Some(input) = self.inputs.last_mut() {
            input.done = done;
        }
    }

    fn whole(&self) -> String {
        let texts: Vec<&str> = self.inputs.iter().map(|input| &*input.text).collect();
        texts.join("\n")
    }

    /// The session as a script that can be run: what failed is a comment.
    pub(crate) fn script(&self) -> String {
        let mut lines = Vec::with_capacity(self.lines);
        for input in &self.inputs {
            let failed = if input.done { "" } else { "// " };
            lines.extend(input.text.split('\n').map(|line| format!("{failed}{line}")));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// How many inputs failed: what they did before is not in the script.
    pub(crate) fn n_failed(&self) -> usize {
        self.inputs.iter().filter(|input| !input.done).count()
    }

    /// A place in a file that was loaded, named by the file.
    pub(crate) fn locate(&self, place: &Place) -> Option<Place> {
        let line = place.position.line()?;
        if place.file != Path::new(NAME) {
            return None;
        }
        let input = self.inputs.iter().rev().find(|input| input.line <= line)?;
        let within = u16::try_from(line - input.line + 1).ok()?;
        let column = u16::try_from(place.position.position().unwrap_or(0)).ok()?;
        Some(Place {
            file: input.file.clone()?,
            position: rhai::Position::new(within, column),
        })
    }
}

/// An input with the semicolon that the next one needs before it.
fn ended(text: &str) -> String {
    let lexed = Lexed::of(text);
    let code = |kind: Kind| kind != Kind::Comment;
    let Some(last) = lexed.tokens.iter().rev().find(|token| code(token.kind)) else {
        return text.to_owned();
    };
    if &text[last.range.clone()] == ";" {
        return text.to_owned();
    }
    let (before, after) = text.split_at(last.range.end);
    format!("{before};{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_ended() {
        let check = |text: &str, expected: &str| assert_eq!(ended(text), expected);
        check("let a = 1", "let a = 1;");
        check("let a = 1;", "let a = 1;");
        check("a // shown", "a; // shown");
        check("fn f() { 1 }", "fn f() { 1 };");
        check("fn f() { 1 } f()", "fn f() { 1 } f();");
        check(
            "if true { 1 } else { 2 } + 3",
            "if true { 1 } else { 2 } + 3;",
        );
        check("let m = #{a: 1}", "let m = #{a: 1};");
        check("// nothing", "// nothing");
        check("", "");
    }

    #[test]
    fn lines_count_through_the_session() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.begin("let a = 1", None), "let a = 1");
        transcript.end(true);
        assert_eq!(
            transcript.begin("fn f() {\n  a\n}", None),
            "\nfn f() {\n  a\n}"
        );
        transcript.end(true);
        let file = Path::new("x.rhai");
        assert_eq!(transcript.begin("b\nc", Some(file)), "\n\n\n\nb\nc");
        transcript.end(false);
        assert_eq!(
            transcript.script(),
            "let a = 1;\nfn f() {\n  a\n};\n// b\n// c;\n"
        );
        let at = |line| Place {
            file: PathBuf::from(NAME),
            position: rhai::Position::new(line, 3),
        };
        assert_eq!(transcript.locate(&at(2)), None);
        let found = transcript.locate(&at(6)).unwrap();
        assert_eq!(
            (found.file.as_path(), found.position.line()),
            (file, Some(2))
        );
    }
}
