//! A run whose disk fails at any of the writes, the host's own and the script's: it says so, its record
//! is whole, and the same command again ends as an undisturbed run.
//!
//! Each run is in a process of its own, in which the same command follows on a disk without faults.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use pe_files::{Fault, Faults, Files};
use pe_script::console::Look;
use pe_script::run;
use pe_script::run::RunArgs;
use pe_script::sandbox::SandboxArgs;
use pe_script::session::SessionArgs;
use rayon::prelude::*;
use serde_yaml::Mapping;

const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied];

/// Tells the process that [`child`] runs in which fault to meet, and at which change.
const PLAN: &str = "FAULT_OF_THIS_TEST";

/// What stands between the outputs of the two runs.
const AGAIN: &str = "======== again";

/// It keeps copies of itself, of a module and of a plugin, and writes a file of its own.
const FILES: [(&str, &str); 5] = [
    (
        "a.rhai",
        "let n = param(\"n\", 2, \"A number\");\n\
         print(\"begun\");\n\
         import \"lib/part\" as part;\n\
         let page = report::page(\"A page\");\n\
         page.save(run_dir() + \"/page.html\");\n\
         warn(\"nearly\");\n\
         result(\"twice\", part::twice(n) + own::one());\n\
         print(\"ended\");\n",
    ),
    ("lib/part.rhai", "fn twice(n) { 2 * n }\n"),
    (
        "own/plugin.yaml",
        "name: own\nversion: 1.0.0\ndescription: One\n",
    ),
    ("own/own.rhai", "/// One.\nfn one() { 1 }\n"),
    ("notes.txt", "not of the run\n"),
];

fn arguments() -> RunArgs {
    RunArgs {
        script: Some("a.rhai".into()),
        out: "runs".into(),
        json: true,
        session: SessionArgs {
            threads: Some(1),
            plugin: vec!["own".into()],
            // Confined, it has a folder of its own; and git is not asked.
            sandbox: SandboxArgs {
                sandbox: true,
                ..SandboxArgs::default()
            },
            ..SessionArgs::default()
        },
        ..RunArgs::default()
    }
}

#[test]
#[ignore = "runs in the processes that the other tests start"]
fn child() {
    let Ok(plan) = std::env::var(PLAN) else {
        return;
    };
    let mut plan = plan.split_whitespace();
    let fault = plan.next().unwrap();
    let at = plan.next().unwrap().parse().unwrap();
    let fault = FAULTS
        .into_iter()
        .find(|known| format!("{known:?}") == fault);
    let faults = Arc::new(Faults::at(at, fault.unwrap(), at));
    let disk = Files::free().with_faults(faults.clone());
    let code = run::main_on(&arguments(), Look::detect(), &disk);
    fs::write("first.txt", format!("{code} {}", faults.count())).unwrap();
    println!("{AGAIN}");
    eprintln!("{AGAIN}");
    std::process::exit(run::main(&arguments(), Look::detect()));
}

/// Both runs of a process.
struct Both {
    folder: tempfile::TempDir,
    first: Told,
    code: i32,
    n_changes: u64,
    again: Told,
}

/// What a run said.
struct Told {
    json: serde_json::Value,
    stderr: String,
}

fn start(fault: Fault, at: u64) -> Both {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env(PLAN, format!("{fault:?} {at}"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    let what = format!("{fault:?} at change {at}:\n{stdout}\n{stderr}");
    assert_eq!(status.code(), Some(0), "{what}");
    let (first, again) = stdout.split_once(AGAIN).unwrap();
    let (told, told_again) = stderr.split_once(AGAIN).unwrap();
    let json = |stdout: &str| {
        let line = stdout.lines().find(|line| line.starts_with('{'));
        let line = line.unwrap_or_else(|| panic!("no JSON: {what}"));
        serde_json::from_str(line).unwrap()
    };
    let ended = fs::read_to_string(folder.path().join("first.txt")).unwrap();
    let (code, n_changes) = ended.split_once(' ').unwrap();
    Both {
        first: Told {
            json: json(first),
            stderr: told.to_owned(),
        },
        again: Told {
            json: json(again),
            stderr: told_again.to_owned(),
        },
        code: code.parse().unwrap(),
        n_changes: n_changes.parse().unwrap(),
        folder,
    }
}

/// The files of a run, without what differs from run to run.
fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = match below.to_str().unwrap() {
                "log.txt" => lines(&text),
                "run.yaml" => lasting(&text),
                _ => text,
            };
            found.insert(below, text);
        }
    }
    found
}

/// Lines of a log without their times, and without the last, which says how long it took.
fn lines(log: &str) -> String {
    let lines = log.lines().filter(|line| !line.contains("run folder: "));
    let lines = lines.map(|line| line.split_once(' ').unwrap().1);
    lines.collect::<Vec<_>>().join("\n")
}

fn lasting(record: &str) -> String {
    let mut record: Mapping = serde_yaml::from_str(record).unwrap();
    for key in ["started", "finished", "pid", "timings", "sandbox"] {
        assert!(record.remove(key).is_some(), "no {key}");
    }
    serde_yaml::to_string(&record).unwrap()
}

/// The run folders, and what the record of each says of its status, where there is one.
fn statuses(folder: &Path) -> BTreeMap<PathBuf, Option<String>> {
    let Ok(runs) = fs::read_dir(folder.join("runs/a")) else {
        return BTreeMap::new();
    };
    let status = |run: PathBuf| {
        let text = fs::read_to_string(run.join("run.yaml")).ok();
        let status = text.map(|text| {
            let record: Mapping = serde_yaml::from_str(&text).unwrap();
            assert!(record.contains_key("results"), "cut off: {text}");
            record["status"].as_str().unwrap().to_owned()
        });
        (run, status)
    };
    runs.map(|run| status(run.unwrap().path())).collect()
}

impl Both {
    /// Checks that the fault was told, and that the record says no more than what is true.
    fn check(&self, fault: Fault, at: u64, whole: &BTreeMap<PathBuf, String>) {
        let told = &self.first.stderr;
        let what = format!("{fault:?} at change {at}: exit code {}\n{told}", self.code);
        assert!(
            !told.contains("panicked") && !told.contains("internal error"),
            "{what}"
        );
        assert_eq!(self.first.json["exit_code"], self.code, "{what}");
        let mut statuses = statuses(self.folder.path());
        let again = self.again.json["run_dir"].as_str().unwrap();
        let last = statuses.remove(&self.folder.path().join(again));
        assert_eq!(last, Some(Some("done".to_owned())), "{what}");
        if self.code == 0 {
            assert_eq!(self.first.json["status"], "done", "{what}");
            let status = statuses.values().next().cloned().flatten();
            assert_eq!(status.as_deref(), Some("done"), "{what}");
        } else {
            assert_eq!(self.first.json["status"], "failed", "{what}");
            let named = told.contains("error: ") && told.contains("runs");
            assert!(named && told.contains("hint: "), "{what}");
            if fault == Fault::Full {
                assert!(told.contains("free some space"), "{what}");
            }
        }
        let begun = told.lines().any(|line| line == "begun");
        // What can still be removed is not left by a run that did not begin.
        if fault == Fault::Full && !begun {
            assert!(statuses.is_empty(), "{what}: {statuses:?}");
        }
        // Lines of an open log can be written where only names cannot be.
        let n_told = usize::from(begun && fault != Fault::Denied);
        assert_eq!(
            told.matches("cannot write to the log").count(),
            n_told,
            "{what}"
        );
        let again = contents(&self.folder.path().join(again));
        assert!(again == *whole, "{what}: {again:#?}, {}", self.again.stderr);
    }
}

#[test]
fn a_run_says_that_its_disk_failed_and_the_next_is_whole() {
    let undisturbed = start(Fault::Killed, u64::MAX);
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.first.stderr);
    let folder = undisturbed.folder.path();
    let run = |told: &Told| contents(&folder.join(told.json["run_dir"].as_str().unwrap()));
    let whole = run(&undisturbed.first);
    assert_eq!(run(&undisturbed.again), whole);
    assert_eq!(whole.len(), 7, "{:?}", whole.keys());
    let n_changes = undisturbed.n_changes;
    assert!(n_changes > 30, "{n_changes}");
    // A kill and a full disk are tried at every change, the others at every third.
    let points = FAULTS.into_iter().flat_map(|fault| {
        let step = match fault {
            Fault::Killed | Fault::Full => 1,
            Fault::ReadOnly | Fault::Denied => 3,
        };
        (0..n_changes).step_by(step).map(move |at| (fault, at))
    });
    let points: Vec<_> = points.collect();
    points
        .into_par_iter()
        .for_each(|(fault, at)| start(fault, at).check(fault, at, &whole));
}
