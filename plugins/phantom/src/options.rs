use serde::{Deserialize, Serialize};

use crate::{Difficulty, LookalikeKind, PhantomError};

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
    /// Minimum number of slices of an exam, 40 to 320. Default 40.
    pub min_slices: usize,
    /// Maximum number of slices of an exam, `min_slices` to 320. Default 64.
    pub max_slices: usize,
    /// The share of the exams with emboli, 0 to 1, rounded to whole exams. Default ⅓, as in the
    /// RSNA-STR data set (2,368 of 7,279).
    pub pe_share: f64,
    /// How hard the emboli are to see. Sets the ranges of all options below that are `None`.
    /// Default [`Difficulty::Hard`].
    pub difficulty: Difficulty,
    /// The smallest and the largest share of slices that show emboli, in an exam with emboli, 0.02 to
    /// 0.8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pe_slices: Option<[f64; 2]>,
    /// The smallest and the largest number of clots in an exam with emboli, 1 to 40. The largest number
    /// holds even if `pe_slices` would need more clots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_clots: Option<[usize; 2]>,
    /// Share of the clots that begin in the main and lobar arteries, 0 to 1; the others begin in
    /// segmental ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub central_share: Option<f64>,
    /// Length of a clot along its artery, mm, 8 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clot_mm: Option<[f64; 2]>,
    /// Width of a clot relative to that of its artery, 0.3 to 0.95, for clots that leave a rim of
    /// contrast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clot_width: Option<[f64; 2]>,
    /// HU of clot before noise, 0 to 300; old clot is 18 HU denser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clot_hu: Option<[f64; 2]>,
    /// HU of the blood in the pulmonary arteries, 120 to 800. The contrast of a clot is this minus
    /// `clot_hu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artery_hu: Option<[f64; 2]>,
    /// Standard deviation of the noise in the mediastinum, HU, 0 to 100. A sharp kernel, which three
    /// exams in ten have, makes it 1.35 times as strong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_hu: Option<[f64; 2]>,
    /// Factor on the number of look-alikes, 0 (none) to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookalikes: Option<f64>,
    /// The kinds of look-alike to paint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookalike_kinds: Option<Vec<LookalikeKind>>,
    /// `false` makes a negative control: labels and truth stay as they are, but nothing in the images
    /// reveals them: no clot, no strained heart, no poor contrast. Default `true`.
    pub paint_clots: bool,
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
            difficulty: Difficulty::Hard,
            pe_slices: None,
            n_clots: None,
            central_share: None,
            clot_mm: None,
            clot_width: None,
            clot_hu: None,
            artery_hu: None,
            noise_hu: None,
            lookalikes: None,
            lookalike_kinds: None,
            paint_clots: true,
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
        real("noise", self.noise, 0.0, 5.0)?;
        self.check_difficulty()
    }

    fn check_difficulty(&self) -> Result<(), PhantomError> {
        if let Some([least, most]) = self.n_clots {
            whole("n_clots", least, 1, 40)?;
            whole("n_clots", most, least, 40)?;
        }
        range("pe_slices", self.pe_slices, 0.02, 0.8)?;
        range("clot_mm", self.clot_mm, 8.0, 120.0)?;
        range("clot_width", self.clot_width, 0.3, 0.95)?;
        range("clot_hu", self.clot_hu, 0.0, 300.0)?;
        range("artery_hu", self.artery_hu, 120.0, 800.0)?;
        range("noise_hu", self.noise_hu, 0.0, 100.0)?;
        if let Some(share) = self.central_share {
            real("central_share", share, 0.0, 1.0)?;
        }
        self.lookalikes
            .map_or(Ok(()), |factor| real("lookalikes", factor, 0.0, 4.0))
    }

    /// Converts an index from a script to that of one of this cohort's exams.
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

    /// As [`PhantomOptions::check`], and checks that the cohort has an exam `exam_idx`.
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
    // A NaN is in no range, so it is refused too.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(PhantomError::Option {
        option,
        expected: format!("{least} to {most}"),
        found: value.to_string(),
    })
}

/// Checks a range, if there is one: both ends, and their order.
fn range(
    option: &'static str,
    values: Option<[f64; 2]>,
    least: f64,
    most: f64,
) -> Result<(), PhantomError> {
    let Some([low, high]) = values else {
        return Ok(());
    };
    if least <= low && low <= high && high <= most {
        return Ok(());
    }
    Err(PhantomError::Option {
        option,
        expected: format!("[low, high], ascending, of {least} to {most}"),
        found: format!("[{low}, {high}]"),
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
        check(|options| options.pe_slices = Some([0.1, 0.1]), None);
        check(
            |options| options.pe_slices = Some([0.2, 0.1]),
            Some("pe_slices"),
        );
        check(
            |options| options.pe_slices = Some([0.0, 0.1]),
            Some("pe_slices"),
        );
        check(|options| options.n_clots = Some([0, 2]), Some("n_clots"));
        check(|options| options.n_clots = Some([3, 2]), Some("n_clots"));
        check(
            |options| options.central_share = Some(1.5),
            Some("central_share"),
        );
        check(|options| options.clot_mm = Some([8.0, 120.0]), None);
        check(
            |options| options.clot_mm = Some([f64::NAN, 20.0]),
            Some("clot_mm"),
        );
        check(
            |options| options.clot_width = Some([0.5, 1.0]),
            Some("clot_width"),
        );
        check(
            |options| options.clot_hu = Some([-1.0, 40.0]),
            Some("clot_hu"),
        );
        check(
            |options| options.artery_hu = Some([100.0, 400.0]),
            Some("artery_hu"),
        );
        check(
            |options| options.noise_hu = Some([5.0, 101.0]),
            Some("noise_hu"),
        );
        check(|options| options.lookalikes = Some(4.1), Some("lookalikes"));
        check(|options| options.lookalike_kinds = Some(Vec::new()), None);
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
