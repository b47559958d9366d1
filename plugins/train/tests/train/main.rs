//! What training does, from a store to probabilities.

mod cohort;
mod split;
mod training;
