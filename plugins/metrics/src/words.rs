//! Results in words, for a terminal.

use std::fmt::{Display, Formatter, Result};

use crate::{Comparison, Evaluation, Level, ThresholdFrom};

impl Display for Evaluation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let confidence = 100.0 * self.options.confidence;
        writeln!(f, "{} by {}", self.model, self.level)?;
        writeln!(
            f,
            "{} samples of {} exams, {} positive ({:.1} %)",
            self.n_samples,
            self.n_exams,
            self.n_positive,
            100.0 * self.n_positive as f64 / self.n_samples as f64
        )?;
        let from = match self.threshold_from {
            ThresholdFrom::Validation => "chosen elsewhere",
            ThresholdFrom::SameSamples => "chosen on these samples: optimistic",
            ThresholdFrom::Half => "these samples allow no choice",
        };
        writeln!(f, "threshold {:.4}, {from}", self.threshold)?;
        let rows = [
            ("AUROC", self.auroc),
            ("  by DeLong", self.auroc_delong),
            ("avg. precision", self.average_precision),
            ("accuracy", self.accuracy),
            ("sensitivity", self.sensitivity),
            ("specificity", self.specificity),
            ("precision", self.precision),
            ("F1", self.f1),
            ("Brier score", self.brier),
        ];
        for (name, estimate) in rows {
            writeln!(f, "  {name:<15} {estimate}")?;
        }
        write!(
            f,
            "  [{confidence} % intervals by {} resamples of the exams]",
            self.options.replicates
        )?;
        warnings(f, &self.warnings)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let samples = match self.level {
            Level::Slice => "slices",
            Level::Slab(_) => "slabs",
            Level::Exam => "exams",
        };
        let of = match self.level {
            Level::Exam => String::new(),
            _ => format!(" of {} exams", self.n_exams),
        };
        writeln!(
            f,
            "{} against {}, {} {samples}{of}",
            self.model_b, self.model_a, self.n_samples
        )?;
        writeln!(
            f,
            "  AUROC           {:.4} against {:.4}",
            self.auroc_b, self.auroc_a
        )?;
        let delta = self.delta_auroc;
        writeln!(
            f,
            "  difference      {:+.4} [{:+.4}, {:+.4}]",
            delta.value, delta.lower, delta.upper
        )?;
        write!(
            f,
            "  DeLong          z {:.3}, p {:.4}",
            self.delong_z, self.delong_p
        )?;
        warnings(f, &self.warnings)
    }
}

fn warnings(f: &mut Formatter<'_>, warnings: &[String]) -> Result {
    for warning in warnings {
        write!(f, "\n  warning: {warning}")?;
    }
    Ok(())
}
