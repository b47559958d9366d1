//! Values planted in a file, in every place that can hold one.

use std::fs;
use std::path::Path;

use dicom_core::header::Length;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject, open_file};

/// What is planted; must not come out.
pub const PLANTED: [&str; 37] = [
    "ZARQUON",
    "QX-4711-PID",
    "ACCQX9988",
    "19691231",
    "19700102",
    "134711.4711",
    "19800229134711",
    "free text of a letter",
    "Planted Road 7",
    "a report of many pages",
    "an unlimited text",
    "https://planted.example",
    "QXSTATION",
    "471147114",
    "471147115",
    "SEXQX",
    "PARTQX",
    "TYPEQX",
    "71.4711",
    "QXSMITH",
    "1.2.826.471147",
    "1.2.826.471148",
    "1.3.6.1.4711.9",
    "QXREFERENCED",
    "PRIVATE CREATOR QX",
    "private words",
    "private bytes",
    "unknown words",
    "step of a procedure",
    "deep below",
    "OVERLAYQX",
    "TRAILINGQX",
    "QXSOURCE",
    "QXVERSION",
    "QXPRIVATEMETA",
    "QXPREAMBLE",
    "BEYONDTHEPIXELSQX",
];

const TEXTS: &[(Tag, VR, &str)] = &[
    (tags::PATIENT_NAME, VR::PN, "ZARQUON^JANE"),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "ZARQUON^DOCTOR"),
    (tags::OPERATORS_NAME, VR::PN, "ZARQUON^OPERATOR"),
    (tags::PATIENT_ID, VR::LO, "QX-4711-PID"),
    (tags::INSTITUTION_NAME, VR::LO, "ZARQUON HOSPITAL"),
    (tags::STUDY_DESCRIPTION, VR::LO, "CT OF ZARQUON"),
    (tags::SERIES_DESCRIPTION, VR::LO, "CT OF ZARQUON"),
    (tags::MANUFACTURER, VR::LO, "ZARQUON WORKS"),
    (tags::ACCESSION_NUMBER, VR::SH, "ACCQX9988"),
    (tags::STUDY_ID, VR::SH, "471147114"),
    (tags::STATION_NAME, VR::SH, "QXSTATION"),
    (
        tags::CONVOLUTION_KERNEL,
        VR::SH,
        "QXSMITH JOHN\\born 1.1.1970",
    ),
    (tags::PATIENT_COMMENTS, VR::LT, "free text of a letter"),
    (tags::IMAGE_COMMENTS, VR::LT, "free text of a letter"),
    (tags::INSTITUTION_ADDRESS, VR::ST, "Planted Road 7"),
    (tags::TEXT_VALUE, VR::UT, "a report of many pages"),
    (tags::LONG_CODE_VALUE, VR::UC, "an unlimited text"),
    (tags::RETRIEVE_URL, VR::UR, "https://planted.example"),
    (tags::STUDY_DATE, VR::DA, "19691231"),
    (tags::PATIENT_BIRTH_DATE, VR::DA, "19700102"),
    (tags::STUDY_TIME, VR::TM, "134711.4711"),
    (tags::ACQUISITION_DATE_TIME, VR::DT, "19800229134711"),
    (tags::RETRIEVE_AE_TITLE, VR::AE, "QXSTATION"),
    (tags::SERIES_NUMBER, VR::IS, "471147114"),
    (tags::ACQUISITION_NUMBER, VR::IS, "471147114"),
    (tags::INSTANCE_NUMBER, VR::IS, "471147115"),
    (tags::PATIENT_SEX, VR::CS, "SEXQX"),
    (tags::BODY_PART_EXAMINED, VR::CS, "PARTQX"),
    (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL\\TYPEQX"),
    (tags::PATIENT_WEIGHT, VR::DS, "71.4711"),
    // A wrong VR, and a number's place that holds a name.
    (tags::KVP, VR::LO, "ZARQUON^JANE"),
    (tags::SLICE_LOCATION, VR::DS, "ZARQUON"),
    (tags::INSTANCE_CREATOR_UID, VR::UI, "1.3.6.1.4711.9"),
    (tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.3.6.1.4711.9"),
    (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100"),
    (Tag(0x0009, 0x0010), VR::LO, "PRIVATE CREATOR QX"),
    (Tag(0x0009, 0x1001), VR::LT, "private words"),
];

const BYTES: &[(Tag, VR, &str)] = &[
    (Tag(0x0009, 0x1002), VR::OB, "private bytes"),
    (Tag(0x0009, 0x1003), VR::UN, "unknown words"),
    (Tag(0x6000, 0x3000), VR::OB, "OVERLAYQX"),
    (Tag(0xFFFC, 0xFFFC), VR::OB, "TRAILINGQX"),
];

/// Plants everything in a file.
pub fn plant(path: &Path) {
    let mut object = open_file(path).unwrap().into_inner();
    for &(tag, vr, text) in TEXTS {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    }
    for &(tag, vr, text) in BYTES {
        let bytes = PrimitiveValue::U8(text.as_bytes().into());
        object.put(DataElement::new(tag, vr, bytes));
    }
    let deep = item(
        &[(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "QXREFERENCED")],
        None,
    );
    let below = item(&[(tags::CODE_MEANING, VR::LO, "deep below")], Some(deep));
    let step = item(
        &[(
            tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
            VR::LO,
            "step of a procedure",
        )],
        Some(below),
    );
    put_sequence(&mut object, tags::REQUEST_ATTRIBUTES_SEQUENCE, step);
    beyond_the_pixels(&mut object);
    save(path, object);
    let mut bytes = fs::read(path).unwrap();
    bytes[..10].copy_from_slice(b"QXPREAMBLE");
    fs::write(path, bytes).unwrap();
}

/// Marks a file as one with words in its pixels.
pub fn burn_in(path: &Path) {
    let mut object = open_file(path).unwrap().into_inner();
    let yes = PrimitiveValue::from("YES");
    object.put(DataElement::new(tags::BURNED_IN_ANNOTATION, VR::CS, yes));
    save(path, object);
}

fn item(texts: &[(Tag, VR, &str)], below: Option<InMemDicomObject>) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    for &(tag, vr, text) in texts {
        item.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    }
    if let Some(below) = below {
        put_sequence(&mut item, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, below);
    }
    item
}

fn put_sequence(object: &mut InMemDicomObject, tag: Tag, item: InMemDicomObject) {
    let items = DataSetSequence::new(vec![item], Length::UNDEFINED);
    object.put(DataElement::new(tag, VR::SQ, items));
}

/// Text behind the last row of the image, in the same element.
fn beyond_the_pixels(object: &mut InMemDicomObject) {
    let pixels = object.element(tags::PIXEL_DATA).unwrap();
    let mut bytes = pixels.to_bytes().unwrap().into_owned();
    bytes.extend(b"BEYONDTHEPIXELSQX ");
    let words = bytes.as_chunks::<2>().0;
    let words: Vec<u16> = words.iter().map(|word| u16::from_le_bytes(*word)).collect();
    let value = PrimitiveValue::U16(words.into());
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, value));
}

fn save(path: &Path, object: InMemDicomObject) {
    let sop = object.element(tags::SOP_INSTANCE_UID).unwrap();
    let sop = sop.to_str().unwrap().into_owned();
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2")
        .media_storage_sop_instance_uid(sop)
        .transfer_syntax("1.2.840.10008.1.2.1")
        .implementation_class_uid("1.3.6.1.4711.9")
        .implementation_version_name("QXVERSION")
        .source_application_entity_title("QXSOURCE")
        .private_information_creator_uid("1.3.6.1.4711.9")
        .private_information(b"QXPRIVATEMETA ".to_vec())
        .build()
        .unwrap();
    object.with_exact_meta(meta).write_to_file(path).unwrap();
}
