//! Builds one ordered stack of slices from the files of a series, with findings about it.

use std::path::PathBuf;
use std::sync::Arc;

use dicom_dictionary_std::uids;
use pe_ct::{ExamId, ExamInfo, Finding};

use crate::FindingKind;
use crate::exam::{ExamHeader, Images, SliceSource};
use crate::geometry;
use crate::header::FrameFacts;
use crate::inputs;
use crate::laid::Laid;
use crate::scan::{ScanOptions, ScannedFile};
use crate::spacing::spacing_of;
use crate::stack::{Slice, frames_of, ordered, place_of};
use crate::table::{SERIES, SLICE, STUDY};
use crate::value::NO_TERM;

/// A series that can be used as an exam.
pub(crate) struct Series {
    pub exam: Images,
    pub is_axial: bool,
    /// The path of findings about the exam: its folder, or its only file.
    pub place: PathBuf,
}

/// Checks whether a file can be a slice of an exam. Returns a finding if it cannot.
pub(crate) fn refuse(file: &ScannedFile) -> Option<Finding> {
    let header = &file.header;
    let finding = |kind, reason: String| Some(Finding::new(&file.path, kind, reason));
    if header.pixels.is_none() || header.layout.rows == 0 || header.layout.cols == 0 {
        return finding(
            FindingKind::NoImage,
            format!("an object without an image,{}", modality(file)),
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
        return Some(fault.finding(&file.path));
    }
    if header.layout.samples != 1 {
        return finding(FindingKind::Unsupported, "a colour image".into());
    }
    refuse_attributes(file)
}

fn refuse_attributes(file: &ScannedFile) -> Option<Finding> {
    let header = &file.header;
    let finding = |kind, reason: String| Some(Finding::new(&file.path, kind, reason));
    // Check for invalid UIDs before missing ones: an invalid UID is not kept, so it would look missing.
    let uids = [STUDY, SERIES, SLICE];
    if let Some(name) = uids.iter().find(|name| header.invalid.contains(name)) {
        let reason = format!(
            "{name} is no id: expected 1 to 64 letters, digits, dots, hyphens and underscores"
        );
        return finding(FindingKind::Unreadable, reason);
    }
    if header.study_uid.is_empty() || header.series_uid.is_empty() {
        let reason = "no StudyInstanceUID or SeriesInstanceUID";
        return finding(FindingKind::MissingUid, reason.into());
    }
    // Only these attributes affect the volume. KVP and the like are just displayed.
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
        let is_far = |x: &f64| x.abs() > geometry::FURTHEST_MM;
        if facts
            .position
            .is_some_and(|position| position.iter().any(is_far))
        {
            let reason = "ImagePositionPatient is more than 1 km from the scanner";
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
    match file.header.modality.as_str() {
        "" => " no modality".into(),
        NO_TERM => " an unknown modality".into(),
        code if is_secondary_capture(&file.header.sop_class) => {
            format!(" modality {code}, secondary capture")
        }
        code => format!(" modality {code}"),
    }
}

fn is_secondary_capture(sop_class: &str) -> bool {
    sop_class.starts_with(uids::SECONDARY_CAPTURE_IMAGE_STORAGE)
}

/// Orders the files of one series into a stack; `None` if it cannot be an exam.
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
    let slices: Vec<Slice> = match ordered(slices, options.volume, &mut findings) {
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
    check_rescale(&slices, &place, &mut findings);
    let laid = Laid::new(&slices, spacing, options, &place, &mut findings);
    let n_slices = laid.grid.shape()[0];
    if options.max_slices > 0 && n_slices > options.max_slices {
        let reason = format!(
            "expected at most {} slices (max_slices), found {n_slices}",
            options.max_slices,
        );
        let finding = Finding::new(&place, FindingKind::TooManySlices, reason);
        return left_out(finding, &mut findings);
    }
    match exam_of(&slices, laid, options) {
        Ok(exam) => {
            let is_axial = exam.slices_are_images();
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

fn exam_of(slices: &[Slice], laid: Laid, options: &ScanOptions) -> Result<Images, Finding> {
    let first = &slices[0];
    let header = &first.file.header;
    let files = slices.iter().map(|slice| (&*slice.file, slice.frame_idx));
    let inputs_key = inputs::key(files, laid.grid.shear.is_some(), options.hash_contents)
        .map_err(|(path, fault)| fault.finding(&path))?;
    let (sop_uids, positions_mm) = laid.slices(slices);
    let info = ExamInfo {
        id: ExamId {
            study_uid: header.study_uid.clone(),
            series_uid: header.series_uid.clone(),
        },
        spacing: laid.spacing,
        sop_uids,
        positions_mm,
        patient_key: header.patient_key.clone(),
        inputs_key,
        labels: None,
    };
    let sources = slices.iter().map(|slice| SliceSource {
        file: slice.file.place.clone(),
        frame_idx: slice.frame_idx,
        n_frames: slice.file.header.layout.n_frames,
        file_bytes: slice.file.n_bytes,
    });
    Ok(Images {
        info: Arc::new(info),
        header: header_of(slices, &laid),
        slices: sources.collect(),
        layout: header.layout.clone(),
        grid: laid.grid,
    })
}

fn header_of(slices: &[Slice], laid: &Laid) -> ExamHeader {
    let first = &slices[0];
    let (header, facts) = (&first.file.header, first.facts());
    let layout = &header.layout;
    let [n_slices, rows, cols] = laid.grid.shape();
    let mut files: Vec<_> = slices.iter().map(|slice| &slice.file.path).collect();
    files.sort();
    files.dedup();
    ExamHeader {
        n_slices,
        n_files: files.len(),
        rows,
        cols,
        spacing: laid.spacing,
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
        orientation: first.orientation(),
        affine: laid.affine,
    }
}
