//! Progress of one native task, as a bar or as a line now and then.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

/// Shorter tasks get no bar: it would only flash.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
/// Interval of the progress lines, if no bars can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A task that began and has not ended.
pub(super) struct Running {
    pub(super) what: String,
    pub(super) unit: String,
    pub(super) done: u64,
    /// Of `done`, the units that an earlier process did. They do not count for the speed.
    pub(super) before: u64,
    /// State of the task in its own words, such as `epoch 2/10`.
    pub(super) note: String,
    total: u64,
    started: Instant,
    line_at: Instant,
    lines: u64,
    bar: Option<ProgressBar>,
}

impl Running {
    pub(super) fn new(what: &str, total: u64, unit: &str, now: Instant) -> Self {
        Self {
            what: what.to_owned(),
            unit: unit.to_owned(),
            done: 0,
            before: 0,
            note: String::new(),
            total,
            started: now,
            line_at: now + LINE_EVERY,
            lines: 0,
            bar: None,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Draws the bar, and creates it once the task has lasted long enough.
    pub(super) fn draw(&mut self, bars: &MultiProgress, colour: bool) {
        if self.bar.is_none() && self.elapsed() >= SHOWN_AFTER {
            let bar = bars.add(ProgressBar::new(self.total));
            bar.set_style(style(self.total, &self.unit, colour));
            bar.set_elapsed(self.elapsed());
            // The speed is measured from here: units of an earlier process took no time in this one.
            bar.set_position(self.before);
            bar.reset_eta();
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(noted(&self.what, &self.note));
            bar.set_position(self.done);
            bar.tick();
        }
    }

    /// Returns a progress line if one is due. Used where no bar can be drawn.
    pub(super) fn line_due(&mut self) -> Option<String> {
        let now = Instant::now();
        (now >= self.line_at).then(|| {
            self.line_at = now + LINE_EVERY;
            self.lines += 1;
            let what = noted(&self.what, &self.note);
            let done = (self.before, self.done);
            progress_line(&what, &self.unit, done, self.total, self.elapsed())
        })
    }

    /// Removes the bar. Returns a last line for a task that printed lines before.
    pub(super) fn finish(&mut self) -> Option<String> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        (self.lines > 0).then(|| {
            let seconds = self.elapsed().as_secs();
            let done = self.done - self.before.min(self.done);
            format!("{}: {done} {} in {seconds} s", self.what, self.unit)
        })
    }
}

/// The label of a task with its note: `training effnet (epoch 2/10, loss 0.31)`.
fn noted(what: &str, note: &str) -> String {
    if note.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({note})")
    }
}

/// `reading headers: 120 of 480 files, 25 %, 12.0/s, 10 s, about 30 s left`. `before` of the `done`
/// units are from an earlier process.
fn progress_line(
    what: &str,
    unit: &str,
    (before, done): (u64, u64),
    total: u64,
    elapsed: Duration,
) -> String {
    let seconds = elapsed.as_secs();
    if total == 0 || done <= before {
        let of = if total == 0 {
            String::new()
        } else {
            format!(" of {total}")
        };
        return format!("{what}: {done}{of} {unit}, {seconds} s");
    }
    let done = done.min(total);
    let per_s = done.saturating_sub(before) as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = (total - done) as f64 / per_s.max(1e-9);
    let percent = 100 * done / total;
    format!(
        "{what}: {done} of {total} {unit}, {percent} %, {per_s:.1}/s, {seconds} s, about {left:.0} s left"
    )
}

fn style(total: u64, unit: &str, colour: bool) -> ProgressStyle {
    // `wide_msg` clips the message to the rest of the line: a bar that wraps leaves lines behind.
    // Braces in a unit are removed: they would be parsed as a placeholder.
    let unit = unit.replace(['{', '}'], "");
    let bar = if colour {
        "{bar:24.cyan/dim}"
    } else {
        "{bar:24}"
    };
    let template = if total == 0 {
        format!("{{spinner}} {{wide_msg}} {{pos}} {unit}  {{elapsed}}")
    } else {
        format!("{{wide_msg}} {bar} {{pos}}/{{len}} {unit}  {{speed}}  {{elapsed}} left {{eta}}")
    };
    let speed = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        let _ = write!(to, "{:.1}/s", state.per_sec());
    };
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("speed", speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_known() {
        let check = |done, total, elapsed_s, expected: &str| {
            let elapsed = Duration::from_secs(elapsed_s);
            assert_eq!(
                progress_line("reading", "files", (0, done), total, elapsed),
                expected
            );
        };
        check(
            120,
            480,
            10,
            "reading: 120 of 480 files, 25 %, 12.0/s, 10 s, about 30 s left",
        );
        check(0, 480, 10, "reading: 0 of 480 files, 10 s");
        check(7, 0, 10, "reading: 7 files, 10 s");
        // A plugin may count past its own total; that must not overflow.
        check(
            500,
            480,
            10,
            "reading: 480 of 480 files, 100 %, 48.0/s, 10 s, about 0 s left",
        );
    }

    #[test]
    fn what_was_done_before_counts_and_tells_nothing_of_the_speed() {
        let elapsed = Duration::from_secs(10);
        let line = progress_line("training", "slices", (100, 150), 200, elapsed);
        let expected = "training: 150 of 200 slices, 75 %, 5.0/s, 10 s, about 10 s left";
        assert_eq!(line, expected);
        let line = progress_line("training", "slices", (100, 100), 200, elapsed);
        assert_eq!(line, "training: 100 of 200 slices, 10 s");
        assert_eq!(noted("training a", "loss 0.3"), "training a (loss 0.3)");
        assert_eq!(noted("training a", ""), "training a");
    }

    #[test]
    fn a_line_is_due_after_ten_seconds_and_the_end_is_told_only_then() {
        let long_ago = Instant::now() - LINE_EVERY;
        let mut task = Running::new("reading", 2, "files", long_ago);
        task.done = 2;
        assert!(task.line_due().is_some());
        assert_eq!(task.line_due(), None);
        assert_eq!(task.finish().as_deref(), Some("reading: 2 files in 10 s"));
        assert_eq!(Running::new("a", 1, "b", Instant::now()).finish(), None);
    }
}
