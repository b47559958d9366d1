use pe_nn::tch::{Device, Kind, Tensor, manual_seed, no_grad_guard};
use pe_nn::{HeadKind, Mode, NnError, SequenceHead};

use crate::fixture::Fixture;
use crate::formula::{fill, given};
use crate::{SEED, alone};

/// As in make.py.
const LENGTHS: [i64; 3] = [5, 12, 2];
const SIZE: [i64; 3] = [3, 12, 24];
const N_OUTPUTS: i64 = 3;

const BILSTM: HeadKind = HeadKind::BiLstm { hidden: 16 };

fn tcn(causal: bool, dropout: f64) -> HeadKind {
    HeadKind::Tcn {
        channels: 16,
        kernel: 5,
        levels: 3,
        dropout,
        causal,
    }
}

fn filled(kind: &HeadKind) -> SequenceHead {
    let head = SequenceHead::new(kind, SIZE[2], N_OUTPUTS, Device::Cpu).unwrap();
    fill(head.params());
    head
}

fn valid(lengths: &[i64], n_steps: i64) -> Tensor {
    let steps = Tensor::arange(n_steps, (Kind::Int64, Device::Cpu)).unsqueeze(0);
    steps.lt_tensor(&Tensor::from_slice(lengths).unsqueeze(1))
}

/// Fixtures and the head each is of.
fn cases() -> [(&'static str, &'static str, HeadKind); 3] {
    [
        ("bilstm", "", BILSTM),
        ("tcn", "causal.", tcn(true, 0.2)),
        ("tcn", "centred.", tcn(false, 0.2)),
    ]
}

#[test]
fn names_and_shapes_are_pytorchs() {
    let _alone = alone();
    for (name, _, kind) in cases() {
        Fixture::open(name).check_keys(filled(&kind).params());
    }
}

#[test]
fn the_lstm_is_initialised_as_pytorchs() {
    let _alone = alone();
    manual_seed(SEED);
    let head = SequenceHead::new(&BILSTM, SIZE[2], N_OUTPUTS, Device::Cpu).unwrap();
    let state = head.params().iter();
    let state = state.map(|(name, tensor)| (name, tensor.shallow_clone()));
    Fixture::open("bilstm").check_digests("fresh", state, 1e-6);
}

/// With NaN at padding: nothing there may matter, in the logits or in the gradients.
#[test]
fn padded_sequences_are_what_each_is_alone() {
    let _alone = alone();
    for (name, prefix, kind) in cases() {
        let fixture = Fixture::open(name);
        let head = filled(&kind);
        let valid = valid(&LENGTHS, SIZE[1]);
        let input = given("input", &SIZE);
        let input = input.masked_fill(&valid.logical_not().unsqueeze(-1), f64::NAN);
        let input = input.set_requires_grad(true);
        let logits = head.logits(&input, &valid, Mode::Eval).unwrap();
        let cotangent = given("cotangent", &[SIZE[0], SIZE[1], N_OUTPUTS]);
        (&logits * cotangent).sum(Kind::Float).backward();
        fixture.check(&format!("{prefix}padded.logits"), &logits, 1e-5);
        fixture.check_gradients(&format!("{prefix}padded"), head.params(), 1e-5);
        fixture.check(&format!("{prefix}padded.input_grad"), &input.grad(), 1e-5);
    }
}

#[test]
fn a_training_step_is_pytorchs() {
    let _alone = alone();
    for (name, prefix, kind) in cases() {
        let fixture = Fixture::open(name);
        let head = filled(&kind);
        let input = given("input", &SIZE).set_requires_grad(true);
        let valid = valid(&[SIZE[1]; 3], SIZE[1]);
        manual_seed(SEED);
        let logits = head.logits(&input, &valid, Mode::Train).unwrap();
        let cotangent = given("cotangent", &[SIZE[0], SIZE[1], N_OUTPUTS]);
        (&logits * cotangent).sum(Kind::Float).backward();
        fixture.check(&format!("{prefix}train.logits"), &logits, 1e-5);
        fixture.check_gradients(&format!("{prefix}train"), head.params(), 1e-5);
        let of_input = std::iter::once(("input", input.grad()));
        fixture.check_digests(&format!("{prefix}train.input_grad"), of_input, 1e-5);
    }
}

/// Without dropout nothing comes between the activations, so that an operation in place would
/// overwrite what the backward pass needs.
#[test]
fn without_dropout_training_and_use_agree() {
    let _alone = alone();
    for causal in [true, false] {
        let input = given("input", &SIZE);
        let valid = valid(&LENGTHS, SIZE[1]);
        let logits = [Mode::Train, Mode::Eval].map(|mode| {
            let head = filled(&tcn(causal, 0.0));
            let logits = head.logits(&input, &valid, mode).unwrap();
            logits.sum(Kind::Float).backward();
            assert!(
                head.params()
                    .trainable()
                    .all(|(_, tensor)| tensor.grad().defined())
            );
            logits.detach()
        });
        assert_eq!(logits[0], logits[1]);
    }
}

#[test]
fn a_causal_network_does_not_look_ahead() {
    let _alone = alone();
    let _no_grad = no_grad_guard();
    let valid = valid(&[SIZE[1]; 3], SIZE[1]);
    let input = given("input", &SIZE);
    let changed = input.copy();
    let _ = changed.narrow(1, 7, 5).fill_(9.0);
    let check = |kind: HeadKind, same_before: bool| {
        let head = filled(&kind);
        let logits = head.logits(&input, &valid, Mode::Eval).unwrap();
        let other = head.logits(&changed, &valid, Mode::Eval).unwrap();
        let before = (logits - other)
            .narrow(1, 0, 7)
            .abs()
            .max()
            .double_value(&[]);
        assert_eq!(before == 0.0, same_before, "{kind:?}: {before}");
    };
    check(tcn(true, 0.2), true);
    check(tcn(false, 0.2), false);
    check(BILSTM, false);
}

#[test]
fn an_empty_sequence_gives_zeros_and_no_nan() {
    let _alone = alone();
    for (_, _, kind) in cases() {
        let head = filled(&kind);
        let input = given("input", &SIZE);
        let _ = input.get(1).fill_(f64::NAN);
        let logits = head
            .logits(&input, &valid(&[12, 0, 3], 12), Mode::Eval)
            .unwrap();
        assert_eq!(logits.get(1).abs().sum(Kind::Float).double_value(&[]), 0.0);
        logits.sum(Kind::Float).backward();
        for (name, tensor) in head.params().trainable() {
            assert_eq!(tensor.grad().isfinite().all().int64_value(&[]), 1, "{name}");
        }
    }
}

#[test]
fn the_tcn_starts_small() {
    let _alone = alone();
    manual_seed(SEED);
    let head = SequenceHead::new(&HeadKind::tcn(), 1280, 1, Device::Cpu).unwrap();
    let get = |name: &str| head.params().get(name).unwrap().detach();
    let v = get("tcn.network.0.conv1.weight_v");
    assert!((v.std(true).double_value(&[]) - 0.01).abs() < 1e-4);
    let g = get("tcn.network.0.conv1.weight_g");
    let norms = v
        .square()
        .sum_dim_intlist([1i64, 2].as_slice(), true, Kind::Float)
        .sqrt();
    assert!(g.allclose(&norms, 1e-5, 0.0, false));
    let down = get("tcn.network.0.downsample.weight");
    assert!((down.std(true).double_value(&[]) - 0.01).abs() < 1e-4);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let _alone = alone();
    let head = filled(&BILSTM);
    let features = given("input", &SIZE);
    let hole = Tensor::from_slice(&[true, false, true]).repeat([3, 4]);
    let error = head.logits(&features, &hole, Mode::Eval).unwrap_err();
    assert!(
        matches!(
            error,
            NnError::Hole {
                sequence_idx: 0,
                valid_idx: 2,
                n_valid: 1
            }
        ),
        "{error}"
    );
    let check = |features: &Tensor, valid: &Tensor, expected: &str| {
        let error = head
            .logits(features, valid, Mode::Eval)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        &features,
        &valid(&LENGTHS, 11),
        "valid: expected [3, 12], found [3, 11]",
    );
    check(
        &features,
        &valid(&LENGTHS, 12).to_kind(Kind::Float),
        "valid: expected bool, found Float",
    );
    check(
        &features.get(0),
        &valid(&LENGTHS, 12),
        "features: expected [batch, time, 24]",
    );
    check(
        &features.narrow(2, 0, 8),
        &valid(&LENGTHS, 12),
        "found [3, 12, 8]",
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let check = |kind: HeadKind, expected: &str| {
        let error = SequenceHead::new(&kind, 8, 1, Device::Cpu)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    let tcn = |channels, kernel, levels, dropout, causal| HeadKind::Tcn {
        channels,
        kernel,
        levels,
        dropout,
        causal,
    };
    check(
        HeadKind::BiLstm { hidden: 0 },
        "hidden: expected at least 1, found 0",
    );
    check(tcn(0, 5, 3, 0.2, true), "channels");
    check(tcn(8, 0, 3, 0.2, true), "kernel");
    check(tcn(8, 4, 3, 0.2, false), "kernel: expected an odd number");
    check(tcn(8, 5, 0, 0.2, true), "levels");
    check(tcn(8, 5, 17, 0.2, true), "levels");
    check(tcn(8, 5, 3, 1.0, true), "dropout");
    check(tcn(8, 5, 3, f64::NAN, true), "dropout");
}
