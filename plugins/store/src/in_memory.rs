//! Reader of manifests from bytes in memory, for fuzzing. Not part of the API.

use std::path::Path;

use crate::{Manifest, StoreError};

/// Parses and checks the bytes of a manifest's file.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn manifest(bytes: &[u8]) -> Result<Manifest, StoreError> {
    Manifest::parse(bytes, Path::new("in memory"))
}

/// Returns the bytes of a manifest's file with `content` under a correct seal. A fuzzer would never
/// find such a seal at random.
pub fn seal(content: serde_json::Value) -> Vec<u8> {
    Manifest::sealed(content).into_bytes()
}
