use std::fmt;

use serde::{Deserialize, Serialize};

use crate::MetricsError;

/// The names of the levels in scripts.
pub(crate) const LEVEL_NAMES: [&str; 3] = ["slice", "slab", "exam"];

/// Level of evaluation: a sample is a slice, a run of slices, or a whole exam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Each labelled slice.
    Slice,
    /// Each run of this many consecutive slices, from slice 0, not overlapping. The last run of an
    /// exam may be shorter. A slab is positive if any of its labelled slices is; its probability is
    /// the greatest of its labelled slices. A slab without labelled slices is not a sample.
    Slab(usize),
    /// Each exam. Its label is [`ExamScores::positive`](crate::ExamScores::positive), and its
    /// probability [`ExamScores::probability`](crate::ExamScores::probability), or else the greatest of
    /// all its slices. If that label is `None`, only its labelled slices count: the exam is positive if
    /// any of them is, with their greatest probability unless it has its own. An exam without any label
    /// is not a sample.
    Exam,
}

impl Level {
    /// Returns the level of that name; `slab` is the length of a slab in slices.
    ///
    /// ```
    /// use pe_metrics::Level;
    /// assert_eq!(Level::named("slab", 32), Ok(Level::Slab(32)));
    /// assert!(Level::named("slices", 32).is_err());
    /// ```
    ///
    /// # Errors
    /// [`MetricsError::Level`] for another name than `slice`, `slab` and `exam`.
    pub fn named(name: &str, slab: usize) -> Result<Self, MetricsError> {
        match name {
            "slice" => Ok(Self::Slice),
            "slab" => Ok(Self::Slab(slab)),
            "exam" => Ok(Self::Exam),
            _ => Err(MetricsError::Level {
                found: name.to_owned(),
            }),
        }
    }

    /// The level's name in scripts and files, without the length of a slab.
    ///
    /// ```
    /// use pe_metrics::Level;
    /// assert_eq!(Level::Slab(32).name(), "slab");
    /// ```
    pub fn name(self) -> &'static str {
        let [slice, slab, exam] = LEVEL_NAMES;
        match self {
            Self::Slice => slice,
            Self::Slab(_) => slab,
            Self::Exam => exam,
        }
    }

    /// # Errors
    /// [`MetricsError::Option`] for a slab of no slices.
    pub(crate) fn check(self) -> Result<(), MetricsError> {
        match self {
            Self::Slab(0) => Err(MetricsError::Option {
                name: "slab",
                expected: "of at least 1 slice",
                found: "0".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slice => f.write_str("slice"),
            Self::Slab(length) => write!(f, "slab of {length} slices"),
            Self::Exam => f.write_str("exam"),
        }
    }
}
