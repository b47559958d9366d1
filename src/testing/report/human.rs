//! Report for people: a line for each test as it ends, then the failures and a summary.

use std::fmt::Write as _;

use super::Pass;
use crate::testing::{Case, Finished, Verdict};
use crate::text::visible_line;

/// Formatter of the report.
#[derive(Debug, Clone, Copy)]
pub(in crate::testing) struct Human {
    pub colour: bool,
}

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "1;31";

impl Human {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The line of a test that has ended.
    pub fn line(self, case: &Case, finished: &Finished) -> String {
        let (code, word, why) = match &finished.verdict {
            Verdict::Passed => (GREEN, "ok", ""),
            Verdict::Skipped(reason) => (YELLOW, "skipped", reason.as_str()),
            Verdict::Failed(_) => (RED, "FAILED", ""),
            Verdict::Interrupted => (YELLOW, "stopped", ""),
        };
        let word = self.paint(code, &format!("{word:>7}"));
        let seconds = finished.elapsed.as_secs_f64();
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        let (name, why) = (case.name(), visible_line(&why));
        format!("{word} {} ({seconds:.2} s){why}", visible_line(&name))
    }

    /// The end of the report: failures, snapshots and the summary.
    pub fn end(self, pass: &Pass) -> String {
        let mut text = String::new();
        for (case, finished) in &pass.done {
            if let Verdict::Failed(report) = &finished.verdict {
                let head = self.paint(RED, &format!("FAILED {}", visible_line(&case.name())));
                let _ = writeln!(text, "\n{head}\n{}", report.render(self.colour));
                for line in finished.output.lines() {
                    let _ = writeln!(text, "  | {line}");
                }
            }
        }
        self.snapshots(&mut text, pass);
        let _ = writeln!(text, "\n{}", self.summary(pass));
        text
    }

    fn snapshots(self, text: &mut String, pass: &Pass) {
        for path in &pass.written {
            let path = path.display().to_string();
            let _ = writeln!(text, "wrote the snapshot {}", visible_line(&path));
        }
        for path in &pass.unused {
            let path = path.display().to_string();
            let path = visible_line(&path);
            let _ = if pass.removed {
                writeln!(text, "removed the snapshot {path}: no test asks for it")
            } else {
                writeln!(
                    text,
                    "{}: no test asks for the snapshot {path}; `--update` removes it",
                    self.paint(YELLOW, "warning")
                )
            };
        }
    }

    fn summary(self, pass: &Pass) -> String {
        let counted = [
            (pass.n_passed(), "passed", GREEN),
            (pass.n_failed(), "failed", RED),
            (pass.n_skipped(), "skipped", YELLOW),
            (pass.n_not_run(), "not run", YELLOW),
        ];
        let parts: Vec<String> = counted
            .iter()
            .filter(|(n, word, _)| *n > 0 || *word == "passed")
            .map(|(n, word, code)| self.paint(code, &format!("{n} {word}")))
            .collect();
        let stopped = if pass.stopped.is_some() {
            "stopped: "
        } else {
            ""
        };
        let seconds = pass.elapsed.as_secs_f64();
        format!("{stopped}{} in {seconds:.2} s", parts.join(", "))
    }
}
