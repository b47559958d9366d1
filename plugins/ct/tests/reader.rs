//! A reader of another file format: exams that are not DICOM, through the same types.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array3;
use pe_binding::{Explain, Work};
use pe_ct::{
    Affine, CtError, Effect, Exam, ExamId, ExamInfo, ExamSource, Finding, FindingClass, Scan,
    Spacing, Volume,
};

/// Two slices of 3 × 4 voxels in one file, or a file that has gone.
#[derive(Debug)]
struct Raw {
    is_there: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{}: the file has gone", .0.display())]
struct Gone(PathBuf);

impl Explain for Gone {
    fn kind(&self) -> &'static str {
        "raw.gone"
    }
}

impl ExamSource for Raw {
    fn shape(&self) -> [usize; 3] {
        [2, 3, 4]
    }

    fn files(&self) -> Vec<PathBuf> {
        vec!["a.raw".into(); 2]
    }

    fn header(&self) -> serde_json::Value {
        serde_json::json!({ "format": "raw", "kvp": null })
    }

    fn affine(&self) -> Option<Affine> {
        None
    }

    fn load(
        &self,
        info: &Arc<ExamInfo>,
        _work: &Work,
    ) -> Result<Volume, Box<dyn Explain + Send + Sync>> {
        if !self.is_there {
            return Err(Box::new(Gone("a.raw".into())));
        }
        let hu = Array3::from_elem((2, 3, 4), 40);
        Volume::new(Arc::clone(info), hu).map_err(|error| Box::new(error) as _)
    }
}

#[derive(Clone, Copy)]
struct NoHeader;

impl FindingClass for NoHeader {
    fn name(self) -> &'static str {
        "no_header"
    }

    fn effect(self) -> Effect {
        Effect::FileLeftOut
    }
}

fn exam(is_there: bool) -> Exam {
    let info = ExamInfo {
        id: ExamId {
            study_uid: "1.2.3".into(),
            series_uid: "1.2.4".into(),
        },
        spacing: Spacing {
            slice_mm: 5.0,
            row_mm: 1.0,
            col_mm: 1.0,
        },
        sop_uids: vec!["1.2.5".into(), "1.2.6".into()],
        positions_mm: vec![0.0, 5.0],
        patient_key: None,
        inputs_key: "key".into(),
        labels: None,
    };
    Exam::new(Arc::new(info), Arc::new(Raw { is_there }))
}

fn scan(exams: Vec<Exam>) -> Scan {
    Scan {
        root: "folder".into(),
        exams,
        findings: vec![Finding::new("b.raw".as_ref(), NoHeader, "no header")],
        n_files: 2,
        labels: None,
    }
}

#[test]
fn an_exam_is_loaded_by_its_own_reader() {
    let scan = scan(vec![exam(true)]);
    let exam = scan.only_exam().unwrap();
    assert_eq!((exam.n_slices(), exam.rows(), exam.cols()), (2, 3, 4));
    let volume = exam.load(&Work::silent()).unwrap();
    assert_eq!(volume.hu_range(), Some((40, 40)));
    assert_eq!(
        scan.to_string(),
        "1 exam, 2 slices in 2 files under folder\n  file left out: 1 × no header\n  no label table"
    );
}

#[test]
fn an_error_of_the_reader_names_the_exam() {
    let error = exam(false).load(&Work::silent()).unwrap_err();
    assert_eq!(error.to_string(), "a.raw: the file has gone");
    assert_eq!((error.kind(), error.exam()), ("raw.gone", Some("1.2.4")));
}

#[test]
fn several_exams_are_not_the_only_one() {
    let error = scan(vec![exam(true), exam(true)]).only_exam().unwrap_err();
    assert!(
        matches!(error, CtError::ExamCount { found: 2, .. }),
        "{error}"
    );
    assert_eq!(error.kind(), "ct.exam_count");
}

#[cfg(feature = "script")]
#[test]
fn a_script_tells_a_broken_exam_from_another_error() {
    use pe_ct::script::CtPackage;
    use rhai::packages::Package;
    use rhai::{Engine, Scope};

    let mut engine = Engine::new();
    CtPackage::new().register_into_engine_as(&mut engine, "ct");
    let mut scope = Scope::new();
    scope.push("scan", Arc::new(scan(vec![exam(false)])));
    let mut check = |script: &str, expected: &str| {
        let found = engine.eval_with_scope::<String>(&mut scope, script);
        assert_eq!(found.unwrap(), expected, "{script}");
    };
    check(
        "let told = ``; try { scan.exams[0].load(); } catch (err) { told = `${err.kind} ${err.exam}`; } told",
        "raw.gone 1.2.4",
    );
    check(
        "let told = ``; try { ct::window(1, 0); } catch (err) { told = `${err.kind} ${err.exam}`; } told",
        "ct.window ",
    );
    check(
        "`${scan.exams[0].header.format} ${scan.findings[0].kind}`",
        "raw no_header",
    );
}
