//! Tracks the place of the last call into a plugin.
//!
//! Rhai gives an error of a native function the position of its call, but not if the call is
//! qualified, as `ct::window(…)` and all calls into plugins are. So the host records the position of
//! each such call as it begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rhai::debugger::DebuggerCommand;
use rhai::{ASTNode, Engine, Expr, Position, Stmt};

/// Position of the qualified call that began last. Cheap to clone; all clones share it.
///
/// Of nested calls, it is the last that began, also after that one has returned.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastCall(Arc<AtomicU32>);

impl LastCall {
    /// Starts to track the calls of an engine, by Rhai's debugger interface.
    pub(crate) fn follow(engine: &mut Engine) -> Self {
        let last = Self::default();
        let seen = last.clone();
        // Deprecated only because the interface may change; Cargo.lock pins the version.
        #[allow(deprecated)]
        engine.register_debugger(
            |_, debugger| debugger,
            move |_, _, node, _, _| {
                if let ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)) =
                    node
                    && call.is_qualified()
                {
                    seen.set(*at);
                }
                Ok(DebuggerCommand::StepInto)
            },
        );
        last
    }

    fn set(&self, at: Position) {
        // Line and column in one atomic number: Rhai's have 16 bits each.
        let line = at.line().and_then(|line| u16::try_from(line).ok());
        let column = at.position().and_then(|column| u16::try_from(column).ok());
        let packed = u32::from(line.unwrap_or(0)) << 16 | u32::from(column.unwrap_or(0));
        self.0.store(packed, Ordering::Relaxed);
    }

    /// The position; [`Position::NONE`] before the first call.
    pub(crate) fn position(&self) -> Position {
        let packed = self.0.load(Ordering::Relaxed);
        match ((packed >> 16) as u16, packed as u16) {
            (0, _) => Position::NONE,
            (line, column) => Position::new(line, column),
        }
    }
}
