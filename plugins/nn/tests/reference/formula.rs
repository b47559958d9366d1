//! Weights and inputs from names, as make.py makes them.

use pe_nn::Parameters;
use pe_nn::tch::{Device, Kind, Tensor, no_grad_guard};

/// U(−1, 1) in steps of 2⁻²³, by FNV-1a of the name and splitmix64 of the place.
pub fn formula(name: &str, n: usize) -> Vec<f64> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |seed, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let at = |place: u64| {
        let mut z = seed.wrapping_add((place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..n as u64).map(at).collect()
}

/// An input or a cotangent.
pub fn given(name: &str, size: &[i64]) -> Tensor {
    let n = size.iter().product::<i64>() as usize;
    tensor(&formula(name, n), size)
}

/// Fills a network with weights that keep activations near 1.
pub fn fill(params: &Parameters) {
    let _no_grad = no_grad_guard();
    for (name, tensor) in params.iter() {
        let mut tensor = tensor.shallow_clone();
        if name.ends_with("num_batches_tracked") {
            let _ = tensor.fill_(3);
        } else {
            tensor.copy_(&weight(name, &tensor.size()));
        }
    }
}

fn weight(name: &str, size: &[i64]) -> Tensor {
    let n = size.iter().product::<i64>() as usize;
    let mut values = formula(name, n);
    let near_one = name.ends_with("running_var")
        || name.ends_with("weight_g")
        || (size.len() == 1 && name.ends_with(".weight"));
    let fan_in = size[1..].iter().product::<i64>() as f64;
    for value in &mut values {
        *value = match near_one {
            true => 1.0 + 0.2 * *value,
            false if size.len() >= 2 => (6.0 / fan_in).sqrt() * *value,
            false => 0.1 * *value,
        };
    }
    tensor(&values, size)
}

fn tensor(values: &[f64], size: &[i64]) -> Tensor {
    let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_slice(&narrow).view(size)
}

/// Norm, products with two vectors of the formula, eight numbers of the tensor.
pub fn digest(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().contiguous().reshape(-1);
    let values = Vec::<f64>::try_from(&flat.to_kind(Kind::Double).to_device(Device::Cpu)).unwrap();
    let n = values.len();
    let dot = |probe: usize| -> f64 {
        let probe = formula(&format!("probe {probe}"), n);
        values.iter().zip(probe).map(|(a, b)| a * b).sum()
    };
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let mut digest = vec![norm, dot(0), dot(1)];
    digest.extend((0..8).map(|i| values[i * n / 8]));
    digest
}
