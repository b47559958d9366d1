//! Formats numbers for people to read.

use pe_metrics::{Estimate, Level};

/// Formats a share with four decimals, as in the paper; a dash if it is not a number.
pub fn share(value: f64) -> String {
    decimals(value, 4)
}

/// Formats an interval with three decimals, such as `0.801–0.864`.
pub fn interval(estimate: &Estimate) -> String {
    if estimate.low.is_finite() && estimate.high.is_finite() {
        format!("{:.3}–{:.3}", estimate.low, estimate.high)
    } else {
        "–".into()
    }
}

/// Formats the interval of a difference, such as `−0.010 to +0.163`.
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

/// Formats a p value: `0.031`, or `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".into()
    } else {
        decimals(p, 3)
    }
}

/// Formats a number with `n` decimals; a dash if it is not a number.
pub fn decimals(value: f64, n: usize) -> String {
    if value.is_finite() {
        format!("{value:.n$}")
    } else {
        "–".into()
    }
}

/// Formats a share in per cent: `95 %`.
pub fn percent(share: f64) -> String {
    crate::svg::pixel(100.0 * share) + " %"
}

/// Formats a difference with its sign and `n` decimals.
pub fn signed(value: f64, n: usize) -> String {
    match decimals(value.abs(), n) {
        text if value < 0.0 => format!("−{text}"),
        text if value.is_finite() => format!("+{text}"),
        text => text,
    }
}

/// Formats wall time in the largest fitting units: `41.2 s`, `3 min 05 s`, `2 h 07 min`.
pub fn duration(elapsed_s: f64) -> String {
    let whole = elapsed_s.round() as u64;
    match whole {
        _ if elapsed_s < 59.95 => format!("{elapsed_s:.1} s"),
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Formats a whole number with commas between groups of three: `1,335`.
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

/// The samples of a level, in the plural.
pub fn plural(level: Level) -> String {
    format!("{}s", level.name())
}

/// Returns text with its first letter as a capital.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
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
