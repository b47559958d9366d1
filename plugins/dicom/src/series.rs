//! The files of one series to one ordered stack of slices, and what is odd about it.

use std::path::PathBuf;
use std::sync::Arc;

use dicom_dictionary_std::uids;
use pe_ct::{ExamId, ExamInfo, Spacing};

use crate::exam::{Exam, ExamHeader, SliceSource};
use crate::frame::Frames;
use crate::geometry::{self, AXIAL};
use crate::header::FrameFacts;
use crate::inputs;
use crate::scan::{ScanOptions, ScannedFile};
use crate::source::{Source, read_file};
use crate::{FileFault, Finding, FindingKind};

/// Positions closer than this are the same place, mm.
const SAME_PLACE_MM: f64 = 1e-3;
/// Steps that differ from the median by more than this part of it are uneven.
const UNEVEN: f64 = 0.1;
/// Steps longer than this many medians are gaps.
const GAP: f64 = 1.5;

/// A series that can be an exam.
pub(crate) struct Series {
    pub exam: Exam,
    pub is_axial: bool,
    /// The path that findings about the exam name: its folder, or its only file.
    pub place: PathBuf,
}

/// One slice on its way into the stack.
#[derive(Clone)]
struct Slice {
    file: Arc<ScannedFile>,
    frame_idx: usize,
    position_mm: f64,
}

impl Slice {
    fn facts(&self) -> &FrameFacts {
        self.file.header.frame_facts(self.frame_idx)
    }

    fn orientation(&self) -> [f64; 6] {
        self.facts().orientation.unwrap_or(AXIAL)
    }

    fn size(&self) -> (usize, usize) {
        (self.file.header.layout.rows, self.file.header.layout.cols)
    }

    fn finding(&self, kind: FindingKind, reason: impl Into<String>) -> Finding {
        Finding::new(&self.file.path, kind, reason)
    }

    fn sop_uid(&self) -> String {
        let header = &self.file.header;
        if header.layout.n_frames > 1 {
            format!("{}#{}", header.sop_uid, self.frame_idx + 1)
        } else {
            header.sop_uid.clone()
        }
    }
}

/// Why a file cannot be a slice of any exam; `None` when it can.
pub(crate) fn refuse(file: &ScannedFile) -> Option<Finding> {
    let header = &file.header;
    let finding = |kind, reason: String| Some(Finding::new(&file.path, kind, reason));
    if header.pixels.is_none() || header.layout.rows == 0 || header.layout.cols == 0 {
        return finding(
            FindingKind::NoImage,
            format!("an object without an image{}", modality(file)),
        );
    }
    if header.modality != "CT" || is_secondary_capture(&header.sop_class) {
        return finding(
            FindingKind::NotCt,
            format!("expected an image of modality CT, found{}", modality(file)),
        );
    }
    if header.layout.n_frames == 1 && header.frame_facts(0).localizer {
        return finding(FindingKind::Localizer, "a localizer image".into());
    }
    if let Err(fault) = header.check_image(&file.syntax) {
        return Some(Finding::of_fault(&file.path, &fault));
    }
    if header.layout.samples != 1 {
        return finding(FindingKind::Unsupported, "a colour image".into());
    }
    refuse_attributes(file)
}

fn refuse_attributes(file: &ScannedFile) -> Option<Finding> {
    let header = &file.header;
    let finding = |kind, reason: String| Some(Finding::new(&file.path, kind, reason));
    if header.study_uid.is_empty() || header.series_uid.is_empty() {
        let reason = "no StudyInstanceUID or SeriesInstanceUID";
        return finding(FindingKind::MissingUid, reason.into());
    }
    // KVP and the like are told to people only; they do not decide.
    let decisive = header.invalid.iter().find(|name| {
        matches!(
            **name,
            "ImagePositionPatient"
                | "ImageOrientationPatient"
                | "PixelSpacing"
                | "RescaleSlope"
                | "RescaleIntercept"
                | "NumberOfFrames"
        )
    });
    if let Some(name) = decisive {
        let reason = format!("{name} cannot be read as numbers");
        return finding(FindingKind::Unreadable, reason);
    }
    for frame_idx in 0..header.per_frame.len().max(1) {
        let facts = header.frame_facts(frame_idx);
        let is_plane = facts.orientation.is_none_or(|o| geometry::is_plane(&o));
        if !is_plane {
            let reason = "ImageOrientationPatient is not two unit vectors at a right angle";
            return finding(FindingKind::Unreadable, reason.into());
        }
        if facts.slope == Some(0.0) {
            let reason = "RescaleSlope is 0, which makes every pixel the same";
            return finding(FindingKind::Unreadable, reason.into());
        }
    }
    None
}

fn modality(file: &ScannedFile) -> String {
    // A modality is a code of capital letters; anything else is not repeated.
    let code = &file.header.modality;
    let is_code = code.len() <= 16 && code.bytes().all(|b| b.is_ascii_uppercase());
    match code.as_str() {
        "" => " no modality".into(),
        _ if is_code && is_secondary_capture(&file.header.sop_class) => {
            format!(" modality {code}, secondary capture")
        }
        code if is_code => format!(" modality {code}"),
        _ => " an unknown modality".into(),
    }
}

fn is_secondary_capture(sop_class: &str) -> bool {
    sop_class.starts_with(uids::SECONDARY_CAPTURE_IMAGE_STORAGE)
}

/// Orders the files of one series into a stack; `None` when it cannot be an exam.
pub(crate) fn assemble(
    files: Vec<ScannedFile>,
    options: &ScanOptions,
) -> (Option<Series>, Vec<Finding>) {
    let mut findings = Vec::new();
    let slices = frames_of(files, &mut findings);
    let place = place_of(&slices);
    let left_out = |finding: Finding, findings: &mut Vec<Finding>| {
        findings.push(finding);
        (None::<Series>, std::mem::take(findings))
    };
    let slices = match ordered(slices, &mut findings) {
        Ok(slices) => slices,
        Err(refusal) => {
            let finding = refusal.map(|(kind, reason)| Finding::new(&place, kind, reason));
            findings.extend(finding);
            return (None, findings);
        }
    };
    let spacing = match spacing_of(&slices, &place, &mut findings) {
        Ok(spacing) => spacing,
        Err(finding) => return left_out(finding, &mut findings),
    };
    if options.max_slices > 0 && slices.len() > options.max_slices {
        let reason = format!(
            "expected at most {} slices (max_slices), found {}",
            options.max_slices,
            slices.len()
        );
        let finding = Finding::new(&place, FindingKind::TooManySlices, reason);
        return left_out(finding, &mut findings);
    }
    check_rescale(&slices, &place, &mut findings);
    match exam_of(&slices, spacing, options) {
        Ok(exam) => {
            let is_axial = geometry::is_axial(&exam.header.orientation);
            (
                Some(Series {
                    exam,
                    is_axial,
                    place,
                }),
                findings,
            )
        }
        Err(finding) => left_out(finding, &mut findings),
    }
}

/// Every frame that is no localizer, from every file that is no copy of another.
fn frames_of(mut files: Vec<ScannedFile>, findings: &mut Vec<Finding>) -> Vec<Slice> {
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

fn place_of(slices: &[Slice]) -> PathBuf {
    let Some(first) = slices.first() else {
        return PathBuf::new();
    };
    let one_file = slices.iter().all(|s| s.file.path == first.file.path);
    match first.file.path.parent() {
        Some(parent) if !one_file => parent.to_owned(),
        _ => first.file.path.to_path_buf(),
    }
}

type Refusal = Option<(FindingKind, String)>;

/// The slices of the series' main plane and size, in order, without repeats.
fn ordered(slices: Vec<Slice>, findings: &mut Vec<Finding>) -> Result<Vec<Slice>, Refusal> {
    let slices = main_stack(slices, findings)?;
    let slices = with_positions(slices, findings)?;
    without_repeats(slices, findings)
}

/// Keeps the largest group of one plane and one size; it must be more than half of the slices.
fn main_stack(slices: Vec<Slice>, findings: &mut Vec<Finding>) -> Result<Vec<Slice>, Refusal> {
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
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let main = groups.remove(0);
    if main.len() * 2 <= n_slices {
        let n_groups = groups.len() + 1;
        let reason = format!(
            "{n_slices} slices fall into {n_groups} groups of plane and size, the largest of {}",
            main.len()
        );
        return Err(Some((FindingKind::NoStack, reason)));
    }
    let (rows, cols) = main[0].size();
    for slice in groups.iter().flatten() {
        findings.push(if slice.size() == (rows, cols) {
            slice.finding(
                FindingKind::MixedOrientation,
                format!("its plane is not that of the other {} slices", main.len()),
            )
        } else {
            let (found_rows, found_cols) = slice.size();
            slice.finding(
                FindingKind::MixedSize,
                format!("expected {rows} × {cols} pixels, found {found_rows} × {found_cols}"),
            )
        });
    }
    Ok(main)
}

/// Orders by position along the normal; by InstanceNumber only when no slice has a position.
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

/// A fixed order of slices at one place.
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
        "no ImagePositionPatient; InstanceNumber gives the order and {step} mm, from the header, the spacing"
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

/// Drops the same image at the same place; different images at one place are a conflict.
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
        && read_file(&a.path, &mut left).is_ok()
        && read_file(&b.path, &mut right).is_ok()
        && left == right
}

/// Whether two slices hold the same stored values and the same rescale, in whatever encoding.
fn same_image(a: &Slice, b: &Slice) -> bool {
    let values = |slice: &Slice| -> Result<Vec<i64>, FileFault> {
        let mut bytes = Vec::new();
        read_file(&slice.file.path, &mut bytes)?;
        let source = Source::parse(&bytes)?;
        let layout = &source.header.layout;
        let words = Frames::new(&source)?.words(slice.frame_idx)?;
        Ok(words.into_iter().map(|word| layout.stored(word)).collect())
    };
    let rescale = |slice: &Slice| (slice.facts().slope, slice.facts().intercept);
    rescale(a) == rescale(b) && matches!((values(a), values(b)), (Ok(a), Ok(b)) if a == b)
}

/// The distance between voxels: the median step between slices, the slices' PixelSpacing.
fn spacing_of(
    slices: &[Slice],
    place: &std::path::Path,
    findings: &mut Vec<Finding>,
) -> Result<Spacing, Finding> {
    let missing = |what: &str| Finding::new(place, FindingKind::MissingSpacing, what);
    let positive = |value: f64| (value > 0.0).then_some(value);
    let first = slices[0].facts();
    let of = |slice: &Slice| slice.facts().pixel_spacing.unwrap_or_default();
    let [row_mm, col_mm] = of(&slices[0]);
    if positive(row_mm).is_none() || positive(col_mm).is_none() {
        return Err(missing("no PixelSpacing above 0 mm in the first slice"));
    }
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-3 * b;
    for slice in slices {
        let [row, col] = of(slice);
        if !same(row, row_mm) || !same(col, col_mm) {
            let reason = format!("expected {row_mm} × {col_mm} mm a pixel, found {row} × {col}");
            findings.push(slice.finding(FindingKind::MixedPixelSpacing, reason));
        }
    }
    let slice_mm = if slices.len() == 1 {
        let thickness = first.slice_thickness.and_then(positive);
        let known = thickness.or(first.spacing_between.and_then(positive));
        let known = known.ok_or_else(|| missing("one slice, and no SliceThickness above 0 mm"))?;
        let reason = format!("one slice; its thickness, {known} mm, stands for the spacing");
        findings.push(Finding::new(place, FindingKind::SingleSlice, reason));
        known
    } else {
        median_step(slices, findings)
    };
    if positive(slice_mm).is_none() {
        return Err(missing("no distance between slices above 0 mm"));
    }
    Ok(Spacing {
        slice_mm,
        row_mm,
        col_mm,
    })
}

/// The median step, with a finding for every gap and one for unevenness.
fn median_step(slices: &[Slice], findings: &mut Vec<Finding>) -> f64 {
    let steps: Vec<f64> = slices
        .windows(2)
        .map(|pair| pair[1].position_mm - pair[0].position_mm)
        .collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut uneven = Vec::new();
    for (step, pair) in steps.iter().zip(slices.windows(2)) {
        let after = &pair[1];
        if *step > GAP * median {
            let n_missing = (step / median).round() as usize - 1;
            let reason = format!(
                "expected a step of {median:.3} mm before this slice, found {step:.3} mm: {} missing",
                n_missing.max(1)
            );
            findings.push(after.finding(FindingKind::MissingSlices, reason));
        } else if (step - median).abs() > UNEVEN * median {
            uneven.push((after, *step));
        }
    }
    if let Some((after, step)) = uneven.first() {
        let reason = format!(
            "expected even steps of {median:.3} mm, found {} others, the first of {step:.3} mm before this slice",
            uneven.len()
        );
        findings.push(after.finding(FindingKind::UnevenSpacing, reason));
    }
    median
}

fn check_rescale(slices: &[Slice], place: &std::path::Path, findings: &mut Vec<Finding>) {
    let count =
        |odd: &dyn Fn(&FrameFacts) -> bool| slices.iter().filter(|s| odd(s.facts())).count();
    let n_missing = count(&|facts| facts.slope.is_none() || facts.intercept.is_none());
    if n_missing > 0 {
        let reason = format!(
            "{n_missing} slices without RescaleSlope or RescaleIntercept; slope 1, intercept 0 are taken"
        );
        findings.push(Finding::new(place, FindingKind::MissingRescale, reason));
    }
    let is_hu = |kind: &str| kind.is_empty() || kind == "HU";
    let n_other = count(&|facts| {
        facts
            .rescale_type
            .as_deref()
            .is_some_and(|kind| !is_hu(kind))
    });
    if n_other > 0 {
        let reason = format!("RescaleType of {n_other} slices is not HU");
        findings.push(Finding::new(place, FindingKind::NotHu, reason));
    }
}

fn exam_of(slices: &[Slice], spacing: Spacing, options: &ScanOptions) -> Result<Exam, Finding> {
    let first = &slices[0];
    let header = &first.file.header;
    let files = slices.iter().map(|slice| (&*slice.file, slice.frame_idx));
    let inputs_key = inputs::key(files, options.hash_contents)
        .map_err(|(path, fault)| Finding::of_fault(&path, &fault))?;
    let info = ExamInfo {
        id: ExamId {
            study_uid: header.study_uid.clone(),
            series_uid: header.series_uid.clone(),
        },
        spacing,
        sop_uids: slices.iter().map(Slice::sop_uid).collect(),
        positions_mm: slices.iter().map(|slice| slice.position_mm).collect(),
        patient_key: header.patient_key.clone(),
        inputs_key,
        labels: None,
    };
    let sources = slices.iter().map(|slice| SliceSource {
        path: Arc::clone(&slice.file.path),
        frame_idx: slice.frame_idx,
        n_frames: slice.file.header.layout.n_frames,
        file_bytes: slice.file.n_bytes,
    });
    Ok(Exam {
        info: Arc::new(info),
        header: Arc::new(header_of(slices, spacing)),
        slices: sources.collect(),
        layout: Arc::new(header.layout.clone()),
    })
}

fn header_of(slices: &[Slice], spacing: Spacing) -> ExamHeader {
    let first = &slices[0];
    let (header, facts) = (&first.file.header, first.facts());
    let orientation = first.orientation();
    let layout = &header.layout;
    let mut files: Vec<_> = slices.iter().map(|slice| &slice.file.path).collect();
    files.sort();
    files.dedup();
    ExamHeader {
        n_slices: slices.len(),
        n_files: files.len(),
        rows: layout.rows,
        cols: layout.cols,
        spacing,
        slice_thickness_mm: facts.slice_thickness,
        kvp: header.technique.kvp,
        kernel: header.technique.kernel.clone(),
        slope: facts.slope.unwrap_or(1.0),
        intercept: facts.intercept.unwrap_or(0.0),
        bits_allocated: layout.bits_allocated,
        bits_stored: layout.bits_stored,
        signed: layout.signed,
        padding: layout.padding,
        transfer_syntax: first.file.syntax.name.to_owned(),
        orientation,
        normal: geometry::normal(&orientation),
    }
}
