//! Connected components of a bitmap. They are found on runs: maximal stretches of pixels of one
//! row.

use crate::bitmap::{Bitmap, WORD};

/// Rule for pixels to be neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connectivity {
    /// Pixels that share a side.
    Four,
    /// Pixels that share a side or a corner.
    Eight,
}

/// The pixels `start..end` of `row`: all are inside, and their neighbours in the row are outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub row: u32,
    pub start: u32,
    pub end: u32,
}

impl Run {
    /// Number of pixels.
    pub fn area(&self) -> usize {
        (self.end - self.start) as usize
    }
}

/// The runs of a bitmap in raster order, each with the component that it belongs to.
///
/// A component's number is the index of its first run.
pub(crate) struct Components {
    runs: Vec<Run>,
    component: Vec<u32>,
}

impl Components {
    /// Finds the components of `image`.
    pub fn of(image: &Bitmap, connectivity: Connectivity) -> Self {
        let mut found = Self {
            runs: Vec::with_capacity(4 * image.rows()),
            component: Vec::with_capacity(4 * image.rows()),
        };
        let mut above = 0..0;
        for row in 0..image.rows() {
            let first = found.runs.len();
            push_runs(image.row(row), row as u32, &mut found.runs);
            let end = found.runs.len();
            found.component.extend(first as u32..end as u32);
            found.join(above, first..end, connectivity);
            above = first..end;
        }
        // A parent never comes after its child, so one pass in order resolves every chain.
        for run in 0..found.component.len() {
            found.component[run] = found.component[found.component[run] as usize];
        }
        found
    }

    /// Joins the runs of one row with those of the row above that they touch.
    fn join(
        &mut self,
        above: std::ops::Range<usize>,
        row: std::ops::Range<usize>,
        connectivity: Connectivity,
    ) {
        let reach = u32::from(connectivity == Connectivity::Eight);
        let (mut upper, mut lower) = (above.start, row.start);
        while upper < above.end && lower < row.end {
            let (a, b) = (self.runs[upper], self.runs[lower]);
            if a.start < b.end + reach && b.start < a.end + reach {
                self.unite(upper, lower);
            }
            // The run that ends first cannot touch anything further right.
            if a.end < b.end {
                upper += 1;
            } else {
                lower += 1;
            }
        }
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (first, later) = (a.min(b), a.max(b));
        self.component[later] = first as u32;
    }

    fn root(&mut self, mut run: usize) -> usize {
        loop {
            let parent = self.component[run] as usize;
            if parent == run {
                return run;
            }
            // Halving the path keeps chains short.
            let grandparent = self.component[parent];
            self.component[run] = grandparent;
            run = grandparent as usize;
        }
    }

    /// Folds the runs of each component by `merge`. The result is indexed by component; other
    /// entries keep the default.
    pub fn summary<T: Clone + Default>(&self, mut merge: impl FnMut(&mut T, &Run)) -> Vec<T> {
        let mut summaries = vec![T::default(); self.runs.len()];
        for (run, &component) in self.runs.iter().zip(&self.component) {
            merge(&mut summaries[component as usize], run);
        }
        summaries
    }

    /// Iterates over the runs in raster order, each with its component.
    pub fn runs(&self) -> impl Iterator<Item = (&Run, usize)> {
        let components = self.component.iter().map(|component| *component as usize);
        self.runs.iter().zip(components)
    }

    /// Puts the components for which `wanted` holds inside `image`.
    pub fn draw(&self, image: &mut Bitmap, wanted: impl Fn(usize) -> bool) {
        for (run, &component) in self.runs.iter().zip(&self.component) {
            if wanted(component as usize) {
                image.insert(run.row as usize, run.start as usize, run.end as usize);
            }
        }
    }
}

/// Appends the runs of one row. They begin and end where a pixel differs from its left neighbour.
fn push_runs(words: &[u64], row: u32, runs: &mut Vec<Run>) {
    let mut left_neighbour = 0;
    let mut open = None;
    for (index, &word) in words.iter().enumerate() {
        let mut edges = word ^ (word << 1 | left_neighbour);
        left_neighbour = word >> (WORD - 1);
        while edges != 0 {
            let col = (index * WORD) as u32 + edges.trailing_zeros();
            open = match open {
                None => Some(col),
                Some(start) => {
                    runs.push(Run {
                        row,
                        start,
                        end: col,
                    });
                    None
                }
            };
            // Clears the lowest bit.
            edges &= edges - 1;
        }
    }
    if let Some(start) = open {
        let end = (words.len() * WORD) as u32;
        runs.push(Run { row, start, end });
    }
}
