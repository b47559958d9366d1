//! A script's parameters: found in its text before anything runs ([`declared`]), then given values
//! by the command line, a parameter file, the chosen profile or their defaults ([`resolve`]).

mod accept;
mod declare;
mod files;
mod literal;
mod options;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_yaml::Value;

pub use declare::{Declaration, declared};
pub use files::{ParamFile, read_file, read_profile};
pub use options::complete;
pub use resolve::{Given, Origin, Resolved, given, resolve};

/// A parameter that a script declares with `param(name, default, doc)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name, an identifier.
    pub name: String,
    /// The value if no other is given. Its kind decides which values are accepted. A map's entries are
    /// given one by one.
    pub default: Value,
    /// Its meaning, with its unit.
    pub doc: String,
    /// The allowed values, of each element for an array; empty if any value is allowed.
    pub choices: Vec<Value>,
    /// The function whose options are the entries of a map, such as `Runs.cnn`.
    pub options: Option<String>,
}

/// Name of the parameter that chooses a profile, if it is a string with choices.
pub const PROFILE: &str = "profile";

/// The keys that are settings of the run, unless the script declares a parameter of that name.
pub const SETTINGS: [&str; 3] = ["device", "seed", "threads"];

impl Param {
    /// Returns whether this parameter chooses one of the script's profiles.
    pub fn is_profile(&self) -> bool {
        self.name == PROFILE && self.default.is_string() && !self.choices.is_empty()
    }
}

/// A usage error in a parameter or another argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Bad {
    /// The class of the error: `usage.param`, or `sandbox.refused`.
    pub kind: &'static str,
    /// The error message.
    pub message: String,
    /// Advice for the user.
    pub hint: String,
}

impl Bad {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind: "usage.param",
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

/// Splits `key=value`.
///
/// # Errors
/// [`Bad`] for an argument without `=`.
pub fn split(argument: &str) -> Result<(&str, &str), Bad> {
    argument.split_once('=').ok_or_else(|| {
        Bad::new(
            format!("expected `key=value`, found `{argument}`"),
            "parameters are given as `key=value`, without spaces around `=`",
        )
    })
}
