//! Several volumes in one series: told apart, listed, one used.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use pe_binding::Work;
use pe_ct::Scan;
use pe_dicom::{ScanOptions, scan};
use written::{Ct, slice};

/// Slices `from..to` whose stored values begin at `first`.
fn volume(from: u16, to: u16, first: u16, change: impl Fn(u16, &mut Ct)) -> Vec<Ct> {
    let slices = from..to;
    let mut files: Vec<Ct> = slices.map(slice).collect();
    for (n, file) in (from..to).zip(&mut files) {
        file.sop = format!("1.2.3.{first}.{}", n + 1);
        file.words = vec![first + n; 24];
        change(n, file);
    }
    files
}

fn scanned(files: &[Ct], volume: usize) -> Scan {
    let folder = tempfile::tempdir().unwrap();
    for (n, file) in files.iter().enumerate() {
        file.write(folder.path(), &format!("{n:03}"));
    }
    let options = ScanOptions {
        volume,
        ..ScanOptions::default()
    };
    let found = scan(folder.path(), &options, &Work::silent()).unwrap();
    for exam in &found.exams {
        // The files are gone with this function.
        let hu = exam.load(&Work::silent()).unwrap();
        let first = hu.slice(0)[[0, 0]];
        for (n, position) in exam.info.positions_mm.iter().enumerate() {
            let step = (position - exam.info.positions_mm[0]) / 2.5;
            assert_eq!(hu.slice(n)[[0, 0]], first + step as i16, "one volume's");
        }
    }
    found
}

/// What is used, by its least stored value and number of slices, and what the findings call the
/// others.
fn check(files: &[Ct], number: usize, used: (usize, &str), others: &[&str]) {
    // The order of the files decides nothing.
    let reversed: Vec<Ct> = files.iter().rev().cloned().collect();
    for files in [files, &reversed] {
        let found = scanned(files, number);
        let exam = found.only_exam().unwrap();
        assert_eq!(exam.n_slices(), used.0, "{:#?}", found.findings);
        let uids = &exam.info.sop_uids;
        assert!(uids.iter().all(|uid| uid.starts_with(used.1)), "{uids:?}");
        let reasons: Vec<&str> = found.findings.iter().map(|f| f.reason.as_str()).collect();
        assert_eq!(reasons.len(), others.len(), "{reasons:#?}");
        assert!(found.findings.iter().all(|f| f.kind == "other_volume"));
        for other in others {
            let is_told = reasons.iter().any(|reason| reason.contains(other));
            assert!(is_told, "{other:?} in {reasons:#?}");
        }
    }
}

#[test]
fn the_volume_with_most_slices_is_used_and_another_on_request() {
    let mut files = volume(0, 8, 1000, |_, file| file.acquisition = Some(2));
    files.extend(volume(0, 10, 2000, |_, file| file.acquisition = Some(3)));
    let first = "volume 1 of 2 of the series is not used: 8 slices by AcquisitionNumber (2)";
    let second = "volume 2 of 2 of the series is not used: 10 slices by AcquisitionNumber (3)";
    check(&files, 0, (10, "1.2.3.2000."), &[first]);
    check(&files, 1, (8, "1.2.3.1000."), &[second]);
    check(&files, 2, (10, "1.2.3.2000."), &[first]);
    let found = scanned(&files, 3);
    assert_eq!(found.exams.len(), 0);
    assert_eq!(found.findings[0].kind, "no_volume");
    assert!(found.findings[0].reason.contains("found 2 volumes"));
    // A series of one volume has no choice.
    check(&files[..8], 2, (8, "1.2.3.1000."), &[]);
}

#[test]
fn of_equal_volumes_the_softer_kernel_is_used() {
    let mut files = volume(0, 6, 1000, |_, file| file.kernel = Some("B70f"));
    files.extend(volume(0, 6, 2000, |_, file| file.kernel = Some("B30f")));
    check(
        &files,
        0,
        (6, "1.2.3.2000."),
        &["6 slices by ConvolutionKernel (B70f)"],
    );
    check(
        &files,
        2,
        (6, "1.2.3.1000."),
        &["6 slices by ConvolutionKernel (B30f)"],
    );
}

#[test]
fn volumes_are_told_apart_by_each_fact() {
    type Change = fn(&mut Ct, u16);
    let facts: [(&str, Change); 5] = [
        ("TemporalPositionIdentifier (2)", |file, of| {
            file.temporal = Some(i32::from(of))
        }),
        ("KVP (140)", |file, of| {
            file.kvp = Some(["80", "140"][usize::from(of) - 1])
        }),
        ("ImageType", |file, of| {
            file.image_type =
                ["ORIGINAL\\PRIMARY\\AXIAL", "DERIVED\\PRIMARY\\AXIAL"][usize::from(of) - 1];
        }),
        ("PixelSpacing (0.9 mm)", |file, of| {
            file.spacing = Some(["0.7\\0.8", "0.9\\0.9"][usize::from(of) - 1]);
        }),
        ("AcquisitionTime", |file, of| {
            file.time = Some(format!("12{of:02}05.25"))
        }),
    ];
    for (name, change) in facts {
        let mut files = volume(0, 6, 1000, |_, file| change(file, 1));
        files.extend(volume(0, 5, 2000, |_, file| change(file, 2)));
        let other = format!("volume 2 of 2 of the series is not used: 5 slices by {name};");
        check(&files, 0, (6, "1.2.3.1000."), &[&other]);
    }
}

#[test]
fn facts_are_combined() {
    // Two phases of two kernels each.
    let mut files = Vec::new();
    for phase in 0..2 {
        for (kernel, name) in ["B30f", "B60f"].into_iter().enumerate() {
            let first = 1000 + 1000 * phase + 100 * kernel as u16;
            files.extend(volume(0, 6, first, |_, file| {
                file.acquisition = Some(i32::from(phase) + 1);
                file.kernel = Some(name);
            }));
        }
    }
    let others = [
        "volume 2 of 4 of the series is not used: 6 slices by AcquisitionNumber (1), ConvolutionKernel (B60f)",
        "volume 3 of 4 of the series is not used: 6 slices by AcquisitionNumber (2), ConvolutionKernel (B30f)",
        "volume 4 of 4 of the series is not used: 6 slices by AcquisitionNumber (2), ConvolutionKernel (B60f)",
    ];
    check(&files, 0, (6, "1.2.3.1000."), &others);
}

#[test]
fn a_volume_of_many_acquisitions_stays_one() {
    // Step and shoot: each two slices have a number and a time of their own, in both phases, of which
    // the second reaches further at both ends.
    let of_step = |first_step: u16| {
        move |n: u16, file: &mut Ct| {
            let step = first_step + n / 2;
            file.acquisition = Some(i32::from(step));
            file.time = Some(format!("1200{:02}", step));
        }
    };
    let mut files = volume(4, 10, 1000, of_step(1));
    files.extend(volume(0, 12, 2000, of_step(20)));
    check(
        &files,
        0,
        (12, "1.2.3.2000."),
        &["6 slices by AcquisitionNumber;"],
    );
}

#[test]
fn acquisitions_that_meet_are_one_volume() {
    // Two acquisitions along the patient, of which two places are in both; the stored values go on.
    let mut files = volume(0, 12, 1000, |_, file| file.acquisition = Some(1));
    files.extend(volume(10, 30, 1000, |n, file| {
        file.acquisition = Some(2);
        file.sop = format!("1.2.3.1000.9.{n}");
        file.intercept = Some("-1024.0");
        file.words[5] = 7;
    }));
    let told = "used as one volume, and 2 images of the smaller one";
    check(&files, 0, (30, "1.2.3.1000."), &[told]);
    let found = scanned(&files, 0);
    let uids = &found.exams[0].info.sop_uids;
    assert_eq!(
        (uids[9].as_str(), uids[10].as_str()),
        ("1.2.3.1000.10", "1.2.3.1000.9.10")
    );
    // Once more, with another kernel: there are two volumes, and each is whole.
    let sharp = files.iter().cloned().map(|file| Ct {
        sop: format!("{}.1", file.sop),
        kernel: Some("B70f"),
        ..file
    });
    files = files
        .iter()
        .cloned()
        .map(|file| Ct {
            kernel: Some("B30f"),
            ..file
        })
        .chain(sharp)
        .collect();
    check(
        &files,
        0,
        (30, "1.2.3.1000."),
        &[told, "30 slices by ConvolutionKernel (B70f)"],
    );
    // What has more than a fifth in common is another volume.
    let mut files = volume(0, 12, 1000, |_, file| file.acquisition = Some(1));
    files.extend(volume(8, 30, 2000, |_, file| file.acquisition = Some(2)));
    check(
        &files,
        0,
        (22, "1.2.3.2000."),
        &["12 slices by AcquisitionNumber (1)"],
    );
}

#[test]
fn images_taken_by_turns_at_each_place_are_volumes() {
    // A dynamic scan that takes all of a place's images before it moves on.
    let mut files = Vec::new();
    for turn in 0..3_u16 {
        files.extend(volume(0, 100, 1000 + 1000 * turn, |n, file| {
            file.time = Some(format!("{:02}{:02}{:02}", n / 60, n % 60, turn * 10));
        }));
    }
    let others = ["volume 2 of 3", "volume 3 of 3"];
    check(&files, 0, (100, "1.2.3.1000."), &others);
}

#[test]
fn the_frames_of_one_file_may_be_several_volumes() {
    let folder = tempfile::tempdir().unwrap();
    let mut frames = volume(0, 6, 1000, |_, file| file.temporal = Some(1));
    frames.extend(volume(0, 5, 2000, |_, file| file.temporal = Some(2)));
    slice(0).write_frames(&frames, folder.path(), "frames");
    for (number, n_slices, first) in [(0, 6, 1000), (2, 5, 2000)] {
        let options = ScanOptions {
            volume: number,
            ..ScanOptions::default()
        };
        let found = scan(folder.path(), &options, &Work::silent()).unwrap();
        let exam = found.only_exam().unwrap();
        let hu = exam.load(&Work::silent()).unwrap();
        assert_eq!(
            (exam.n_slices(), hu.slice(1)[[0, 0]]),
            (n_slices, first + 1 - 1024)
        );
        let reason = &found.findings[0].reason;
        assert!(
            reason.contains("by TemporalPositionIdentifier ("),
            "{reason}"
        );
    }
}

#[test]
fn planes_are_volumes_too_and_the_axial_one_is_used() {
    let mut files = volume(0, 6, 1000, |_, _| {});
    files.extend((0..8_u16).map(|n| Ct {
        sop: format!("1.2.3.9.{n}"),
        orientation: Some([1.0, 0.0, 0.0, 0.0, 0.0, -1.0]),
        position: Some([0.0, f64::from(n) * 2.5, 0.0]),
        ..slice(n)
    }));
    files.push(Ct {
        sop: "1.2.3.8.1".into(),
        orientation: Some([0.0, 1.0, 0.0, 0.0, 0.0, -1.0]),
        ..slice(3)
    });
    let found = scanned(&files, 0);
    let kinds: Vec<&str> = found.findings.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, ["other_volume", "mixed_orientation"]);
    files.pop();
    let other = "8 slices by plane and size (not axial, 4 × 6)";
    check(&files, 0, (6, "1.2.3.1000."), &[other]);
}

#[test]
fn only_what_nothing_tells_apart_is_refused() {
    let mut files = volume(0, 6, 1000, |_, file| file.acquisition = Some(1));
    files.extend(volume(2, 3, 2000, |_, file| file.acquisition = Some(1)));
    let found = scanned(&files, 0);
    assert_eq!(found.exams.len(), 0);
    let kinds: Vec<&str> = found.findings.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, ["conflict"]);
    // The same image twice is no volume.
    let mut files = volume(0, 6, 1000, |_, _| {});
    let mut again = files[2].clone();
    again.sop = "1.2.3.77".into();
    files.push(again);
    let found = scanned(&files, 0);
    assert_eq!(found.exams[0].n_slices(), 6);
    assert_eq!(found.findings[0].kind, "duplicate");
}

#[test]
fn frames_without_number_and_reason_end_soon() {
    // Each at a place, a temporal position and in an order of its own, closer than places may be.
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<Ct> = (0..20_000_u32)
        .map(|n| Ct {
            position: Some([0.0, 0.0, f64::from(n * 7919 % 20_000) * 0.000_9]),
            temporal: Some(n as i32),
            words: vec![(n % 4000) as u16],
            ..slice(0)
        })
        .collect();
    let file = Ct {
        rows: 1,
        cols: 1,
        ..slice(0)
    };
    file.write_frames(&frames, folder.path(), "frames");
    let start = std::time::Instant::now();
    let found = scan(folder.path(), &ScanOptions::default(), &Work::silent()).unwrap();
    assert_eq!(found.exams.len(), 0);
    assert_eq!(found.findings[0].kind, "conflict");
    // A second at most where the compiler optimizes nothing; without a limit it is minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn times_are_never_shown() {
    let mut files = volume(0, 6, 1000, |_, file| file.time = Some("114733.5".into()));
    files.extend(volume(0, 6, 2000, |_, file| {
        file.time = Some("191919.5".into());
        file.acquisition = Some(471_147_114);
    }));
    files.extend(volume(0, 6, 3000, |_, file| {
        file.image_type = "ORIGINAL\\PRIMARY\\DOE JANE"
    }));
    let found = scanned(&files, 0);
    let text = format!("{found} {found:?}");
    assert!(found.findings.len() == 2, "{text}");
    for secret in ["1147", "4147", "191919", "471147114", "DOE"] {
        assert!(!text.contains(secret), "{secret} came out: {text}");
    }
}
