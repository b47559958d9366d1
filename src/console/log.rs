//! The run's log file.

use std::io::Write;
use std::path::PathBuf;

use pe_files::Output;

use crate::text::in_one_piece;

/// Writer of the log file. A line that cannot be written, for instance on a full disk, is lost.
pub(super) struct Log {
    file: Output,
    path: PathBuf,
    /// Set if the last line was not written, or only in part.
    gap: bool,
    /// Set once the user was warned.
    told: bool,
}

impl Log {
    pub fn new(file: Output, path: PathBuf) -> Self {
        Self {
            file,
            path,
            gap: false,
            told: false,
        }
    }

    /// Adds a line. Returns a warning for the user at the first line that cannot be written.
    ///
    /// A run does not fail because of its log: results are written elsewhere, and fail there. Later
    /// lines are tried all the same, because a full disk may have space again.
    pub fn add(&mut self, kind: &str, text: &str) -> Option<String> {
        let now = jiff::Timestamp::now();
        let gap = if self.gap {
            format!("\n{now:.3} warn  lines are missing here, which could not be written\n")
        } else {
            String::new()
        };
        // One write for the whole line, so that it is rarely written in part.
        let line = format!("{gap}{now:.3} {kind:5} {}\n", in_one_piece(text));
        let error = self.file.write_all(line.as_bytes()).err();
        self.gap = error.is_some();
        let error = error.filter(|_| !std::mem::replace(&mut self.told, true))?;
        let path = self.path.display();
        Some(format!(
            "cannot write to the log {path}: {error}; the run goes on, and its log lacks lines"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use pe_files::{Fault, Faults, Files};

    use super::*;

    #[test]
    fn a_failure_is_told_once_and_a_gap_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let full = Arc::new(Faults::at(2, Fault::Full, 5));
        let files = Files::free().with_faults(full);
        let mut log = Log::new(files.create(&path).unwrap(), path.clone());
        assert_eq!(log.add("log", "first"), None);
        let told = log.add("log", "second").unwrap();
        assert!(
            told.contains("log.txt: ") && told.contains("goes on"),
            "{told}"
        );
        assert_eq!(log.add("log", "third"), None);
        // The disk has space again.
        log.file = Files::free().append(&path).unwrap();
        assert_eq!(log.add("log", "fourth"), None);
        assert_eq!(log.add("log", "fifth"), None);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(" log   first"), "{text}");
        assert!(
            lines[lines.len() - 3].contains("lines are missing here"),
            "{text}"
        );
        assert!(lines[lines.len() - 2].ends_with(" log   fourth"), "{text}");
        assert!(text.ends_with(" log   fifth\n"), "{text}");
    }
}
