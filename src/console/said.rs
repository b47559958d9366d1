//! Collected output of a script, for a test's report.

use crate::text::visible;

/// Output beyond this is cut off: it comes from a loop, and nobody reads it.
const MOST_BYTES: usize = 4 << 20;

/// Output of a console that collects it instead of showing it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The script's own output, line by line.
    pub printed: String,
    /// The output together with log lines and warnings, in order.
    pub all: String,
}

impl Said {
    pub(super) fn print(&mut self, text: &str) {
        add(&mut self.printed, text);
        // `all` is shown in a terminal, so control characters are made visible.
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
