//! What the user sees while a script runs: its output on stdout; progress, log lines and warnings
//! on stderr; everything in the run's log file.

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

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// How a [`Console`] shows things.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Neither progress nor log lines on stderr; warnings and errors still.
    pub quiet: bool,
    /// Bars that move, where stderr is a terminal; otherwise a line every ten seconds.
    pub bars: bool,
    /// Colours in what goes to stderr.
    pub colour: bool,
    /// The script's `print` goes to stderr, because stdout carries one JSON object.
    pub print_to_stderr: bool,
}

impl Look {
    /// What suits this process's stderr: bars only on a terminal, colours only there and only
    /// without `NO_COLOR`.
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

/// Nothing of progress and log lines.
const SILENT: Look = Look {
    quiet: true,
    bars: false,
    colour: false,
    print_to_stderr: true,
};

/// How long one kind of native task took in all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spent {
    /// How often it ran.
    pub times: u64,
    /// Units done in all, whichever they are.
    pub done: u64,
    /// What a unit is.
    pub unit: String,
    /// Seconds in all.
    pub elapsed_s: f64,
}

/// The user's side of a run. It is the [`Watch`] that every plugin reports to.
pub struct Console {
    look: Look,
    interrupt: Interrupt,
    bars: MultiProgress,
    tasks: Mutex<Tasks>,
    log: Mutex<Option<Log>>,
    /// What was said, where it is kept instead of shown.
    said: Option<Mutex<Said>>,
    /// Bytes that may be said, and were.
    most_bytes: Mutex<Option<usize>>,
    n_bytes: AtomicU64,
    /// Whether what is printed is somebody else's.
    confined: AtomicBool,
    ticker: Once,
}

#[derive(Default)]
struct Tasks {
    running: Vec<Running>,
    spent: BTreeMap<String, Spent>,
    weights: Vec<WeightsFile>,
}

impl Console {
    /// A console that looks like `look` and is stopped by `interrupt`.
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

    /// A console that shows nothing and that nothing stops, for tests and embedders.
    pub fn silent() -> Arc<Self> {
        Self::silent_until(Interrupt::default())
    }

    /// A console that shows nothing and that `interrupt` stops.
    pub(crate) fn silent_until(interrupt: Interrupt) -> Arc<Self> {
        Self::new(SILENT, interrupt)
    }

    /// A console that shows nothing and keeps what is said, the script's output too.
    pub fn keeping(interrupt: Interrupt) -> Arc<Self> {
        Arc::new(Self::build(SILENT, interrupt, Some(Mutex::default())))
    }

    /// What was said so far on a console that keeps it; nothing on any other.
    pub fn said(&self) -> Said {
        let said = self.said.as_ref();
        said.map(|said| lock(said).clone()).unwrap_or_default()
    }

    /// How this console shows things.
    pub fn look(&self) -> Look {
        self.look
    }

    /// The user's request to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// From now on, no more than `most` bytes may be said, what was said before included: more asks
    /// the script to stop, and is not shown.
    pub(crate) fn limit(&self, most: Option<usize>) {
        *lock(&self.most_bytes) = most;
    }

    /// From now on, or no longer, what is printed is of a script that is confined: it may not steer
    /// the terminal. A trusted one may, to colour what it prints, and its output is its own to the
    /// byte.
    pub(crate) fn confine(&self, confined: bool) {
        self.confined.store(confined, Ordering::Relaxed);
    }

    /// Whether a text may still be said.
    fn has_room(&self, text: &str) -> bool {
        // An empty line is one too, with the time in the log.
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

    /// Everything said from now on is written to a new file at `path` too.
    ///
    /// # Errors
    /// When the file cannot be made. A line that cannot be written later is a warning.
    pub fn log_to(&self, path: &Path, files: &Files) -> io::Result<()> {
        let file = files.create(path)?;
        *lock(&self.log) = Some(Log::new(file, path.to_path_buf()));
        Ok(())
    }

    /// What is said from now on is written to no file.
    pub(crate) fn log_to_nothing(&self) {
        *lock(&self.log) = None;
    }

    /// The script's own output: stdout.
    pub fn print(&self, text: &str) {
        let shown = self.look.print_to_stderr || self.confined.load(Ordering::Relaxed);
        self.to_stdout(text, if shown { visible(text) } else { text.into() });
    }

    /// The same of the host, which knows what it sends to a terminal.
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

    /// A line for the user who follows the run: stderr, not with `--quiet`.
    pub fn log(&self, text: &str) {
        if !self.has_room(text) {
            return;
        }
        self.write("log", text);
        if !self.look.quiet || self.said.is_some() {
            self.to_stderr(&visible(text));
        }
    }

    /// Something that the user should know: stderr, always.
    pub fn warning(&self, text: &str) {
        if !self.has_room(text) {
            return;
        }
        self.write("warn", text);
        self.to_stderr_as_warning(text);
    }

    /// A rendered error: stderr, always.
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
        // The log's lock is not held while the user is told.
        let failed = lock(&self.log).as_mut().and_then(|log| log.add(kind, text));
        if let Some(failed) = failed {
            self.to_stderr_as_warning(&failed);
        }
    }

    /// Seconds and units by native task, for the journal.
    pub fn spent(&self) -> BTreeMap<String, Spent> {
        lock(&self.tasks).spent.clone()
    }

    /// The files of weights that work started from, in order, for the journal.
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

    /// Writes while the bars are out of the way. indicatif panics where it cannot take them away, as
    /// on a terminal that was closed; such a one is no terminal any more.
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

    /// Shows the tasks that have lasted long enough to be shown.
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
        for line in lines {
            self.to_stderr(&line);
        }
    }
}

/// A guard that a panicking thread left behind is as good as any: the data are plain counters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A [`Console`] as the [`Watch`] of an engine's work.
pub struct ConsoleWatch(pub Arc<Console>);

impl Watch for ConsoleWatch {
    fn begin(&self, what: &str, total: u64, unit: &str) {
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
