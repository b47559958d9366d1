//! Command line options of the sandbox.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

/// What everything that evaluates scripts takes to confine them.
#[derive(Debug, Clone, Default, Args)]
pub struct SandboxArgs {
    /// Confine the script to the folders that it needs, as by default one that lies outside of the
    /// project: the folder of the nearest pe-script.yaml, or else the current one
    #[arg(long, help_heading = "Sandbox")]
    pub sandbox: bool,
    /// Trust the script with all that you may do yourself
    #[arg(
        long,
        help_heading = "Sandbox",
        conflicts_with_all = ["sandbox", "allow_read", "allow_write"]
    )]
    pub no_sandbox: bool,
    /// Confine the script, and let it read what lies below a folder; may be repeated
    #[arg(long, value_name = "DIR", help_heading = "Sandbox")]
    pub allow_read: Vec<PathBuf>,
    /// Confine the script, and let it read and write below a folder; may be repeated
    #[arg(long, value_name = "DIR", help_heading = "Sandbox")]
    pub allow_write: Vec<PathBuf>,
    /// Stop after so many operations of the script [default: 500 million in the sandbox]
    #[arg(
        long,
        value_name = "N",
        help_heading = "Sandbox",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub max_operations: Option<u64>,
    /// Stop after a time such as 90s, 30m or 2h [default: 24h in the sandbox]
    #[arg(long, value_name = "TIME", help_heading = "Sandbox", value_parser = time)]
    pub max_time: Option<Duration>,
}

impl SandboxArgs {
    /// Returns whether an option asks for the sandbox explicitly.
    pub(super) fn asks(&self) -> bool {
        self.sandbox || !self.allow_read.is_empty() || !self.allow_write.is_empty()
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time above 0, as in `90s`, `30m` or `2h`".to_owned();
    let time: SignedDuration = text.parse().map_err(|_| wrong())?;
    let time = Duration::try_from(time).map_err(|_| wrong())?;
    (!time.is_zero()).then_some(time).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_words() {
        let check = |text: &str, seconds: Option<f64>| {
            assert_eq!(time(text).ok().map(|t| t.as_secs_f64()), seconds, "{text}");
        };
        check("90s", Some(90.0));
        check("30m", Some(1800.0));
        check("1h 30m", Some(5400.0));
        check("2h", Some(7200.0));
        check("200ms", Some(0.2));
        check("0s", None);
        check("-3s", None);
        check("90", None);
        check("soon", None);
    }
}
