use image::{Rgb, RgbImage, imageops};
use pe_ct::ChannelSlice;
use pe_ct::channels::to_byte;

use crate::canvas::{Canvas, Colour};
use crate::{Picture, ReportError};

/// A tile narrower than this is enlarged by a whole factor, pixels.
const LEAST_TILE: u32 = 192;
/// Space between the tiles, pixels.
const GAP: u32 = 4;
const BACKGROUND: Colour = [18, 20, 24];
/// Index of the PE window among the channels.
const PE: usize = 1;

/// Draws a slice as a network sees it: the channels lung, PE, mediastinum as red, green and blue,
/// and beside it the PE window alone.
///
/// # Errors
/// [`ReportError::TooLarge`] for a slice larger than a picture can be.
pub fn slice_picture(slice: &ChannelSlice) -> Result<Picture, ReportError> {
    let channels = slice.channels();
    let (_, rows, cols) = channels.dim();
    let tile = |channel_of: [usize; 3]| {
        let pixel = |col: u32, row: u32| {
            let at = (row as usize, col as usize);
            Rgb(channel_of.map(|channel| to_byte(channels[[channel, at.0, at.1]])))
        };
        enlarged(&RgbImage::from_fn(cols as u32, rows as u32, pixel))
    };
    let (colours, grey) = (tile([0, 1, 2]), tile([PE; 3]));
    let (width, height) = colours.dimensions();
    let both = u64::from(width) * 2 + u64::from(GAP);
    let mut canvas = Canvas::new(both, height.into(), BACKGROUND)?;
    canvas.paste(&colours, 0, 0);
    canvas.paste(&grey, width + GAP, 0);
    let title = "channels as colours, and the PE window";
    Ok(Picture::new(canvas.into_image(), title))
}

/// Enlarges a small tile by repeating each pixel; returns a large one as it is.
fn enlarged(tile: &RgbImage) -> RgbImage {
    let (width, height) = tile.dimensions();
    let factor = LEAST_TILE.div_ceil(width.max(1)).max(1);
    match factor {
        1 => tile.clone(),
        _ => imageops::resize(tile, width * factor, height * factor, imageops::Nearest),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn the_tiles_hold_the_channels() {
        let channels = Array3::from_shape_fn((3, 96, 96), |(channel, _, col)| match channel {
            0 => 1.0,
            1 => col as f32 / 95.0,
            _ => 0.0,
        });
        let slice = ChannelSlice::new(channels).expect("three channels in range");
        let picture = slice_picture(&slice).expect("a small picture");
        let image = picture.image();
        assert_eq!(image.dimensions(), (2 * 192 + 4, 192));
        assert_eq!(image.get_pixel(0, 9).0, [255, 0, 0]);
        assert_eq!(image.get_pixel(191, 9).0, [255, 255, 0]);
        assert_eq!(image.get_pixel(193, 9).0, BACKGROUND);
        assert_eq!(image.get_pixel(196, 9).0, [0, 0, 0]);
        assert_eq!(image.get_pixel(387, 9).0, [255, 255, 255]);
    }
}
