//! The quality of a mask: counts slice by slice, and findings that are out of range.

use pe_ct::{Lung, MaskFinding, MaskFindingKind, MaskQuality, Spacing};

use crate::bitmap::{Bitmap, WORD};
use crate::lungs::Pair;

/// Lungs smaller than this together, ml, are small: an adult has 3000 to 6000 at full inspiration.
const SMALL_ML: f64 = 1000.0;

/// Range of left volume divided by right volume; 0.7 to 1.1 in health.
const RATIOS: std::ops::RangeInclusive<f64> = 0.5..=1.6;

/// Largest share of a lung's outline that the field of view may cut.
const MAX_CUT: f64 = 0.02;

/// A lung of at least this area, cm², and of at least this share of its largest area does not
/// vanish from one slice to the next.
const JUMP_CM2: f64 = 20.0;
const JUMP_SHARE: f64 = 0.15;

/// Largest share of an area that is left when it counts as vanished.
const VANISHED_SHARE: f64 = 0.1;

/// A slice of a lung of at least this area, cm², counts as removed if the mask holds less than half
/// of it.
const REMOVED_CM2: f64 = 5.0;

/// Counts of one lung in one slice, pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    area: usize,
    outline: usize,
    cut: usize,
    removed: usize,
}

/// Counts of one slice: the right and the left lung.
pub(crate) type SliceCounts = [Counts; 2];

/// Counts both lungs of a slice, and the pixels that `mask` leaves out of them.
pub(crate) fn counted(
    lungs: &Pair,
    outside: Option<&Bitmap>,
    mask: Option<&Bitmap>,
) -> SliceCounts {
    [&lungs.right, &lungs.left].map(|lung| {
        let area = lung.area();
        if area == 0 {
            return Counts::default();
        }
        let (outline, cut) = outline(lung, outside);
        let removed = mask.map_or(0, |mask| {
            let mut removed = lung.clone();
            removed.subtract(mask);
            removed.area()
        });
        Counts {
            area,
            outline,
            cut,
            removed,
        }
    })
}

/// Counts the pixels of `lung` with a neighbour, over a side, that is not lung; and those of them
/// whose neighbour lies outside the field of view or the slice.
fn outline(lung: &Bitmap, outside: Option<&Bitmap>) -> (usize, usize) {
    let (rows, cols) = (lung.rows(), lung.cols());
    let n_words = cols.div_ceil(WORD);
    let (nothing, everything) = (vec![0; n_words], vec![u64::MAX; n_words]);
    let lung_row = |row: Option<usize>| match row {
        Some(row) if row < rows => lung.row(row),
        _ => &nothing,
    };
    let outside_row = |row: Option<usize>| match (row, outside) {
        (Some(row), Some(outside)) if row < rows => outside.row(row),
        (Some(row), None) if row < rows => &nothing[..],
        _ => &everything,
    };
    let (mut n_outline, mut n_cut) = (0, 0);
    for row in (0..rows).filter(|row| lung.row(*row).iter().any(|word| *word != 0)) {
        // 64 pixels at a time. Beyond the slice's edge there is no lung, and all is outside.
        let (above, below) = (row.checked_sub(1), Some(row + 1));
        let here = lung.row(row);
        let beyond = outside_row(Some(row));
        for nth in 0..n_words {
            let word = here[nth];
            let inner = lung_row(above)[nth]
                & lung_row(below)[nth]
                & beside(here, nth, 0, 0, cols).0
                & beside(here, nth, 0, 0, cols).1;
            let (before, after) = beside(beyond, nth, 1, 1, cols);
            let edge = outside_row(above)[nth] | outside_row(below)[nth] | before | after;
            n_outline += (word & !inner).count_ones() as usize;
            n_cut += (word & edge).count_ones() as usize;
        }
    }
    (n_outline, n_cut)
}

/// Returns, for each pixel of a word, the pixel before and the one after it. `first` and `last` are
/// the pixels assumed before the first and after the last column.
fn beside(row: &[u64], nth: usize, first: u64, last: u64, cols: usize) -> (u64, u64) {
    let top = WORD - 1;
    let carried = nth
        .checked_sub(1)
        .map_or(first, |before| row[before] >> top);
    let before = row[nth] << 1 | carried;
    let mut after = row[nth] >> 1 | row.get(nth + 1).map_or(0, |next| next << top);
    if nth == (cols - 1) / WORD {
        let at = (cols - 1) % WORD;
        after = after & !(1 << at) | last << at;
    }
    (before, after)
}

/// Returns the quality of an exam's mask.
pub(crate) fn quality(slices: &[SliceCounts], spacing: Spacing) -> MaskQuality {
    let exam = Exam { slices, spacing };
    let ml = |lung| exam.ml(lung, |counts| counts.area);
    let (right_ml, left_ml) = (ml(Lung::Right), ml(Lung::Left));
    let removed_ml = [Lung::Right, Lung::Left].map(|lung| exam.ml(lung, |counts| counts.removed));
    let total = |of: fn(&Counts) -> usize| slices.iter().flatten().map(of).sum::<usize>() as f64;
    let findings = exam.findings();
    let total_ml = (right_ml + left_ml).max(f64::MIN_POSITIVE);
    MaskQuality {
        right_ml,
        left_ml,
        left_right_ratio: (right_ml > 0.0).then(|| left_ml / right_ml),
        cut_share: total(|counts| counts.cut) / total(|counts| counts.outline).max(1.0),
        removed_ml: removed_ml.iter().sum(),
        suspicion: findings
            .iter()
            .map(|finding| suspicion(finding, total_ml))
            .fold(0.0, |sum, one| sum + one),
        findings,
    }
}

/// Weight of a finding in the suspicion, 0 to 1.
fn suspicion(finding: &MaskFinding, total_ml: f64) -> f64 {
    let value = finding.value;
    let much = match finding.kind {
        MaskFindingKind::NoLung => 1.0,
        MaskFindingKind::SmallLungs => 1.0 - value / SMALL_ML,
        MaskFindingKind::UnequalLungs => 1.0 - value.min(1.0 / value),
        MaskFindingKind::CutLung => 2.0 * value,
        MaskFindingKind::Jump | MaskFindingKind::Gap => 0.5,
        MaskFindingKind::RemovedLung => 2.0 * value / total_ml,
    };
    much.clamp(0.0, 1.0)
}

/// The counts of an exam.
struct Exam<'a> {
    slices: &'a [SliceCounts],
    spacing: Spacing,
}

impl Exam<'_> {
    fn lung(&self, lung: Lung) -> impl Iterator<Item = (usize, &Counts)> {
        let nth = match lung {
            Lung::Right => 0,
            Lung::Left => 1,
        };
        let counts = self.slices.iter().map(move |slice| &slice[nth]);
        counts.enumerate()
    }

    fn ml(&self, lung: Lung, of: impl Fn(&Counts) -> usize) -> f64 {
        let pixels: usize = self.lung(lung).map(|(_, counts)| of(counts)).sum();
        pixels as f64 * self.spacing.voxel_ml()
    }

    fn cm2(&self, pixels: usize) -> f64 {
        pixels as f64 * self.spacing.row_mm * self.spacing.col_mm / 100.0
    }

    fn findings(&self) -> Vec<MaskFinding> {
        let mut findings = self.of_both();
        for lung in [Lung::Right, Lung::Left] {
            findings.extend(self.cut(lung));
            findings.extend(self.jumps(lung));
            findings.extend(self.removed(lung));
        }
        findings
    }

    /// Findings about both lungs together.
    fn of_both(&self) -> Vec<MaskFinding> {
        let full: Vec<usize> = (0..self.slices.len())
            .filter(|slice_idx| self.slices[*slice_idx].iter().any(|lung| lung.area > 0))
            .collect();
        let over = |kind, first_slice, last_slice, value| MaskFinding {
            kind,
            lung: None,
            first_slice,
            last_slice,
            value,
        };
        let (Some(&first), Some(&last)) = (full.first(), full.last()) else {
            let last = self.slices.len().saturating_sub(1);
            return vec![over(MaskFindingKind::NoLung, 0, last, 0.0)];
        };
        let mut findings = Vec::new();
        let area = |counts: &Counts| counts.area;
        let (right, left) = (self.ml(Lung::Right, area), self.ml(Lung::Left, area));
        if right + left < SMALL_ML {
            findings.push(over(MaskFindingKind::SmallLungs, first, last, right + left));
        }
        if !RATIOS.contains(&(left / right)) {
            findings.push(over(
                MaskFindingKind::UnequalLungs,
                first,
                last,
                left / right,
            ));
        }
        for pair in full.windows(2).filter(|pair| pair[1] > pair[0] + 1) {
            let n_empty = (pair[1] - pair[0] - 1) as f64;
            findings.push(over(
                MaskFindingKind::Gap,
                pair[0] + 1,
                pair[1] - 1,
                n_empty,
            ));
        }
        findings
    }

    /// Finding that the field of view cuts the lung.
    fn cut(&self, lung: Lung) -> Option<MaskFinding> {
        let outline: usize = self.lung(lung).map(|(_, counts)| counts.outline).sum();
        let cut: usize = self.lung(lung).map(|(_, counts)| counts.cut).sum();
        let value = cut as f64 / outline.max(1) as f64;
        let mut slices = self
            .lung(lung)
            .filter(|(_, counts)| counts.cut as f64 > MAX_CUT * counts.outline as f64)
            .map(|(slice_idx, _)| slice_idx);
        let first_slice = slices.next()?;
        (value > MAX_CUT).then(|| MaskFinding {
            kind: MaskFindingKind::CutLung,
            lung: Some(lung),
            first_slice,
            last_slice: slices.last().unwrap_or(first_slice),
            value,
        })
    }

    /// Findings of neighbouring slices between which the lung appears or vanishes.
    fn jumps(&self, lung: Lung) -> Vec<MaskFinding> {
        let areas: Vec<f64> = self
            .lung(lung)
            .map(|(_, counts)| self.cm2(counts.area))
            .collect();
        let largest = areas.iter().copied().fold(0.0, f64::max);
        let jumps = areas
            .windows(2)
            .enumerate()
            .filter_map(|(slice_idx, pair)| {
                let (more, less) = (pair[0].max(pair[1]), pair[0].min(pair[1]));
                let jumps =
                    more >= JUMP_CM2.max(JUMP_SHARE * largest) && less < VANISHED_SHARE * more;
                jumps.then_some(MaskFinding {
                    kind: MaskFindingKind::Jump,
                    lung: Some(lung),
                    first_slice: slice_idx,
                    last_slice: slice_idx + 1,
                    value: more,
                })
            });
        jumps.collect()
    }

    /// Finding that the mask leaves out most of the lung.
    fn removed(&self, lung: Lung) -> Option<MaskFinding> {
        let is_removed = |counts: &Counts| {
            2 * counts.removed > counts.area && self.cm2(counts.area) >= REMOVED_CM2
        };
        let mut slices = self
            .lung(lung)
            .filter(|(_, counts)| is_removed(counts))
            .map(|(slice_idx, _)| slice_idx);
        let first_slice = slices.next()?;
        Some(MaskFinding {
            kind: MaskFindingKind::RemovedLung,
            lung: Some(lung),
            first_slice,
            last_slice: slices.last().unwrap_or(first_slice),
            value: self.ml(lung, |counts| counts.removed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(rows: usize, cols: usize, at: (usize, usize), side: usize) -> Bitmap {
        let mut square = Bitmap::empty(rows, cols);
        (at.0..at.0 + side).for_each(|row| square.insert(row, at.1, at.1 + side));
        square
    }

    #[test]
    fn the_outline_is_cut_at_the_edges_of_slice_and_field() {
        for cols in [60, 64, 70, 130] {
            let apart = square(20, cols, (5, 50), 8);
            assert_eq!(outline(&apart, None), (28, 0), "{cols} columns");
            let at_edge = square(20, cols, (5, cols - 8), 8);
            assert_eq!(outline(&at_edge, None), (28, 8), "{cols} columns");
            let in_corner = square(20, cols, (0, 0), 8);
            assert_eq!(outline(&in_corner, None), (28, 15), "{cols} columns");
            // Outside the field of view from the square's left edge on.
            let mut outside = Bitmap::empty(20, cols);
            (0..20).for_each(|row| outside.insert(row, 0, 50));
            assert_eq!(outline(&apart, Some(&outside)), (28, 8), "{cols} columns");
        }
    }

    #[test]
    fn nothing_is_found_where_all_is_in_range() {
        let spacing = Spacing {
            slice_mm: 10.0,
            row_mm: 1.0,
            col_mm: 1.0,
        };
        let lung = |area| Counts {
            area,
            outline: 400,
            ..Counts::default()
        };
        let slices = vec![[lung(10_000), lung(8_000)]; 20];
        let found = quality(&slices, spacing);
        assert_eq!((found.right_ml, found.left_ml), (2000.0, 1600.0));
        assert_eq!(found.left_right_ratio, Some(0.8));
        assert_eq!((found.suspicion, found.findings.len()), (0.0, 0));
        let found = quality(&[], spacing);
        assert_eq!(found.findings[0].kind, MaskFindingKind::NoLung);
        assert_eq!(found.suspicion, 1.0);
    }
}
