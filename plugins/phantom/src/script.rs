//! `phantom` in Rhai: synthetic cohorts as files, and their exams in memory.

use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;

use crate::CohortReport;

/// What `phantom::write` did, as a script value.
pub type ReportHandle = Arc<CohortReport>;

def_package! {
    /// Synthetic CT pulmonary angiograms, as DICOM files or in memory.
    pub PhantomPackage(module) {
        module.set_custom_type::<ReportHandle>("CohortReport");
        combine_with_exported_module!(module, "phantom", phantom);
    }
}

// The macro's own code unwraps the arguments whose number and types the engine has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod phantom {
    use pe_binding::script::{ScriptResult, options, raise, work};
    use pe_ct::Volume;
    use rhai::{INT, Map};

    use crate::{PhantomError, PhantomOptions};

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
    /// - `noise` (1.0): factor on the noise of every exam, 0 (none) to 5
    /// - `seed` (7): of everything random
    ///
    /// Throws `phantom.option` for a setting out of range, `phantom.other_cohort` for a folder
    /// with the cohort of other settings and `phantom.foreign_folder` for one that holds anything
    /// else, which is left untouched; `phantom.file` when a file cannot be written.
    ///
    /// ```rhai
    /// let settings = #{ n_exams: 2, size: 64, max_slices: 40, pe_share: 0.5 };
    /// print(phantom::write("small", settings).n_pe_exams); // 1
    /// print(phantom::write("small", settings).skipped);    // true
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
