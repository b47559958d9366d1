//! Turns the air of a lung into the lung, with its vessels and small consolidations.

use crate::bitmap::{Bitmap, WORD};
use crate::morphology::{dilated, eroded};
use crate::regions::filled;

/// Closes `lung` by a disk of `radius` and fills its holes, within the field of view.
///
/// If the field of view cuts the lung, the lung is continued outside before the closing. A vessel
/// at the cut is then closed like any other hole.
pub(super) fn closed_and_filled(lung: &Bitmap, outside: Option<&Bitmap>, radius: usize) -> Bitmap {
    let mut whole = Bitmap::empty(lung.rows(), lung.cols());
    let Some((rows, words)) = lung.bounds() else {
        return whole;
    };
    // For speed, work on a part. Beyond twice the radius nothing changes, since the lung is
    // continued no further outside than that.
    let (margin, word_margin) = (2 * radius + 1, (2 * radius + 1).div_ceil(WORD));
    let words_per_row = lung.cols().div_ceil(WORD);
    let rows = rows.start.saturating_sub(margin)..(rows.end + margin).min(lung.rows());
    let words =
        words.start.saturating_sub(word_margin)..(words.end + word_margin).min(words_per_row);
    let mut part = lung.cropped(rows.clone(), words.clone());
    let outside = outside.map(|outside| outside.cropped(rows.clone(), words.clone()));
    if let Some(beyond) = outside
        .as_ref()
        .and_then(|outside| continued(&part, outside, radius))
    {
        part.add(&beyond);
    }
    if radius > 0 {
        part = eroded(dilated(&part, radius), radius);
    }
    if let Some(outside) = &outside {
        part.subtract(outside);
    }
    // The part has a margin all around, except at the slice's edge, so its holes are those of the
    // slice.
    whole.add_part(&filled(&part), rows.start, words.start);
    whole
}

/// Continues the lung outside the field of view; `None` if it does not touch the edge.
fn continued(lung: &Bitmap, outside: &Bitmap, radius: usize) -> Option<Bitmap> {
    let mut at_edge = dilated(outside, 1);
    at_edge.intersect(lung);
    at_edge.bounds()?;
    let mut beyond = dilated(&at_edge, radius);
    beyond.intersect(outside);
    Some(beyond)
}
