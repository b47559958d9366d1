use pe_ct::{HuWindow, channels};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Type of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// One byte, `round(255 × value)`: an error of at most 1/510 of the window's width.
    U8,
    /// IEEE half precision, a relative error of at most 2⁻¹¹; twice the size.
    F16,
}

impl Dtype {
    /// Bytes per value.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
        }
    }
}

/// The part of a slice that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crop {
    /// All of it, as the paper does.
    #[default]
    None,
    /// The square around the exam's mask, the same on all of its slices. The pixels of a stored
    /// slice are then spent on the chest, not on the air around it. An exam with an empty mask is
    /// stored whole.
    Mask,
    /// The middle 70 % of that square along rows and columns: the heart and both hila, with the
    /// arteries down to the segmental ones. The ribs and the outer lung are cut off, and the hila
    /// get twice as many pixels.
    Hila,
}

/// Value of a voxel outside the mask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outside {
    /// 0 in every channel, as the paper does.
    #[default]
    Zero,
    /// The scanned value: the mask only tells where to crop.
    Keep,
}

/// Settings that stored slices are made with. Exams made with different settings lie in different
/// folders of the store and are never mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SliceSettings {
    /// Side of a stored slice, pixels.
    pub size: usize,
    /// Type of a stored value.
    pub dtype: Dtype,
    /// The HU windows of the three channels, each `[level, width]`.
    pub windows: [HuWindow; 3],
    /// The recipe of the masks ([`pe_ct::Mask::recipe`]); `"none"` for slices without a mask.
    pub mask: String,
    /// The part of a slice that is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub crop: Crop,
    /// Value of a voxel outside the mask.
    #[serde(skip_serializing_if = "is_default")]
    pub outside: Outside,
}

/// Defaults are not serialised, so that settings from before the option existed keep their key.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// EfficientNet-B0's own input size (our reading of the paper: the pretrained weights' size),
/// bytes, the paper's three windows, no mask.
impl Default for SliceSettings {
    fn default() -> Self {
        Self {
            size: 224,
            dtype: Dtype::U8,
            windows: HuWindow::CHANNELS,
            mask: "none".into(),
            crop: Crop::None,
            outside: Outside::Zero,
        }
    }
}

/// Version of the files' format, a part of every key.
const FORMAT: u32 = 1;

impl SliceSettings {
    /// Checks that a mask is set if the settings crop by it or keep what lies outside it.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let asked = [
            ("crop", self.crop != Crop::None),
            ("outside", self.outside != Outside::Zero),
        ];
        match asked
            .into_iter()
            .find(|(_, asked)| *asked && self.mask == "none")
        {
            None => Ok(()),
            Some((option, _)) => Err(StoreError::NoMask { option }),
        }
    }

    /// Returns a digest of the settings and of the version of the code, as 16 hexadecimal digits.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("pe-script slice settings");
        hasher.update(&FORMAT.to_le_bytes());
        hasher.update(&channels::VERSION.to_le_bytes());
        hasher.update(serde_json::json!(self).to_string().as_bytes());
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_changes_the_key() {
        let default = SliceSettings::default();
        let changed = [
            SliceSettings {
                size: 112,
                ..default.clone()
            },
            SliceSettings {
                dtype: Dtype::F16,
                ..default.clone()
            },
            SliceSettings {
                windows: [HuWindow::PE; 3],
                ..default.clone()
            },
            SliceSettings {
                mask: "paper".into(),
                ..default.clone()
            },
            SliceSettings {
                crop: Crop::Mask,
                ..default.clone()
            },
            SliceSettings {
                outside: Outside::Keep,
                ..default.clone()
            },
        ];
        for settings in &changed {
            assert_ne!(settings.key(), default.key(), "{settings:?}");
        }
        assert_eq!(default.clone().key(), default.key());
    }
}
