use serde::{Deserialize, Serialize};

#[cfg(feature = "script")]
use crate::Level;
use crate::MetricsError;

/// Options of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateOptions {
    /// Resamples of the bootstrap, 1 to 1,000,000. Default 1000.
    pub replicates: usize,
    /// The intervals' confidence, above 0 and below 1. Default 0.95.
    pub confidence: f64,
    /// The bootstrap's seed: the same seed gives the same intervals, on any number of threads.
    /// Default 0.
    pub seed: u64,
    /// Slices in a slab if a level is given by name, at least 1. Default 32, the paper's.
    pub slab: usize,
    /// Bins of the calibration, 1 to 1000. Default 10.
    pub bins: usize,
    /// Largest difference in height of two slices that
    /// [`same_height_auroc`](crate::same_height_auroc) compares, as a share of the exam's height:
    /// above 0, at most 1. Default 0.04: 12 mm of a scan of 300 mm. That is less than the height
    /// over which the main pulmonary arteries spread, and still several slices in exams of 40.
    pub height_tolerance: f64,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            replicates: 1000,
            confidence: 0.95,
            seed: 0,
            slab: 32,
            bins: 10,
            height_tolerance: 0.04,
        }
    }
}

impl EvaluateOptions {
    /// Checks every option's range.
    ///
    /// ```
    /// use pe_metrics::EvaluateOptions;
    /// let options = EvaluateOptions::default();
    /// assert!(options.check().is_ok());
    /// assert!(EvaluateOptions { confidence: 95.0, ..options }.check().is_err());
    /// ```
    ///
    /// # Errors
    /// [`MetricsError::Option`] for the first option that is out of its range.
    pub fn check(&self) -> Result<(), MetricsError> {
        let ranges = [
            (
                (1..=1_000_000).contains(&self.replicates),
                "replicates",
                "from 1 to 1000000",
                self.replicates.to_string(),
            ),
            (
                self.confidence > 0.0 && self.confidence < 1.0,
                "confidence",
                "above 0 and below 1",
                self.confidence.to_string(),
            ),
            (
                self.slab >= 1,
                "slab",
                "of at least 1 slice",
                self.slab.to_string(),
            ),
            (
                (1..=1000).contains(&self.bins),
                "bins",
                "from 1 to 1000",
                self.bins.to_string(),
            ),
        ];
        match ranges.into_iter().find(|(holds, ..)| !holds) {
            Some((_, name, expected, found)) => Err(MetricsError::Option {
                name,
                expected,
                found,
            }),
            None => check_height_tolerance(self.height_tolerance),
        }
    }
}

/// # Errors
/// [`MetricsError::Option`] for a tolerance that is not above 0 and at most 1.
pub(crate) fn check_height_tolerance(found: f64) -> Result<(), MetricsError> {
    if found > 0.0 && found <= 1.0 {
        Ok(())
    } else {
        Err(MetricsError::Option {
            name: "height_tolerance",
            expected: "above 0 and at most 1",
            found: found.to_string(),
        })
    }
}

/// The options of a script's call: those above, and the level by its name.
#[cfg(feature = "script")]
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NamedLevelOptions {
    level: String,
    replicates: usize,
    confidence: f64,
    seed: u64,
    slab: usize,
    bins: usize,
    height_tolerance: f64,
}

#[cfg(feature = "script")]
impl Default for NamedLevelOptions {
    fn default() -> Self {
        let EvaluateOptions {
            replicates,
            confidence,
            seed,
            slab,
            bins,
            height_tolerance,
        } = EvaluateOptions::default();
        Self {
            level: "slice".to_owned(),
            replicates,
            confidence,
            seed,
            slab,
            bins,
            height_tolerance,
        }
    }
}

#[cfg(feature = "script")]
impl NamedLevelOptions {
    /// # Errors
    /// [`MetricsError::Level`] for an unknown level.
    pub(crate) fn split(self) -> Result<(Level, EvaluateOptions), MetricsError> {
        let level = Level::named(&self.level, self.slab)?;
        let options = EvaluateOptions {
            replicates: self.replicates,
            confidence: self.confidence,
            seed: self.seed,
            slab: self.slab,
            bins: self.bins,
            height_tolerance: self.height_tolerance,
        };
        Ok((level, options))
    }
}
