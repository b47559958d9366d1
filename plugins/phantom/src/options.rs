use serde::{Deserialize, Serialize};

use crate::PhantomError;

/// The settings of a synthetic cohort. Two cohorts of equal settings are equal byte for byte.
///
/// ```
/// use pe_phantom::PhantomOptions;
/// let options = PhantomOptions { n_exams: 3, size: 64, ..PhantomOptions::default() };
/// assert!(options.check().is_ok());
/// assert!(PhantomOptions { min_slices: 39, ..options }.check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomOptions {
    /// Exams in the cohort, 1 to 10,000. Default 12.
    pub n_exams: usize,
    /// Rows and columns of a slice, pixels, 32 to 1024. The anatomy does not depend on it.
    /// Default 512.
    pub size: usize,
    /// The fewest slices of an exam, 40 to 320. Default 40.
    pub min_slices: usize,
    /// The most slices of an exam, `min_slices` to 320. Default 64.
    pub max_slices: usize,
    /// The share of the exams with emboli, 0 to 1, rounded to whole exams. Default ⅓, as in the
    /// RSNA-STR data set (2,368 of 7,279).
    pub pe_share: f64,
    /// Factor on the noise of every exam, 0 (none) to 5. Default 1.
    pub noise: f64,
    /// Seed of everything random. Default 7.
    pub seed: u64,
}

impl Default for PhantomOptions {
    fn default() -> Self {
        Self {
            n_exams: 12,
            size: 512,
            min_slices: 40,
            max_slices: 64,
            pe_share: 1.0 / 3.0,
            noise: 1.0,
            seed: 7,
        }
    }
}

impl PhantomOptions {
    /// Checks every option's range.
    ///
    /// # Errors
    /// [`PhantomError::Option`] naming the first option that is out of range.
    pub fn check(&self) -> Result<(), PhantomError> {
        whole("n_exams", self.n_exams, 1, 10_000)?;
        whole("size", self.size, 32, 1024)?;
        whole("min_slices", self.min_slices, 40, 320)?;
        whole("max_slices", self.max_slices, self.min_slices, 320)?;
        real("pe_share", self.pe_share, 0.0, 1.0)?;
        real("noise", self.noise, 0.0, 5.0)
    }

    /// An index from a script as one of this cohort's exams.
    ///
    /// # Errors
    /// [`PhantomError::ExamIndex`] unless it is in `0..n_exams`.
    pub fn exam_idx(&self, exam_idx: impl Into<i64>) -> Result<usize, PhantomError> {
        let exam_idx = exam_idx.into();
        let wrong = || PhantomError::ExamIndex {
            n_exams: self.n_exams,
            found: exam_idx,
        };
        let found = usize::try_from(exam_idx).map_err(|_| wrong())?;
        (found < self.n_exams).then_some(found).ok_or_else(wrong)
    }

    /// As [`PhantomOptions::check`], and that the cohort has an exam `exam_idx`.
    ///
    /// # Errors
    /// Those of [`PhantomOptions::check`], and [`PhantomError::ExamIndex`].
    pub fn check_exam(&self, exam_idx: usize) -> Result<(), PhantomError> {
        self.check()?;
        if exam_idx < self.n_exams {
            return Ok(());
        }
        Err(PhantomError::ExamIndex {
            n_exams: self.n_exams,
            found: i64::try_from(exam_idx).unwrap_or(i64::MAX),
        })
    }
}

fn whole(
    option: &'static str,
    value: usize,
    least: usize,
    most: usize,
) -> Result<(), PhantomError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(PhantomError::Option {
        option,
        expected: format!("{least} to {most}"),
        found: value.to_string(),
    })
}

fn real(option: &'static str, value: f64, least: f64, most: f64) -> Result<(), PhantomError> {
    // A NaN is in no range, so it is refused here too.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(PhantomError::Option {
        option,
        expected: format!("{least} to {most}"),
        found: value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_has_a_range() {
        let check = |set: fn(&mut PhantomOptions), expected: Option<&str>| {
            let mut options = PhantomOptions::default();
            set(&mut options);
            let found = options.check().err().map(|error| match error {
                PhantomError::Option { option, .. } => option,
                other => panic!("expected an option error, found {other}"),
            });
            assert_eq!(found, expected);
        };
        check(|_| {}, None);
        check(|options| options.n_exams = 0, Some("n_exams"));
        check(|options| options.size = 31, Some("size"));
        check(|options| options.size = 1025, Some("size"));
        check(|options| options.min_slices = 39, Some("min_slices"));
        check(|options| options.max_slices = 39, Some("max_slices"));
        check(|options| options.max_slices = 321, Some("max_slices"));
        check(|options| options.max_slices = 320, None);
        check(|options| options.pe_share = f64::NAN, Some("pe_share"));
        check(|options| options.pe_share = 1.1, Some("pe_share"));
        check(|options| options.noise = -0.1, Some("noise"));
    }

    #[test]
    fn an_exam_index_is_below_the_count() {
        let options = PhantomOptions::default();
        assert!(options.check_exam(11).is_ok());
        assert!(matches!(
            options.check_exam(12),
            Err(PhantomError::ExamIndex {
                n_exams: 12,
                found: 12
            })
        ));
    }
}
