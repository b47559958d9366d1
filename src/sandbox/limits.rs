//! Limits on a script's operations, time, output and data.

use std::time::Duration;

use rhai::Engine;
use serde::{Serialize, Serializer};

use super::SandboxArgs;

/// Rhai operations, enough for a loop of some minutes. Experiments need far fewer, because the work
/// is done in native functions.
const OPERATIONS: u64 = 500_000_000;
/// Longer than any experiment except a training, which can resume from its checkpoint.
const TIME: Duration = Duration::from_secs(24 * 3600);
/// Bytes of all that a script prints, logs and records.
const OUTPUT_BYTES: usize = 16 << 20;
const STRING_BYTES: usize = 16 << 20;
const ARRAY_ITEMS: usize = 1_000_000;
const MAP_ENTRIES: usize = 100_000;
/// Number of functions, and of variables, that a script may define.
const NAMES: usize = 1000;

/// The limits of a script. For `None`, only the general limits apply, which every script has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Number of Rhai operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<u64>,
    /// Wall-clock time of the whole run.
    #[serde(
        rename = "time",
        serialize_with = "in_words",
        skip_serializing_if = "Option::is_none"
    )]
    pub time: Option<Duration>,
    /// Bytes of all that is printed, logged and recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<usize>,
    /// Bytes of one string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_bytes: Option<usize>,
    /// Items of an array, including those of nested arrays, or bytes of a blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_items: Option<usize>,
    /// Entries of a map, including those of nested maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_entries: Option<usize>,
}

fn in_words<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::stop::in_words(time.unwrap_or_default()))
}

impl Limits {
    /// The limits of a trusted script: only those from the command line.
    pub(super) fn given(arguments: &SandboxArgs) -> Self {
        Self {
            operations: arguments.max_operations,
            time: arguments.max_time,
            ..Self::default()
        }
    }

    /// The limits of a confined script: those from the command line, else the sandbox's defaults.
    pub(super) fn confined(arguments: &SandboxArgs) -> Self {
        Self {
            operations: arguments.max_operations.or(Some(OPERATIONS)),
            time: arguments.max_time.or(Some(TIME)),
            output_bytes: Some(OUTPUT_BYTES),
            string_bytes: Some(STRING_BYTES),
            array_items: Some(ARRAY_ITEMS),
            map_entries: Some(MAP_ENTRIES),
        }
    }

    /// Returns whether no limit is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets the limits that Rhai's engine checks itself: sizes of data and numbers of names.
    pub(super) fn apply(&self, engine: &mut Engine) {
        if let Some(bytes) = self.string_bytes {
            engine.set_max_string_size(bytes);
            engine.set_max_functions(NAMES).set_max_variables(NAMES);
        }
        if let Some(items) = self.array_items {
            engine.set_max_array_size(items);
        }
        if let Some(entries) = self.map_entries {
            engine.set_max_map_size(entries);
        }
    }
}
