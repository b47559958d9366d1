use std::path::Path;

use pe_ct::{Affine, Finding, Spacing};

use crate::FindingKind;
use crate::geometry::{self, Axes};
use crate::grid::Grid;
use crate::scan::ScanOptions;
use crate::stack::Slice;
use crate::tilt::Lean;

/// The position of a stack of slices in the patient, and its conversion to a volume.
pub(crate) struct Laid {
    pub grid: Grid,
    /// Spacing of the volume, not of the files.
    pub spacing: Spacing,
    pub affine: Option<Affine>,
}

impl Laid {
    /// Computes the position of ordered slices, and adds findings about it.
    pub fn new(
        slices: &[Slice],
        spacing: Spacing,
        options: &ScanOptions,
        place: &Path,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let orientation = slices[0].orientation();
        let Spacing {
            slice_mm,
            row_mm,
            col_mm,
        } = spacing;
        let (rows, cols) = slices[0].size();
        let axes = Axes::of(&orientation);
        if let Some(reason) = reoriented(axes) {
            findings.push(Finding::new(place, FindingKind::Reoriented, reason));
        }
        let lean = Lean::of(slices, [row_mm, col_mm]);
        let shear = lean.shear([rows, cols], options.tilt, &orientation, place, findings);
        let grid = Grid {
            axes,
            stored: [slices.len(), rows, cols],
            shear,
        };
        let [slice_mm, row_mm, col_mm] = axes.of_volume([slice_mm, row_mm, col_mm]);
        Self {
            affine: lean.affine(&grid, spacing.slice_mm),
            grid,
            spacing: Spacing {
                slice_mm,
                row_mm,
                col_mm,
            },
        }
    }

    /// The name and the position of each slice of the volume. A slice that cuts across the images
    /// belongs to no file: it is named by its number in the series.
    pub fn slices(&self, images: &[Slice]) -> (Vec<String>, Vec<f64>) {
        if self.grid.axes.is_axial() {
            let uids = images.iter().map(Slice::sop_uid).collect();
            return (uids, images.iter().map(|slice| slice.position_mm).collect());
        }
        let series_uid = &images[0].file.header.series_uid;
        let numbers = 0..self.grid.shape()[0];
        let first_mm = self.affine.map_or(0.0, |affine| {
            let [across, _, _] = affine.steps_mm;
            geometry::dot(across, affine.origin_mm) / geometry::dot(across, across).sqrt()
        });
        let position = |n: usize| first_mm + n as f64 * self.spacing.slice_mm;
        let name = |n: usize| format!("{series_uid}#{}", n + 1);
        (
            numbers.clone().map(name).collect(),
            numbers.map(position).collect(),
        )
    }
}

/// Describes how the axes of the files are turned or exchanged; `None` if they are not.
fn reoriented(axes: Axes) -> Option<String> {
    if axes.is_plain() {
        return None;
    }
    let [images, rows, cols] = axes.in_words();
    let mut reason = format!(
        "images, rows and columns of the files run to the {images}, the {rows} and the {cols}; \
         the volume's slices, rows and columns run to the head, the back and the left"
    );
    if !axes.is_axial() {
        reason += ", so that its slices go through all images: they have numbers in place of \
                   SOPInstanceUIDs, and no slice labels";
    }
    Some(reason)
}
