//! From the air of a lung to the lung: its vessels and small consolidations are taken in.

use crate::bitmap::{Bitmap, WORD};
use crate::morphology::{dilated, eroded};
use crate::regions::filled;

/// `lung` closed by a disk of `radius` and its holes filled, within the field of view.
///
/// Where the field of view cuts the lung, the lung goes on outside for the closing's sake: a vessel
/// at the cut is a hole as any other.
pub(super) fn closed_and_filled(lung: &Bitmap, outside: Option<&Bitmap>, radius: usize) -> Bitmap {
    let mut whole = Bitmap::empty(lung.rows(), lung.cols());
    let Some((rows, words)) = lung.bounds() else {
        return whole;
    };
    // Beyond twice the radius nothing changes: the lung may go on outside for as far as that.
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
    // The part has a margin all around, save where the slice ends: its holes are the slice's.
    whole.add_part(&filled(&part), rows.start, words.start);
    whole
}

/// How the lung goes on outside the field of view, where it touches the edge.
fn continued(lung: &Bitmap, outside: &Bitmap, radius: usize) -> Option<Bitmap> {
    let mut at_edge = dilated(outside, 1);
    at_edge.intersect(lung);
    at_edge.bounds()?;
    let mut beyond = dilated(&at_edge, radius);
    beyond.intersect(outside);
    Some(beyond)
}
