//! The training log: `metrics.jsonl` and TensorBoard's event files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pe_files::{Files, Output};
use serde_json::{Value, json};

use super::progress::Epoch;
use super::tensorboard::EventFile;
use crate::TrainError;
use crate::files::write_whole;

const FILE: &str = "metrics.jsonl";

/// One step of training.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// From 0.
    pub(crate) epoch: usize,
    /// From 0, within the epoch.
    pub(crate) step: usize,
    /// Steps in all, from 1.
    pub(crate) steps: usize,
    pub(crate) loss: f64,
    pub(crate) lr: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) slices_per_s: f64,
}

pub(crate) struct Log {
    path: PathBuf,
    file: Output,
    events: EventFile,
}

impl Log {
    /// Opens the log of a run that has done `steps` steps and `epochs` epochs. Lines that an
    /// interrupted run wrote after its last checkpoint are removed: the resumed run does those
    /// steps again.
    pub(crate) fn open(
        folder: &Path,
        steps: usize,
        epochs: usize,
        files: &Files,
    ) -> Result<Self, TrainError> {
        let path = folder.join(FILE);
        let bytes = match files.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found.map_err(TrainError::io("read", &path))?,
        };
        let kept: String = String::from_utf8_lossy(&bytes)
            .lines()
            .filter(|line| is_before(line, steps, epochs))
            .flat_map(|line| [line, "\n"])
            .collect();
        write_whole(&path, kept.as_bytes(), files)?;
        let file = files.append(&path);
        let file = file.map_err(TrainError::io("open", &path))?;
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let events = folder.join(format!("events.out.tfevents.{seconds}.pe-script.{steps}"));
        let events = EventFile::create(&events, steps, files)?;
        Ok(Self { path, file, events })
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<(), TrainError> {
        self.line(&json!({
            "kind": "step", "epoch": step.epoch + 1, "step": step.step + 1, "steps": step.steps,
            "loss": step.loss, "lr": step.lr, "gradient_norm": step.gradient_norm,
            "slices_per_s": step.slices_per_s,
        }))?;
        self.events.scalars(
            step.steps,
            &[
                ("train/step_loss", step.loss),
                ("train/lr", step.lr),
                ("train/gradient_norm", step.gradient_norm),
                ("train/slices_per_s", step.slices_per_s),
            ],
        )
    }

    pub(crate) fn epoch(&mut self, epoch: &Epoch, steps: usize) -> Result<(), TrainError> {
        let mut line = json!(epoch);
        line["kind"] = "epoch".into();
        line["steps"] = steps.into();
        self.line(&line)?;
        let mut scalars = vec![("epoch/train_loss", epoch.train_loss)];
        scalars.extend(
            epoch
                .validation_loss
                .map(|loss| ("epoch/validation_loss", loss)),
        );
        scalars.extend(
            epoch
                .validation_auroc
                .map(|auroc| ("epoch/validation_auroc", auroc)),
        );
        self.events.scalars(steps, &scalars)
    }

    fn line(&mut self, line: &Value) -> Result<(), TrainError> {
        // One write for the whole line, so that a killed process leaves whole lines.
        let line = format!("{line}\n");
        let written = self.file.write_all(line.as_bytes());
        written.map_err(TrainError::io("write", &self.path))
    }
}

/// Returns whether a line is about one of the first `steps` steps or `epochs` epochs.
fn is_before(line: &str, steps: usize, epochs: usize) -> bool {
    // Even so, a killed run may leave half a line at the end.
    let Ok(value) = serde_json::from_str::<Value>(line) else {
        return false;
    };
    let number = |key: &str| value[key].as_u64().unwrap_or(u64::MAX);
    match value["kind"].as_str() {
        Some("step") => number("steps") <= steps as u64,
        Some("epoch") => number("epoch") <= epochs as u64,
        _ => false,
    }
}
