//! `kill -9` at any moment of a training, a signal that asks it to stop, or a terminal that is closed, and
//! the same command again: the same weights to the bit.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{PROGRAM, end, program, send};
use pe_nn::tch::Device;
use pe_nn::{Backbone, BackboneKind, safetensors_io};

/// A CNN of two epochs with a checkpoint after every step, its features, and a sequence model.
const SCRIPT: &str = r#"
let slices = store::slices("store", #{ size: 24 });
for exam_idx in 0..6 {
    let volume = phantom::exam(exam_idx, #{ n_exams: 6, size: 48, min_slices: 40, max_slices: 40, pe_share: 0.5 });
    if !slices.has(volume.info) { slices.put(volume); }
}
let split = train::split(slices, #{ test: 0.3, validation: 0.3 });
let runs  = train::runs("store", #{ device: "cpu", seed: 3 });
let cnn   = #{ network: "efficientnet_b0", batch: 32, epochs: 2, lr: 1e-3, checkpoint_s: 0.0 };
let model = runs.cnn("effnet", cnn, slices, split);
let features = runs.features(model, slices);
let head  = #{ model: "bilstm", hidden: 8, epochs: 3, batch: 1, checkpoint_s: 0.0 };
let head  = runs.sequence("effnet_lstm", head, features, split);
print(head.predict(features, split.test).errors(1));
"#;

fn command(folder: &Path, threads: &str) -> Command {
    fs::write(folder.join("a.rhai"), SCRIPT).unwrap();
    let mut command = program();
    command
        .args(["run", "a.rhai", "--threads", threads, "--quiet"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The weights of every finished model, by its folder's name.
fn weights(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder.join("store/models"))
        .unwrap()
        .map(|entry| {
            let run = entry.unwrap().path();
            assert!(
                run.join("model.json").exists(),
                "{} is finished",
                run.display()
            );
            let name = run.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(run.join("model.safetensors")).unwrap())
        })
        .collect()
}

#[test]
fn a_killed_training_ends_with_the_same_weights() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let began = Instant::now();
    let expected = command(whole.path(), "2").output().unwrap();
    assert!(
        expected.status.success(),
        "{}",
        String::from_utf8_lossy(&expected.stderr)
    );
    let undisturbed_s = began.elapsed().as_secs_f64();

    // Moments spread over the run by the golden ratio; where they fall in it depends on the machine,
    // and must not matter.
    for n in 1..=6 {
        let share = (f64::from(n) * 0.618_034).fract();
        let mut child = command(killed.path(), "2").spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(0.4 + share * undisturbed_s * 0.7));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let found = command(killed.path(), "2").output().unwrap();
    assert!(
        found.status.success(),
        "{}",
        String::from_utf8_lossy(&found.stderr)
    );
    assert!(
        weights(killed.path()) == weights(whole.path()),
        "other weights after kill -9"
    );
    assert_eq!(
        found.stdout, expected.stdout,
        "other predictions after kill -9"
    );
}

/// The first CNN of [`SCRIPT`], from weights, and with no checkpoint but the one at a stop.
fn stoppable(folder: &Path) -> Command {
    // Threads that wait for each other stand still on a busy machine.
    let command = command(folder, "1");
    let text = SCRIPT
        .replace(
            "batch: 32, epochs: 2",
            "weights: \"begin.safetensors\", batch: 8, epochs: 2",
        )
        .replace("checkpoint_s: 0.0", "checkpoint_s: 1e6");
    fs::write(folder.join("a.rhai"), text).unwrap();
    let network = Backbone::new(BackboneKind::EfficientNetB0, 1, Device::Cpu).unwrap();
    let ones = network.params().iter().map(|(name, tensor)| {
        // The same in both folders, and no network that is of use: only the bits are compared.
        (name.to_owned(), tensor.full_like(0.01))
    });
    let ones: Vec<_> = ones.collect();
    let bytes = safetensors_io::to_bytes(&ones, &BTreeMap::new()).unwrap();
    fs::write(folder.join("begin.safetensors"), bytes).unwrap();
    command
}

/// What a training ends with.
struct End {
    weights: BTreeMap<String, Vec<u8>>,
    printed: Vec<u8>,
}

/// The end of [`stoppable`] when nothing stops it.
static UNDISTURBED: LazyLock<End> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let expected = stoppable(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&expected.stderr);
    assert!(expected.status.success(), "{told}");
    End {
        weights: weights(folder.path()),
        printed: expected.stdout,
    }
});

/// The same command again, undisturbed, ends with the same bits.
fn ends_the_same(folder: &Path) {
    let found = stoppable(folder).output().unwrap();
    let told = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{told}");
    assert!(weights(folder) == UNDISTURBED.weights, "other weights");
    assert_eq!(found.stdout, UNDISTURBED.printed, "other predictions");
}

/// A training that was stopped has a checkpoint, and its run's record says so.
fn is_stopped(folder: &Path, code: i32, what: &str) {
    let checkpoint = training(folder).unwrap().join("checkpoint.json");
    assert!(checkpoint.exists(), "no checkpoint after {what}");
    let record = record(folder);
    assert!(
        record.starts_with("status: interrupted\n"),
        "{what}: {record}"
    );
    let code = format!("exit_code: {code}\n");
    assert!(record.contains(&code), "{what}: {record}");
}

/// The CNN's folder, once there is one.
fn training(folder: &Path) -> Option<PathBuf> {
    let mut models = fs::read_dir(folder.join("store/models")).ok()?;
    Some(models.next()?.unwrap().path())
}

/// Steps that the log of the training tells.
fn n_steps(folder: &Path) -> usize {
    let text = training(folder).map(|run| fs::read_to_string(run.join("metrics.jsonl")));
    let text = text.and_then(Result::ok).unwrap_or_default();
    text.lines()
        .filter(|line| line.contains("\"step\":"))
        .count()
}

/// Waits until the training has done a step more than `before`.
fn wait_for_a_step(folder: &Path, child: &mut Child, before: usize) {
    while n_steps(folder) <= before {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before the signal"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The newest `run.yaml`.
fn record(folder: &Path) -> String {
    let runs = fs::read_dir(folder.join("runs/a")).unwrap();
    let newest = runs.map(|run| run.unwrap().path().join("run.yaml"));
    let newest = newest.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    fs::read_to_string(newest.unwrap()).unwrap()
}

#[test]
fn a_signal_ends_a_training_at_the_next_step_and_it_goes_on() {
    let parts = tempfile::tempdir().unwrap();
    let mut before = 0;
    let mut check = |signals: &[&str], code: i32| {
        let mut child = stoppable(parts.path()).spawn().unwrap();
        wait_for_a_step(parts.path(), &mut child, before);
        for signal in signals {
            send(&child, signal);
        }
        assert_eq!(end(&mut child), code, "{signals:?}");
        is_stopped(parts.path(), code, &format!("{signals:?}"));
        let after = n_steps(parts.path());
        assert!(
            after > before,
            "{signals:?}: {before} steps before, {after} after"
        );
        before = after;
    };
    check(&["INT"], 130);
    check(&["TERM"], 143);
    // A cluster tells the job and the process.
    check(&["TERM", "TERM", "TERM"], 143);
    check(&["HUP"], 129);

    ends_the_same(parts.path());
    let sha256 = safetensors_io::sha256(
        &parts.path().join("begin.safetensors"),
        &pe_files::Files::free(),
    )
    .unwrap();
    let line = format!("weights:\n- file: begin.safetensors\n  sha256: {sha256}\n");
    let record = record(parts.path());
    assert!(record.contains(&line), "{record}");
}

/// The terminal's side of a run: what is shown on it is read, so that the run does not wait for it.
#[cfg(unix)]
fn read_all(terminal: &mut pty_process::blocking::Pty, shown: &mut Vec<u8>) {
    use std::io::{ErrorKind, Read};
    let mut bytes = [0; 4096];
    loop {
        match terminal.read(&mut bytes) {
            Ok(0) => return,
            Ok(n) => shown.extend_from_slice(&bytes[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("the terminal cannot be read: {error}"),
        }
    }
}

#[test]
#[cfg(unix)]
fn a_closed_terminal_ends_a_training_and_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // It writes the files; on the terminal, bars move too, which a quiet run has not.
    stoppable(folder.path());
    let (mut terminal, inside) = pty_process::blocking::open().unwrap();
    rustix::io::ioctl_fionbio(&terminal, true).unwrap();
    let mut child = pty_process::blocking::Command::new(PROGRAM[0])
        .args(&PROGRAM[1..])
        .args(["run", "a.rhai", "--threads", "1"])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .spawn(inside)
        .unwrap();
    let mut shown = Vec::new();
    while n_steps(folder.path()) == 0 || shown.is_empty() {
        read_all(&mut terminal, &mut shown);
        let told = String::from_utf8_lossy(&shown);
        assert!(child.try_wait().unwrap().is_none(), "it ended: {told}");
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(terminal);
    assert_eq!(end(&mut child), 129);
    is_stopped(folder.path(), 129, "a closed terminal");
    ends_the_same(folder.path());
}
