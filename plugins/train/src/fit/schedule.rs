use crate::options::{FitOptions, Schedule};

/// Returns the learning rate of one step.
///
/// `step` counts from 0 over all epochs. The cosine runs over the steps that remain after the
/// warm-up.
pub(crate) fn learning_rate(options: &FitOptions, step: usize, steps_per_epoch: usize) -> f64 {
    if step < options.warmup_steps {
        return options.lr * (step + 1) as f64 / options.warmup_steps as f64;
    }
    let factor = match options.schedule {
        Schedule::Constant => 1.0,
        Schedule::Step => {
            let epoch = step / steps_per_epoch.max(1);
            options.gamma.powi((epoch / options.step_epochs) as i32)
        }
        Schedule::Cosine => {
            let total = (options.epochs * steps_per_epoch).saturating_sub(options.warmup_steps);
            let done = (step - options.warmup_steps) as f64 / total.max(1) as f64;
            0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
        }
    };
    options.lr * factor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule: Schedule, warmup_steps: usize, step: usize, expected: f64) {
        let options = FitOptions {
            lr: 1.0,
            epochs: 40,
            schedule,
            warmup_steps,
            ..FitOptions::default()
        };
        let found = learning_rate(&options, step, 10);
        assert!(
            (found - expected).abs() < 1e-12,
            "{schedule:?} step {step}: {found}"
        );
    }

    #[test]
    fn schedules_begin_and_end_where_they_should() {
        check(Schedule::Constant, 0, 399, 1.0);
        check(Schedule::Step, 0, 0, 1.0);
        check(Schedule::Step, 0, 199, 1.0);
        check(Schedule::Step, 0, 200, 0.9);
        check(Schedule::Cosine, 0, 0, 1.0);
        check(Schedule::Cosine, 0, 200, 0.5);
        check(Schedule::Cosine, 0, 400, 0.0);
        check(Schedule::Cosine, 4, 0, 0.25);
        check(Schedule::Cosine, 4, 3, 1.0);
        check(Schedule::Cosine, 4, 4, 1.0);
        check(Schedule::Cosine, 0, 4000, 0.0);
    }
}
