//! Times a training step of each backbone, forward and backward, to put beside PyTorch's.
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
use pe_nn::tch::Kind;
use pe_nn::{Autocast, Mode};

const N_STEPS: usize = 8;

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
    let mut fastest = f64::INFINITY;
    for step in 0..N_STEPS {
        let started = Instant::now();
        let open = match mixed {
            true => Some(Autocast::bf16(device)?),
            false => None,
        };
        let logits = network.logits(&input, Mode::Train)?;
        drop(open);
        let loss = logits.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?;
        loss.f_backward()?;
        // Reading a number waits for a GPU.
        let loss = loss.f_double_value(&[])?;
        let elapsed_s = started.elapsed().as_secs_f64();
        if step > 0 {
            fastest = fastest.min(elapsed_s);
        }
        println!("step {step}: {elapsed_s:.3} s, mean logit {loss:.6}");
    }
    println!("{kind} {:?} on {device:?}: {fastest:.3} s", input.size());
    Ok(())
}
