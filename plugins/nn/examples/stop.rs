//! Times how long a training step takes to be left, and what being able to be left costs.
//!
//! ```sh
//! cargo run --release -p pe-nn --example stop -- efficientnet_b0 48 224
//! cargo run --release -p pe-nn --example stop -- r3d_18 4 112 32 1
//! ```
//!
//! Backbone, batch, rows and columns, slices (R3D-18 only), and how many steps with and without a
//! guard take turns; then a step is asked to stop at twelve moments spread over it.

mod common;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::Timed;
use pe_nn::tch::{Kind, Tensor, no_grad_guard};
use pe_nn::{Backbone, Mode, NnError, Stoppable, gradients};

const N_MOMENTS: u32 = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let n_pairs = common::number(&arguments, 4, 5)?.max(1);
    let Timed {
        kind,
        device,
        network,
        input,
    } = Timed::of(&arguments)?;
    println!("{kind} {:?} on {device:?}", input.size());
    let step_s = cost(&network, &input, n_pairs)?;
    latency(&network, &input, step_s)?;
    copies(&network)
}

fn step(network: &Backbone, input: &Tensor) -> Result<f64, NnError> {
    let loss = network.logits(input, Mode::Train)?.f_mean(Kind::Float)?;
    let params: Vec<&Tensor> = network.params().trainable().map(|(_, one)| one).collect();
    let gradients = gradients(&loss, &params)?;
    // Reading a number waits for a GPU.
    Ok(gradients[0].f_sum(Kind::Float)?.f_double_value(&[])?)
}

/// A step without a guard and with one, in turns; gives the seconds of one.
fn cost(network: &Backbone, input: &Tensor, n_pairs: i64) -> Result<f64, Box<dyn Error>> {
    step(network, input)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..n_pairs {
        let started = Instant::now();
        step(network, input)?;
        without.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let guard = Stoppable::enter(|| false);
        step(network, input)?;
        drop(guard);
        with.push(started.elapsed().as_secs_f64());
    }
    let (without, with) = (median(&mut without), median(&mut with));
    println!("a step, median of {n_pairs}: {without:.3} s without a guard, {with:.3} s with one");
    Ok(without)
}

/// Asks a step to stop at moments spread over it.
fn latency(network: &Backbone, input: &Tensor, step_s: f64) -> Result<(), Box<dyn Error>> {
    let mut waits = Vec::new();
    for moment in 0..N_MOMENTS {
        let share = f64::from(moment) / f64::from(N_MOMENTS);
        let asked = Arc::new(AtomicBool::new(false));
        let question = Arc::clone(&asked);
        let asker = thread::spawn(move || {
            thread::sleep(Duration::from_secs_f64(share * step_s));
            asked.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let guard = Stoppable::enter(move || question.load(Ordering::Relaxed));
        let left = step(network, input);
        let ended = Instant::now();
        drop(guard);
        let asked_at = asker.join().map_err(|_| "the asker panicked")?;
        let wait_s = ended.saturating_duration_since(asked_at).as_secs_f64();
        let how = match left {
            Err(NnError::Stopped) => "left",
            _ => "ended by itself",
        };
        println!(
            "asked after {:3.0} %: {how} after {wait_s:.3} s",
            share * 100.0
        );
        waits.push(wait_s);
    }
    let longest = waits.iter().copied().fold(0.0, f64::max);
    println!(
        "waits: median {:.3} s, longest {longest:.3} s",
        median(&mut waits)
    );
    Ok(())
}

/// What keeping BatchNorm's statistics before each step costs.
fn copies(network: &Backbone) -> Result<(), Box<dyn Error>> {
    let _no_grad = no_grad_guard();
    let buffers = network.params().buffers().map(|(_, buffer)| buffer);
    let mut kept: Vec<Tensor> = buffers.map(Tensor::copy).collect();
    let mut seconds = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        for (kept, (_, buffer)) in kept.iter_mut().zip(network.params().buffers()) {
            kept.f_copy_(buffer)?;
        }
        seconds.push(started.elapsed().as_secs_f64());
    }
    let n = kept.len();
    println!(
        "a copy of {n} buffers: median {:.6} s",
        median(&mut seconds)
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
