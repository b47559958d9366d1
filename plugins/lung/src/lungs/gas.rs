//! Finds gas that runs into the lung: the main bronchi, and bowel behind a diaphragm thinner than a
//! pixel.
//!
//! In a slice where the wall between is not visible, gas and lung are one component of air. But in
//! a neighbouring slice, the gas is a component of its own. From there it is followed into the
//! lung, slice by slice, as far as the HU are those of gas. A bulla is gas too, but it is not
//! followed, because nothing leads there.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::bitmap::Bitmap;
use crate::components::{Components, Connectivity};
use crate::morphology::{dilated, eroded};

use super::air::Air;

/// The least area of gas that is followed, mm².
const MIN_MM2: f64 = 100.0;

/// Gas thinner than twice this, mm, is noise and does not run into the lung.
const THIN_MM: f64 = 2.5;

/// Distance around gas in which its HU are mixed with those of its wall, mm.
const WALL_MM: f64 = 1.5;

/// Share of a piece of gas in a lung that must lie over known gas.
const MIN_OVER: f64 = 0.3;

/// Gas and lung of one exam, as far as they are known to be separate.
pub(super) struct Gas<'a> {
    pub slices: &'a [Air],
    /// Returns whether a component of a slice is lung.
    pub is_lung: &'a (dyn Fn(usize, usize) -> bool + Sync),
    /// Returns whether a component of a slice is gas.
    pub is_gas: &'a (dyn Fn(usize, usize) -> bool + Sync),
    /// Gas is below this, HU.
    pub cut_hu: i16,
    /// The side of a pixel, mm.
    pub pixel_mm: f64,
}

impl Gas<'_> {
    /// Finds the gas in the lungs of each slice; `None` if there is none.
    pub fn in_lungs<'v>(
        &self,
        slice: impl Fn(usize) -> ArrayView2<'v, i16>,
    ) -> Vec<Option<Bitmap>> {
        let mut known: Vec<Option<Bitmap>> = (0..self.slices.len())
            .into_par_iter()
            .map(|slice_idx| self.apart(slice_idx))
            .collect();
        let mut in_lungs: Vec<Option<Bitmap>> = vec![None; self.slices.len()];
        // Once upwards and once downwards, because gas may come from either side.
        let up = (1..self.slices.len()).map(|to| (to - 1, to));
        let down = (1..self.slices.len()).rev().map(|from| (from, from - 1));
        for (from, to) in up.chain(down) {
            let Some(beside) = known[from].clone() else {
                continue;
            };
            if let Some(found) = self.followed(to, &beside, slice(to)) {
                add_to(&mut known[to], &found);
                add_to(&mut in_lungs[to], &found);
            }
        }
        in_lungs
    }

    /// Finds, for each slice, the lung in components that are mostly gas; `None` if there is none.
    /// Such lung lies over lung in a neighbouring slice.
    pub fn lung_beside<'v>(
        &self,
        slice: impl Fn(usize) -> ArrayView2<'v, i16> + Sync,
    ) -> Vec<Option<Bitmap>> {
        let n_slices = self.slices.len();
        let beside = |slice_idx: usize| {
            let near = [slice_idx.checked_sub(1), Some(slice_idx + 1)];
            near.into_iter()
                .flatten()
                .filter(move |near| *near < n_slices)
        };
        let lung_in = |slice_idx: usize| {
            let mixed = self.apart(slice_idx)?;
            let mut lungs = Bitmap::empty(mixed.rows(), mixed.cols());
            for near in beside(slice_idx) {
                let found = self.slices[near].drawn(|node| (self.is_lung)(near, node));
                found.iter().for_each(|found| lungs.add(found));
            }
            let mut over = mixed.clone();
            over.intersect(&lungs);
            if over.area() < self.min_area() {
                return None;
            }
            let gas = self.gas_of(slice(slice_idx), &mixed);
            let mut lung = mixed;
            lung.subtract(&dilated(&gas, self.wall()));
            // Remove the rest of the wall around the gas, which is thin.
            let lung = dilated(&eroded(lung, self.thin()), self.thin());
            self.pieces_over(&lung, &lungs)
        };
        (0..n_slices).into_par_iter().map(lung_in).collect()
    }

    /// Returns the pixels of `within` with the HU of gas, without thin parts.
    fn gas_of(&self, hu: ArrayView2<i16>, within: &Bitmap) -> Bitmap {
        let mut gas = Bitmap::pack(hu, |hu| hu < self.cut_hu);
        gas.intersect(within);
        dilated(&eroded(gas, self.thin()), self.thin())
    }

    /// Returns the pieces of `image` of which enough lies over `known`; `None` if there are none.
    fn pieces_over(&self, image: &Bitmap, known: &Bitmap) -> Option<Bitmap> {
        let pieces = Components::of(image, Connectivity::Four);
        let areas = pieces.summary(|area: &mut (usize, usize), run| {
            area.0 += run.area();
            let cols = run.start as usize..run.end as usize;
            area.1 += cols.filter(|col| known.has(run.row as usize, *col)).count();
        });
        let mut found = Bitmap::empty(image.rows(), image.cols());
        pieces.draw(&mut found, |piece| {
            let (area, shared) = areas[piece];
            area >= self.min_area() && shared as f64 >= MIN_OVER * area as f64
        });
        found.bounds().is_some().then_some(found)
    }

    fn thin(&self) -> usize {
        (THIN_MM / self.pixel_mm).round().max(1.0) as usize
    }

    fn wall(&self) -> usize {
        (WALL_MM / self.pixel_mm).round().max(1.0) as usize
    }

    fn min_area(&self) -> usize {
        (MIN_MM2 / self.pixel_mm.powi(2)) as usize
    }

    /// Returns the gas of a slice that is a component of its own, within the body.
    fn apart(&self, slice_idx: usize) -> Option<Bitmap> {
        let air = &self.slices[slice_idx];
        let wanted = |node: usize| {
            let area = air.nodes[node].area as usize;
            (self.is_gas)(slice_idx, node) && !air.nodes[node].touches && area >= self.min_area()
        };
        air.drawn(wanted)
    }

    /// Returns the gas in the lungs of a slice that lies over the gas `beside`.
    fn followed(&self, slice_idx: usize, beside: &Bitmap, hu: ArrayView2<i16>) -> Option<Bitmap> {
        let air = &self.slices[slice_idx];
        let lungs = air.drawn(|node| (self.is_lung)(slice_idx, node))?;
        let mut over = lungs.clone();
        over.intersect(beside);
        if over.area() < self.min_area() / 2 {
            return None;
        }
        let found = self.pieces_over(&self.gas_of(hu, &lungs), beside)?;
        let mut found = dilated(&found, self.wall());
        found.intersect(&lungs);
        Some(found)
    }
}

fn add_to(sum: &mut Option<Bitmap>, found: &Bitmap) {
    match sum {
        Some(sum) => sum.add(found),
        None => *sum = Some(found.clone()),
    }
}
