use serde::Serialize;

/// A rule that the label table and the files should keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelRule {
    /// A column of slices or of labels is not there.
    MissingColumn,
    /// A row without the ids, or with fewer fields than the header.
    BrokenRow,
    /// A label that is neither 0 nor 1, in any spelling; it counts as not given.
    NotZeroOrOne,
    /// An empty cell where a label could be; it counts as not given.
    EmptyLabel,
    /// A row of a patient who has several exams: it is not known which one is meant, and it counts as
    /// not given.
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
    /// A negative or indeterminate exam has a side, a centre, or a chronic PE.
    PeFindingWithoutPe,
    /// The RV/LV ratio is both at least 1 and below 1.
    RvLvRatioBoth,
    /// Chronic PE, and acute and chronic PE, which exclude each other.
    ChronicTwice,
    /// A row names a file, or in a table without slices an exam, that was not found.
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
