/// Mode of a forward pass: training or inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// BatchNorm uses and records the batch's statistics; dropout and stochastic depth draw from
    /// libtorch's global generator.
    Train,
    /// BatchNorm uses the recorded statistics; nothing is random.
    Eval,
}

impl Mode {
    /// Returns whether this is [`Train`](Self::Train).
    pub fn is_train(self) -> bool {
        self == Self::Train
    }
}
