//! The treatment of each attribute. The list is closed: any attribute that is not in it is removed
//! (DICOM PS3.15 section E.1.1, note 5: to retain only what is known to be safe).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::element::Encoding;
use crate::kernel::is_kernel;

/// Maximum number of values of an attribute: further terms are dropped, and a longer list of numbers as
/// a whole. Windows come in threes at most.
const MAX_VALUES: usize = 16;
/// Maximum InstanceNumber that is kept. A longer number could be a person's id.
const MAX_INSTANCE_NUMBER: i64 = 999_999;

/// The treatment of an attribute's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// Present and empty, even if the file lacks it: action Z of table E.1-1, or a type 2 attribute
    /// that is only an identifier or a name.
    Empty,
    /// This value, even if the file lacks the attribute.
    Fixed(&'static str),
    /// Exactly this many decimal numbers.
    Numbers(usize),
    /// Any number of decimal numbers.
    NumberList,
    /// An integer from 0 to the limit.
    Count(i64),
    /// A 16-bit number.
    Word,
    /// A 32-bit number of at most [`MAX_INSTANCE_NUMBER`].
    Long,
    /// The values that are among these terms. If none is, the attribute is removed.
    Terms(&'static [&'static str]),
    /// The type of a rescale's result: one of these, otherwise `US`, unspecified.
    RescaleType(&'static [&'static str]),
    /// Vendors' names of reconstruction kernels.
    Kernel,
    /// A class of the standard's storage service, otherwise that of CT images.
    StorageClass,
}

use Rule::{
    Count, Empty, Fixed, Kernel, Long, NumberList, Numbers, RescaleType, StorageClass, Terms, Word,
};

/// Terms of PS3.3 sections C.7.6.1.1.2, C.8.2.1.1.1 and C.8.16.1.
const IMAGE_TYPES: &[&str] = &[
    "ORIGINAL",
    "DERIVED",
    "PRIMARY",
    "SECONDARY",
    "AXIAL",
    "LOCALIZER",
    "SCOUT",
    "VOLUME",
    "MIXED",
    "NONE",
    "MPR",
    "AVERAGE",
    "MAX_IP",
    "MIN_IP",
    "RESAMPLED",
];
/// PS3.3 section C.7.3.1.1.2: head or feet first, lying on back, belly or a side.
const POSITIONS: &[&str] = &["HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL"];
/// The terms of PS3.16 annex L that a chest CT has.
const BODY_PARTS: &[&str] = &[
    "CHEST",
    "LUNG",
    "HEART",
    "ABDOMEN",
    "CHESTABDOMEN",
    "CHESTABDPELVIS",
    "NECKCHEST",
];
/// Terms of PS3.3 section C.11.1.1.2.
const RESCALE_TYPES: &[&str] = &["HU", "OD", "HU_MOD", "MGML", "PCT", "ED", "EDW", "Z_EFF"];

/// The top-level attributes of a copy. UIDs, PatientID, the functional groups and the pixel data are
/// added by [`super::dataset`].
///
/// They follow the basic profile of PS3.15 table E.1-1. An attribute of the table that a CT image must
/// have is empty (action Z); all others of the table are missing here, and so removed (X). Attributes
/// that keep a value are not in the table. The series' number and the device's manufacturer are empty
/// too, as the standard allows (type 2): they are not needed, and numbers may be ids. A short
/// acquisition number is kept, because it tells the volumes of a series apart.
pub(crate) const ATTRIBUTES: &[(Tag, [u8; 2], Rule)] = &[
    (tags::IMAGE_TYPE, *b"CS", Terms(IMAGE_TYPES)),
    (tags::SOP_CLASS_UID, *b"UI", StorageClass),
    (tags::STUDY_DATE, *b"DA", Empty),
    (tags::STUDY_TIME, *b"TM", Empty),
    (tags::ACCESSION_NUMBER, *b"SH", Empty),
    (tags::MODALITY, *b"CS", Fixed("CT")),
    (tags::MANUFACTURER, *b"LO", Empty),
    (tags::REFERRING_PHYSICIAN_NAME, *b"PN", Empty),
    (tags::PATIENT_NAME, *b"PN", Empty),
    (tags::PATIENT_BIRTH_DATE, *b"DA", Empty),
    (tags::PATIENT_SEX, *b"CS", Empty),
    (tags::PATIENT_IDENTITY_REMOVED, *b"CS", Fixed("YES")),
    (
        tags::DEIDENTIFICATION_METHOD,
        *b"LO",
        Fixed("PS3.15 basic profile; all that is not needed is removed"),
    ),
    (tags::BODY_PART_EXAMINED, *b"CS", Terms(BODY_PARTS)),
    (tags::SLICE_THICKNESS, *b"DS", Numbers(1)),
    (tags::KVP, *b"DS", Numbers(1)),
    (tags::SPACING_BETWEEN_SLICES, *b"DS", Numbers(1)),
    (tags::CONVOLUTION_KERNEL, *b"SH", Kernel),
    (tags::PATIENT_POSITION, *b"CS", Terms(POSITIONS)),
    (tags::STUDY_ID, *b"SH", Empty),
    (tags::SERIES_NUMBER, *b"IS", Empty),
    (tags::ACQUISITION_NUMBER, *b"IS", Count(MAX_INSTANCE_NUMBER)),
    (tags::FRAME_ACQUISITION_NUMBER, *b"US", Word),
    (
        tags::TEMPORAL_POSITION_IDENTIFIER,
        *b"IS",
        Count(MAX_INSTANCE_NUMBER),
    ),
    (tags::TEMPORAL_POSITION_INDEX, *b"UL", Long),
    (tags::INSTANCE_NUMBER, *b"IS", Count(MAX_INSTANCE_NUMBER)),
    (tags::IMAGE_POSITION_PATIENT, *b"DS", Numbers(3)),
    (tags::IMAGE_ORIENTATION_PATIENT, *b"DS", Numbers(6)),
    (tags::POSITION_REFERENCE_INDICATOR, *b"LO", Empty),
    (tags::SLICE_LOCATION, *b"DS", Numbers(1)),
    (tags::SAMPLES_PER_PIXEL, *b"US", Word),
    (
        tags::PHOTOMETRIC_INTERPRETATION,
        *b"CS",
        Terms(&["MONOCHROME1", "MONOCHROME2"]),
    ),
    (tags::NUMBER_OF_FRAMES, *b"IS", Count(1 << 16)),
    (tags::ROWS, *b"US", Word),
    (tags::COLUMNS, *b"US", Word),
    (tags::PIXEL_SPACING, *b"DS", Numbers(2)),
    (tags::BITS_ALLOCATED, *b"US", Word),
    (tags::BITS_STORED, *b"US", Word),
    (tags::HIGH_BIT, *b"US", Word),
    (tags::PIXEL_REPRESENTATION, *b"US", Word),
    (tags::PIXEL_PADDING_VALUE, *b"US", Word),
    (tags::PIXEL_PADDING_RANGE_LIMIT, *b"US", Word),
    (tags::BURNED_IN_ANNOTATION, *b"CS", Terms(&["NO", "YES"])),
    (
        tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
        *b"CS",
        Fixed("REMOVED"),
    ),
    (tags::WINDOW_CENTER, *b"DS", NumberList),
    (tags::WINDOW_WIDTH, *b"DS", NumberList),
    (tags::RESCALE_INTERCEPT, *b"DS", Numbers(1)),
    (tags::RESCALE_SLOPE, *b"DS", Numbers(1)),
    (tags::RESCALE_TYPE, *b"LO", RescaleType(RESCALE_TYPES)),
    (tags::LOSSY_IMAGE_COMPRESSION, *b"CS", Terms(&["00", "01"])),
    // Only in the functional groups of an enhanced object.
    (tags::FRAME_TYPE, *b"CS", Terms(IMAGE_TYPES)),
];

/// Returns the value to write for a found one; `None` if the attribute is removed.
pub(crate) fn cleaned(rule: Rule, bytes: &[u8], found: Encoding, to: Encoding) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let values = || text.split('\\').map(str::trim);
    let kept = match rule {
        Empty => String::new(),
        Fixed(value) => value.to_owned(),
        Numbers(n) => numbers(text).filter(|found| found.len() == n)?.join("\\"),
        NumberList => numbers(text)?.join("\\"),
        Count(limit) => {
            let count: i64 = text.parse().ok()?;
            (0..=limit).contains(&count).then(|| count.to_string())?
        }
        Word => {
            let word = found.u16(*bytes.first_chunk()?);
            return Some(to.word_bytes(word).to_vec());
        }
        Long => {
            let count = found.u32(*bytes.first_chunk()?);
            let is_count = i64::from(count) <= MAX_INSTANCE_NUMBER;
            let bytes = if to.big_endian {
                count.to_be_bytes()
            } else {
                count.to_le_bytes()
            };
            return is_count.then(|| bytes.to_vec());
        }
        Terms(terms) => {
            let known = values().filter(|value| terms.contains(value));
            let known: Vec<_> = known.take(MAX_VALUES).collect();
            (!known.is_empty()).then(|| known.join("\\"))?
        }
        RescaleType(_) if text.is_empty() => return None,
        RescaleType(terms) if terms.contains(&text) => text.to_owned(),
        RescaleType(_) => "US".to_owned(),
        Kernel => is_kernel(text).then(|| text.to_owned())?,
        StorageClass => storage_class(text).to_owned(),
    };
    Some(kept.into_bytes())
}

fn numbers(text: &str) -> Option<Vec<String>> {
    let numbers: Option<Vec<_>> = text.split('\\').map(number).collect();
    numbers.filter(|numbers| numbers.len() <= MAX_VALUES)
}

/// Returns a number unchanged, or, if it is longer than VR DS allows, as the shortest text with the same
/// value: surplus digits could hold anything.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite())?;
    if text.len() <= 16 {
        return Some(text.to_owned());
    }
    let plain = number.to_string();
    Some(if plain.len() <= 24 {
        plain
    } else {
        format!("{number:e}")
    })
}

fn storage_class(uid: &str) -> &str {
    const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
    let of_standard = uid.strip_prefix(STORAGE).is_some_and(|rest| {
        rest.len() <= 8 && rest.bytes().all(|b| b == b'.' || b.is_ascii_digit())
    });
    if of_standard {
        uid
    } else {
        dicom_dictionary_std::uids::CT_IMAGE_STORAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_are_known_to_be_safe_are_kept() {
        let check = |rule: Rule, value: &str, expected: Option<&str>| {
            let (from, to) = (Encoding::EXPLICIT_LE, Encoding::EXPLICIT_LE);
            let found = cleaned(rule, value.as_bytes(), from, to);
            let found = found.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), expected, "{rule:?} of {value:?}");
        };
        check(Empty, "DOE^JANE", Some(""));
        check(Fixed("YES"), "NO", Some("YES"));
        check(Numbers(1), " 120 ", Some("120"));
        check(Numbers(1), "120\\140", None);
        check(Numbers(1), "DOE", None);
        check(Numbers(1), "inf", None);
        check(
            Numbers(2),
            "0.70312500000000000000\\0.7",
            Some("0.703125\\0.7"),
        );
        check(Numbers(1), "00000000019700102", Some("19700102"));
        check(NumberList, "40\\400\\-600", Some("40\\400\\-600"));
        check(NumberList, "40\\DOE", None);
        check(Count(999_999), "17 ", Some("17"));
        check(Count(999_999), "471147114", None);
        check(Count(999_999), "-1", None);
        check(
            Terms(IMAGE_TYPES),
            "DERIVED\\SECONDARY\\AXIAL\\JANE DOE",
            Some("DERIVED\\SECONDARY\\AXIAL"),
        );
        check(Terms(IMAGE_TYPES), "JANE DOE", None);
        check(RescaleType(RESCALE_TYPES), "HU", Some("HU"));
        check(RescaleType(RESCALE_TYPES), "JANE", Some("US"));
        check(RescaleType(RESCALE_TYPES), "", None);
        check(Kernel, "Br40d\\3", Some("Br40d\\3"));
        check(Kernel, "DOE^JANE", None);
        check(Kernel, "SMITH JOHN\\born 1.1.1970", None);
        check(Kernel, "a kernel of more than sixteen", None);
        check(
            StorageClass,
            "1.2.840.10008.5.1.4.1.1.2.1",
            Some("1.2.840.10008.5.1.4.1.1.2.1"),
        );
        check(
            StorageClass,
            "1.2.3.4711",
            Some("1.2.840.10008.5.1.4.1.1.2"),
        );
    }

    #[test]
    fn words_change_their_encoding_with_the_file() {
        let big = Encoding {
            explicit_vr: true,
            big_endian: true,
        };
        let found = cleaned(Word, &[1, 2, 3], big, Encoding::EXPLICIT_LE);
        assert_eq!(found, Some(vec![2, 1]));
        assert_eq!(cleaned(Word, &[1], big, big), None);
    }
}
