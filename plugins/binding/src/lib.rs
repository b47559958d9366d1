//! The few types that all plugins share.
//!
//! Through [`Work`] a long computation reports progress and finds out that it should stop. [`Explain`]
//! is the trait of errors that come with a kind and a hint. The feature `script` adds the conversion of
//! option maps and errors between Rust and Rhai.
//!
//! Input: nothing. Output: nothing. This crate must not know what a plugin computes.

// The lint forbids direct calls of `std::fs`; tests may use them.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod explain;
pub mod nearest;
#[cfg(feature = "script")]
pub mod script;
mod work;

pub use explain::Explain;
pub use work::{Interrupted, Task, Watch, WeightsFile, Work};
