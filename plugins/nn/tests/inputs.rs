//! What a backbone and the loss refuse, and what the loss is.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use pe_binding::Explain;
use pe_nn::tch::{Device, Kind, Tensor};
use pe_nn::{Backbone, BackboneKind, Mode, NnError, bce_with_logits};

#[test]
fn backbones_refuse_other_shapes() {
    let check = |kind: BackboneKind, size: &[i64], mode: Mode, expected: &str| {
        let network = Backbone::new(kind, 1, Device::Cpu).unwrap();
        let input = Tensor::zeros(size, (Kind::Float, Device::Cpu));
        let error = network.logits(&input, mode).unwrap_err();
        assert_eq!(error.kind(), "nn.input");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let (b0, r3d) = (BackboneKind::EfficientNetB0, BackboneKind::R3d18);
    check(
        b0,
        &[1, 1, 32, 32],
        Mode::Eval,
        "expected [n, 3, rows, cols], found [1, 1, 32, 32]",
    );
    check(
        b0,
        &[1, 3, 8, 32, 32],
        Mode::Eval,
        "expected [n, 3, rows, cols]",
    );
    check(b0, &[0, 3, 32, 32], Mode::Eval, "found [0, 3, 32, 32]");
    check(
        r3d,
        &[1, 3, 32, 32],
        Mode::Eval,
        "expected [n, 3, slices, rows, cols]",
    );
    // The last feature map is 1 × 1: one value a channel.
    check(
        b0,
        &[1, 3, 32, 32],
        Mode::Train,
        "more than one value a channel",
    );
    check(
        BackboneKind::EfficientNetLite0,
        &[1, 3, 32, 32],
        Mode::Train,
        "more than one value a channel",
    );
    check(
        r3d,
        &[1, 3, 8, 16, 16],
        Mode::Train,
        "more than one value a channel",
    );
}

#[test]
fn a_tensor_of_another_kind_is_an_error_and_no_panic() {
    let network = Backbone::new(BackboneKind::EfficientNetB0, 1, Device::Cpu).unwrap();
    let input = Tensor::zeros([1, 3, 32, 32], (Kind::Double, Device::Cpu));
    let error = network.logits(&input, Mode::Eval).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
}

#[test]
fn backbones_have_names() {
    for kind in BackboneKind::ALL {
        assert_eq!(kind.to_string().parse::<BackboneKind>().unwrap(), kind);
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(json, format!("\"{kind}\""));
    }
    assert!("resnet".parse::<BackboneKind>().is_err());
    assert!(Backbone::new(BackboneKind::R3d18, 0, Device::Cpu).is_err());
}

fn column(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).view([1, values.len() as i64, 1])
}

/// −w·y·ln σ(x) − (1 − y)·ln(1 − σ(x)), in float64.
fn one(logit: f64, target: f64, weight: f64) -> f64 {
    let p = 1.0 / (1.0 + (-logit).exp());
    -weight * target * p.ln() - (1.0 - target) * (1.0 - p).ln()
}

#[test]
fn the_loss_is_the_mean_over_valid_positions() {
    let logits = column(&[0.3, -1.2, 2.0, f32::NAN]).set_requires_grad(true);
    let targets = column(&[1.0, 0.0, 0.25, f32::NAN]);
    let valid = Tensor::from_slice(&[true, true, true, false]).view([1, 4]);
    let check = |weight: Option<f64>| {
        let w = weight.unwrap_or(1.0);
        let expected = (one(0.3, 1.0, w) + one(-1.2, 0.0, w) + one(2.0, 0.25, w)) / 3.0;
        for valid in [&valid, &valid.unsqueeze(-1)] {
            let loss = bce_with_logits(&logits, &targets, valid, weight).unwrap();
            assert!(
                (loss.double_value(&[]) - expected).abs() < 1e-6,
                "{weight:?}"
            );
        }
    };
    check(None);
    check(Some(1.0));
    check(Some(7.5));
    bce_with_logits(&logits, &targets, &valid, None)
        .unwrap()
        .backward();
    let gradient = Vec::<f64>::try_from(logits.grad().reshape(-1)).unwrap();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    assert!((gradient[0] - (sigmoid(0.3) - 1.0) / 3.0).abs() < 1e-7);
    assert_eq!(gradient[3], 0.0);
}

#[test]
fn the_loss_of_narrow_logits_is_computed_wide() {
    let logits = column(&[0.5, -0.5]).to_kind(Kind::BFloat16);
    let valid = Tensor::from_slice(&[true, true]).view([1, 2]);
    let loss = bce_with_logits(&logits, &column(&[1.0, 1.0]), &valid, None).unwrap();
    assert_eq!(loss.kind(), Kind::Float);
    let expected = (one(0.5, 1.0, 1.0) + one(-0.5, 1.0, 1.0)) / 2.0;
    assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
}

#[test]
fn the_loss_refuses_what_does_not_go_together() {
    let logits = column(&[0.5, -0.5]);
    let targets = column(&[1.0, 0.0]);
    let valid = Tensor::from_slice(&[true, true]).view([1, 2]);
    let none = Tensor::from_slice(&[false, false]).view([1, 2]);
    let check = |targets: &Tensor, valid: &Tensor, weight: Option<f64>, expected: &str| {
        let error = bce_with_logits(&logits, targets, valid, weight)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&targets, &none, None, "found none of 2");
    check(
        &targets.view([2, 1]),
        &valid,
        None,
        "targets: expected [1, 2, 1], found [2, 1]",
    );
    check(
        &targets,
        &valid.view([2]),
        None,
        "valid: expected [1, 2, 1], found [2]",
    );
    check(
        &targets,
        &valid.to_kind(Kind::Uint8),
        None,
        "valid: expected bool, found Uint8",
    );
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        check(
            &targets,
            &valid,
            Some(weight),
            "positive_weight: expected a positive number",
        );
    }
    let error = bce_with_logits(&logits, &targets, &none, None).unwrap_err();
    assert!(matches!(error, NnError::NoneValid { n_positions: 2 }));
}

#[test]
fn a_renewed_classifier_is_drawn_as_pytorch_draws_linear_layers() {
    for kind in BackboneKind::ALL {
        let mut network = Backbone::new(kind, 3, Device::Cpu).unwrap();
        let name = match kind {
            BackboneKind::EfficientNetB0 => "classifier.1",
            BackboneKind::EfficientNetLite0 => "_fc",
            BackboneKind::R3d18 => "fc",
        };
        let sum = |network: &Backbone, name: &str| {
            network
                .params()
                .get(name)
                .unwrap()
                .sum(Kind::Double)
                .double_value(&[])
        };
        let first = network.params().iter().next().unwrap().0.to_owned();
        let before = (
            sum(&network, &first),
            sum(&network, &format!("{name}.weight")),
        );
        tch::manual_seed(1);
        network.renew_classifier().unwrap();
        assert_eq!(sum(&network, &first), before.0, "the rest stays");
        assert_ne!(sum(&network, &format!("{name}.weight")), before.1);
        let bound = 1.0 / (kind.n_features() as f64).sqrt();
        for part in ["weight", "bias"] {
            let tensor = network.params().get(&format!("{name}.{part}")).unwrap();
            let greatest = tensor.abs().max().double_value(&[]);
            assert!(
                greatest <= bound * 1.000_001 && greatest > 0.3 * bound,
                "{part}: {greatest}"
            );
        }
    }
}
