//! Converts a file's data set to the one of its copy.

use dicom_dictionary_std::tags;
use pe_binding::{Interrupted, Task};

use crate::FileFault;
use crate::element::{Element, Elements, Encoding, Stop, is_pixel_data};
use crate::functional_groups;
use crate::header::FrameFacts;
use crate::source::{Source, complete};

use super::attribute::{ATTRIBUTES, Rule, cleaned};
use super::encode::{Dataset, Value};
use super::pixels;
use super::pseudonym::Pseudonyms;

/// The UIDs of a copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NewUids {
    pub study: String,
    pub series: String,
    pub sop: String,
}

/// The reason why no copy is written.
pub(crate) enum Refusal {
    Fault(FileFault),
    /// The image declares text in its pixels.
    BurnedIn,
    /// The user's interrupt.
    Interrupted(Interrupted),
}

impl From<Interrupted> for Refusal {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl From<FileFault> for Refusal {
    fn from(fault: FileFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Fault(complete(stop))
    }
}

/// Makes the data set of the copy of a parsed file whose image was checked.
pub(crate) fn of(
    source: &Source,
    uids: &NewUids,
    names: &Pseudonyms,
    keep_burned_in: bool,
    task: &Task,
) -> Result<Dataset, Refusal> {
    let encoding = source.syntax.encoding;
    let mut dataset = fixed(uids, encoding);
    let bytes = source.bytes();
    let mut elements = Elements::new(bytes, source.start, bytes.len(), encoding);
    while let Some(element) = elements.next()? {
        if is_pixel_data(element.tag) {
            break;
        }
        take(&mut dataset, &elements, &element, names, encoding)?;
    }
    if burned_in(&dataset) && !keep_burned_in {
        return Err(Refusal::BurnedIn);
    }
    dataset.insert(tags::PIXEL_DATA, pixels::of(source, task)?);
    Ok(dataset)
}

/// The elements that every copy gets, whatever its original has.
fn fixed(uids: &NewUids, encoding: Encoding) -> Dataset {
    let text = |vr: &[u8; 2], text: &str| Value::Short(*vr, text.as_bytes().to_vec());
    let always = ATTRIBUTES.iter().filter_map(|&(tag, vr, rule)| {
        let is_fixed = matches!(rule, Rule::Empty | Rule::Fixed(_) | Rule::StorageClass);
        let value = cleaned(rule, b"", encoding, encoding).filter(|_| is_fixed)?;
        Some((tag, Value::Short(vr, value)))
    });
    let mut dataset: Dataset = always.collect();
    // Code of PS3.16 CID 7050.
    let method = Dataset::from([
        (tags::CODE_VALUE, text(b"SH", "113100")),
        (tags::CODING_SCHEME_DESIGNATOR, text(b"SH", "DCM")),
        (
            tags::CODE_MEANING,
            text(b"LO", "Basic Application Confidentiality Profile"),
        ),
    ]);
    dataset.extend([
        (tags::SOP_INSTANCE_UID, text(b"UI", &uids.sop)),
        (tags::STUDY_INSTANCE_UID, text(b"UI", &uids.study)),
        (tags::SERIES_INSTANCE_UID, text(b"UI", &uids.series)),
        (tags::PATIENT_ID, text(b"LO", "")),
        (tags::INSTANCE_NUMBER, text(b"IS", "")),
        (tags::ACQUISITION_NUMBER, text(b"IS", "")),
        (
            tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
            Value::Items(vec![method]),
        ),
    ]);
    dataset
}

fn take(
    dataset: &mut Dataset,
    elements: &Elements,
    element: &Element,
    names: &Pseudonyms,
    to: Encoding,
) -> Result<(), Stop> {
    let text = || -> Result<String, Stop> {
        let text = String::from_utf8_lossy(elements.value(element)?);
        Ok(text
            .trim_matches(|c: char| c == '\0' || c.is_whitespace())
            .to_owned())
    };
    let replaced = |vr: &[u8; 2], text: String| Value::Short(*vr, text.into_bytes());
    let value = match element.tag {
        tags::PATIENT_ID => replaced(b"LO", names.patient(&text()?)),
        tags::FRAME_OF_REFERENCE_UID => match text()? {
            uid if uid.is_empty() => return Ok(()),
            uid => replaced(b"UI", names.uid(&uid)),
        },
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE | tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE => {
            let items = elements.items(element)?;
            let items: Result<Vec<_>, Stop> = items.iter().map(|i| groups(i, to)).collect();
            Value::Items(items?)
        }
        // Has a meaning only in the functional groups.
        tags::FRAME_TYPE => return Ok(()),
        _ => match kept(elements, element, to)? {
            Some(value) => value,
            None => return Ok(()),
        },
    };
    dataset.insert(element.tag, value);
    Ok(())
}

/// Copies an item of functional groups: only the groups that a scan reads, and only their known
/// attributes.
fn groups(item: &Elements, to: Encoding) -> Result<Dataset, Stop> {
    let mut groups = item.clone();
    let mut kept_groups = Dataset::new();
    while let Some(group) = groups.next()? {
        if !functional_groups::WANTED.contains(&group.tag) {
            continue;
        }
        let mut items = Vec::new();
        for mut attributes in groups.items(&group)? {
            let mut dataset = Dataset::new();
            while let Some(attribute) = attributes.next()? {
                if !FrameFacts::WANTED.contains(&attribute.tag) {
                    continue;
                }
                if let Some(value) = kept(&attributes, &attribute, to)? {
                    dataset.insert(attribute.tag, value);
                }
            }
            items.push(dataset);
        }
        kept_groups.insert(group.tag, Value::Items(items));
    }
    Ok(kept_groups)
}

/// Returns the value of a listed attribute; `None` if it is not listed or its value is unsafe.
fn kept(elements: &Elements, element: &Element, to: Encoding) -> Result<Option<Value>, Stop> {
    let known = ATTRIBUTES.iter().find(|(tag, ..)| *tag == element.tag);
    let Some(&(_, mut vr, rule)) = known else {
        return Ok(None);
    };
    let bytes = elements.value(element)?;
    // Values of padding are of the same type as the pixels, signed or not.
    if matches!(rule, Rule::Word) && element.vr == Some(*b"SS") {
        vr = *b"SS";
    }
    let value = cleaned(rule, bytes, element.encoding, to);
    Ok(value.map(|value| Value::Short(vr, value)))
}

fn burned_in(dataset: &Dataset) -> bool {
    matches!(dataset.get(&tags::BURNED_IN_ANNOTATION), Some(Value::Short(_, value)) if value == b"YES")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributes that PS3.15 table E.1-1 protects and that a CT image may have. None of them may be
    /// kept unchanged.
    #[test]
    fn nothing_that_the_profile_protects_is_kept() {
        let protected = [
            tags::STUDY_DATE,
            tags::SERIES_DATE,
            tags::ACQUISITION_DATE,
            tags::CONTENT_DATE,
            tags::STUDY_TIME,
            tags::ACCESSION_NUMBER,
            tags::INSTITUTION_NAME,
            tags::REFERRING_PHYSICIAN_NAME,
            tags::STATION_NAME,
            tags::STUDY_DESCRIPTION,
            tags::SERIES_DESCRIPTION,
            tags::OPERATORS_NAME,
            tags::MANUFACTURER,
            tags::PATIENT_NAME,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::PATIENT_AGE,
            tags::PATIENT_COMMENTS,
            tags::CONTRAST_BOLUS_AGENT,
            tags::DEVICE_SERIAL_NUMBER,
            tags::PROTOCOL_NAME,
            tags::STUDY_ID,
            tags::IMAGE_COMMENTS,
            tags::REFERENCED_IMAGE_SEQUENCE,
            tags::REQUEST_ATTRIBUTES_SEQUENCE,
            tags::SOP_INSTANCE_UID,
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::FRAME_OF_REFERENCE_UID,
            tags::PATIENT_ID,
        ];
        for tag in protected {
            let rule = ATTRIBUTES.iter().find(|(known, ..)| *known == tag);
            let kept = rule.is_some_and(|(_, _, rule)| !matches!(rule, Rule::Empty));
            assert!(!kept, "{tag:?} is kept");
        }
    }

    #[test]
    fn everything_that_decides_is_in_the_list() {
        for tag in FrameFacts::WANTED {
            assert!(
                ATTRIBUTES.iter().any(|(known, ..)| *known == tag),
                "{tag:?}"
            );
        }
    }
}
