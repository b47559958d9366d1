//! Recognises names of reconstruction kernels among other text.

/// Maximum number of values of ConvolutionKernel: the kernel, and the strength of an iterative
/// reconstruction.
const MAX_VALUES: usize = 2;

/// Vendors' names without a number. The last two are those of the synthetic cohort.
const NAMES: &[&str] = &[
    "STANDARD",
    "STND",
    "LUNG",
    "CHEST",
    "BONE",
    "BONEPLUS",
    "SOFT",
    "DETAIL",
    "EDGE",
    "ULTRA",
    "SHARP",
    "SMOOTH",
    "BODY",
    "BRAIN",
    "HEAD",
    "IMR",
    "SYNTHETIC SOFT",
    "SYNTHETIC SHARP",
];

/// Returns whether a text names reconstruction kernels. The attribute is free text that may hold
/// anything, and scripts and reports show it. So only vendors' names are accepted: a known one, or a
/// short word such as `B`, `YA`, `11`, `B30f`, `Br40d`, `FC08-H`.
pub(crate) fn is_kernel(text: &str) -> bool {
    text.split('\\').count() <= MAX_VALUES && text.split('\\').all(is_name)
}

/// The sharpness of a kernel among those of its vendor, from 0 to 100. It is the number in the name for
/// vendors that number them (`B30f`, `Br40`, `FC08`), or the rank in the vendor's own order for others.
/// `None` for an unknown kernel.
pub(crate) fn sharpness(kernel: &str) -> Option<i64> {
    let name = kernel.split('\\').next()?.trim().to_ascii_uppercase();
    let known = SHARPNESS.iter().find(|(known, _)| *known == name);
    if let Some((_, sharpness)) = known {
        return Some(*sharpness);
    }
    let digits: String = (name.chars().skip_while(|c| !c.is_ascii_digit()))
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// Kernels without a number in their name, in the order of GE, then of Philips.
const SHARPNESS: &[(&str, i64)] = &[
    ("SYNTHETIC SOFT", 20),
    ("SMOOTH", 15),
    ("SOFT", 20),
    ("STND", 30),
    ("STANDARD", 30),
    ("BODY", 30),
    ("CHEST", 35),
    ("DETAIL", 45),
    ("LUNG", 60),
    ("BONE", 70),
    ("BONEPLUS", 80),
    ("ULTRA", 85),
    ("EDGE", 90),
    ("SHARP", 80),
    ("SYNTHETIC SHARP", 80),
    ("A", 20),
    ("B", 30),
    ("UB", 30),
    ("C", 40),
    ("D", 50),
    ("L", 60),
    ("YA", 60),
    ("YB", 65),
    ("E", 70),
];

fn is_name(text: &str) -> bool {
    let is_known = NAMES.iter().any(|name| name.eq_ignore_ascii_case(text));
    is_known || is_short_word(text)
}

/// A short word has up to three letters, then up to three digits. After digits may follow up to two
/// letters, and up to two more characters after an optional `-` or `+`.
fn is_short_word(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic();
    let Some((first, rest)) = run(text, 3, letter) else {
        return false;
    };
    let Some((digits, rest)) = run(rest, 3, |c| c.is_ascii_digit()) else {
        return false;
    };
    if digits.is_empty() {
        return !first.is_empty() && rest.is_empty();
    }
    let Some((_, rest)) = run(rest, 2, letter) else {
        return false;
    };
    let variant = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let variant = run(variant, 2, |c| c.is_ascii_alphanumeric());
    variant.is_some_and(|(_, rest)| rest.is_empty())
}

/// Splits leading characters of one kind off; `None` if there are more than `most`.
fn run(text: &str, most: usize, is_kind: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_kind(c)).unwrap_or(text.len());
    (end <= most).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_kernels_come_before_sharp_ones() {
        let check = |soft: &str, sharp: &str| {
            let (a, b) = (sharpness(soft).unwrap(), sharpness(sharp).unwrap());
            assert!(a < b, "{soft} {a}, {sharp} {b}");
        };
        check("B30f", "B70f");
        check("Br40d\\3", "Bl57d\\3");
        check("FC08-H", "FC51");
        check("STANDARD", "LUNG");
        check("Soft", "BonePlus");
        check("B", "YB");
        check("SYNTHETIC SOFT", "SYNTHETIC SHARP");
        assert_eq!(sharpness("IMR"), None);
    }

    #[test]
    fn a_kernel_is_what_vendors_write() {
        let check = |text: &str, expected: bool| assert_eq!(is_kernel(text), expected, "{text:?}");
        for name in [
            "B30f",
            "Br40d\\3",
            "I31f\\3",
            "FC08-H",
            "FC51",
            "FL04",
            "QR40d",
            "Hr40f",
            "B",
            "C",
            "L",
            "A",
            "UB",
            "YA",
            "YB",
            "11",
            "STANDARD",
            "Standard",
            "LUNG",
            "BONEPLUS",
            "EDGE",
            "SYNTHETIC SOFT",
        ] {
            check(name, true);
        }
        for other in [
            "",
            "\\",
            "B30f\\",
            "SMITH JOHN",
            "SMITH JOHN\\born 1.1.1970",
            "SMITH",
            "SMITH1",
            "B30f\\SMITH",
            "B30f\\3\\3",
            "DOE^JANE",
            "1970",
            "19700101",
            "1.1.1970",
            "MRN4711",
            "B30f ",
            "LEE-KIM",
            "B30f-MARY",
            "B30f\x1b",
        ] {
            check(other, false);
        }
    }
}
