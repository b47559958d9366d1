//! Chooses the device that networks run on.
//!
//! ```
//! use pe_nn::device::{Request, choose};
//! let choice = choose("cpu".parse()?)?;
//! assert_eq!(choice.name(), "cpu");
//! assert_eq!(choice.reason(), "asked for");
//! # Ok::<(), pe_nn::DeviceError>(())
//! ```

use std::fmt;
use std::str::FromStr;

use tch::Device;

use crate::{DeviceError, cuda};

/// The device that the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Request {
    /// The first GPU that works, or else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU by its index; an error if it cannot be used.
    Cuda(usize),
}

impl FromStr for Request {
    type Err = DeviceError;

    /// Parses `auto`, `cpu`, `cuda` (which is `cuda:0`) or `cuda:N`.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let index = |text: &str| text.parse().ok();
        match text.split_once(':') {
            None if text == "auto" => Some(Self::Auto),
            None if text == "cpu" => Some(Self::Cpu),
            None if text == "cuda" => Some(Self::Cuda(0)),
            Some(("cuda", n)) if n.bytes().all(|b| b.is_ascii_digit()) => index(n).map(Self::Cuda),
            _ => None,
        }
        .ok_or_else(|| DeviceError::Unknown {
            found: text.to_owned(),
        })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// The chosen device, and the reason for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    device: Device,
    reason: String,
}

impl Choice {
    fn new(device: Device, reason: impl Into<String>) -> Self {
        Self {
            device,
            reason: reason.into(),
        }
    }

    /// The device.
    pub fn device(&self) -> Device {
        self.device
    }

    /// `cpu` or `cuda:N`.
    pub fn name(&self) -> String {
        match self.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_owned(),
        }
    }

    /// The reason for the choice, as the end of "using cpu: …".
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Chooses the device, and loads libtorch's CUDA part if needed.
///
/// Call it before any other work in libtorch, which remembers whether CUDA was there when it was
/// first asked. It takes a second or two on a machine with a GPU, and no time elsewhere.
///
/// # Errors
/// [`DeviceError`], only for [`Request::Cuda`]. It names what is missing: driver, library, GPU or
/// index.
pub fn choose(request: Request) -> Result<Choice, DeviceError> {
    match request {
        Request::Cpu => Ok(Choice::new(Device::Cpu, "asked for")),
        Request::Auto => Ok(match cuda::load() {
            Ok(n_gpus) => Choice::new(Device::Cuda(0), format!("the first of {n_gpus} GPUs")),
            Err(error) => Choice::new(Device::Cpu, why_not(&error)),
        }),
        Request::Cuda(index) => {
            let n_gpus = cuda::load()?;
            if index < n_gpus {
                Ok(Choice::new(Device::Cuda(index), "asked for"))
            } else {
                Err(DeviceError::OutOfRange { index, n_gpus })
            }
        }
    }
}

fn why_not(error: &DeviceError) -> String {
    match error {
        DeviceError::NoDriver => "there is no NVIDIA driver".to_owned(),
        DeviceError::NoGpu { what } => format!("the NVIDIA driver {what}"),
        other => format!("no GPU can be used: {other}"),
    }
}

/// Facts about CUDA, for `pe-script doctor`. A part that is missing is an error.
#[derive(Debug, Clone, PartialEq)]
pub struct CudaFacts {
    /// GPUs and the newest CUDA version, from the driver.
    pub driver: Result<String, DeviceError>,
    /// Path of libtorch's CUDA part.
    pub library: Result<String, DeviceError>,
}

/// Looks for the driver and for libtorch's CUDA part, without loading the latter.
pub fn cuda_facts() -> CudaFacts {
    CudaFacts {
        driver: cuda::driver().map(|driver| {
            format!(
                "{} GPUs, driver for CUDA up to {}",
                driver.n_gpus, driver.cuda
            )
        }),
        library: cuda::library().map(|path| path.display().to_string()),
    }
}

/// Number of threads that libtorch uses inside an operation.
pub fn n_threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read() {
        let check = |text: &str, expected: Option<Request>| {
            assert_eq!(text.parse::<Request>().ok(), expected, "{text}");
        };
        check("auto", Some(Request::Auto));
        check("cpu", Some(Request::Cpu));
        check("cuda", Some(Request::Cuda(0)));
        check("cuda:3", Some(Request::Cuda(3)));
        check("cuda:", None);
        check("cuda:+1", None);
        check("cuda:-1", None);
        check("cuda:99999999999999999999", None);
        check("CPU", None);
        check("cpu:0", None);
        check("", None);
    }

    #[test]
    fn the_choice_tells_its_reason() {
        assert_eq!(
            choose(Request::Cpu).map(|choice| choice.name()),
            Ok("cpu".to_owned())
        );
        let auto = choose(Request::Auto).expect("auto always finds a device");
        assert!(!auto.reason().is_empty());
        match cuda::load() {
            Ok(n_gpus) => {
                assert_eq!(auto.name(), "cuda:0");
                let error = DeviceError::OutOfRange {
                    index: n_gpus,
                    n_gpus,
                };
                assert_eq!(choose(Request::Cuda(n_gpus)), Err(error));
            }
            Err(error) => {
                assert_eq!(auto.name(), "cpu");
                assert_eq!(choose(Request::Cuda(0)), Err(error));
            }
        }
    }
}
