//! Assigns components of air to the right or the left lung, or to both in one slice.

use crate::bitmap::Bitmap;

use super::air::{Air, Node};

/// Share of a component beyond the middle from which it counts as both lungs.
const MIN_FAR_SHARE: f64 = 0.15;

/// Largest distance from the middle at which touching lungs are cut apart, mm.
const MAX_SHIFT_MM: f64 = 20.0;

/// The side of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The patient's right, at low columns.
    Right,
    Left,
    /// Both: the left lung begins at this column.
    Both {
        from: usize,
    },
}

/// The column between the lungs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Middle(f64);

impl Middle {
    /// Finds the middle of the chest: the median, over the slices with two separate lungs, of the
    /// column between them; or else the middle of the body, or else that of the slice.
    pub fn of(slices: &[Air], is_lung: impl Fn(usize, usize) -> bool) -> Self {
        let mut between: Vec<f64> = slices
            .iter()
            .enumerate()
            .filter_map(|(slice_idx, air)| gap(air, |node| is_lung(slice_idx, node)))
            .collect();
        let middle = median(&mut between).or_else(|| {
            let mut bodies: Vec<f64> = slices.iter().filter_map(body_middle).collect();
            median(&mut bodies)
        });
        let cols = slices.first().map_or(0, |air| air.pixels.cols());
        Self(middle.unwrap_or(cols as f64 / 2.0))
    }

    /// Returns the side of each component of a slice. Only those for which `is_lung` holds can be
    /// both lungs.
    pub fn sides(&self, air: &Air, col_mm: f64, is_lung: impl Fn(u32) -> bool) -> Vec<Side> {
        let middle = self.0.round() as u32;
        let mut right_of = vec![0_u32; air.nodes.len()];
        for (run, node) in &air.runs {
            right_of[*node as usize] += run.end.min(middle).saturating_sub(run.start);
        }
        let side = |(nth, node): (usize, &Node)| {
            let right = f64::from(right_of[nth]) / f64::from(node.area);
            if (MIN_FAR_SHARE..=1.0 - MIN_FAR_SHARE).contains(&right) && is_lung(nth as u32) {
                let from = self.narrowest(air, nth as u32, col_mm);
                Side::Both { from }
            } else if right > 0.5 {
                Side::Right
            } else {
                Side::Left
            }
        };
        air.nodes.iter().enumerate().map(side).collect()
    }

    /// Splits a slice into the parts to the right and to the left of the middle.
    pub fn parted(&self, image: &Bitmap) -> (Bitmap, Bitmap) {
        let mut half = Bitmap::empty(image.rows(), image.cols());
        let middle = (self.0.round() as usize).min(image.cols());
        (0..image.rows()).for_each(|row| half.insert(row, 0, middle));
        let (mut right, mut left) = (image.clone(), image.clone());
        right.intersect(&half);
        left.subtract(&half);
        (right, left)
    }

    /// Returns the column near the middle at which the component has the fewest pixels; of equal
    /// ones the nearest.
    fn narrowest(&self, air: &Air, node: u32, col_mm: f64) -> usize {
        let shift = MAX_SHIFT_MM / col_mm;
        let first = (self.0 - shift).max(0.0) as u32;
        let last = (self.0 + shift) as u32;
        let mut heights = vec![0_u32; (last - first + 1) as usize];
        for (run, _) in air.runs.iter().filter(|(_, of)| *of == node) {
            for col in run.start.max(first)..run.end.min(last + 1) {
                heights[(col - first) as usize] += 1;
            }
        }
        let distance = |col: u32| (f64::from(col) - self.0).abs();
        let narrowest = (first..=last).min_by(|a, b| {
            let height = |col: u32| heights[(col - first) as usize];
            height(*a)
                .cmp(&height(*b))
                .then(distance(*a).total_cmp(&distance(*b)))
        });
        narrowest.unwrap_or(first) as usize
    }
}

/// Returns the column between the two largest components of lung in a slice, if one lies beside the
/// other.
fn gap(air: &Air, is_lung: impl Fn(usize) -> bool) -> Option<f64> {
    let lungs = air.nodes.iter().enumerate();
    let mut lungs: Vec<&Node> = lungs
        .filter(|(node, _)| is_lung(*node))
        .map(|(_, node)| node)
        .collect();
    lungs.sort_by_key(|node| std::cmp::Reverse(node.area));
    let [first, second, ..] = lungs[..] else {
        return None;
    };
    let (right, left) = if first.center < second.center {
        (first, second)
    } else {
        (second, first)
    };
    let gap = f64::from(right.cols.1 + left.cols.0) / 2.0;
    // Two pieces of one lung may lie behind each other, and a small piece may lie anywhere.
    let beside = right.center < gap && gap < left.center && second.area * 5 >= first.area;
    beside.then_some(gap)
}

/// Returns the middle column of everything that is neither air nor outside; `None` for a slice
/// without it.
fn body_middle(air: &Air) -> Option<f64> {
    let (rows, cols) = (air.pixels.rows(), air.pixels.cols());
    let mut free = air.pixels.clone();
    if let Some(outside) = &air.outside {
        free.add(outside);
    }
    let tissue = rows * cols - free.area();
    if tissue == 0 {
        return None;
    }
    // Binary search for the column with half of the tissue to its left.
    let (mut low, mut high) = (0, cols);
    while low < high {
        let middle = (low + high) / 2;
        let left = rows * middle - free.area_left_of(middle);
        if 2 * left < tissue {
            low = middle + 1
        } else {
            high = middle
        }
    }
    Some(low as f64)
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}
