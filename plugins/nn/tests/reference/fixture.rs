//! Reading fixtures and comparing with them.

use std::collections::BTreeMap;
use std::path::Path;

use pe_nn::tch::{Kind, Tensor};
use pe_nn::{Parameters, safetensors_io};

use crate::formula::digest;

pub struct Fixture {
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
}

impl Fixture {
    pub fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let (tensors, metadata) = safetensors_io::from_bytes(&bytes).unwrap();
        Self { tensors, metadata }
    }

    pub fn metadata(&self, name: &str) -> &str {
        &self.metadata[name]
    }

    /// Names and shapes, in order.
    pub fn check_keys(&self, params: &Parameters) {
        let found: Vec<String> = params
            .iter()
            .map(|(name, tensor)| format!("{name} {:?}", tensor.size()))
            .collect();
        let expected: Vec<&str> = self.metadata("keys").lines().collect();
        assert_eq!(found, expected);
    }

    /// The largest difference of one number.
    pub fn check_each(&self, name: &str, found: &Tensor, tolerance: f64) {
        let difference = (found - &self.tensors[name]).abs().max().double_value(&[]);
        eprintln!("{name}: at most {difference:.1e}");
        assert!(difference < tolerance, "{name}: {difference:e}");
    }

    /// The error relative to the tensor's norm.
    pub fn check(&self, name: &str, found: &Tensor, tolerance: f64) {
        let expected = &self.tensors[name];
        assert_eq!(found.size(), expected.size(), "{name}");
        let (found, expected) = (found.to_kind(Kind::Double), expected.to_kind(Kind::Double));
        let error = (found - &expected).norm().double_value(&[]);
        let error = error / expected.norm().double_value(&[]);
        eprintln!("{name}: {error:.1e}");
        assert!(error <= tolerance, "{name}: {error:e} > {tolerance:e}");
    }

    /// The same for tensors that the fixture holds digests of.
    ///
    /// A gradient that is 0 but for rounding (a bias whose effect the next BatchNorm removes) only
    /// has to be as small here, put against the largest one.
    pub fn check_digests<'a>(
        &self,
        name: &str,
        found: impl Iterator<Item = (&'a str, Tensor)>,
        tolerance: f64,
    ) {
        let expected = &self.tensors[name];
        let largest = expected.select(1, 0).max().double_value(&[]);
        let almost_zero = tolerance.min(1e-4) * largest;
        let found: Vec<_> = found.collect();
        assert_eq!(found.len() as i64, expected.size()[0], "{name}");
        let mut worst = 0.0;
        let mut n_zero = 0;
        for (row, (its_name, tensor)) in found.into_iter().enumerate() {
            let expected = Vec::<f64>::try_from(&expected.get(row as i64)).unwrap();
            let found = digest(&tensor);
            if expected[0] <= almost_zero {
                assert!(
                    found[0] <= 10.0 * almost_zero,
                    "{name} {its_name}: {found:?}"
                );
                n_zero += 1;
                continue;
            }
            let errors = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let error = errors.fold(0.0, f64::max) / expected[0];
            assert!(
                error <= tolerance,
                "{name} {its_name}: {error:e} > {tolerance:e}"
            );
            worst = f64::max(worst, error);
        }
        eprintln!("{name}: at most {worst:.1e}, {n_zero} are 0");
    }

    pub fn check_gradients(&self, prefix: &str, params: &Parameters, tolerance: f64) {
        let gradients = params
            .trainable()
            .map(|(name, tensor)| (name, tensor.grad()));
        self.check_digests(&format!("{prefix}.grad"), gradients, tolerance);
    }
}
