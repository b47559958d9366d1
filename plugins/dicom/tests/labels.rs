//! The RSNA label table: by column name, attached to exams, its rules counted.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::collections::BTreeMap;
use std::fs;

use pe_binding::Work;
use pe_dicom::{DicomError, Scan, ScanOptions, scan};
use written::slice;

const HEADER: &str = "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image,negative_exam_for_pe,qa_motion,qa_contrast,flow_artifact,rv_lv_ratio_gte_1,rv_lv_ratio_lt_1,leftsided_pe,chronic_pe,true_filling_defect_not_pe,rightsided_pe,acute_and_chronic_pe,central_pe,indeterminate";

/// A table of three slices: PE on the second, left-sided, ratio below 1.
fn table() -> Vec<String> {
    let row = |n: usize, pe: u8| format!("1.2,1.2.3,1.2.3.{n},{pe},0,0,0,0,0,1,1,0,0,0,0,0,0");
    vec![HEADER.into(), row(1, 0), row(2, 1), row(3, 0)]
}

fn scanned(lines: &[String], options: &ScanOptions) -> Result<Scan, DicomError> {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        slice(n).write(
            folder.path(),
            &format!("train/1.2/1.2.3/1.2.3.{}.dcm", n + 1),
        );
    }
    fs::write(folder.path().join("train.csv"), lines.join("\n")).unwrap();
    scan(folder.path(), options, &Work::silent())
}

fn check(change: impl Fn(&mut Vec<String>), expected: &[(&str, usize)]) -> Scan {
    let mut lines = table();
    change(&mut lines);
    let scan = scanned(&lines, &ScanOptions::default()).unwrap();
    let report = scan.labels.as_ref().unwrap();
    let found: BTreeMap<&str, usize> = report.broken.iter().map(|(r, n)| (r.name(), *n)).collect();
    assert_eq!(found, expected.iter().copied().collect(), "{scan}");
    assert_eq!(scan.findings.is_empty(), expected.is_empty());
    scan
}

/// Sets a field, by column name, in every row.
fn set(lines: &mut [String], column: &str, value: &str) {
    let idx = HEADER.split(',').position(|name| name == column).unwrap();
    for line in &mut lines[1..] {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields[idx] = value;
        *line = fields.join(",");
    }
}

#[test]
fn labels_are_attached_in_slice_order() {
    let scan = check(|_| {}, &[]);
    let labels = scan.exams[0].info.labels.clone().unwrap();
    assert_eq!(labels.pe_on_slice, [Some(false), Some(true), Some(false)]);
    assert_eq!(labels.positive(), Some(true));
    assert_eq!(labels.findings.len(), 13);
    assert!(labels.findings["leftsided_pe"] && !labels.findings["central_pe"]);
    let report = scan.labels.unwrap();
    assert_eq!(
        (report.n_rows, report.n_exams, report.n_exams_labelled),
        (3, 1, 1)
    );
}

#[test]
fn columns_are_found_by_name() {
    let reversed = |lines: &mut Vec<String>| {
        for line in lines {
            *line = line.split(',').rev().collect::<Vec<_>>().join(",");
        }
    };
    let scan = check(reversed, &[]);
    let labels = scan.exams[0].info.labels.clone().unwrap();
    assert_eq!(labels.n_pe_slices(), 1);
}

#[test]
fn broken_rules_are_counted() {
    check(
        |l| drop(l.remove(2)),
        &[
            ("file_without_label", 1),
            ("no_pe_slice_in_positive_exam", 1),
        ],
    );
    check(
        |l| l.push(l[3].replace("1.2.3.3", "1.2.3.4")),
        &[("label_without_file", 1)],
    );
    check(|l| l.push(l[3].clone()), &[("repeated_row", 1)]);
    check(
        |l| l.push(l[3].replace("1.2.3.3,0", "1.2.3.3,1")),
        &[("conflicting_rows", 1), ("file_without_label", 1)],
    );
    check(
        |l| set(l, "negative_exam_for_pe", "1"),
        &[
            ("pe_slice_in_negative_exam", 1),
            ("pe_finding_without_pe", 1),
        ],
    );
    check(
        |l| set(l, "indeterminate", "1"),
        &[("pe_finding_without_pe", 1)],
    );
    check(
        |l| set(l, "rv_lv_ratio_gte_1", "1"),
        &[("rv_lv_ratio_both", 1)],
    );
    check(
        |l| set(&mut l[..2], "qa_motion", "1"),
        &[("exam_label_differs", 1)],
    );
    check(
        |l| set(&mut l[..3], "central_pe", "2"),
        &[("not_zero_or_one", 2)],
    );
    check(|l| l.push("1.2,1.2.3".into()), &[("broken_row", 1)]);
    let no_column = |l: &mut Vec<String>| l[0] = l[0].replace("qa_contrast", "contrast");
    check(no_column, &[("missing_column", 1)]);
    let both = |l: &mut Vec<String>| {
        set(l, "chronic_pe", "1");
        set(l, "acute_and_chronic_pe", "1");
    };
    check(both, &[("chronic_twice", 1)]);
    let negative = |l: &mut Vec<String>| {
        set(l, "negative_exam_for_pe", "1");
        set(l, "indeterminate", "1");
        set(l, "leftsided_pe", "0");
        set(l, "pe_present_on_image", "0");
    };
    check(negative, &[("negative_and_indeterminate", 1)]);
}

#[test]
fn a_label_that_differs_is_not_given() {
    let scan = check(
        |l| set(&mut l[..2], "qa_motion", "1"),
        &[("exam_label_differs", 1)],
    );
    let labels = scan.exams[0].info.labels.clone().unwrap();
    assert_eq!(labels.findings.get("qa_motion"), None);
    assert_eq!(labels.findings.len(), 12);
}

#[test]
fn indeterminate_exams_are_left_out_on_demand() {
    let mut lines = table();
    set(&mut lines, "indeterminate", "1");
    let include_indeterminate = false;
    let options = ScanOptions {
        include_indeterminate,
        ..ScanOptions::default()
    };
    let scan = scanned(&lines, &options).unwrap();
    assert!(scan.exams.is_empty());
    assert!(
        scan.findings
            .iter()
            .any(|f| f.kind.name() == "indeterminate")
    );
}

#[test]
fn what_is_no_label_table_is_an_error() {
    let error = scanned(&["a,b,c".into()], &ScanOptions::default()).unwrap_err();
    assert!(error.to_string().contains("StudyInstanceUID"), "{error}");
    let labels = Some("no/such/table.csv".into());
    let options = ScanOptions {
        labels,
        ..ScanOptions::default()
    };
    assert!(scanned(&table(), &options).is_err());
}
