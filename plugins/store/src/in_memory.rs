//! The reader of manifests on bytes in memory, for programs that try to break it. No part of the
//! API.

use std::path::Path;

use crate::{Manifest, StoreError};

/// Reads the bytes of a manifest's file.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn manifest(bytes: &[u8]) -> Result<Manifest, StoreError> {
    Manifest::parse(bytes, Path::new("in memory"))
}

/// The bytes of a manifest's file that holds `content` under a right seal, which a program that
/// tries at random would never find.
pub fn seal(content: serde_json::Value) -> Vec<u8> {
    Manifest::sealed(content).into_bytes()
}
