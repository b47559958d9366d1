use pe_nn::tch::{Device, Kind, Tensor, manual_seed, no_grad_guard};
use pe_nn::{Backbone, BackboneKind, Mode, NnError};

use crate::fixture::Fixture;
use crate::formula::{fill, given};
use crate::{SEED, alone};

/// One network with the input that its fixture was made with.
pub struct Case {
    pub kind: BackboneKind,
    pub size: &'static [i64],
    pub n_outputs: i64,
}

pub const CASES: [Case; 3] = [
    Case {
        kind: BackboneKind::EfficientNetB0,
        size: &[4, 3, 64, 64],
        n_outputs: 5,
    },
    // Odd and even sizes are padded in other ways.
    Case {
        kind: BackboneKind::EfficientNetLite0,
        size: &[4, 3, 63, 70],
        n_outputs: 5,
    },
    Case {
        kind: BackboneKind::R3d18,
        size: &[2, 3, 16, 32, 32],
        n_outputs: 32,
    },
];

impl Case {
    pub fn filled(&self, kind: Kind) -> Backbone {
        let mut network = Backbone::new(self.kind, self.n_outputs, Device::Cpu).unwrap();
        fill(network.params());
        network.params_mut().to_kind(kind).unwrap();
        network
    }

    pub fn input(&self, kind: Kind) -> Tensor {
        given("input", self.size).to_kind(kind)
    }

    /// Relative errors of a forward and of a backward pass.
    ///
    /// That the arithmetic is the same is seen in float64. In float32 a sum in another order is
    /// enough to put one of R3D's activations on the other side of ReLU's corner: torchvision's own
    /// gradients differ by 7e-3 between the two layouts of memory, while the logits agree to 3e-6.
    /// EfficientNet-Lite0 has two such corners, EfficientNet-B0 none.
    pub fn tolerance(&self, kind: Kind) -> (f64, f64) {
        match (kind, self.kind) {
            (Kind::Double, _) => (1e-12, 1e-11),
            (_, BackboneKind::EfficientNetB0) => (5e-5, 1e-4),
            (_, BackboneKind::EfficientNetLite0 | BackboneKind::R3d18) => (5e-5, 3e-2),
        }
    }

    pub fn cotangent(&self, kind: Kind) -> Tensor {
        given("cotangent", &[self.size[0], self.n_outputs]).to_kind(kind)
    }
}

#[test]
fn names_shapes_and_initialisation_are_torchvisions() {
    let _alone = alone();
    for case in CASES {
        let fixture = Fixture::open(case.kind.name());
        manual_seed(SEED);
        let network = Backbone::new(case.kind, case.n_outputs, Device::Cpu).unwrap();
        fixture.check_keys(network.params());
        let n_parameters = network.params().n_parameters();
        assert_eq!(n_parameters.to_string(), fixture.metadata("n_parameters"));
        let state = network.params().iter();
        let state = state.map(|(name, tensor)| (name, tensor.shallow_clone()));
        // The same bits where both ran on one kind of processor.
        fixture.check_digests("fresh", state, 1e-6);
    }
}

#[test]
fn the_imagenet_weights_give_the_packages_features() {
    let _alone = alone();
    let mut network = Backbone::new(BackboneKind::EfficientNetLite0, 1000, Device::Cpu).unwrap();
    match network.load_imagenet() {
        Ok(adapted) => assert_eq!(adapted.classifier_replaced, None),
        Err(error @ NnError::NotInstalled { .. }) => return eprintln!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
    network.channels_last().unwrap();
    let fixture = Fixture::open("efficientnet_lite0_imagenet");
    let _no_grad = no_grad_guard();
    for (rows, cols) in [(64, 64), (97, 97), (101, 158), (224, 224)] {
        let name = format!("{rows} x {cols}");
        let image = given(&format!("image {name}"), &[1, 3, rows, cols]);
        let features = network.features(&image, Mode::Eval).unwrap();
        fixture.check_each(&name, &features, 1e-4);
        fixture.check(&name, &features, 1e-5);
    }
}

#[test]
fn published_counts() {
    let _alone = alone();
    let check = |kind, n_outputs, n_keys, n_parameters| {
        let network = Backbone::new(kind, n_outputs, Device::Cpu).unwrap();
        assert_eq!(network.params().iter().count(), n_keys);
        assert_eq!(network.params().n_parameters(), n_parameters);
    };
    check(BackboneKind::EfficientNetB0, 1000, 360, 5_288_548);
    check(BackboneKind::EfficientNetLite0, 1000, 296, 4_652_008);
    check(BackboneKind::R3d18, 400, 122, 33_371_472);
}

#[test]
fn outputs_gradients_and_statistics_are_torchvisions_in_float32() {
    equal(Kind::Float, "f32");
}

#[test]
fn outputs_gradients_and_statistics_are_torchvisions_in_float64() {
    equal(Kind::Double, "f64");
}

fn equal(kind: Kind, prefix: &str) {
    let _alone = alone();
    for case in CASES {
        let (forward, backward) = case.tolerance(kind);
        let fixture = Fixture::open(case.kind.name());
        let network = case.filled(kind);
        {
            let _no_grad = no_grad_guard();
            let logits = network.logits(&case.input(kind), Mode::Eval).unwrap();
            fixture.check(&format!("{prefix}.eval.logits"), &logits, forward);
        }
        let input = case.input(kind).set_requires_grad(true);
        manual_seed(SEED);
        let logits = network.logits(&input, Mode::Train).unwrap();
        (&logits * case.cotangent(kind)).sum(kind).backward();
        let prefix = format!("{prefix}.train");
        fixture.check(&format!("{prefix}.logits"), &logits, forward);
        fixture.check_gradients(&prefix, network.params(), backward);
        let of_input = std::iter::once(("input", input.grad()));
        fixture.check_digests(&format!("{prefix}.input_grad"), of_input, backward);
        let buffers = network
            .params()
            .iter()
            .filter(|(_, tensor)| !tensor.requires_grad());
        let buffers = buffers.map(|(name, tensor)| (name, tensor.shallow_clone()));
        fixture.check_digests(&format!("{prefix}.buffers"), buffers, forward);
    }
}
