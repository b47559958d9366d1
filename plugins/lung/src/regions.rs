//! Steps that keep or drop whole components.

use crate::bitmap::Bitmap;
use crate::components::{Components, Connectivity};

/// Returns the pixels on the edge of a slice.
pub(crate) fn frame(rows: usize, cols: usize) -> Bitmap {
    let mut frame = Bitmap::empty(rows, cols);
    for row in 0..rows {
        if row == 0 || row + 1 == rows {
            frame.insert(row, 0, cols);
        } else {
            frame.insert(row, 0, 1.min(cols));
            frame.insert(row, cols.saturating_sub(1), cols);
        }
    }
    frame
}

/// Keeps the components of `image` that have at least `min_area` pixels and none of `forbidden`.
pub(crate) fn cleared(
    image: &Bitmap,
    forbidden: &Bitmap,
    min_area: usize,
    connectivity: Connectivity,
) -> Bitmap {
    let components = Components::of(image, connectivity);
    let summary = components.summary(|(area, forbids): &mut (usize, bool), run| {
        *area += run.area();
        *forbids |= forbidden.meets(run.row as usize, run.start as usize, run.end as usize);
    });
    let mut kept = Bitmap::empty(image.rows(), image.cols());
    components.draw(&mut kept, |component| {
        let (area, forbids) = summary[component];
        area >= min_area && !forbids
    });
    kept
}

/// Fills the holes of `image`: a pixel outside is put inside if no path over sides of outside
/// pixels leads from it to the edge.
pub(crate) fn filled(image: &Bitmap) -> Bitmap {
    let (rows, cols) = (image.rows() as u32, image.cols() as u32);
    let outside = Components::of(&image.clone().inverted(), Connectivity::Four);
    let reaches_edge = outside.summary(|reaches: &mut bool, run| {
        *reaches |= run.row == 0 || run.row + 1 == rows || run.start == 0 || run.end == cols;
    });
    let mut filled = image.clone();
    outside.draw(&mut filled, |component| !reaches_edge[component]);
    filled
}

/// Returns the largest 4-connected component of everything but `air`, with its holes filled. Of
/// equally large ones the first in raster order.
pub(crate) fn body(air: &Bitmap) -> Bitmap {
    let tissue = Components::of(&air.clone().inverted(), Connectivity::Four);
    let areas = tissue.summary(|area: &mut usize, run| *area += run.area());
    let mut body = Bitmap::empty(air.rows(), air.cols());
    // `max_by_key` takes the last of equals, so go backwards.
    let largest = areas
        .iter()
        .enumerate()
        .rev()
        .max_by_key(|(_, area)| **area)
        .map(|(component, _)| component);
    tissue.draw(&mut body, |component| Some(component) == largest);
    filled(&body)
}
