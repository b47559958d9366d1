use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::LabelRule;

/// Report on a label table and its agreement with the scanned files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelReport {
    /// The table. Serialized as text, with `�` for bytes that are not UTF-8.
    #[serde(serialize_with = "crate::finding::as_text")]
    pub path: PathBuf,
    /// Number of rows; each is about one slice or one exam.
    pub n_rows: usize,
    /// Number of exams (or patients) in the table.
    pub n_exams: usize,
    /// Number of used exams that have labels.
    pub n_exams_labelled: usize,
    /// How often each rule was broken. Rules that were never broken are not included.
    pub broken: BTreeMap<LabelRule, usize>,
}

impl fmt::Display for LabelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  labels: {} of {} exams in {} rows of {}",
            self.n_exams_labelled,
            self.n_exams,
            self.n_rows,
            self.path.display()
        )?;
        for (rule, n) in &self.broken {
            write!(f, "\n  labels: {} {n}", rule.name())?;
        }
        Ok(())
    }
}
