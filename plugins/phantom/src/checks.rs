//! Tests of the painted images, on whole exams.

use ndarray::Array2;
use pe_binding::Work;

use crate::anatomy::level::Level;
use crate::exam::Exam;
use crate::paint::Plane;
use crate::render::{count_clot, frame};
use crate::truth::{ExamTruth, LABEL_PIXELS};
use crate::{Difficulty, LookalikeKind, PhantomOptions, generate};

fn options(n_exams: usize, size: usize, pe_share: f64) -> PhantomOptions {
    PhantomOptions {
        n_exams,
        size,
        pe_share,
        ..PhantomOptions::default()
    }
}

#[test]
fn clot_lies_in_arteries_and_has_its_own_hu() {
    let mut n_inner = 0;
    for exam_idx in 0..4 {
        let options = options(4, 256, 1.0);
        let exam = Exam::grow(&options, exam_idx);
        let darkest = exam
            .clots
            .iter()
            .map(|clot| clot.hu)
            .fold(f32::INFINITY, f32::min);
        let brightest = exam.clots.iter().map(|clot| clot.hu).fold(0.0, f32::max);
        for slice_idx in exam.clots[0].slices(&exam.plan) {
            let frame = frame(&exam, slice_idx);
            for pixel in 0..frame.clot.len() {
                assert!(frame.clot[pixel] <= frame.artery[pixel] + 1e-5);
                if frame.clot[pixel] > 0.9999 {
                    n_inner += 1;
                    let hu = frame.hu[pixel];
                    assert!(hu > darkest - 0.1 && hu < brightest + 0.1, "{hu}");
                    assert!((30.0..=90.0).contains(&hu));
                }
            }
        }
    }
    assert!(n_inner > 50, "{n_inner}");
}

#[test]
fn a_slice_is_labelled_exactly_when_it_shows_enough_clot() {
    let options = options(2, 512, 1.0);
    let exam = Exam::grow(&options, 0);
    let truth = ExamTruth::of(&exam);
    let labelled = truth
        .slices
        .iter()
        .position(|slice| slice.pe_present())
        .unwrap();
    for slice_idx in labelled.saturating_sub(2)..labelled + 3 {
        let painted = count_clot(&frame(&exam, slice_idx).clot);
        let slice = &truth.slices[slice_idx];
        assert_eq!(slice.clot_pixels, painted);
        assert_eq!(slice.artery.is_some(), painted > 0);
        assert_eq!(slice.pe_present(), painted > LABEL_PIXELS);
    }
}

#[test]
fn labels_do_not_depend_on_the_size() {
    let truth = |size| ExamTruth::of(&Exam::grow(&options(1, size, 1.0), 0));
    let (small, large) = (truth(64), truth(512));
    assert_eq!(small.slices, large.slices);
    assert_eq!(small.findings, large.findings);
}

#[test]
fn a_third_of_the_exams_and_a_twentieth_of_the_slices_show_pe() {
    let options = options(60, 64, 1.0 / 3.0);
    let (mut n_positive, mut n_slices, mut n_pe) = (0, 0, 0);
    for exam_idx in 0..options.n_exams {
        let exam = Exam::grow(&options, exam_idx);
        let truth = ExamTruth::of(&exam);
        assert_eq!(truth.positive(), exam.plan.positive, "exam {exam_idx}");
        n_positive += usize::from(truth.positive());
        n_slices += truth.slices.len();
        n_pe += truth.n_pe_slices();
    }
    assert_eq!(n_positive, 20);
    let share = n_pe as f64 / n_slices as f64;
    assert!((0.04..0.062).contains(&share), "{share}");
}

#[test]
fn an_easy_cohort_shows_more_and_larger_clot() {
    let figures = |difficulty| {
        let options = PhantomOptions {
            difficulty,
            ..options(24, 64, 1.0)
        };
        let truths: Vec<ExamTruth> = (0..options.n_exams)
            .map(|exam_idx| ExamTruth::of(&Exam::grow(&options, exam_idx)))
            .collect();
        assert!(truths.iter().all(ExamTruth::positive));
        let slices: Vec<_> = truths.iter().flat_map(|truth| &truth.slices).collect();
        let mut areas: Vec<f64> = slices
            .iter()
            .filter(|slice| slice.pe_present())
            .map(|slice| slice.clot_mm2)
            .collect();
        areas.sort_by(f64::total_cmp);
        (
            areas.len() as f64 / slices.len() as f64,
            areas[areas.len() / 2],
        )
    };
    let (hard, easy) = (figures(Difficulty::Hard), figures(Difficulty::Easy));
    assert!((0.1..0.2).contains(&hard.0), "{hard:?}");
    assert!((0.2..0.36).contains(&easy.0), "{easy:?}");
    assert!(easy.1 > 1.3 * hard.1, "{easy:?} {hard:?}");
}

#[test]
fn the_largest_clot_of_a_slice_names_its_artery() {
    let options = options(6, 64, 1.0);
    for exam_idx in 0..options.n_exams {
        let exam = Exam::grow(&options, exam_idx);
        let truth = ExamTruth::of(&exam);
        for (slice_idx, slice) in truth.slices.iter().enumerate() {
            let Some(artery) = slice.artery else {
                assert_eq!(slice.clot_mm2, 0.0);
                continue;
            };
            // Some clot in such an artery is within about one slice thickness of the slice.
            let up = exam.plan.up_mm(slice_idx);
            let near = exam
                .clots
                .iter()
                .flat_map(|clot| &clot.pieces)
                .any(|piece| {
                    let (low, high) = piece.tube.heights();
                    piece.order == artery && low - 6.0 <= up && up <= high + 6.0
                });
            assert!(near, "exam {exam_idx}, slice {slice_idx}: {artery:?}");
        }
    }
}

#[test]
fn a_slice_names_the_lookalikes_that_reach_it() {
    let only = |kind| PhantomOptions {
        lookalike_kinds: Some(vec![kind]),
        ..options(1, 64, 0.0)
    };
    for kind in LookalikeKind::ALL {
        let exam = Exam::grow(&only(kind), 0);
        assert!(exam.lookalikes.iter().all(|one| one.kind == kind));
        for slice in ExamTruth::of(&exam).slices {
            assert!(slice.lookalikes.is_empty() || slice.lookalikes == [kind]);
        }
    }
    let none = PhantomOptions {
        lookalikes: Some(0.0),
        ..options(3, 64, 0.0)
    };
    assert!((0..3).all(|exam_idx| Exam::grow(&none, exam_idx).lookalikes.is_empty()));
}

#[test]
fn lookalikes_are_in_exams_with_and_without_pe() {
    let options = options(12, 64, 0.5);
    for exam_idx in 0..options.n_exams {
        let exam = Exam::grow(&options, exam_idx);
        assert!(exam.lookalikes.len() >= 6);
        for one in &exam.lookalikes {
            let slices = one.slices(&exam.plan).len();
            if one.kind == crate::LookalikeKind::DarkSpot {
                assert!(slices <= 2, "a dark spot goes on over {slices} slices");
            }
        }
    }
}

/// Returns the air that is 8-connected to the border of a slice.
fn outside_air(hu: &Array2<i16>) -> Array2<bool> {
    let (rows, cols) = hu.dim();
    let mut outside = Array2::from_elem((rows, cols), false);
    let border =
        |row: usize, col: usize| row == 0 || col == 0 || row == rows - 1 || col == cols - 1;
    let mut open: Vec<(usize, usize)> = hu
        .indexed_iter()
        .filter(|((row, col), hu)| border(*row, *col) && **hu < -400)
        .map(|(place, _)| place)
        .collect();
    while let Some((row, col)) = open.pop() {
        if std::mem::replace(&mut outside[(row, col)], true) {
            continue;
        }
        for row in row.saturating_sub(1)..(row + 2).min(rows) {
            for col in col.saturating_sub(1)..(col + 2).min(cols) {
                if hu[(row, col)] < -400 && !outside[(row, col)] {
                    open.push((row, col));
                }
            }
        }
    }
    outside
}

#[test]
fn lungs_are_closed_off_from_the_air_outside_and_have_their_hu() {
    // In coarse pixels, vessels are mixed into more of the lung around them.
    for (exam_idx, size, lung) in [
        (0, 320, -870..-825),
        (1, 128, -870..-740),
        (2, 64, -870..-680),
        (3, 128, -870..-740),
    ] {
        let options = options(5, size, 0.4);
        let exam = Exam::grow(&options, exam_idx);
        let (volume, truth) = generate(&options, exam_idx, &Work::silent()).unwrap();
        let mut lung_hu = Vec::new();
        for slice_idx in 0..volume.n_slices() {
            let plane = Plane::new(&exam, exam.plan.up_mm(slice_idx), 0.0);
            let level = Level::new(&exam.plan.build, plane.up);
            let hu = volume.slice(slice_idx).to_owned();
            let outside = outside_air(&hu);
            for (pixel, (&hu, &outside)) in hu.iter().zip(&outside).enumerate() {
                if level.lung(plane.left[pixel], plane.back[pixel]) < -4.0 {
                    assert!(!outside, "exam {exam_idx}, slice {slice_idx}");
                    lung_hu.push(hu);
                }
            }
        }
        lung_hu.sort_unstable();
        let median = lung_hu[lung_hu.len() / 2];
        assert!(lung.contains(&median), "exam {exam_idx}: {median}");
        let artery = truth
            .artery
            .voxels()
            .iter()
            .zip(truth.clot.voxels())
            .zip(volume.hu());
        let mut artery: Vec<i16> = artery
            .filter(|((artery, clot), _)| **artery && !**clot)
            .map(|(_, hu)| *hu)
            .collect();
        artery.sort_unstable();
        let bright = artery[artery.len() * 9 / 10];
        let expected = exam.plan.timing.artery_hu as i16;
        // Streaks, and the edges that a sharp kernel enhances, add to the contrast itself.
        assert!(
            (-60..120).contains(&(bright - expected)),
            "{bright}, expected {expected}"
        );
    }
}
