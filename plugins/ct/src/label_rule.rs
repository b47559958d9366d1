use serde::Serialize;

/// A rule that a label table and its files should follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelRule {
    /// The table lacks a column of slices or of labels.
    MissingColumn,
    /// A row without the ids, or with fewer fields than the header.
    BrokenRow,
    /// A label that is neither 0 nor 1, in any spelling; it counts as not given.
    NotZeroOrOne,
    /// An empty cell where a label could be; it counts as not given.
    EmptyLabel,
    /// A row about a patient with several exams. The exam that it is about is unknown, so the row counts
    /// as not given.
    SeveralExams,
    /// A slice, or an exam of a table without slices, has several rows that agree.
    RepeatedRow,
    /// A slice has several rows that disagree on PE; it counts as not labelled.
    ConflictingRows,
    /// An exam-level label differs between the rows of an exam; it counts as not given.
    ExamLabelDiffers,
    /// A slice shows PE in an exam that is negative for PE.
    PeSliceInNegativeExam,
    /// An exam is positive, and none of its labelled slices shows PE.
    NoPeSliceInPositiveExam,
    /// An exam is both negative for PE and indeterminate.
    NegativeAndIndeterminate,
    /// A negative or indeterminate exam has a left-sided, right-sided, central or chronic PE.
    PeFindingWithoutPe,
    /// The RV/LV ratio is both at least 1 and below 1.
    RvLvRatioBoth,
    /// Chronic PE, and acute and chronic PE, which exclude each other.
    ChronicTwice,
    /// A row names a file that was not found, or in a table without slices an exam.
    LabelWithoutFile,
    /// A slice of a used exam has no row.
    FileWithoutLabel,
}

impl LabelRule {
    /// The rule's name in scripts and files, `"label_without_file"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingColumn => "missing_column",
            Self::BrokenRow => "broken_row",
            Self::NotZeroOrOne => "not_zero_or_one",
            Self::EmptyLabel => "empty_label",
            Self::SeveralExams => "several_exams",
            Self::RepeatedRow => "repeated_row",
            Self::ConflictingRows => "conflicting_rows",
            Self::ExamLabelDiffers => "exam_label_differs",
            Self::PeSliceInNegativeExam => "pe_slice_in_negative_exam",
            Self::NoPeSliceInPositiveExam => "no_pe_slice_in_positive_exam",
            Self::NegativeAndIndeterminate => "negative_and_indeterminate",
            Self::PeFindingWithoutPe => "pe_finding_without_pe",
            Self::RvLvRatioBoth => "rv_lv_ratio_both",
            Self::ChronicTwice => "chronic_twice",
            Self::LabelWithoutFile => "label_without_file",
            Self::FileWithoutLabel => "file_without_label",
        }
    }
}
