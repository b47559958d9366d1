//! The air of one slice: the outside of the field of view, and the components of the remaining air.

use ndarray::ArrayView2;

use crate::bitmap::{Bitmap, contiguous};
use crate::components::{Components, Connectivity, Run};

/// Components with fewer pixels are noise.
const MIN_AREA: usize = 4;

/// Components with at least this many pixels are large: only some of their rows count for the
/// median.
const LARGE_AREA: u32 = 1000;

/// Width of a bin in the histograms for medians, HU.
const BIN_HU: i32 = 8;

/// Lower end of these histograms, HU; below the air of every scanner.
const LEAST_HU: i32 = -1104;

/// Distance from a component's left and right edge within which its HU do not count, mm, because
/// tissue mixes in.
const TRIM_MM: f64 = 1.5;

/// One component of air, 8-connected, in one slice.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Number of pixels.
    pub area: u32,
    /// True if it touches the edge of the field of view or of the slice.
    pub touches: bool,
    /// Median of its HU away from its edges; `None` if it is too thin.
    pub median: Option<i16>,
    /// Its first column and the one after its last.
    pub cols: (u32, u32),
    /// Mean of its columns.
    pub center: f64,
}

/// The air of one slice.
pub(super) struct Air {
    /// Everything below the threshold and within the field of view.
    pub pixels: Bitmap,
    /// The part outside the field of view; `None` if the slice has none.
    pub outside: Option<Bitmap>,
    pub nodes: Vec<Node>,
    /// The runs of all nodes in raster order, each with its node.
    pub runs: Vec<(Run, u32)>,
}

impl Air {
    /// Finds the air of a slice `[row, col]` in HU: all pixels below `threshold_hu`.
    pub fn of(hu: ArrayView2<i16>, threshold_hu: i16, col_mm: f64) -> Self {
        let outside = outside(hu);
        let mut pixels = Bitmap::pack(hu, |hu| hu < threshold_hu);
        if let Some(outside) = &outside {
            pixels.subtract(outside);
        }
        let components = Components::of(&pixels, Connectivity::Eight);
        let (nodes, runs) = nodes(&components, outside.as_ref(), hu.dim());
        let mut air = Self {
            pixels,
            outside,
            nodes,
            runs,
        };
        air.find_medians(hu, threshold_hu, col_mm);
        air
    }

    /// Draws the components for which `wanted` holds; returns `None` if there are none.
    pub fn drawn(&self, wanted: impl Fn(usize) -> bool) -> Option<Bitmap> {
        let wanted: Vec<bool> = (0..self.nodes.len()).map(wanted).collect();
        if !wanted.contains(&true) {
            return None;
        }
        let mut drawn = Bitmap::empty(self.pixels.rows(), self.pixels.cols());
        for (run, _) in self.runs.iter().filter(|(_, node)| wanted[*node as usize]) {
            drawn.insert(run.row as usize, run.start as usize, run.end as usize);
        }
        Some(drawn)
    }

    fn find_medians(&mut self, hu: ArrayView2<i16>, threshold_hu: i16, col_mm: f64) {
        let n_bins = usize::try_from((i32::from(threshold_hu) - LEAST_HU) / BIN_HU + 1);
        let n_bins = n_bins.unwrap_or(1).max(1);
        let trim = (TRIM_MM / col_mm).round().clamp(1.0, 4.0) as u32;
        // Every fourth row of 512 is enough for the median of a large component.
        let step = (hu.dim().0 / 128).max(1);
        let mut histograms = vec![0_u32; n_bins * self.nodes.len()];
        for (run, node) in &self.runs {
            let large = self.nodes[*node as usize].area >= LARGE_AREA;
            let is_skipped = large && !(run.row as usize).is_multiple_of(step);
            if is_skipped || run.end - run.start <= 2 * trim {
                continue;
            }
            let histogram = &mut histograms[n_bins * *node as usize..][..n_bins];
            let cols = (run.start + trim) as usize..(run.end - trim) as usize;
            let row = contiguous(hu.row(run.row as usize));
            for &hu in &row[cols] {
                let bin = (i32::from(hu) - LEAST_HU).max(0) / BIN_HU;
                histogram[(bin as usize).min(n_bins - 1)] += 1;
            }
        }
        for (node, histogram) in self.nodes.iter_mut().zip(histograms.chunks(n_bins)) {
            node.median = median(histogram);
        }
    }
}

/// Returns the middle of the bin that holds the median; `None` for fewer than four values.
fn median(histogram: &[u32]) -> Option<i16> {
    let n_values: u32 = histogram.iter().sum();
    if n_values < 4 {
        return None;
    }
    let mut left = n_values / 2;
    let bin = histogram.iter().position(|&count| {
        let reached = count > left;
        left = left.saturating_sub(count);
        reached
    })?;
    i16::try_from(LEAST_HU + BIN_HU * bin as i32 + BIN_HU / 2).ok()
}

/// Finds the outside of the field of view: pixels of one constant value, from a corner of the slice
/// inwards. They are padding, or the constant that the scanner puts around the circle that it
/// reconstructs. The field of view is convex, so in each row the outside is a stretch from the left
/// and one from the right edge.
fn outside(hu: ArrayView2<i16>) -> Option<Bitmap> {
    let (rows, cols) = hu.dim();
    if rows < 3 || cols < 3 {
        return None;
    }
    let mut outside = Bitmap::empty(rows, cols);
    let mut any = false;
    let ends = [0, cols - 1];
    for (corner, end) in [0, rows - 1]
        .into_iter()
        .flat_map(|row| ends.map(|end| (row, end)))
    {
        let value = hu[(corner, end)];
        if !is_flat(hu, (corner, end)) {
            continue;
        }
        for nth in 0..rows {
            let row = if corner == 0 { nth } else { corner - nth };
            let n_pixels = stretch(&contiguous(hu.row(row)), value, end == 0);
            if n_pixels == 0 {
                break;
            }
            match end {
                0 => outside.insert(row, 0, n_pixels),
                _ => outside.insert(row, cols - n_pixels, cols),
            }
            any = true;
        }
    }
    any.then_some(outside)
}

/// Counts the pixels of a row that have the `value`, from its left or its right end.
fn stretch(row: &[i16], value: i16, from_left: bool) -> usize {
    const STEP: usize = 32;
    let differs = |part: &[i16]| part.iter().fold(false, |any, hu| any | (*hu != value));
    let mut left = row;
    // Whole steps first: the compiler compares many pixels of a step at a time.
    while left.len() >= STEP {
        let (part, rest) = if from_left {
            left.split_at(STEP)
        } else {
            let (rest, part) = left.split_at(left.len() - STEP);
            (part, rest)
        };
        if differs(part) {
            break;
        }
        left = rest;
    }
    let equal = if from_left {
        left.iter().take_while(|hu| **hu == value).count()
    } else {
        left.iter().rev().take_while(|hu| **hu == value).count()
    };
    row.len() - left.len() + equal
}

/// Returns whether the pixels beside and below (or above) a corner have its value.
fn is_flat(hu: ArrayView2<i16>, (row, col): (usize, usize)) -> bool {
    let inward = |at: usize| if at == 0 { 1 } else { at - 1 };
    hu[(inward(row), col)] == hu[(row, col)] && hu[(row, inward(col))] == hu[(row, col)]
}

/// Turns components into nodes, without those that are noise, and returns them with their runs.
fn nodes(
    components: &Components,
    outside: Option<&Bitmap>,
    (rows, cols): (usize, usize),
) -> (Vec<Node>, Vec<(Run, u32)>) {
    let areas = components.summary(|area: &mut usize, run| *area += run.area());
    let mut node_of = vec![u32::MAX; areas.len()];
    let mut nodes: Vec<Node> = Vec::new();
    let mut runs = Vec::with_capacity(areas.len());
    for (run, component) in components.runs() {
        let area = areas[component];
        if area < MIN_AREA {
            continue;
        }
        if node_of[component] == u32::MAX {
            node_of[component] = nodes.len() as u32;
            nodes.push(Node {
                area: area as u32,
                touches: false,
                median: None,
                cols: (u32::MAX, 0),
                center: 0.0,
            });
        }
        let node = node_of[component];
        runs.push((*run, node));
        let node = &mut nodes[node as usize];
        node.touches = node.touches || touches(run, outside, rows, cols);
        node.cols = (node.cols.0.min(run.start), node.cols.1.max(run.end));
        let middle = f64::from(run.start + run.end - 1) / 2.0;
        node.center += middle * run.area() as f64 / area as f64;
    }
    (nodes, runs)
}

/// Returns whether a run touches the edge of the slice or of the field of view.
fn touches(run: &Run, outside: Option<&Bitmap>, rows: usize, cols: usize) -> bool {
    let (row, start, end) = (run.row as usize, run.start as usize, run.end as usize);
    if row == 0 || row + 1 == rows || start == 0 || end == cols {
        return true;
    }
    outside.is_some_and(|outside| {
        outside.has(row, start - 1)
            || outside.has(row, end)
            || outside.meets(row - 1, start, end)
            || outside.meets(row + 1, start, end)
    })
}
