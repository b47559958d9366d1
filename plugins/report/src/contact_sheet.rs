use std::collections::BTreeSet;

use image::{Rgb, RgbImage, imageops};
use ndarray::{Array3, ArrayView2};
use pe_binding::Work;
use pe_ct::channels::{Channels, to_byte};
use pe_ct::{HuWindow, Mask, Volume};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::canvas::{Align, Canvas, Colour, MAX_SIDE, TextSize};
use crate::{Picture, ReportError};

/// Layout of a contact sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactSheetOptions {
    /// Side of one tile, pixels, 16 to 1024.
    pub tile: u32,
    /// Number of slices beside each other.
    pub columns: u32,
    /// Number of slices to show, evenly spaced; 0 shows all, or as many as fit a picture.
    pub n_slices: usize,
    /// Indices of the slices to show; empty shows `n_slices`.
    pub slices: Vec<usize>,
}

impl Default for ContactSheetOptions {
    fn default() -> Self {
        Self {
            tile: 160,
            columns: 4,
            n_slices: 0,
            slices: Vec::new(),
        }
    }
}

const BACKGROUND: Colour = [18, 20, 24];
const CAPTION: Colour = [190, 196, 206];
const OUTLINE: Rgb<u8> = Rgb([255, 214, 0]);
/// Height of the caption over a slice's tiles, pixels.
const CAPTION_HEIGHT: u32 = 14;
/// Space between slices, pixels.
const GAP: u32 = 6;
const TILES: u32 = 3;

/// Draws a contact sheet of an exam, from the apex to the base. For each slice it shows the PE
/// window, the same with the mask's outline, and the three masked channels (lung, PE, mediastinal)
/// as red, green and blue.
///
/// # Errors
/// [`ReportError::Ct`] when the mask has another shape; [`ReportError::Option`] for a tile or
/// columns out of range; [`ReportError::TooLarge`]; [`ReportError::Interrupted`].
pub fn contact_sheet(
    volume: &Volume,
    mask: &Mask,
    options: &ContactSheetOptions,
    work: &Work,
) -> Result<Picture, ReportError> {
    mask.check_fits(volume)?;
    check(options)?;
    let (cell_width, cell_height) = (TILES * options.tile, CAPTION_HEIGHT + options.tile);
    let fit = ((MAX_SIDE - GAP) / (cell_height + GAP) * options.columns) as usize;
    let wanted = if options.n_slices == 0 {
        fit
    } else {
        options.n_slices
    };
    let shown = if options.slices.is_empty() {
        shown_slices(volume.n_slices(), wanted)
    } else {
        chosen_slices(volume.n_slices(), &options.slices)?
    };
    let n_columns = u64::from(options.columns).min(shown.len().max(1) as u64);
    let n_rows = (shown.len() as u64).div_ceil(n_columns).max(1);
    let width = n_columns * u64::from(cell_width + GAP) + u64::from(GAP);
    let height = n_rows * u64::from(cell_height + GAP) + u64::from(GAP);
    let mut canvas = Canvas::new(width, height, BACKGROUND)?;

    let pe = Channels::new(&[HuWindow::PE], options.tile as usize)?;
    let masked = Channels::new(&HuWindow::CHANNELS, options.tile as usize)?;
    let task = work.task("drawing the contact sheet", shown.len(), "slices");
    let cells = shown
        .par_iter()
        .map(|&slice_idx| {
            task.check()?;
            let tiles = tiles(&pe, &masked, volume.slice(slice_idx), mask.slice(slice_idx));
            task.advance(1);
            Ok(tiles)
        })
        .collect::<Result<Vec<_>, ReportError>>()?;

    for (n, (slice_idx, tiles)) in shown.iter().zip(&cells).enumerate() {
        let (row, column) = (n as u32 / n_columns as u32, n as u32 % n_columns as u32);
        let left = GAP + column * (cell_width + GAP);
        let top = GAP + row * (cell_height + GAP);
        let position_mm = volume.info().positions_mm[*slice_idx];
        let caption = format!("slice {slice_idx}  {position_mm:.1} mm");
        canvas.text(
            &caption,
            left as i32,
            top as i32 + 1,
            TextSize::Small,
            CAPTION,
            Align::Left,
        );
        for (tile, image) in (0..).zip(tiles) {
            canvas.paste(image, left + tile * options.tile, top + CAPTION_HEIGHT);
        }
    }
    let title = format!(
        "{} of {} slices, PE window, mask, masked channels",
        shown.len(),
        volume.n_slices()
    );
    Ok(Picture::new(canvas.into_image(), &title))
}

fn check(options: &ContactSheetOptions) -> Result<(), ReportError> {
    let wrong = |option, expected, found: u32| ReportError::Option {
        option,
        expected,
        found: found.to_string(),
    };
    if !(16..=1024).contains(&options.tile) {
        return Err(wrong("tile", "16 to 1024 pixels", options.tile));
    }
    if !(1..=64).contains(&options.columns) {
        return Err(wrong("columns", "1 to 64", options.columns));
    }
    Ok(())
}

/// Returns the chosen slices, the highest first, each once.
fn chosen_slices(n_slices: usize, chosen: &[usize]) -> Result<Vec<usize>, ReportError> {
    if let Some(found) = chosen.iter().find(|slice_idx| **slice_idx >= n_slices) {
        return Err(ReportError::Option {
            option: "slices",
            expected: "indices of the volume's slices",
            found: found.to_string(),
        });
    }
    let shown: BTreeSet<usize> = chosen.iter().copied().collect();
    Ok(shown.into_iter().rev().collect())
}

/// Returns the slices to show, the highest first: all, or `wanted` of them, evenly spaced and
/// including both ends.
fn shown_slices(n_slices: usize, wanted: usize) -> Vec<usize> {
    if wanted >= n_slices {
        return (0..n_slices).rev().collect();
    }
    if wanted == 1 {
        return vec![n_slices / 2];
    }
    (0..wanted)
        .rev()
        .map(|n| n * (n_slices - 1) / (wanted - 1))
        .collect()
}

fn tiles(
    pe: &Channels,
    masked: &Channels,
    hu: ArrayView2<i16>,
    mask: ArrayView2<bool>,
) -> [RgbImage; 3] {
    let plain = grey_image(&pe.render(hu, None));
    let mut outlined = plain.clone();
    draw_outline(&mut outlined, mask);
    let channels = masked.render(hu, Some(mask));
    let (side, _) = plain.dimensions();
    let masked = RgbImage::from_fn(side, side, |col, row| {
        Rgb([0, 1, 2].map(|channel| to_byte(channels[[channel, row as usize, col as usize]])))
    });
    [plain, outlined, masked]
}

fn grey_image(channel: &Array3<f32>) -> RgbImage {
    let (_, rows, cols) = channel.dim();
    RgbImage::from_fn(cols as u32, rows as u32, |col, row| {
        Rgb([to_byte(channel[[0, row as usize, col as usize]]); 3])
    })
}

/// Marks the pixels of a tile that are inside the mask and have a neighbour outside.
fn draw_outline(tile: &mut RgbImage, mask: ArrayView2<bool>) {
    let (rows, cols) = mask.dim();
    let (width, height) = tile.dimensions();
    let inside = |col: i64, row: i64| {
        let source =
            |n: i64, from: u32, to: usize| usize::try_from(n * to as i64 / i64::from(from)).ok();
        let at = (source(row, height, rows), source(col, width, cols));
        matches!(at, (Some(row), Some(col)) if mask.get((row, col)) == Some(&true))
    };
    for row in 0..i64::from(height) {
        for col in 0..i64::from(width) {
            let around = [
                (col - 1, row),
                (col + 1, row),
                (col, row - 1),
                (col, row + 1),
            ];
            if inside(col, row) && !around.iter().all(|&(col, row)| inside(col, row)) {
                tile.put_pixel(col as u32, row as u32, OUTLINE);
            }
        }
    }
}

/// Shrinks a picture to at most `width` pixels.
pub(crate) fn shrunk(picture: &RgbImage, width: u32) -> RgbImage {
    if picture.width() <= width {
        return picture.clone();
    }
    let height =
        (u64::from(picture.height()) * u64::from(width) / u64::from(picture.width())).max(1);
    imageops::thumbnail(picture, width, height as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_shown_from_the_highest_to_the_lowest() {
        let check = |n_slices, wanted, expected: &[usize]| {
            assert_eq!(
                shown_slices(n_slices, wanted),
                expected,
                "{wanted} of {n_slices}"
            );
        };
        check(3, 3, &[2, 1, 0]);
        check(3, 5, &[2, 1, 0]);
        check(10, 4, &[9, 6, 3, 0]);
        check(10, 1, &[5]);
        check(0, 1, &[]);
        check(0, 3, &[]);
    }
}
