//! Error reports: the message, the line of the script with the place underlined, the calls that led
//! there, the causes and a hint.

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

/// A place in a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The script or module, as it can be opened from the current folder.
    pub file: PathBuf,
    /// Line and column, counted from 1. The column is absent if only the line is known.
    pub position: Position,
}

/// A call that was under way when the error happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// "in the call to `f`", "in the import of …".
    pub what: String,
    /// Place of the call.
    pub place: Place,
}

/// An error, ready to be shown to a person or written for a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// Its class, such as `dicom.unreadable` or `script.syntax`.
    pub kind: String,
    /// The error message.
    pub message: String,
    /// The causes, the nearest first.
    pub causes: Vec<String>,
    /// More information, for example the overloads of a function.
    pub notes: Vec<String>,
    /// Advice for the user.
    pub hint: Option<String>,
    /// Place of the error.
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

    /// The report of an error that ended a script. `script` is the main script's file. `last_call` is
    /// the place of the last call into a plugin, for errors without a position. `known` holds the names
    /// that the script could have meant, for hints.
    pub fn of_script(
        error: &EvalAltResult,
        script: &Path,
        last_call: Position,
        known: &Vocabulary,
    ) -> Self {
        let mut frames = Vec::new();
        let (inner, file) = unwind(error, script, &mut frames);
        let mut report = message::describe(inner, known);
        // Errors of plugins have no position. They are runtime errors, or terminations on a stop.
        let position = match inner {
            EvalAltResult::ErrorRuntime(_, Position::NONE)
            | EvalAltResult::ErrorTerminated(_, Position::NONE) => last_call,
            _ => inner.position(),
        };
        report.place = place(&file, position);
        // An error that still has no position, as of a native callback, is placed at the innermost call.
        if report.place.is_none() && !frames.is_empty() {
            report.place = Some(frames.remove(0).place);
        }
        report.frames = frames;
        report
    }

    /// Replaces the message by that of the limit, if one was met, and keeps the place. A native function
    /// that is asked to stop may fail with an error of its own, which would hide the limit.
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

    /// The text of an error for a test to compare: message, causes and hint, without places.
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

    /// Replaces each place for which `named` returns another one.
    pub(crate) fn relocate(&mut self, named: impl Fn(&Place) -> Option<Place>) {
        let frames = self.frames.iter_mut().map(|frame| &mut frame.place);
        for place in self.place.iter_mut().chain(frames) {
            if let Some(better) = named(place) {
                *place = better;
            }
        }
    }

    /// The report of a `param` call that cannot be read before the run.
    pub fn of_declaration(error: &Declaration, script: &Path) -> Self {
        Self {
            place: place(script, error.position),
            ..Self::new("script.param", &error.message, Some(error.hint.to_owned()))
        }
    }

    /// The error in the form for programs.
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

    /// Renders the error for a person, with the lines of the scripts at its places. The scripts are read
    /// again for that. Control characters in texts are made visible.
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

/// Unwraps Rhai's nested errors, collects a frame for each call, and returns the innermost error with
/// the file that it is in.
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
        // The position of a call is in the caller's file; the inner error is in the callee's.
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
