//! Calls the functions of `csrc/`.

use std::ffi::{CStr, c_char};

/// Calls a function of the shim, with a buffer for its error message.
///
/// # Errors
/// The first line of the shim's message when it does not return 0.
pub(crate) fn call(f: impl FnOnce(*mut c_char, usize) -> i32) -> Result<(), String> {
    let mut message = [0_u8; 512];
    if f(message.as_mut_ptr().cast(), message.len()) == 0 {
        return Ok(());
    }
    let message = CStr::from_bytes_until_nul(&message).unwrap_or_default();
    let message = message.to_string_lossy();
    Err(message.lines().next().unwrap_or_default().to_owned())
}
