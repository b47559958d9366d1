//! The functional groups of enhanced multi-frame objects (DICOM PS3.3 section C.7.6.16): sequences,
//! shared or per frame, that hold attributes which a single-frame file has at the top level.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::element::{Elements, Stop};
use crate::header::FrameFacts;
use crate::value::Values;

/// The groups that are read.
pub(crate) const WANTED: [Tag; 6] = [
    tags::PLANE_POSITION_SEQUENCE,
    tags::PLANE_ORIENTATION_SEQUENCE,
    tags::PIXEL_MEASURES_SEQUENCE,
    tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tags::CT_IMAGE_FRAME_TYPE_SEQUENCE,
    tags::FRAME_CONTENT_SEQUENCE,
];

/// Reads the facts of one item of the shared or the per-frame sequence into `facts`.
pub(crate) fn read(
    item: &Elements,
    facts: &mut FrameFacts,
    invalid: &mut Vec<&'static str>,
) -> Result<(), Stop> {
    let mut groups = item.clone();
    while let Some(group) = groups.next()? {
        if !WANTED.contains(&group.tag) {
            continue;
        }
        for mut attributes in groups.items(&group)? {
            while let Some(attribute) = attributes.next()? {
                let mut values = Values {
                    bytes: attributes.value(&attribute)?,
                    encoding: attribute.encoding,
                    invalid,
                };
                facts.take(attribute.tag, &mut values);
            }
        }
    }
    Ok(())
}
