//! The label table, `train.csv`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pe_dicom::in_memory;

fuzz_target!(|bytes: &[u8]| {
    let _ = in_memory::labels(bytes);
});
