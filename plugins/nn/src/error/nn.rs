use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pe_binding::Explain;
use tch::{Kind, TchError};
use thiserror::Error;

use super::DeviceError;
use crate::{BackboneKind, imagenet};

/// What can go wrong with a network, its input or its weights.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NnError {
    /// libtorch refused an operation.
    #[error("libtorch refused: {}", first_line(.0))]
    Tch(#[from] TchError),
    /// A tensor of another shape than the network takes.
    #[error("{what}: expected {expected}, found {found:?}")]
    Shape {
        /// Which tensor.
        what: &'static str,
        /// The shape in words, such as `[n, 3, rows, cols]`.
        expected: String,
        /// The tensor's shape.
        found: Vec<i64>,
    },
    /// A tensor of another kind of number.
    #[error("{what}: expected {expected}, found {found:?}")]
    Dtype {
        /// Which tensor.
        what: &'static str,
        /// The kinds that are taken, in words.
        expected: &'static str,
        /// The tensor's kind.
        found: Kind,
    },
    /// BatchNorm cannot learn from a single value.
    #[error("training needs more than one value a channel, found an activation of shape {found:?}")]
    OneValue {
        /// The activation's shape.
        found: Vec<i64>,
    },
    /// A sequence with a hole: a valid position after padding.
    #[error(
        "sequence {sequence_idx}: expected padding only at the end, found the valid position \
         {valid_idx} after {n_valid} valid ones"
    )]
    Hole {
        /// Which row of the batch.
        sequence_idx: usize,
        /// The valid position.
        valid_idx: usize,
        /// Valid positions before the padding.
        n_valid: usize,
    },
    /// A loss over nothing.
    #[error("a mean over valid positions needs at least one, found none of {n_positions}")]
    NoneValid {
        /// Positions there are.
        n_positions: usize,
    },
    /// A setting out of its range.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What is taken.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// A state that belongs to another network.
    #[error("the state is not this network's, {} differences:{}", .differences.len(), lines(.differences))]
    State {
        /// Every difference, in the order of the network, then what is unexpected by name.
        differences: Vec<Difference>,
    },
    /// A file that only Python reads.
    #[error("{} is a PyTorch file, expected safetensors", path.display())]
    PyTorchFile {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that are not safetensors.
    #[error("{}: {what}", path.as_ref().map_or("safetensors".into(), |path| path.display().to_string()))]
    Safetensors {
        /// The file, where they come from one.
        path: Option<PathBuf>,
        /// What is wrong.
        what: String,
    },
    /// A network without ImageNet weights of the set-up.
    #[error(
        "weights \"{}\": expected a network that they come with, efficientnet_lite0, found {network}",
        imagenet::NAME
    )]
    NoImagenet {
        /// The network.
        network: BackboneKind,
    },
    /// The set-up's weights are nowhere.
    #[error("the ImageNet weights of {network} are not installed: expected {file} in {}", or(.folders))]
    NotInstalled {
        /// The network.
        network: BackboneKind,
        /// The file's name.
        file: &'static str,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// In the place of the set-up's weights lies another file.
    #[error("{} are other weights: expected the SHA-256 {expected}, found {found}", path.display())]
    OtherWeights {
        /// The file.
        path: PathBuf,
        /// The digest of the set-up's.
        expected: &'static str,
        /// The file's digest.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place where tensors are written to refused.
    #[error("tensors cannot be written")]
    Write {
        /// Why.
        source: io::Error,
    },
    /// A step of Adam on tensors that do not go together.
    #[error("a step of Adam: {what}")]
    Adam {
        /// What is wrong.
        what: String,
    },
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The pass through a network was left, because its [`Stoppable`](crate::Stoppable) said so.
    #[error("interrupted")]
    Stopped,
    /// libtorch does not know autocast for this device.
    #[error("autocast cannot be used on {device}: {what}")]
    Autocast {
        /// The device.
        device: String,
        /// What libtorch says.
        what: String,
    },
}

/// One place where a state and a network differ.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// The network has it, the state does not.
    Missing {
        /// Name of the tensor.
        name: String,
    },
    /// The state has it, the network does not.
    Unexpected {
        /// Name of the tensor.
        name: String,
    },
    /// Another shape.
    Shape {
        /// Name of the tensor.
        name: String,
        /// The network's.
        expected: Vec<i64>,
        /// The state's.
        found: Vec<i64>,
    },
    /// Another kind of number.
    Dtype {
        /// Name of the tensor.
        name: String,
        /// The network's.
        expected: Kind,
        /// The state's.
        found: Kind,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name}: missing"),
            Self::Unexpected { name } => write!(f, "{name}: unexpected"),
            Self::Shape {
                name,
                expected,
                found,
            } => write!(f, "{name}: expected shape {expected:?}, found {found:?}"),
            Self::Dtype {
                name,
                expected,
                found,
            } => write!(f, "{name}: expected {expected:?}, found {found:?}"),
        }
    }
}

impl Explain for NnError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Tch(_) => "nn.libtorch",
            Self::Shape { .. } | Self::Dtype { .. } | Self::OneValue { .. } => "nn.input",
            Self::Hole { .. } => "nn.padding",
            Self::NoneValid { .. } => "nn.none_valid",
            Self::Setting { .. } => "nn.setting",
            Self::State { .. } => "nn.state",
            Self::PyTorchFile { .. } | Self::Safetensors { .. } => "nn.file",
            Self::Io { .. } | Self::Write { .. } => "nn.io",
            Self::NoImagenet { .. } | Self::NotInstalled { .. } | Self::OtherWeights { .. } => {
                "nn.weights"
            }
            Self::Adam { .. } => "nn.adam",
            Self::Device(error) => error.kind(),
            Self::Autocast { .. } => "nn.autocast",
            Self::Stopped => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Device(error) => return error.hint(),
            Self::OneValue { .. } => "use a larger batch or larger images",
            Self::State { .. } => {
                "the weights belong to another network or version: convert the right file with \
                 scripts/weights/convert.py"
            }
            Self::PyTorchFile { path } => return Some(convert(path)),
            Self::Safetensors { .. } => "the file is cut off or damaged: convert or copy it again",
            Self::NoImagenet { .. } => {
                "give a file: torchvision's weights, converted once with scripts/weights/convert.py"
            }
            Self::NotInstalled { .. } => {
                "run `make setup` in the folder of pe-script's sources, or set PE_WEIGHTS to the \
                 folder that they are in"
            }
            Self::OtherWeights { .. } => {
                "remove the file, and run `make setup` in the folder of pe-script's sources"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

/// The command that makes safetensors of a file of Python's.
fn convert(path: &Path) -> String {
    let quoted = |path: &Path| {
        let text = path.display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        if text.chars().all(plain) {
            text
        } else {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
    };
    // A file that is called `.safetensors` and is none must not be written over.
    let out = if path.extension().is_some_and(|one| one == "safetensors") {
        path.with_extension("converted.safetensors")
    } else {
        path.with_extension("safetensors")
    };
    format!(
        "convert it once, in the folder of pe-script's sources: `PYTHONPATH=.libtorch python3 \
         scripts/weights/convert.py {} {}`",
        quoted(path),
        quoted(&out)
    )
}

/// libtorch's messages carry a C++ stack trace after the first line.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Folders in one line.
fn or(folders: &[PathBuf]) -> String {
    let shown = folders.iter().map(|folder| folder.display().to_string());
    shown.collect::<Vec<_>>().join(" or ")
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|one| format!("\n  {one}")).collect()
}
