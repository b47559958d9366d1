//! Frames of pixel data as words of BitsAllocated bits, decoded from any supported transfer syntax.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::FileFault;
use crate::codec;
use crate::header::Pixels;
use crate::layout::Layout;
use crate::source::Source;
use crate::syntax::Coding;

/// Maximum number of accepted fragments of encapsulated pixel data.
pub(crate) const MAX_FRAGMENTS: usize = 1 << 20;

/// Reads frames of one parsed file.
pub(crate) struct Frames<'a> {
    source: &'a Source<'a>,
    layout: &'a Layout,
    coding: Coding,
    place: Place,
}

enum Place {
    /// Offset of the first sample.
    Native(usize),
    /// Byte ranges of the fragments of each frame.
    Encapsulated(Vec<Vec<std::ops::Range<usize>>>),
}

impl<'a> Frames<'a> {
    /// Checks the layout and finds the frames.
    pub fn new(source: &'a Source<'a>) -> Result<Self, FileFault> {
        source.header.check_image(&source.syntax)?;
        let layout = &source.header.layout;
        let no_pixels = || FileFault::NoImage("it has no pixel data".into());
        let pixels = source.header.pixels.as_ref().ok_or_else(no_pixels)?;
        let coding = source.syntax.decoded_coding()?;
        let place = match (pixels.declared, coding) {
            (Some(_), Coding::Native) => Place::Native(pixels.start),
            (None, Coding::Native) => {
                return Err(FileFault::Malformed(format!(
                    "pixel data of undefined length in {}",
                    source.syntax.name
                )));
            }
            (Some(_), _) => {
                return Err(FileFault::Malformed(format!(
                    "pixel data in {} that is not encapsulated",
                    source.syntax.name
                )));
            }
            (None, _) => Place::Encapsulated(fragments(source.bytes(), pixels, layout)?),
        };
        Ok(Self {
            source,
            layout,
            coding,
            place,
        })
    }

    /// Returns the bytes of a frame if they are 16-bit little-endian words of one sample. Nearly every
    /// CT is stored like this, and is converted without a copy.
    pub fn le_words(&self, frame_idx: usize) -> Option<&'a [u8]> {
        let Place::Native(start) = self.place else {
            return None;
        };
        let layout = self.layout;
        if layout.bits_allocated != 16
            || layout.samples != 1
            || self.source.syntax.encoding.big_endian
        {
            return None;
        }
        let length = layout.frame_pixels() * 2;
        let start = start + frame_idx * length;
        self.source.bytes().get(start..start + length)
    }

    /// The compression of the frames.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// The bytes of a compressed frame, with its fragments joined; empty for a native frame.
    pub fn coded(&self, frame_idx: usize) -> Cow<'a, [u8]> {
        match &self.place {
            Place::Native(_) => Cow::default(),
            Place::Encapsulated(frames) => frames
                .get(frame_idx)
                .map_or_else(Cow::default, |f| join(self.source.bytes(), f)),
        }
    }

    /// Decodes the samples of a frame to words, `[row, col, sample]`.
    pub fn words(&self, frame_idx: usize) -> Result<Vec<u32>, FileFault> {
        if frame_idx >= self.layout.n_frames {
            return Err(FileFault::Pixels(format!(
                "expected one of {} frames, found {frame_idx}",
                self.layout.n_frames
            )));
        }
        let words = match &self.place {
            Place::Native(start) => self.native(*start, frame_idx)?,
            Place::Encapsulated(_) => {
                decode_guarded(self.coding, &self.coded(frame_idx), self.layout)?
            }
        };
        let (expected, found) = (self.layout.frame_samples(), words.len());
        if expected != found {
            return Err(FileFault::Pixels(format!(
                "expected {expected} samples in frame {}, the codec gave {found}",
                frame_idx + 1
            )));
        }
        Ok(words)
    }

    fn native(&self, start: usize, frame_idx: usize) -> Result<Vec<u32>, FileFault> {
        let layout = self.layout;
        let stored_samples = if layout.halves_chroma() {
            layout.frame_pixels() * 2
        } else {
            layout.frame_samples()
        };
        let bits = stored_samples * layout.bits_allocated as usize;
        let first_bit = frame_idx * bits;
        let last = start + (first_bit + bits).div_ceil(8);
        let bytes = self.source.bytes().get(start..last);
        let bytes = bytes.ok_or(FileFault::Truncated {
            expected: last as u64,
            found: self.source.bytes().len() as u64,
        })?;
        let bytes_of_frame = &bytes[first_bit / 8..];
        let encoding = self.source.syntax.encoding;
        let words: Vec<u32> = match layout.bits_allocated {
            // The first pixel is the lowest bit (PS3.5 section 8.1.1). Frames are not padded to bytes.
            1 => (first_bit..first_bit + bits)
                .map(|bit| u32::from(bytes[bit / 8] >> (bit % 8) & 1))
                .collect(),
            8 if self.swaps_bytes() => {
                let frame = first_bit / 8..first_bit / 8 + stored_samples;
                frame
                    .map(|at| self.swapped_byte(start, at))
                    .collect::<Option<_>>()
                    .ok_or(FileFault::Truncated {
                        expected: last as u64 + 1,
                        found: self.source.bytes().len() as u64,
                    })?
            }
            8 => bytes_of_frame.iter().copied().map(u32::from).collect(),
            16 => bytes_of_frame
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&word| u32::from(encoding.u16(word)))
                .collect(),
            _ => bytes_of_frame
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&word| encoding.u32(word))
                .collect(),
        };
        Ok(if layout.halves_chroma() {
            expand_chroma(&words)
        } else if layout.planar && layout.samples > 1 {
            interleave(&words, layout)
        } else {
            words
        })
    }

    /// Returns whether 8-bit samples lie in 16-bit words of the other byte order.
    fn swaps_bytes(&self) -> bool {
        let pixels = self.source.header.pixels.as_ref();
        self.source.syntax.encoding.big_endian && pixels.is_some_and(|pixels| pixels.in_words)
    }

    fn swapped_byte(&self, start: usize, at: usize) -> Option<u32> {
        let byte = self.source.bytes().get(start + (at ^ 1))?;
        Some(u32::from(*byte))
    }
}

/// Decodes a frame, and turns a panic of the codec on a hostile stream into a fault of that file.
pub(crate) fn decode_guarded(
    coding: Coding,
    data: &[u8],
    layout: &Layout,
) -> Result<Vec<u32>, FileFault> {
    catch_unwind(AssertUnwindSafe(|| codec::decode(coding, data, layout)))
        .unwrap_or_else(|_| Err("the codec failed on a broken stream".into()))
        .map_err(FileFault::Pixels)
}

/// Expands pixels that share their chroma in pairs: Y1 Y2 Cb Cr (PS3.3 section C.7.6.3.1.2).
fn expand_chroma(words: &[u32]) -> Vec<u32> {
    let pairs = words.as_chunks::<4>().0.iter();
    pairs
        .flat_map(|&[first, second, blue, red]| [first, blue, red, second, blue, red])
        .collect()
}

fn interleave(planes: &[u32], layout: &Layout) -> Vec<u32> {
    let n_pixels = layout.frame_pixels();
    (0..n_pixels)
        .flat_map(|pixel| (0..layout.samples).map(move |sample| planes[sample * n_pixels + pixel]))
        .collect()
}

fn join<'a>(bytes: &'a [u8], fragments: &[std::ops::Range<usize>]) -> Cow<'a, [u8]> {
    match fragments {
        [one] => bytes[one.clone()].into(),
        many => many
            .iter()
            .flat_map(|range| &bytes[range.clone()])
            .copied()
            .collect(),
    }
}

/// Assigns the fragments to frames (PS3.5 section A.4). A single frame gets all fragments; otherwise
/// each frame gets one, or they are split by the basic offset table or by markers for the start of an
/// image.
fn fragments(
    bytes: &[u8],
    pixels: &Pixels,
    layout: &Layout,
) -> Result<Vec<Vec<std::ops::Range<usize>>>, FileFault> {
    let items = items(bytes, pixels.start)?;
    let Some((table, fragments)) = items.split_first() else {
        return Err(FileFault::Malformed(
            "encapsulated pixel data without an offset table item".into(),
        ));
    };
    let n_frames = layout.n_frames;
    if fragments.is_empty() {
        return Err(FileFault::Truncated {
            expected: 1,
            found: 0,
        });
    }
    if n_frames == 1 {
        return Ok(vec![fragments.to_vec()]);
    }
    if fragments.len() == n_frames {
        return Ok(fragments.iter().map(|range| vec![range.clone()]).collect());
    }
    // Offsets count from the first item after the table. A fragment begins 8 bytes after its item.
    let first_item = fragments[0].start - 8;
    let mut offsets: Vec<usize> = bytes[table.clone()]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&offset| first_item + u32::from_le_bytes(offset) as usize + 8)
        .collect();
    // Sorted for a binary search per fragment: there may be a million fragments.
    offsets.sort_unstable();
    let begins = |range: &std::ops::Range<usize>| {
        if offsets.len() == n_frames {
            offsets.binary_search(&range.start).is_ok()
        } else {
            starts_image(&bytes[range.clone()])
        }
    };
    let mut frames: Vec<Vec<_>> = Vec::new();
    for range in fragments {
        match frames.last_mut() {
            Some(frame) if !begins(range) => frame.push(range.clone()),
            _ => frames.push(vec![range.clone()]),
        }
    }
    if frames.len() == n_frames {
        Ok(frames)
    } else {
        Err(FileFault::Malformed(format!(
            "expected {n_frames} frames, found {} in {} fragments",
            frames.len(),
            fragments.len()
        )))
    }
}

/// Returns whether a fragment begins a JPEG, JPEG-LS or JPEG 2000 image.
fn starts_image(fragment: &[u8]) -> bool {
    fragment.starts_with(&[0xFF, 0xD8]) || fragment.starts_with(&[0xFF, 0x4F])
}

/// Finds the byte ranges of the items of encapsulated pixel data; the first is the offset table.
fn items(bytes: &[u8], start: usize) -> Result<Vec<std::ops::Range<usize>>, FileFault> {
    let mut items = Vec::new();
    let mut pos = start;
    while let Some(&[t0, t1, t2, t3, l0, l1, l2, l3]) =
        bytes.get(pos..).and_then(|rest| rest.first_chunk::<8>())
    {
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        match [t0, t1, t2, t3] {
            [0xFE, 0xFF, 0x00, 0xE0] => {}
            [0xFE, 0xFF, 0xDD, 0xE0] => break,
            _ => {
                return Err(FileFault::Malformed(format!(
                    "expected a fragment of the pixel data at byte {pos}"
                )));
            }
        }
        pos += 8;
        let left = bytes.len() - pos;
        if length > left {
            return Err(FileFault::Truncated {
                expected: length as u64,
                found: left as u64,
            });
        }
        if items.len() >= MAX_FRAGMENTS {
            return Err(FileFault::TooLarge(format!(
                "expected at most {MAX_FRAGMENTS} fragments"
            )));
        }
        items.push(pos..pos + length);
        pos += length;
    }
    Ok(items)
}
