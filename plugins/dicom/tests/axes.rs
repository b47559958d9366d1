//! A volume's axes are the patient's, whatever way the images lie; tilted and shifted stacks.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::path::Path;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::{Exam, Scan};
use pe_dicom::{ScanOptions, Tilt, scan};
use written::{Ct, slice};

/// Slices, rows and columns of the phantom, all different, and the distance of its voxels, mm.
const SHAPE: [usize; 3] = [5, 6, 7];
const SPACING_MM: [f64; 3] = [2.5, 0.75, 0.5];
/// The patient's direction of slices, rows and columns: to the head, the back, the left.
const DIRECTIONS: [[f64; 3]; 3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
const ORIGIN_MM: [f64; 3] = [-30.0, -40.0, 50.0];
const PE_SLICE: usize = 3;

/// A voxel that is like no other, so that any turn shows.
fn hu([slice, row, col]: [usize; 3]) -> i16 {
    (slice * 100 + row * 10 + col) as i16 - 200
}

fn phantom() -> Array3<i16> {
    Array3::from_shape_fn((SHAPE[0], SHAPE[1], SHAPE[2]), |(s, r, c)| hu([s, r, c]))
}

/// PixelSpacing of images whose rows and columns are these axes of the phantom.
fn spacing(rows: usize, cols: usize) -> &'static str {
    match (rows, cols) {
        (0, 1) => "2.5\\0.75",
        (0, 2) => "2.5\\0.5",
        (1, 0) => "0.75\\2.5",
        (1, 2) => "0.75\\0.5",
        (2, 0) => "0.5\\2.5",
        _ => "0.5\\0.75",
    }
}

/// Writes the phantom as images, rows and columns along `axes` of it, each against it where
/// `turned` says so.
fn write(folder: &Path, axes: [usize; 3], turned: [bool; 3]) {
    let n = axes.map(|axis| SHAPE[axis]);
    let voxel = |stored: [usize; 3]| {
        let mut at = [0; 3];
        for stack_axis in 0..3 {
            let idx = stored[stack_axis];
            let turned = turned[stack_axis];
            at[axes[stack_axis]] = if turned { n[stack_axis] - 1 - idx } else { idx };
        }
        at
    };
    let direction = |stack_axis: usize| {
        let sign = if turned[stack_axis] { -1.0 } else { 1.0 };
        DIRECTIONS[axes[stack_axis]].map(|x| sign * x)
    };
    let (rows, cols) = (direction(1), direction(2));
    for image in 0..n[0] {
        let corner = voxel([image, 0, 0]);
        let pixels = (0..n[1]).flat_map(|row| (0..n[2]).map(move |col| [image, row, col]));
        let uid = if axes[0] == 0 { corner[0] } else { image };
        Ct {
            sop: format!("1.2.3.{}", uid + 1),
            number: Some(image as i32 + 1),
            rows: n[1] as u16,
            cols: n[2] as u16,
            spacing: Some(spacing(axes[1], axes[2])),
            orientation: Some([cols[0], cols[1], cols[2], rows[0], rows[1], rows[2]]),
            position: Some(place(ORIGIN_MM, DIRECTIONS, SPACING_MM, corner)),
            words: pixels.map(|at| (hu(voxel(at)) + 1024) as u16).collect(),
            ..slice(0)
        }
        .write(folder, &format!("train/{image:02}"));
    }
}

fn place(origin: [f64; 3], directions: [[f64; 3]; 3], mm: [f64; 3], at: [usize; 3]) -> [f64; 3] {
    [0, 1, 2].map(|patient| {
        let step = |axis: usize| directions[axis][patient] * mm[axis] * at[axis] as f64;
        origin[patient] + step(0) + step(1) + step(2)
    })
}

fn write_labels(folder: &Path) {
    let mut table = "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image,\
                     negative_exam_for_pe,leftsided_pe\n"
        .to_owned();
    for n in 0..SHAPE[0] {
        table += &format!(
            "1.2,1.2.3,1.2.3.{},{},0,1\n",
            n + 1,
            u8::from(n == PE_SLICE)
        );
    }
    std::fs::write(folder.join("train.csv"), table).unwrap();
}

fn scanned(folder: &Path, options: &ScanOptions) -> Scan {
    scan(folder, options, &Work::silent()).unwrap()
}

fn kinds(found: &Scan) -> Vec<&'static str> {
    let odd = found.findings.iter().filter(|f| f.kind != "labels");
    odd.map(|f| f.kind).collect()
}

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

#[test]
fn all_48_axis_orders_are_the_same_volume() {
    let expected = phantom();
    let mut n_orders = 0;
    for axes in ORDERS {
        for bits in 0..8_u8 {
            let turned = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), axes, turned);
            write_labels(folder.path());
            let found = scanned(folder.path(), &ScanOptions::default());
            let exam = found.only_exam().unwrap();
            let volume = exam.load(&Work::silent()).unwrap();
            let what = format!("axes {axes:?}, turned {turned:?}");
            assert_eq!(volume.hu(), &expected, "{what}");
            check_geometry(exam, &what);
            check_slices(exam, axes[0] == 0, &what);
            // The order of the images is that of their positions, however they are written.
            let plain = axes == [0, 1, 2] && !turned[1] && !turned[2];
            let odd: &[&str] = if plain { &[] } else { &["reoriented"] };
            assert_eq!(kinds(&found), odd, "{what}");
            n_orders += 1;
        }
    }
    assert_eq!(n_orders, 48);
}

fn check_geometry(exam: &Exam, what: &str) {
    let spacing = exam.info.spacing;
    let found = [spacing.slice_mm, spacing.row_mm, spacing.col_mm];
    assert_eq!(found, SPACING_MM, "{what}");
    assert_eq!([exam.n_slices(), exam.rows(), exam.cols()], SHAPE, "{what}");
    let affine = exam.affine().unwrap();
    assert_eq!(affine.origin_mm, ORIGIN_MM, "{what}");
    for axis in 0..3 {
        let step = DIRECTIONS[axis].map(|x| x * SPACING_MM[axis]);
        assert_eq!(affine.steps_mm[axis], step, "{what}");
    }
    let positions: Vec<f64> = (0..SHAPE[0]).map(|n| 50.0 + 2.5 * n as f64).collect();
    assert_eq!(exam.info.positions_mm, positions, "{what}");
}

/// UIDs and labels of slices that are images; numbers and no labels of those that are not.
fn check_slices(exam: &Exam, are_images: bool, what: &str) {
    let labels = exam.info.labels.as_ref().unwrap();
    assert_eq!(labels.findings.get("leftsided_pe"), Some(&true), "{what}");
    for slice_idx in 0..SHAPE[0] {
        let (uid, label) = if are_images {
            let uid = format!("1.2.3.{}", slice_idx + 1);
            (uid, Some(slice_idx == PE_SLICE))
        } else {
            (format!("1.2.3#{}", slice_idx + 1), None)
        };
        assert_eq!(exam.info.sop_uids[slice_idx], uid, "{what}");
        assert_eq!(labels.pe_on_slice[slice_idx], label, "{what}");
    }
}

#[test]
fn max_slices_counts_the_slices_of_the_volume() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), [1, 0, 2], [false; 3]);
    let n_exams = |max_slices: usize| {
        let options = ScanOptions {
            max_slices,
            ..ScanOptions::default()
        };
        scanned(folder.path(), &options).exams.len()
    };
    assert_eq!((n_exams(SHAPE[0]), n_exams(SHAPE[0] - 1)), (1, 0));
}

/// A smooth body about which everything is known everywhere, in HU.
fn body([left, back, up]: [f64; 3]) -> f64 {
    let blob = (-(left * left + (back - 3.0).powi(2) + (up - 4.0).powi(2)) / 200.0).exp();
    8.0 * left - 5.0 * back + 6.0 * up + 400.0 * blob
}

const BODY_SIZE: [usize; 2] = [32, 28];
const N_IMAGES: usize = 12;

/// Writes images of the body: their first pixel moves by `step`, and by `shift` mm along rows on
/// the fifth.
fn write_body(folder: &Path, orientation: [f64; 6], step: [f64; 3], shift: f64) {
    let [a, b, c, d, e, f] = orientation;
    let (along_row, down) = ([a, b, c], [d, e, f]);
    // Around the origin of the patient's coordinates.
    let middle = |axis: usize| {
        let (rows, cols) = (BODY_SIZE[0] as f64 * 0.75, BODY_SIZE[1] as f64 * 0.5);
        -(down[axis] * rows + along_row[axis] * cols + step[axis] * N_IMAGES as f64) / 2.0
    };
    for image in 0..N_IMAGES {
        let shift = if image == 4 { shift } else { 0.0 };
        let corner = [0, 1, 2]
            .map(|axis| middle(axis) + step[axis] * image as f64 + along_row[axis] * shift);
        let mut words = Vec::new();
        for row in 0..BODY_SIZE[0] {
            for col in 0..BODY_SIZE[1] {
                let at = [0, 1, 2].map(|axis| {
                    corner[axis]
                        + down[axis] * 0.75 * row as f64
                        + along_row[axis] * 0.5 * col as f64
                });
                words.push((body(at) + 1024.0).round() as u16);
            }
        }
        Ct {
            orientation: Some(orientation),
            position: Some(corner),
            spacing: Some("0.75\\0.5"),
            rows: BODY_SIZE[0] as u16,
            cols: BODY_SIZE[1] as u16,
            words,
            ..slice(image as u16)
        }
        .write(folder, &image.to_string());
    }
}

/// Loads what is written and holds every voxel inside the images against the body at the place that
/// the affine gives it.
fn check_body(
    orientation: [f64; 6],
    step: [f64; 3],
    shift: f64,
    tilt: Tilt,
    expected: &[&str],
) -> Exam {
    let folder = tempfile::tempdir().unwrap();
    write_body(folder.path(), orientation, step, shift);
    let options = ScanOptions {
        tilt,
        ..ScanOptions::default()
    };
    let found = scanned(folder.path(), &options);
    assert_eq!(kinds(&found), expected, "{:#?}", found.findings);
    let exam = found.only_exam().unwrap().clone();
    let volume = exam.load(&Work::silent()).unwrap();
    let affine = exam.affine().unwrap();
    let mut n_inside = 0;
    let mut worst: f64 = 0.0;
    let hu = volume.hu();
    for ((slice, row, col), &value) in hu.indexed_iter() {
        let at = place(
            affine.origin_mm,
            affine.steps_mm,
            [1.0; 3],
            [slice, row, col],
        );
        // Pixels at the images' edge are mixed with the air around them.
        let neighbours = [
            hu.get([slice, row.wrapping_sub(1), col]),
            hu.get([slice, row + 1, col]),
            hu.get([slice, row, col.wrapping_sub(1)]),
            hu.get([slice, row, col + 1]),
            hu.get([slice.wrapping_sub(1), row, col]),
            hu.get([slice + 1, row, col]),
        ];
        let near_air = neighbours.into_iter().flatten().any(|&hu| hu == -1024);
        if value > -1024 && !near_air {
            n_inside += 1;
            worst = worst.max((f64::from(value) - body(at)).abs());
        }
    }
    let n_written = N_IMAGES * BODY_SIZE[0] * BODY_SIZE[1];
    assert!(n_inside * 10 > n_written * 7, "{n_inside} of {n_written}");
    // Rounding to whole HU twice, and what is between two samples of the blob.
    assert!(worst < 1.6, "{worst} HU beside the body");
    exam
}

#[test]
fn a_tilted_stack_is_sheared_on_request() {
    let (sin, cos) = 20_f64.to_radians().sin_cos();
    let tilted = [1.0, 0.0, 0.0, 0.0, cos, -sin];
    // Loaded as it is, it leans along the table.
    let kept = check_body(tilted, [0.0, 0.0, 2.0], 0.0, Tilt::Keep, &["gantry_tilt"]);
    assert_eq!([kept.rows(), kept.cols()], BODY_SIZE);
    for orientation in [
        tilted,
        [-1.0, 0.0, 0.0, 0.0, cos, -sin],
        [1.0, 0.0, 0.0, 0.0, cos, sin],
        [0.0, cos, -sin, 1.0, 0.0, 0.0],
        [0.0, -cos, sin, -1.0, 0.0, 0.0],
    ] {
        let plain = orientation[0] == 1.0 && orientation[4] > 0.0;
        let all = ["gantry_tilt", "oblique", "reoriented"];
        let expected = if plain { &all[..2] } else { &all };
        let exam = check_body(orientation, [0.0, 0.0, 2.0], 0.0, Tilt::Correct, expected);
        // Slices are images still: their planes are tilted, and they lie above each other.
        let [slices, rows, cols] = exam.affine().unwrap().steps_mm;
        for (a, b) in [(slices, rows), (slices, cols), (rows, cols)] {
            let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!(dot.abs() < 1e-9, "{dot}");
        }
        assert!((exam.info.spacing.slice_mm - 2.0 * cos).abs() < 1e-9);
        // 11 steps of 2 mm × sin 20° are 10.03 rows of 0.75 mm, or 15.05 columns of 0.5 mm.
        let shape = if orientation[1] == 0.0 {
            [43, 28]
        } else {
            [44, 32]
        };
        assert_eq!([exam.rows(), exam.cols()], shape);
        assert!(exam.info.sop_uids[0].starts_with("1.2.3.") && exam.n_slices() == N_IMAGES);
    }
}

#[test]
fn the_inputs_key_tells_a_sheared_volume_from_one_that_is_not() {
    let (sin, cos) = 20_f64.to_radians().sin_cos();
    let folder = tempfile::tempdir().unwrap();
    let key = |tilt| {
        let options = ScanOptions {
            tilt,
            ..ScanOptions::default()
        };
        scanned(folder.path(), &options).exams[0]
            .info
            .inputs_key
            .clone()
    };
    write_body(
        folder.path(),
        [1.0, 0.0, 0.0, 0.0, cos, -sin],
        [0.0, 0.0, 2.0],
        0.0,
    );
    assert_ne!(key(Tilt::Keep), key(Tilt::Correct));
    write_body(
        folder.path(),
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 2.0],
        0.0,
    );
    assert_eq!(key(Tilt::Keep), key(Tilt::Correct));
}

#[test]
fn a_rotated_volume_is_oblique_and_not_tilted() {
    let (sin, cos) = 12_f64.to_radians().sin_cos();
    for (orientation, normal) in [
        ([1.0, 0.0, 0.0, 0.0, cos, -sin], [0.0, sin, cos]),
        ([cos, sin, 0.0, -sin, cos, 0.0], [0.0, 0.0, 1.0]),
        ([cos, 0.0, -sin, 0.0, 1.0, 0.0], [sin, 0.0, cos]),
    ] {
        let step = normal.map(|x: f64| 2.0 * x);
        for tilt in [Tilt::Keep, Tilt::Correct] {
            let exam = check_body(orientation, step, 0.0, tilt, &["oblique"]);
            assert_eq!([exam.rows(), exam.cols()], BODY_SIZE);
        }
    }
}

#[test]
fn a_shifted_image_is_told_and_moved_back_on_request() {
    let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let folder = tempfile::tempdir().unwrap();
    write_body(folder.path(), axial, [0.0, 0.0, 2.0], 1.75);
    let found = scanned(folder.path(), &ScanOptions::default());
    assert_eq!(kinds(&found), ["shifted_slices"]);
    assert!(found.findings[0].reason.starts_with("1 images lie beside"));
    let exam = check_body(
        axial,
        [0.0, 0.0, 2.0],
        1.75,
        Tilt::Correct,
        &["shifted_slices"],
    );
    assert_eq!((exam.rows(), exam.cols()), (32, 32));
}

#[test]
fn positions_beyond_all_sense_take_no_memory() {
    check_far(1e5, &["gantry_tilt"], 1);
    check_far(1e300, &["unreadable", "unreadable", "unreadable"], 0);
}

fn check_far(mm: f64, expected: &[&str], n_exams: usize) {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3_u16 {
        Ct {
            position: Some([f64::from(n) * mm, -mm, f64::from(n) * 2.5]),
            ..slice(n)
        }
        .write(folder.path(), &n.to_string());
    }
    let options = ScanOptions {
        tilt: Tilt::Correct,
        ..ScanOptions::default()
    };
    let found = scanned(folder.path(), &options);
    for exam in &found.exams {
        assert_eq!((exam.rows(), exam.cols()), (4, 6));
        exam.load(&Work::silent()).unwrap();
    }
    let mut kinds = kinds(&found);
    kinds.retain(|kind| *kind != "oblique");
    assert_eq!((kinds.as_slice(), found.exams.len()), (expected, n_exams));
}
