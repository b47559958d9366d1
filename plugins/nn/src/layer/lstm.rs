use tch::{Device, Kind, Tensor};

use super::empty;
use crate::{NnError, Parameters, init};

/// PyTorch's `nn.LSTM(bidirectional=True, batch_first=True)` of one layer.
#[derive(Debug)]
pub(crate) struct BiLstm {
    /// `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, forward then backward.
    weights: Vec<Tensor>,
    n_hidden: i64,
}

/// Names, in the order of [`BiLstm::weights`].
const NAMES: [&str; 8] = [
    "weight_ih_l0",
    "weight_hh_l0",
    "bias_ih_l0",
    "bias_hh_l0",
    "weight_ih_l0_reverse",
    "weight_hh_l0_reverse",
    "bias_ih_l0_reverse",
    "bias_hh_l0_reverse",
];

impl BiLstm {
    /// Creates it with PyTorch's initialisation: all U(±1/√hidden).
    pub(crate) fn new(n_inputs: i64, n_hidden: i64) -> Result<Self, NnError> {
        let bound = 1.0 / (n_hidden as f64).sqrt();
        let gates = 4 * n_hidden;
        let sizes: [&[i64]; 4] = [&[gates, n_inputs], &[gates, n_hidden], &[gates], &[gates]];
        let mut weights = Vec::with_capacity(NAMES.len());
        for size in [sizes, sizes].concat() {
            let mut weight = empty(size)?;
            init::uniform(&mut weight, bound)?;
            weights.push(weight);
        }
        Ok(Self { weights, n_hidden })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        for (weight, its_name) in self.weights.iter().zip(NAMES) {
            params.add(format!("{name}.{its_name}"), weight)?;
        }
        Ok(())
    }

    /// `[batch, time, inputs]` → `[batch, time, 2 · hidden]`, every position valid.
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, NnError> {
        let state = self.state(input)?;
        let (output, ..) = input.f_lstm(
            &[&state, &state],
            &self.weights(),
            true,
            1,
            0.0,
            false,
            true,
            true,
        )?;
        Ok(output)
    }

    /// Like [`forward`](Self::forward), for sequences of these lengths, each at least 1: the
    /// backward direction starts at the last valid position. The output is 0 at padding.
    pub(crate) fn forward_padded(
        &self,
        input: &Tensor,
        lengths: &[i64],
    ) -> Result<Tensor, NnError> {
        let n_steps = input.size()[1];
        // libtorch wants the longest sequence first. `back` undoes the sorting at the end.
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&idx| std::cmp::Reverse(lengths[idx]));
        let sorted: Vec<i64> = order.iter().map(|&idx| lengths[idx]).collect();
        let mut back = vec![0; order.len()];
        for (place, &idx) in order.iter().enumerate() {
            back[idx] = place as i64;
        }
        let order: Vec<i64> = order.into_iter().map(|idx| idx as i64).collect();

        let sequences = input.f_index_select(0, &index(&order, input.device())?)?;
        let lengths = Tensor::f_from_slice(&sorted)?;
        let (data, batch_sizes) = sequences.f_internal_pack_padded_sequence(&lengths, true)?;
        let state = self.state(input)?;
        let (output, ..) = Tensor::f_lstm_data(
            &data,
            &batch_sizes,
            &[&state, &state],
            &self.weights(),
            true,
            1,
            0.0,
            false,
            true,
        )?;
        let (output, _) =
            Tensor::f_internal_pad_packed_sequence(&output, &batch_sizes, true, 0.0, n_steps)?;
        Ok(output.f_index_select(0, &index(&back, input.device())?)?)
    }

    /// Returns the state that both directions start with.
    fn state(&self, input: &Tensor) -> Result<Tensor, NnError> {
        let size = [2, input.size()[0], self.n_hidden];
        Ok(Tensor::f_zeros(size, (input.kind(), input.device()))?)
    }

    fn weights(&self) -> Vec<&Tensor> {
        self.weights.iter().collect()
    }
}

fn index(places: &[i64], device: Device) -> Result<Tensor, NnError> {
    let index = Tensor::f_from_slice(places)?;
    debug_assert_eq!(index.kind(), Kind::Int64);
    Ok(index.f_to_device(device)?)
}
