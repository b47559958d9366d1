//! Mixed precision: bfloat16 where libtorch considers it safe.

#![expect(unsafe_code, reason = "calls csrc/autocast.cpp")]

use std::ffi::c_char;
use std::marker::PhantomData;

use tch::Device;

use crate::{NnError, shim};

/// A guard for mixed precision: until it is dropped, convolutions and matrix products on this
/// thread and device compute in bfloat16.
///
/// Weights stay float32; outputs of a network become bfloat16. Create the guard before the forward
/// pass and drop it before the backward pass, which uses the kinds of number of the forward pass.
/// Dropping it, also by a panic, restores the former state. Bfloat16 has float32's range, so no
/// scaling of the loss is needed.
///
/// ```
/// use pe_nn::{Autocast, tch::{Device, Kind, Tensor}};
/// let a = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
/// let guard = Autocast::bf16(Device::Cpu)?;
/// assert_eq!(a.matmul(&a).kind(), Kind::BFloat16);
/// drop(guard);
/// assert_eq!(a.matmul(&a).kind(), Kind::Float);
/// # Ok::<(), pe_nn::NnError>(())
/// ```
#[must_use = "autocast ends when this is dropped"]
#[derive(Debug)]
pub struct Autocast {
    before: State,
    /// Makes the guard `!Send`: the setting belongs to the thread, so it must be restored there.
    not_send: PhantomData<*const ()>,
}

impl Autocast {
    /// Switches bfloat16 on until the guard is dropped.
    ///
    /// # Errors
    /// [`NnError::Autocast`] for a device other than CPU and CUDA.
    pub fn bf16(device: Device) -> Result<Self, NnError> {
        let code = code(device)?;
        let mut before = State::default();
        call(device, |error, capacity| {
            // SAFETY: both pointers are to our own memory, of the shim's types and of the given
            // length, and are valid during the call.
            unsafe { pe_autocast_enter(code, &mut before, error, capacity) }
        })?;
        Ok(Self {
            before,
            not_send: PhantomData,
        })
    }

    /// Returns whether autocast is switched on for a device on this thread.
    ///
    /// # Errors
    /// [`NnError::Autocast`] for a device other than CPU and CUDA.
    pub fn is_open(device: Device) -> Result<bool, NnError> {
        Ok(state(device)?.enabled != 0)
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // The device is only named in an error: the setting holds for all GPUs.
        let device = match self.before.device {
            0 => Device::Cpu,
            _ => Device::Cuda(0),
        };
        let left = call(device, |error, capacity| {
            // SAFETY: both pointers are to our own memory, of the shim's types and of the given
            // length, and are valid during the call.
            unsafe { pe_autocast_leave(&self.before, error, capacity) }
        });
        // It restores a state that libtorch itself reported, so libtorch has no reason to refuse.
        debug_assert!(left.is_ok());
    }
}

/// Same layout as in csrc/autocast.cpp.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct State {
    device: i32,
    enabled: i32,
    dtype: i32,
}

fn state(device: Device) -> Result<State, NnError> {
    let code = code(device)?;
    let mut now = State::default();
    call(device, |error, capacity| {
        // SAFETY: as in `bf16`.
        unsafe { pe_autocast_state(code, &mut now, error, capacity) }
    })?;
    Ok(now)
}

fn code(device: Device) -> Result<i32, NnError> {
    match device {
        Device::Cpu => Ok(0),
        Device::Cuda(_) => Ok(1),
        other => Err(NnError::Autocast {
            device: format!("{other:?}"),
            what: "only CPU and CUDA have it".to_owned(),
        }),
    }
}

fn call(device: Device, f: impl FnOnce(*mut c_char, usize) -> i32) -> Result<(), NnError> {
    shim::call(f).map_err(|what| NnError::Autocast {
        device: format!("{device:?}"),
        what,
    })
}

unsafe extern "C" {
    fn pe_autocast_enter(
        device: i32,
        before: *mut State,
        error: *mut c_char,
        capacity: usize,
    ) -> i32;
    fn pe_autocast_leave(before: *const State, error: *mut c_char, capacity: usize) -> i32;
    fn pe_autocast_state(device: i32, now: *mut State, error: *mut c_char, capacity: usize) -> i32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_comes_back() {
        for device in [Device::Cpu, Device::Cuda(0)] {
            let before = state(device).unwrap();
            assert_eq!(before.enabled, 0);
            let outer = Autocast::bf16(device).unwrap();
            let open = state(device).unwrap();
            assert_eq!(open.enabled, 1);
            {
                let _inner = Autocast::bf16(device).unwrap();
                assert!(Autocast::is_open(device).unwrap());
            }
            assert_eq!(state(device).unwrap(), open);
            drop(outer);
            assert_eq!(state(device).unwrap(), before);
        }
    }

    #[test]
    fn a_panic_closes_it() {
        let before = state(Device::Cpu).unwrap();
        let caught = std::panic::catch_unwind(|| {
            let _open = Autocast::bf16(Device::Cpu).unwrap();
            assert!(Autocast::is_open(Device::Cpu).unwrap());
            panic!("on purpose");
        });
        assert!(caught.is_err());
        assert_eq!(state(Device::Cpu).unwrap(), before);
    }

    #[test]
    fn other_devices_are_refused() {
        let error = Autocast::bf16(Device::Mps).unwrap_err();
        assert!(error.to_string().contains("only CPU and CUDA"), "{error}");
    }
}
