//! No exam and no patient stands on two sides of a split, and the shares are kept.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::{ExamId, ExamInfo, Volume};
use pe_files::Files;
use pe_store::{SliceSettings, SliceStore, StoredExam};
use pe_train::{Split, SplitOptions, TrainError};

fn stored(folder: &Path, infos: Vec<ExamInfo>) -> Vec<StoredExam> {
    let settings = SliceSettings {
        size: 8,
        ..SliceSettings::default()
    };
    let store = SliceStore::open(folder, settings, &Files::free()).unwrap();
    for info in infos {
        let hu = Array3::zeros((info.n_slices(), 8, 8));
        store
            .put(
                &Volume::new(Arc::new(info), hu).unwrap(),
                None,
                &Work::silent(),
            )
            .unwrap();
    }
    store.exams().unwrap()
}

/// 60 exams, a third with PE; two exams of one patient now and then, two series of one study.
fn infos() -> Vec<ExamInfo> {
    (0..60)
        .map(|exam_idx| {
            let mut info = crate::cohort::info(exam_idx, 8, exam_idx % 3 == 0);
            if exam_idx % 5 == 4 {
                info.patient_key = Some(format!("patient {}", exam_idx - 1));
            }
            if exam_idx % 7 == 6 {
                info.id.study_uid = format!("1.{}", exam_idx - 2);
                info.patient_key = None;
            }
            info
        })
        .collect()
}

fn set(part: &[ExamId]) -> BTreeSet<&ExamId> {
    part.iter().collect()
}

#[test]
fn no_exam_and_no_patient_is_in_two_parts() {
    let folder = tempfile::tempdir().unwrap();
    let exams = stored(folder.path(), infos());
    for seed in 0..20 {
        let options = SplitOptions {
            validation: 0.2,
            seed,
            ..SplitOptions::default()
        };
        let split = Split::new(&exams, &options).unwrap();
        let parts = [&split.train, &split.validation, &split.test];
        assert_eq!(
            parts.iter().map(|part| set(part).len()).sum::<usize>(),
            exams.len()
        );
        let keys = |part: &[ExamId]| -> BTreeSet<String> {
            let members = exams
                .iter()
                .filter(|exam| part.contains(&exam.manifest().exam.id));
            members
                .flat_map(|exam| {
                    let info = &exam.manifest().exam;
                    [Some(info.id.study_uid.clone()), info.patient_key.clone()]
                })
                .flatten()
                .collect()
        };
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let shared: Vec<_> = keys(parts[one])
                .intersection(&keys(parts[other]))
                .cloned()
                .collect();
            assert!(shared.is_empty(), "seed {seed}: {shared:?}");
        }
        for part in parts {
            let positive = part.iter().filter(|id| is_positive(&exams, id)).count();
            assert!(
                positive > 0 && positive < part.len(),
                "seed {seed}: both classes"
            );
        }
    }
}

fn is_positive(exams: &[StoredExam], id: &ExamId) -> bool {
    let exam = exams
        .iter()
        .find(|exam| exam.manifest().exam.id == *id)
        .unwrap();
    exam.manifest().exam.labels.as_ref().unwrap().positive() == Some(true)
}

#[test]
fn the_order_of_exams_does_not_matter_and_the_seed_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut exams = stored(folder.path(), infos());
    let options = SplitOptions::default();
    let split = Split::new(&exams, &options).unwrap();
    exams.reverse();
    assert_eq!(Split::new(&exams, &options).unwrap(), split);
    let other = SplitOptions { seed: 1, ..options };
    assert_ne!(Split::new(&exams, &other).unwrap(), split);
}

#[test]
fn exams_are_left_out_by_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let exams = stored(folder.path(), infos());
    let left_out = &exams[3].manifest().exam.id;
    let options = SplitOptions {
        leave_out: vec![left_out.series_uid.clone()],
        ..SplitOptions::default()
    };
    let split = Split::new(&exams, &options).unwrap();
    assert!(split.left_out.contains(left_out));
    for part in [&split.train, &split.validation, &split.test] {
        assert!(!part.contains(left_out));
    }
    let unknown = SplitOptions {
        leave_out: vec!["1.2.3.4.5".into()],
        ..SplitOptions::default()
    };
    let error = Split::new(&exams, &unknown).unwrap_err();
    assert!(error.to_string().contains("found 1.2.3.4.5"), "{error}");
}

#[test]
fn folds_test_every_exam_once() {
    let folder = tempfile::tempdir().unwrap();
    let exams = stored(folder.path(), infos());
    let mut tested = Vec::new();
    for fold in 0..4 {
        let options = SplitOptions {
            folds: 4,
            fold,
            ..SplitOptions::default()
        };
        tested.extend(Split::new(&exams, &options).unwrap().test);
    }
    assert_eq!(tested.len(), exams.len());
    assert_eq!(set(&tested).len(), exams.len());
}

#[test]
fn exams_without_labels_and_indeterminate_ones_are_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut infos = infos();
    infos[0].labels = None;
    infos[1]
        .labels
        .as_mut()
        .unwrap()
        .findings
        .insert("indeterminate".into(), true);
    infos[2].labels.as_mut().unwrap().pe_on_slice.fill(None);
    let exams = stored(folder.path(), infos);
    let left_out = |indeterminate| {
        let options = SplitOptions {
            indeterminate,
            ..SplitOptions::default()
        };
        Split::new(&exams, &options).unwrap().left_out.len()
    };
    assert_eq!(left_out(true), 2);
    assert_eq!(left_out(false), 3);
}

#[test]
fn bad_options_and_empty_parts_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let exams = stored(folder.path(), infos());
    let check = |options: SplitOptions, expected: &str| match Split::new(&exams, &options) {
        Err(TrainError::Option { option, .. }) => assert_eq!(option, expected),
        other => panic!("expected {expected} to be refused, found {other:?}"),
    };
    let base = SplitOptions::default;
    check(
        SplitOptions {
            test: 0.0,
            ..base()
        },
        "test",
    );
    check(
        SplitOptions {
            test: 1.0,
            ..base()
        },
        "test",
    );
    check(
        SplitOptions {
            validation: -0.1,
            ..base()
        },
        "validation",
    );
    check(SplitOptions { folds: 1, ..base() }, "fold");
    check(
        SplitOptions {
            folds: 3,
            fold: 3,
            ..base()
        },
        "fold",
    );
    let none = Split::new(&[], &base()).expect_err("no exams");
    assert!(none.to_string().contains("train part"), "{none}");
}

#[test]
fn fewer_exams_to_train_are_a_part_of_more() {
    let folder = tempfile::tempdir().unwrap();
    let exams = stored(folder.path(), infos());
    let split = |n_train| {
        let options = SplitOptions {
            n_train,
            ..SplitOptions::default()
        };
        Split::new(&exams, &options)
    };
    let all = split(0).unwrap();
    let mut before = BTreeSet::new();
    for n in [6, 12, 24, all.train.len()] {
        let part = split(n).unwrap();
        assert_eq!((&part.test, &part.validation), (&all.test, &all.validation));
        // A patient's exams stay together, two or three at most.
        assert!((n..n + 3).contains(&part.train.len()), "{n}: {part}");
        assert_eq!(part.train.len() + part.left_out.len(), all.train.len());
        let positive = |id: &&ExamId| {
            let exam = exams.iter().find(|exam| exam.manifest().exam.id == **id);
            let labels = exam.unwrap().manifest().exam.labels.as_ref().unwrap();
            labels.positive() == Some(true)
        };
        let share =
            |part: &[ExamId]| part.iter().filter(positive).count() as f64 / part.len() as f64;
        let difference = share(&part.train) - share(&all.train);
        assert!(difference.abs() <= 2.0 / n as f64, "{n}: {difference}");
        let now: BTreeSet<ExamId> = part.train.into_iter().collect();
        assert!(before.is_subset(&now), "{n}");
        before = now;
    }
    let error = split(all.train.len() + 1).unwrap_err();
    assert!(
        matches!(
            error,
            TrainError::Option {
                option: "n_train",
                ..
            }
        ),
        "{error}"
    );
}
