//! What training does, from a store to probabilities.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

mod cohort;
mod faults;
mod split;
mod training;
