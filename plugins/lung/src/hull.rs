//! The convex hull of a bitmap.
//!
//! As scikit-image's `convex_hull_image` with `offset_coordinates=True`, a pixel stands for the
//! four midpoints of its sides, and a pixel is in the hull when its centre is in the convex
//! polygon around all those points or on its boundary. In units of half a pixel every point is an
//! integer, so that the test is exact.

use crate::bitmap::{Bitmap, WORD};

/// A point in half pixels: pixel (row, col) has its centre at (2 row, 2 col).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    row: i64,
    col: i64,
}

/// Returns the convex hull of the pixels inside; empty for an empty slice.
pub(crate) fn convex_hull(image: &Bitmap) -> Bitmap {
    let mut hull = Bitmap::empty(image.rows(), image.cols());
    let extents: Vec<(usize, usize, usize)> = (0..image.rows())
        .filter_map(|row| extent(image.row(row)).map(|(first, last)| (row, first, last)))
        .collect();
    let left = boundary(extents.iter().map(|&(row, first, _)| (row, first as i64)));
    // The right boundary is the left one of the mirror image, in which columns are negative.
    let right = boundary(extents.iter().map(|&(row, _, last)| (row, -(last as i64))));
    let (Some(&(top, ..)), Some(&(bottom, ..))) = (extents.first(), extents.last()) else {
        return hull;
    };
    let mut left = Walk::new(&left);
    let mut right = Walk::new(&right);
    for row in top..=bottom {
        let start = left.first_col_at(row);
        // Mirrored back, the first column is the last one; `end` is one beyond it.
        let end = 1 - right.first_col_at(row);
        hull.insert(row, start.max(0) as usize, end.max(0) as usize);
    }
    hull
}

/// Returns the first and the last pixel inside of a row.
fn extent(words: &[u64]) -> Option<(usize, usize)> {
    let first = words.iter().position(|word| *word != 0)?;
    let last = words.iter().rposition(|word| *word != 0)?;
    Some((
        first * WORD + words[first].trailing_zeros() as usize,
        last * WORD + WORD - 1 - words[last].leading_zeros() as usize,
    ))
}

/// Returns the left boundary of the hull, top to bottom, of pixels given as (row, leftmost col).
fn boundary(pixels: impl Iterator<Item = (usize, i64)>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for (row, col) in pixels {
        let (row, col) = (2 * row as i64, 2 * col);
        for (row, col) in [(row - 1, col), (row, col - 1), (row + 1, col)] {
            extend(&mut chain, Point { row, col });
        }
    }
    chain
}

/// Adds a point by Andrew's monotone chain, for points in order of their rows. If two pixels give a
/// point in one row (the bottom of one, the top of the next), the left one counts.
fn extend(chain: &mut Vec<Point>, point: Point) {
    if let Some(last) = chain.last().copied()
        && last.row == point.row
    {
        if last.col <= point.col {
            return;
        }
        chain.pop();
    }
    while let [.., a, b] = chain[..]
        && turn(a, b, point) <= 0
    {
        chain.pop();
    }
    chain.push(point);
}

/// Positive if `b` lies left of the line from `a` down to `c`.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    (b.row - a.row) * (c.col - a.col) - (b.col - a.col) * (c.row - a.row)
}

/// Follows a boundary from top to bottom.
struct Walk<'a> {
    chain: &'a [Point],
}

impl<'a> Walk<'a> {
    fn new(chain: &'a [Point]) -> Self {
        Self { chain }
    }

    /// Returns the first pixel of `row` whose centre is on the boundary or right of it. Rows must
    /// be asked for in ascending order, and lie strictly between the chain's ends.
    fn first_col_at(&mut self, row: usize) -> i64 {
        let row = 2 * row as i64;
        while let [_, b, _, ..] = self.chain
            && b.row < row
        {
            self.chain = &self.chain[1..];
        }
        let [a, b, ..] = self.chain else {
            unreachable!("a chain of a pixel has three points")
        };
        // The boundary's column at this row is numerator / height, in half pixels.
        let height = b.row - a.row;
        let numerator = a.col * height + (b.col - a.col) * (row - a.row);
        ceil_div(numerator, 2 * height)
    }
}

/// `numerator / denominator` rounded up; the denominator is positive.
fn ceil_div(numerator: i64, denominator: i64) -> i64 {
    -(-numerator).div_euclid(denominator)
}
