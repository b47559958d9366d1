//! Checks the values in a model's record. The folder may come from anywhere: a correct seal
//! (checksum) only shows that the file is unchanged since it was written, not who wrote it.

use std::path::Path;

use pe_ct::channels::Channels;
use pe_store::{FeatureSettings, FeatureUnit, SliceSettings};

use crate::data::Normalisation;
use crate::files::is_plain;
use crate::model::{Architecture, ModelRecord};
use crate::options::MAX_SLAB;
use crate::{CnnOptions, SequenceOptions, TrainError};

/// Most values in a row of features. Our backbones have at most 1280.
const MAX_WIDTH: usize = 16_384;

/// The expected and the found value, for an error message.
type Wrong = (String, String);

impl ModelRecord {
    /// Checks that a script could have asked for these values. The error names `path`.
    pub(crate) fn check(&self, path: &Path) -> Result<(), TrainError> {
        let checked = match &self.architecture {
            Architecture::Cnn {
                options,
                normalisation,
                slices,
                ..
            } => check_cnn(options, normalisation, slices),
            Architecture::Sequence {
                options, features, ..
            } => check_sequence(options, features),
        };
        let checked = checked.and_then(|()| {
            if is_plain(&self.weights.name) {
                Ok(())
            } else {
                let expected = "the name of a file beside it".into();
                Err((expected, self.weights.name.clone()))
            }
        });
        checked.map_err(|(expected, found)| TrainError::Damaged {
            path: path.to_owned(),
            expected,
            found,
        })
    }
}

fn check_cnn(
    options: &CnnOptions,
    Normalisation { mean, std }: &Normalisation,
    slices: &SliceSettings,
) -> Result<(), Wrong> {
    options.check().map_err(out_of_range)?;
    if !(mean.iter().all(|one| one.is_finite()) && std.iter().all(|one| one.is_normal())) {
        let expected = "finite means and deviations other than 0".into();
        return Err((expected, format!("{mean:?}, {std:?}")));
    }
    match Channels::new(&slices.windows, slices.size) {
        Ok(_) => Ok(()),
        Err(error) => Err(("slices that can be made".into(), error.to_string())),
    }
}

fn check_sequence(options: &SequenceOptions, features: &FeatureSettings) -> Result<(), Wrong> {
    options.check().map_err(out_of_range)?;
    if !(1..=MAX_WIDTH).contains(&features.width) {
        let expected = format!("features of 1 to {MAX_WIDTH} values");
        return Err((expected, features.width.to_string()));
    }
    match features.unit {
        FeatureUnit::Slab(n_slices) if !(1..=MAX_SLAB).contains(&n_slices) => {
            let expected = format!("slabs of 1 to {MAX_SLAB} slices");
            Err((expected, n_slices.to_string()))
        }
        _ => Ok(()),
    }
}

fn out_of_range(error: TrainError) -> Wrong {
    ("options in their range".into(), error.to_string())
}
