use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::{CtError, Effect, Exam, Finding, LabelReport};

/// The exams that a reader found under a path, and what it noticed.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The path that was scanned.
    pub root: PathBuf,
    /// The usable exams, sorted by study UID.
    pub exams: Vec<Exam>,
    /// Findings about the files, sorted by path.
    pub findings: Vec<Finding>,
    /// Number of files, not counting the label table.
    pub n_files: usize,
    /// Report on the label table, if there is one.
    pub labels: Option<LabelReport>,
}

impl Scan {
    /// Returns the only exam.
    ///
    /// # Errors
    /// [`CtError::ExamCount`] when there is none or several, listing them.
    pub fn only_exam(&self) -> Result<&Exam, CtError> {
        match self.exams.as_slice() {
            [exam] => Ok(exam),
            exams => Err(CtError::ExamCount {
                root: self.root.clone(),
                found: exams.len(),
                exams: exams
                    .iter()
                    .map(|exam| format!("{}: {} slices", exam.info.id.series_uid, exam.n_slices()))
                    .collect(),
            }),
        }
    }

    /// Counts the findings by effect and kind.
    pub fn counts(&self) -> BTreeMap<(Effect, &'static str), usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry((finding.effect, finding.kind)).or_insert(0) += 1;
        }
        counts
    }

    /// Formats the share of PE: `\n  PE: 3 of 6 exams, 12 of 240 slices (5.0 %)`.
    fn prevalence(&self) -> String {
        let labels = self
            .exams
            .iter()
            .filter_map(|exam| exam.info.labels.as_ref());
        let (mut n_exams, mut n_pe_exams, mut n_slices, mut n_pe_slices) = (0, 0, 0, 0);
        for labels in labels {
            n_exams += 1;
            n_pe_exams += usize::from(labels.positive() == Some(true));
            n_slices += labels.pe_on_slice.iter().flatten().count();
            n_pe_slices += labels.n_pe_slices();
        }
        let percent = 100.0 * n_pe_slices as f64 / n_slices.max(1) as f64;
        format!(
            "\n  PE: {n_pe_exams} of {}, {n_pe_slices} of {} ({percent:.1} %)",
            counted(n_exams, "labelled exam"),
            counted(n_slices, "labelled slice")
        )
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_slices = self.exams.iter().map(Exam::n_slices).sum();
        let (exams, slices) = (
            counted(self.exams.len(), "exam"),
            counted(n_slices, "slice"),
        );
        let (files, root) = (counted(self.n_files, "file"), self.root.display());
        write!(f, "{exams}, {slices} in {files} under {root}")?;
        for ((effect, kind), n) in self.counts() {
            let (effect, kind) = (effect.name().replace('_', " "), kind.replace('_', " "));
            write!(f, "\n  {effect}: {n} × {kind}")?;
        }
        match &self.labels {
            Some(report) => write!(f, "{}\n{report}", self.prevalence()),
            None => write!(f, "\n  no label table"),
        }
    }
}

/// Formats a number with a noun: `1 exam`, `2 exams`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
