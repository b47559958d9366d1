//! The AUC among slices at the same height, and a model's difference to the baseline, for every
//! form of the report.

use pe_metrics::{Estimate, SameHeightComparison};

use super::numbers::percent;
use super::{Experiment, ModelResults, Results};

impl ModelResults {
    /// The AUC among slices at the same height; NaN if there is none.
    pub(crate) fn same_height_auroc(&self) -> Estimate {
        let none = Estimate {
            value: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
        };
        self.slice
            .same_height_auroc
            .map_or(none, |found| found.auroc)
    }

    /// Comparison of that AUC with the baseline's.
    pub(crate) fn same_height_to_baseline(&self) -> Option<&SameHeightComparison> {
        self.to_baseline.as_ref()?.same_height.as_ref()
    }
}

impl Experiment {
    /// The baseline's display name.
    pub(crate) fn baseline_name(&self) -> Option<&str> {
        self.baseline
            .map(|baseline| self.models[baseline].name.as_str())
    }
}

/// Explains the same-height AUC in plain words.
pub fn meaning(results: &Results) -> String {
    format!(
        "Same-height AUC: how often a PE slice scores higher than a slice at its height (within {} \
         of the scan) in an exam without PE. 0.5 is blind: where a slice lies hardly helps, only \
         what is seen on it.",
        percent(results.options.height_tolerance)
    )
}
