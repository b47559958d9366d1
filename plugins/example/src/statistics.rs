use std::fmt;
use std::sync::Arc;

use ndarray::Axis;
use ndarray::parallel::prelude::*;
use pe_binding::Work;
use pe_ct::{Mask, Volume};

use crate::histogram::Histogram;
use crate::{ExampleError, StatisticsOptions};

/// Distribution of the HU of at least one voxel. Cheap to clone: the counts are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct HuStatistics {
    histogram: Arc<Histogram>,
    n_voxels: u64,
    mean_hu: f64,
    sd_hu: f64,
}

/// Computes the statistics of the voxels of `volume` that are inside `mask` and whose HU count,
/// with the slices in parallel. The result does not depend on the number of threads.
///
/// # Errors
/// [`ExampleError`] when the options are invalid, the mask is of another volume, no voxel counts,
/// or the user asks to stop.
pub fn statistics(
    volume: &Volume,
    mask: &Mask,
    options: &StatisticsOptions,
    work: &Work,
) -> Result<HuStatistics, ExampleError> {
    let options = options.validated()?;
    mask.check_fits(volume)?;
    let task = work.task("HU statistics", volume.n_slices(), "slices");
    let histogram = volume
        .hu()
        .axis_iter(Axis(0))
        .into_par_iter()
        .zip(mask.voxels().axis_iter(Axis(0)))
        .try_fold(Histogram::empty, |mut histogram, (hu, inside)| {
            task.check()?;
            ndarray::Zip::from(hu).and(inside).for_each(|&hu, &inside| {
                if inside && options.counts(hu) {
                    histogram.count(hu);
                }
            });
            task.advance(1);
            Ok::<_, ExampleError>(histogram)
        })
        .try_reduce(Histogram::empty, |one, other| Ok(one.merged(&other)))?;
    HuStatistics::of(histogram).ok_or(ExampleError::NoVoxels {
        lower_hu: options.lower_hu,
        upper_hu: options.upper_hu,
    })
}

impl HuStatistics {
    /// Computes mean and standard deviation; returns `None` without voxels. Sums are integers until
    /// the last division, so the order of adding does not change them.
    fn of(histogram: Histogram) -> Option<Self> {
        let n_voxels = histogram.n_voxels();
        if n_voxels == 0 {
            return None;
        }
        let (mut sum, mut squares) = (0_i128, 0_i128);
        for (hu, count) in histogram.occurring() {
            sum += i128::from(hu) * i128::from(count);
            squares += i128::from(hu) * i128::from(hu) * i128::from(count);
        }
        let n = i128::from(n_voxels);
        Some(Self {
            histogram: Arc::new(histogram),
            n_voxels,
            mean_hu: sum as f64 / n as f64,
            sd_hu: ((n * squares - sum * sum) as f64).sqrt() / n as f64,
        })
    }

    /// The number of voxels that count; at least 1.
    pub fn n_voxels(&self) -> u64 {
        self.n_voxels
    }

    /// Mean of the voxels, HU.
    pub fn mean_hu(&self) -> f64 {
        self.mean_hu
    }

    /// Standard deviation of the voxels, HU, divided by n, as numpy's `std`.
    pub fn sd_hu(&self) -> f64 {
        self.sd_hu
    }

    /// Returns the HU below which `percent` per cent of the voxels lie, interpolated linearly
    /// between neighbours in order, as numpy's `percentile`.
    ///
    /// # Errors
    /// [`ExampleError::Percentile`] unless `percent` is from 0 to 100.
    pub fn percentile(&self, percent: f64) -> Result<f64, ExampleError> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(ExampleError::Percentile { found: percent });
        }
        let last = self.n_voxels - 1;
        let place = percent / 100.0 * last as f64;
        let below = place.floor() as u64;
        let hu = |rank: u64| {
            self.histogram
                .at_rank(rank.min(last))
                .map_or(0.0, f64::from)
        };
        let (low, high) = (hu(below), hu(below + 1));
        Ok(low + (high - low) * place.fract())
    }
}

impl fmt::Display for HuStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_voxels, mean, sd) = (self.n_voxels, self.mean_hu, self.sd_hu);
        write!(f, "{n_voxels} voxels, {mean:.1} ± {sd:.1} HU")
    }
}
