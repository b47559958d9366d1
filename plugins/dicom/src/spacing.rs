//! The distance between the voxels of an ordered stack, with findings where it varies.

use std::path::Path;

use pe_ct::{Finding, Spacing};

use crate::FindingKind;
use crate::stack::Slice;

/// Steps that differ from the median by more than this share of it count as uneven.
const UNEVEN: f64 = 0.1;
/// Steps longer than this many medians count as gaps.
const GAP: f64 = 1.5;

/// The distances between voxels: the median step between slices, and their PixelSpacing.
pub(crate) fn spacing_of(
    slices: &[Slice],
    place: &Path,
    findings: &mut Vec<Finding>,
) -> Result<Spacing, Finding> {
    let missing = |what: &str| Finding::new(place, FindingKind::MissingSpacing, what);
    let positive = |value: f64| (value > 0.0).then_some(value);
    let first = slices[0].facts();
    let of = |slice: &Slice| slice.facts().pixel_spacing.unwrap_or_default();
    let [row_mm, col_mm] = of(&slices[0]);
    if positive(row_mm).is_none() || positive(col_mm).is_none() {
        return Err(missing("no PixelSpacing above 0 mm in the first slice"));
    }
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-3 * b;
    for slice in slices {
        let [row, col] = of(slice);
        if !same(row, row_mm) || !same(col, col_mm) {
            let reason = format!("expected {row_mm} × {col_mm} mm a pixel, found {row} × {col}");
            findings.push(slice.finding(FindingKind::MixedPixelSpacing, reason));
        }
    }
    let slice_mm = if slices.len() == 1 {
        let thickness = first.slice_thickness.and_then(positive);
        let known = thickness.or(first.spacing_between.and_then(positive));
        let known = known.ok_or_else(|| missing("one slice, and no SliceThickness above 0 mm"))?;
        let reason = format!("one slice; its thickness, {known} mm, stands for the spacing");
        findings.push(Finding::new(place, FindingKind::SingleSlice, reason));
        known
    } else {
        median_step(slices, findings)
    };
    if positive(slice_mm).is_none() {
        return Err(missing("no distance between slices above 0 mm"));
    }
    Ok(Spacing {
        slice_mm,
        row_mm,
        col_mm,
    })
}

/// Returns the median step, with a finding for every gap and one for all uneven steps.
fn median_step(slices: &[Slice], findings: &mut Vec<Finding>) -> f64 {
    let steps: Vec<f64> = slices
        .windows(2)
        .map(|pair| pair[1].position_mm - pair[0].position_mm)
        .collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut uneven = Vec::new();
    for (step, pair) in steps.iter().zip(slices.windows(2)) {
        let after = &pair[1];
        if *step > GAP * median {
            let n_missing = (step / median).round() as usize - 1;
            let reason = format!(
                "expected a step of {median:.3} mm before this slice, found {step:.3} mm: {} missing",
                n_missing.max(1)
            );
            findings.push(after.finding(FindingKind::MissingSlices, reason));
        } else if (step - median).abs() > UNEVEN * median {
            uneven.push((after, *step));
        }
    }
    if let Some((after, step)) = uneven.first() {
        let reason = format!(
            "expected even steps of {median:.3} mm, found {} others, the first of {step:.3} mm before this slice",
            uneven.len()
        );
        findings.push(after.finding(FindingKind::UnevenSpacing, reason));
    }
    median
}
