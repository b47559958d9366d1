/// Whether a network learns or is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// BatchNorm uses and records the batch's statistics; dropout and stochastic depth draw from
    /// libtorch's global generator.
    Train,
    /// BatchNorm uses what it recorded; nothing is drawn.
    Eval,
}

impl Mode {
    /// Whether this is [`Train`](Self::Train).
    pub fn is_train(self) -> bool {
        self == Self::Train
    }
}
