//! The paper's Table 2 and the names of its six models.

/// One of the six models of the paper's Table 2, with the numbers printed there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaperModel {
    /// The name in scripts: `"effnet_lstm"`.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The row as printed.
    pub row: PaperRow,
}

/// A row of the paper's Table 2, slice level; shares in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PaperRow {
    /// Accuracy.
    pub accuracy: f64,
    /// Sensitivity.
    pub sensitivity: f64,
    /// Specificity.
    pub specificity: f64,
    /// Precision.
    pub precision: f64,
    /// F1 score.
    pub f1: f64,
    /// Area under the ROC curve.
    pub auroc: f64,
}

/// The paper's Table 2, "Training results", in its order; digits as printed.
pub const TABLE_2: [PaperModel; 6] = [
    model(
        "effnet",
        "EfficientNet-B0",
        [0.7709, 0.7808, 0.7687, 0.1676, 0.2760, 0.8328],
    ),
    model(
        "resnet3d",
        "ResNet 3D 18",
        [0.7893, 0.8089, 0.7754, 0.2213, 0.3493, 0.8680],
    ),
    model(
        "effnet_lstm",
        "EfficientNet-B0 + BiLSTM",
        [0.8289, 0.8321, 0.8231, 0.2643, 0.4012, 0.8954],
    ),
    model(
        "effnet_tcn",
        "EfficientNet-B0 + TCN",
        [0.8023, 0.8184, 0.8015, 0.2541, 0.3878, 0.8759],
    ),
    model(
        "resnet3d_lstm",
        "ResNet 3D 18 + BiLSTM",
        [0.8343, 0.8706, 0.8169, 0.2851, 0.4295, 0.9136],
    ),
    model(
        "resnet3d_tcn",
        "ResNet 3D 18 + TCN",
        [0.8790, 0.8665, 0.8702, 0.3339, 0.4820, 0.9213],
    ),
];

/// What the paper's numbers were made on (its section 3.1).
pub const PAPER_DATA: &str =
    "RSNA-STR Pulmonary Embolism CT, slice level, 1,335 test exams with at most 320 slices";

/// What a reader must know of the paper's numbers before comparing with them.
pub const CAVEATS: [&str; 3] = [
    "The paper's numbers come from other data, other exams and other weights than ours: they are \
     printed beside ours for orientation, and neither confirm nor refute each other.",
    "The paper's accuracy of ResNet 3D 18 + TCN, .8790, lies outside its [sensitivity, \
     specificity] = [.8665, .8702], which no single confusion matrix allows, and its F1 of ResNet \
     3D 18 recomputes to .3475, not .3493.",
    "The paper's precisions imply 5.6 to 7.7 % positive slices; its text says 4.89 %. Precision and \
     F1 move with that share, so compare them only at equal shares.",
];

/// The model of Table 2 that scripts call `id`.
///
/// ```
/// use pe_report::paper_model;
/// assert_eq!(paper_model("resnet3d_tcn").map(|model| model.row.auroc), Some(0.9213));
/// assert_eq!(paper_model("resnet_3d"), None);
/// ```
pub fn paper_model(id: &str) -> Option<&'static PaperModel> {
    TABLE_2.iter().find(|model| model.id == id)
}

const fn model(id: &'static str, name: &'static str, row: [f64; 6]) -> PaperModel {
    let [accuracy, sensitivity, specificity, precision, f1, auroc] = row;
    PaperModel {
        id,
        name,
        row: PaperRow {
            accuracy,
            sensitivity,
            specificity,
            precision,
            f1,
            auroc,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of positives that a row's precision implies by Bayes' rule.
    fn implied_share(row: &PaperRow) -> f64 {
        let odds =
            row.precision / (1.0 - row.precision) * (1.0 - row.specificity) / row.sensitivity;
        odds / (1.0 + odds)
    }

    #[test]
    fn the_caveats_are_what_the_rows_say() {
        let shares = TABLE_2.map(|model| implied_share(&model.row));
        let least = shares.into_iter().fold(f64::INFINITY, f64::min);
        let greatest = shares.into_iter().fold(0.0, f64::max);
        assert_eq!(format!("{least:.3} {greatest:.3}"), "0.056 0.077");
        let last = TABLE_2[5].row;
        assert!(last.accuracy > last.specificity && last.specificity > last.sensitivity);
        let second = TABLE_2[1].row;
        let f1 =
            2.0 * second.precision * second.sensitivity / (second.precision + second.sensitivity);
        assert_eq!(format!("{f1:.4}"), "0.3475");
    }
}
