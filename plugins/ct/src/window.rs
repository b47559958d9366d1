use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CtError;

/// A display window on the Hounsfield scale: `level` is its centre and `width` its extent, in HU.
///
/// In scripts and settings it is written `[level, width]`, the usual order in the field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f32, f32)", into = "(f32, f32)")]
pub struct HuWindow {
    level: f32,
    width: f32,
}

impl HuWindow {
    /// Lung, level −600 and width 1500: [−1350, 150] HU (paper section 3.2; Ma et al. 2022).
    pub const LUNG: Self = Self {
        level: -600.0,
        width: 1500.0,
    };
    /// Pulmonary embolism, level 100 and width 700: [−250, 450] HU (paper section 3.2).
    pub const PE: Self = Self {
        level: 100.0,
        width: 700.0,
    };
    /// Mediastinum, level 40 and width 400: [−160, 240] HU (paper section 3.2; Ma et al. 2022).
    pub const MEDIASTINAL: Self = Self {
        level: 40.0,
        width: 400.0,
    };
    /// The three channels of a slice, in the order lung, PE, mediastinal (Ma et al. 2022).
    pub const CHANNELS: [Self; 3] = [Self::LUNG, Self::PE, Self::MEDIASTINAL];

    /// Creates a window of `level` and `width` HU.
    ///
    /// # Errors
    /// [`CtError::Window`] unless the level is finite and the width finite and above 0.
    pub fn new(level: f32, width: f32) -> Result<Self, CtError> {
        if level.is_finite() && width.is_finite() && width > 0.0 {
            Ok(Self { level, width })
        } else {
            Err(CtError::Window { level, width })
        }
    }

    /// The centre, HU.
    pub fn level(&self) -> f32 {
        self.level
    }

    /// The extent, HU.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// The lower edge, HU; shown black.
    pub fn lower_hu(&self) -> f32 {
        self.level - self.width / 2.0
    }

    /// The upper edge, HU; shown white.
    pub fn upper_hu(&self) -> f32 {
        self.level + self.width / 2.0
    }

    /// Scales `hu` linearly so that the lower edge is 0 and the upper edge 1, clamped to [0, 1].
    ///
    /// ```
    /// use pe_ct::HuWindow;
    /// assert_eq!(HuWindow::PE.scale(100), 0.5);
    /// assert_eq!(HuWindow::PE.scale(-250), 0.0);
    /// assert_eq!(HuWindow::PE.scale(3071), 1.0);
    /// ```
    #[inline]
    pub fn scale(&self, hu: i16) -> f32 {
        ((f32::from(hu) - self.lower_hu()) / self.width).clamp(0.0, 1.0)
    }
}

impl TryFrom<(f32, f32)> for HuWindow {
    type Error = CtError;

    fn try_from((level, width): (f32, f32)) -> Result<Self, CtError> {
        Self::new(level, width)
    }
}

impl From<HuWindow> for (f32, f32) {
    fn from(window: HuWindow) -> Self {
        (window.level, window.width)
    }
}

impl fmt::Display for HuWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lower, upper) = (self.lower_hu(), self.upper_hu());
        write!(
            f,
            "window level {} width {} [{lower}, {upper}] HU",
            self.level, self.width
        )
    }
}
