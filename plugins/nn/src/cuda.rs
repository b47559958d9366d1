//! NVIDIA's driver and libtorch's CUDA part, both loaded at run time.
//!
//! The binary is linked to libtorch's CPU part only, so that it starts quickly, and starts at all
//! on a machine without a GPU. The CUDA part (`libtorch_cuda.so`) registers itself with the CPU
//! part when it is loaded, exactly as if the binary were linked to it. It must be loaded before
//! libtorch first asks whether CUDA is there, because libtorch keeps that answer for good.

// These files are the program's own installation, which no script can name.
#![allow(clippy::disallowed_methods)]
#![expect(
    unsafe_code,
    reason = "loading a library runs its code, and its functions' types are only our word"
)]

use std::path::PathBuf;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use crate::{DeviceError, libtorch};

/// Facts from the driver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Driver {
    /// Number of GPUs that this process may use (`CUDA_VISIBLE_DEVICES` counts).
    pub(crate) n_gpus: usize,
    /// The newest CUDA version that it supports, such as `13.0`.
    pub(crate) cuda: String,
}

/// Asks the driver for its GPUs, without libtorch. Takes some milliseconds if there is no driver.
pub(crate) fn driver() -> Result<Driver, DeviceError> {
    static DRIVER: OnceLock<Result<Driver, DeviceError>> = OnceLock::new();
    DRIVER.get_or_init(ask_driver).clone()
}

fn ask_driver() -> Result<Driver, DeviceError> {
    // SAFETY: libcuda is the driver's own library; its initialisers have no precondition. It is
    // kept open (the functions below and, later, libtorch use it).
    let cuda = unsafe { Library::open(Some("libcuda.so.1"), RTLD_NOW) };
    let cuda = std::mem::ManuallyDrop::new(cuda.map_err(|_| DeviceError::NoDriver)?);
    let missing = |_| DeviceError::NoGpu {
        what: "lacks a function of the CUDA driver interface".to_owned(),
    };
    let mut version = 0;
    let mut n_gpus = 0;
    // SAFETY: the three symbols have had these C signatures since CUDA 2.2 (cuda.h:
    // CUresult cuInit(unsigned int), cuDriverGetVersion(int*), cuDeviceGetCount(int*)); the
    // pointers are to live integers.
    let status = unsafe {
        let init = cuda
            .get::<unsafe extern "C" fn(u32) -> i32>(b"cuInit\0")
            .map_err(missing)?;
        let get_version = cuda
            .get::<unsafe extern "C" fn(*mut i32) -> i32>(b"cuDriverGetVersion\0")
            .map_err(missing)?;
        let get_count = cuda
            .get::<unsafe extern "C" fn(*mut i32) -> i32>(b"cuDeviceGetCount\0")
            .map_err(missing)?;
        match init(0) {
            0 => match get_version(&mut version) {
                0 => get_count(&mut n_gpus),
                code => code,
            },
            code => code,
        }
    };
    match (status, usize::try_from(n_gpus)) {
        (0, Ok(n_gpus)) if n_gpus > 0 => Ok(Driver {
            n_gpus,
            cuda: format!("{}.{}", version / 1000, version % 1000 / 10),
        }),
        // 100 is CUDA_ERROR_NO_DEVICE.
        (0 | 100, _) => Err(no_gpu("has no GPU to offer".to_owned())),
        (code, _) => Err(no_gpu(format!("reports error {code}"))),
    }
}

fn no_gpu(what: String) -> DeviceError {
    DeviceError::NoGpu { what }
}

/// Loads libtorch's CUDA part and returns the number of GPUs that libtorch can use.
pub(crate) fn load() -> Result<usize, DeviceError> {
    static LOADED: OnceLock<Result<usize, DeviceError>> = OnceLock::new();
    LOADED
        .get_or_init(|| {
            let driver = driver()?;
            // Before the first call of `tch::Cuda`, whose answer libtorch keeps.
            open(library()?)?;
            match usize::try_from(tch::Cuda::device_count()) {
                Ok(n_gpus) if n_gpus > 0 && tch::Cuda::is_available() => Ok(n_gpus),
                _ => Err(DeviceError::Unusable {
                    driver: driver.cuda,
                    n_gpus: driver.n_gpus,
                }),
            }
        })
        .clone()
}

/// Returns the path of libtorch's CUDA part, which lies beside its CPU part.
pub(crate) fn library() -> Result<PathBuf, DeviceError> {
    let cpu = libtorch::loaded_from().ok_or(DeviceError::NoLibtorch)?;
    let cuda = cpu.with_file_name("libtorch_cuda.so");
    if cuda.is_file() {
        Ok(cuda)
    } else {
        Err(DeviceError::NoCudaLibrary {
            folder: cpu.parent().map(PathBuf::from).unwrap_or_default(),
        })
    }
}

fn open(path: PathBuf) -> Result<(), DeviceError> {
    // SAFETY: the library belongs to the libtorch that is loaded already (same folder, same
    // build), whose initialisers only register kernels with it. It is never closed: those
    // registrations point into it.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) };
    match library {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        Err(error) => Err(DeviceError::Unloadable {
            path,
            what: error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads without a GPU too, so that a machine without one finds a broken installation.
    #[test]
    fn the_cuda_part_loads_where_it_is_installed() {
        let Ok(path) = library() else {
            eprintln!("skipped: this libtorch has no CUDA part");
            return;
        };
        let started = std::time::Instant::now();
        assert_eq!(open(path), Ok(()));
        eprintln!(
            "libtorch_cuda.so loaded in {:.2} s",
            started.elapsed().as_secs_f64()
        );
    }

    #[test]
    fn without_a_driver_the_error_says_so_and_nothing_is_loaded() {
        if let Err(error) = driver() {
            assert_eq!(load(), Err(error));
        }
    }
}
