//! Equality with PyTorch, torchvision and efficientnet-lite-pytorch, by fixtures that `tests/fixtures/make.py` made there.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod backbone;
mod fixture;
mod formula;
mod head;
mod layout;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch's generator is one for the process: tests that seed it, or draw from it, take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As in make.py.
const SEED: i64 = 11;
