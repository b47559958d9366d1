//! A whole file: as an exam of CT in HU, then as any image.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pe_dicom::in_memory;

fuzz_target!(|bytes: &[u8]| {
    let _ = in_memory::load(bytes);
    let _ = in_memory::decode(bytes);
});
