use std::sync::Arc;

use ndarray::parallel::prelude::*;
use ndarray::{Array3, ArrayView2, ArrayViewMut2, Axis};
use pe_binding::Work;
use pe_ct::{Mask, Volume};
use serde::Deserialize;

use crate::bitmap::Bitmap;
use crate::components::Connectivity;
use crate::hull::convex_hull;
use crate::lungs::Lungs;
use crate::morphology::{closed, dilated};
use crate::quality::{SliceCounts, counted, quality};
use crate::regions::{body, cleared, filled, frame};
use crate::steps::connectivity;
use crate::{LungError, MaskMode, MaskOptions};

/// Version of the steps. Raise it when the same options give another mask, so that results of the
/// former version are not reused.
pub const MASK_VERSION: u32 = 2;

/// Makes masks with one set of options. Cheap to clone.
///
/// ```
/// use ndarray::Array3;
/// use pe_binding::Work;
/// use pe_ct::{Spacing, Volume};
/// use pe_lung::{MaskMode, MaskOptions, Masking};
///
/// // A slice of tissue with 30 × 30 pixels of air in the middle, and air on the border.
/// let mut hu = Array3::from_elem((1, 100, 100), 40_i16);
/// hu.slice_mut(ndarray::s![.., 30..60, 30..60]).fill(-800);
/// hu.slice_mut(ndarray::s![.., .., ..5]).fill(-1000);
/// let spacing = Spacing { slice_mm: 1.0, row_mm: 1.0, col_mm: 1.0 };
/// let volume = Volume::unnamed("example", spacing, hu);
///
/// let options = MaskOptions {
///     mode: MaskMode::Paper,
///     dilate_radius: 0,
///     scale_sizes: false,
///     ..MaskOptions::default()
/// };
/// let mask = Masking::new(options)?.apply(&volume, &Work::silent())?;
/// assert_eq!(mask.voxels_per_slice(), [900]);
/// # Ok::<(), pe_lung::LungError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Masking {
    options: MaskOptions,
    connectivity: Connectivity,
    /// Air is below this, HU: the threshold rounded up, which is the same for whole HU.
    threshold_hu: i16,
    recipe: Arc<str>,
}

/// A recipe as it is parsed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    lung_mask: u32,
    options: MaskOptions,
}

impl Masking {
    /// Creates a masking by `options`.
    ///
    /// # Errors
    /// The [`LungError`] that names the first option out of range.
    pub fn new(options: MaskOptions) -> Result<Self, LungError> {
        let options = options.validated()?;
        let recipe = serde_json::json!({ "lung_mask": MASK_VERSION, "options": options });
        Ok(Self {
            connectivity: connectivity(options.connectivity)?,
            threshold_hu: options.threshold_hu.ceil() as i16,
            recipe: recipe.to_string().into(),
            options,
        })
    }

    /// Creates a masking from a recipe, so that new exams are masked like those that a model was
    /// trained on.
    ///
    /// # Errors
    /// [`LungError::Recipe`] for a text that is not a recipe, or that is one of another version of
    /// the code.
    pub fn from_recipe(recipe: &str) -> Result<Self, LungError> {
        let wrong = |found: String| LungError::Recipe {
            expected: MASK_VERSION,
            found,
        };
        let read: Recipe =
            serde_json::from_str(recipe).map_err(|error| wrong(error.to_string()))?;
        if read.lung_mask == MASK_VERSION {
            Self::new(read.options)
        } else {
            Err(wrong(format!("version {}", read.lung_mask)))
        }
    }

    /// The options.
    pub fn options(&self) -> &MaskOptions {
        &self.options
    }

    /// The recipe of the masks, as JSON: [`MASK_VERSION`] and every option in a fixed order. Equal
    /// recipes make equal masks of equal volumes.
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Makes the mask of `volume`, with its slices in parallel. Except for mode `none`, it has a
    /// [`pe_ct::MaskQuality`].
    ///
    /// # Errors
    /// [`LungError::Interrupted`] when the user asks to stop.
    pub fn apply(&self, volume: &Volume, work: &Work) -> Result<Mask, LungError> {
        let mut voxels = Array3::from_elem(volume.dim(), self.options.mode == MaskMode::None);
        if self.options.mode == MaskMode::None {
            return Ok(Mask::new(voxels, volume.spacing(), &self.recipe));
        }
        let lungs = Lungs::find(volume, self.threshold_hu, self.options.close_mm, work)?;
        let task = work.task("masking", volume.n_slices(), "slices");
        let counts = voxels
            .axis_iter_mut(Axis(0))
            .into_par_iter()
            .enumerate()
            .map(|(slice_idx, voxels)| {
                work.check()?;
                let counts = self.draw(&lungs, volume, slice_idx, voxels);
                task.advance(1);
                Ok(counts)
            })
            .collect::<Result<Vec<SliceCounts>, LungError>>()?;
        let mask = Mask::new(voxels, volume.spacing(), &self.recipe);
        Ok(mask.with_quality(quality(&counts, volume.spacing())))
    }

    /// Draws the mask of a slice, and counts its lungs.
    fn draw(
        &self,
        lungs: &Lungs,
        volume: &Volume,
        slice_idx: usize,
        voxels: ArrayViewMut2<bool>,
    ) -> SliceCounts {
        let pair = lungs.draw(slice_idx);
        let outside = lungs.outside(slice_idx);
        if self.options.mode == MaskMode::Paper {
            let paper = self.paper(volume.slice(slice_idx));
            let counts = counted(&pair, outside, Some(&paper));
            paper.unpack_into(voxels);
            return counts;
        }
        let both = pair.both();
        match self.options.mode {
            MaskMode::Hull => convex_hull(&both).unpack_into(voxels),
            _ => both.unpack_into(voxels),
        }
        counted(&pair, outside, None)
    }

    /// Does the steps of mode `paper`, as the crate's documentation numbers them.
    fn paper(&self, hu: ArrayView2<i16>) -> Bitmap {
        let options = &self.options;
        let (rows, cols) = hu.dim();
        let air = Bitmap::pack(hu, |hu| hu < self.threshold_hu);
        let forbidden = if options.body_only {
            body(&air).inverted()
        } else {
            frame(rows, cols)
        };
        let min_area = options.min_area_at(rows);
        let mut lungs = cleared(&air, &forbidden, min_area, self.connectivity);
        let dilate_radius = options.radius_at(options.dilate_radius, rows);
        if dilate_radius > 0 {
            lungs = dilated(&lungs, dilate_radius);
        }
        let close_radius = options.radius_at(options.close_radius, rows);
        if close_radius > 0 {
            lungs = closed(&lungs, close_radius);
        }
        if options.fill_holes {
            lungs = filled(&lungs);
        }
        lungs
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use pe_binding::{Explain, Watch};
    use pe_ct::Spacing;

    use super::*;

    #[derive(Default)]
    struct StopAfterOne {
        advanced: AtomicU64,
        begun: AtomicBool,
    }

    impl Watch for StopAfterOne {
        fn begin(&self, _: &str, total: u64, unit: &str) {
            assert_eq!((total, unit), (40, "slices"));
            self.begun.store(true, Ordering::Relaxed);
        }
        fn advance(&self, n: u64) {
            self.advanced.fetch_add(n, Ordering::Relaxed);
        }
        fn end(&self) {}
        fn warn(&self, _: &str) {}
        fn interrupted(&self) -> bool {
            self.advanced.load(Ordering::Relaxed) > 0
        }
    }

    fn volume(n_slices: usize, rows: usize, cols: usize) -> Volume {
        let spacing = Spacing {
            slice_mm: 1.0,
            row_mm: 1.0,
            col_mm: 1.0,
        };
        Volume::unnamed(
            "test",
            spacing,
            Array3::from_elem((n_slices, rows, cols), -1000),
        )
    }

    fn of_mode(mode: MaskMode) -> MaskOptions {
        MaskOptions {
            mode,
            ..MaskOptions::default()
        }
    }

    #[test]
    fn an_interrupt_stops_between_slices() {
        let watch = Arc::new(StopAfterOne::default());
        let masking = Masking::new(MaskOptions::default()).expect("the defaults are in range");
        let error = masking
            .apply(&volume(40, 16, 16), &Work::new(watch.clone()))
            .expect_err("the watch interrupts");
        assert!(error.is_interrupt(), "{error}");
        assert!(watch.begun.load(Ordering::Relaxed));
        assert!(watch.advanced.load(Ordering::Relaxed) < 40);
    }

    #[test]
    fn volumes_without_voxels_have_masks_without_voxels() {
        let first_only = MaskOptions {
            body_only: false,
            ..of_mode(MaskMode::Paper)
        };
        let modes = [
            MaskMode::Lungs,
            MaskMode::Paper,
            MaskMode::Hull,
            MaskMode::None,
        ];
        for options in modes.map(of_mode).into_iter().chain([first_only]) {
            let masking = Masking::new(options).expect("in range");
            for dim in [(0, 8, 8), (2, 0, 8), (2, 8, 0), (1, 1, 1), (2, 3, 2)] {
                let volume = volume(dim.0, dim.1, dim.2);
                let mask = masking.apply(&volume, &Work::silent()).expect("a mask");
                assert_eq!(mask.dim(), dim);
                if dim.1 * dim.2 == 0 {
                    assert_eq!(mask.empty_slices().len(), dim.0);
                }
            }
        }
    }

    #[test]
    fn a_recipe_makes_the_masking_that_it_is_of() {
        let options = MaskOptions {
            mode: MaskMode::Hull,
            close_mm: 5.0,
            ..MaskOptions::default()
        };
        let masking = Masking::new(options).unwrap();
        let again = Masking::from_recipe(masking.recipe()).unwrap();
        assert_eq!(again.recipe(), masking.recipe());
        let other = masking
            .recipe()
            .replacen(&format!(":{MASK_VERSION}"), ":999", 1);
        for wrong in ["none", "{}", &other] {
            let error = Masking::from_recipe(wrong).expect_err("no recipe of ours");
            assert!(
                matches!(error, LungError::Recipe { .. }),
                "{wrong}: {error}"
            );
        }
    }

    #[test]
    fn the_recipe_is_canonical() {
        let masking = Masking::new(MaskOptions::default()).expect("the defaults are in range");
        let expected = concat!(
            r#"{"lung_mask":2,"options":{"mode":"lungs","threshold_hu":-400.0,"close_mm":7.5,"#,
            r#""body_only":true,"connectivity":8,"min_area":64,"dilate_radius":2,"#,
            r#""close_radius":10,"fill_holes":true,"scale_sizes":true}}"#
        );
        assert_eq!(masking.recipe(), expected);
        let mask = masking
            .apply(&volume(1, 4, 4), &Work::silent())
            .expect("a mask");
        assert_eq!(mask.recipe(), expected);
    }

    #[test]
    fn mode_none_keeps_every_voxel() {
        let options = of_mode(MaskMode::None);
        let mask = Masking::new(options)
            .expect("in range")
            .apply(&volume(2, 3, 5), &Work::silent())
            .expect("a mask");
        assert_eq!(mask.voxels_per_slice(), [15, 15]);
    }
}
