//! Turns the files of one series into slices, ordered along the normal and without repeats.

use std::path::PathBuf;
use std::sync::Arc;

use pe_ct::Finding;

use crate::frame::Frames;
use crate::geometry::{self, AXIAL};
use crate::header::FrameFacts;
use crate::scan::ScannedFile;
use crate::source::{Source, read_file};
use crate::volumes::{self, Volume};
use crate::{FileFault, FindingKind};

/// Positions that differ by less are the same place, mm.
pub(crate) const SAME_PLACE_MM: f64 = 1e-3;

/// A slice that is to be sorted into the stack.
#[derive(Clone)]
pub(crate) struct Slice {
    pub file: Arc<ScannedFile>,
    pub frame_idx: usize,
    pub position_mm: f64,
}

impl Slice {
    pub fn facts(&self) -> &FrameFacts {
        self.file.header.frame_facts(self.frame_idx)
    }

    pub fn orientation(&self) -> [f64; 6] {
        self.facts().orientation.unwrap_or(AXIAL)
    }

    pub fn size(&self) -> (usize, usize) {
        (self.file.header.layout.rows, self.file.header.layout.cols)
    }

    pub fn finding(&self, kind: FindingKind, reason: impl Into<String>) -> Finding {
        Finding::new(&self.file.path, kind, reason)
    }

    pub fn sop_uid(&self) -> String {
        let header = &self.file.header;
        if header.layout.n_frames > 1 {
            format!("{}#{}", header.sop_uid, self.frame_idx + 1)
        } else {
            header.sop_uid.clone()
        }
    }
}

/// All frames that are no localizers, of all files that are no copies of another.
pub(crate) fn frames_of(mut files: Vec<ScannedFile>, findings: &mut Vec<Finding>) -> Vec<Slice> {
    // Sort by UID, so that copies of a file are neighbours; the path makes the order reproducible.
    files.sort_by(|a, b| (&a.header.sop_uid, &a.path).cmp(&(&b.header.sop_uid, &b.path)));
    let mut slices: Vec<Slice> = Vec::new();
    for file in files {
        let file = Arc::new(file);
        let copied = slices.last().filter(|last| {
            let uid = &file.header.sop_uid;
            !uid.is_empty() && *uid == last.file.header.sop_uid && same_bytes(&last.file, &file)
        });
        if let Some(first) = copied {
            findings.push(duplicate(&file, &first.file));
            continue;
        }
        let n_before = slices.len();
        for frame_idx in 0..file.header.layout.n_frames {
            if !file.header.frame_facts(frame_idx).localizer {
                slices.push(Slice {
                    file: Arc::clone(&file),
                    frame_idx,
                    position_mm: 0.0,
                });
            }
        }
        let n_localizers = file.header.layout.n_frames - (slices.len() - n_before);
        if n_localizers > 0 {
            let reason = format!("{n_localizers} localizer frames");
            findings.push(Finding::new(&file.path, FindingKind::Localizer, reason));
        }
    }
    slices
}

fn duplicate(file: &ScannedFile, first: &ScannedFile) -> Finding {
    let reason = format!("the same image as {}", first.path.display());
    Finding::new(&file.path, FindingKind::Duplicate, reason)
}

pub(crate) fn place_of(slices: &[Slice]) -> PathBuf {
    let Some(first) = slices.first() else {
        return PathBuf::new();
    };
    let one_file = slices.iter().all(|s| s.file.path == first.file.path);
    match first.file.path.parent() {
        Some(parent) if !one_file => parent.to_owned(),
        _ => first.file.path.to_path_buf(),
    }
}

/// The reason why slices make no stack; `None` if there are no slices, which has its own findings.
pub(crate) type Refusal = Option<(FindingKind, String)>;

/// Returns the slices of one volume of the series, in order and without repeats. `volume` is that of
/// [`volumes::choose`].
pub(crate) fn ordered(
    slices: Vec<Slice>,
    volume: usize,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Slice>, Refusal> {
    let groups = planes(slices, findings)?;
    let is_one = groups.len() == 1;
    let mut found = Vec::new();
    for group in groups {
        let (rows, cols) = group[0].size();
        let slices = with_positions(group, findings)?;
        let has_places = slices[0].facts().position.is_some();
        let parts = if has_places {
            volumes::split(slices, &[])
        } else {
            vec![Volume::of(slices, &[])]
        };
        found.extend(parts.into_iter().map(|part| {
            if is_one {
                part
            } else {
                part.of_another(rows, cols)
            }
        }));
    }
    without_repeats(volumes::choose(found, volume, findings)?, findings)
}

/// Maximum number of different planes and sizes that the slices of a series may have.
const MAX_GROUPS: usize = 1024;
/// A group of slices is stray if the largest group has more than this many times its slices.
const STRAY: usize = 4;

/// Groups slices by plane and size; each group is at least one volume. Strays are left out one by one.
fn planes(slices: Vec<Slice>, findings: &mut Vec<Finding>) -> Result<Vec<Vec<Slice>>, Refusal> {
    let n_slices = slices.len();
    if n_slices == 0 {
        return Err(None);
    }
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        let same = groups.iter_mut().find(|group| {
            group[0].size() == slice.size()
                && geometry::same_plane(&group[0].orientation(), &slice.orientation())
        });
        match same {
            Some(group) => group.push(slice),
            None => groups.push(vec![slice]),
        }
        if groups.len() > MAX_GROUPS {
            let reason = format!("{n_slices} slices of more than {MAX_GROUPS} planes and sizes");
            return Err(Some((FindingKind::NoStack, reason)));
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let n_main = groups[0].len();
    let strays = groups.split_off(groups.partition_point(|group| group.len() * STRAY >= n_main));
    // More groups than slices in the largest one: such images form no stack.
    let n_groups = groups.len();
    if n_groups > n_main {
        let reason = format!(
            "{n_slices} slices fall into {n_groups} groups of plane and size, the largest of {n_main}"
        );
        return Err(Some((FindingKind::NoStack, reason)));
    }
    let (rows, cols) = groups[0][0].size();
    for slice in strays.iter().flatten() {
        findings.push(if slice.size() == (rows, cols) {
            slice.finding(
                FindingKind::MixedOrientation,
                format!("its plane is not that of {n_main} other slices"),
            )
        } else {
            let (found_rows, found_cols) = slice.size();
            slice.finding(
                FindingKind::MixedSize,
                format!("expected {rows} × {cols} pixels, found {found_rows} × {found_cols}"),
            )
        });
    }
    Ok(groups)
}

/// Orders slices by position along the normal; by InstanceNumber only if no slice has a position.
fn with_positions(
    mut slices: Vec<Slice>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Slice>, Refusal> {
    if slices.iter().all(|slice| slice.facts().position.is_none()) {
        return by_number(slices, findings);
    }
    if slices
        .iter()
        .all(|slice| slice.facts().orientation.is_none())
    {
        let reason = "no ImageOrientationPatient; an axial plane is taken";
        findings.push(Finding::new(
            &place_of(&slices),
            FindingKind::AssumedAxial,
            reason,
        ));
    }
    let normal = geometry::normal(&slices[0].orientation());
    slices.retain_mut(|slice| match slice.facts().position {
        Some(position) => {
            slice.position_mm = geometry::along(normal, position);
            true
        }
        None => {
            let reason = "no ImagePositionPatient, which the other slices have";
            findings.push(slice.finding(FindingKind::MissingPosition, reason));
            false
        }
    });
    slices.sort_by(|a, b| {
        a.position_mm
            .total_cmp(&b.position_mm)
            .then_with(|| order(a, b))
    });
    Ok(slices)
}

/// A reproducible order of slices at one place.
fn order(a: &Slice, b: &Slice) -> std::cmp::Ordering {
    fn key(s: &Slice) -> (Option<i64>, &str, usize, &PathBuf) {
        let header = &s.file.header;
        let number = header.instance_number;
        (number, &header.sop_uid, s.frame_idx, &s.file.path)
    }
    key(a).cmp(&key(b))
}

fn by_number(mut slices: Vec<Slice>, findings: &mut Vec<Finding>) -> Result<Vec<Slice>, Refusal> {
    slices.sort_by(order);
    let number = |slice: &Slice| (slice.file.header.instance_number, slice.frame_idx);
    let distinct = slices
        .windows(2)
        .all(|pair| number(&pair[0]) != number(&pair[1]));
    let numbered = slices
        .iter()
        .all(|slice| slice.file.header.instance_number.is_some());
    if slices.len() > 1 && !(numbered && distinct) {
        let reason = "no ImagePositionPatient, and no InstanceNumber of its own for each slice";
        return Err(Some((FindingKind::NoStack, reason.into())));
    }
    let step = slices[0].facts().spacing_between;
    let step = step.or(slices[0].facts().slice_thickness).unwrap_or(0.0);
    let reason = format!(
        "no ImagePositionPatient; InstanceNumber is taken to ascend along the normal, and {step} mm, from the header, to be the spacing"
    );
    findings.push(Finding::new(
        &place_of(&slices),
        FindingKind::OrderedByNumber,
        reason,
    ));
    for (slice_idx, slice) in slices.iter_mut().enumerate() {
        slice.position_mm = slice_idx as f64 * step;
    }
    Ok(slices)
}

/// Drops repeats of an image at one place. Different images at one place are a conflict.
fn without_repeats(slices: Vec<Slice>, findings: &mut Vec<Finding>) -> Result<Vec<Slice>, Refusal> {
    let ordered_by_place = slices[0].facts().position.is_some();
    let mut kept: Vec<Slice> = Vec::with_capacity(slices.len());
    let mut uids = std::collections::HashMap::new();
    for slice in slices {
        if let Some(last) = kept.last()
            && ordered_by_place
            && slice.position_mm - last.position_mm < SAME_PLACE_MM
        {
            if !same_image(last, &slice) {
                let reason = format!(
                    "two different images lie at {:.3} mm: {} and {}",
                    slice.position_mm,
                    last.file.path.display(),
                    slice.file.path.display()
                );
                return Err(Some((FindingKind::Conflict, reason)));
            }
            findings.push(duplicate(&slice.file, &last.file));
            continue;
        }
        let uid = slice.sop_uid();
        if let Some(first) = uids.insert(uid.clone(), Arc::clone(&slice.file.path))
            && !uid.is_empty()
        {
            let reason = format!(
                "two different images have one SOPInstanceUID: {} and {}",
                first.display(),
                slice.file.path.display()
            );
            return Err(Some((FindingKind::Conflict, reason)));
        }
        kept.push(slice);
    }
    Ok(kept)
}

fn same_bytes(a: &ScannedFile, b: &ScannedFile) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    a.n_bytes == b.n_bytes
        && read_file(&a.place, &mut left, &a.files).is_ok()
        && read_file(&b.place, &mut right, &b.files).is_ok()
        && left == right
}

/// Returns whether two slices have equal stored values and rescale, whatever their encoding.
fn same_image(a: &Slice, b: &Slice) -> bool {
    let values = |slice: &Slice| -> Result<Vec<i64>, FileFault> {
        let mut bytes = Vec::new();
        read_file(&slice.file.place, &mut bytes, &slice.file.files)?;
        let source = Source::parse(&bytes)?;
        let layout = &source.header.layout;
        let words = Frames::new(&source)?.words(slice.frame_idx)?;
        Ok(words.into_iter().map(|word| layout.stored(word)).collect())
    };
    let rescale = |slice: &Slice| (slice.facts().slope, slice.facts().intercept);
    rescale(a) == rescale(b) && matches!((values(a), values(b)), (Ok(a), Ok(b)) if a == b)
}
