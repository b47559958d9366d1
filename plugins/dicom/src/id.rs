//! Ids of studies, series and images in a form that may be shown: unchanged, or else as a digest.
//!
//! An id is printed, logged and written to tables. It should be a UID, but research data have hashes
//! and study codes instead, and now and then a name. So every id goes through [`kept`] when it is read
//! from a file or a label table, and later code never sees the original.

use std::path::Path;
use std::sync::Arc;

use crate::exam::Images;

/// Maximum length of an id, as of a UID (PS3.5 section 9.1).
const MAX_CHARS: usize = 64;
/// Hexadecimal digits of a hash: the RSNA-STR data set has 12 in place of a UID.
const HASH_DIGITS: std::ops::RangeInclusive<usize> = 12..=MAX_CHARS;
/// Hexadecimal digits of a digest. They are a valid hash, so a digest that is read again is kept.
const DIGEST_DIGITS: usize = 24;

/// Converts an id to the form in which it is kept: a UID or a hash unchanged, another id as a digest.
/// `None` for a text that is no id, which has 1 to 64 letters, digits, `.`, `-` and `_`.
pub(crate) fn kept(text: &str) -> Option<String> {
    if is_uid(text) || is_hash(text) {
        return Some(text.to_owned());
    }
    let is_id = (1..=MAX_CHARS).contains(&text.len())
        && (text.bytes()).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    is_id.then(|| digest(text))
}

/// Returns a UID that is not an instance's, such as a class UID; empty for another text.
pub(crate) fn uid(text: &str) -> String {
    if is_uid(text) {
        text.to_owned()
    } else {
        String::new()
    }
}

/// A UID has digits and dots below one of the three roots: a number alone may be a patient's.
fn is_uid(text: &str) -> bool {
    let rest = ["0.", "1.", "2."]
        .iter()
        .find_map(|root| text.strip_prefix(root));
    text.len() <= MAX_CHARS
        && rest.is_some_and(|rest| !rest.is_empty())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn is_hash(text: &str) -> bool {
    HASH_DIGITS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn digest(text: &str) -> String {
    let digest = blake3::derive_key("pe-dicom id v1", text.as_bytes());
    blake3::Hash::from_bytes(digest).to_hex()[..DIGEST_DIGITS].to_owned()
}

/// A one-way digest of PatientID that groups the exams of a patient; `None` for an empty one.
pub(crate) fn patient_key(patient_id: &str) -> Option<String> {
    if patient_id.is_empty() {
        return None;
    }
    let digest = blake3::derive_key("pe-dicom PatientID pseudonym v1", patient_id.as_bytes());
    Some(blake3::Hash::from_bytes(digest).to_hex()[..16].to_owned())
}

/// Replaces the digests in an exam by the ids in its paths, if a folder or file is named by that id.
/// These ids are no secret: anyone who sees the paths sees them.
pub(crate) fn named_by_paths(exam: &mut Images) {
    let paths: Vec<_> = exam.paths().collect();
    let Some(first) = paths.first() else {
        return;
    };
    let images_are_slices = exam.slices_are_images();
    // Change them in place: a copy would need the memory of all ids again, in another thread's heap.
    let info = Arc::make_mut(&mut exam.info);
    for id in [&mut info.id.study_uid, &mut info.id.series_uid] {
        let folders = first.ancestors().skip(1).take(2);
        name(
            id,
            folders.filter_map(|folder| folder.file_name()?.to_str()),
        );
    }
    for (slice_idx, sop_uid) in info.sop_uids.iter_mut().enumerate() {
        let (id, rest) = sop_uid.split_once('#').unwrap_or((sop_uid, ""));
        let mut id = id.to_owned();
        if !images_are_slices {
            id.clone_from(&info.id.series_uid);
        } else if let Some(path) = paths.get(slice_idx) {
            name(&mut id, names_of(path).into_iter().flatten());
        }
        let named = match rest {
            "" => id,
            rest => format!("{id}#{rest}"),
        };
        if *sop_uid != named {
            *sop_uid = named;
        }
    }
}

/// A file's name, with and without its extension.
fn names_of(path: &Path) -> [Option<&str>; 2] {
    [path.file_name(), path.file_stem()].map(|name| name?.to_str())
}

fn name<'a>(id: &mut String, mut names: impl Iterator<Item = &'a str>) {
    if let Some(name) = names.find(|name| kept(name).as_ref() == Some(id)) {
        name.clone_into(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_and_hashes_are_kept_as_they_are() {
        let check = |text: &str| assert_eq!(kept(text).as_deref(), Some(text));
        check("1.2.840.10008.1.2");
        check("2.25.329800735698586629295641978511506172918");
        check("6897fa9de148");
        check("6897FA9DE148");
        check(&"1".repeat(64));
        check(&"9f".repeat(32));
    }

    #[test]
    fn other_ids_are_kept_by_a_digest() {
        for text in [
            "ANON-0017",
            "case_17",
            "DOE",
            "DOE.JANE",
            "4711",
            "19700102",
            "..",
            "9f",
        ] {
            let id = kept(text).unwrap();
            assert!(id.len() == 24 && !id.contains(text), "{text}: {id}");
            assert_eq!(kept(&id), Some(id.clone()), "a digest stays what it is");
            assert_ne!(kept(&format!("{text}1")), Some(id));
        }
        // A number without the root of a UID.
        assert_ne!(kept("4711.5").as_deref(), Some("4711.5"));
    }

    #[test]
    fn what_is_no_id_is_none() {
        let check = |text: &str| assert_eq!(kept(text), None, "{text:?}");
        check("");
        check(&"1".repeat(65));
        check("DOE^JANE");
        check("1.2.SECRET\x1b[31m");
        check("=cmd|' /C calc'!A0");
        check("1.2 .3");
        check("1.2\n");
        check("1.２");
        check("a/b");
    }
}
