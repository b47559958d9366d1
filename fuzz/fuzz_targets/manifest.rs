//! The store's manifest: as it lies on disk, and its content under a right seal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pe_store::in_memory;

fuzz_target!(|bytes: &[u8]| {
    let _ = in_memory::manifest(bytes).map(|manifest| manifest.n_bytes());
    if let Ok(content) = serde_json::from_slice(bytes) {
        let _ = in_memory::manifest(&in_memory::seal(content)).map(|manifest| manifest.n_bytes());
    }
});
