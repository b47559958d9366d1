//! `dicom` in Rhai: scanning folders for exams and loading them.

use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;

use pe_ct::script::ScanHandle;

use crate::Deidentified;

/// What became of a folder's files, as a script value.
pub type DeidentifiedHandle = Arc<Deidentified>;

def_package! {
    /// DICOM files and RSNA-layout data sets to exams and volumes in HU.
    pub DicomPackage(module) {
        module.set_custom_type::<DeidentifiedHandle>("Deidentified");
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
    use rhai::serde::to_dynamic;
    use rhai::{Dynamic, INT, Map};

    use crate::{DeidentifyOptions, ScanOptions};

    /// Scans a file or a folder of any layout for CT exams, from headers alone: no pixels are
    /// read.
    ///
    /// An archive, `.zip`, `.tar` or `.tar.gz`, may stand in the folder's place, and lie in it: it is
    /// read without unpacking it, the label table too.
    ///
    /// Files are told by content, not by name. Slices are ordered by their position. Of several
    /// series of a study one is the exam. A label table `train.csv` in the folder is read with it.
    /// Links are followed, and each folder is read once: another link to it is a finding.
    /// What is left out and what is odd is in `.findings`, by file and reason.
    ///
    /// Throws `dicom.io` when the path cannot be read, and `dicom.label_table` when the label
    /// table is none; what single files have wrong is a finding.
    ///
    /// ```rhai
    /// let found = dicom::scan(cohort);
    /// print(found.exams.len()); // 6
    /// for exam in found.exams { print(exam); }
    /// try { dicom::scan("no/such/folder"); } catch (error) { print(error.kind); } // dicom.io
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn scan(context: NativeCallContext, path: &str) -> ScriptResult<ScanHandle> {
        let found = crate::scan(Path::new(path), &ScanOptions::default(), &work(&context));
        found.map(Arc::new).map_err(raise)
    }

    /// As `dicom::scan(path)`, with options.
    ///
    /// - `max_slices` (320): exams with more slices are left out; 0 for no limit
    /// - `include_indeterminate` (true): whether exams that the label table calls indeterminate
    ///   are kept
    /// - `labels` (`train.csv` in the folder): path of the label table, of any name, in CSV or with
    ///   semicolons or tabs, with a row for each slice or each exam. Exams are named by
    ///   `StudyInstanceUID`, `SeriesInstanceUID` or both, or by `PatientID`, which is not kept; labels
    ///   are 0 and 1, `1.0`, `True`, or empty for none
    /// - `columns` (#{}): what the table calls its columns,
    ///   `#{ StudyInstanceUID: "study", negative_exam_for_pe: "no PE" }`; a column
    ///   `positive_exam_for_pe` is the contrary of `negative_exam_for_pe`
    /// - `hash_contents` (false): whether exams are keyed by their files' bytes, which reads them
    ///   all, and not by their sizes and times
    /// - `volume` (0): which volume is used of a series that has several (phases, kernels, planes), by
    ///   its number from 1 in the findings `other_volume`; 0 for an axial one before any other, then
    ///   the one with the most slices, then the one of the softest kernel
    /// - `tilt` ("keep"): `"correct"` shears a series that was taken with a tilted gantry, until its
    ///   images lie straight above each other
    /// - `index` (none): a folder in which what the headers say is kept, such as the store's: the
    ///   next scan of the same path opens only files that are new, or whose size or time is
    ///   another, and those that claim the same identity or place as another
    ///
    /// Throws as `dicom::scan(path)`, and `options.unknown` or `options.invalid` for an option
    /// that does not exist or cannot be so.
    ///
    /// ```rhai
    /// let table = #{ labels: `${cohort}/train.csv`, columns: #{ qa_motion: "qa_contrast" } };
    /// print(dicom::scan(cohort, table).labels.n_exams_labelled); // 6
    /// let found = dicom::scan(cohort, #{ max_slices: 39 });
    /// print(found.exams.len()); // 0
    /// print(found.findings.some(|finding| finding.effect == "exam_left_out")); // true
    /// print(dicom::scan(cohort, #{ index: "store" }).exams.len()); // 6
    /// ```
    #[rhai_fn(volatile, return_raw, name = "scan")]
    pub fn scan_with(context: NativeCallContext, path: &str, map: Map) -> ScriptResult<ScanHandle> {
        let options: ScanOptions = options("dicom::scan()", &map)?;
        let found = crate::scan(Path::new(path), &options, &work(&context));
        found.map(Arc::new).map_err(raise)
    }

    /// Loads the only exam of a file or folder as a volume in HU.
    ///
    /// Throws `ct.exam_count`, listing the exams, when there is not exactly one, and what
    /// `dicom::scan` and `exam.load()` throw.
    ///
    /// ```rhai
    /// let one = dicom::scan(cohort).exams[0].info;
    /// let volume = dicom::load(`${cohort}/train/${one.study_uid}/${one.series_uid}`);
    /// print(volume.n_slices); // 40
    /// try { dicom::load(cohort); } catch (error) { print(error.kind); } // ct.exam_count
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn load(context: NativeCallContext, path: &str) -> ScriptResult<Volume> {
        crate::load_only(Path::new(path), &work(&context)).map_err(raise)
    }

    /// Writes a de-identified copy of every CT image under `folder` to `out`, by the basic profile
    /// of DICOM PS3.15 annex E.
    ///
    /// Only what is known to be safe is kept: what `dicom::scan` and `exam.load()` read, and the
    /// image, sample for sample. UIDs are replaced, the same by the same, and PatientID by a
    /// pseudonym, so that exams and patients stay together. Names, dates and numbers of studies are
    /// empty; comments, private attributes, sequences and all the rest are gone, in pixel data too:
    /// overlays in unused bits, comments and what else lies beside the image in coded frames. Files are
    /// called by their new UIDs, `STUDY/SERIES/SLICE.dcm`; a label table is written with them as
    /// `train.csv`.
    ///
    /// The key that UIDs are replaced with is drawn anew and forgotten: nobody can link a copy back
    /// by what is written in it. Who has the original still can, by the pixels. Look at the
    /// pictures too: what is written in the pixels is not looked for. An image that says that there
    /// is something, localizers, secondary captures, coded frames that cannot be told from what lies
    /// beside them, and whatever is no CT image are left out, each with a finding. The next run into
    /// the folder removes the copies of one that was stopped, and begins anew; beside copies of one
    /// that has ended, none are made.
    ///
    /// Throws `dicom.output` when one folder lies in the other or `out` holds copies, `dicom.io` and
    /// `dicom.label_table` as `dicom::scan(path)`; what single files have wrong is a finding.
    ///
    /// ```rhai
    /// let done = dicom::deidentify(cohort, "copies");
    /// print(done);
    /// print(done.findings.map(|finding| finding.kind)); // ["not_dicom"]
    /// print(dicom::scan("copies").exams.len()); // 6
    /// try { dicom::deidentify(cohort, `${cohort}/copies`); } catch (error) { print(error.kind); } // dicom.output
    /// ```
    #[rhai_fn(volatile, return_raw)]
    pub fn deidentify(
        context: NativeCallContext,
        folder: &str,
        out: &str,
    ) -> ScriptResult<DeidentifiedHandle> {
        deidentify_with(context, folder, out, Map::new())
    }

    /// As `dicom::deidentify(folder, out)`, with options.
    ///
    /// - `key` (drawn and forgotten): a secret of at least 16 characters that new UIDs and
    ///   PatientIDs are made with, so that two runs agree. Who knows it can try whether a copy is
    ///   of a given patient. A script and its parameters are kept in a run's record, and the key
    ///   with them: prefer `key_file`. With a key, a run that was stopped goes on, and others may
    ///   follow: a file that is there already is never touched
    /// - `key_file` (none): path of a file that holds the key
    /// - `labels` (`train.csv` in the folder): path of the label table
    /// - `columns` (#{}): what its columns are called, as for `dicom::scan(path, options)`
    /// - `keep_burned_in` (false): whether images that say that something is written in their
    ///   pixels are copied too
    ///
    /// Throws as `dicom::deidentify(folder, out)`, `dicom.key` for a short key, and
    /// `options.unknown` or `options.invalid` for an option that does not exist or cannot be so.
    ///
    /// ```rhai
    /// let key = "a secret of this example";
    /// dicom::deidentify(cohort, "shared", #{ key: key });
    /// let again = dicom::deidentify(cohort, "shared", #{ key: key });
    /// print(again.n_skipped == again.n_files); // true
    /// try { dicom::deidentify(cohort, "other", #{ key: "123" }); } catch (error) { print(error.kind); } // dicom.key
    /// ```
    #[rhai_fn(volatile, return_raw, name = "deidentify")]
    pub fn deidentify_with(
        context: NativeCallContext,
        folder: &str,
        out: &str,
        map: Map,
    ) -> ScriptResult<DeidentifiedHandle> {
        let options: DeidentifyOptions = options("dicom::deidentify()", &map)?;
        let (folder, out) = (Path::new(folder), Path::new(out));
        let done = crate::deidentify(folder, out, &options, &work(&context));
        done.map(Arc::new).map_err(raise)
    }

    /// The number of files that were looked at, the label table not counted.
    #[rhai_fn(global, get = "n_files", pure)]
    pub fn deidentified_n_files(done: &mut DeidentifiedHandle) -> INT {
        done.n_files as INT
    }

    /// The number of files of which there is no new copy; `findings` says why.
    #[rhai_fn(global, get = "n_skipped", pure)]
    pub fn n_skipped(done: &mut DeidentifiedHandle) -> INT {
        done.n_skipped as INT
    }

    /// Why files were left out, an array of maps `#{path, kind, effect, reason}` as a scan's.
    ///
    /// `path` is that of the original, and may hold a name.
    #[rhai_fn(global, get = "findings", pure, return_raw)]
    pub fn deidentified_findings(done: &mut DeidentifiedHandle) -> ScriptResult<Dynamic> {
        to_dynamic(&done.findings)
    }

    /// A summary of several lines: files written, files left out by reason, rows of labels.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn deidentified_to_string(done: &mut DeidentifiedHandle) -> String {
        done.to_string()
    }
}

#[cfg(test)]
mod tests {
    use pe_ct::script::CtPackage;
    use rhai::packages::Package;
    use rhai::{Engine, EvalAltResult};

    use super::*;

    fn eval<T: Clone + Send + Sync + 'static>(script: &str) -> Result<T, Box<EvalAltResult>> {
        let mut engine = Engine::new();
        CtPackage::new().register_into_engine_as(&mut engine, "ct");
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
            "ct.exam_count",
        );
        check(
            "let k = 0; try { dicom::scan(PATH, #{max_slice: 1}); } catch (e) { k = e.hint; } k",
            "did you mean `max_slices`?",
        );
        check(
            "dicom::scan(PATH, #{tilt: `correct`, volume: 2, columns: #{PatientID: `id`}}).findings[0].kind",
            "empty",
        );
        let caught = |options: &str, field: &str| {
            format!(
                "let k = 0; try {{ dicom::scan(PATH, {options}); }} catch (e) {{ k = e.{field}; }} k"
            )
        };
        check(&caught("#{tilt: `right`}", "kind"), "options.invalid");
        check(&caught("#{volume: -1}", "kind"), "options.invalid");
        check(
            &caught("#{columns: #{patientid: `id`}}", "kind"),
            "options.invalid",
        );
        check(
            &caught("#{columns: #{patientid: `id`}}", "hint"),
            "did you mean `PatientID`?",
        );
        check(
            "let k = 0; try { dicom::scan(`no/such`); } catch (e) { k = e.kind; } k",
            "dicom.io",
        );
    }
}
