//! Errors for limits that were met: those that end a run, and those of an engine.

use rhai::Engine;

use super::Diagnosis;
use crate::stop::{Limit, in_words};

impl Diagnosis {
    /// The error for a limit that ended a run.
    pub(crate) fn of_limit(limit: Limit) -> Self {
        let (kind, message, hint) = match limit {
            Limit::Time(time) => (
                "limit.time",
                format!(
                    "the script ran longer than its `--max-time` of {}",
                    in_words(time)
                ),
                "give it more with `--max-time`; work that keeps checkpoints goes on from them",
            ),
            Limit::Operations(most) => (
                "limit.operations",
                format!("the script did more than its `--max-operations` of {most}"),
                "look for a loop without an end, or give it more with `--max-operations N`",
            ),
            Limit::Output(most) => (
                "limit.output",
                format!("the script said more than {most} bytes, the most in the sandbox"),
                "print less in a loop; `--no-sandbox` sets no limit: use it only for a script that \
                 you trust",
            ),
        };
        Self::new(kind, message, Some(hint.to_owned()))
    }
}

/// The limits of an engine, for the messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    string: usize,
    array: usize,
    map: usize,
    variables: usize,
    functions: usize,
    confined: bool,
}

impl Sizes {
    pub(super) fn of(engine: &Engine) -> Self {
        let mut free = Engine::new_raw();
        crate::language::configure(&mut free);
        Self {
            string: engine.max_string_size(),
            array: engine.max_array_size(),
            map: engine.max_map_size(),
            variables: engine.max_variables(),
            functions: engine.max_functions(),
            // Only the sandbox lowers this limit.
            confined: engine.max_string_size() < free.max_string_size(),
        }
    }

    /// The error for a value that is too large. `what` is Rhai's text, which names the kind of value.
    pub(super) fn data(self, what: &str) -> Diagnosis {
        let what = what.to_lowercase();
        let (kind, message, hint) = if what.contains("string") {
            let message = format!("a string is longer than {} bytes", self.string);
            ("limit.string", message, "write long texts in parts")
        } else if what.contains("map") {
            let message = format!("a map has more than {} entries", self.map);
            let hint = "entries of maps within it count too";
            ("limit.map", message, hint)
        } else {
            let message = format!("an array has more than {} items", self.array);
            let hint = "items of arrays within it, and the bytes of a blob, count too";
            ("limit.array", message, hint)
        };
        self.report(kind, message, hint)
    }

    pub(super) fn variables(self) -> Diagnosis {
        let message = format!("there are more than {} variables", self.variables);
        self.report("limit.variables", message, "keep many values in an array")
    }

    pub(super) fn functions(self) -> Diagnosis {
        let message = format!("there are more than {} functions", self.functions);
        self.report("limit.functions", message, "take parts of it into modules")
    }

    fn report(self, kind: &str, message: String, hint: &str) -> Diagnosis {
        if self.confined {
            let hint = format!(
                "{hint}; `--no-sandbox` allows more: use it only for a script that you trust"
            );
            Diagnosis::new(
                kind,
                format!("{message}, the most in the sandbox"),
                Some(hint),
            )
        } else {
            Diagnosis::new(
                kind,
                format!("{message}, the most that is allowed"),
                Some(hint.to_owned()),
            )
        }
    }
}
