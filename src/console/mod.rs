//! Output of a running script: `print` goes to stdout; progress, log lines and warnings go to stderr;
//! the run's log file gets everything.

mod log;
mod progress;
mod said;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressDrawTarget};
use pe_binding::{Watch, WeightsFile};
use pe_files::Files;
use serde::Serialize;

use crate::stop::{Interrupt, Limit};
use crate::text::{visible, visible_line};
use log::Log;
use progress::Running;
pub use said::Said;

/// Interval at which progress is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// Display options of a [`Console`].
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Hides progress and log lines. Warnings and errors are still shown.
    pub quiet: bool,
    /// Shows progress as moving bars, for a terminal; otherwise as a line every ten seconds.
    pub bars: bool,
    /// Uses colours on stderr.
    pub colour: bool,
    /// Sends the script's `print` to stderr, because stdout carries one JSON object.
    pub print_to_stderr: bool,
}

impl Look {
    /// Detects the options for this process's stderr: bars only on a terminal, colours only there and
    /// only without `NO_COLOR`.
    pub fn detect() -> Self {
        let terminal = io::stderr().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            quiet: false,
            bars: terminal && !dumb,
            colour: terminal && !dumb && !no_colour,
            print_to_stderr: false,
        }
    }
}

/// Shows neither progress nor log lines.
const SILENT: Look = Look {
    quiet: true,
    bars: false,
    colour: false,
    print_to_stderr: true,
};

/// Total time and units of one kind of native task.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spent {
    /// Number of tasks.
    pub times: u64,
    /// Units done in all tasks.
    pub done: u64,
    /// Name of a unit, such as `slices`.
    pub unit: String,
    /// Seconds of all tasks.
    pub elapsed_s: f64,
}

/// Sends a run's output, progress and warnings to the user and to the log. Through [`ConsoleWatch`]
/// it is the [`Watch`] that every plugin reports to.
pub struct Console {
    look: Look,
    interrupt: Interrupt,
    bars: MultiProgress,
    tasks: Mutex<Tasks>,
    log: Mutex<Option<Log>>,
    /// Collected output, if it is kept instead of shown.
    said: Option<Mutex<Said>>,
    /// Limit in bytes for all output, if any; and the number of bytes so far.
    most_bytes: Mutex<Option<usize>>,
    n_bytes: AtomicU64,
    /// Set for a confined script, whose output must not control the terminal.
    confined: AtomicBool,
    /// Starts the thread that redraws the progress, at the first task.
    ticker: Once,
}

#[derive(Default)]
struct Tasks {
    running: Vec<Running>,
    spent: BTreeMap<String, Spent>,
    weights: Vec<WeightsFile>,
}

impl Console {
    /// A console with these display options. A script that uses it is stopped by `interrupt`.
    pub fn new(look: Look, interrupt: Interrupt) -> Arc<Self> {
        Arc::new(Self::build(look, interrupt, None))
    }

    fn build(look: Look, interrupt: Interrupt, said: Option<Mutex<Said>>) -> Self {
        let target = if look.bars && !look.quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            look,
            interrupt,
            bars: MultiProgress::with_draw_target(target),
            tasks: Mutex::default(),
            log: Mutex::default(),
            said,
            most_bytes: Mutex::default(),
            n_bytes: AtomicU64::new(0),
            confined: AtomicBool::new(false),
            ticker: Once::new(),
        }
    }

    /// A console that shows nothing and is never interrupted, for tests and embedders.
    pub fn silent() -> Arc<Self> {
        Self::silent_until(Interrupt::default())
    }

    /// A console that shows nothing, stopped by `interrupt`.
    pub(crate) fn silent_until(interrupt: Interrupt) -> Arc<Self> {
        Self::new(SILENT, interrupt)
    }

    /// A console that shows nothing and collects all output.
    pub fn keeping(interrupt: Interrupt) -> Arc<Self> {
        Arc::new(Self::build(SILENT, interrupt, Some(Mutex::default())))
    }

    /// The output collected so far; empty unless the console was made by [`Console::keeping`].
    pub fn said(&self) -> Said {
        let said = self.said.as_ref();
        said.map(|said| lock(said).clone()).unwrap_or_default()
    }

    /// The display options.
    pub fn look(&self) -> Look {
        self.look
    }

    /// The user's request to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Limits all output, including that before this call, to `most` bytes. A text beyond the limit is
    /// not shown and requests a stop.
    pub(crate) fn limit(&self, most: Option<usize>) {
        *lock(&self.most_bytes) = most;
    }

    /// Sets whether the script is confined. The terminal shows control characters of a confined script
    /// as visible signs. A trusted script's output goes out byte by byte, so that it can use colours.
    pub(crate) fn confine(&self, confined: bool) {
        self.confined.store(confined, Ordering::Relaxed);
    }

    /// Counts a text, and returns whether it is within the limit. If not, it requests a stop.
    fn has_room(&self, text: &str) -> bool {
        // Each line counts 32 bytes more, for its time in the log: empty lines would be free otherwise.
        const LINE: u64 = 32;
        let Some(most) = *lock(&self.most_bytes) else {
            return true;
        };
        let n = text.len() as u64 + LINE;
        let fits = self.n_bytes.fetch_add(n, Ordering::Relaxed) + n <= most as u64;
        if !fits {
            self.interrupt.exceed(Limit::Output(most));
        }
        fits
    }

    /// Starts a log of all output in a new file at `path`.
    ///
    /// # Errors
    /// When the file cannot be made. A line that cannot be written later is only a warning.
    pub fn log_to(&self, path: &Path, files: &Files) -> io::Result<()> {
        let file = files.create(path)?;
        *lock(&self.log) = Some(Log::new(file, path.to_path_buf()));
        Ok(())
    }

    /// Stops the log.
    pub(crate) fn log_to_nothing(&self) {
        *lock(&self.log) = None;
    }

    /// Prints the script's own output: stdout.
    pub fn print(&self, text: &str) {
        let shown = self.look.print_to_stderr || self.confined.load(Ordering::Relaxed);
        self.to_stdout(text, if shown { visible(text) } else { text.into() });
    }

    /// Prints output of the host, which may have colours: stdout.
    pub(crate) fn show(&self, text: &str) {
        self.to_stdout(text, text.into());
    }

    fn to_stdout(&self, text: &str, shown: Cow<'_, str>) {
        if !self.has_room(text) {
            return;
        }
        self.write("print", text);
        if let Some(said) = &self.said {
            return lock(said).print(text);
        }
        let to_stderr = self.look.print_to_stderr;
        self.beside_bars(|| {
            // A closed pipe (`… | head`) must not end the run; the log has every line.
            let _ = if to_stderr {
                writeln!(io::stderr(), "{shown}")
            } else {
                writeln!(io::stdout(), "{shown}")
            };
        });
    }

    /// Prints a log line for a user who follows the run: stderr, not with `--quiet`.
    pub fn log(&self, text: &str) {
        if !self.has_room(text) {
            return;
        }
        self.write("log", text);
        if !self.look.quiet || self.said.is_some() {
            self.to_stderr(&visible(text));
        }
    }

    /// Prints a warning: stderr, also with `--quiet`.
    pub fn warning(&self, text: &str) {
        if !self.has_room(text) {
            return;
        }
        self.write("warn", text);
        self.to_stderr_as_warning(text);
    }

    /// Prints a rendered error: stderr, also with `--quiet`. The log gets the text without colours.
    pub fn error(&self, rendered: &str, plain: &str) {
        self.write("error", plain);
        self.to_stderr(rendered);
    }

    /// Writes to the log file only.
    pub fn record(&self, kind: &str, text: &str) {
        if self.has_room(text) {
            self.write(kind, text);
        }
    }

    fn write(&self, kind: &str, text: &str) {
        // This statement releases the log's lock before the warning is shown.
        let failed = lock(&self.log).as_mut().and_then(|log| log.add(kind, text));
        if let Some(failed) = failed {
            self.to_stderr_as_warning(&failed);
        }
    }

    /// Time and units by kind of native task, for the run's record.
    pub fn spent(&self) -> BTreeMap<String, Spent> {
        lock(&self.tasks).spent.clone()
    }

    /// The files of weights that were used, in order, for the run's record.
    pub fn weights(&self) -> Vec<WeightsFile> {
        lock(&self.tasks).weights.clone()
    }

    fn to_stderr_as_warning(&self, text: &str) {
        let (on, off) = self.paint("\x1b[33m");
        self.to_stderr(&format!("{on}warning{off}: {}", visible(text)));
    }

    fn to_stderr(&self, text: &str) {
        if let Some(said) = &self.said {
            return lock(said).say(text);
        }
        self.beside_bars(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    /// Writes while the progress bars are hidden, so that they do not overwrite the text.
    ///
    /// indicatif panics if it cannot hide them, for instance when the terminal was closed. Then stderr
    /// is no terminal any more, and we write directly.
    fn beside_bars(&self, write: impl FnOnce()) {
        if self.look.bars && !io::stderr().is_terminal() {
            write()
        } else {
            self.bars.suspend(write)
        }
    }

    fn paint(&self, code: &'static str) -> (&'static str, &'static str) {
        if self.look.colour {
            (code, "\x1b[0m")
        } else {
            ("", "")
        }
    }

    /// Draws the bars, or prints the lines, of the tasks that have lasted long enough.
    fn tick(&self) {
        if self.look.quiet {
            return;
        }
        let mut lines = Vec::new();
        for task in &mut lock(&self.tasks).running {
            if self.look.bars {
                task.draw(&self.bars, self.look.colour);
            } else {
                lines.extend(task.line_due());
            }
        }
        // The lock on the tasks is released here.
        for line in lines {
            self.to_stderr(&line);
        }
    }
}

/// Locks a mutex, also after a panic of a thread that held it: the data are plain counters and lists,
/// which are valid at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adapter that makes a [`Console`] the [`Watch`] of an engine's native work.
pub struct ConsoleWatch(pub Arc<Console>);

impl Watch for ConsoleWatch {
    fn begin(&self, what: &str, total: u64, unit: &str) {
        // The thread holds a weak reference, so that it ends with the console.
        let console = Arc::downgrade(&self.0);
        self.0.ticker.call_once(|| {
            thread::spawn(move || {
                while let Some(console) = console.upgrade() {
                    console.tick();
                    drop(console);
                    thread::sleep(TICK);
                }
            });
        });
        let (what, unit) = (visible_line(what), visible_line(unit));
        let task = Running::new(&what, total, &unit, Instant::now());
        lock(&self.0.tasks).running.push(task);
    }

    fn advance(&self, n: u64) {
        if let Some(task) = lock(&self.0.tasks).running.last_mut() {
            task.done += n;
        }
    }

    fn resume(&self, n: u64) {
        if let Some(task) = lock(&self.0.tasks).running.last_mut() {
            task.done += n;
            task.before += n;
        }
    }

    fn note(&self, text: &str) {
        if let Some(task) = lock(&self.0.tasks).running.last_mut() {
            task.note = visible_line(text).into_owned();
        }
    }

    fn end(&self) {
        let (task, line) = {
            let mut tasks = lock(&self.0.tasks);
            let Some(mut task) = tasks.running.pop() else {
                return;
            };
            let spent = tasks.spent.entry(task.what.clone()).or_default();
            spent.times += 1;
            // Units that an earlier process did are left out: they took no time here.
            spent.done += task.done - task.before.min(task.done);
            spent.unit.clone_from(&task.unit);
            spent.elapsed_s += task.elapsed().as_secs_f64();
            let line = task.finish();
            (task, line)
        };
        let seconds = task.elapsed().as_secs_f64();
        let text = format!(
            "{}: {} {} in {seconds:.1} s",
            task.what, task.done, task.unit
        );
        self.0.record("task", &text);
        if let Some(line) = line.filter(|_| !self.0.look.quiet) {
            self.0.to_stderr(&line);
        }
    }

    fn warn(&self, message: &str) {
        self.0.warning(message);
    }

    fn weights(&self, file: &WeightsFile) {
        let known = &mut lock(&self.0.tasks).weights;
        if !known.contains(file) {
            known.push(file.clone());
        }
    }

    fn interrupted(&self) -> bool {
        self.0.interrupt.requested()
    }
}
