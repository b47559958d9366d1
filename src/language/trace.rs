//! Where the last call into a plugin stands.
//!
//! Rhai gives an error of a native function the place of its call, but not when the call is
//! qualified (`ct::window(…)`), as every plugin's is. So the host notes those calls as they begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rhai::debugger::DebuggerCommand;
use rhai::{ASTNode, Engine, Expr, Position, Stmt};

/// The place of the qualified call that began last; cheap to clone, all clones see the same.
///
/// Where such calls are nested, it is the innermost that began, also after that one has returned.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastCall(Arc<AtomicU32>);

impl LastCall {
    /// Follows what an engine evaluates.
    pub(crate) fn follow(engine: &mut Engine) -> Self {
        let last = Self::default();
        let seen = last.clone();
        // Marked deprecated only because its interface may change; the version is pinned by
        // Cargo.lock.
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
        // Rhai's lines and columns have 16 bits each.
        let line = at.line().and_then(|line| u16::try_from(line).ok());
        let column = at.position().and_then(|column| u16::try_from(column).ok());
        let packed = u32::from(line.unwrap_or(0)) << 16 | u32::from(column.unwrap_or(0));
        self.0.store(packed, Ordering::Relaxed);
    }

    /// The place, [`Position::NONE`] before the first call.
    pub(crate) fn position(&self) -> Position {
        let packed = self.0.load(Ordering::Relaxed);
        match ((packed >> 16) as u16, packed as u16) {
            (0, _) => Position::NONE,
            (line, column) => Position::new(line, column),
        }
    }
}
