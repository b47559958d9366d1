//! What training and models are read from: their records as they lie on disk and under a right seal,
//! and their tensors, which a network takes up.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use pe_nn::safetensors_io::{Metadata, from_bytes, to_bytes};
use pe_train::in_memory::{self, Begun};

thread_local! {
    static BEGUN: RefCell<Begun> = RefCell::new(Begun::new().expect("a small network"));
}

fuzz_target!(|bytes: &[u8]| {
    records(bytes);
    if let Ok(content) = serde_json::from_slice(bytes) {
        records(&in_memory::seal(&content));
    }
    if let Ok((state, _)) = from_bytes(bytes) {
        let tensors: Vec<_> = (state.iter())
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect();
        // NaN is not itself, so it is bytes that are compared.
        let written = to_bytes(&tensors, &Metadata::new()).expect("what was read can be written");
        let (again, _) = from_bytes(&written).expect("what was written can be read");
        let again: Vec<_> = again.into_iter().collect();
        assert_eq!(to_bytes(&again, &Metadata::new()).ok(), Some(written));
        let _ = BEGUN.with_borrow_mut(|begun| begun.restore(state));
    }
});

fn records(bytes: &[u8]) {
    if let Ok(names) = in_memory::checkpoint(bytes, 3, 4) {
        assert!(!names.is_empty());
    }
    if let Ok(record) = in_memory::model(bytes) {
        // What it says is a model's name and numbers, which people are shown.
        let _ = (record.architecture, record.thresholds);
    }
}
