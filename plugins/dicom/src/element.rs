//! Walks the element structure of a data set (DICOM PS3.5 section 7) without trusting it.
//!
//! Every length is checked against the remaining bytes before anything is read or skipped. Nesting is
//! limited and walked with an explicit stack, not by recursion. Nothing is allocated for a value: values
//! are byte ranges, and are read on request.

use std::ops::Range;

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::FileFault;

/// The deepest nesting of sequences that is walked; real objects stay below ten.
const MAX_DEPTH: usize = 64;
const UNDEFINED: u32 = 0xFFFF_FFFF;

// Tags of items and delimiters (PS3.5 section 7.5). No dictionary of attributes has them.
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// The encoding of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub explicit_vr: bool,
    pub big_endian: bool,
}

impl Encoding {
    pub const IMPLICIT_LE: Self = Self {
        explicit_vr: false,
        big_endian: false,
    };
    pub const EXPLICIT_LE: Self = Self {
        explicit_vr: true,
        big_endian: false,
    };

    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

impl Encoding {
    /// Encodes a word of 16 bits.
    pub fn word_bytes(self, word: u16) -> [u8; 2] {
        if self.big_endian {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        }
    }

    /// Encodes a word of 32 bits.
    pub fn long_bytes(self, long: u32) -> [u8; 4] {
        if self.big_endian {
            long.to_be_bytes()
        } else {
            long.to_le_bytes()
        }
    }
}

/// The reason why a walk stopped early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Only the beginning of the file was read, and the walk needs at least this many bytes.
    NeedMore(usize),
    Fault(FileFault),
}

impl From<FileFault> for Stop {
    fn from(fault: FileFault) -> Self {
        Self::Fault(fault)
    }
}

/// One element: its tag and the position of its value.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub tag: Tag,
    pub vr: Option<[u8; 2]>,
    /// The value, without the delimiter of a value of undefined length. Pixel data may end beyond the
    /// file; every other value lies inside.
    pub value: Range<usize>,
    pub undefined_length: bool,
    /// The encoding of the items of this element.
    pub encoding: Encoding,
}

/// The elements of one data set or item, in file order.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    bytes: &'a [u8],
    pos: usize,
    end: usize,
    encoding: Encoding,
}

struct Head {
    tag: Tag,
    vr: Option<[u8; 2]>,
    length: u32,
    value: usize,
}

impl<'a> Elements<'a> {
    /// The elements from `start` to `end`. `bytes` may hold only the beginning of a file that ends at
    /// `end`.
    pub fn new(bytes: &'a [u8], start: usize, end: usize, encoding: Encoding) -> Self {
        Self {
            bytes,
            pos: start,
            end,
            encoding,
        }
    }

    /// Offset of the next element.
    pub fn pos(&self) -> usize {
        self.pos
    }

    /// Returns the next element, `None` at the end.
    pub fn next(&mut self) -> Result<Option<Element>, Stop> {
        if self.pos >= self.end || self.only_padding_is_left() {
            return Ok(None);
        }
        let head = self.head(self.pos, self.encoding)?;
        if head.tag == ITEM_END {
            self.pos = self.end;
            return Ok(None);
        }
        let encoding = item_encoding(self.encoding, head.vr);
        let is_pixels = is_pixel_data(head.tag);
        let (value, next) = if head.length != UNDEFINED {
            let value = head.value..head.value.saturating_add(head.length as usize);
            if value.end > self.end && !is_pixels {
                return Err(self.too_long(&head).into());
            }
            (value.clone(), value.end)
        } else if is_pixels {
            (head.value..self.end, self.end)
        } else {
            let (content, next) = self.skip_undefined(head.value, encoding, Level::Sequence)?;
            (head.value..content, next)
        };
        self.pos = next;
        Ok(Some(Element {
            tag: head.tag,
            vr: head.vr,
            value,
            undefined_length: head.length == UNDEFINED,
            encoding,
        }))
    }

    /// Returns the bytes of a value.
    pub fn value(&self, element: &Element) -> Result<&'a [u8], Stop> {
        self.bytes
            .get(element.value.clone())
            .ok_or(Stop::NeedMore(element.value.end))
    }

    /// Returns the items of a sequence.
    pub fn items(&self, sequence: &Element) -> Result<Vec<Elements<'a>>, Stop> {
        let walk = Elements::new(
            self.bytes,
            sequence.value.start,
            sequence.value.end,
            sequence.encoding,
        );
        let mut items = Vec::new();
        let mut pos = walk.pos;
        while pos < walk.end {
            let (tag, length) = walk.item_head(pos)?;
            match tag {
                ITEM => {}
                SEQUENCE_END => break,
                tag => return Err(walk.unexpected(tag, pos).into()),
            }
            let start = pos + 8;
            let (content, next) = if length == UNDEFINED {
                walk.skip_undefined(start, walk.encoding, Level::Item)?
            } else {
                let end = start + length as usize;
                if end > walk.end {
                    return Err(malformed(format!(
                        "an item at byte {pos} declares {length} bytes, {} are left",
                        walk.end - start
                    ))
                    .into());
                }
                (end, end)
            };
            items.push(Elements::new(self.bytes, start, content, walk.encoding));
            pos = next;
        }
        Ok(items)
    }

    /// Walks over a value of undefined length. Returns the end of its content and the start of the next
    /// element.
    fn skip_undefined(
        &self,
        start: usize,
        encoding: Encoding,
        level: Level,
    ) -> Result<(usize, usize), Stop> {
        let mut open = vec![(level, encoding)];
        let mut pos = start;
        while let Some(&(level, encoding)) = open.last() {
            if open.len() > MAX_DEPTH {
                return Err(
                    malformed(format!("sequences are nested deeper than {MAX_DEPTH}")).into(),
                );
            }
            // At the closing delimiter, `at` is its start: the end of the content.
            let at = pos;
            let step = match level {
                Level::Sequence => self.step_in_sequence(&mut pos, encoding)?,
                Level::Item => self.step_in_item(&mut pos, encoding)?,
            };
            match step {
                Step::Over => {}
                Step::Into(level, encoding) => open.push((level, encoding)),
                Step::Out => {
                    open.pop();
                    if open.is_empty() {
                        return Ok((at, pos));
                    }
                }
            }
        }
        Ok((pos, pos))
    }

    fn step_in_sequence(&self, pos: &mut usize, encoding: Encoding) -> Result<Step, Stop> {
        let at = *pos;
        let walk = Elements::new(self.bytes, at, self.end, encoding);
        let (tag, length) = walk.item_head(at)?;
        *pos = at + 8;
        match tag {
            SEQUENCE_END => Ok(Step::Out),
            ITEM if length == UNDEFINED => Ok(Step::Into(Level::Item, encoding)),
            ITEM if length as usize <= self.end - *pos => {
                *pos += length as usize;
                Ok(Step::Over)
            }
            ITEM => Err(malformed(format!(
                "an item at byte {at} declares {length} bytes, {} are left",
                self.end - *pos
            ))
            .into()),
            tag => Err(self.unexpected(tag, at).into()),
        }
    }

    fn step_in_item(&self, pos: &mut usize, encoding: Encoding) -> Result<Step, Stop> {
        let head = self.head(*pos, encoding)?;
        *pos = head.value;
        if head.tag == ITEM_END {
            return Ok(Step::Out);
        }
        if head.length == UNDEFINED {
            return Ok(Step::Into(
                Level::Sequence,
                item_encoding(encoding, head.vr),
            ));
        }
        if head.length as usize > self.end - head.value {
            return Err(self.too_long(&head).into());
        }
        *pos += head.length as usize;
        Ok(Step::Over)
    }

    fn head(&self, pos: usize, encoding: Encoding) -> Result<Head, Stop> {
        let bytes: [u8; 8] = self.array(pos)?;
        let tag = Tag(
            encoding.u16([bytes[0], bytes[1]]),
            encoding.u16([bytes[2], bytes[3]]),
        );
        let vr = [bytes[4], bytes[5]];
        let long = [bytes[4], bytes[5], bytes[6], bytes[7]];
        // Delimiters have no VR. Some writers omit a VR in an explicit data set: as pydicom does, read
        // anything but two capital letters as the length of an implicit element.
        if !encoding.explicit_vr || tag.group() == 0xFFFE || !is_vr(vr) {
            return Ok(Head {
                tag,
                vr: None,
                length: encoding.u32(long),
                value: pos + 8,
            });
        }
        let (length, value) = if has_long_length(vr) {
            (encoding.u32(self.array(pos + 8)?), pos + 12)
        } else {
            (u32::from(encoding.u16([bytes[6], bytes[7]])), pos + 8)
        };
        Ok(Head {
            tag,
            vr: Some(vr),
            length,
            value,
        })
    }

    fn item_head(&self, pos: usize) -> Result<(Tag, u32), Stop> {
        let head = self.head(
            pos,
            Encoding {
                explicit_vr: false,
                ..self.encoding
            },
        )?;
        Ok((head.tag, head.length))
    }

    fn array<const N: usize>(&self, pos: usize) -> Result<[u8; N], Stop> {
        if pos.saturating_add(N) > self.end {
            let left = self.end.saturating_sub(pos);
            return Err(malformed(format!(
                "an element at byte {pos} needs {N} bytes, {left} are left"
            ))
            .into());
        }
        let bytes = self.bytes.get(pos..pos + N);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Stop::NeedMore(pos + N))
    }

    /// Files are padded to an even length, some to a block: trailing zeros are no element.
    fn only_padding_is_left(&self) -> bool {
        self.end - self.pos < 8
            && self
                .bytes
                .get(self.pos..self.end)
                .is_some_and(|left| left.iter().all(|&byte| byte == 0))
    }

    fn too_long(&self, head: &Head) -> FileFault {
        malformed(format!(
            "element {} declares {} bytes at byte {}, {} are left",
            name(head.tag),
            head.length,
            head.value,
            self.end.saturating_sub(head.value)
        ))
    }

    fn unexpected(&self, tag: Tag, pos: usize) -> FileFault {
        malformed(format!(
            "expected an item of a sequence at byte {pos}, found {}",
            name(tag)
        ))
    }
}

#[derive(Clone, Copy)]
enum Level {
    Sequence,
    Item,
}

enum Step {
    Over,
    Into(Level, Encoding),
    Out,
}

/// Returns whether the tag holds an image's samples: integers, floats or doubles.
pub(crate) fn is_pixel_data(tag: Tag) -> bool {
    matches!(
        tag,
        tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA
    )
}

/// Formats a tag in the usual way.
pub(crate) fn name(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}

fn malformed(reason: String) -> FileFault {
    FileFault::Malformed(reason)
}

fn is_vr(vr: [u8; 2]) -> bool {
    vr.iter().all(u8::is_ascii_uppercase)
}

/// Returns whether a VR has a 32-bit length (PS3.5 table 7.1-1).
fn has_long_length(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

/// The encoding of items: a sequence of VR UN is in Implicit VR Little Endian (PS3.5 section 6.2.2).
fn item_encoding(encoding: Encoding, vr: Option<[u8; 2]>) -> Encoding {
    if vr == Some(*b"UN") {
        Encoding::IMPLICIT_LE
    } else {
        encoding
    }
}
