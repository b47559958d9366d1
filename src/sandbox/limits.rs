//! How much a script may use.

use std::time::Duration;

use rhai::Engine;
use serde::{Serialize, Serializer};

use super::SandboxArgs;

/// Operations of Rhai: some minutes of a loop. An experiment takes few, because the work is in native
/// functions.
const OPERATIONS: u64 = 500_000_000;
/// Longer than any experiment but a training, which goes on from its checkpoint.
const TIME: Duration = Duration::from_secs(24 * 3600);
/// Bytes of everything that is printed, logged and recorded.
const OUTPUT_BYTES: usize = 16 << 20;
const STRING_BYTES: usize = 16 << 20;
const ARRAY_ITEMS: usize = 1_000_000;
const MAP_ENTRIES: usize = 100_000;
/// Functions and variables that are defined.
const NAMES: usize = 1000;

/// How much a script may use; what is absent is not limited beyond what every script is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Operations of Rhai.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<u64>,
    /// From the start to the end.
    #[serde(
        rename = "time",
        serialize_with = "in_words",
        skip_serializing_if = "Option::is_none"
    )]
    pub time: Option<Duration>,
    /// Bytes of what is printed, logged and recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<usize>,
    /// Bytes of a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_bytes: Option<usize>,
    /// Items of an array, those of arrays in it too, or bytes of a blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_items: Option<usize>,
    /// Entries of a map, those of maps in it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_entries: Option<usize>,
}

fn in_words<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::stop::in_words(time.unwrap_or_default()))
}

impl Limits {
    /// What the command line says.
    pub(super) fn given(arguments: &SandboxArgs) -> Self {
        Self {
            operations: arguments.max_operations,
            time: arguments.max_time,
            ..Self::default()
        }
    }

    /// The sandbox's, where the command line says nothing else.
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

    /// Whether nothing is limited beyond what every script is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Sets what an engine watches itself: sizes and numbers of names.
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
