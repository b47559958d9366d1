//! `phantom` in Rhai: synthetic cohorts as files, and their exams in memory.

use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;
use rhai::{Array, Map};

use crate::{CohortReport, SliceTruth};

/// What `phantom::write` did, as a script value.
pub type ReportHandle = Arc<CohortReport>;

def_package! {
    /// Synthetic CT pulmonary angiograms, as DICOM files or in memory.
    pub PhantomPackage(module) {
        module.set_custom_type::<ReportHandle>("CohortReport");
        combine_with_exported_module!(module, "phantom", phantom);
    }
}

/// What is true of a slice, as a script has it.
fn slice_map(slice: &SliceTruth) -> Dynamic {
    let artery = slice
        .artery
        .map_or(Dynamic::UNIT, |order| order.name().into());
    let lookalikes: Array = slice
        .lookalikes
        .iter()
        .map(|kind| kind.name().into())
        .collect();
    Dynamic::from(Map::from_iter([
        ("sop_uid".into(), slice.sop_uid.clone().into()),
        ("position_mm".into(), slice.position_mm.into()),
        ("pe".into(), slice.pe_present().into()),
        ("clot_mm2".into(), slice.clot_mm2.into()),
        ("artery".into(), artery),
        ("lookalikes".into(), lookalikes.into()),
    ]))
}

// The macro's own code unwraps the arguments whose number and types the engine has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod phantom {
    use pe_binding::script::{ScriptResult, options, raise, work};
    use pe_ct::Volume;
    use rhai::{INT, ImmutableString, Map};

    use crate::{ExamTruth, PhantomError, PhantomOptions};

    /// Writes a synthetic cohort into `folder`: DICOM files in the RSNA layout, with the label
    /// table.
    ///
    /// The table is `train.csv`; what was painted is told in `cohort.json`. Equal settings give
    /// equal files, byte for byte. A folder that holds the complete cohort already is left as it
    /// is, and an incomplete one is completed.
    ///
    /// - `n_exams` (12): exams, 1 to 10,000
    /// - `size` (512): rows and columns of a slice, pixels, 32 to 1024; the anatomy does not
    ///   depend on it
    /// - `min_slices` (40), `max_slices` (64): the fewest and the most slices of an exam, 40 to
    ///   320
    /// - `pe_share` (1.0 / 3.0): share of the exams with emboli, 0 to 1, rounded to whole exams
    /// - `difficulty` ("hard"): how hard the emboli are to see, a set of ranges for the options
    ///   below that are not given: "hard", as exams have them, which is not learnt in minutes, or
    ///   "easy", large clots in well opacified arteries with little noise and half of the
    ///   look-alikes, meant to be learnt in minutes; the report says so
    /// - `pe_slices` (()): the least and the greatest share of the slices of an exam with emboli
    ///   that show them, [0.07, 0.23] if hard, within 0.02 to 0.8
    /// - `n_clots` (()): the fewest and the most clots of such an exam, within 1 to 40; if hard, as
    ///   many as `pe_slices` takes
    /// - `central_share` (()): share of the clots that begin in the main and lobar arteries, 0.55
    ///   if hard; the others begin in segmental ones
    /// - `clot_mm` (()): length of a clot along its artery, mm, within 8 to 120; if hard, [14, 60]
    ///   by artery
    /// - `clot_width` (()): width of a clot over that of its artery, [0.6, 0.8] if hard, within 0.3
    ///   to 0.95; occlusive clot fills the artery
    /// - `clot_hu` (()): clot before noise, HU, [30, 70] if hard, within 0 to 300; old clot is 18
    ///   denser
    /// - `artery_hu` (()): blood in the pulmonary arteries, HU, [275, 450] if hard, within 120 to
    ///   800; the contrast of a clot is this less `clot_hu`
    /// - `noise_hu` (()): standard deviation of the noise in the mediastinum, HU, [9, 22] if hard,
    ///   within 0 to 100
    /// - `noise` (1.0): factor on that noise, 0 (none) to 5
    /// - `lookalikes` (()): factor on the number of look-alikes, 1 if hard, 0 (none) to 4
    /// - `lookalike_kinds` (()): the kinds of look-alike, all of ["node", "dark_spot", "vein",
    ///   "streak"]
    /// - `paint_clots` (true): false makes a negative control: labels and truth stay as they are,
    ///   and nothing in the images tells of them, no clot, no strained heart, no poor contrast; the
    ///   report says so
    /// - `seed` (7): of everything random
    ///
    /// With the same seed, exams keep their anatomy whatever the difficulty.
    ///
    /// Throws `phantom.option` for a setting out of range, `phantom.other_cohort` for a folder
    /// with the cohort of other settings and `phantom.foreign_folder` for one that holds anything
    /// else, which is left untouched; `phantom.file` when a file cannot be written.
    ///
    /// ```rhai
    /// let settings = #{ n_exams: 2, size: 64, max_slices: 40, pe_share: 0.5 };
    /// print(phantom::write("small", settings).n_pe_exams); // 1
    /// print(phantom::write("small", settings).skipped);    // true
    /// let control = phantom::write("control", settings + #{ difficulty: "easy", paint_clots: false });
    /// print(control.to_string().starts_with("NEGATIVE CONTROL")); // true
    /// try { phantom::write("small", #{ n_exams: 0 }); } catch (error) {
    ///     print(error.kind); // phantom.option
    /// }
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn write(
        context: NativeCallContext,
        folder: &str,
        settings: Map,
    ) -> ScriptResult<ReportHandle> {
        let settings: PhantomOptions = options("phantom::write()", &settings)?;
        crate::write(folder, &settings, &work(&context))
            .map(Arc::new)
            .map_err(raise)
    }

    /// As `phantom::write(folder, settings)` with its defaults: 12 exams of 512 × 512, four with
    /// emboli, some 330 MB.
    #[rhai_fn(volatile, name = "write", return_raw)]
    pub fn write_default(context: NativeCallContext, folder: &str) -> ScriptResult<ReportHandle> {
        write(context, folder, Map::new())
    }

    /// What was painted in the complete cohort in `folder`, by exam and slice: what results can be
    /// grouped by.
    ///
    /// A map from the exam's SeriesInstanceUID, by which scores and models name it, to an array
    /// with a map for each slice, in the order of the volume's slices (feet to head):
    ///
    /// - `sop_uid`, and `position_mm` along the body
    /// - `pe`: whether the slice is labelled as showing PE
    /// - `clot_mm2`: area of the clot on it, mm²; 0.0 without any
    /// - `artery`: the artery of its largest clot, "main", "lobar", "segmental" or "subsegmental";
    ///   `()` without clot
    /// - `lookalikes`: the kinds of look-alike that it shows, "node", "dark_spot", "vein",
    ///   "streak"
    ///
    /// Throws `phantom.no_cohort` for a folder without a complete cohort, `phantom.other_cohort`
    /// for one of another version, and `phantom.file` when it cannot be read.
    ///
    /// ```rhai
    /// let made = phantom::write("small", #{ n_exams: 2, size: 64, max_slices: 40, pe_share: 0.5 });
    /// let truth = phantom::truth(made.folder);
    /// print(truth.len());  // 2
    /// let slices = truth.values()[0];
    /// print(slices.len()); // 40
    /// let central = slices.filter(|slice| slice.artery == "main");
    /// let clear   = slices.filter(|slice| slice.clot_mm2 > 20.0);
    /// try { phantom::truth("nowhere"); } catch (error) {
    ///     print(error.kind); // phantom.no_cohort
    /// }
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn truth(context: NativeCallContext, folder: &str) -> ScriptResult<Map> {
        let manifest = crate::read(folder, work(&context).files()).map_err(raise)?;
        let exam = |exam: &ExamTruth| {
            let slices: Array = exam.slices.iter().map(slice_map).collect();
            (exam.plan.series_uid.as_str().into(), slices.into())
        };
        Ok(manifest.exams.iter().map(exam).collect())
    }

    /// One exam of the synthetic cohort of the settings, in memory.
    ///
    /// `exam_idx` counts from 0; `settings` are the options of `phantom::write`. The voxels are
    /// those of the files that it writes.
    ///
    /// Throws `phantom.index` for an exam that the cohort does not have, and `phantom.option` for
    /// a setting out of range.
    ///
    /// ```rhai
    /// let volume = phantom::exam(0, #{ size: 64, max_slices: 40 });
    /// print(volume.shape); // [40, 64, 64]
    /// try { phantom::exam(2, #{ n_exams: 2 }); } catch (error) {
    ///     print(error.kind); // phantom.index
    /// }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn exam(context: NativeCallContext, exam_idx: INT, settings: Map) -> ScriptResult<Volume> {
        let settings: PhantomOptions = options("phantom::exam()", &settings)?;
        let exam_idx = settings.exam_idx(exam_idx).map_err(raise)?;
        let made: Result<_, PhantomError> = crate::generate(&settings, exam_idx, &work(&context));
        made.map(|(volume, _)| volume).map_err(raise)
    }

    /// The cohort's folder.
    #[rhai_fn(global, get = "folder", pure)]
    pub fn folder(report: &mut ReportHandle) -> String {
        report.folder.display().to_string()
    }

    /// How hard the cohort is, "easy" or "hard"; single options may differ from it.
    #[rhai_fn(global, get = "difficulty", pure)]
    pub fn difficulty(report: &mut ReportHandle) -> ImmutableString {
        report.difficulty.name().into()
    }

    /// Whether the cohort is a negative control, whose labels tell of clots that are not painted.
    #[rhai_fn(global, get = "control", pure)]
    pub fn control(report: &mut ReportHandle) -> bool {
        report.control
    }

    /// The number of exams.
    #[rhai_fn(global, get = "n_exams", pure)]
    pub fn n_exams(report: &mut ReportHandle) -> INT {
        report.n_exams as INT
    }

    /// The number of slices of all exams.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn n_slices(report: &mut ReportHandle) -> INT {
        report.n_slices as INT
    }

    /// The number of exams with PE.
    #[rhai_fn(global, get = "n_pe_exams", pure)]
    pub fn n_pe_exams(report: &mut ReportHandle) -> INT {
        report.n_pe_exams as INT
    }

    /// The number of slices labelled as showing PE.
    #[rhai_fn(global, get = "n_pe_slices", pure)]
    pub fn n_pe_slices(report: &mut ReportHandle) -> INT {
        report.n_pe_slices as INT
    }

    /// The bytes of all DICOM files.
    #[rhai_fn(global, get = "n_bytes", pure)]
    pub fn n_bytes(report: &mut ReportHandle) -> INT {
        report.n_bytes as INT
    }

    /// Whether the cohort was complete already, so that nothing was written.
    #[rhai_fn(global, get = "skipped", pure)]
    pub fn skipped(report: &mut ReportHandle) -> bool {
        report.skipped()
    }

    /// The report in one sentence.
    #[rhai_fn(global, name = "to_string", pure)]
    pub fn to_text(report: &mut ReportHandle) -> String {
        report.to_string()
    }

    /// The report in one sentence.
    #[rhai_fn(global, name = "to_debug", pure)]
    pub fn to_debug(report: &mut ReportHandle) -> String {
        report.to_string()
    }
}
