//! The line editor: colours, matching brackets, hints, completion, and the check that a line is
//! complete.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::complete::complete;
use super::present::clipped;
use super::workspace::Workspace;
use crate::catalogue;
use crate::text::lex::{Kind, Lexed};

/// Helper of rustyline, which calls it while a line is edited.
pub(super) struct Assistant {
    workspace: Rc<RefCell<Workspace>>,
    history: HistoryHinter,
    colour: bool,
}

/// A hint behind the cursor: the rest of an earlier line, which the right arrow accepts, or the
/// arguments of a call.
pub(super) struct Shown {
    text: String,
    /// Number of bytes that the right arrow accepts; `None` for a call's arguments.
    taken: Option<usize>,
}

impl Assistant {
    pub(super) fn new(workspace: Rc<RefCell<Workspace>>, colour: bool) -> Self {
        Self {
            workspace,
            history: HistoryHinter::new(),
            colour,
        }
    }
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, found) = complete(&self.workspace.borrow(), &line[..pos]);
        let width = super::width().saturating_sub(2);
        let pairs = found.into_iter().map(|candidate| Pair {
            display: clipped(&candidate.shown, width),
            replacement: candidate.replacement,
        });
        Ok((start, pairs.collect()))
    }
}

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.taken.map(|length| &self.text[..length])
    }
}

impl Hinter for Assistant {
    type Hint = Shown;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Shown> {
        if pos < line.len() {
            return None;
        }
        if let Some(text) = signature(&self.workspace.borrow(), line) {
            return Some(Shown { text, taken: None });
        }
        let text = self.history.hint(line, pos, context)?;
        let text = text.display().to_owned();
        let taken = Some(text.len());
        Some(Shown { text, taken })
    }
}

/// The remaining arguments of the call that is open at the end of the line: `width)` after
/// `ct::window(40,`.
pub(super) fn signature(workspace: &Workspace, line: &str) -> Option<String> {
    let lexed = Lexed::of(line);
    let piece = |at: usize| &line[lexed.tokens[at].range.clone()];
    let last = lexed.tokens.len().checked_sub(1)?;
    let open = *lexed.open.last()?;
    if lexed.unclosed.is_some() || piece(open) != "(" || !matches!(piece(last), "(" | ",") {
        return None;
    }
    let path: String = {
        let before = lexed.tokens[..open].iter().rev();
        let names = before
            .take_while(|token| token.kind == Kind::Name || &line[token.range.clone()] == ":");
        let mut names: Vec<&str> = names.map(|token| &line[token.range.clone()]).collect();
        names.reverse();
        names.concat()
    };
    let given = commas(&lexed, line, open);
    let catalogue = workspace.catalogue();
    let rest = catalogue.named(&path).into_iter().find_map(|function| {
        let on_value = usize::from(function.kind != catalogue::Kind::Free);
        let params = function.params.get(on_value + given..)?;
        let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    })?;
    let space = if line.ends_with(',') { " " } else { "" };
    Some(format!("{space}{rest})"))
}

/// Number of commas directly in the bracket `open`, not in nested ones: the arguments given so far.
fn commas(lexed: &Lexed, line: &str, open: usize) -> usize {
    let inside = |at: usize| {
        let nested = |(begin, end): &(usize, usize)| *begin > open && *begin < at && at < *end;
        lexed.pairs.iter().any(nested)
    };
    (open + 1..lexed.tokens.len())
        .filter(|&at| &line[lexed.tokens[at].range.clone()] == "," && !inside(at))
        .count()
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let command = input.trim_start().starts_with(['.', '?']);
        let finished = Lexed::of(input).complete() && !awaits_its_function(input);
        Ok(if command || finished {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Returns whether a text ends with a `///` comment, which needs a function after it.
fn awaits_its_function(input: &str) -> bool {
    let last = input.trim_end().lines().last().unwrap_or_default();
    last.trim_start().starts_with("///")
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if self.colour {
            Cow::Owned(coloured(line, pos))
        } else {
            Cow::Borrowed(line)
        }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.colour {
            Cow::Owned(format!("\x1b[1;36m{prompt}\x1b[0m"))
        } else {
            Cow::Borrowed(prompt)
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colour {
            Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
        } else {
            Cow::Borrowed(hint)
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colour
    }
}

/// Colours a line, and marks the bracket at the cursor and its partner.
fn coloured(line: &str, pos: usize) -> String {
    let lexed = Lexed::of(line);
    let at_cursor = |at: usize| {
        let range = &lexed.tokens[at].range;
        range.start == pos || range.end == pos
    };
    let marked = lexed
        .pairs
        .iter()
        .find(|(open, close)| at_cursor(*open) || at_cursor(*close));
    let mut text = String::with_capacity(2 * line.len());
    let mut done = 0;
    for (at, token) in lexed.tokens.iter().enumerate() {
        let next = lexed.tokens.get(at + 1);
        let called = next.is_some_and(|next| matches!(&line[next.range.clone()], "(" | ":"));
        let bracket = marked.is_some_and(|(open, close)| at == *open || at == *close);
        let code = match token.kind {
            _ if bracket => "1;4",
            Kind::Keyword => "35",
            Kind::Text => "32",
            Kind::Number => "33",
            Kind::Comment => "2",
            Kind::Name if called => "34",
            _ => "",
        };
        text.push_str(&line[done..token.range.start]);
        let piece = &line[token.range.clone()];
        match code {
            "" => text.push_str(piece),
            code => text.push_str(&format!("\x1b[{code}m{piece}\x1b[0m")),
        }
        done = token.range.end;
    }
    text.push_str(&line[done..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_waits_for_its_function() {
        let check = |text: &str, waits: bool| assert_eq!(awaits_its_function(text), waits);
        check("/// Doubles.", true);
        check("let a = 1;\n  /// Doubles.\n", true);
        check("/// Doubles.\nfn f(x) { 2 * x }", false);
        check("// a remark", false);
        check("", false);
    }

    #[test]
    fn colours_change_no_character() {
        let plain = |text: &str| {
            let escapes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
            escapes.replace_all(text, "").into_owned()
        };
        for line in [
            "",
            "let a = ct::window(1, \"é",
            "f([1, 2]) // x",
            "`a ${b} c`",
            ")",
        ] {
            for pos in 0..=line.len() {
                assert_eq!(plain(&coloured(line, pos)), line);
            }
        }
        assert_eq!(
            coloured("f(1)", 4),
            "\x1b[34mf\x1b[0m\x1b[1;4m(\x1b[0m\x1b[33m1\x1b[0m\x1b[1;4m)\x1b[0m"
        );
    }
}
