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
}

/// The bytes of a file with this header and as many bytes of tensors, which are 0.
fn with_header(header: &str, n_data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + n_data, 0);
    bytes
}

fn entry(name: &str, dtype: &str, shape: &str, at: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{at}}}"#)
}

fn two(first: &str, second: &str) -> String {
    format!("{{{first},{second}}}")
}

/// Refused with and without the tensors, from bytes and from a file, whose name is told.
fn check_lie(bytes: &[u8], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lies.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(90)]);
    let from_bytes = safetensors_io::from_bytes(bytes).map(drop);
    let read = safetensors_io::read(&path, &Files::free()).map(drop);
    let shapes = safetensors_io::shapes(&path, &Files::free()).map(drop);
    for (what, found) in [("bytes", from_bytes), ("read", read), ("shapes", shapes)] {
        let error = found.err().unwrap_or_else(|| panic!("{what} took {shown}"));
        let text = error.to_string();
        assert!(
            text.contains(expected),
            "{shown}: {what}: expected {expected:?}, found {text}"
        );
        assert_eq!(text.contains("lies.safetensors"), what != "bytes", "{text}");
    }
}

/// A file of one tensor, `a`.
fn one(dtype: &str, shape: &str, at: &str, n_data: usize) -> Vec<u8> {
    with_header(&format!("{{{}}}", entry("a", dtype, shape, at)), n_data)
}

fn a(at: &str) -> String {
    entry("a", "F32", "[2]", at)
}

fn b(at: &str) -> String {
    entry("b", "F32", "[2]", at)
}

#[test]
fn lengths_of_headers_that_lie_are_refused() {
    let right = one("F32", "[2]", "[0,8]", 8);
    assert_eq!(safetensors_io::from_bytes(&right).unwrap().0.len(), 1);
    check_lie(b"", "found 0 bytes");
    check_lie(b"1234567", "found 7 bytes");
    check_lie(&[0; 8], "its header: EOF");
    check_lie(
        &[&[2, 1, 0, 0, 0, 0, 0, 0], &b"{}"[..]].concat(),
        "says 258 bytes, but only 2 follow",
    );
    check_lie(
        &[&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
        "at most 10000000 bytes",
    );
    check_lie(
        &100_000_001u64.to_le_bytes(),
        "at most 10000000 bytes, found one that says 100000001",
    );
}

#[test]
fn headers_that_are_no_json_of_tensors_are_refused() {
    check_lie(&with_header("[]", 0), "its header:");
    check_lie(&with_header("{\"a\":", 0), "its header: EOF");
    check_lie(&with_header("\u{1}", 0), "its header:");
    check_lie(&with_header(&"[".repeat(100_000), 0), "recursion limit");
    let deep = format!("{}1{}", "{\"a\":".repeat(201), "}".repeat(201));
    check_lie(&with_header(&deep, 0), "recursion limit");
    let mut latin = with_header("{\"a\":1}", 0);
    latin[10] = 0xe9;
    check_lie(&latin, "its header:");
}

#[test]
fn names_that_come_twice_are_refused() {
    check_lie(
        &with_header(&two(&a("[0,8]"), &a("[0,8]")), 8),
        "`a` comes twice",
    );
    check_lie(
        &with_header(&two(&a("[0,8]"), &a("[8,16]")), 16),
        "`a` comes twice",
    );
    let dtypes = r#"{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#;
    check_lie(&with_header(dtypes, 8), "`dtype` comes twice");
    check_lie(
        &with_header(r#"{"__metadata__":{"x":"1","x":"2"}}"#, 0),
        "`x` comes twice",
    );
}

#[test]
fn offsets_that_lie_are_refused() {
    check_lie(
        &one("F32", "[4]", "[0,16]", 8),
        "describes 16 bytes of tensors, but 8 follow",
    );
    check_lie(
        &one("F32", "[2]", "[0,8]", 9),
        "describes 8 bytes of tensors, but 9 follow",
    );
    check_lie(&one("F32", "[2]", "[4,12]", 12), "leaves a gap");
    check_lie(&one("F32", "[2]", "[8,0]", 8), "found the offsets 8 to 0");
    check_lie(&one("F32", "[2]", "[-8,0]", 8), "its header:");
    check_lie(
        &one("F32", "[2]", "[0,18446744073709551616]", 8),
        "its header:",
    );
    check_lie(
        &with_header(&two(&a("[0,8]"), &b("[0,8]")), 8),
        "b: begins at byte 0 and overlaps",
    );
    check_lie(
        &with_header(&two(&a("[0,8]"), &b("[4,12]")), 12),
        "b: begins at byte 4 and overlaps",
    );
    check_lie(
        &with_header(&two(&a("[0,8]"), &b("[12,20]")), 20),
        "b: begins at byte 12 and leaves",
    );
}

#[test]
fn kinds_and_shapes_that_lie_are_refused() {
    check_lie(
        &one("F32", "[3]", "[0,8]", 8),
        "has 12 bytes, found the offsets 0 to 8",
    );
    check_lie(
        &one("F64", "[2]", "[0,8]", 8),
        "F64 of shape [2] has 16 bytes",
    );
    check_lie(&one("F8_E4M3", "[8]", "[0,8]", 8), "not supported");
    check_lie(&one("X9", "[8]", "[0,8]", 8), "its header:");
    check_lie(&one("F32", "[-1]", "[0,8]", 8), "its header:");
    check_lie(
        &one("F32", "[4611686018427387904,4]", "[0,0]", 0),
        "out of range",
    );
    check_lie(
        &one("F32", "[4294967296,4294967296]", "[0,0]", 0),
        "out of range",
    );
    check_lie(
        &one("F32", "[0,4611686018427387904,4]", "[0,0]", 0),
        "out of range",
    );
    check_lie(
        &one("U8", "[9223372036854775808]", "[0,0]", 0),
        "out of range",
    );
    let axes = format!("[{}1]", "1,".repeat(64));
    check_lie(&one("U8", &axes, "[0,1]", 1), "at most 64 axes, found 65");
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), Path::new("/dev/zero")] {
        for found in [
            safetensors_io::read(path, &Files::free()).map(drop),
            safetensors_io::shapes(path, &Files::free()).map(drop),
            safetensors_io::sha256(path, &Files::free()).map(drop),
        ] {
            let error = found.unwrap_err().to_string();
            assert!(error.contains("expected a file"), "{error}");
        }
    }
}

#[test]
fn a_header_without_its_tensors_costs_no_memory_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.safetensors");
    // A terabyte that takes no room on the disk, whose header says less.
    let file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, &with_header("{}", 0)).unwrap();
    file.set_len(1 << 40).unwrap();
    for found in [
        safetensors_io::read(&path, &Files::free()).map(drop),
        safetensors_io::shapes(&path, &Files::free()).map(drop),
    ] {
        let error = found.unwrap_err().to_string();
        assert!(error.contains("describes 0 bytes of tensors"), "{error}");
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
        let command = format!(
            "`PYTHONPATH=.libtorch python3 scripts/weights/convert.py {} ",
            path.display()
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains(&command), "{hint}");
        for found in [
            safetensors_io::shapes(&path, &Files::free()).map(drop),
            safetensors_io::sha256(&path, &Files::free()).map(drop),
        ] {
            assert!(matches!(found, Err(NnError::PyTorchFile { .. })), "{name}");
        }
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

/// Every kind of file that is refused, converted by the command that the refusal gives.
#[test]
fn the_way_out_leads_out() {
    use pe_binding::Explain;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = |arguments: &[&str]| {
        std::process::Command::new("python3")
            .args(arguments)
            .env("PYTHONPATH", ".libtorch")
            .current_dir(&root)
            .output()
    };
    if !python(&["-c", "import torch"]).is_ok_and(|run| run.status.success()) {
        return eprintln!("skipped: Python with torch is missing, which `make setup` brings");
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Backbone::new(BackboneKind::EfficientNetB0, 3, Device::Cpu).unwrap();
    let state = state(network.params().iter());
    // As tch's `VarStore::save` writes it.
    let named: Vec<_> = state
        .iter()
        .map(|(name, one)| (name.replace('.', "|"), one))
        .collect();
    let archive = folder.path().join("it's tch's.ot");
    Tensor::save_multi(&named, &archive).unwrap();
    let (new, old) = (folder.path().join("new.pth"), folder.path().join("old.pt"));
    let turned = folder.path().join("turned.pth");
    let save = "import sys, torch\n\
        one = torch.jit.load(sys.argv[1])\n\
        state = {name.replace('|', '.'): tensor for name, tensor in one.named_parameters()}\n\
        torch.save(state, sys.argv[2])\n\
        torch.save(state, sys.argv[3], _use_new_zipfile_serialization=False)\n\
        last = torch.channels_last\n\
        state = {name: one.to(memory_format=last) if one.dim() == 4 else one for name, one in state.items()}\n\
        torch.save(state, sys.argv[4])";
    let paths = [archive, new, old, turned].map(|path| path.display().to_string());
    let [archive, new, old, turned] = &paths;
    let saved = python(&["-c", save, archive, new, old, turned]).unwrap();
    assert!(
        saved.status.success(),
        "{}",
        String::from_utf8_lossy(&saved.stderr)
    );

    for path in &paths {
        let error = safetensors_io::read(Path::new(&path), &Files::free()).unwrap_err();
        let hint = error.hint().unwrap();
        let command = hint.split('`').nth(1).unwrap();
        let run = std::process::Command::new("sh")
            .args(["-c", command])
            .current_dir(&root)
            .output();
        let run = run.unwrap();
        assert!(
            run.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
        let converted = Path::new(&path).with_extension("safetensors");
        assert_eq!(
            safetensors_io::read(&converted, &Files::free()).unwrap(),
            state,
            "{path}"
        );
    }
}

/// A pickle is a program, which the converter must not run.
#[test]
fn the_converter_runs_nothing_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name).display().to_string();
    let [file, out, mark] = ["evil.pth", "evil.safetensors", "mark"].map(path);
    let make = "import os, pickle, sys\n\
        class Evil:\n\
        \x20   def __reduce__(self): return os.mkdir, (sys.argv[2],)\n\
        with open(sys.argv[1], 'wb') as file:\n\
        \x20   for part in (0x1950A86A20F9469CFC6C, 1001, {'little_endian': True}, {'a': Evil()}, []):\n\
        \x20       pickle.dump(part, file, protocol=2)";
    let python = |arguments: &[&str]| {
        let mut python = std::process::Command::new("python3");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        python.args(arguments).current_dir(root).output()
    };
    if !python(&["-c", make, &file, &mark]).is_ok_and(|run| run.status.success()) {
        return eprintln!("skipped: python3 is missing");
    }
    let run = python(&["scripts/weights/convert.py", &file, &out]).unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(
        !run.status.success() && told.contains("it wants to run posix.mkdir"),
        "{told}"
    );
    assert!(!Path::new(&mark).exists());
    // Cut off or of no kind at all, it is told so, without a trace of Python's.
    for bytes in [&b"\x80\x02"[..], b"PK\x03\x04", b"", b"text"] {
        std::fs::write(&file, bytes).unwrap();
        let run = python(&["scripts/weights/convert.py", &file, &out]).unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(
            told.contains("is no file of PyTorch weights") && !told.contains("Traceback"),
            "{told}"
        );
    }
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
    assert_eq!(
        adapted.sha256,
        safetensors_io::sha256(&path, &Files::free()).unwrap()
    );
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
