//! `kill -9` at any moment of a training, and the same command again: the same weights to the bit.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

fn command(folder: &Path) -> Command {
    fs::write(folder.join("a.rhai"), SCRIPT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pe-script"));
    command
        .args(["run", "a.rhai", "--threads", "2", "--quiet"])
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
    let expected = command(whole.path()).output().unwrap();
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
        let mut child = command(killed.path()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(0.4 + share * undisturbed_s * 0.7));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let found = command(killed.path()).output().unwrap();
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
