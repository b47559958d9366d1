use std::path::PathBuf;

use clap::Args;

use crate::session::SessionArgs;

/// What `pe-script run` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The script, a .rhai file
    #[arg(required_unless_present = "help")]
    pub script: Option<PathBuf>,
    /// Parameters of the script, `key=value`, or `key.entry=value` for an entry of a map; where the
    /// script has no such parameter, also `device=`, `seed=` and `threads=`
    #[arg(value_name = "key=value")]
    pub params: Vec<String>,
    /// A YAML file with parameters, `key: value`; the command line wins over it,
    /// and it over the script's profile
    #[arg(long = "params", value_name = "FILE.yaml")]
    pub file: Option<PathBuf>,
    /// Seed, threads, device
    #[command(flatten)]
    pub session: SessionArgs,
    /// The folder for run folders
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Print one JSON object on stdout at the end; the script's output goes to stderr
    #[arg(long)]
    pub json: bool,
    /// Show this help, or with a script, its parameters
    #[arg(long, short)]
    pub help: bool,
}
