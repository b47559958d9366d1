//! Stored values to HU: padding before rescale, signs, odd bit depths, odd slopes.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::sync::Mutex;

use pe_binding::Work;
use pe_dicom::{DicomError, FileFault, load_only};
use proptest::prelude::*;
use written::{Ct, slice};

fn hu(file: Ct) -> Result<Vec<i16>, DicomError> {
    let folder = tempfile::tempdir().unwrap();
    let n_words = file.words.len();
    let mut words = file.words.clone();
    words.resize(24, words[0]);
    let path = Ct { words, ..file }.write(folder.path(), "a");
    let volume = load_only(&path, &Work::silent())?;
    Ok(volume.hu().iter().copied().take(n_words).collect())
}

fn check(file: Ct, words: &[u16], expected: &[i16]) {
    let words = words.to_vec();
    assert_eq!(hu(Ct { words, ..file }).unwrap(), expected);
}

#[test]
fn stored_values_become_hu() {
    let ct = || slice(0);
    check(ct(), &[0, 24, 1024, 4095], &[-1024, -1000, 0, 3071]);
    let signed = || Ct {
        signed: true,
        intercept: Some("0"),
        ..ct()
    };
    check(
        signed(),
        &[0, 24, -50_i16 as u16, -2000_i16 as u16],
        &[0, 24, -50, -1024],
    );
    // 12 bits: what lies above is no part of the value, and bit 11 is the sign.
    let twelve = |signed| Ct {
        signed,
        bits_stored: 12,
        intercept: Some("0"),
        ..ct()
    };
    check(twelve(true), &[0x0FFF, 0xF00A, 0x07FF], &[-1, 10, 2047]);
    check(twelve(false), &[0x0FFF, 0xF00A], &[4095, 10]);
    let eight = Ct {
        bits_stored: 8,
        ..ct()
    };
    check(eight, &[255], &[-769]);
}

#[test]
fn padding_is_tested_before_the_rescale() {
    let intercept = Some("-1000");
    let padded = |padding| Ct {
        padding,
        intercept,
        ..slice(0)
    };
    check(padded(Some((2000, None))), &[2000, 2001], &[-1024, 1001]);
    check(
        padded(Some((2000, Some(2010)))),
        &[2000, 2010, 2011],
        &[-1024, -1024, 1011],
    );
    check(
        padded(Some((2010, Some(2000)))),
        &[2005, 1999],
        &[-1024, 999],
    );
    let signed = Ct {
        signed: true,
        slope: Some("2"),
        ..padded(Some((-2000_i16 as u16, None)))
    };
    check(signed, &[-2000_i16 as u16, 10], &[-1024, -980]);
}

#[test]
fn a_slope_that_is_no_whole_number_is_rounded_to_the_nearest() {
    let half = Ct {
        slope: Some("0.5"),
        intercept: Some("0"),
        ..slice(0)
    };
    check(half, &[0, 1, 2, 3, 5], &[0, 1, 1, 2, 3]);
    let negative = Ct {
        slope: Some("-0.5"),
        intercept: Some("0"),
        ..slice(0)
    };
    check(negative, &[1, 2, 3, 4], &[-1, -1, -2, -2]);
}

#[test]
fn what_16_bits_cannot_hold_is_an_error() {
    let check = |slope: &'static str, intercept: &'static str, word: u16| {
        let (slope, intercept) = (Some(slope), Some(intercept));
        let error = hu(Ct {
            slope,
            intercept,
            words: vec![word],
            ..slice(0)
        })
        .unwrap_err();
        let DicomError::File { fault, .. } = error else {
            panic!("expected a fault of the file, found {error}");
        };
        assert!(matches!(fault, FileFault::HuRange { .. }), "{fault}");
    };
    check("1", "0", 32_768);
    check("16000", "0", 3);
    check("0.6", "0", 65_535);
    check("1", "16000000", 0);
    check("1", "1e300", 0);
}

/// A text for as long as the program runs; held, so that LeakSanitizer does not take it for lost.
fn kept(text: String) -> &'static str {
    static KEPT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let text = text.leak();
    KEPT.lock().unwrap().push(text);
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whole_and_fractional_arithmetic_agree(
        words in prop::collection::vec(any::<u16>(), 24),
        signed: bool,
        bits_stored in 8..=14_u16,
        slope in -3..=3_i32,
        intercept in -3000..3000_i32,
    ) {
        prop_assume!(slope != 0);
        let text = |value: String| Some(kept(value));
        let at = |intercept| Ct {
            words: words.clone(), signed, bits_stored,
            slope: text(slope.to_string()), intercept, ..slice(0)
        };
        // A thousandth takes the other path and rounds away.
        let whole = hu(at(text(intercept.to_string()))).ok();
        let nearly = hu(at(text(format!("{intercept}.001")))).ok();
        prop_assert_eq!(whole, nearly);
    }
}
