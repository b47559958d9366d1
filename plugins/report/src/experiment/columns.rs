use pe_metrics::{Estimate, Evaluation};

use super::{Optimistic, PaperRow};

/// A column of the table: the same measure of ours and of the paper's.
pub struct Column {
    /// Its name in files and scripts.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its name where there is little room.
    pub short: &'static str,
    /// Our number.
    pub ours: fn(&Evaluation) -> &Estimate,
    /// Our number at the threshold that the test part itself gives.
    pub optimistic: fn(&Optimistic) -> f64,
    /// The paper's number.
    pub paper: fn(&PaperRow) -> f64,
}

/// The columns of the paper's Table 2, in its order.
pub const COLUMNS: [Column; 6] = [
    Column {
        key: "accuracy",
        name: "Accuracy",
        short: "Accuracy",
        ours: |ours| &ours.accuracy,
        optimistic: |at| at.accuracy,
        paper: |row| row.accuracy,
    },
    Column {
        key: "sensitivity",
        name: "Sensitivity",
        short: "Sens.",
        ours: |ours| &ours.sensitivity,
        optimistic: |at| at.sensitivity,
        paper: |row| row.sensitivity,
    },
    Column {
        key: "specificity",
        name: "Specificity",
        short: "Spec.",
        ours: |ours| &ours.specificity,
        optimistic: |at| at.specificity,
        paper: |row| row.specificity,
    },
    Column {
        key: "precision",
        name: "Precision",
        short: "Prec.",
        ours: |ours| &ours.precision,
        optimistic: |at| at.precision,
        paper: |row| row.precision,
    },
    Column {
        key: "f1",
        name: "F1",
        short: "F1",
        ours: |ours| &ours.f1,
        optimistic: |at| at.f1,
        paper: |row| row.f1,
    },
    Column {
        key: "auroc",
        name: "AUC",
        short: "AUC",
        ours: |ours| &ours.auroc,
        optimistic: |at| at.auroc,
        paper: |row| row.auroc,
    },
];

impl Column {
    /// Which of `evaluations` are best in this column: none where all are alike, or there is one.
    pub fn best<'a>(&self, evaluations: impl Iterator<Item = &'a Evaluation>) -> Vec<bool> {
        best(evaluations.map(|ours| (self.ours)(ours).value).collect())
    }
}

/// Which of the values are the greatest: none where all are alike, or there is one.
pub fn best(values: Vec<f64>) -> Vec<bool> {
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let apart = values.iter().any(|value| *value < greatest);
    values
        .iter()
        .map(|value| apart && *value == greatest)
        .collect()
}

/// A share with four decimals, as the paper prints it; a dash for what is no number.
pub fn share(value: f64) -> String {
    decimals(value, 4)
}

/// An interval with three decimals, such as `0.801–0.864`.
pub fn interval(estimate: &Estimate) -> String {
    if estimate.low.is_finite() && estimate.high.is_finite() {
        format!("{:.3}–{:.3}", estimate.low, estimate.high)
    } else {
        "–".into()
    }
}

/// The interval of a difference, such as `−0.010 to +0.163`.
pub fn signed_interval(estimate: &Estimate) -> String {
    if estimate.low.is_finite() && estimate.high.is_finite() {
        format!(
            "{} to {}",
            signed(estimate.low, 3),
            signed(estimate.high, 3)
        )
    } else {
        "–".into()
    }
}

/// A p value: `0.031`, or `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".into()
    } else {
        decimals(p, 3)
    }
}

/// A number with `n` decimals; a dash for what is none.
pub fn decimals(value: f64, n: usize) -> String {
    if value.is_finite() {
        format!("{value:.n$}")
    } else {
        "–".into()
    }
}

/// A share in per cent: `95 %`.
pub fn percent(share: f64) -> String {
    crate::svg::pixel(100.0 * share) + " %"
}

/// A difference with its sign and `n` decimals.
pub fn signed(value: f64, n: usize) -> String {
    match decimals(value.abs(), n) {
        text if value < 0.0 => format!("−{text}"),
        text if value.is_finite() => format!("+{text}"),
        text => text,
    }
}

/// Wall time in the largest fitting units: `41.2 s`, `3 min 05 s`, `2 h 07 min`.
pub fn duration(elapsed_s: f64) -> String {
    let whole = elapsed_s.round() as u64;
    match whole {
        _ if elapsed_s < 59.95 => format!("{elapsed_s:.1} s"),
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A whole number with commas between groups of three: `1,335`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(share(0.87), "0.8700");
        check(share(f64::NAN), "–");
        check(percent(0.57), "57 %");
        check(percent(0.999), "99.9 %");
        check(signed(-0.0163, 3), "−0.016");
        check(signed(0.5, 2), "+0.50");
        check(signed(f64::NAN, 2), "–");
        check(p_value(0.0004), "< 0.001");
        check(p_value(0.0312), "0.031");
        check(p_value(f64::NAN), "–");
        check(duration(0.04), "0.0 s");
        check(duration(59.96), "1 min 00 s");
        check(duration(185.4), "3 min 05 s");
        check(duration(7620.0), "2 h 07 min");
        check(count(7), "7");
        check(count(1335), "1,335");
        check(count(1_234_567), "1,234,567");
    }
}
