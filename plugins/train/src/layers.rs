//! Lists a model's layers from the header of its weights file.

use std::collections::BTreeMap;

use pe_nn::safetensors_io;
use serde::Serialize;

use crate::{Model, TrainError};

/// A module of a network that has weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// PyTorch's name for it, for example `features.0.0`.
    pub name: String,
    /// Shape of its tensor `weight`, or of its first tensor if none has that name.
    pub shape: Vec<usize>,
    /// Number of trainable values.
    pub n_parameters: usize,
}

/// BatchNorm's running statistics, which are not trained.
const BUFFERS: [&str; 3] = ["running_mean", "running_var", "num_batches_tracked"];

impl Model {
    /// The layers with weights, in the order of their names.
    ///
    /// # Errors
    /// [`TrainError::Nn`] when the weights cannot be read.
    pub fn layers(&self) -> Result<Vec<Layer>, TrainError> {
        let shapes =
            safetensors_io::shapes(&self.folder().join("model.safetensors"), self.files())?;
        Ok(layers(&shapes))
    }
}

fn layers(shapes: &BTreeMap<String, Vec<usize>>) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for (key, shape) in shapes {
        let (name, tensor) = key.rsplit_once('.').unwrap_or(("", key));
        if BUFFERS.contains(&tensor) {
            continue;
        }
        // Saturate, because a damaged header may hold any number.
        let n_parameters = shape.iter().copied().fold(1, usize::saturating_mul);
        match layers.iter_mut().find(|layer| layer.name == name) {
            Some(layer) => {
                layer.n_parameters += n_parameters;
                if tensor == "weight" {
                    layer.shape.clone_from(shape);
                }
            }
            None => layers.push(Layer {
                name: name.to_owned(),
                shape: shape.clone(),
                n_parameters,
            }),
        }
    }
    // Natural order: `features.10` comes after `features.9`.
    layers.sort_by_key(|layer| natural(&layer.name));
    layers
}

/// Sort key of a name: its parts, with numbers compared as numbers.
fn natural(name: &str) -> Vec<(usize, String)> {
    let part = |part: &str| match part.parse() {
        Ok(number) => (number, String::new()),
        Err(_) => (usize::MAX, part.to_owned()),
    };
    name.split('.').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_has_the_numbers_that_are_trained() {
        let shapes = [
            ("f.10.weight", vec![4, 3]),
            ("f.10.bias", vec![4]),
            ("f.9.weight", vec![3]),
            ("f.9.bias", vec![3]),
            ("f.9.running_mean", vec![3]),
            ("f.9.num_batches_tracked", vec![]),
        ];
        let shapes = shapes.map(|(name, shape)| (name.to_owned(), shape)).into();
        let layer = |name: &str, shape: &[usize], n_parameters| Layer {
            name: name.to_owned(),
            shape: shape.to_vec(),
            n_parameters,
        };
        let expected = [layer("f.9", &[3], 6), layer("f.10", &[4, 3], 16)];
        assert_eq!(layers(&shapes), expected);
    }
}
