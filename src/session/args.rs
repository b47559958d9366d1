use std::path::PathBuf;

use clap::Args;
use pe_nn::{DeviceError, Request};

use crate::sandbox::SandboxArgs;

/// What everything that evaluates scripts takes.
#[derive(Debug, Clone, Default, Args)]
pub struct SessionArgs {
    /// Seed of everything random [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<i64>,
    /// Threads of native functions [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Where networks run
    #[arg(
        help = "Where networks run: auto, cpu or cuda[:N] [default: auto]",
        long,
        value_name = "DEVICE"
    )]
    pub device: Option<String>,
    /// A folder with a plugin written in Rhai; may be repeated
    #[arg(long, value_name = "DIR")]
    pub plugin: Vec<PathBuf>,
    /// Show neither progress nor log lines
    #[arg(long, short)]
    pub quiet: bool,
    /// What the script may do
    #[command(flatten)]
    pub sandbox: SandboxArgs,
}

impl SessionArgs {
    /// The device that is asked for.
    ///
    /// # Errors
    /// [`DeviceError`] for a text that names none.
    pub(crate) fn device(&self) -> Result<Request, DeviceError> {
        self.device.as_deref().unwrap_or("auto").parse()
    }
}
