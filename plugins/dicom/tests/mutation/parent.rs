//! Starts the children, watches their time and memory, and tells what ended one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::cases::{Cases, SEED};
use crate::child::ROLE;
use crate::process::cpu_s;

/// Seconds of processor time that a file may take. Time on the clock would measure the machine.
const MAX_CPU_S: f64 = 2.0;
/// Seconds on the clock without a sign of life and without work: a deadlock.
const MAX_IDLE_S: u64 = 120;
/// Kilobytes that a child may ever have held: the cap for one file, of which none is left behind for
/// the next, and the originals.
const MAX_RESIDENT_KB: u64 = 512 << 10;
/// Kilobytes of address space: far above the cap, so that a runaway ends in an abort of the child and
/// not of the machine.
const MAX_ADDRESS_KB: u64 = 4 << 20;
/// Failures after which the rest is not worth the time.
const MAX_FAILURES: usize = 20;

/// What the children's shares came to.
#[derive(Default)]
struct Tally {
    read: usize,
    images: usize,
    peak_kb: u64,
    slowest_s: f64,
    failures: Vec<String>,
}

pub fn run(cases: &Cases) -> ExitCode {
    let n_children = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let share = |first| scope.spawn(move || watch_share(cases, first, n_children));
        let threads: Vec<_> = (0..n_children).map(share).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let failures: Vec<&String> = tallies.iter().flat_map(|tally| &tally.failures).collect();
    let (n_cuts, n_cut) = cases.n_cuts();
    println!("{n_cut} of {n_cuts} truncations at an element");
    println!(
        "{} broken copies of {} files, seed {SEED:#x}: {} errors, {} images, {} failures; at most {} MB, {:.2} s of processor time a file",
        sum(|tally| tally.read),
        cases.originals.len(),
        sum(|tally| tally.read - tally.images),
        sum(|tally| tally.images),
        failures.len(),
        tallies.iter().map(|tally| tally.peak_kb).max().unwrap_or(0) >> 10,
        tallies
            .iter()
            .map(|tally| tally.slowest_s)
            .fold(0.0, f64::max),
    );
    for failure in &failures {
        println!("  {failure}");
    }
    let is_complete = sum(|tally| tally.read) == cases.len();
    if failures.is_empty() && is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One share, by as many children as it takes.
fn watch_share(cases: &Cases, first: usize, step: usize) -> Tally {
    let mut tally = Tally::default();
    let mut next = first;
    while next < cases.len() && tally.failures.len() < MAX_FAILURES {
        match watch(cases, next, step, &mut tally) {
            Some((case, reason)) => {
                let (original, mutation) = cases.get(case);
                tally.read += 1;
                tally.failures.push(format!(
                    "case {case}, {}, {mutation:?}: {reason}",
                    original.name
                ));
                next = case + step;
            }
            None => break,
        }
    }
    tally
}

/// Watches one child until it is done, or gives the case that it failed at.
fn watch(cases: &Cases, first: usize, step: usize, tally: &mut Tally) -> Option<(usize, String)> {
    let mut child = spawn(cases.len(), first, step);
    let id = child.id().to_string();
    let lines = lines_of(&mut child);
    let (mut case, mut began_s, mut last_sign) = (first, 0.0, Instant::now());
    let verdict = loop {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => {
                last_sign = Instant::now();
                match line.split(' ').collect::<Vec<_>>()[..] {
                    ["case", number, cpu_s] => {
                        case = number.parse().unwrap();
                        began_s = cpu_s.parse().unwrap();
                    }
                    [kind @ ("image" | "error"), cpu_s, peak_kb] => {
                        let took_s = cpu_s.parse::<f64>().unwrap() - began_s;
                        if let Err(reason) = tally.count(kind, took_s, peak_kb.parse().unwrap()) {
                            break Some(reason);
                        }
                    }
                    _ => break Some(line),
                }
            }
            // No line is under way, so the child is at the case that it named last.
            Err(RecvTimeoutError::Timeout) => {
                let took_s = cpu_s(&id) - began_s;
                if took_s > MAX_CPU_S {
                    break Some(format!("it hangs: {took_s:.1} s of processor time"));
                }
                if last_sign.elapsed() > Duration::from_secs(MAX_IDLE_S) {
                    break Some(format!("it waits: no sign for {MAX_IDLE_S} s"));
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = child.wait().unwrap();
                break (!status.success()).then(|| format!("the process ended: {status}"));
            }
        }
    };
    // A child that is done is gone already.
    let _ = child.kill();
    let _ = child.wait();
    verdict.map(|reason| (case, reason))
}

impl Tally {
    /// Counts a case that was read, unless it took too much.
    fn count(&mut self, kind: &str, took_s: f64, peak_kb: u64) -> Result<(), String> {
        self.slowest_s = self.slowest_s.max(took_s);
        self.peak_kb = self.peak_kb.max(peak_kb);
        if took_s > MAX_CPU_S {
            return Err(format!("it took {took_s:.1} s of processor time"));
        }
        if peak_kb > MAX_RESIDENT_KB {
            return Err(format!("it took {} MB", peak_kb >> 10));
        }
        self.read += 1;
        self.images += usize::from(kind == "image");
        Ok(())
    }
}

fn spawn(n_cases: usize, first: usize, step: usize) -> Child {
    let itself = std::env::current_exe().unwrap();
    // The shell sets the limit, and becomes the child.
    Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {MAX_ADDRESS_KB}; exec \"$0\" \"$@\""))
        .arg(itself)
        .args([ROLE, &first.to_string(), &step.to_string()])
        .env("PE_MUTATIONS", n_cases.to_string())
        // One thread a child: an exam's slices would share the cores else.
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (send, receive) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}
