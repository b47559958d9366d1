//! Measures how well probabilities fit labels: curves, areas, operating points, calibration,
//! intervals.
//!
//! Input: labels and probabilities as plain slices, or a model's [`Scores`] on a set of exams.
//! Output: numbers, collected in an [`Evaluation`] of one model or a [`Comparison`] of two. This
//! crate does not deal with tensors, files or CT. But it takes into account that slices of one exam
//! are not independent: its intervals resample exams.
//!
//! A slice's height in its exam predicts PE quite well without an image, so slices are also
//! compared at the same height only ([`same_height_auroc`]).
//!
//! Conventions are scikit-learn's: a score equal to the threshold is positive, ties count one half
//! in the area under the ROC curve, average precision is a sum of steps, precision without
//! predicted positives is 0. Numbers that are undefined with one class only are NaN, and the
//! result's warnings say so. In JSON, numbers that are not finite are the text `"NaN"`, `"inf"` or
//! `"-inf"`.
//!
//! The functions on slices expect as many scores as labels, and no score that is NaN.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod auroc;
mod average_precision;
mod bootstrap;
mod brier;
mod calibration;
mod comparison;
mod confusion;
mod delong;
mod error;
mod estimate;
mod evaluation;
mod groups;
mod json_number;
mod level;
mod mistakes;
mod normal;
mod options;
mod precision_recall;
mod roc;
mod same_height;
mod scores;
#[cfg(feature = "script")]
pub mod script;
mod steps;
mod threshold;
mod weighted;
mod words;
mod youden;

pub use auroc::auroc;
pub use average_precision::average_precision;
pub use bootstrap::{Bootstrap, bootstrap_p, percentile_interval};
pub use brier::brier;
pub use calibration::{CalibrationBin, calibration, calibration_error};
pub use comparison::{Comparison, SameHeightComparison, compare, compare_watched};
pub use confusion::Confusion;
pub use delong::{Delong, DelongPair, delong, delong_pair};
pub use error::MetricsError;
pub use estimate::Estimate;
pub use evaluation::{Evaluation, evaluate, evaluate_watched};
pub use groups::{
    GroupEvaluation, GroupPe, GroupSlices, Groups, GroupsEvaluation, evaluate_groups,
    evaluate_groups_watched,
};
pub use level::Level;
pub use mistakes::{Mistake, MistakeKind, mistakes};
pub use options::EvaluateOptions;
pub use precision_recall::{PrCurve, precision_recall_curve};
pub use roc::{RocCurve, roc_curve};
pub use same_height::{SameHeight, relative_height, same_height_auroc};
pub use scores::{ExamScores, PE_ON_SLICE, Samples, Scores};
pub use threshold::{ThresholdFrom, choose_threshold};
pub use youden::{Operating, youden};
