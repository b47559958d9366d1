//! A script's parameters: found in its text before anything runs ([`declared`]), then given values
//! by the command line, a parameter file or their defaults ([`resolve`]).

mod declare;
mod resolve;

use serde_yaml::Value;

pub use declare::{Declaration, declared};
pub use resolve::{Bad, Given, Origin, Resolved, read_file, resolve};

/// A parameter that a script declares with `param(name, default, doc)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name, an identifier.
    pub name: String,
    /// The value without any other; its kind decides what is accepted.
    pub default: Value,
    /// What it means, with its unit.
    pub doc: String,
    /// The values that are allowed; empty when any is.
    pub choices: Vec<Value>,
}
