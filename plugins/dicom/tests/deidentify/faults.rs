//! De-identified copies after a crash, a full disk, a read-only folder or a lost permission at any
//! of their writes: each is whole or not there, and the same command again makes the rest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::Work;
use pe_dicom::{Deidentified, DeidentifyOptions, DicomError, deidentify};
use pe_files::{Fault, Faults, Files};

use crate::{exams, files, keyed, originals};

const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied];

/// Exams with their label table.
fn labelled() -> tempfile::TempDir {
    let folder = originals();
    let mut table = String::from(
        "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image,\
         negative_exam_for_pe\n",
    );
    for study in ["1.2.826.471147", "1.2.826.471148"] {
        for n in 0..4 {
            table += &format!("{study},{study}.5,{study}.5.{n},{},0\n", n % 2);
        }
    }
    fs::write(folder.path().join("train.csv"), table).unwrap();
    folder
}

/// On one thread, so that the changes of the disk come in the same order each time.
fn run(
    folder: &Path,
    out: &Path,
    options: &DeidentifyOptions,
    disk: &Files,
) -> Result<Deidentified, DicomError> {
    let work = Work::silent().with_files(disk.clone());
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1);
    let alone = alone.build().unwrap();
    alone.install(|| deidentify(folder, out, options, &work))
}

/// Every file under `out` by its path below it.
fn contents(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = |path: PathBuf| path.strip_prefix(out).unwrap().to_owned();
    let pair = |path: PathBuf| (below(path.clone()), fs::read(path).unwrap());
    files(out).into_iter().map(pair).collect()
}

/// Runs while the disk fails at every change in turn, and gives `check` the originals, what is there
/// of copies, whether the run failed, and which one it was.
fn with_every_fault(options: &DeidentifyOptions, check: impl Fn(&Path, &Path, bool, &str)) {
    let folder = labelled();
    let counting = Arc::new(Faults::none());
    let disk = Files::free().with_faults(counting.clone());
    let scratch = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &scratch.path().join("new/out"),
        options,
        &disk,
    )
    .unwrap();
    let n_changes = counting.count();
    assert!(n_changes >= 30, "{n_changes}");
    for fault in FAULTS {
        for at in 0..n_changes {
            let what = format!("{fault:?} at change {at} of {n_changes}");
            let scratch = tempfile::tempdir().unwrap();
            let out = scratch.path().join("new/out");
            let faults = Arc::new(Faults::at(at, fault, at));
            let disk = Files::free().with_faults(faults.clone());
            let done = run(folder.path(), &out, options, &disk);
            assert!(faults.met(), "{what}");
            let failed = done.is_err();
            match done {
                Ok(_) => assert_ne!(fault, Fault::Killed, "{what}"),
                Err(DicomError::Io { path, .. }) => {
                    assert!(path.starts_with(scratch.path()), "{what}: {path:?}");
                }
                Err(error) => panic!("{what}: {error}"),
            }
            check(folder.path(), &out, failed, &what);
        }
    }
}

#[test]
fn with_a_key_a_run_goes_on_whatever_failed_and_when() {
    let folder = labelled();
    let whole = tempfile::tempdir().unwrap();
    run(folder.path(), whole.path(), &keyed(), &Files::free()).unwrap();
    let expected = contents(whole.path());
    assert_eq!(expected.len(), 9);
    with_every_fault(&keyed(), |folder, out, _, what| {
        // A name that does not begin with a point is that of a whole file.
        for (path, bytes) in contents_if_any(out) {
            let hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
            assert!(hidden || expected[&path] == bytes, "{what}: {path:?}");
        }
        run(folder, out, &keyed(), &Files::free()).unwrap_or_else(|e| panic!("{what}: {e}"));
        let found = contents(out);
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "{what}");
        assert!(found == expected, "{what}: other bytes");
    });
}

#[test]
fn without_a_key_a_run_begins_anew_and_leaves_nothing_of_the_one_before() {
    let expected = exams(labelled().path());
    let drawn = DeidentifyOptions::default();
    with_every_fault(&drawn, |folder, out, failed, what| {
        if !failed {
            let again = run(folder, out, &drawn, &Files::free());
            let refused = matches!(again, Err(DicomError::DeidentifyAgain { .. }));
            assert!(refused && files(out).len() == 9, "{what}: {:?}", files(out));
            return;
        }
        let mine = out.join("2.25.mine/notes.txt");
        fs::create_dir_all(mine.parent().unwrap()).unwrap();
        fs::write(&mine, "mine").unwrap();
        let done = run(folder, out, &drawn, &Files::free());
        let done = done.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(fs::read(&mine).unwrap(), b"mine", "{what}");
        fs::remove_file(&mine).unwrap();
        assert_eq!(
            (done.n_skipped, done.n_label_rows),
            (0, Some(8)),
            "{what}: {done}"
        );
        assert_eq!(files(out).len(), 9, "{what}: {:?}", files(out));
        // With their labels: the table names these copies and not those of the run before.
        assert_eq!(exams(out), expected, "{what}");
    });
}

fn contents_if_any(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    if out.is_dir() {
        contents(out)
    } else {
        BTreeMap::new()
    }
}
