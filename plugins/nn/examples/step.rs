//! Times a training step of each backbone, forward, backward and AdamW, to put beside PyTorch's.
//!
//! ```sh
//! cargo run --release -p pe-nn --example step -- efficientnet_b0 16 224
//! cargo run --release -p pe-nn --example step -- r3d_18 2 112 32 bf16
//! ```
//!
//! Backbone, batch, rows and columns, slices (R3D-18 only), and `bf16` for mixed precision. Both
//! weights and input have channels last.

mod common;

use std::error::Error;
use std::time::Instant;

use common::Timed;
use pe_nn::tch::{Kind, Tensor};
use pe_nn::{AdamStep, Autocast, Mode, fused_adam, gradients};

const N_STEPS: i64 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mixed = arguments.last().is_some_and(|last| last == "bf16");
    arguments.truncate(arguments.len() - usize::from(mixed));
    let Timed {
        kind,
        device,
        network,
        input,
    } = Timed::of(&arguments)?;
    let params: Vec<&Tensor> = network.params().trainable().map(|(_, one)| one).collect();
    let zeros = || params.iter().map(|one| one.detach().zeros_like());
    let (first, second): (Vec<_>, Vec<_>) = (zeros().collect(), zeros().collect());
    let mut fastest = f64::INFINITY;
    for step in 0..N_STEPS {
        let started = Instant::now();
        let open = if mixed {
            Some(Autocast::bf16(device)?)
        } else {
            None
        };
        let logits = network.logits(&input, Mode::Train)?;
        drop(open);
        let loss = logits.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?;
        let found = gradients(&loss, &params)?;
        let adam = AdamStep {
            lr: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            decoupled: true,
            step: step + 1,
        };
        fused_adam(&params, &found, &first, &second, &adam)?;
        // Reading a number waits for a GPU.
        let loss = loss.f_double_value(&[])?;
        let elapsed_s = started.elapsed().as_secs_f64();
        if step > 0 {
            fastest = fastest.min(elapsed_s);
        }
        println!("step {step}: {elapsed_s:.3} s, mean logit {loss:.6}");
    }
    let images_per_s = input.size()[0] as f64 / fastest;
    println!(
        "{kind} {:?} on {device:?}: {fastest:.3} s, {images_per_s:.1} a second",
        input.size()
    );
    Ok(())
}
