//! Checks that a piece of air lies in the patient's body, and not in the table, the mattress or the
//! clothes.

use crate::bitmap::{Bitmap, WORD};
use crate::components::{Components, Connectivity};
use crate::morphology::{dilated, eroded};

use super::air::Air;

/// Tissue thinner than twice this, mm, is not body: the shells of a table, a blanket, a cable.
const SHELL_MM: f64 = 2.5;

/// A solid piece must have this share of the largest one's area to be body too.
const MIN_SHARE: f64 = 0.15;

/// The body must be at least this wide in a row, mm, for air in that row to lie beside it.
const MIN_WIDTH_MM: f64 = 20.0;

/// Step between the columns of a run that are examined for body in front and behind.
const COLUMN_STEP: usize = 4;

/// Counts of a component of air for the body test, in pixels.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contact {
    /// All pixels.
    pub area: usize,
    /// Pixels on rows that the body reaches.
    pub beside_body: usize,
    /// Pixels of tissue to the left and to the right of a run.
    pub tissue: usize,
    /// Of the tissue, pixels of the body.
    pub body: usize,
    /// Columns of runs that were examined for body in front and behind.
    pub seen: usize,
    /// Of the columns seen, those with the body in front and not behind.
    pub exposed: usize,
}

impl Contact {
    pub fn add(&mut self, other: &Self) {
        self.area += other.area;
        self.beside_body += other.beside_body;
        self.tissue += other.tissue;
        self.body += other.body;
        self.seen += other.seen;
        self.exposed += other.exposed;
    }

    /// Share of the air that has the body in front of it and none behind: a cushion, and the air
    /// under an arched back.
    pub fn share_exposed(&self) -> f64 {
        self.exposed as f64 / self.seen.max(1) as f64
    }

    /// Share of the air on rows that the body reaches.
    pub fn share_beside_body(&self) -> f64 {
        self.beside_body as f64 / self.area.max(1) as f64
    }

    /// Share of the tissue around the air that belongs to the body.
    pub fn share_of_body(&self) -> f64 {
        self.body as f64 / self.tissue.max(1) as f64
    }
}

/// Counts the contacts of the components of one slice for which `wanted` holds. The others stay 0.
pub(super) fn contacts(
    air: &Air,
    (row_mm, col_mm): (f64, f64),
    wanted: impl Fn(u32) -> bool,
) -> Vec<Contact> {
    let radius = (SHELL_MM / (row_mm * col_mm).sqrt()).round().max(1.0) as usize;
    // Grow the eroded body back, and two pixels further, so that it reaches the air beside it.
    let body = dilated(&solid(air, radius), radius + 2);
    let min_width = (MIN_WIDTH_MM / col_mm) as usize;
    let reaches: Vec<bool> = (0..body.rows())
        .map(|row| {
            let ones = body.row(row).iter().map(|word| word.count_ones() as usize);
            ones.sum::<usize>() >= min_width
        })
        .collect();
    let cols = body.cols();
    let extent = extents(&body);
    let mut contacts = vec![Contact::default(); air.nodes.len()];
    for (run, node) in air.runs.iter().filter(|(_, node)| wanted(*node)) {
        let contact = &mut contacts[*node as usize];
        let row = run.row as usize;
        contact.area += run.area();
        contact.beside_body += run.area() * usize::from(reaches[row]);
        for (first, last) in (run.start..run.end)
            .step_by(COLUMN_STEP)
            .map(|col| extent[col as usize])
        {
            // Rows ascend to the back. A column without body has `u32::MAX`, which is not in front.
            contact.seen += 1;
            contact.exposed += usize::from(first < run.row && last < run.row);
        }
        let beside = [(run.start as usize).checked_sub(1), Some(run.end as usize)];
        for col in beside.into_iter().flatten().filter(|col| *col < cols) {
            let outside = air.outside.as_ref();
            if !outside.is_some_and(|outside| outside.has(row, col)) {
                contact.tissue += 1;
                contact.body += usize::from(body.has(row, col));
            }
        }
    }
    contacts
}

/// Returns the first and the last row of the body in each column; both `u32::MAX` without any.
fn extents(body: &Bitmap) -> Vec<(u32, u32)> {
    let mut extents = vec![(u32::MAX, u32::MAX); body.cols()];
    for row in 0..body.rows() {
        for (nth, &word) in body.row(row).iter().enumerate() {
            let mut left = word;
            while left != 0 {
                let extent = &mut extents[nth * WORD + left.trailing_zeros() as usize];
                extent.0 = extent.0.min(row as u32);
                extent.1 = row as u32;
                // Clears the lowest bit.
                left &= left - 1;
            }
        }
    }
    extents
}

/// Returns the large pieces of tissue, eroded by `radius` so that thin parts vanish.
fn solid(air: &Air, radius: usize) -> Bitmap {
    let mut tissue = air.pixels.clone();
    if let Some(outside) = &air.outside {
        tissue.add(outside);
    }
    let core = eroded(tissue.inverted(), radius);
    let pieces = Components::of(&core, Connectivity::Four);
    let areas = pieces.summary(|area: &mut usize, run| *area += run.area());
    let largest = areas.iter().copied().max().unwrap_or(0);
    let least = (MIN_SHARE * largest as f64).max(1.0);
    let mut solid = Bitmap::empty(core.rows(), core.cols());
    pieces.draw(&mut solid, |piece| areas[piece] as f64 >= least);
    solid
}
