//! States in and out: the strict loader, safetensors, torchvision's weights.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use std::collections::BTreeMap;
use std::path::Path;

use pe_files::Files;
use pe_nn::tch::{Device, Kind, Tensor};
use pe_nn::{Backbone, BackboneKind, Difference, HeadKind, NnError, SequenceHead, safetensors_io};

type State = BTreeMap<String, Tensor>;

fn head() -> SequenceHead {
    let kind = HeadKind::BiLstm { hidden: 4 };
    SequenceHead::new(&kind, 3, 4, Device::Cpu).unwrap()
}

fn state<'a>(tensors: impl Iterator<Item = (&'a str, &'a Tensor)>) -> State {
    tensors
        .map(|(name, tensor)| (name.to_owned(), tensor.detach().copy()))
        .collect()
}

#[test]
fn a_state_is_copied_into_the_networks_own_tensors() {
    let (from, mut to) = (head(), head());
    let handle = to.params().get("fc.weight").unwrap().shallow_clone();
    to.params_mut().load(&state(from.params().iter())).unwrap();
    assert_eq!(state(to.params().iter()), state(from.params().iter()));
    assert_eq!(&handle, from.params().get("fc.weight").unwrap());
    assert!(handle.requires_grad());
}

#[test]
fn every_difference_is_told_and_nothing_is_changed() {
    let mut network = head();
    let before = state(network.params().iter());
    let mut wrong = state(head().params().iter());
    let options = (Kind::Float, Device::Cpu);
    wrong.insert("fc.weight".to_owned(), Tensor::ones([1], options));
    wrong.insert(
        "fc.bias".to_owned(),
        Tensor::ones([4], (Kind::Half, Device::Cpu)),
    );
    wrong.insert("fc.extra".to_owned(), Tensor::ones([4], options));
    wrong.remove("lstm.bias_hh_l0");
    wrong.insert(
        "lstm.bias_ih_l0".to_owned(),
        Tensor::ones([1, 16], (Kind::Double, Device::Cpu)),
    );
    let Err(NnError::State { differences }) = network.params_mut().load(&wrong) else {
        panic!("a wrong state was taken");
    };
    let expected = [
        Difference::Shape {
            name: "lstm.bias_ih_l0".to_owned(),
            expected: vec![16],
            found: vec![1, 16],
        },
        Difference::Dtype {
            name: "lstm.bias_ih_l0".to_owned(),
            expected: Kind::Float,
            found: Kind::Double,
        },
        Difference::Missing {
            name: "lstm.bias_hh_l0".to_owned(),
        },
        Difference::Shape {
            name: "fc.weight".to_owned(),
            expected: vec![4, 8],
            found: vec![1],
        },
        Difference::Dtype {
            name: "fc.bias".to_owned(),
            expected: Kind::Float,
            found: Kind::Half,
        },
        Difference::Unexpected {
            name: "fc.extra".to_owned(),
        },
    ];
    assert_eq!(differences, expected);
    assert_eq!(state(network.params().iter()), before);
    let message = NnError::State { differences }.to_string();
    assert!(message.contains("6 differences"), "{message}");
    assert!(
        message.contains("fc.weight: expected shape [4, 8], found [1]"),
        "{message}"
    );
}

fn mixed() -> Vec<(String, Tensor)> {
    let columns = Tensor::arange(6, (Kind::Float, Device::Cpu))
        .view([2, 3])
        .transpose(0, 1);
    vec![
        ("b".to_owned(), columns.set_requires_grad(true)),
        ("a".to_owned(), Tensor::from_slice(&[1.5f64, f64::NAN])),
        ("step".to_owned(), Tensor::from(7i64)),
        ("flag".to_owned(), Tensor::from_slice(&[true, false, true])),
        (
            "none".to_owned(),
            Tensor::zeros([0, 3], (Kind::Float, Device::Cpu)),
        ),
        (
            "half".to_owned(),
            Tensor::from_slice(&[0.5f32]).to_kind(Kind::BFloat16),
        ),
    ]
}

#[test]
fn tensors_come_back_as_they_went() {
    let metadata = BTreeMap::from([
        ("x".to_owned(), "1".to_owned()),
        ("a".to_owned(), "é".to_owned()),
    ]);
    let bytes = safetensors_io::to_bytes(&mixed(), &metadata).unwrap();
    let (read, read_metadata) = safetensors_io::from_bytes(&bytes).unwrap();
    assert_eq!(read_metadata, metadata);
    assert_eq!(read.len(), mixed().len());
    for (name, tensor) in mixed() {
        assert_eq!(read[&name].size(), tensor.size(), "{name}");
        assert_eq!(read[&name].kind(), tensor.kind(), "{name}");
        let (found, expected) = (
            read[&name].to_kind(Kind::Double),
            tensor.to_kind(Kind::Double),
        );
        assert!(found.allclose(&expected, 0.0, 0.0, true), "{name}");
    }
    let mut other_order = mixed();
    other_order.reverse();
    assert_eq!(
        safetensors_io::to_bytes(&other_order, &metadata).unwrap(),
        bytes
    );
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = safetensors_io::to_bytes(&mixed(), &BTreeMap::new()).unwrap();
    for n in 0..bytes.len() {
        assert!(
            safetensors_io::from_bytes(&bytes[..n]).is_err(),
            "cut to {n} bytes"
        );
    }
    let check = |header: &str, n_bytes: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + n_bytes, 0);
        safetensors_io::from_bytes(&bytes).map(|(tensors, _)| tensors.len())
    };
    let entry = |name: &str, dtype: &str, shape: &str, at: &str| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{at}}}"#)
    };
    let one = |dtype: &str, shape: &str, at: &str| format!("{{{}}}", entry("a", dtype, shape, at));
    assert_eq!(check(&one("F32", "[2]", "[0,8]"), 8).unwrap(), 1);
    for (header, n_bytes) in [
        (one("F32", "[2]", "[0,8]"), 9),
        (one("F32", "[3]", "[0,8]"), 8),
        (one("F32", "[2]", "[4,12]"), 12),
        (one("F8_E4M3", "[8]", "[0,8]"), 8),
        (one("X9", "[8]", "[0,8]"), 8),
        (one("F32", "[4611686018427387904,4]", "[0,0]"), 0),
        (one("F32", "[-1]", "[0,8]"), 8),
        // Two tensors over the same bytes.
        (
            format!(
                "{{{},{}}}",
                entry("a", "F32", "[2]", "[0,8]"),
                entry("b", "F32", "[2]", "[0,8]")
            ),
            8,
        ),
        ("[]".to_owned(), 0),
    ] {
        assert!(check(&header, n_bytes).is_err(), "{header}");
    }
}

#[test]
fn a_name_comes_once() {
    let twice: Vec<_> = mixed().into_iter().chain(mixed()).collect();
    let error = safetensors_io::to_bytes(&twice, &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("is taken"), "{error}");
}

#[test]
fn pythons_files_are_refused_with_the_way_out() {
    use pe_binding::Explain;
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = safetensors_io::read(&path, &Files::free()).unwrap_err();
        assert!(
            matches!(error, NnError::PyTorchFile { .. }),
            "{name}: {error}"
        );
        assert!(error.hint().unwrap().contains("scripts/weights/convert.py"));
    };
    check("weights.pth", b"");
    check("weights.PT", b"");
    check("weights.ot", b"");
    check("weights.safetensors", b"PK\x03\x04rest");
    check("legacy", b"\x80\x02\x8a\nrest");
    let error =
        safetensors_io::read(Path::new("/nowhere/a.safetensors"), &Files::free()).unwrap_err();
    assert!(matches!(error, NnError::Io { .. }), "{error}");
}

/// A state of a network of this width as a file of the converter's.
fn file(folder: &Path, n_outputs: i64, change: impl FnOnce(&mut State)) -> std::path::PathBuf {
    let network = Backbone::new(BackboneKind::EfficientNetB0, n_outputs, Device::Cpu).unwrap();
    let mut state = state(network.params().iter());
    change(&mut state);
    let state: Vec<_> = state.into_iter().collect();
    let metadata = BTreeMap::from([("source_sha256".to_owned(), "7f5810bc96".to_owned())]);
    let path = folder.join("weights.safetensors");
    std::fs::write(&path, safetensors_io::to_bytes(&state, &metadata).unwrap()).unwrap();
    path
}

#[test]
fn pretrained_weights_are_taken_but_for_a_classifier_of_another_width() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 10, |_| ());
    let given = safetensors_io::read(&path, &Files::free()).unwrap();
    let mut network = Backbone::new(BackboneKind::EfficientNetB0, 1, Device::Cpu).unwrap();
    let own = network.params().get("classifier.1.weight").unwrap().copy();
    let adapted = network.load_pretrained(&path, &Files::free()).unwrap();
    let told = adapted.classifier_replaced.unwrap();
    assert!(told.contains("10 outputs, this network 1"), "{told}");
    assert_eq!(adapted.known, Some("EfficientNet_B0_Weights.IMAGENET1K_V1"));
    assert_eq!(adapted.sha256.len(), 64);
    assert_eq!(network.params().get("classifier.1.weight").unwrap(), &own);
    assert_eq!(
        network.params().get("features.0.0.weight").unwrap(),
        &given["features.0.0.weight"]
    );

    let mut same = Backbone::new(BackboneKind::EfficientNetB0, 10, Device::Cpu).unwrap();
    assert_eq!(
        same.load_pretrained(&path, &Files::free())
            .unwrap()
            .classifier_replaced,
        None
    );
    assert_eq!(state(same.params().iter()), given);
}

#[test]
fn pretrained_weights_must_fit_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let check = |kind: BackboneKind, n_outputs: i64, change: fn(&mut State), expected: &str| {
        let path = file(folder.path(), 10, change);
        let mut network = Backbone::new(kind, n_outputs, Device::Cpu).unwrap();
        let before = state(network.params().iter());
        let error = network
            .load_pretrained(&path, &Files::free())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(state(network.params().iter()), before);
    };
    let b0 = BackboneKind::EfficientNetB0;
    let no_bias = |state: &mut State| drop(state.remove("classifier.1.bias"));
    check(b0, 1, no_bias, "classifier.1.bias: missing");
    let no_stem = |state: &mut State| drop(state.remove("features.0.0.weight"));
    check(b0, 1, no_stem, "features.0.0.weight: missing");
    check(BackboneKind::R3d18, 1, |_| (), "stem.0.weight: missing");
}
