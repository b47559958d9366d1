//! The label table `train.csv`, as the RSNA-STR data set has it: one row a slice.

use pe_ct::EXAM_FINDINGS;

use crate::truth::ExamTruth;

/// The table's columns before the exam-level findings.
const SLICE_COLUMNS: [&str; 4] = [
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "pe_present_on_image",
];

/// Writes the whole table. Rows are sorted by UID within an exam, so that their order does not
/// reveal where a slice lies.
pub(crate) fn table(exams: &[ExamTruth]) -> String {
    let header: Vec<&str> = SLICE_COLUMNS
        .iter()
        .chain(&EXAM_FINDINGS)
        .copied()
        .collect();
    let mut text = header.join(",");
    text.push('\n');
    for exam in exams {
        let findings: Vec<&str> = EXAM_FINDINGS
            .iter()
            .map(|name| digit(exam.findings.get(*name).copied().unwrap_or(false)))
            .collect();
        let mut rows: Vec<String> = exam
            .slices
            .iter()
            .map(|slice| {
                let ids = [&exam.plan.study_uid, &exam.plan.series_uid, &slice.sop_uid];
                let ids = ids.map(String::as_str).join(",");
                format!(
                    "{ids},{},{}\n",
                    digit(slice.pe_present()),
                    findings.join(",")
                )
            })
            .collect();
        rows.sort();
        text.extend(rows);
    }
    text
}

fn digit(flag: bool) -> &'static str {
    if flag { "1" } else { "0" }
}
