//! JPEG 2000 (ISO 15444-1) with `openjp2`.
//!
//! That decoder allocates memory by what the codestream claims: its size, and the number of its tiles,
//! precincts and code-blocks. So all of these are checked against the header and against limits before
//! the decoder gets a byte.

use jpeg2k::Image;

use super::check_size;
use crate::layout::Layout;

/// Start of codestream and the size segment, which follows at once (section A.4.1).
const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const START_OF_TILE: u8 = 0x90;
const START_OF_DATA: u8 = 0x93;
/// Minimum pixels per tile in a frame of many tiles; the decoder needs about 7 kB a tile.
const MIN_TILE_PIXELS: usize = 256;
const MAX_TILES: usize = 4096;
/// Maximum number of code-blocks of a frame, each of which costs the decoder some 300 bytes. It allows
/// 8 × 8 samples a block in the largest frame; encoders write 32 × 32 or 64 × 64.
const MAX_BLOCKS: usize = 1 << 19;

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let missing = "no SIZ segment in the JPEG 2000 stream";
    let start = data.windows(4).position(|bytes| bytes == START);
    // Skip the boxes of a JP2 file around the codestream. They say nothing that the DICOM header does
    // not, and could hide another codestream from the check.
    let stream = &data[start.ok_or(missing)?..];
    check(stream, layout).ok_or(missing)??;
    let image = Image::from_bytes(stream).map_err(|_| "broken JPEG 2000 stream")?;
    let components = image.components();
    let n_pixels = layout.frame_pixels();
    if components.len() != layout.samples || components.iter().any(|c| c.data().len() != n_pixels) {
        return Err("the JPEG 2000 components differ in size".into());
    }
    let mut words = vec![0; layout.frame_samples()];
    for (sample, component) in components.iter().enumerate() {
        let pixels = words.iter_mut().skip(sample).step_by(layout.samples);
        for (word, &value) in pixels.zip(component.data()) {
            *word = value as u32;
        }
    }
    Ok(words)
}

/// Checks rows, columns, components and tiles of the SIZ segment (section A.5.1), then the code-blocks
/// of all other headers. `None` if the segment is cut off.
fn check(stream: &[u8], layout: &Layout) -> Option<Result<(), String>> {
    let number = |at: usize| {
        let bytes = stream.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes) as usize)
    };
    let (right, bottom, left, top) = (number(8)?, number(12)?, number(16)?, number(20)?);
    let components = stream.get(40..)?.first_chunk::<2>()?;
    let (rows, cols) = (bottom.checked_sub(top)?, right.checked_sub(left)?);
    let size = check_size(layout, rows, cols, u16::from_be_bytes(*components).into());
    if size.is_err() {
        return Some(size);
    }
    let tiles = |end: usize, size: usize, offset: usize| {
        (size > 0).then(|| end.saturating_sub(offset).div_ceil(size))
    };
    let across = tiles(right, number(24)?, number(32)?)?;
    let n_tiles = across.saturating_mul(tiles(bottom, number(28)?, number(36)?)?);
    let limit = MAX_TILES.min(1 + layout.frame_pixels() / MIN_TILE_PIXELS);
    if n_tiles > limit {
        return Some(Err(format!(
            "expected at most {limit} tiles, found {n_tiles}"
        )));
    }
    Some(check_headers(stream, layout))
}

/// Checks the COD and COC segments of the main header and of each tile's header.
fn check_headers(stream: &[u8], layout: &Layout) -> Result<(), String> {
    let mut pos = 2;
    let mut tile_end = None;
    while let Some(&[0xFF, marker, l0, l1]) =
        stream.get(pos..).and_then(|rest| rest.first_chunk::<4>())
    {
        if marker == START_OF_DATA {
            match tile_end {
                Some(end) if end > pos => pos = end,
                _ => break,
            }
            continue;
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let segment = stream.get(pos + 4..pos + 2 + length).unwrap_or_default();
        match marker {
            START_OF_TILE => {
                let bytes = segment.get(2..).and_then(|rest| rest.first_chunk::<4>());
                // Zero means that the tile extends to the end of the stream.
                let length = bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize);
                tile_end = (length > 0).then(|| pos + length);
            }
            // COD begins with style, order, layers and transform. COC begins with component and style;
            // the component has one byte in a stream of fewer than 257.
            COD => check_blocks(segment.first(), segment.get(5..), layout)?,
            COC => check_blocks(segment.get(1), segment.get(2..), layout)?,
            _ => {}
        }
        pos += 2 + length.max(2);
    }
    Ok(())
}

/// Counts code-blocks by section A.6.1. `coding` has the number of levels, the exponents of a code-block
/// minus 2, two more bytes and, if the style says so, the exponents of each resolution's precincts.
fn check_blocks(style: Option<&u8>, coding: Option<&[u8]>, layout: &Layout) -> Result<(), String> {
    let (Some(style), Some(&[levels, width, height, _, _, ref precincts @ ..])) = (style, coding)
    else {
        return Ok(());
    };
    let block = u32::from(width & 15) + u32::from(height & 15) + 4;
    let n_blocks: usize = (0..=usize::from(levels.min(32)))
        .map(|resolution| {
            let precinct = match precincts.get(resolution) {
                Some(exponents) if style & 1 == 1 => {
                    u32::from(exponents & 15) + u32::from(exponents >> 4)
                }
                _ => 30,
            };
            let halvings = 2 * (usize::from(levels.min(32)) - resolution) as u32;
            let samples = layout.frame_samples().checked_shr(halvings).unwrap_or(0);
            samples >> block.min(precinct)
        })
        .sum();
    if n_blocks > MAX_BLOCKS {
        return Err(format!(
            "expected at most {MAX_BLOCKS} code-blocks, found {n_blocks}"
        ));
    }
    Ok(())
}
