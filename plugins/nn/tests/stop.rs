//! A pass through a network is left where the guard's question is answered with yes, and a guard
//! that is answered with no changes nothing.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pe_nn::tch::{Device, Kind, Tensor, manual_seed};
use pe_nn::{
    Autocast, Backbone, BackboneKind, HeadKind, Mode, NnError, SequenceHead, Stoppable, gradients,
};

/// libtorch's generator is one for the process: tests that draw from it take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A network, small input, and its tensors as they were.
struct Case {
    network: Network,
    input: Tensor,
    before: Vec<Tensor>,
}

enum Network {
    Cnn(Box<Backbone>),
    Sequence(SequenceHead),
}

impl Case {
    fn cnn(kind: BackboneKind) -> Self {
        let size: &[i64] = match kind {
            BackboneKind::EfficientNetB0 | BackboneKind::EfficientNetLite0 => &[2, 3, 32, 32],
            BackboneKind::R3d18 => &[2, 3, 4, 16, 16],
        };
        manual_seed(3);
        let network = Backbone::new(kind, 1, Device::Cpu).unwrap();
        Self::new(Network::Cnn(Box::new(network)), size)
    }

    fn sequence(kind: &HeadKind) -> Self {
        manual_seed(3);
        let head = SequenceHead::new(kind, 6, 1, Device::Cpu).unwrap();
        Self::new(Network::Sequence(head), &[2, 9, 6])
    }

    fn new(network: Network, size: &[i64]) -> Self {
        let mut case = Self {
            network,
            input: Tensor::randn(size, (Kind::Float, Device::Cpu)),
            before: Vec::new(),
        };
        case.before = case.state().iter().map(Tensor::copy).collect();
        case
    }

    fn params(&self) -> &pe_nn::Parameters {
        match &self.network {
            Network::Cnn(network) => network.params(),
            Network::Sequence(network) => network.params(),
        }
    }

    fn state(&self) -> Vec<Tensor> {
        let all = self.params().iter();
        all.map(|(_, tensor)| tensor.detach()).collect()
    }

    fn put_back(&self) {
        for (mut now, before) in self.state().into_iter().zip(&self.before) {
            now.copy_(before);
        }
    }

    fn logits(&self, mode: Mode) -> Result<Tensor, NnError> {
        match &self.network {
            Network::Cnn(network) => network.logits(&self.input, mode),
            Network::Sequence(network) => {
                let valid = Tensor::ones(&self.input.size()[..2], (Kind::Bool, Device::Cpu));
                network.logits(&self.input, &valid, mode)
            }
        }
    }

    /// A training step without the step: logits, then gradients and buffers.
    fn step(&self, mixed: bool) -> Result<Vec<Tensor>, NnError> {
        manual_seed(5);
        let logits = {
            let _open = mixed.then(|| Autocast::bf16(Device::Cpu).unwrap());
            self.logits(Mode::Train)?
        };
        let loss = logits.to_kind(Kind::Float).square().mean(Kind::Float);
        let params: Vec<&Tensor> = self.params().trainable().map(|(_, one)| one).collect();
        let mut found = gradients(&loss, &params)?;
        found.push(logits.detach());
        found.extend(self.params().buffers().map(|(_, one)| one.copy()));
        Ok(found)
    }
}

/// Yes from the question of this number on, counted from 0, and how many were asked.
fn yes_at(place: usize) -> (Stoppable, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let guard = Stoppable::enter(move || counter.fetch_add(1, Ordering::Relaxed) >= place);
    (guard, asked)
}

/// Nothing of a pass that was left lingers on this thread.
fn nothing_lingers() {
    let leaf = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    assert!((leaf * 2.0).requires_grad(), "gradients are on");
    assert!(!Autocast::is_open(Device::Cpu).unwrap());
}

fn check(name: &str, case: &Case, mixed: bool) {
    let plain = case.step(mixed).unwrap();
    case.put_back();
    let (guard, asked) = yes_at(usize::MAX);
    assert_eq!(
        case.step(mixed).unwrap(),
        plain,
        "{name}: a guard changes nothing"
    );
    drop(guard);
    case.put_back();
    let n_asked = asked.load(Ordering::Relaxed);
    let (guard, asked) = yes_at(usize::MAX);
    let _ = case.logits(Mode::Eval).unwrap();
    drop(guard);
    // Forward and backward ask at the same places, and most networks at many.
    assert_eq!(n_asked, 2 * asked.load(Ordering::Relaxed), "{name}");
    // All of the first and last ones, and some between.
    let places = (0..n_asked).filter(|place| place % 11 == 0 || place + 3 > n_asked);
    for place in places {
        let (guard, asked) = yes_at(place);
        let stopped = case.step(mixed);
        assert!(
            matches!(stopped, Err(NnError::Stopped)),
            "{name} at {place}: {stopped:?}"
        );
        assert_eq!(
            asked.load(Ordering::Relaxed),
            place + 1,
            "{name}: a yes stays"
        );
        drop(guard);
        nothing_lingers();
        case.put_back();
    }
    assert_eq!(
        case.step(mixed).unwrap(),
        plain,
        "{name}: as if nothing had been"
    );
    case.put_back();
}

#[test]
fn backbones_are_left_at_every_place_and_go_on_with_the_same_bits() {
    let _alone = alone();
    for kind in BackboneKind::ALL {
        check(kind.name(), &Case::cnn(kind), false);
    }
}

/// Not R3D-18: libtorch 2.11's gradients of small 3D convolutions in bfloat16 on the CPU are not
/// the same from one step to the next.
#[test]
fn mixed_precision_is_left_too() {
    let _alone = alone();
    let case = Case::cnn(BackboneKind::EfficientNetB0);
    check("efficientnet_b0 in bfloat16", &case, true);
}

#[test]
fn sequence_models_are_left_too() {
    let _alone = alone();
    for kind in [HeadKind::bilstm(), HeadKind::tcn()] {
        check(&format!("{kind:?}"), &Case::sequence(&kind), false);
    }
}

#[test]
fn a_network_in_use_is_left_and_its_weights_are_as_they_were() {
    let _alone = alone();
    for kind in BackboneKind::ALL {
        let case = Case::cnn(kind);
        for place in [0, 1, 7, 18] {
            let _no_grad = pe_nn::tch::no_grad_guard();
            let (_guard, _) = yes_at(place);
            let stopped = case.logits(Mode::Eval);
            assert!(
                matches!(stopped, Err(NnError::Stopped)),
                "{kind} at {place}"
            );
            assert_eq!(case.state(), case.before, "{kind} at {place}");
        }
        nothing_lingers();
    }
}

#[test]
fn the_innermost_guard_is_asked_and_the_outer_one_after_it() {
    let _alone = alone();
    let case = Case::cnn(BackboneKind::EfficientNetB0);
    let (_outer, _) = yes_at(0);
    {
        let (_inner, _) = yes_at(usize::MAX);
        assert!(case.logits(Mode::Eval).is_ok());
    }
    assert!(matches!(case.logits(Mode::Eval), Err(NnError::Stopped)));
}

#[test]
fn a_question_that_panics_in_the_backward_pass_stops_it() {
    let _alone = alone();
    let case = Case::cnn(BackboneKind::EfficientNetB0);
    let asked = AtomicUsize::new(0);
    // 49 convolutions with normalisation ask in the forward pass.
    let _guard = Stoppable::enter(move || {
        assert!(asked.fetch_add(1, Ordering::Relaxed) < 60, "on purpose");
        false
    });
    assert!(matches!(case.step(false), Err(NnError::Stopped)));
}
