//! The numbers, against numpy's and against a plain computation on sorted voxels.

use ndarray::{Array3, s};
use pe_binding::Work;
use pe_ct::{CtError, Mask, Spacing, Volume};
use pe_example::{ExampleError, HuStatistics, StatisticsOptions, statistics};
use proptest::prelude::*;

const SPACING: Spacing = Spacing {
    slice_mm: 1.0,
    row_mm: 1.0,
    col_mm: 1.0,
};

/// Statistics of these voxels, in slices of one voxel, with voxels outside the mask between them.
fn of(voxels: &[i16], options: StatisticsOptions) -> Result<HuStatistics, ExampleError> {
    let mut hu = Array3::from_elem((voxels.len(), 1, 2), 3000_i16);
    let mut inside = Array3::from_elem(hu.dim(), false);
    for (slice_idx, voxel) in voxels.iter().enumerate() {
        hu[[slice_idx, 0, 0]] = *voxel;
    }
    inside.slice_mut(s![.., .., 0]).fill(true);
    let volume = Volume::unnamed("test", SPACING, hu);
    let mask = Mask::new(inside, SPACING, "test");
    statistics(&volume, &mask, &options, &Work::silent())
}

/// The expected numbers are numpy 2's `mean`, `std` and `percentile(·, [0, 25, 50, 95, 100])`.
#[test]
fn the_numbers_are_numpys() {
    let check = |voxels: &[i16], mean_hu: f64, sd_hu: f64, percentiles: [f64; 5]| {
        let found = of(voxels, StatisticsOptions::default()).expect("there are voxels");
        assert_eq!(found.n_voxels(), voxels.len() as u64);
        assert!((found.mean_hu() - mean_hu).abs() < 1e-9, "{found:.20}");
        assert!((found.sd_hu() - sd_hu).abs() < 1e-9, "{found:.20}");
        for (percent, expected) in [0.0, 25.0, 50.0, 95.0, 100.0].into_iter().zip(percentiles) {
            let hu = found.percentile(percent).expect("a percentile");
            assert!((hu - expected).abs() < 1e-9, "{percent}: {hu}");
        }
    };
    check(&[7], 7.0, 0.0, [7.0; 5]);
    check(
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        4.5,
        2.872281323269014,
        [0.0, 2.25, 4.5, 8.55, 9.0],
    );
    check(
        &[-1000, 40, 300, -1024, 40, 55, -800, 2, 700, 41, 39],
        -146.0909090909091,
        525.9829680176233,
        [-1024.0, -399.0, 40.0, 500.0, 700.0],
    );
    check(
        &[i16::MIN, i16::MAX],
        -0.5,
        32767.5,
        [-32768.0, -16384.25, -0.5, 29490.25, 32767.0],
    );
}

#[test]
fn only_voxels_in_range_count() {
    let check = |lower_hu, upper_hu, expected: Result<u64, ExampleError>| {
        let options = StatisticsOptions { lower_hu, upper_hu };
        let found = of(&[-1000, 100, 150, 700], options).map(|found| found.n_voxels());
        assert_eq!(found, expected);
    };
    check(100, 700, Ok(3));
    check(101, 699, Ok(1));
    let (lower_hu, upper_hu) = (701, 800);
    check(
        lower_hu,
        upper_hu,
        Err(ExampleError::NoVoxels { lower_hu, upper_hu }),
    );
    let (lower_hu, upper_hu) = (700, 100);
    check(
        lower_hu,
        upper_hu,
        Err(ExampleError::Range { lower_hu, upper_hu }),
    );
}

#[test]
fn a_mask_of_another_volume_is_refused() {
    let volume = Volume::unnamed("test", SPACING, Array3::zeros((2, 3, 4)));
    let mask = Mask::new(Array3::from_elem((2, 4, 3), true), SPACING, "test");
    let found = statistics(
        &volume,
        &mask,
        &StatisticsOptions::default(),
        &Work::silent(),
    );
    let (expected, shape) = ((2, 3, 4), (2, 4, 3));
    assert_eq!(
        found,
        Err(ExampleError::Ct(CtError::Shape {
            expected,
            found: shape
        }))
    );
}

proptest! {
    #[test]
    fn any_voxels_agree_with_the_sorted_ones(
        mut voxels in proptest::collection::vec(any::<i16>(), 1..200),
        percent in 0.0..100.0_f64,
    ) {
        let found = of(&voxels, StatisticsOptions::default()).expect("there are voxels");
        voxels.sort_unstable();
        let n = voxels.len() as f64;
        let mean = voxels.iter().map(|&hu| f64::from(hu)).sum::<f64>() / n;
        let variance = voxels.iter().map(|&hu| (f64::from(hu) - mean).powi(2)).sum::<f64>() / n;
        prop_assert!((found.mean_hu() - mean).abs() < 1e-6);
        prop_assert!((found.sd_hu() - variance.sqrt()).abs() < 1e-6);
        let below = (percent / 100.0 * (n - 1.0)).floor() as usize;
        let hu = found.percentile(percent).expect("a percentile");
        let above = voxels[(below + 1).min(voxels.len() - 1)];
        prop_assert!(f64::from(voxels[below]) <= hu && hu <= f64::from(above));
    }
}
