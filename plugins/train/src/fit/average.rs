use std::collections::BTreeMap;

use pe_nn::Parameters;
use tch::Tensor;

use super::checkpoint::{State, take};
use crate::TrainError;

/// A running average of a network's tensors over the steps. An epoch is judged, and its weights are
/// kept, by the average; training goes on from the network's own.
///
/// After step `n` the average moves towards the network by `1 - d`, where `d` is the lesser of the
/// option `average` and `(1 + n) / (10 + n)`. The second is the lesser in the first steps, which
/// would otherwise leave their initial weights in the average for long.
pub(crate) struct Average {
    decay: f64,
    tensors: Vec<Tensor>,
}

impl Average {
    /// Starts an average at the network's current tensors; `None` if `decay` is 0, which averages
    /// nothing.
    pub(crate) fn new(params: &Parameters, decay: f64) -> Result<Option<Self>, TrainError> {
        if decay == 0.0 {
            return Ok(None);
        }
        let copies = params.iter().map(|(_, tensor)| copy(tensor));
        let tensors = copies.collect::<Result<_, _>>()?;
        Ok(Some(Self { decay, tensors }))
    }

    /// Adds the network's tensors after step `n`, counted from 1. Integers, which only count, are
    /// copied.
    pub(crate) fn add(&mut self, params: &Parameters, n: usize) -> Result<(), TrainError> {
        let _no_grad = tch::no_grad_guard();
        let n = n as f64;
        let decay = self.decay.min((1.0 + n) / (10.0 + n));
        for (average, (_, tensor)) in self.tensors.iter_mut().zip(params.iter()) {
            if tensor.is_floating_point() {
                let _ = average.f_lerp_(tensor, 1.0 - decay)?;
            } else {
                average.f_copy_(tensor)?;
            }
        }
        Ok(())
    }

    /// Exchanges the average with the network's own tensors. A second call undoes the first.
    pub(crate) fn exchange(&mut self, params: &Parameters) -> Result<(), TrainError> {
        let _no_grad = tch::no_grad_guard();
        for (average, (_, tensor)) in self.tensors.iter_mut().zip(params.iter()) {
            let own = copy(tensor)?;
            tensor.shallow_clone().f_copy_(average)?;
            average.f_copy_(&own)?;
        }
        Ok(())
    }

    /// Returns the average by name, for a checkpoint.
    pub(crate) fn state(&self, params: &Parameters) -> State {
        let named = params.iter().zip(&self.tensors);
        named
            .map(|((name, _), average)| (format!("{AVERAGE}{name}"), average.shallow_clone()))
            .collect()
    }

    /// Takes the average out of a checkpoint's `state`.
    pub(crate) fn restore(
        &mut self,
        params: &Parameters,
        state: &mut BTreeMap<String, Tensor>,
    ) -> Result<(), TrainError> {
        for (average, (name, _)) in self.tensors.iter_mut().zip(params.iter()) {
            let saved = take(state, &format!("{AVERAGE}{name}"), average)?;
            average.f_copy_(&saved)?;
        }
        Ok(())
    }
}

/// Returns a copy in the same memory layout, without gradients.
fn copy(tensor: &Tensor) -> Result<Tensor, TrainError> {
    let tensor = tensor.f_detach()?;
    let mut copy = tensor.f_zeros_like()?;
    copy.f_copy_(&tensor)?;
    Ok(copy)
}

const AVERAGE: &str = "average.";

#[cfg(test)]
mod tests {
    use pe_nn::{Backbone, BackboneKind, tch::Device};

    use super::*;

    fn network() -> Backbone {
        Backbone::new(BackboneKind::EfficientNetLite0, 1, Device::Cpu).unwrap()
    }

    fn bias(params: &Parameters) -> f64 {
        let name = params.iter().map(|(name, _)| name).last().unwrap();
        params.get(name).unwrap().double_value(&[0])
    }

    fn set_bias(params: &Parameters, value: f64) {
        let _no_grad = tch::no_grad_guard();
        let (_, tensor) = params.iter().last().unwrap();
        let _ = tensor.shallow_clone().fill_(value);
    }

    #[test]
    fn the_average_follows_the_weights_and_comes_back_from_a_checkpoint() {
        let network = network();
        let params = network.params();
        set_bias(params, 1.0);
        let mut average = Average::new(params, 0.5).unwrap().unwrap();
        // The first step's decay is 2 / 11, not yet 0.5: 1 * 2/11 + 12 * 9/11 = 10.
        set_bias(params, 12.0);
        average.add(params, 1).unwrap();
        // From step 8 on it is 0.5: 10 / 2 + 20 / 2 = 15.
        set_bias(params, 20.0);
        average.add(params, 8).unwrap();
        average.exchange(params).unwrap();
        assert!((bias(params) - 15.0).abs() < 1e-5, "{}", bias(params));
        average.exchange(params).unwrap();
        assert_eq!(bias(params), 20.0);

        let mut state: BTreeMap<_, _> = average.state(params).into_iter().collect();
        let mut again = Average::new(params, 0.5).unwrap().unwrap();
        again.restore(params, &mut state).unwrap();
        assert!(state.is_empty());
        again.exchange(params).unwrap();
        assert!((bias(params) - 15.0).abs() < 1e-5);
        let error = again.restore(params, &mut state).unwrap_err();
        assert!(error.to_string().contains("`average."), "{error}");
    }

    #[test]
    fn no_decay_averages_nothing() {
        let network = network();
        assert!(Average::new(network.params(), 0.0).unwrap().is_none());
    }
}
