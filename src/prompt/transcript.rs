//! The transcript of a session: all inputs as one text. Errors refer to its lines, and `.save` writes it.
//!
//! Each input is compiled with as many empty lines before it as the transcript has. So its line numbers
//! stay valid for the whole session, also in a function that was defined long ago.

use std::path::{Path, PathBuf};

use crate::diagnosis::{Place, remember};
use crate::text::lex::{Kind, Lexed};

/// Name of the transcript in error messages.
const NAME: &str = "session";

/// One input.
#[derive(Debug, Clone)]
struct Input {
    text: String,
    /// Its first line in the transcript, counted from 1.
    line: usize,
    /// The file that was loaded; `None` for typed text.
    file: Option<PathBuf>,
    /// False while it runs, and if it failed.
    done: bool,
}

/// The inputs of a session, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transcript {
    inputs: Vec<Input>,
    /// Number of lines of all inputs.
    lines: usize,
}

impl Transcript {
    /// The source name with which inputs are compiled.
    pub(crate) fn source(&self) -> &'static str {
        NAME
    }

    /// Adds an input and returns the text to compile: the input, with empty lines before it.
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

    /// Marks the last input as done or failed.
    pub(crate) fn end(&mut self, done: bool) {
        if let Some(input) = self.inputs.last_mut() {
            input.done = done;
        }
    }

    fn whole(&self) -> String {
        let texts: Vec<&str> = self.inputs.iter().map(|input| &*input.text).collect();
        texts.join("\n")
    }

    /// The session as a script that can be run. Inputs that failed are comments.
    pub(crate) fn script(&self) -> String {
        let mut lines = Vec::with_capacity(self.lines);
        for input in &self.inputs {
            let failed = if input.done { "" } else { "// " };
            lines.extend(input.text.split('\n').map(|line| format!("{failed}{line}")));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// Number of inputs that failed. The script lacks what they did before they failed.
    pub(crate) fn n_failed(&self) -> usize {
        self.inputs.iter().filter(|input| !input.done).count()
    }

    /// Converts a place in the transcript to one in the file that was loaded there. `None` for typed
    /// text.
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

/// Adds the semicolon that is needed before the next input, if the text has none. Comments at its end
/// stay behind it.
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
