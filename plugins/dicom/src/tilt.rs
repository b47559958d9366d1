//! Images that do not lie straight above each other: a tilted gantry, and single shifted images.

use std::path::Path;

use pe_ct::{Affine, Finding};
use serde::{Deserialize, Serialize};

use crate::FindingKind;
use crate::geometry;
use crate::grid::Shear;
use crate::stack::Slice;

/// A smaller gantry angle counts as upright, degrees: 2 mm over the length of a chest.
const UPRIGHT_DEG: f64 = 0.5;
/// A smaller angle to the patient's axes is not reported, degrees.
const ALONG_AXES_DEG: f64 = 1.0;
/// Maximum factor by which correcting a tilt enlarges images. 30 degrees do not double their size.
const MAX_GROWTH: f64 = 4.0;

/// The treatment of a series that was taken with a tilted gantry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tilt {
    /// Load images as they are. The volume is then a leaning stack.
    #[default]
    Keep,
    /// Move images in their planes until they lie straight above each other.
    Correct,
}

/// The lean of a stack, in the patient's coordinates.
pub(crate) struct Lean {
    /// Position of the first pixel of each image; empty without positions.
    corners: Vec<[f64; 3]>,
    /// Directions from image to image, of ascending rows, and of ascending columns.
    directions: [[f64; 3]; 3],
    /// Row and column spacing, mm.
    pixel_mm: [f64; 2],
}

impl Lean {
    pub fn of(slices: &[Slice], pixel_mm: [f64; 2]) -> Self {
        let corners: Option<Vec<_>> = slices.iter().map(|slice| slice.facts().position).collect();
        Self {
            corners: corners.unwrap_or_default(),
            directions: geometry::directions(&slices[0].orientation()),
            pixel_mm,
        }
    }

    /// Returns the position of the first image's first pixel and the mean step from image to image, mm.
    pub fn line(&self) -> Option<([f64; 3], [f64; 3])> {
        let (first, last) = (*self.corners.first()?, *self.corners.last()?);
        let n_steps = self.corners.len() - 1;
        let step = |axis: usize| (last[axis] - first[axis]) / n_steps as f64;
        Some((first, (n_steps > 0).then(|| [0, 1, 2].map(step))?))
    }

    /// Reports the lean as findings, and returns how to move the images if `tilt` asks for it.
    pub fn shear(
        &self,
        size: [usize; 2],
        tilt: Tilt,
        orientation: &[f64; 6],
        place: &Path,
        findings: &mut Vec<Finding>,
    ) -> Option<Shear> {
        let (_, step) = self.line()?;
        let angle = geometry::angle_deg(step, self.directions[0]);
        let is_tilted = angle > UPRIGHT_DEG;
        let (n_shifted, furthest_mm) = self.shifted();
        let shear = (tilt == Tilt::Correct && (is_tilted || n_shifted > 0))
            .then(|| self.offsets(size))
            .flatten();
        let done = match (&shear, tilt) {
            (Some(shear), _) => format!(
                "sheared by linear interpolation, which makes {} × {} pixels {} × {}",
                size[0], size[1], shear.shape[0], shear.shape[1]
            ),
            (None, Tilt::Correct) => {
                format!("not sheared, since images would be more than {MAX_GROWTH} times as large")
            }
            (None, Tilt::Keep) => "kept; `tilt: \"correct\"` shears the volume".into(),
        };
        if is_tilted {
            let reason = format!("the gantry was tilted by {angle:.1} degrees: {done}");
            findings.push(Finding::new(place, FindingKind::GantryTilt, reason));
        }
        if n_shifted > 0 {
            let reason = format!(
                "{n_shifted} images lie beside the line of the others, up to {furthest_mm:.1} mm: {done}"
            );
            findings.push(Finding::new(place, FindingKind::ShiftedSlices, reason));
        }
        let across = if shear.is_some() {
            self.directions[0]
        } else {
            step
        };
        let off = geometry::obliqueness_deg(orientation, across);
        if off > ALONG_AXES_DEG {
            let reason = format!(
                "the volume's axes are up to {off:.1} degrees off the patient's; voxels are not turned"
            );
            findings.push(Finding::new(place, FindingKind::Oblique, reason));
        }
        shear
    }

    /// Counts the images further than a pixel from the line between the first and the last, and returns
    /// the greatest distance, mm.
    fn shifted(&self) -> (usize, f64) {
        let Some((first, step)) = self.line() else {
            return (0, 0.0);
        };
        let [normal, rows, cols] = self.directions;
        let along = |point: [f64; 3]| geometry::dot(normal, point);
        let mut n_shifted = 0;
        let mut furthest: f64 = 0.0;
        for corner in &self.corners {
            let n_steps = (along(*corner) - along(first)) / along(step);
            let off = [0, 1, 2].map(|axis| corner[axis] - first[axis] - n_steps * step[axis]);
            let [down, right] = [rows, cols].map(|direction| geometry::dot(direction, off).abs());
            if down > self.pixel_mm[0] || right > self.pixel_mm[1] {
                n_shifted += 1;
                furthest = furthest.max(down.hypot(right));
            }
        }
        (n_shifted, furthest)
    }

    /// Computes each image's position in its plane, and the smallest size that has room for all images.
    fn offsets(&self, size: [usize; 2]) -> Option<Shear> {
        let mut least = [f64::INFINITY; 2];
        let mut greatest = [f64::NEG_INFINITY; 2];
        let mut offsets = Vec::with_capacity(self.corners.len());
        for corner in &self.corners {
            let offset = [0, 1].map(|axis| {
                geometry::dot(self.directions[axis + 1], *corner) / self.pixel_mm[axis]
            });
            for axis in [0, 1] {
                least[axis] = least[axis].min(offset[axis]);
                greatest[axis] = greatest[axis].max(offset[axis]);
            }
            offsets.push(offset);
        }
        let shape = [0, 1].map(|axis| size[axis] as f64 + (greatest[axis] - least[axis]).ceil());
        let limit = MAX_GROWTH * (size[0] * size[1]) as f64;
        let fits = shape[0] * shape[1] <= limit;
        for offset in &mut offsets {
            // Round to a millionth of a pixel, so that integers are exact.
            *offset = [0, 1].map(|axis| ((offset[axis] - least[axis]) * 1e6).round() / 1e6);
        }
        fits.then(|| Shear {
            shape: shape.map(|n| n as usize),
            offsets,
        })
    }
}

impl Lean {
    /// Computes the affine of the volume; `None` without positions. `slice_mm` is the step across
    /// images.
    pub fn affine(&self, grid: &crate::grid::Grid, slice_mm: f64) -> Option<Affine> {
        let first = *self.corners.first()?;
        let [normal, rows, cols] = self.directions;
        let scaled = |vector: [f64; 3], by: f64| vector.map(|x| x * by);
        let added = |a: [f64; 3], b: [f64; 3]| [0, 1, 2].map(|axis| a[axis] + b[axis]);
        let upright = scaled(normal, slice_mm);
        let [row_mm, col_mm] = self.pixel_mm;
        let across = match (&grid.shear, self.line()) {
            (None, Some((_, step))) => step,
            (Some(_), Some((_, step))) => scaled(normal, geometry::dot(normal, step)),
            (_, None) => upright,
        };
        let stack = [across, scaled(rows, row_mm), scaled(cols, col_mm)];
        let mut origin_mm = first;
        if let Some(shear) = &grid.shear {
            for axis in [0, 1] {
                // The sheared area begins before the first image, by that image's offset in it.
                let back = scaled(stack[axis + 1], -shear.offsets[0][axis]);
                origin_mm = added(origin_mm, back);
            }
        }
        let mut steps_mm = grid.axes.of_volume(stack);
        // A flipped axis begins at its other end and runs backwards.
        for (axis, n) in grid.shape().into_iter().enumerate() {
            if grid.axes.turned[axis] {
                origin_mm = added(origin_mm, scaled(steps_mm[axis], n as f64 - 1.0));
                steps_mm[axis] = scaled(steps_mm[axis], -1.0);
            }
        }
        Some(Affine {
            origin_mm,
            // Adding zero turns the −0 of a flipped zero into 0.
            steps_mm: steps_mm.map(|step| step.map(|x| x + 0.0)),
        })
    }
}
