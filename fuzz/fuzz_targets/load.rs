//! A whole file: as an exam of CT in HU, as any image, and its de-identified copy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pe_dicom::in_memory;

fuzz_target!(|bytes: &[u8]| {
    let _ = in_memory::load(bytes);
    let _ = in_memory::decode(bytes);
    if let Some(copy) = in_memory::deidentify(bytes) {
        assert!(in_memory::scan(&copy).is_ok(), "a copy can be read");
    }
});
