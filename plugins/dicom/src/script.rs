//! `dicom` in Rhai: scanning folders for exams and loading them.

use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;

use crate::{Exam, Scan};

/// A scan as a script value.
pub type ScanHandle = Arc<Scan>;

def_package! {
    /// DICOM files and RSNA-layout data sets to exams and volumes in HU.
    pub DicomPackage(module) {
        module.set_custom_type::<ScanHandle>("Scan");
        module.set_custom_type::<Exam>("Exam");
        combine_with_exported_module!(module, "dicom", dicom);
    }
}

// The macro expands to `unwrap` on the arguments whose number it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod dicom {
    use std::path::Path;

    use pe_binding::script::{ScriptResult, options, raise, work};
    use pe_ct::Volume;
    use pe_ct::script::ExamHandle;
    use rhai::serde::to_dynamic;
    use rhai::{Array, Dynamic, INT, Map};

    use crate::ScanOptions;

    /// Scans a file or a folder of any layout for CT exams; reads headers, no pixels.
    ///
    /// Files are told by content, not by name. Slices are ordered by their position. What is left
    /// out and what is odd is in `.findings`, by file and reason. Throws when the path cannot be
    /// read; what single files have wrong is a finding.
    ///
    /// ```rhai
    /// let scan = dicom::scan("cohort");
    /// print(scan);
    /// for exam in scan.exams { print(exam); }
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn scan(context: NativeCallContext, path: &str) -> ScriptResult<ScanHandle> {
        let found = crate::scan(Path::new(path), &ScanOptions::default(), &work(&context));
        found.map(Arc::new).map_err(raise)
    }

    /// Scans with options:
    /// - `max_slices` (320): exams with more slices are left out; 0 for no limit;
    /// - `include_indeterminate` (true): keep exams that the label table calls indeterminate;
    /// - `labels` (`train.csv` in the folder): path of the RSNA label table;
    /// - `hash_contents` (false): key the exams by their files' bytes, not by size and time.
    ///
    /// ```rhai
    /// let scan = dicom::scan("rsna", #{max_slices: 0, include_indeterminate: false});
    /// ```
    #[rhai_fn(volatile, return_raw, name = "scan")]
    pub fn scan_with(context: NativeCallContext, path: &str, map: Map) -> ScriptResult<ScanHandle> {
        let options: ScanOptions = options("dicom::scan()", &map)?;
        let found = crate::scan(Path::new(path), &options, &work(&context));
        found.map(Arc::new).map_err(raise)
    }

    /// Loads the only exam of a file or folder as a volume in HU. Throws, listing the exams, when
    /// there is not exactly one.
    ///
    /// ```rhai
    /// let volume = dicom::load("series");
    /// print(volume.n_slices);
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn load(context: NativeCallContext, path: &str) -> ScriptResult<Volume> {
        crate::load_only(Path::new(path), &work(&context)).map_err(raise)
    }

    /// The exams that can be used.
    #[rhai_fn(global, get = "exams", pure)]
    pub fn exams(scan: &mut ScanHandle) -> Array {
        scan.exams.iter().cloned().map(Dynamic::from).collect()
    }

    /// The only exam that can be used; throws, listing the exams, when there is not exactly one.
    #[rhai_fn(global, get = "only_exam", pure, return_raw)]
    pub fn only_exam(scan: &mut ScanHandle) -> ScriptResult<Exam> {
        scan.only_exam().cloned().map_err(raise)
    }

    /// What is odd about the files: maps `#{path, kind, effect, reason}`. `effect` is `"warning"`,
    /// `"file_left_out"` or `"exam_left_out"`.
    ///
    /// ```rhai
    /// for finding in dicom::scan("series").findings { print(`${finding.path}: ${finding.reason}`); }
    /// ```
    #[rhai_fn(global, get = "findings", pure, return_raw)]
    pub fn findings(scan: &mut ScanHandle) -> ScriptResult<Dynamic> {
        to_dynamic(&scan.findings)
    }

    /// The number of files that were looked at.
    #[rhai_fn(global, get = "n_files", pure)]
    pub fn n_files(scan: &mut ScanHandle) -> INT {
        scan.n_files as INT
    }

    /// What the label table says of these files, as a map: `path`, `n_rows`, `n_exams`,
    /// `n_exams_labelled`, and `broken`, how often each rule was broken; `()` without a table.
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
    pub fn info(exam: &mut Exam) -> ExamHandle {
        Arc::clone(&exam.info)
    }

    /// Technical facts from the header of the first slice, as a map: sizes, spacing in mm, `kvp`,
    /// `kernel`, `slope`, `intercept`, bits, transfer syntax. No names, ids or dates.
    ///
    /// ```rhai
    /// let exam = dicom::scan("series").exams[0];
    /// print(exam.header.slice_mm);
    /// ```
    #[rhai_fn(global, get = "header", pure, return_raw)]
    pub fn header(exam: &mut Exam) -> ScriptResult<Dynamic> {
        to_dynamic(&*exam.header)
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn n_slices(exam: &mut Exam) -> INT {
        exam.n_slices() as INT
    }

    /// Loads the exam's voxels in HU.
    ///
    /// ```rhai
    /// let volume = dicom::scan("series").exams[0].load();
    /// ```
    #[rhai_fn(global, volatile, return_raw, name = "load")]
    pub fn exam_load(context: NativeCallContext, exam: Exam) -> ScriptResult<Volume> {
        crate::load(&exam, &work(&context)).map_err(raise)
    }

    /// One line: the series, its slices and sizes.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn exam_to_string(exam: &mut Exam) -> String {
        exam.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rhai::packages::Package;
    use rhai::{Engine, EvalAltResult};

    use super::*;

    fn eval<T: Clone + Send + Sync + 'static>(script: &str) -> Result<T, Box<EvalAltResult>> {
        let mut engine = Engine::new();
        DicomPackage::new().register_into_engine_as(&mut engine, "dicom");
        engine.eval(script)
    }

    #[test]
    fn an_empty_folder_is_a_scan_without_exams() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), b"").unwrap();
        let path = folder.path().to_str().unwrap();
        let check = |script: &str, expected: &str| {
            let script = script.replace("PATH", &format!("{path:?}"));
            assert_eq!(eval::<String>(&script).unwrap(), expected);
        };
        check(
            "let s = dicom::scan(PATH); `${s.exams.len()} ${s.n_files} ${s.labels}`",
            "0 1 ",
        );
        check("dicom::scan(PATH).findings[0].kind", "empty");
        check(
            "dicom::scan(PATH, #{max_slices: 5}).findings[0].effect",
            "file_left_out",
        );
        check(
            "let k = 0; try { dicom::load(PATH); } catch (e) { k = e.kind; } k",
            "dicom.exam_count",
        );
        check(
            "let k = 0; try { dicom::scan(PATH, #{max_slice: 1}); } catch (e) { k = e.hint; } k",
            "did you mean `max_slices`?",
        );
        check(
            "let k = 0; try { dicom::scan(`no/such`); } catch (e) { k = e.kind; } k",
            "dicom.io",
        );
    }
}
