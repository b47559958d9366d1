//! The named tensors of a network.

use std::collections::{BTreeMap, BTreeSet};

use tch::{Device, Kind, Tensor};

use crate::{Difference, NnError};

/// Parameters and buffers of a network under PyTorch's names, in the order of its state dict.
///
/// The tensors are the network's own: it computes with whatever is written into them. Buffers are
/// BatchNorm's `running_mean`, `running_var` and `num_batches_tracked`. The latter is an int64 and
/// stays on the CPU on every device, because only people read it.
///
/// ```
/// use pe_nn::{Backbone, BackboneKind, tch::Device};
/// let network = Backbone::new(BackboneKind::EfficientNetB0, 1000, Device::Cpu)?;
/// assert_eq!(network.params().iter().count(), 360);
/// assert_eq!(network.params().n_parameters(), 5_288_548);
/// assert!(network.params().get("classifier.1.bias").is_some());
/// assert!(network.params().get("fc.bias").is_none());
/// # Ok::<(), pe_nn::NnError>(())
/// ```
#[derive(Debug)]
pub struct Parameters {
    entries: Vec<Entry>,
    device: Device,
}

#[derive(Debug)]
struct Entry {
    name: String,
    tensor: Tensor,
    trainable: bool,
}

impl Parameters {
    /// Creates an empty list, for a network on `device`.
    pub fn new(device: Device) -> Self {
        Self {
            entries: Vec::new(),
            device,
        }
    }

    /// The device that the network computes on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&entry.tensor)
    }

    /// Every tensor with its name, in the order of PyTorch's state dict.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries
            .iter()
            .map(|entry| (entry.name.as_str(), &entry.tensor))
    }

    /// The trainable tensors, in the order of PyTorch's `parameters()`.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries
            .iter()
            .filter(|entry| entry.trainable)
            .map(|entry| (entry.name.as_str(), &entry.tensor))
    }

    /// The tensors that a forward pass in training changes, in the order of the state dict:
    /// BatchNorm's statistics.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries
            .iter()
            .filter(|entry| !entry.trainable)
            .map(|entry| (entry.name.as_str(), &entry.tensor))
    }

    /// Number of trainable values.
    pub fn n_parameters(&self) -> usize {
        self.trainable().map(|(_, tensor)| tensor.numel()).sum()
    }

    /// Copies a state into the network, or changes nothing.
    ///
    /// Names, shapes and kinds of number must be the network's own: nothing is broadcast,
    /// converted, skipped or left as it was.
    ///
    /// # Errors
    /// [`NnError::State`] with every difference.
    pub fn load(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), NnError> {
        let differences = self.differences(state);
        if !differences.is_empty() {
            return Err(NnError::State { differences });
        }
        let _no_grad = tch::no_grad_guard();
        for entry in &mut self.entries {
            entry.tensor.f_copy_(&state[&entry.name])?;
        }
        Ok(())
    }

    /// Returns the differences between a state and the network: in the network's order, then
    /// unexpected tensors.
    pub fn differences(&self, state: &BTreeMap<String, Tensor>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for Entry { name, tensor, .. } in &self.entries {
            let name = name.clone();
            let Some(found) = state.get(&name) else {
                differences.push(Difference::Missing { name });
                continue;
            };
            if found.size() != tensor.size() {
                differences.push(Difference::Shape {
                    name: name.clone(),
                    expected: tensor.size(),
                    found: found.size(),
                });
            }
            if found.kind() != tensor.kind() {
                differences.push(Difference::Dtype {
                    name,
                    expected: tensor.kind(),
                    found: found.kind(),
                });
            }
        }
        let known: BTreeSet<&str> = self.iter().map(|(name, _)| name).collect();
        let unexpected = state.keys().filter(|name| !known.contains(name.as_str()));
        differences.extend(
            unexpected
                .cloned()
                .map(|name| Difference::Unexpected { name }),
        );
        differences
    }

    /// Adds a trainable tensor.
    pub(crate) fn add(&mut self, name: String, tensor: &Tensor) -> Result<(), NnError> {
        let tensor = tensor.f_set_requires_grad(true)?;
        self.entries.push(Entry {
            name,
            tensor,
            trainable: true,
        });
        Ok(())
    }

    /// Adds a tensor that is saved but not trained.
    pub(crate) fn add_buffer(&mut self, name: String, tensor: &Tensor) {
        self.entries.push(Entry {
            name,
            tensor: tensor.shallow_clone(),
            trainable: false,
        });
    }

    /// Moves the tensors to the device that [`new`](Self::new) was given. Networks are initialised
    /// on the CPU, so that a seed gives the same weights on every device.
    pub(crate) fn settle(&mut self) -> Result<(), NnError> {
        if self.device == Device::Cpu {
            return Ok(());
        }
        let _no_grad = tch::no_grad_guard();
        for Entry { tensor, .. } in &mut self.entries {
            if tensor.kind() != Kind::Int64 {
                let moved = tensor.f_to_device(self.device)?;
                // The layers share this tensor, so replace its data and not the tensor.
                tensor.f_set_data(&moved)?;
            }
        }
        Ok(())
    }

    /// Changes the memory layout of convolutions' weights to channels last. The tensors stay the
    /// same ones.
    pub(crate) fn channels_last(&mut self) -> Result<(), NnError> {
        let _no_grad = tch::no_grad_guard();
        for Entry { tensor, .. } in &mut self.entries {
            let size = tensor.size();
            if size.len() < 4 {
                continue;
            }
            let options = (tensor.kind(), tensor.device());
            let mut moved = Tensor::f_empty_strided(&size, channels_last_stride(&size), options)?;
            moved.f_copy_(tensor)?;
            tensor.f_set_data(&moved)?;
        }
        Ok(())
    }

    /// Converts the network's values to another kind of number, for comparisons in float64.
    ///
    /// # Errors
    /// [`NnError::Tch`] when memory is short.
    #[doc(hidden)]
    pub fn to_kind(&mut self, kind: Kind) -> Result<(), NnError> {
        let _no_grad = tch::no_grad_guard();
        for Entry { tensor, .. } in &mut self.entries {
            if tensor.kind() != Kind::Int64 {
                let converted = tensor.f_to_kind(kind)?;
                tensor.f_set_data(&converted)?;
            }
        }
        Ok(())
    }
}

/// Strides of `[out, in, …]` with `in` innermost, as in PyTorch's `channels_last` and
/// `channels_last_3d`.
fn channels_last_stride(size: &[i64]) -> Vec<i64> {
    let mut stride = vec![0; size.len()];
    stride[1] = 1;
    let mut next = size[1];
    for axis in (2..size.len()).rev() {
        stride[axis] = next;
        next *= size[axis];
    }
    stride[0] = next;
    stride
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_innermost() {
        let check = |size: &[i64], expected: &[i64]| {
            assert_eq!(channels_last_stride(size), expected, "{size:?}");
        };
        check(&[8, 3, 5, 7], &[105, 1, 21, 3]);
        check(&[8, 3, 2, 5, 7], &[210, 1, 105, 21, 3]);
        check(&[8, 1, 3, 3], &[9, 1, 3, 1]);
        check(&[8, 6, 1, 1], &[6, 1, 6, 6]);
    }
}
