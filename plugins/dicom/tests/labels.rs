//! The label table, RSNA's and those of other tools: by column name, attached to exams, its rules counted.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::collections::BTreeMap;
use std::fs;

use pe_binding::{Explain, Work};
use pe_ct::Scan;
use pe_dicom::{DicomError, ScanOptions, scan};
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
    assert!(scan.findings.iter().any(|f| f.kind == "indeterminate"));
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

/// The labels of the exam of the plain table, by a table that says the same in other words.
fn check_same(lines: &[String], options: &ScanOptions, broken: &[(&str, usize)]) -> Scan {
    let expected = scanned(&table(), &ScanOptions::default()).unwrap();
    let found = scanned(lines, options).unwrap();
    let report = found.labels.as_ref().unwrap();
    let rules: Vec<(&str, usize)> = report.broken.iter().map(|(r, n)| (r.name(), *n)).collect();
    assert_eq!(rules, broken, "{lines:#?}");
    assert_eq!(found.exams[0].info.labels, expected.exams[0].info.labels);
    found
}

#[test]
fn tables_of_other_tools_say_the_same() {
    let options = ScanOptions::default();
    // A field that is 0 or 1, but for those of ids.
    let spelt = |zero: &str, one: &str, separator: &str| -> Vec<String> {
        let spell = |(idx, field): (usize, &str)| match field {
            "0" if idx > 2 => zero.to_owned(),
            "1" if idx > 2 => one.to_owned(),
            other => other.to_owned(),
        };
        let row = |line: &String| {
            let fields = line.split(',').enumerate().map(spell);
            fields.collect::<Vec<String>>().join(separator)
        };
        table().iter().map(row).collect()
    };
    for (zero, one) in [
        ("0.0", "1.0"),
        ("False", "True"),
        ("false", "true"),
        (" 0", "1 "),
    ] {
        for separator in [",", ";", "\t"] {
            check_same(&spelt(zero, one, separator), &options, &[]);
        }
    }
    check_same(&spelt("0,0", "1,0", ";"), &options, &[]);
    let mut marked = spelt("0", "1", ";");
    marked[0].insert(0, '\u{feff}');
    check_same(&marked, &options, &[]);
    // pandas' index has a column without a name; Windows ends lines in two characters.
    let index = |(n, line): (usize, &String)| match n {
        0 => format!(",{line}\r"),
        n => format!("{},{line}\r", n - 1),
    };
    let indexed: Vec<String> = table().iter().enumerate().map(index).collect();
    check_same(&indexed, &options, &[]);
}

#[test]
fn an_empty_cell_is_no_label() {
    for empty in ["", "NaN", "NA", "None"] {
        let scan = check(|l| set(l, "qa_motion", empty), &[("empty_label", 3)]);
        let labels = scan.exams[0].info.labels.clone().unwrap();
        assert_eq!(labels.findings.get("qa_motion"), None);
        assert_eq!(labels.findings.len(), 12);
        let finding = scan
            .findings
            .iter()
            .find(|f| f.reason.starts_with("empty_label"));
        // Where, and not what.
        let reason = &finding.unwrap().reason;
        assert_eq!(
            reason,
            "empty_label: 3 (row 2, column 6, row 3, column 6, row 4, column 6)"
        );
    }
    // Given on one row of the exam, it is given.
    let scan = check(|l| set(&mut l[..3], "qa_motion", ""), &[("empty_label", 2)]);
    let labels = scan.exams[0].info.labels.as_ref().unwrap();
    assert_eq!(labels.findings.get("qa_motion"), Some(&false));
    let scan = check(
        |l| set(l, "qa_motion", "DOE^JANE"),
        &[("not_zero_or_one", 3)],
    );
    assert!(!format!("{scan} {:?}", scan.findings).contains("DOE"));
}

#[test]
fn columns_are_named_by_an_option() {
    let mut lines = table();
    lines[0] = lines[0]
        .replace("StudyInstanceUID", "study")
        .replace("pe_present_on_image", "PE here");
    let named = |pairs: &[(&str, &str)]| ScanOptions {
        columns: pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect(),
        ..ScanOptions::default()
    };
    let columns = [
        ("StudyInstanceUID", "study"),
        ("pe_present_on_image", "PE here"),
    ];
    check_same(&lines, &named(&columns), &[]);
    let error = |options: &ScanOptions| {
        let error = scanned(&lines, options).unwrap_err();
        format!("{error} {}", error.hint().unwrap_or_default())
    };
    let there = error(&named(&[("StudyInstanceUID", "Study")]));
    assert!(there.contains("found no column `Study`"), "{there}");
    let known = error(&named(&[("StudyInstanceUUID", "study")]));
    assert!(
        known.contains("did you mean `StudyInstanceUID`?"),
        "{known}"
    );
}

/// Two studies of one patient and a third of another, with this table; gives which is negative.
fn negatives(lines: &str, options: &ScanOptions) -> (Vec<Option<bool>>, Scan) {
    let folder = tempfile::tempdir().unwrap();
    for (study, patient) in [(1, "MRN-1"), (2, "MRN-2"), (3, "MRN-2")] {
        for n in 0..3 {
            let file = written::Ct {
                study: format!("1.2.{study}"),
                series: format!("1.2.{study}.7"),
                sop: format!("1.2.{study}.7.{n}"),
                patient,
                ..slice(n)
            };
            file.write(folder.path(), &format!("{study}/{n}"));
        }
    }
    let path = folder.path().join("our list.txt");
    fs::write(&path, lines).unwrap();
    let options = ScanOptions {
        labels: Some(path),
        ..options.clone()
    };
    let found = scan(folder.path(), &options, &Work::silent()).unwrap();
    let positive = |exam: &pe_ct::Exam| exam.info.labels.as_ref()?.positive();
    let positive = found.exams.iter().map(positive).collect();
    (positive, found)
}

fn broken(scan: &Scan) -> Vec<(&str, usize)> {
    let rules = scan.labels.as_ref().unwrap().broken.iter();
    let rules = rules.map(|(rule, n)| (rule.name(), *n));
    rules
        .filter(|(rule, _)| *rule != "missing_column")
        .collect()
}

#[test]
fn a_table_may_have_exams_only() {
    let options = ScanOptions::default();
    let by_study = "StudyInstanceUID;negative_exam_for_pe\n1.2.1;1.0\n1.2.2;0.0\n1.2.9;1\n";
    let (positive, found) = negatives(by_study, &options);
    assert_eq!(positive, [Some(false), Some(true), None]);
    assert_eq!(broken(&found), [("label_without_file", 1)]);
    let labels = found.exams[1].info.labels.as_ref().unwrap();
    assert_eq!(labels.pe_on_slice, [None, None, None]);
    let reasons: Vec<&str> = found.findings.iter().map(|f| f.reason.as_str()).collect();
    assert!(
        reasons.contains(&"label_without_file: 1 (study 1.2.9)"),
        "{reasons:#?}"
    );
    assert_eq!(
        reasons
            .iter()
            .filter(|r| r.contains("slices without a label"))
            .count(),
        1
    );

    let by_series = "SeriesInstanceUID,PE,side left\n1.2.3.7,True,False\n1.2.3.7,True,True\n";
    let columns = [
        ("positive_exam_for_pe", "PE"),
        ("leftsided_pe", "side left"),
    ];
    let columns = columns.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let (positive, found) = negatives(by_series, &ScanOptions { columns, ..options });
    assert_eq!(positive, [None, None, Some(true)]);
    let labels = found.exams[2].info.labels.as_ref().unwrap();
    assert_eq!(
        labels.findings.keys().collect::<Vec<_>>(),
        ["negative_exam_for_pe"]
    );
    let rules = [("repeated_row", 1), ("exam_label_differs", 1)];
    assert_eq!(broken(&found), rules);
}

#[test]
fn a_table_may_have_patients() {
    let options = ScanOptions::default();
    let table = "PatientID,Name,positive_exam_for_pe\nMRN-2,DOE^JANE,0\nMRN-1,DOE^JOHN,1\n\
                 MRN-3,DOE^JIM,1\n,DOE^JOE,1\n";
    let (positive, found) = negatives(table, &options);
    // Which of the two exams of the second is meant, the table does not say.
    assert_eq!(positive, [Some(true), None, None]);
    let rules = [
        ("broken_row", 1),
        ("several_exams", 1),
        ("label_without_file", 1),
    ];
    assert_eq!(broken(&found), rules);
    let text = format!("{found} {:?}", found.findings);
    assert!(
        text.contains("several_exams: 1 (row 2)") && text.contains("label_without_file: 1 (row 4)"),
        "{text}"
    );
    for secret in ["MRN-", "DOE"] {
        assert!(!text.contains(secret), "{secret} came out: {text}");
    }
}

#[test]
fn a_table_that_names_no_exam_is_an_error() {
    let check = |lines: &str, expected: &str| {
        let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        let error = scanned(&lines, &ScanOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        "SOPInstanceUID,pe_present_on_image",
        "none of the columns StudyInstanceUID",
    );
    check("", "none of the columns");
}
