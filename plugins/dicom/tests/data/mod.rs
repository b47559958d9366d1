//! The data folder beside the repository, and digests of arrays.
#![allow(dead_code)]

use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// A folder of the test data; `None`, with a message, where the data are not there.
pub fn folder(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("PE_TEST_DATA").map_or(beside, PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no test data at {}", folder.display());
    None
}

/// SHA-256 of values as little-endian 64-bit integers.
pub fn sha256(values: &[i64]) -> String {
    let mut hasher = Sha256::new();
    for value in values {
        hasher.update(value.to_le_bytes());
    }
    hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
