//! Prints results as text for a terminal.

use std::fmt::{Display, Formatter, Result};

use crate::{Comparison, Evaluation, ThresholdFrom};

impl Display for Evaluation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{} by {}", self.model, self.level)?;
        writeln!(
            f,
            "{} of {}, {} positive ({:.1} %)",
            counted(self.n_samples, "sample"),
            counted(self.n_exams, "exam"),
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
            ("AUROC", Some(self.auroc)),
            ("  by DeLong", Some(self.auroc_delong)),
            (
                "  same height",
                self.same_height_auroc.map(|found| found.auroc),
            ),
            ("avg. precision", Some(self.average_precision)),
            ("accuracy", Some(self.accuracy)),
            ("sensitivity", Some(self.sensitivity)),
            ("specificity", Some(self.specificity)),
            ("precision", Some(self.precision)),
            ("F1", Some(self.f1)),
            ("Brier score", Some(self.brier)),
        ];
        for (name, estimate) in rows {
            let Some(estimate) = estimate else { continue };
            writeln!(f, "  {name:<15} {estimate}")?;
        }
        write!(
            f,
            "  [{} % intervals by {} resamples of the exams]",
            percent(self.options.confidence),
            self.options.replicates
        )?;
        warnings(f, &self.warnings)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "{} against {} by {}: {} of {}",
            self.model_b,
            self.model_a,
            self.level,
            counted(self.n_samples, "sample"),
            counted(self.n_exams, "exam")
        )?;
        let (a, b, delta) = (self.auroc_a, self.auroc_b, self.delta_auroc);
        writeln!(f, "  AUROC           {b:.4} against {a:.4}")?;
        writeln!(
            f,
            "  difference      {:+.4} [{:+.4}, {:+.4}]",
            delta.value, delta.low, delta.high
        )?;
        match self.delong_p {
            p if p.is_nan() => {
                f.write_str("  DeLong          undefined: too few samples, or nothing differs")?
            }
            p if p < 1e-4 => write!(f, "  DeLong          z {:.3}, p < 0.0001", self.delong_z)?,
            p => write!(f, "  DeLong          z {:.3}, p {p:.4}", self.delong_z)?,
        }
        if let Some(found) = self.same_height {
            let (a, b, delta) = (found.auroc_a, found.auroc_b, found.delta_auroc);
            write!(f, "\n  same height     {b:.4} against {a:.4}")?;
            write!(
                f,
                "\n  difference      {:+.4} [{:+.4}, {:+.4}], p {:.4}",
                delta.value, delta.low, delta.high, found.p
            )?;
        }
        warnings(f, &self.warnings)
    }
}

fn warnings(f: &mut Formatter<'_>, warnings: &[String]) -> Result {
    for warning in warnings {
        write!(f, "\n  warning: {warning}")?;
    }
    Ok(())
}

/// `1 exam`, `2 exams`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// Converts 0.95 to 95, without digits from rounding.
fn percent(share: f64) -> f64 {
    (1e8 * share).round() / 1e6
}
