//! Pseudonyms for UIDs and patients. Equal keys give equal pseudonyms.

use crate::DicomError;

/// Minimum length of a key. There are few PatientIDs, and all of them could be tried, so only the key
/// keeps them secret.
const MIN_KEY_CHARS: usize = 16;

/// Replaces UIDs and PatientIDs by keyed digests. Without the key, nobody can find out the original, or
/// test whether it was a given one.
pub(crate) struct Pseudonyms {
    uids: [u8; 32],
    patients: [u8; 32],
}

impl Pseudonyms {
    /// Creates pseudonyms from a key that the user provides and keeps.
    pub fn of_key(key: &str) -> Result<Self, DicomError> {
        let found = key.chars().count();
        if found < MIN_KEY_CHARS {
            return Err(DicomError::DeidentifyKey {
                expected: MIN_KEY_CHARS,
                found,
            });
        }
        Ok(Self::from_secret(key.as_bytes()))
    }

    /// Creates pseudonyms from a random key, which is then forgotten.
    pub fn random() -> Result<Self, DicomError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| DicomError::NoRandomness)?;
        Ok(Self::from_secret(&secret))
    }

    fn from_secret(secret: &[u8]) -> Self {
        Self {
            uids: blake3::derive_key("pe-dicom de-identification UID v1", secret),
            patients: blake3::derive_key("pe-dicom de-identification PatientID v1", secret),
        }
    }

    /// Returns the pseudonym of a UID: a UUID under the root 2.25 (PS3.5 annex B.2), made from the
    /// digest (version 8 of RFC 9562).
    pub fn uid(&self, uid: &str) -> String {
        let digest = blake3::keyed_hash(&self.uids, uid.as_bytes());
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&digest.as_bytes()[..16]);
        uuid[6] = uuid[6] & 0x0F | 0x80;
        uuid[8] = uuid[8] & 0x3F | 0x80;
        format!("2.25.{}", u128::from_be_bytes(uuid))
    }

    /// Returns the pseudonym of a PatientID, so that a patient's exams stay together; empty for none.
    pub fn patient(&self, id: &str) -> String {
        if id.is_empty() {
            return String::new();
        }
        let digest = blake3::keyed_hash(&self.patients, id.as_bytes()).to_hex();
        format!("PE-{}", digest[..16].to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of the trial";

    #[test]
    fn pseudonyms_follow_the_key() {
        let one = Pseudonyms::of_key(KEY).unwrap();
        let same = Pseudonyms::of_key(KEY).unwrap();
        let other = Pseudonyms::of_key("another key of it").unwrap();
        assert_eq!(one.uid("1.2.3"), same.uid("1.2.3"));
        assert_eq!(one.patient("4711"), same.patient("4711"));
        assert_ne!(one.uid("1.2.3"), one.uid("1.2.4"));
        assert_ne!(one.uid("1.2.3"), other.uid("1.2.3"));
        assert_ne!(one.patient("4711"), other.patient("4711"));
        let drawn = [Pseudonyms::random().unwrap(), Pseudonyms::random().unwrap()];
        assert_ne!(drawn[0].uid("1.2.3"), drawn[1].uid("1.2.3"));
        assert_eq!(one.patient(""), "");
    }

    #[test]
    fn a_uid_is_a_valid_one() {
        let names = Pseudonyms::of_key(KEY).unwrap();
        for n in 0..1000 {
            let uid = names.uid(&format!("1.2.{n}"));
            let number = uid.strip_prefix("2.25.").unwrap();
            assert!(uid.len() <= 64 && !number.starts_with('0'), "{uid}");
            let bytes = number.parse::<u128>().unwrap().to_be_bytes();
            assert_eq!((bytes[6] >> 4, bytes[8] >> 6), (8, 2));
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        let error = Pseudonyms::of_key("secret").err().unwrap().to_string();
        assert!(
            error.contains("at least 16") && error.contains("found 6"),
            "{error}"
        );
        assert!(!error.contains("secret"));
    }
}
