//! A model's AUC beside the baseline's, for every form of the report: among slices at the same
//! height, or, at other levels, among all samples.

use pe_metrics::{Estimate, Level};

use super::numbers::percent;
use super::{Experiment, ModelResults, Results};

/// A model's difference to the baseline.
pub struct ToBaseline {
    /// Difference of the AUCs, with its interval.
    pub delta: Estimate,
    /// Its p value: of the bootstrap for slices at the same height, otherwise of DeLong's test.
    pub p: f64,
}

impl ModelResults {
    /// The AUC that is compared with the baseline's: among slices at the same height, or among all
    /// samples of a level that has no such slices.
    pub(crate) fn blind_auroc(&self) -> Estimate {
        let same_height = self.main.same_height_auroc;
        same_height.map_or(self.main.auroc, |found| found.auroc)
    }

    /// The difference of that AUC to the baseline's.
    pub(crate) fn difference(&self) -> Option<ToBaseline> {
        let found = self.to_baseline.as_ref()?;
        Some(match &found.same_height {
            Some(same_height) => ToBaseline {
                delta: same_height.delta_auroc,
                p: same_height.p,
            },
            None => ToBaseline {
                delta: found.delta_auroc,
                p: found.delong_p,
            },
        })
    }
}

impl Experiment {
    /// The baseline's display name.
    pub(crate) fn baseline_name(&self) -> Option<&str> {
        self.baseline
            .map(|baseline| self.models[baseline].name.as_str())
    }
}

/// Explains the same-height AUC in plain words; `None` at another level than slices.
pub fn meaning(results: &Results) -> Option<String> {
    let text = format!(
        "Same-height AUC: how often a PE slice scores higher than a slice at its height (within {} \
         of the scan) in an exam without PE. 0.5 is blind: where a slice lies hardly helps, only \
         what is seen on it.",
        percent(results.options.height_tolerance)
    );
    (results.main_level() == Level::Slice).then_some(text)
}
