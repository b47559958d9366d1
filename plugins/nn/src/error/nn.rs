use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pe_binding::Explain;
use tch::{Kind, TchError};
use thiserror::Error;

use super::DeviceError;
use crate::{BackboneKind, imagenet};

/// Errors of a network, its input or its weights.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NnError {
    /// libtorch refused an operation.
    #[error("libtorch refused: {}", first_line(.0))]
    Tch(#[from] TchError),
    /// A tensor has another shape than the network takes.
    #[error("{what}: expected {expected}, found {found:?}")]
    Shape {
        /// Name of the tensor.
        what: &'static str,
        /// The shape in words, such as `[n, 3, rows, cols]`.
        expected: String,
        /// The tensor's shape.
        found: Vec<i64>,
    },
    /// A tensor has another kind of number than expected.
    #[error("{what}: expected {expected}, found {found:?}")]
    Dtype {
        /// Name of the tensor.
        what: &'static str,
        /// The allowed kinds, in words.
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
    /// A sequence has a valid position after padding.
    #[error(
        "sequence {sequence_idx}: expected padding only at the end, found the valid position \
         {valid_idx} after {n_valid} valid ones"
    )]
    Hole {
        /// Row of the batch.
        sequence_idx: usize,
        /// The valid position after padding.
        valid_idx: usize,
        /// Number of valid positions before the padding.
        n_valid: usize,
    },
    /// A loss has no valid position.
    #[error("a mean over valid positions needs at least one, found none of {n_positions}")]
    NoneValid {
        /// Number of positions.
        n_positions: usize,
    },
    /// A setting is out of range.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Allowed values.
        expected: &'static str,
        /// Given value.
        found: String,
    },
    /// A state belongs to another network.
    #[error("the state is not this network's, {} differences:{}", .differences.len(), lines(.differences))]
    State {
        /// All differences: those of the network's tensors in its order, then unexpected tensors by
        /// name.
        differences: Vec<Difference>,
    },
    /// A PyTorch file, which only Python can read.
    #[error("{} is a PyTorch file, expected safetensors", path.display())]
    PyTorchFile {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that are not safetensors.
    #[error("{}: {what}", path.as_ref().map_or("safetensors".into(), |path| path.display().to_string()))]
    Safetensors {
        /// The file that they come from, if any.
        path: Option<PathBuf>,
        /// The problem, in words.
        what: String,
    },
    /// The set-up has no ImageNet weights for this network.
    #[error(
        "weights \"{}\": expected a network that they come with, efficientnet_lite0, found {network}",
        imagenet::NAME
    )]
    NoImagenet {
        /// The network.
        network: BackboneKind,
    },
    /// The set-up's weights are not installed.
    #[error("the ImageNet weights of {network} are not installed: expected {file} in {}", or(.folders))]
    NotInstalled {
        /// The network.
        network: BackboneKind,
        /// The file's name.
        file: &'static str,
        /// The folders that were searched.
        folders: Vec<PathBuf>,
    },
    /// The file of the set-up's weights has other contents.
    #[error("{} are other weights: expected the SHA-256 {expected}, found {found}", path.display())]
    OtherWeights {
        /// The file.
        path: PathBuf,
        /// SHA-256 of the set-up's file.
        expected: &'static str,
        /// SHA-256 of the file that was found.
        found: String,
    },
    /// The operating system refused to read a file.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Tensors cannot be written.
    #[error("tensors cannot be written")]
    Write {
        /// Cause.
        source: io::Error,
    },
    /// A step of Adam on tensors that do not match.
    #[error("a step of Adam: {what}")]
    Adam {
        /// The problem, in words.
        what: String,
    },
    /// Error of the device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A pass through a network was aborted by its [`Stoppable`](crate::Stoppable).
    #[error("interrupted")]
    Stopped,
    /// libtorch has no autocast for this device.
    #[error("autocast cannot be used on {device}: {what}")]
    Autocast {
        /// The device.
        device: String,
        /// Message of libtorch.
        what: String,
    },
}

/// One difference between a state and a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// A tensor of the network is missing in the state.
    Missing {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor of the state is not in the network.
    Unexpected {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor has another shape.
    Shape {
        /// Name of the tensor.
        name: String,
        /// Expected by the network.
        expected: Vec<i64>,
        /// Found in the state.
        found: Vec<i64>,
    },
    /// A tensor has another kind of number.
    Dtype {
        /// Name of the tensor.
        name: String,
        /// Expected by the network.
        expected: Kind,
        /// Found in the state.
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

/// Returns the command that converts a PyTorch file to safetensors.
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
    // Do not overwrite the input, which may be named `.safetensors` without being one.
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

/// Joins folders by "or", in one line.
fn or(folders: &[PathBuf]) -> String {
    let shown = folders.iter().map(|folder| folder.display().to_string());
    shown.collect::<Vec<_>>().join(" or ")
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|one| format!("\n  {one}")).collect()
}
