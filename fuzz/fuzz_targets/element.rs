//! The walk over a data set's elements: the structure alone, in the encoding that the first byte says,
//! then as a scan reads a file's head.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pe_dicom::in_memory;

fuzz_target!(|bytes: &[u8]| {
    if let Some((&choice, data_set)) = bytes.split_first() {
        let _ = in_memory::walk(data_set, choice & 1 == 0, choice & 2 != 0);
    }
    let _ = in_memory::scan(bytes);
    let _ = in_memory::boundaries(bytes);
});
