//! Copies pixel data in their transfer syntax, without anything that may be hidden beside the image.

use pe_binding::Task;

use crate::FileFault;
use crate::codec;
use crate::frame::{self, Frames};
use crate::header::Pixels;
use crate::layout::Layout;
use crate::source::Source;
use crate::syntax::Coding;

use super::coded;
use super::dataset::Refusal;
use super::encode::Value;

/// Copies the pixel data of a checked file, sample for sample, and nothing beyond the image. Dropped are
/// bits outside BitsStored, where old files have overlays, bytes after the last frame, and everything in
/// a compressed stream other than the image. Each compressed frame becomes one fragment, without an
/// offset table.
///
/// Words that equal PixelPaddingValue or PixelPaddingRangeLimit are kept: a value of padding may lie
/// outside BitsStored, and readers compare whole words with it.
pub(crate) fn of(source: &Source, task: &Task) -> Result<Value, Refusal> {
    let no_pixels = || FileFault::NoImage("it has no pixel data".into());
    let pixels = source.header.pixels.as_ref().ok_or_else(no_pixels)?;
    if let Some(declared) = pixels.declared {
        return Ok(native(source, pixels, declared)?);
    }
    let frames = Frames::new(source)?;
    // An empty offset table: each frame is one fragment.
    let mut fragments = vec![Vec::new()];
    for frame_idx in 0..source.header.layout.n_frames {
        task.check()?;
        fragments.push(frame_anew(&frames, frame_idx, &source.header.layout)?);
    }
    Ok(Value::Fragments(fragments))
}

fn native(source: &Source, pixels: &Pixels, declared: usize) -> Result<Value, FileFault> {
    let layout = &source.header.layout;
    let expected = layout.native_bytes();
    let found = declared.min(pixels.available) as u64;
    let length = expected.next_multiple_of(2).min(found);
    let bytes = source
        .bytes()
        .get(pixels.start..pixels.start + length as usize);
    let bytes = bytes.ok_or(FileFault::Truncated { expected, found })?;
    let vr = if pixels.in_words { *b"OW" } else { *b"OB" };
    let mut bytes = bytes.to_vec();
    let encoding = source.syntax.encoding;
    // Clear the byte that pads an odd length: it is no sample, so it could hold anything. In swapped
    // words it comes before the last sample.
    if expected < length {
        let is_swapped = encoding.big_endian && pixels.in_words;
        bytes[expected as usize - usize::from(is_swapped)] = 0;
    }
    match layout.bits_allocated {
        8 => {
            for byte in &mut bytes {
                *byte = anew(layout, u32::from(*byte)) as u8;
            }
        }
        16 => {
            for word in bytes.as_chunks_mut::<2>().0 {
                *word = encoding.word_bytes(anew(layout, encoding.u16(*word).into()) as u16);
            }
        }
        32 => {
            for word in bytes.as_chunks_mut::<4>().0 {
                *word = encoding.long_bytes(anew(layout, encoding.u32(*word)));
            }
        }
        // A 1-bit word holds nothing but the sample.
        _ => {}
    }
    Ok(Value::Long(vr, bytes))
}

/// Clears the bits of a word that do not belong to its sample.
fn anew(layout: &Layout, word: u32) -> u32 {
    if layout.is_padding_word(word) {
        word
    } else {
        layout.without_other_bits(word)
    }
}

/// Copies one compressed frame. RLE is encoded again. Other streams are reduced to the image, and the
/// result is decoded and compared with the original, since a mistake would change the image.
fn frame_anew(frames: &Frames, frame_idx: usize, layout: &Layout) -> Result<Vec<u8>, FileFault> {
    let coding = frames.coding();
    if coding == Coding::Rle {
        let mut words = frames.words(frame_idx)?;
        for word in &mut words {
            *word = anew(layout, *word);
        }
        return Ok(codec::encode_rle(&words, layout));
    }
    let refused = |reason: String| {
        let what = "a copy of coded pixels with nothing beside the image";
        FileFault::unsupported(format!("{what}: {reason}"))
    };
    let stream = frames.coded(frame_idx);
    let mut stream = coded::clean(coding, &stream).map_err(refused)?;
    let words = frames.words(frame_idx)?;
    if words.iter().any(|word| has_other_bits(layout, *word)) {
        let reason = "its samples have bits outside BitsStored, where something may be drawn";
        return Err(refused(reason.into()));
    }
    if frame::decode_guarded(coding, &stream, layout)? != words {
        let reason = "without what lies beside it, the image is another";
        return Err(refused(reason.into()));
    }
    if !stream.len().is_multiple_of(2) {
        stream.push(0);
    }
    Ok(stream)
}

/// Returns whether a decoded word has bits outside its sample that are not just copies of its sign. A
/// decoder returns the coded word, whose sign may be extended or not.
fn has_other_bits(layout: &Layout, word: u32) -> bool {
    let word = layout.within_allocated(word);
    word != layout.without_other_bits(word)
        && word != layout.only_stored_bits(word)
        && !layout.is_padding_word(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(allocated: u32, stored: u32, high: u32, signed: bool) -> Layout {
        Layout {
            bits_allocated: allocated,
            bits_stored: stored,
            high_bit: high,
            signed,
            ..Layout::default()
        }
    }

    #[test]
    fn bits_outside_the_sample_are_gone() {
        let check = |layout: &Layout, word: u32, expected: u32| {
            let found = anew(layout, word);
            assert_eq!(found, expected, "{word:#X} of {layout:?}");
            assert_eq!(layout.stored(found), layout.stored(word));
        };
        let unsigned = layout(16, 12, 11, false);
        check(&unsigned, 0x1ABC, 0x0ABC);
        check(&unsigned, 0xF830, 0x0830);
        let signed = layout(16, 12, 11, true);
        check(&signed, 0x1ABC, 0xFABC);
        check(&signed, 0x1123, 0x0123);
        check(&signed, 0xF830, 0xF830);
        check(&layout(16, 12, 15, false), 0xABCD, 0xABC0);
        check(&layout(16, 12, 13, true), 0xFFFF, 0xFFFC);
        check(&layout(16, 16, 15, true), 0xF830, 0xF830);
        check(&layout(8, 6, 5, false), 0xFF, 0x3F);
        check(&layout(32, 20, 19, true), 0x7FF8_0001, 0xFFF8_0001);
        let padded = Layout {
            padding: Some((0xF830, 0xF833)),
            ..unsigned
        };
        check(&padded, 0xF830, 0xF830);
        check(&padded, 0xF833, 0xF833);
        check(&padded, 0xF831, 0x0831);
        let padded = Layout {
            padding: Some((-2000, -2000)),
            ..layout(16, 10, 9, true)
        };
        check(&padded, 0xF830, 0xF830);
        check(&padded, 0xF831, 0x0031);
    }

    #[test]
    fn a_drawing_in_a_decoded_word_is_found() {
        let check = |layout: &Layout, word: u32, expected: bool| {
            let found = has_other_bits(layout, word);
            assert_eq!(found, expected, "{word:#X} of {layout:?}");
        };
        let signed = layout(16, 12, 11, true);
        check(&signed, 0x0830, false);
        check(&signed, 0xF830, false);
        // A decoder may extend the sign to 32 bits.
        check(&signed, 0xFFFF_F830, false);
        check(&signed, 0x1830, true);
        let unsigned = layout(16, 12, 11, false);
        check(&unsigned, 0x0FFF, false);
        check(&unsigned, 0x1000, true);
        check(&unsigned, 0xF830, true);
    }
}
