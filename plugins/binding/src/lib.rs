//! What every plugin shares, and nothing else: how a long computation reports progress and learns
//! that it should stop ([`Work`]), what an error must say of itself ([`Explain`]), and, with the
//! feature `script`, how option maps and errors cross between Rust and Rhai.
//!
//! Input: nothing. Output: nothing. This room must not know what a plugin computes.

// Tests look at files themselves.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod explain;
pub mod nearest;
#[cfg(feature = "script")]
pub mod script;
mod work;

pub use explain::Explain;
pub use work::{Interrupted, Task, Watch, WeightsFile, Work};
