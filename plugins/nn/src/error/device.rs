use std::path::PathBuf;

use pe_binding::Explain;
use thiserror::Error;

/// Reason why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The text names no device.
    #[error("expected a device `auto`, `cpu`, `cuda` or `cuda:N`, found `{found}`")]
    Unknown {
        /// The given text.
        found: String,
    },
    /// The machine has no NVIDIA driver.
    #[error("CUDA was asked for, but this machine has no NVIDIA driver (libcuda.so.1)")]
    NoDriver,
    /// The driver is installed, but reports an error or no device.
    #[error("CUDA was asked for, but the NVIDIA driver {what}")]
    NoGpu {
        /// The driver's problem, to follow "the NVIDIA driver".
        what: String,
    },
    /// libtorch was built without CUDA.
    #[error("CUDA was asked for, but libtorch in {} has no libtorch_cuda.so", folder.display())]
    NoCudaLibrary {
        /// libtorch's folder.
        folder: PathBuf,
    },
    /// The CUDA part of libtorch is installed, but cannot be loaded.
    #[error("{} cannot be loaded: {what}", path.display())]
    Unloadable {
        /// The library.
        path: PathBuf,
        /// Message of the loader.
        what: String,
    },
    /// The CUDA part of libtorch is loaded, but finds no usable device.
    #[error(
        "libtorch's CUDA part is loaded, but it sees no usable GPU although the driver (for CUDA \
         {driver}) has {n_gpus}"
    )]
    Unusable {
        /// The newest CUDA version that the driver supports.
        driver: String,
        /// Number of GPUs that the driver finds.
        n_gpus: usize,
    },
    /// There are GPUs, but none with this index.
    #[error("expected a GPU index below {n_gpus}, found cuda:{index}")]
    OutOfRange {
        /// The index asked for.
        index: usize,
        /// Number of GPUs.
        n_gpus: usize,
    },
    /// The libtorch that this process uses cannot be located.
    #[error("the folder of the libtorch that is loaded cannot be found")]
    NoLibtorch,
}

impl Explain for DeviceError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "device.unknown",
            Self::OutOfRange { .. } => "device.out_of_range",
            _ => "device.unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unknown { .. } => "`auto` takes the first GPU that works, or else the CPU",
            Self::NoDriver => "install the NVIDIA driver, or run with `--device cpu`",
            Self::NoGpu { .. } => {
                "look at `nvidia-smi` and CUDA_VISIBLE_DEVICES, or run with `--device cpu`"
            }
            Self::NoCudaLibrary { .. } => {
                "install the CUDA build with `make setup` (and LIBTORCH unset), or run with \
                 `--device cpu`"
            }
            Self::Unloadable { .. } => "install libtorch again: `rm -r .libtorch && make setup`",
            Self::Unusable { .. } => {
                "the driver is probably too old for this libtorch: update it (`nvidia-smi` shows \
                 its version)"
            }
            Self::OutOfRange { .. } => "GPUs are counted from 0; `nvidia-smi -L` lists them",
            Self::NoLibtorch => "run `pe-script doctor`",
        };
        Some(hint.to_owned())
    }
}
