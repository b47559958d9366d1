use serde::{Deserialize, Serialize};

use crate::LungError;

/// Rows of the reference slice: sizes in [`MaskOptions`] are in its pixels. CT's usual size.
pub const REFERENCE_ROWS: usize = 512;

/// The largest radius of a disk, pixels at 512 rows: an eighth of the slice.
pub const MAX_RADIUS: u32 = 64;

/// The largest `close_mm`: two centimetres are wider than any vessel in a lung.
pub const MAX_CLOSE_MM: f64 = 20.0;

/// The largest `min_area`, pixels at 512 rows: the whole slice.
pub const MAX_MIN_AREA: u32 = 512 * 512;

/// Kind of mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskMode {
    /// The lungs, found in 3D.
    Lungs,
    /// The lungs by the paper's steps, each slice on its own.
    Paper,
    /// The convex hull of the lungs in each slice; heart and mediastinum are inside.
    Hull,
    /// Every voxel.
    None,
}

/// The settings of a mask; see the crate's documentation for the steps that they set.
///
/// ```
/// use pe_lung::{MaskMode, MaskOptions};
/// let options = MaskOptions { mode: MaskMode::Hull, ..MaskOptions::default() };
/// assert_eq!(options.close_mm, 7.5);
/// assert!(options.validated().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaskOptions {
    /// Kind of mask.
    pub mode: MaskMode,
    /// Air is below this threshold, HU. Raw HU, not windowed: nothing is left below −250 HU after
    /// the PE window that the paper applies first.
    pub threshold_hu: f64,
    /// Modes `lungs` and `hull`: radius of the disk that closes the gaps of each lung, in mm, at
    /// most 12 pixels of a slice of 512 rows; 0 skips the closing.
    pub close_mm: f64,
    /// Mode `paper`, like all that follow: whether to clear all air that the largest piece of
    /// tissue does not enclose. Otherwise only air that is connected to the image border is
    /// cleared.
    pub body_only: bool,
    /// Neighbours of a pixel in a component of air, 4 or 8: for border clearing and `min_area`.
    pub connectivity: u8,
    /// Components of air with fewer pixels are dropped; 0 and 1 drop none.
    pub min_area: u32,
    /// Radius of the disk of the dilation, pixels; 0 skips it.
    pub dilate_radius: u32,
    /// Radius of the disk of the closing, pixels; 0 skips it.
    pub close_radius: u32,
    /// Whether to fill holes at the end.
    pub fill_holes: bool,
    /// Whether to scale radii and areas, which are in pixels of a slice of 512 rows, to the rows of
    /// the slice at hand. Radii are multiplied by rows / 512 and areas by its square, each rounded
    /// to the nearest integer, halves up. A radius may so become 0. Otherwise they are pixels of
    /// any slice.
    pub scale_sizes: bool,
}

impl MaskMode {
    /// Name of the mode in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lungs => "lungs",
            Self::Paper => "paper",
            Self::Hull => "hull",
            Self::None => "none",
        }
    }
}

impl Default for MaskOptions {
    /// Mode `lungs`. The values for mode `paper` are the paper's steps with the DSB2017 tutorial's
    /// radii. Two choices there are ours, made by looking at a real series. A `min_area` of 64
    /// keeps the lungs' apices and all but the last slivers of their bases, and loses the rims
    /// around bones. `body_only` loses air trapped in the table, which is not connected to the
    /// border and which no `min_area` tells from lung.
    fn default() -> Self {
        Self {
            mode: MaskMode::Lungs,
            threshold_hu: -400.0,
            close_mm: 7.5,
            body_only: true,
            connectivity: 8,
            min_area: 64,
            dilate_radius: 2,
            close_radius: 10,
            fill_holes: true,
            scale_sizes: true,
        }
    }
}

impl MaskOptions {
    /// Checks every option's range and returns the options.
    ///
    /// # Errors
    /// The [`LungError`] that names the first option out of range.
    pub fn validated(self) -> Result<Self, LungError> {
        let hu_scale = f64::from(i16::MIN)..=f64::from(i16::MAX);
        if !hu_scale.contains(&self.threshold_hu) {
            return Err(LungError::Threshold {
                found: self.threshold_hu,
            });
        }
        if !(0.0..=MAX_CLOSE_MM).contains(&self.close_mm) {
            return Err(LungError::CloseMm {
                found: self.close_mm,
            });
        }
        let radii = [
            ("dilate_radius", self.dilate_radius),
            ("close_radius", self.close_radius),
        ];
        if let Some(&(option, found)) = radii.iter().find(|(_, radius)| *radius > MAX_RADIUS) {
            return Err(LungError::Radius { option, found });
        }
        if self.min_area > MAX_MIN_AREA {
            return Err(LungError::MinArea {
                found: self.min_area,
            });
        }
        if !matches!(self.connectivity, 4 | 8) {
            return Err(LungError::Connectivity {
                found: self.connectivity,
            });
        }
        match self.out_of_place() {
            Some((option, modes)) => Err(LungError::OtherMode {
                option,
                modes,
                found: self.mode,
            }),
            None => Ok(self),
        }
    }

    /// Finds the first option that is set although this mode does not use it, and the modes that
    /// do.
    fn out_of_place(&self) -> Option<(&'static str, &'static str)> {
        let other = Self::default();
        let (all, lungs, paper) = ("lungs, hull or paper", "lungs or hull", "paper");
        let set = [
            ("threshold_hu", all, self.threshold_hu != other.threshold_hu),
            ("close_mm", lungs, self.close_mm != other.close_mm),
            ("body_only", paper, self.body_only != other.body_only),
            (
                "connectivity",
                paper,
                self.connectivity != other.connectivity,
            ),
            ("min_area", paper, self.min_area != other.min_area),
            (
                "dilate_radius",
                paper,
                self.dilate_radius != other.dilate_radius,
            ),
            (
                "close_radius",
                paper,
                self.close_radius != other.close_radius,
            ),
            ("fill_holes", paper, self.fill_holes != other.fill_holes),
            ("scale_sizes", paper, self.scale_sizes != other.scale_sizes),
        ];
        let means = |modes: &str| match self.mode {
            MaskMode::Lungs | MaskMode::Hull => modes != paper,
            MaskMode::Paper => modes != lungs,
            MaskMode::None => false,
        };
        set.into_iter()
            .find(|(_, modes, is_set)| *is_set && !means(modes))
            .map(|(option, modes, _)| (option, modes))
    }

    /// Converts `radius` to pixels of a slice of `rows` rows.
    pub(crate) fn radius_at(&self, radius: u32, rows: usize) -> usize {
        let radius = radius as usize;
        if self.scale_sizes {
            (radius * rows + REFERENCE_ROWS / 2) / REFERENCE_ROWS
        } else {
            radius
        }
    }

    /// Converts `min_area` to pixels of a slice of `rows` rows.
    pub(crate) fn min_area_at(&self, rows: usize) -> usize {
        let area = self.min_area as usize;
        if self.scale_sizes {
            let reference = REFERENCE_ROWS * REFERENCE_ROWS;
            (area * rows * rows + reference / 2) / reference
        } else {
            area
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_rows() {
        let scaled = MaskOptions::default();
        let fixed = MaskOptions {
            scale_sizes: false,
            ..MaskOptions::default()
        };
        let check = |options: &MaskOptions, rows: usize, expected: (usize, usize, usize)| {
            let found = (
                options.radius_at(options.dilate_radius, rows),
                options.radius_at(options.close_radius, rows),
                options.min_area_at(rows),
            );
            assert_eq!(found, expected, "{rows} rows");
        };
        check(&scaled, 512, (2, 10, 64));
        check(&scaled, 1024, (4, 20, 256));
        check(&scaled, 256, (1, 5, 16));
        check(&scaled, 128, (1, 3, 4));
        check(&scaled, 127, (0, 2, 4));
        check(&scaled, 0, (0, 0, 0));
        check(&fixed, 128, (2, 10, 64));
    }

    #[test]
    fn options_out_of_range_are_named() {
        let check = |change: fn(&mut MaskOptions), expected: &str| {
            let mut options = MaskOptions::default();
            change(&mut options);
            let error = options.validated().expect_err(expected);
            assert_eq!(error.to_string(), expected);
        };
        check(
            |options| options.threshold_hu = f64::NAN,
            "expected threshold_hu from -32768 to 32767, found NaN",
        );
        check(
            |options| options.threshold_hu = 40000.0,
            "expected threshold_hu from -32768 to 32767, found 40000",
        );
        check(
            |options| options.close_radius = 65,
            "expected close_radius from 0 to 64 pixels, found 65",
        );
        check(
            |options| options.dilate_radius = u32::MAX,
            "expected dilate_radius from 0 to 64 pixels, found 4294967295",
        );
        check(
            |options| options.min_area = 262_145,
            "expected min_area from 0 to 262144 pixels, found 262145",
        );
        check(
            |options| options.connectivity = 6,
            "expected connectivity 4 or 8, found 6",
        );
        check(
            |options| options.close_mm = 21.0,
            "expected close_mm from 0 to 20 mm, found 21",
        );
    }

    #[test]
    fn an_option_of_another_mode_is_refused() {
        let check = |mode: MaskMode, change: fn(&mut MaskOptions), expected: &str| {
            let mut options = MaskOptions {
                mode,
                ..MaskOptions::default()
            };
            change(&mut options);
            match options.validated() {
                Ok(_) => assert_eq!(expected, "", "{mode:?}"),
                Err(error) => assert_eq!(error.to_string(), expected),
            }
        };
        let radius = |options: &mut MaskOptions| options.close_radius = 7;
        let mm = |options: &mut MaskOptions| options.close_mm = 5.0;
        let threshold = |options: &mut MaskOptions| options.threshold_hu = -500.0;
        check(MaskMode::Paper, radius, "");
        check(MaskMode::Hull, mm, "");
        check(MaskMode::Lungs, threshold, "");
        check(
            MaskMode::Lungs,
            radius,
            "close_radius is an option of mode paper, found mode lungs",
        );
        check(
            MaskMode::Paper,
            mm,
            "close_mm is an option of mode lungs or hull, found mode paper",
        );
        check(
            MaskMode::None,
            threshold,
            "threshold_hu is an option of mode lungs, hull or paper, found mode none",
        );
    }
}
