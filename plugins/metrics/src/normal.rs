//! The standard normal distribution, as needed for intervals and p values.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

/// Returns the probability of a value at least as far from 0 as `z`, on either side.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// Returns the `z` that the absolute value of a normal variable stays below with that confidence:
/// 1.96 for 0.95. `confidence` must be above 0 and below 1.
pub(crate) fn two_sided_z(confidence: f64) -> f64 {
    let tail = 1.0 - confidence;
    // erfc is convex on the positive side, so Newton's method from 0 rises to the root and never
    // beyond it. 60 steps are enough down to the smallest tail above 0.
    let mut x = 0.0_f64;
    for _ in 0..60 {
        x += (libm::erfc(x) - tail) / (FRAC_2_SQRT_PI * (-x * x).exp());
    }
    x * SQRT_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_tables() {
        let check = |confidence: f64, expected: f64| {
            let z = two_sided_z(confidence);
            assert!((z - expected).abs() < 1e-9, "{confidence}: {z}");
            assert!((two_sided_p(z) - (1.0 - confidence)).abs() < 1e-12);
        };
        check(0.5, 0.674_489_750_196_082);
        check(0.9, 1.644_853_626_951_473);
        check(0.95, 1.959_963_984_540_054);
        check(0.999, 3.290_526_731_491_926);
        check(0.999_999_999, 6.109_410_209_383);
    }
}
