use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// Something about one file, or one exam's folder, that a user should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, or the exam's folder for a finding about an exam. Serialized as text, with `�` for
    /// bytes that are not UTF-8.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// The class of the finding by name, `"missing_slices"`.
    pub kind: &'static str,
    /// The consequence of the finding.
    pub effect: Effect,
    /// The finding in words, without patient data.
    pub reason: String,
}

/// A reader's classes of findings.
pub trait FindingClass {
    /// The name of the class in scripts and files, `"missing_slices"`.
    fn name(self) -> &'static str;

    /// The consequence of every finding of the class.
    fn effect(self) -> Effect;
}

/// The consequence of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The exam is used, but should be looked at.
    Warning,
    /// The file is left out, and the rest of its exam is used.
    FileLeftOut,
    /// The exam is left out.
    ExamLeftOut,
}

impl Effect {
    /// The effect's name in scripts and files, `"file_left_out"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::FileLeftOut => "file_left_out",
            Self::ExamLeftOut => "exam_left_out",
        }
    }
}

impl Finding {
    /// A finding about a file or an exam's folder. `reason` must not hold patient data.
    pub fn new(path: &Path, kind: impl FindingClass + Copy, reason: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            kind: kind.name(),
            effect: kind.effect(),
            reason: reason.into(),
        }
    }
}

/// Serializes a path as text. Linux has names that are not UTF-8, which serde refuses.
pub(crate) fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, effect) = (self.path.display(), self.effect.name());
        write!(f, "{path}: {} ({effect}): {}", self.kind, self.reason)
    }
}
