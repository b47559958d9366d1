use serde::{Deserialize, Serialize};

use crate::ExampleError;

/// Options for the voxels inside the mask that count.
///
/// Every field has a default and unknown fields are refused, so a script's `#{ … }` can be
/// deserialised into it directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsOptions {
    /// Voxels below do not count, HU.
    pub lower_hu: i16,
    /// Voxels above do not count, HU.
    pub upper_hu: i16,
}

impl Default for StatisticsOptions {
    /// Every voxel counts.
    fn default() -> Self {
        Self {
            lower_hu: i16::MIN,
            upper_hu: i16::MAX,
        }
    }
}

impl StatisticsOptions {
    /// Checks the options and returns them.
    ///
    /// # Errors
    /// [`ExampleError::Range`] when `lower_hu` is not below `upper_hu`.
    pub fn validated(self) -> Result<Self, ExampleError> {
        let Self { lower_hu, upper_hu } = self;
        if lower_hu < upper_hu {
            Ok(self)
        } else {
            Err(ExampleError::Range { lower_hu, upper_hu })
        }
    }

    /// Returns whether a voxel of this HU counts.
    pub fn counts(&self, hu: i16) -> bool {
        (self.lower_hu..=self.upper_hu).contains(&hu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_includes_both_ends() {
        let check = |lower_hu, upper_hu, hu, expected: Option<bool>| {
            let options = StatisticsOptions { lower_hu, upper_hu }.validated();
            assert_eq!(options.ok().map(|options| options.counts(hu)), expected);
        };
        check(100, 700, 99, Some(false));
        check(100, 700, 100, Some(true));
        check(100, 700, 700, Some(true));
        check(100, 700, 701, Some(false));
        check(i16::MIN, i16::MAX, i16::MIN, Some(true));
        check(100, 100, 100, None);
        check(700, 100, 300, None);
    }
}
