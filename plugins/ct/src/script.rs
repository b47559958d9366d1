//! `ct` in Rhai: exams, volumes, masks and windows as values with properties.

use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;
use rhai::{Array, INT, Map};

use crate::{
    ChannelSlice, Exam, ExamInfo, HuWindow, Lung, Mask, MaskFinding, MaskQuality, Scan, Spacing,
    Volume,
};

/// An exam's description as a script value.
pub type ExamHandle = Arc<ExamInfo>;

/// What a reader found, as a script value.
pub type ScanHandle = Arc<Scan>;

def_package! {
    /// Exams, volumes, masks and HU windows: the values that the other plugins make and take.
    pub CtPackage(module) {
        module.set_custom_type::<ScanHandle>("Scan");
        module.set_custom_type::<Exam>("Exam");
        module.set_custom_type::<Volume>("Volume");
        module.set_custom_type::<Mask>("Mask");
        module.set_custom_type::<HuWindow>("HuWindow");
        module.set_custom_type::<ChannelSlice>("ChannelSlice");
        module.set_custom_type::<ExamHandle>("ExamInfo");
        combine_with_exported_module!(module, "ct", ct);
    }
}

fn spacing_map(spacing: Spacing) -> rhai::Map {
    [
        ("slice_mm", spacing.slice_mm),
        ("row_mm", spacing.row_mm),
        ("col_mm", spacing.col_mm),
    ]
    .into_iter()
    .map(|(name, mm)| (name.into(), (mm as rhai::FLOAT).into()))
    .collect()
}

/// A quality record as a script has it; `()` for none.
pub fn quality(quality: Option<&MaskQuality>) -> Dynamic {
    let Some(quality) = quality else {
        return Dynamic::UNIT;
    };
    let or_unit = |value: Option<f64>| value.map_or(Dynamic::UNIT, Dynamic::from);
    let finding = |finding: &MaskFinding| {
        let lung = finding.lung.map_or("both", Lung::name);
        Dynamic::from(Map::from_iter([
            ("kind".into(), finding.kind.name().into()),
            ("lung".into(), lung.into()),
            ("first_slice".into(), (finding.first_slice as INT).into()),
            ("last_slice".into(), (finding.last_slice as INT).into()),
            ("value".into(), finding.value.into()),
            ("reason".into(), finding.to_string().into()),
        ]))
    };
    let findings: Array = quality.findings.iter().map(finding).collect();
    Dynamic::from(Map::from_iter([
        ("right_ml".into(), quality.right_ml.into()),
        ("left_ml".into(), quality.left_ml.into()),
        ("left_right_ratio".into(), or_unit(quality.left_right_ratio)),
        ("cut_share".into(), quality.cut_share.into()),
        ("removed_ml".into(), quality.removed_ml.into()),
        ("suspicion".into(), quality.suspicion.into()),
        ("findings".into(), findings.into()),
    ]))
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod ct {
    use pe_binding::script::{ScriptResult, number, raise, work};
    use rhai::serde::to_dynamic;
    use rhai::{Array, FLOAT, INT, Map};

    /// An HU window of `level` and `width`, in HU.
    ///
    /// `level` is the window's centre and `width` its extent, whole or decimal numbers, in the
    /// order in which radiologists say them. The three windows of a stored slice are lung (-600,
    /// 1500), PE (100, 700) and mediastinal (40, 400).
    ///
    /// Throws `ct.window` when the width is not above 0 or a number is not finite.
    ///
    /// ```rhai
    /// let pe = ct::window(100, 700);
    /// print(pe.lower_hu); // -250.0
    /// print(pe.upper_hu); // 450.0
    /// try { ct::window(100, 0); } catch (error) { print(error.kind); } // ct.window
    /// ```
    #[rhai_fn(return_raw)]
    pub fn window(level: Dynamic, width: Dynamic) -> ScriptResult<HuWindow> {
        let (level, width) = (number("level", &level)?, number("width", &width)?);
        HuWindow::new(level as f32, width as f32).map_err(raise)
    }

    /// The lower edge of the window, HU: shown black.
    #[rhai_fn(global, get = "lower_hu", pure)]
    pub fn lower_hu(window: &mut HuWindow) -> FLOAT {
        FLOAT::from(window.lower_hu())
    }

    /// The upper edge of the window, HU: shown white.
    #[rhai_fn(global, get = "upper_hu", pure)]
    pub fn upper_hu(window: &mut HuWindow) -> FLOAT {
        FLOAT::from(window.upper_hu())
    }

    /// The window in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn window_to_string(window: &mut HuWindow) -> String {
        window.to_string()
    }

    /// What is known of the exam besides its voxels: UIDs, spacing, labels.
    #[rhai_fn(global, get = "info", pure)]
    pub fn volume_info(volume: &mut Volume) -> ExamHandle {
        volume.info().clone()
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn volume_n_slices(volume: &mut Volume) -> INT {
        volume.n_slices() as INT
    }

    /// The numbers of slices, rows and columns, as `[slices, rows, cols]`.
    #[rhai_fn(global, get = "shape", pure)]
    pub fn volume_shape(volume: &mut Volume) -> Array {
        <[usize; 3]>::from(volume.dim())
            .map(|n| Dynamic::from(n as INT))
            .to_vec()
    }

    /// The distance between voxels in mm, as a map `#{slice_mm, row_mm, col_mm}`.
    #[rhai_fn(global, get = "spacing", pure)]
    pub fn volume_spacing(volume: &mut Volume) -> Map {
        spacing_map(volume.spacing())
    }

    /// The least and the greatest value in HU, as `[least, greatest]`; empty for a volume without
    /// voxels.
    #[rhai_fn(global, get = "hu_range", pure)]
    pub fn volume_hu_range(volume: &mut Volume) -> Array {
        volume
            .hu_range()
            .map_or_else(Array::new, |(least, greatest)| {
                vec![
                    Dynamic::from(INT::from(least)),
                    Dynamic::from(INT::from(greatest)),
                ]
            })
    }

    /// The volume in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn volume_to_string(volume: &mut Volume) -> String {
        volume.to_string()
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn mask_n_slices(mask: &mut Mask) -> INT {
        mask.dim().0 as INT
    }

    /// The volume inside the mask, in ml.
    #[rhai_fn(global, get = "volume_ml", pure)]
    pub fn mask_volume_ml(mask: &mut Mask) -> FLOAT {
        mask.volume_ml() as FLOAT
    }

    /// The indices of the slices of which nothing is inside.
    #[rhai_fn(global, get = "empty_slices", pure)]
    pub fn mask_empty_slices(mask: &mut Mask) -> Array {
        mask.empty_slices()
            .into_iter()
            .map(|slice_idx| Dynamic::from(slice_idx as INT))
            .collect()
    }

    /// What was seen of the lungs when the mask was made: a map with `right_ml`, `left_ml`,
    /// `left_right_ratio`, `cut_share` (of the outline, cut by the field of view), `removed_ml` (what
    /// mode `paper` leaves out), `suspicion` (0: nothing is out of range) and `findings`, each a map
    /// with `kind`, `lung`, `first_slice`, `last_slice`, `value` and `reason`; `()` for a mask of
    /// every voxel.
    ///
    /// ```rhai
    /// let quality = lung::mask(volume).quality;
    /// print(quality.right_ml > 500.0); // true
    /// for finding in quality.findings { print(finding.reason); }
    /// ```
    #[rhai_fn(global, get = "quality", pure)]
    pub fn mask_quality(mask: &mut Mask) -> Dynamic {
        quality(mask.quality())
    }

    /// The settings and the code version that made the mask, JSON: what `store::slices` takes as
    /// `mask`.
    #[rhai_fn(global, get = "recipe", pure)]
    pub fn mask_recipe(mask: &mut Mask) -> String {
        mask.recipe().to_owned()
    }

    /// The mask in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn mask_to_string(mask: &mut Mask) -> String {
        mask.to_string()
    }

    /// One slice of a volume in the lung, PE and mediastinal windows, unmasked: a picture for
    /// reports.
    ///
    /// `slice_idx` counts from 0, from the feet to the head; `side` is the picture's side, 1 to
    /// 4096 pixels, to which the slice is resized by area averaging. `report::slice` draws it.
    ///
    /// Throws `ct.index` for a slice that the volume does not have, and `ct.size` for a side out
    /// of range.
    ///
    /// ```rhai
    /// let middle = ct::channel_slice(volume, volume.n_slices / 2, 64);
    /// print(middle); // slice of 3 channels, 64 × 64 pixels
    /// try { ct::channel_slice(volume, 40, 64); } catch (error) { print(error.kind); } // ct.index
    /// ```
    #[rhai_fn(return_raw)]
    pub fn channel_slice(volume: Volume, slice_idx: INT, side: INT) -> ScriptResult<ChannelSlice> {
        // A negative index wraps to one that no volume has, and back in the message.
        ChannelSlice::of(&volume, slice_idx as usize, side.max(0) as usize).map_err(raise)
    }

    /// The slice in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn slice_to_string(slice: &mut ChannelSlice) -> String {
        slice.to_string()
    }

    /// The exams that can be used, an array of `Exam`.
    #[rhai_fn(global, get = "exams", pure)]
    pub fn exams(scan: &mut ScanHandle) -> Array {
        scan.exams.iter().cloned().map(Dynamic::from).collect()
    }

    /// The only exam that can be used.
    ///
    /// Throws `ct.exam_count`, listing the exams, when there is not exactly one.
    #[rhai_fn(global, get = "only_exam", pure, return_raw)]
    pub fn only_exam(scan: &mut ScanHandle) -> ScriptResult<Exam> {
        scan.only_exam().cloned().map_err(raise)
    }

    /// What is odd about the files, an array of maps `#{path, kind, effect, reason}`.
    ///
    /// `effect` is `"warning"`, `"file_left_out"` or `"exam_left_out"`.
    ///
    /// ```rhai
    /// for finding in scan.findings { print(`${finding.path}: ${finding.reason}`); }
    /// print(scan.findings[0].kind); // not_dicom
    /// ```
    #[rhai_fn(global, get = "findings", pure, return_raw)]
    pub fn findings(scan: &mut ScanHandle) -> ScriptResult<Dynamic> {
        to_dynamic(&scan.findings)
    }

    /// The number of files that were looked at, the label table not counted.
    #[rhai_fn(global, get = "n_files", pure)]
    pub fn n_files(scan: &mut ScanHandle) -> INT {
        scan.n_files as INT
    }

    /// What the label table says of these files; `()` without a table.
    ///
    /// A map with `path`, `n_rows`, `n_exams`, `n_exams_labelled`, and `broken`: how often each
    /// rule of the data set is broken.
    #[rhai_fn(global, get = "labels", pure, return_raw)]
    pub fn labels(scan: &mut ScanHandle) -> ScriptResult<Dynamic> {
        to_dynamic(&scan.labels)
    }

    /// A summary of several lines: exams, slices, files, and findings counted by reason.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn scan_to_string(scan: &mut ScanHandle) -> String {
        scan.to_string()
    }

    /// The exam's UIDs, spacing, positions, keys and labels.
    #[rhai_fn(global, get = "info", pure)]
    pub fn source_info(exam: &mut Exam) -> ExamHandle {
        Arc::clone(&exam.info)
    }

    /// Technical facts from the header of the first slice, as a map; no names, ids or dates.
    ///
    /// It has `rows`, `cols`, `n_slices` and `slice_mm`, `row_mm`, `col_mm` of the volume; `n_files`;
    /// `slice_thickness_mm`; `affine`, where the voxels lie in the patient: `origin_mm`, the middle of
    /// voxel `[0, 0, 0]`, and `steps_mm`, one step along slices, rows and columns, in mm to the left,
    /// the back and the head; `orientation`, as the files have it; `kvp` and `kernel`; `slope`, `intercept`,
    /// `padding`, `signed`, `bits_stored`, `bits_allocated` and `transfer_syntax`. What the header
    /// lacks is `()`, and so is a `kernel` that is none that vendors write.
    ///
    /// ```rhai
    /// print(exam.header.slice_mm); // 5.0
    /// ```
    #[rhai_fn(global, get = "header", pure, return_raw)]
    pub fn source_header(exam: &mut Exam) -> ScriptResult<Dynamic> {
        to_dynamic(exam.header())
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn source_n_slices(exam: &mut Exam) -> INT {
        exam.n_slices() as INT
    }

    /// Loads the exam's voxels in HU.
    ///
    /// Slices ascend towards the head, rows to the back and columns to the patient's left, whatever
    /// way the images lie; a finding `reoriented` says what was turned. Images that are coronal or
    /// sagittal are cut anew: the volume's slices go through all of them, and have numbers in place of
    /// SOPInstanceUIDs and no slice labels.
    ///
    /// Throws the fault of the first file that cannot be decoded, by its name, such as
    /// `dicom.truncated`; `dicom.changed` when a file is no longer what was scanned;
    /// `dicom.too_large` for an exam of more voxels than are loaded at once.
    ///
    /// ```rhai
    /// let volume = exam.load();
    /// print(volume.shape); // [40, 64, 64]
    /// ```
    #[rhai_fn(global, volatile, return_raw, name = "load")]
    pub fn source_load(context: NativeCallContext, exam: Exam) -> ScriptResult<Volume> {
        exam.load(&work(&context)).map_err(raise)
    }

    /// One line: the series, its slices and sizes.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn source_to_string(exam: &mut Exam) -> String {
        exam.to_string()
    }

    /// The exam's SeriesInstanceUID, by which scores, models and reports name it.
    #[rhai_fn(global, get = "series_uid", pure)]
    pub fn exam_series_uid(exam: &mut ExamHandle) -> String {
        exam.id.series_uid.clone()
    }

    /// The exam's StudyInstanceUID.
    #[rhai_fn(global, get = "study_uid", pure)]
    pub fn exam_study_uid(exam: &mut ExamHandle) -> String {
        exam.id.study_uid.clone()
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn exam_n_slices(exam: &mut ExamHandle) -> INT {
        exam.n_slices() as INT
    }

    /// The distance between voxels in mm, as a map `#{slice_mm, row_mm, col_mm}`.
    #[rhai_fn(global, get = "spacing", pure)]
    pub fn exam_spacing(exam: &mut ExamHandle) -> Map {
        spacing_map(exam.spacing)
    }

    /// Whether the label table counts the exam as PE; `()` for an exam without labels.
    #[rhai_fn(global, get = "positive", pure)]
    pub fn exam_positive(exam: &mut ExamHandle) -> Dynamic {
        let label = exam.labels.as_ref().and_then(|labels| labels.positive());
        label.map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The number of slices labelled as showing PE; 0 for an exam without labels.
    #[rhai_fn(global, get = "n_pe_slices", pure)]
    pub fn exam_n_pe_slices(exam: &mut ExamHandle) -> INT {
        exam.labels
            .as_ref()
            .map_or(0, |labels| labels.n_pe_slices()) as INT
    }

    /// The exam in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn exam_to_string(exam: &mut ExamHandle) -> String {
        exam.to_string()
    }
}
