//! Independent streams of random numbers, one for each purpose. A draw depends only on the seed,
//! the purpose and the indices, not on other samples, the order of work or the number of threads.
//! So a checkpoint has no random state to save.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers for one purpose.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream for the purpose `what` and `indices` (epoch, sample) of the run with
    /// `seed`.
    pub(crate) fn new(seed: u64, what: &str, indices: &[usize]) -> Self {
        Self(ChaCha8Rng::from_seed(digest(seed, what, indices)))
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        // An f64 holds integers of up to 53 bits exactly.
        let unit = (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Uniform in `0..n`; returns 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Puts `items` in a random order (Fisher–Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// Lock on libtorch's random generator, which the whole process shares.
static GENERATOR: Mutex<()> = Mutex::new(());

/// Seeds libtorch's generator for one purpose and locks it until the guard is dropped.
///
/// We cannot save the generator's state, so it is seeded anew for each step.
pub(crate) fn seed_torch(seed: u64, what: &str, indices: &[usize]) -> MutexGuard<'static, ()> {
    let guard = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(torch_seed(seed, what, indices));
    guard
}

fn torch_seed(seed: u64, what: &str, indices: &[usize]) -> i64 {
    let digest = digest(seed, what, indices);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    // libtorch takes negative seeds as large ones; a positive one reads better in a log.
    (u64::from_le_bytes(bytes) >> 1) as i64
}

fn digest(seed: u64, what: &str, indices: &[usize]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("pe-script training stream");
    hasher.update(&seed.to_le_bytes());
    hasher.update(what.as_bytes());
    hasher.update(&[0]);
    for &idx in indices {
        hasher.update(&(idx as u64).to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_apart_by_seed_purpose_and_indices() {
        let first =
            |seed, what, indices: &[usize]| Stream::new(seed, what, indices).uniform(0.0, 1.0);
        let base = first(1, "order", &[0]);
        assert_eq!(base, first(1, "order", &[0]));
        for other in [
            first(2, "order", &[0]),
            first(1, "augment", &[0]),
            first(1, "order", &[1]),
            first(1, "order", &[0, 0]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_moves_them() {
        let mut items: Vec<usize> = (0..100).collect();
        Stream::new(3, "order", &[]).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
