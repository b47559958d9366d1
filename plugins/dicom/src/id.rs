//! Ids of studies, series and images as they are kept: what may be shown as it is, and else a digest.
//!
//! An id is printed, logged and written to tables. It should be a UID, but research data have hashes
//! and study codes in its place, and now and then a name. So every id goes through [`kept`] where it
//! is read, from a file or from a label table, and nothing behind that sees another.

use std::path::Path;
use std::sync::Arc;

use crate::Exam;

/// Characters that an id has at most, as a UID (PS3.5 section 9.1).
const MAX_CHARS: usize = 64;
/// Hexadecimal digits of a hash: the RSNA-STR data set has 12 in the place of a UID.
const HASH_DIGITS: std::ops::RangeInclusive<usize> = 12..=MAX_CHARS;
/// Hexadecimal digits of a digest, which is kept as it is when it is read again.
const DIGEST_DIGITS: usize = 24;

/// An id as it is kept: a UID or a hash as it is, another by its digest; `None` for what is no id,
/// which has 1 to 64 letters, digits, `.`, `-` and `_`.
pub(crate) fn kept(text: &str) -> Option<String> {
    if is_uid(text) || is_hash(text) {
        return Some(text.to_owned());
    }
    let is_id = (1..=MAX_CHARS).contains(&text.len())
        && (text.bytes()).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    is_id.then(|| digest(text))
}

/// A UID that is no instance's, such as a class's; empty for what is none.
pub(crate) fn uid(text: &str) -> String {
    if is_uid(text) {
        text.to_owned()
    } else {
        String::new()
    }
}

/// Digits and dots, under one of the three roots that there are: a number alone may be a patient's.
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

/// Gives an exam the ids that its folders and files are called by, in place of their digests: whoever
/// sees the paths has seen these.
pub(crate) fn named_by_paths(exam: &mut Exam) {
    let paths: Vec<_> = exam.files().collect();
    let Some(first) = paths.first() else {
        return;
    };
    let images_are_slices = exam.slices_are_images();
    // In place: a copy would take the memory of all ids once more, in another thread's heap.
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

/// A file's name, with and without what follows its last dot.
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
        // A number under no root of UIDs.
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
