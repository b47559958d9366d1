use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json_number;

/// A number and its interval. NaN if the samples leave it undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value on all samples.
    #[serde(with = "json_number")]
    pub value: f64,
    /// The interval's low end.
    #[serde(with = "json_number")]
    pub low: f64,
    /// The interval's high end.
    #[serde(with = "json_number")]
    pub high: f64,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, low, high } = self;
        write!(f, "{value:.4} [{low:.4}, {high:.4}]")
    }
}
