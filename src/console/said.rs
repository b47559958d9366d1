//! What a script said, kept for a test's report.

use crate::text::visible;

/// More than this is a loop that prints, not an output that somebody reads.
const MOST_BYTES: usize = 4 << 20;

/// What was said on a console that keeps it instead of showing it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The script's own output, line by line.
    pub printed: String,
    /// The same with the log lines and warnings between.
    pub all: String,
}

impl Said {
    pub(super) fn print(&mut self, text: &str) {
        add(&mut self.printed, text);
        // The report shows it in a terminal.
        self.say(&visible(text));
    }

    pub(super) fn say(&mut self, text: &str) {
        add(&mut self.all, text);
    }
}

fn add(to: &mut String, text: &str) {
    const CUT: &str = "… (the rest is left out)\n";
    if to.len() + text.len() < MOST_BYTES {
        to.push_str(text);
        to.push('\n');
    } else if !to.ends_with(CUT) {
        to.push_str(CUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_an_end_is_cut() {
        let mut said = Said::default();
        said.print("a");
        said.say("b");
        let text = "x".repeat(MOST_BYTES / 2);
        for _ in 0..4 {
            said.print(&text);
        }
        assert!(said.printed.starts_with("a\nx") && said.all.starts_with("a\nb\n"));
        assert!(said.printed.len() < MOST_BYTES + 64);
        assert!(said.printed.ends_with("(the rest is left out)\n"));
    }
}
