//! Readers of checkpoints and models from bytes in memory, for fuzzing. Not part of the API.

use std::path::Path;

use pe_nn::{HeadKind, SequenceHead, safetensors_io::State};
use tch::Device;

use crate::files::{parse_sealed, sealed};
use crate::fit::{Adam, Length, Network, parse};
use crate::{FitOptions, ModelRecord, TrainError};

/// Parses the bytes of `checkpoint.json`, as a run with so many epochs and steps would; returns the
/// names of its tensor files.
///
/// # Errors
/// [`TrainError::Damaged`].
pub fn checkpoint(
    bytes: &[u8],
    epochs: usize,
    steps_per_epoch: usize,
) -> Result<Vec<String>, TrainError> {
    let length = Length {
        epochs,
        steps_per_epoch,
    };
    parse(bytes, &length)
}

/// Parses and checks the bytes of `model.json`.
///
/// # Errors
/// [`TrainError::Damaged`].
pub fn model(bytes: &[u8]) -> Result<ModelRecord, TrainError> {
    let path = Path::new("in memory");
    let record: ModelRecord = parse_sealed(bytes, path)?;
    record.check(path)?;
    Ok(record)
}

/// Returns the bytes of a file with `content` under a correct seal. A fuzzer would never find such
/// a seal at random.
pub fn seal(content: &serde_json::Value) -> Vec<u8> {
    sealed(content).into_bytes()
}

/// A small network and its optimizer, as they are before a checkpoint is restored.
pub struct Begun {
    network: Network,
    adam: Adam,
}

impl Begun {
    /// Creates a very small TCN.
    ///
    /// # Errors
    /// [`TrainError::Nn`] when libtorch refuses.
    pub fn new() -> Result<Self, TrainError> {
        let kind = HeadKind::Tcn {
            channels: 2,
            kernel: 3,
            levels: 1,
            dropout: 0.0,
            causal: true,
        };
        let network = Network::Sequence(SequenceHead::new(&kind, 3, 1, Device::Cpu)?);
        let adam = Adam::new(network.params(), &FitOptions::default())?;
        Ok(Self { network, adam })
    }

    /// The tensors that a checkpoint would save.
    pub fn state(&self) -> State {
        let weights = crate::fit::weights(&self.network);
        weights.into_iter().chain(self.adam.state()).collect()
    }

    /// Restores the tensors of a checkpoint.
    ///
    /// # Errors
    /// [`TrainError::Data`] and [`TrainError::Nn`] for other tensors than [`Begun::state`] has.
    pub fn restore(&mut self, mut state: State) -> Result<(), TrainError> {
        self.adam.restore(&mut state, 1)?;
        Ok(self.network.params_mut().load(&state)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use serde_json::{Value, json};

    fn seed(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/checkpoint");
        fs::read(folder.join(name)).unwrap()
    }

    fn content(name: &str) -> Value {
        serde_json::from_slice(&seed(name)).unwrap()
    }

    #[test]
    fn what_fuzzing_starts_from_is_read() {
        let names = ["best-E0001.safetensors", "state-E0001-S000002.safetensors"];
        for bytes in [seal(&content("progress.json")), seed("sealed.json")] {
            assert_eq!(checkpoint(&bytes, 3, 4).unwrap(), names);
        }
        for name in ["cnn.json", "sequence.json"] {
            assert_eq!(model(&seal(&content(name))).unwrap().name, "cnn");
        }
        let (state, _) = pe_nn::safetensors_io::from_bytes(&seed("state.safetensors")).unwrap();
        Begun::new().unwrap().restore(state).unwrap();
    }

    /// A correct seal does not make a record valid.
    #[test]
    fn a_record_that_no_run_writes_is_refused() {
        let refused = |result: Result<(), TrainError>, expected: &str| match result {
            Err(error @ TrainError::Damaged { .. }) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            other => panic!("{expected}: {other:?}"),
        };
        let check = |name: &str, pointer: &str, value: Value, expected: &str| {
            let mut content = content(name);
            *content.pointer_mut(pointer).unwrap() = value;
            refused(model(&seal(&content)).map(drop), expected);
        };
        check(
            "cnn.json",
            "/architecture/options/slab",
            json!(1u64 << 40),
            "`slab`",
        );
        check("cnn.json", "/architecture/options/lr", json!(-1.0), "`lr`");
        check(
            "sequence.json",
            "/architecture/options/hidden",
            json!(1u64 << 40),
            "`hidden`",
        );
        check(
            "sequence.json",
            "/architecture/options/levels",
            json!(63),
            "`levels`",
        );
        check(
            "cnn.json",
            "/architecture/slices/size",
            json!(4_000_000_000u64),
            "slices that can be made",
        );
        let none = json!([0, 0, 0]);
        check(
            "cnn.json",
            "/architecture/normalisation/std",
            none,
            "other than 0",
        );
        let elsewhere = json!("../model.safetensors");
        check("cnn.json", "/weights/name", elsewhere, "a file beside it");
        check(
            "sequence.json",
            "/architecture/features/width",
            json!(0),
            "values",
        );
        check(
            "sequence.json",
            "/architecture/features/unit/slab",
            json!(1u64 << 40),
            "slabs",
        );

        let check = |pointer: &str, value: Value, expected: &str| {
            let mut content = content("progress.json");
            *content.pointer_mut(pointer).unwrap() = value;
            refused(checkpoint(&seal(&content), 3, 4).map(drop), expected);
        };
        check("/progress/epoch", json!(4), "at most 3 epochs");
        check("/progress/epoch", json!(u64::MAX), "at most 3 epochs");
        check("/progress/step", json!(5), "and 4 steps");
        check("/progress/steps", json!(7), "6 steps in all");
        check("/progress/history", json!([]), "the history of 1 epochs");
        check("/progress/best/epoch", json!(1), "a best epoch before 1");
    }
}
