use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_8X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

use crate::ReportError;

/// A colour, 0 to 255 for red, green, blue.
pub type Colour = [u8; 3];

/// Page background.
pub const WHITE: Colour = [255, 255, 255];
/// Text on white.
pub const INK: Colour = [32, 36, 44];
/// Axes and secondary text.
pub const GREY: Colour = [120, 126, 136];
/// Grid lines.
pub const PALE: Colour = [222, 226, 232];

/// The largest side of a picture. PNG could hold more; viewers and terminals cannot.
pub const MAX_SIDE: u32 = 30_000;

/// Size of text, by the height of a line in pixels.
#[derive(Debug, Clone, Copy)]
pub enum TextSize {
    /// 10 pixels: captions of tiles.
    Small,
    /// 13 pixels: body text.
    Body,
    /// 20 pixels: titles.
    Title,
}

impl TextSize {
    fn font(self) -> &'static MonoFont<'static> {
        match self {
            Self::Small => &FONT_6X10,
            Self::Body => &FONT_8X13,
            Self::Title => &FONT_10X20,
        }
    }

    /// Width of a character, pixels.
    pub fn char_width(self) -> u32 {
        self.font().character_size.width
    }
}

/// Alignment of text at its point.
pub use embedded_graphics::text::Alignment as Align;

/// A picture that is being drawn.
pub struct Canvas {
    image: RgbImage,
}

impl Canvas {
    /// Creates a canvas of one colour.
    pub fn new(width: u64, height: u64, colour: Colour) -> Result<Self, ReportError> {
        let side = |side: u64| {
            u32::try_from(side)
                .ok()
                .filter(|side| (1..=MAX_SIDE).contains(side))
        };
        match (side(width), side(height)) {
            (Some(width), Some(height)) => Ok(Self {
                image: RgbImage::from_pixel(width, height, Rgb(colour)),
            }),
            _ => Err(ReportError::TooLarge {
                limit: MAX_SIDE,
                width,
                height,
            }),
        }
    }

    /// The finished picture.
    pub fn into_image(self) -> RgbImage {
        self.image
    }

    /// Draws `source` with its upper left corner at (`left`, `top`).
    pub fn paste(&mut self, source: &RgbImage, left: u32, top: u32) {
        image::imageops::replace(&mut self.image, source, i64::from(left), i64::from(top));
    }

    /// Draws one line of text whose upper edge lies at `top`.
    pub fn text(
        &mut self,
        text: &str,
        left: i32,
        top: i32,
        size: TextSize,
        colour: Colour,
        align: Align,
    ) {
        let style = TextStyleBuilder::new()
            .alignment(align)
            .baseline(Baseline::Top)
            .build();
        let font = MonoTextStyle::new(size.font(), rgb(colour));
        let Ok(_) = Text::with_text_style(text, Point::new(left, top), font, style).draw(self);
    }

    /// Draws a line one pixel wide.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), colour: Colour) {
        let style = PrimitiveStyle::with_stroke(rgb(colour), 1);
        let Ok(()) = Line::new(from.into(), to.into())
            .into_styled(style)
            .draw(self);
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, left: i32, top: i32, width: u32, height: u32, colour: Colour) {
        let area = Rectangle::new(Point::new(left, top), Size::new(width, height));
        let Ok(()) = area
            .into_styled(PrimitiveStyle::with_fill(rgb(colour)))
            .draw(self);
    }
}

fn rgb([red, green, blue]: Colour) -> Rgb888 {
    Rgb888::new(red, green, blue)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.image.width(), self.image.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    /// Points outside the canvas are dropped, as embedded-graphics expects of a target.
    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            let (Ok(col), Ok(row)) = (u32::try_from(point.x), u32::try_from(point.y)) else {
                continue;
            };
            if let Some(pixel) = self.image.get_pixel_mut_checked(col, row) {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}
