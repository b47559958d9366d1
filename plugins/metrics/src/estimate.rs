use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json_number;

/// A number and its interval. NaN where the samples leave it undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value on all samples.
    #[serde(with = "json_number")]
    pub value: f64,
    /// The interval's lower end.
    #[serde(with = "json_number")]
    pub lower: f64,
    /// The interval's upper end.
    #[serde(with = "json_number")]
    pub upper: f64,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            value,
            lower,
            upper,
        } = self;
        write!(f, "{value:.4} [{lower:.4}, {upper:.4}]")
    }
}
