//! Layout, precision and device change how fast a network is, not what it computes.

use pe_nn::tch::{Device, Kind, Tensor, manual_seed, no_grad_guard};
use pe_nn::{Autocast, Backbone, BackboneKind, Mode, choose};

use crate::backbone::CASES;
use crate::fixture::Fixture;
use crate::{SEED, alone};

/// The same numbers, with channels innermost.
fn channels_last(input: &Tensor) -> Tensor {
    let mut order: Vec<i64> = (0..input.dim() as i64).collect();
    order.remove(1);
    order.push(1);
    let mut back: Vec<i64> = (0..input.dim() as i64 - 1).collect();
    back.insert(1, input.dim() as i64 - 1);
    input.permute(&order).contiguous().permute(&back)
}

#[test]
fn channels_last_computes_the_same() {
    same(Kind::Float, "f32");
    same(Kind::Double, "f64");
}

fn same(kind: Kind, prefix: &str) {
    let _alone = alone();
    for case in CASES {
        let (forward, backward) = case.tolerance(kind);
        let fixture = Fixture::open(case.kind.name());
        let mut network = case.filled(kind);
        let trainable = network.params().trainable();
        let handles: Vec<Tensor> = trainable
            .map(|(_, tensor)| tensor.shallow_clone())
            .collect();
        network.channels_last().unwrap();
        let input = channels_last(&case.input(kind));
        assert_eq!(input.stride()[1], 1);
        manual_seed(SEED);
        let logits = network.logits(&input, Mode::Train).unwrap();
        (&logits * case.cotangent(kind)).sum(kind).backward();
        fixture.check(&format!("{prefix}.train.logits"), &logits, forward);
        fixture.check_gradients(&format!("{prefix}.train"), network.params(), backward);
        for (handle, (name, tensor)) in handles.iter().zip(network.params().trainable()) {
            assert!(handle.grad().defined(), "{name} is another tensor now");
            assert_eq!(handle.data_ptr(), tensor.data_ptr(), "{name}");
        }
    }
}

#[test]
fn bfloat16_is_close_and_learns_in_float32() {
    let _alone = alone();
    for case in CASES {
        let network = case.filled(Kind::Float);
        let exact = {
            let _no_grad = no_grad_guard();
            network
                .logits(&case.input(Kind::Float), Mode::Eval)
                .unwrap()
        };
        let open = Autocast::bf16(Device::Cpu).unwrap();
        let logits = network
            .logits(&case.input(Kind::Float), Mode::Eval)
            .unwrap();
        drop(open);
        assert_eq!(logits.kind(), Kind::BFloat16);
        logits.to_kind(Kind::Float).sum(Kind::Float).backward();
        for (name, tensor) in network.params().trainable() {
            assert_eq!(tensor.grad().kind(), Kind::Float, "{name}");
        }
        let error = (logits.to_kind(Kind::Float) - &exact)
            .norm()
            .double_value(&[]);
        let error = error / exact.norm().double_value(&[]);
        assert!(error < 0.1, "{}: {error}", case.kind);
        assert!(
            error > 1e-4,
            "{}: {error}, so it was not bfloat16",
            case.kind
        );
    }
}

/// Leaves freed memory full of NaN behind: a kernel that reads what it did not write shows it.
fn poison() {
    let sizes = [10_000, 100_000, 1_000_000];
    let held: Vec<Tensor> = (0..6)
        .flat_map(|_| sizes)
        .map(|n| Tensor::full([n], f64::NAN, (Kind::Float, Device::Cpu)))
        .collect();
    drop(held);
}

/// Slabs of 4, 8 and 16 slices reach one of the layers as two frames.
#[test]
fn bfloat16_gradients_of_two_frames_are_numbers() {
    let _alone = alone();
    let network = Backbone::new(BackboneKind::R3d18, 1, Device::Cpu).unwrap();
    for frames in [4, 8, 16] {
        let input = Tensor::rand([2, 3, frames, 32, 32], (Kind::Float, Device::Cpu));
        for _ in 0..3 {
            poison();
            let open = Autocast::bf16(Device::Cpu).unwrap();
            let logits = network.logits(&input, Mode::Train).unwrap();
            drop(open);
            let params: Vec<&Tensor> = network.params().trainable().map(|(_, p)| p).collect();
            poison();
            let gradients =
                pe_nn::gradients(&logits.to_kind(Kind::Float).sum(Kind::Float), &params).unwrap();
            for ((name, _), gradient) in network.params().trainable().zip(gradients) {
                let finite = gradient.isfinite().all().int64_value(&[]) == 1;
                assert!(finite, "{frames} slices: {name}");
            }
        }
    }
}

#[test]
fn a_gpu_computes_the_same() {
    let _alone = alone();
    let Ok(choice) = choose(pe_nn::Request::Cuda(0)) else {
        eprintln!("skipped: no GPU");
        return;
    };
    for case in CASES {
        let fixture = Fixture::open(case.kind.name());
        let network = Backbone::new(case.kind, case.n_outputs, choice.device()).unwrap();
        crate::formula::fill(network.params());
        let _no_grad = no_grad_guard();
        let input = case.input(Kind::Float).to_device(choice.device());
        let logits = network
            .logits(&input, Mode::Eval)
            .unwrap()
            .to_device(Device::Cpu);
        // TF32 convolutions keep ten bits.
        fixture.check("f32.eval.logits", &logits, 1e-2);
    }
}
