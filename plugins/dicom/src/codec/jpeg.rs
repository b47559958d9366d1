//! JPEG (ISO 10918-1): detects the process of a stream, and decodes all but the 12-bit ones with
//! `jpeg-decoder`.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::{check_size, jpeg12};
use crate::layout::Layout;

/// The contents of a start-of-frame segment.
pub(super) struct StartOfFrame {
    /// The marker's second byte: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless.
    pub marker: u8,
    pub precision: u8,
    pub rows: usize,
    pub cols: usize,
    pub components: usize,
}

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let start = start_of_frame(data).ok_or("no start of frame in the JPEG stream")?;
    check_size(layout, start.rows, start.cols, start.components)?;
    check_scans(data, layout)?;
    if start.precision == 12 && matches!(start.marker, 0xC0 | 0xC1) {
        return jpeg12::decode(data, layout);
    }
    let mut decoder = Decoder::new(data);
    // Return the samples as they are coded: their colours are defined by the header. With "RGB",
    // three components stay as they are; with "None", jpeg-decoder does not interleave them.
    if layout.samples == 3 {
        decoder.set_color_transform(ColorTransform::RGB);
    }
    decoder.set_max_decoding_buffer_size(layout.frame_samples() * 2);
    let bytes = decoder.decode().map_err(|error| describe(&error))?;
    let format = decoder.info().map(|info| info.pixel_format);
    if format == Some(PixelFormat::L16) {
        let words = bytes.as_chunks::<2>().0.iter();
        Ok(words
            .map(|word| u32::from(u16::from_ne_bytes(*word)))
            .collect())
    } else {
        Ok(bytes.into_iter().map(u32::from).collect())
    }
}

/// Maximum number of samples that the scans of a frame may visit. Each scan visits the whole frame, and
/// takes as long without data as with data, so many empty scans would take for ever.
const MAX_VISITS: usize = 1 << 27;
/// Number of scans that a frame of any size may have; a progressive stream has about ten.
const MIN_SCANS: usize = 16;

fn check_scans(data: &[u8], layout: &Layout) -> Result<(), String> {
    let found = data.windows(2).filter(|two| *two == [0xFF, 0xDA]).count();
    let limit = (MAX_VISITS / layout.frame_samples()).max(MIN_SCANS);
    if found > limit {
        return Err(format!("expected at most {limit} scans, found {found}"));
    }
    Ok(())
}

fn describe(error: &jpeg_decoder::Error) -> String {
    match error {
        jpeg_decoder::Error::Unsupported(what) => format!("unsupported JPEG feature {what:?}"),
        _ => "broken JPEG stream".into(),
    }
}

/// Finds the first start-of-frame segment. Every marker before it has a length.
pub(super) fn start_of_frame(data: &[u8]) -> Option<StartOfFrame> {
    let mut pos = 2;
    loop {
        while data.get(pos..pos + 2)? == [0xFF, 0xFF] {
            pos += 1;
        }
        let &[0xFF, marker, l0, l1] = data.get(pos..)?.first_chunk::<4>()? else {
            return None;
        };
        let is_frame =
            matches!(marker, 0xC0..=0xCF | 0xF7) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        if is_frame {
            let &[precision, r0, r1, c0, c1, components] =
                data.get(pos + 4..)?.first_chunk::<6>()?;
            return Some(StartOfFrame {
                marker,
                precision,
                rows: u16::from_be_bytes([r0, r1]).into(),
                cols: u16::from_be_bytes([c0, c1]).into(),
                components: components.into(),
            });
        }
        pos += 2 + usize::from(u16::from_be_bytes([l0, l1])).max(2);
    }
}
