//! Errors as a person reads them: what went wrong, where (the line with the place underlined), by
//! which calls it came there, its causes and a hint.

mod disk;
mod failure;
mod limits;
mod locate;
mod message;
mod suggest;

use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use rhai::{EvalAltResult, Position};

use crate::params::Declaration;
use crate::stop::Limit;
use crate::text::{visible, visible_line};
pub(crate) use disk::remedy;
pub use failure::Failure;
pub(crate) use locate::remember;
pub use suggest::Vocabulary;

/// Where something is in a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The script or module, as it can be opened from the current folder.
    pub file: PathBuf,
    /// Line and column, counted from 1; the column is absent where only the line is known.
    pub position: Position,
}

/// A call that was under way when the error happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// "in the call to `f`", "in the import of …".
    pub what: String,
    /// Where the call is.
    pub place: Place,
}

/// An error, ready to be shown to a person or written for a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// Its class, such as `dicom.unreadable` or `script.syntax`.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// More that helps: the overloads there are, for one.
    pub notes: Vec<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// Where it happened.
    pub place: Option<Place>,
    /// The calls that led there, the innermost first.
    pub frames: Vec<Frame>,
}

impl Diagnosis {
    /// A report without a place.
    pub fn new(kind: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
            hint,
            ..Self::default()
        }
    }

    /// What a script's evaluation ended with. `script` is the main script's file; `last_call` is
    /// where the last call into a plugin stands, for errors that do not say it; `known` are the
    /// names that the script could have meant.
    pub fn of_script(
        error: &EvalAltResult,
        script: &Path,
        last_call: Position,
        known: &Vocabulary,
    ) -> Self {
        let mut frames = Vec::new();
        let (inner, file) = unwind(error, script, &mut frames);
        let mut report = message::describe(inner, known);
        // Plugins raise runtime errors, and only those come without a place.
        let position = match inner {
            EvalAltResult::ErrorRuntime(_, Position::NONE)
            | EvalAltResult::ErrorTerminated(_, Position::NONE) => last_call,
            _ => inner.position(),
        };
        report.place = place(&file, position);
        // An error without a position of its own (one that a native callback raised) is at the
        // innermost call.
        if report.place.is_none() && !frames.is_empty() {
            report.place = Some(frames.remove(0).place);
        }
        report.frames = frames;
        report
    }

    /// The report of the limit that was met instead, at the place of what came of that: a native
    /// function may fail in its own way when it is asked to stop.
    pub(crate) fn or_of(self, limit: Option<Limit>) -> Self {
        match limit {
            Some(limit) => Self {
                place: self.place,
                frames: self.frames,
                ..Self::of_limit(limit)
            },
            None => self,
        }
    }

    /// What an error says, for a test to compare: its message with causes and hint, without places.
    pub(crate) fn text_of(error: &EvalAltResult) -> String {
        let mut frames = Vec::new();
        let (inner, _) = unwind(error, Path::new(""), &mut frames);
        message::describe(inner, &Vocabulary::default()).text()
    }

    /// The message with causes and hint, in one line.
    pub(crate) fn text(&self) -> String {
        let causes = self.causes.iter().map(|cause| format!(": {cause}"));
        let hint = self.hint.as_ref().map(|hint| format!(" (hint: {hint})"));
        format!(
            "{}{}{}",
            self.message,
            causes.collect::<String>(),
            hint.unwrap_or_default()
        )
    }

    /// Names each place otherwise where `named` knows a better one.
    pub(crate) fn relocate(&mut self, named: impl Fn(&Place) -> Option<Place>) {
        let frames = self.frames.iter_mut().map(|frame| &mut frame.place);
        for place in self.place.iter_mut().chain(frames) {
            if let Some(better) = named(place) {
                *place = better;
            }
        }
    }

    /// A parameter that is declared in a way that cannot be read.
    pub fn of_declaration(error: &Declaration, script: &Path) -> Self {
        Self {
            place: place(script, error.position),
            ..Self::new("script.param", &error.message, Some(error.hint.to_owned()))
        }
    }

    /// The error for programs.
    pub fn failure(&self) -> Failure {
        let position = self.place.as_ref().map(|place| place.position);
        let mut message = self.message.clone();
        for cause in &self.causes {
            message = format!("{message}: {cause}");
        }
        Failure {
            kind: self.kind.clone(),
            message,
            hint: self.hint.clone(),
            file: self
                .place
                .as_ref()
                .map(|place| place.file.display().to_string()),
            line: position.and_then(|position| position.line()),
            column: position.and_then(|position| position.position()),
        }
    }

    /// The error for a person, with the lines of the scripts it names, which are read again here. No
    /// text in it steers a terminal.
    pub fn render(&self, colour: bool) -> String {
        let shown = |texts: &[String]| texts.iter().map(|text| visible(text).into()).collect();
        let safe = Self {
            message: visible(&self.message).into(),
            causes: shown(&self.causes),
            notes: shown(&self.notes),
            hint: self.hint.as_deref().map(|hint| visible(hint).into()),
            ..self.clone()
        };
        safe.render_as_it_is(colour)
    }

    fn render_as_it_is(&self, colour: bool) -> String {
        let mut group = Level::ERROR
            .primary_title(&self.message)
            .elements(self.snippets());
        for cause in &self.causes {
            group = group.element(Level::NOTE.with_name("because").message(cause));
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.with_name("hint").message(hint));
        }
        let groups: [Group<'_>; 1] = [group];
        if colour {
            Renderer::styled().render(&groups)
        } else {
            Renderer::plain().render(&groups)
        }
    }

    fn snippets(&self) -> Vec<annotate_snippets::Element<'_>> {
        let primary = self
            .place
            .iter()
            .map(|place| (place, AnnotationKind::Primary, None));
        let frames = self.frames.iter().map(|frame| {
            (
                &frame.place,
                AnnotationKind::Context,
                Some(frame.what.as_str()),
            )
        });
        primary
            .chain(frames)
            .map(|(place, kind, label)| {
                let path = place.file.display().to_string();
                let path = visible_line(&path).into_owned();
                match locate::find(place) {
                    Some((source, span)) => Snippet::source(source)
                        .path(path)
                        .annotation(kind.span(span).label(label))
                        .into(),
                    None => Origin::path(path)
                        .line(place.position.line().unwrap_or(1))
                        .into(),
                }
            })
            .collect()
    }
}

/// Goes inwards through the calls to the error itself, and gives the file that it is in.
fn unwind<'a>(
    error: &'a EvalAltResult,
    script: &Path,
    frames: &mut Vec<Frame>,
) -> (&'a EvalAltResult, PathBuf) {
    let mut file = script.to_path_buf();
    let mut error = error;
    loop {
        let (what, source, inner, at) = match error {
            EvalAltResult::ErrorInFunctionCall(name, source, inner, at) => {
                let closure = name.starts_with("anon$");
                let what = if closure {
                    "in the call of a closure".to_owned()
                } else {
                    format!("in the call to `{name}`")
                };
                (what, source.as_str(), inner, *at)
            }
            EvalAltResult::ErrorInModule(source, inner, at) => {
                ("in the import".to_owned(), source.as_str(), inner, *at)
            }
            _ => break,
        };
        if let Some(place) = place(&file, at) {
            frames.insert(0, Frame { what, place });
        }
        if !source.is_empty() {
            file = PathBuf::from(source);
        }
        error = inner;
    }
    (error, file)
}

fn place(file: &Path, position: Position) -> Option<Place> {
    (!position.is_none()).then(|| Place {
        file: file.to_path_buf(),
        position,
    })
}
