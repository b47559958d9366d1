//! Errors and hints for a run folder that cannot be written.

use std::io::{self, ErrorKind};

use super::Diagnosis;

impl Diagnosis {
    /// The error that the run's record could not be written after the script had ended.
    pub(crate) fn of_record(error: &anyhow::Error) -> Self {
        let hint = format!("{}, and run the same command again", remedy(error));
        Self {
            causes: error.chain().skip(1).map(ToString::to_string).collect(),
            ..Self::new("run.record", error.to_string(), Some(hint))
        }
    }

    /// The error that the run's folder could not be made, so that nothing ran.
    pub(crate) fn of_run_folder(error: &anyhow::Error) -> Self {
        Self::new("usage.out", format!("{error:#}"), Some(remedy(error)))
    }
}

/// Hint for an error in the `--out` folder: a full disk, or another reason.
pub(crate) fn remedy(error: &anyhow::Error) -> String {
    let mut causes = error.chain();
    let cause = causes.find_map(|cause| cause.downcast_ref::<io::Error>());
    let text = match cause.map(io::Error::kind) {
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            "free some space, or name a folder on another disk with `--out DIR`"
        }
        _ => "name a folder that can be written with `--out DIR`",
    };
    text.to_owned()
}
