//! Mode `lungs` on what is unlike: synthetic exams and real series, cut, turned, thinned, mirrored,
//! with gas and an arm where they do harm.

use std::path::{Path, PathBuf};

use ndarray::{Array3, ArrayView3, Axis, Zip, concatenate, s};
use pe_binding::Work;
use pe_ct::{Lung, Mask, MaskFindingKind, Spacing, Volume};
use pe_dicom::ScanOptions;
use pe_lung::{MaskMode, MaskOptions, Masking};
use pe_phantom::PhantomOptions;

/// An exam to cut.
struct Case {
    name: String,
    hu: Array3<i16>,
    spacing: Spacing,
}

impl Case {
    fn with(&self, change: &str, hu: Array3<i16>) -> Self {
        Self {
            name: format!("{}, {change}", self.name),
            hu,
            spacing: self.spacing,
        }
    }

    fn masked(&self, mode: MaskMode) -> Mask {
        let options = MaskOptions {
            mode,
            ..MaskOptions::default()
        };
        let volume = Volume::unnamed("case", self.spacing, self.hu.clone());
        let masking = Masking::new(options).expect("the defaults are in range");
        masking
            .apply(&volume, &Work::silent())
            .expect("nobody interrupts")
    }

    fn lungs(&self) -> Array3<bool> {
        self.masked(MaskMode::Lungs)
            .voxels()
            .to_owned()
            .into_owned()
    }

    fn kinds(&self, mode: MaskMode) -> Vec<MaskFindingKind> {
        let mask = self.masked(mode);
        let quality = mask.quality().expect("lungs were looked for");
        quality
            .findings
            .iter()
            .map(|finding| finding.kind)
            .collect()
    }
}

fn phantom(exam_idx: usize, size: usize) -> Case {
    let options = PhantomOptions {
        n_exams: 3,
        size,
        max_slices: 44,
        seed: 11,
        ..PhantomOptions::default()
    };
    let generated = pe_phantom::generate(&options, exam_idx, &Work::silent());
    let (volume, _) = generated.expect("the options are in range");
    Case {
        name: format!("synthetic exam {exam_idx}"),
        hu: volume.hu().to_owned().into_owned(),
        spacing: volume.spacing(),
    }
}

fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("PE_TEST_DATA").map(PathBuf::from);
    [Some(beside), named]
        .into_iter()
        .flatten()
        .find(|data| data.join("ct").is_dir())
}

/// A real series, at half of its pixels: tests should be quick.
fn real(name: &str) -> Option<Case> {
    let folder = data()?.join("ct").join(name);
    let work = Work::silent();
    let scan = pe_dicom::scan(&folder, &ScanOptions::default(), &work).expect("a series");
    let volume = scan.exams[0].load(&work).expect("the series is whole");
    let spacing = volume.spacing();
    Some(Case {
        name: name.into(),
        hu: volume.hu().slice(s![.., ..;2, ..;2]).to_owned(),
        spacing: Spacing {
            row_mm: 2.0 * spacing.row_mm,
            col_mm: 2.0 * spacing.col_mm,
            ..spacing
        },
    })
}

fn cases() -> Vec<Case> {
    let real = ["lung-dx-a0001", "lung-dx-a0002"].map(real);
    if real.iter().any(Option::is_none) {
        eprintln!("skipped the real series: no test data (PE_TEST_DATA is not set)");
    }
    real.into_iter()
        .flatten()
        .chain((0..2).map(|exam_idx| phantom(exam_idx, 192)))
        .collect()
}

fn dice(a: ArrayView3<bool>, b: ArrayView3<bool>) -> f64 {
    let n = |mask: &ArrayView3<bool>| mask.iter().filter(|inside| **inside).count();
    let both = Zip::from(&a)
        .and(&b)
        .fold(0, |n, a, b| n + usize::from(*a && *b));
    2.0 * both as f64 / (n(&a) + n(&b)) as f64
}

/// The slices, by half of the image, on which `found` holds less than half of what `expected`
/// holds, of those with at least `min_cm2`.
fn lost(case: &Case, expected: &Array3<bool>, found: &Array3<bool>, min_cm2: f64) -> Vec<usize> {
    let middle = expected.dim().2 / 2;
    let pixel_cm2 = case.spacing.row_mm * case.spacing.col_mm / 100.0;
    let cm2 =
        |mask: ArrayView3<bool>| mask.iter().filter(|inside| **inside).count() as f64 * pixel_cm2;
    let is_lost = |slice_idx: &usize| {
        let at = *slice_idx;
        let halves = [0..middle, middle..expected.dim().2];
        halves.into_iter().any(|half| {
            let of = |mask: &Array3<bool>| cm2(mask.slice(s![at..at + 1, .., half.clone()]));
            of(expected) >= min_cm2 && of(found) < 0.5 * of(expected)
        })
    };
    (0..expected.dim().0).filter(is_lost).collect()
}

/// Checks that `changed` has the lungs of `expected`.
fn check(changed: &Case, expected: &Array3<bool>, min_dice: f64) {
    let found = changed.lungs();
    let dice = dice(expected.view(), found.view());
    assert!(dice >= min_dice, "{}: Dice {dice:.4}", changed.name);
    let lost = lost(changed, expected, &found, 3.0);
    assert!(lost.is_empty(), "{}: lost on {lost:?}", changed.name);
}

/// The bounding box of a mask's rows and columns: first and last.
fn bounds(mask: &Array3<bool>) -> [(f64, f64); 2] {
    [1, 2].map(|axis| {
        let lanes = mask.axis_iter(Axis(axis)).enumerate();
        let used: Vec<f64> = lanes
            .filter(|(_, lane)| lane.iter().any(|inside| *inside))
            .map(|(at, _)| at as f64)
            .collect();
        (used[0], used[used.len() - 1])
    })
}

/// The exam and its lungs within the pixels for which `keep(row, col)` holds; `outside` beyond.
fn cut(
    case: &Case,
    lungs: &Array3<bool>,
    change: &str,
    outside: i16,
    keep: impl Fn(f64, f64) -> bool,
) -> (Case, Array3<bool>) {
    let kept = |(_, row, col): (usize, usize, usize)| keep(row as f64, col as f64);
    let mut hu = case.hu.clone();
    let mut lungs = lungs.clone();
    for (at, hu) in hu.indexed_iter_mut().filter(|(at, _)| !kept(*at)) {
        *hu = outside;
        lungs[at] = false;
    }
    (case.with(change, hu), lungs)
}

#[test]
fn a_cut_lung_stays() {
    for case in cases() {
        let lungs = case.lungs();
        let [(top, bottom), (left, right)] = bounds(&lungs);
        let (row, col) = ((top + bottom) / 2.0, (left + right) / 2.0);
        let half = (right - left) / 2.0;
        for (share, outside) in [(0.9, -1024), (0.75, -1000), (0.75, 200)] {
            for shift in [-0.2, 0.0, 0.2] {
                let center = col + shift * half;
                let change = format!("circle of {share} at {shift}, {outside} outside");
                let (changed, expected) = cut(&case, &lungs, &change, outside, |r, c| {
                    (r - row).powi(2) + (c - center).powi(2) <= (share * half).powi(2)
                });
                check(&changed, &expected, 0.98);
            }
        }
        let inset = 0.12 * half;
        let rectangles = [
            ("left", (1.0, 0.0, 0.0)),
            ("right", (0.0, 1.0, 0.0)),
            ("both", (1.0, 1.0, 0.0)),
            ("all around", (1.0, 1.0, 1.0)),
        ];
        for (name, (at_left, at_right, at_top)) in rectangles {
            let cols = left + inset * at_left..=right - inset * at_right;
            let rows = top + inset * at_top..=bottom - inset * at_top;
            let change = format!("rectangle, {name}");
            let (changed, expected) = cut(&case, &lungs, &change, -1024, |r, c| {
                cols.contains(&c) && rows.contains(&r)
            });
            check(&changed, &expected, 0.98);
            // The image may end there too.
            let window = s![
                ..,
                rows.start().ceil() as usize..=rows.end().floor() as usize,
                cols.start().ceil() as usize..=cols.end().floor() as usize
            ];
            let cropped = case.with(
                &format!("cropped, {name}"),
                case.hu.slice(window).to_owned(),
            );
            check(&cropped, &lungs.slice(window).to_owned(), 0.98);
            let kinds = cropped.kinds(MaskMode::Lungs);
            assert!(
                kinds.contains(&MaskFindingKind::CutLung),
                "{}: {kinds:?}",
                cropped.name
            );
        }
    }
}

#[test]
fn a_turned_thinned_or_shortened_exam_has_its_lungs() {
    for case in cases() {
        let lungs = case.lungs();
        let quality = case.masked(MaskMode::Lungs);
        let quality = quality.quality().expect("lungs were looked for");
        assert!(quality.suspicion < 0.3, "{}: {quality}", case.name);
        let same = |change: &str, of: &dyn Fn(ArrayView3<i16>) -> Array3<i16>| {
            case.with(change, of(case.hu.view()))
        };
        let flipped = same("mirrored", &|hu| hu.slice(s![.., .., ..;-1]).to_owned());
        check(&flipped, &lungs.slice(s![.., .., ..;-1]).to_owned(), 0.99);
        let prone = same("upside down", &|hu| hu.slice(s![.., ..;-1, ..]).to_owned());
        check(&prone, &lungs.slice(s![.., ..;-1, ..]).to_owned(), 0.99);
        let n_slices = case.hu.dim().0;
        let middle = n_slices / 2;
        for (change, part) in [
            ("begins in the middle", middle..n_slices),
            ("ends in the middle", 0..middle),
        ] {
            let window = s![part, .., ..];
            let changed = same(change, &|hu| hu.slice(window).to_owned());
            check(&changed, &lungs.slice(window).to_owned(), 0.98);
        }
        check(&louder(&case), &lungs, 0.98);
        check(
            &off_centre(&case),
            &moved(&lungs, case.hu.dim().2 / 8, false),
            0.97,
        );
        let (thin, expected) = thinned(&case, &lungs, 0.8);
        check(&thin, &expected, 0.96);
        let step = (8.0 / case.spacing.slice_mm).round().max(1.0) as usize;
        let mut thick = same("8 mm", &|hu| hu.slice(s![..;step, .., ..]).to_owned());
        thick.spacing.slice_mm *= step as f64;
        check(&thick, &lungs.slice(s![..;step, .., ..]).to_owned(), 0.97);
    }
}

/// Noise of 50 HU from a fixed sequence.
fn louder(case: &Case) -> Case {
    let mut state = 1_u64;
    let hu = case.hu.mapv(|hu| {
        let noise: i32 = (0..4)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 33) as i32 % 87 - 43
            })
            .sum();
        (i32::from(hu) + noise).clamp(-1024, 3000) as i16
    });
    case.with("noise", hu)
}

fn moved<T: Copy>(voxels: &Array3<T>, by: usize, empty: T) -> Array3<T> {
    let (slices, rows, cols) = voxels.dim();
    let margin = Array3::from_elem((slices, rows, by), empty);
    let kept = voxels.slice(s![.., .., ..cols - by]);
    concatenate(Axis(2), &[margin.view(), kept]).expect("of one shape")
}

fn off_centre(case: &Case) -> Case {
    case.with("off centre", moved(&case.hu, case.hu.dim().2 / 8, -1024))
}

/// Ten thick slices and what lies between them, interpolated to `slice_mm`.
fn thinned(case: &Case, lungs: &Array3<bool>, slice_mm: f64) -> (Case, Array3<bool>) {
    let first = case.hu.dim().0 / 2 - 5;
    let n_thin = (9.0 * case.spacing.slice_mm / slice_mm) as usize;
    let at = |nth: usize| nth as f64 * slice_mm / case.spacing.slice_mm;
    let (_, rows, cols) = case.hu.dim();
    let hu = Array3::from_shape_fn((n_thin, rows, cols), |(nth, row, col)| {
        let (below, above) = (at(nth).floor(), at(nth).fract());
        let hu = |slice: usize| f64::from(case.hu[(first + slice, row, col)]);
        let slice = below as usize;
        (hu(slice) * (1.0 - above) + hu(slice + 1) * above).round() as i16
    });
    let expected = Array3::from_shape_fn((n_thin, rows, cols), |(nth, row, col)| {
        lungs[(first + at(nth).round() as usize, row, col)]
    });
    let mut thin = case.with("0.8 mm", hu);
    thin.spacing.slice_mm = slice_mm;
    (thin, expected)
}

/// The exam with an ellipsoid of `hu` around `center`, in voxels, with a wall of 3 mm.
fn with_ball(case: &Case, change: &str, center: [f64; 3], radius_mm: f64, hu: i16) -> Case {
    let spacing = case.spacing;
    let mut voxels = case.hu.clone();
    for ((slice, row, col), voxel) in voxels.indexed_iter_mut() {
        let mm = [
            (slice as f64 - center[0]) * spacing.slice_mm,
            (row as f64 - center[1]) * spacing.row_mm,
            (col as f64 - center[2]) * spacing.col_mm,
        ];
        let distance = mm.iter().map(|mm| mm * mm).sum::<f64>().sqrt();
        if distance < radius_mm {
            *voxel = hu;
        } else if distance < radius_mm + 3.0 {
            *voxel = 40;
        }
    }
    case.with(change, voxels)
}

#[test]
fn gas_below_the_diaphragm_is_no_lung() {
    for case in cases() {
        let lungs = case.lungs();
        // Below the lungs' first slices, half of the ball beside the lung.
        let first = lungs
            .outer_iter()
            .position(|slice| slice.iter().filter(|inside| **inside).count() > 200)
            .expect("there are lungs") as f64;
        let [(top, bottom), (left, right)] = bounds(&lungs);
        for side in [0.3, 0.65] {
            let center = [
                first,
                top + 0.45 * (bottom - top),
                left + side * (right - left),
            ];
            let changed = with_ball(&case, &format!("gas at {side}"), center, 32.0, -990);
            let gas = Zip::from(&changed.hu)
                .and(&case.hu)
                .map_collect(|new, old| new != old);
            let found = changed.lungs();
            let in_lung = Zip::from(&gas)
                .and(&found)
                .and(&lungs)
                .fold(0, |n, gas, found, lung| {
                    n + usize::from(*gas && *found && !lung)
                });
            let n_gas = gas.iter().filter(|gas| **gas).count();
            assert!(
                in_lung * 20 < n_gas,
                "{}: {in_lung} of {n_gas}",
                changed.name
            );
            let expected = Zip::from(&lungs)
                .and(&gas)
                .map_collect(|lung, gas| *lung && !gas);
            check(&changed, &expected, 0.97);
        }
    }
}

#[test]
fn an_arm_and_the_air_under_it_are_no_lung() {
    for case in cases() {
        let lungs = case.lungs();
        let (n_slices, rows, cols) = case.hu.dim();
        let (row_mm, col_mm) = (case.spacing.row_mm, case.spacing.col_mm);
        let mut hu = case.hu.clone();
        // An arm of 4 cm at the edge of the image, its air towards the chest as it is.
        for ((_, row, col), voxel) in hu.indexed_iter_mut() {
            let mm = [
                (row as f64 - rows as f64 / 2.0) * row_mm,
                (col as f64 - cols as f64) * col_mm + 20.0,
            ];
            if mm[0].hypot(mm[1]) < 20.0 && *voxel < -400 {
                *voxel = 30;
            }
        }
        assert_eq!(hu.dim().0, n_slices);
        check(&case.with("an arm", hu), &lungs, 0.99);
    }
}

#[test]
fn air_between_the_back_and_the_table_is_no_lung() {
    let Some(case) = real("lung-dx-a0001") else {
        eprintln!("skipped: no test data (PE_TEST_DATA is not set)");
        return;
    };
    // The circle takes the table away, so that the air under the back ends at its edge.
    let (changed, expected) = cut(&case, &case.lungs(), "a circle", -1024, |row, col| {
        (row - 135.0).hypot(col - 144.0) <= 90.0
    });
    check(&changed, &expected, 0.99);
    let above: usize = changed
        .lungs()
        .slice(s![57.., .., ..])
        .iter()
        .map(|inside| usize::from(*inside))
        .sum();
    assert_eq!(above, 0, "there is no lung above the apices");
}

#[test]
fn small_slices_have_lungs_without_a_rim() {
    for case in cases() {
        let lungs = case.lungs();
        let factor = case.hu.dim().1 / 96;
        let shrunk = |slice: usize, row: usize, col: usize| {
            let rows = factor * row..factor * (row + 1);
            let cols = factor * col..factor * (col + 1);
            (slice, rows, cols)
        };
        let (n_slices, rows, cols) = case.hu.dim();
        let dim = (n_slices, rows / factor, cols / factor);
        let hu = Array3::from_shape_fn(dim, |(slice, row, col)| {
            let (slice, rows, cols) = shrunk(slice, row, col);
            let block = case.hu.slice(s![slice, rows, cols]);
            let sum: i64 = block.iter().map(|hu| i64::from(*hu)).sum();
            (sum / block.len() as i64) as i16
        });
        let expected = Array3::from_shape_fn(dim, |(slice, row, col)| {
            let (slice, rows, cols) = shrunk(slice, row, col);
            let block = lungs.slice(s![slice, rows, cols]);
            2 * block.iter().filter(|inside| **inside).count() >= block.len()
        });
        let mut small = case.with("small", hu);
        small.spacing.row_mm *= factor as f64;
        small.spacing.col_mm *= factor as f64;
        check(&small, &expected, 0.98);
    }
}

#[test]
fn the_paper_says_what_it_removes() {
    let case = phantom(0, 192);
    let lungs = case.lungs();
    let [(top, bottom), (left, right)] = bounds(&lungs);
    let half = (right - left) / 2.0;
    let (row, col) = ((top + bottom) / 2.0, (left + right) / 2.0 - 0.2 * half);
    let (changed, _) = cut(&case, &lungs, "cut at the left", -1024, |r, c| {
        (r - row).powi(2) + (c - col).powi(2) <= (0.9 * half).powi(2)
    });
    let paper = changed.masked(MaskMode::Paper);
    let quality = paper.quality().expect("lungs were looked for");
    let removed: Vec<_> = quality
        .findings
        .iter()
        .filter(|finding| finding.kind == MaskFindingKind::RemovedLung)
        .collect();
    assert!(
        removed
            .iter()
            .any(|finding| finding.lung == Some(Lung::Left)),
        "{quality}"
    );
    assert!(quality.removed_ml > 300.0, "{quality}");
    assert!(
        !changed
            .kinds(MaskMode::Lungs)
            .contains(&MaskFindingKind::RemovedLung),
        "the lungs are whole"
    );
}

#[test]
fn the_hull_holds_the_lungs_and_the_heart() {
    let case = phantom(1, 128);
    let (lungs, hull) = (case.lungs(), case.masked(MaskMode::Hull));
    let outside = Zip::from(&lungs)
        .and(hull.voxels())
        .fold(0, |n, lung, hull| n + usize::from(*lung && !hull));
    assert_eq!(outside, 0);
    let (mid, rows, cols) = case.hu.dim();
    assert!(
        hull.voxels()[(mid / 2, rows / 2, cols / 2)],
        "the mediastinum is inside"
    );
}

#[test]
fn what_is_out_of_range_is_found() {
    let case = phantom(2, 128);
    let no_lung = case.with("no lung", case.hu.mapv(|hu| hu.max(-200)));
    assert_eq!(no_lung.kinds(MaskMode::Lungs), [MaskFindingKind::NoLung]);
    let lungs = case.lungs();
    let [_, (left, right)] = bounds(&lungs);
    let middle = ((left + right) / 2.0) as usize;
    // Without the left lung from a slice on: half of the chest is tissue.
    let n_slices = case.hu.dim().0;
    let mut hu = case.hu.clone();
    hu.slice_mut(s![n_slices / 2.., .., middle..])
        .mapv_inplace(|hu| hu.max(20));
    let half = case.with("half of a lung", hu);
    let kinds = half.kinds(MaskMode::Lungs);
    assert!(kinds.contains(&MaskFindingKind::Jump), "{kinds:?}");
    let mut hu = case.hu.clone();
    hu.slice_mut(s![n_slices / 2..n_slices / 2 + 2, .., ..])
        .fill(20);
    let kinds = case.with("two slices of tissue", hu).kinds(MaskMode::Lungs);
    assert!(kinds.contains(&MaskFindingKind::Gap), "{kinds:?}");
    let mut hu = case.hu.clone();
    hu.slice_mut(s![.., .., middle..])
        .mapv_inplace(|hu| hu.max(20));
    let kinds = case.with("one lung", hu).kinds(MaskMode::Lungs);
    assert!(kinds.contains(&MaskFindingKind::UnequalLungs), "{kinds:?}");
}
