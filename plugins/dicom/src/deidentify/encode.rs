//! Encodes elements (DICOM PS3.5 section 7.1) and the file around them (PS3.10 section 7.1).

use std::collections::BTreeMap;
use std::io::Write;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::FileFault;
use crate::element::Encoding;
use crate::syntax::Syntax;

/// Implementation Class UID of this writer: a UUID made once, under 2.25 (PS3.5 annex B.2).
const IMPLEMENTATION: &str = "2.25.4753362670178890269394237116249641729";
const IMPLEMENTATION_VERSION: &str = "PE_DICOM";
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = 0xFFFF_FFFF;

/// The elements of a data set or an item.
pub(crate) type Dataset = BTreeMap<Tag, Value>;

/// An element's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Bytes of a VR with a 16-bit length, at most 65,534.
    Short([u8; 2], Vec<u8>),
    /// Bytes of a VR with a 32-bit length.
    Long([u8; 2], Vec<u8>),
    /// A sequence.
    Items(Vec<Dataset>),
    /// Pixel data in fragments; the first one is the offset table.
    Fragments(Vec<Vec<u8>>),
}

/// Encodes the whole file of a data set: an empty preamble, file meta information, the data set.
pub(crate) fn file(dataset: &Dataset, syntax: Syntax, sop_uid: &str) -> Result<Vec<u8>, FileFault> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let class = dataset.get(&tags::SOP_CLASS_UID);
    meta(&mut bytes, syntax, class, sop_uid);
    if !syntax.deflated {
        write(&mut bytes, dataset, syntax.encoding);
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    write(&mut plain, dataset, syntax.encoding);
    let mut encoder = DeflateEncoder::new(bytes, Compression::default());
    let deflated = encoder.write_all(&plain).and_then(|()| encoder.finish());
    let mut bytes = deflated.map_err(|error| FileFault::Io(error.to_string()))?;
    if !bytes.len().is_multiple_of(2) {
        bytes.push(0);
    }
    Ok(bytes)
}

/// Appends the file meta information (PS3.10 table 7.1-1). Optional attributes are left out, since they
/// name the sender of the file.
fn meta(bytes: &mut Vec<u8>, syntax: Syntax, class: Option<&Value>, sop_uid: &str) {
    let text = |vr, text: &str| Value::Short(vr, text.as_bytes().to_vec());
    let mut meta = Dataset::from([
        (
            tags::FILE_META_INFORMATION_VERSION,
            Value::Long(*b"OB", vec![0, 1]),
        ),
        (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, text(*b"UI", sop_uid)),
        (tags::TRANSFER_SYNTAX_UID, text(*b"UI", syntax.uid)),
        (tags::IMPLEMENTATION_CLASS_UID, text(*b"UI", IMPLEMENTATION)),
        (
            tags::IMPLEMENTATION_VERSION_NAME,
            text(*b"SH", IMPLEMENTATION_VERSION),
        ),
    ]);
    meta.extend(class.map(|class| (tags::MEDIA_STORAGE_SOP_CLASS_UID, class.clone())));
    let mut elements = Vec::new();
    write(&mut elements, &meta, Encoding::EXPLICIT_LE);
    let length = (elements.len() as u32).to_le_bytes().to_vec();
    let length = Dataset::from([(
        tags::FILE_META_INFORMATION_GROUP_LENGTH,
        Value::Short(*b"UL", length),
    )]);
    write(bytes, &length, Encoding::EXPLICIT_LE);
    bytes.extend(elements);
}

/// Appends elements in the order of their tags.
fn write(bytes: &mut Vec<u8>, dataset: &Dataset, encoding: Encoding) {
    for (&tag, value) in dataset {
        match value {
            Value::Short(vr, value) => {
                let value = padded(*vr, value);
                tag_bytes(bytes, tag, encoding);
                if encoding.explicit_vr {
                    bytes.extend(vr);
                    bytes.extend(encoding.word_bytes(value.len() as u16));
                } else {
                    bytes.extend(encoding.long_bytes(value.len() as u32));
                }
                bytes.extend_from_slice(&value);
            }
            Value::Long(vr, value) => {
                let value = padded(*vr, value);
                long_head(bytes, tag, *vr, value.len() as u32, encoding);
                bytes.extend_from_slice(&value);
            }
            Value::Items(items) => {
                let mut content = Vec::new();
                for item in items {
                    let mut elements = Vec::new();
                    write(&mut elements, item, encoding);
                    item_head(&mut content, ITEM, elements.len() as u32, encoding);
                    content.extend(elements);
                }
                long_head(bytes, tag, *b"SQ", content.len() as u32, encoding);
                bytes.extend(content);
            }
            Value::Fragments(fragments) => {
                long_head(bytes, tag, *b"OB", UNDEFINED, encoding);
                for fragment in fragments {
                    item_head(bytes, ITEM, fragment.len() as u32, encoding);
                    bytes.extend_from_slice(fragment);
                }
                item_head(bytes, SEQUENCE_END, 0, encoding);
            }
        }
    }
}

fn tag_bytes(bytes: &mut Vec<u8>, tag: Tag, encoding: Encoding) {
    bytes.extend(encoding.word_bytes(tag.group()));
    bytes.extend(encoding.word_bytes(tag.element()));
}

fn long_head(bytes: &mut Vec<u8>, tag: Tag, vr: [u8; 2], length: u32, encoding: Encoding) {
    tag_bytes(bytes, tag, encoding);
    if encoding.explicit_vr {
        bytes.extend(vr);
        bytes.extend([0, 0]);
    }
    bytes.extend(encoding.long_bytes(length));
}

fn item_head(bytes: &mut Vec<u8>, tag: Tag, length: u32, encoding: Encoding) {
    tag_bytes(bytes, tag, encoding);
    bytes.extend(encoding.long_bytes(length));
}

/// Pads a value to an even length: UIDs and bytes with a zero, text with a space.
fn padded(vr: [u8; 2], value: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if value.len().is_multiple_of(2) {
        return value.into();
    }
    let is_text = !matches!(&vr, b"UI" | b"OB" | b"OW");
    let mut value = value.to_vec();
    value.push(if is_text { b' ' } else { 0 });
    value.into()
}
