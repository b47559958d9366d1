/// One axis of a plot: its range and its ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Label of the axis, with its unit.
    pub label: String,
    /// The least value shown.
    pub lower: f64,
    /// The greatest value shown; above `lower`.
    pub upper: f64,
    /// Values with a tick and a number.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Creates an axis over [0, 1], with a tick each fifth.
    pub fn unit(label: &str) -> Self {
        Self {
            label: label.into(),
            lower: 0.0,
            upper: 1.0,
            ticks: (0..=5).map(|n| f64::from(n) / 5.0).collect(),
        }
    }

    /// Creates an axis that includes all `values` that are numbers, begins and ends on round
    /// numbers and has about `n_ticks` ticks.
    pub fn around(label: &str, values: impl IntoIterator<Item = f64>, n_ticks: usize) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (least, greatest) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |range, value| {
            (range.0.min(value), range.1.max(value))
        });
        let (least, greatest) = match greatest - least {
            0.0 => (
                least - 0.5 * least.abs().max(1e-9),
                least + 0.5 * least.abs().max(1e-9),
            ),
            span if span > 0.0 => (least, greatest),
            _ => (0.0, 1.0),
        };
        let step = round_step((greatest - least) / n_ticks.max(1) as f64);
        // The allowance keeps a value on a round number from adding one more step by rounding.
        let first = (least / step + 1e-9).floor();
        let last = (greatest / step - 1e-9).ceil();
        Self {
            label: label.into(),
            lower: first * step,
            upper: last * step,
            ticks: multiples(first, last, step),
        }
    }

    /// Like [`Axis::around`], but ends with the values: for an axis of time.
    pub fn tight(label: &str, lower: f64, upper: f64, n_ticks: usize) -> Self {
        Self {
            label: label.into(),
            lower,
            upper: if upper > lower { upper } else { lower + 1.0 },
            ticks: rounded_ticks(lower, upper, n_ticks),
        }
    }

    /// Returns the position of `value` between the axis's ends, 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        (value - self.lower) / (self.upper - self.lower)
    }

    /// Formats a tick's value, with as many decimals as its neighbours need.
    pub fn tick_text(&self, value: f64) -> String {
        let step = self
            .ticks
            .windows(2)
            .next()
            .map_or(1.0, |two| two[1] - two[0]);
        let largest = self.lower.abs().max(self.upper.abs());
        if largest > 0.0 && !(5e-3..1e5).contains(&largest) {
            let text = format!("{value:.1e}");
            return if value == 0.0 {
                "0".into()
            } else {
                text.replace(".0e", "e")
            };
        }
        let decimals = (-(step + 1e-12).log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.decimals$}")
    }
}

/// Returns about `n` round numbers in [lower, upper].
pub fn rounded_ticks(lower: f64, upper: f64, n: usize) -> Vec<f64> {
    let step = round_step((upper - lower) / n.max(1) as f64);
    let first = (lower / step - 1e-9).ceil();
    multiples(first, (upper / step + 1e-9).floor(), step)
}

/// Returns `first × step` to `last × step`, computed so that 3 × 0.1 is 0.3.
fn multiples(first: f64, last: f64, step: f64) -> Vec<f64> {
    let n = (last - first).max(0.0) as usize;
    let multiple = |n: usize| {
        let value = (first + n as f64) * step;
        let tidy = (value * 1e9).round() / 1e9;
        if value.abs() > 1e-3 { tidy } else { value }
    };
    (0..=n).map(multiple).collect()
}

/// Returns the least of 1, 2, 5 × 10ⁿ that is at least `step`.
fn round_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10.0_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|n| *n >= step * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let check = |lower, upper, n, expected: &[f64]| {
            assert_eq!(
                rounded_ticks(lower, upper, n),
                expected,
                "{lower} to {upper}"
            );
        };
        check(0.0, 1.0, 5, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        check(1.0, 12.0, 4, &[5.0, 10.0]);
        check(0.0, 319.0, 4, &[0.0, 100.0, 200.0, 300.0]);
        check(3.0, 3.0, 4, &[3.0]);
    }

    #[test]
    fn an_axis_holds_its_values() {
        let check = |values: &[f64], lower, upper| {
            let axis = Axis::around("loss", values.iter().copied(), 4);
            assert_eq!((axis.lower, axis.upper), (lower, upper), "{values:?}");
        };
        check(&[0.13, 0.69], 0.0, 0.8);
        check(&[0.5, f64::NAN, 0.9], 0.5, 0.9);
        check(&[], 0.0, 1.0);
        for value in [0.0, 1.0, -2.0, 1e-4] {
            let axis = Axis::around("one value", [value], 4);
            assert!(axis.lower < axis.upper, "{axis:?}");
            assert!((0.0..=1.0).contains(&axis.share(value)), "{axis:?}");
        }
    }

    #[test]
    fn tick_texts_have_the_decimals_of_their_step() {
        let check = |values: &[f64], expected: &[&str]| {
            let axis = Axis::around("", values.iter().copied(), 4);
            let texts: Vec<String> = axis
                .ticks
                .iter()
                .map(|tick| axis.tick_text(*tick))
                .collect();
            assert_eq!(texts, expected, "{values:?}");
        };
        check(&[0.0, 1.0], &["0.0", "0.5", "1.0"]);
        check(&[0.0, 20.0], &["0", "5", "10", "15", "20"]);
        check(&[0.0, 1e-4], &["0", "5e-5", "1e-4"]);
        check(&[0.0, 1e-3], &["0", "5e-4", "1e-3"]);
    }
}
