use pe_binding::{Interrupted, Work};
use rayon::prelude::*;

/// The bootstrap over exams: exams are drawn with replacement, each with all its samples, because
/// the slices of one exam depend on each other (Field & Welsh, JRSS B 69:369, 2007).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub replicates: usize,
    /// Seed of the random draws.
    pub seed: u64,
    /// Number of exams, which is also the number of draws in each resample.
    pub n_exams: usize,
}

impl Bootstrap {
    /// Returns how often each exam is drawn in one replicate. The draws depend only on the seed,
    /// the replicate and the draw's number, not on what ran before or on which thread.
    ///
    /// ```
    /// use pe_metrics::Bootstrap;
    /// let bootstrap = Bootstrap { replicates: 10, seed: 1, n_exams: 4 };
    /// let times = bootstrap.multiplicities(3);
    /// assert_eq!(times.iter().sum::<u32>(), 4);
    /// assert_eq!(times, bootstrap.multiplicities(3));
    /// ```
    pub fn multiplicities(&self, replicate: usize) -> Vec<u32> {
        let key = mix(mix(self.seed).wrapping_add(replicate as u64));
        let mut times = vec![0; self.n_exams];
        for draw in 0..self.n_exams as u64 {
            let bits = mix(key.wrapping_add(draw.wrapping_mul(GOLDEN)));
            // The high half of the product is uniform on 0..n_exams, up to 2^-64 times n_exams.
            let exam = (u128::from(bits) * self.n_exams as u128) >> 64;
            times[exam as usize] += 1;
        }
        times
    }

    /// Computes the statistic of every replicate, in order, on all cores.
    ///
    /// # Errors
    /// [`Interrupted`] when the user asks to stop.
    pub fn run<T: Send>(
        &self,
        statistic: impl Fn(&[u32]) -> T + Sync,
        work: &Work,
    ) -> Result<Vec<T>, Interrupted> {
        let task = work.task("bootstrap", self.replicates, "resamples");
        (0..self.replicates)
            .into_par_iter()
            .map(|replicate| {
                work.check()?;
                let value = statistic(&self.multiplicities(replicate));
                task.advance(1);
                Ok(value)
            })
            .collect()
    }
}

/// 2^64 over the golden ratio, odd: SplitMix64's step.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 as a function of its counter (Steele, Lea & Flood, OOPSLA 2014).
fn mix(counter: u64) -> u64 {
    let z = counter.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns the interval between two percentiles of a statistic's replicates, as (low, high), with
/// linear interpolation between order statistics (NumPy's default). Replicates that are not finite,
/// because the statistic is undefined there, are left out; NaN if none is left.
///
/// ```
/// use pe_metrics::percentile_interval;
/// let replicates: Vec<f64> = (0..=100).map(f64::from).collect();
/// let (low, high) = percentile_interval(replicates, 0.9);
/// assert!((low - 5.0).abs() < 1e-9 && (high - 95.0).abs() < 1e-9);
/// assert!(percentile_interval(vec![f64::NAN], 0.9).0.is_nan());
/// ```
pub fn percentile_interval(replicates: Vec<f64>, confidence: f64) -> (f64, f64) {
    let mut finite = replicates;
    finite.retain(|value| value.is_finite());
    finite.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    (quantile(&finite, tail), quantile(&finite, 1.0 - tail))
}

/// Computes the two-sided p value of a difference from its replicates: twice the share of
/// replicates on the rarer side of 0, where 0 itself is on both. It is below 1 − confidence if the
/// percentile interval of that confidence does not contain 0. The observed difference counts as one
/// more replicate on that side, so that p is never 0 (Davison & Hinkley, Bootstrap Methods and
/// their Application, 1997, eq. 4.11): 1000 replicates give at least 0.002.
///
/// Replicates that are not finite are left out; NaN if none is left. 1 if nothing differs.
///
/// ```
/// use pe_metrics::bootstrap_p;
/// let mostly_better: Vec<f64> = (-9..=90).map(f64::from).collect(); // 10 of 100 not above 0
/// assert!((bootstrap_p(&mostly_better) - 2.0 * 11.0 / 101.0).abs() < 1e-12);
/// assert_eq!(bootstrap_p(&[0.0; 10]), 1.0);
/// assert!(bootstrap_p(&[f64::NAN]).is_nan());
/// ```
pub fn bootstrap_p(deltas: &[f64]) -> f64 {
    let finite = || deltas.iter().filter(|delta| delta.is_finite());
    let n_finite = finite().count();
    if n_finite == 0 {
        return f64::NAN;
    }
    let n_below = finite().filter(|delta| **delta <= 0.0).count();
    let n_above = finite().filter(|delta| **delta >= 0.0).count();
    let rarer = (n_below.min(n_above) + 1) as f64 / (n_finite + 1) as f64;
    (2.0 * rarer).min(1.0)
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exam_is_drawn_as_often_as_another() {
        let bootstrap = Bootstrap {
            replicates: 20_000,
            seed: 7,
            n_exams: 5,
        };
        let mut totals = [0_u32; 5];
        for replicate in 0..bootstrap.replicates {
            for (total, times) in totals.iter_mut().zip(bootstrap.multiplicities(replicate)) {
                *total += times;
            }
        }
        // 100,000 draws, each exam with p = 0.2: the standard deviation of a total is 126.
        for total in totals {
            assert!(total.abs_diff(20_000) < 5 * 126, "{totals:?}");
        }
    }

    #[test]
    fn another_seed_or_replicate_draws_otherwise() {
        let draws = |seed, replicate| {
            let bootstrap = Bootstrap {
                replicates: 1,
                seed,
                n_exams: 50,
            };
            bootstrap.multiplicities(replicate)
        };
        assert_ne!(draws(0, 0), draws(0, 1));
        assert_ne!(draws(0, 1), draws(1, 0));
        assert_ne!(draws(0, 0), draws(1, 0));
    }
}
