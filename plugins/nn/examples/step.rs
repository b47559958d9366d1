//! Times a training step of each backbone, forward and backward, to put beside PyTorch's.
//!
//! ```sh
//! cargo run --release -p pe-nn --example step -- efficientnet_b0 16 224
//! cargo run --release -p pe-nn --example step -- r3d_18 2 112 32 bf16
//! ```
//!
//! Backbone, batch, rows and columns, slices (R3D-18 only), and `bf16` for mixed precision. Both
//! weights and input have channels last.

use std::error::Error;
use std::time::Instant;

use pe_nn::tch::{Kind, Tensor, manual_seed};
use pe_nn::{Autocast, Backbone, BackboneKind, Mode, Request, choose};

const N_STEPS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mixed = arguments.last().is_some_and(|last| last == "bf16");
    arguments.truncate(arguments.len() - usize::from(mixed));
    let kind: BackboneKind = arguments.first().ok_or("expected a backbone")?.parse()?;
    let number = |place: usize, default: i64| match arguments.get(place) {
        Some(text) => text.parse(),
        None => Ok(default),
    };
    let (n, side, n_slices) = (number(1, 4)?, number(2, 112)?, number(3, 16)?);
    let device = choose(Request::Auto)?.device();

    manual_seed(0);
    let mut network = Backbone::new(kind, 1, device)?;
    network.channels_last()?;
    let options = (Kind::Float, device);
    // Axes with the channels last in memory, and in PyTorch's order for the network.
    let input = match kind {
        BackboneKind::EfficientNetB0 => {
            Tensor::f_randn([n, side, side, 3], options)?.f_permute([0, 3, 1, 2])?
        }
        BackboneKind::R3d18 => {
            Tensor::f_randn([n, n_slices, side, side, 3], options)?.f_permute([0, 4, 1, 2, 3])?
        }
    };
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
