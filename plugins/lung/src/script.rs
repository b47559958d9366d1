//! `lung` in Rhai: masks of volumes.

use pe_ct::{Mask, Volume};
use rhai::def_package;
use rhai::plugin::*;

use crate::{MaskOptions, Masking};

def_package! {
    /// Lung masks of CT volumes.
    pub LungPackage(module) {
        module.set_custom_type::<Masking>("Masking");
        combine_with_exported_module!(module, "lung", lung);
    }
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod lung {
    use pe_binding::script::{ScriptResult, options, raise, work};
    use rhai::{ImmutableString, Map, NativeCallContext};

    /// The lung mask of `volume`: true inside the lungs.
    ///
    /// It has the volume's shape. `mask.quality` says how large the lungs are and what about them is
    /// out of range, such as a lung that the field of view cuts. To mask many volumes alike, and to store them, make a
    /// `lung::masking` and apply it.
    ///
    /// ```rhai
    /// let lungs = lung::mask(volume);
    /// print(lungs.n_slices == volume.n_slices); // true
    /// print(lungs.volume_ml > 1000.0);          // true
    /// ```
    #[rhai_fn(name = "mask", return_raw)]
    pub fn mask(context: NativeCallContext, volume: Volume) -> ScriptResult<Mask> {
        mask_with(context, volume, Map::new())
    }

    /// As `lung::mask(volume)`; `settings` are the options of `lung::masking`.
    ///
    /// Throws as `lung::masking(settings)`.
    ///
    /// ```rhai
    /// let chest = lung::mask(volume, #{ mode: "hull" });
    /// print(chest.volume_ml > lung::mask(volume).volume_ml); // true
    /// ```
    #[rhai_fn(name = "mask", return_raw)]
    pub fn mask_with(
        context: NativeCallContext,
        volume: Volume,
        settings: Map,
    ) -> ScriptResult<Mask> {
        let options: MaskOptions = options("lung::mask()", &settings)?;
        let masking = Masking::new(options).map_err(raise)?;
        masking.apply(&volume, &work(&context)).map_err(raise)
    }

    /// A recipe for lung masks, to apply to many volumes.
    ///
    /// ```rhai
    /// let masking = lung::masking();
    /// for each in scan.exams { print(masking.apply(each.load())); }
    /// ```
    #[rhai_fn(name = "masking", return_raw)]
    pub fn masking() -> ScriptResult<Masking> {
        masking_with(Map::new())
    }

    /// A recipe for masks with settings of your own, to apply to many volumes.
    ///
    /// | setting | default | meaning |
    /// |---|---|---|
    /// | `mode` | `"lungs"` | `"lungs"`: the lungs, found in 3D; `"paper"`: by the paper's steps, each slice on its own; `"hull"`: the lungs' convex hull in each slice, which keeps heart and mediastinum, where central emboli lie; `"none"`: every voxel |
    /// | `threshold_hu` | -400 | air is what lies below, HU; not for `"none"` |
    /// | `close_mm` | 7.5 | `"lungs"`, `"hull"`: radius of the disk that closes gaps in a lung, mm, at most 20; 0 leaves it out |
    /// | `body_only` | true | `"paper"`: clear air that is not inside the body, such as the table's; otherwise only air connected to the image border |
    /// | `connectivity` | 8 | `"paper"`: neighbours of a pixel in a component of air, 4 or 8 |
    /// | `min_area` | 64 | `"paper"`: drop components of air with fewer pixels |
    /// | `dilate_radius` | 2 | `"paper"`: radius of the dilation's disk, pixels, at most 64; 0 leaves it out |
    /// | `close_radius` | 10 | `"paper"`: radius of the closing's disk, pixels, at most 64; 0 leaves it out |
    /// | `fill_holes` | true | `"paper"`: fill holes at the end |
    /// | `scale_sizes` | true | `"paper"`: the radii and the area are for slices of 512 rows: scale them to others |
    ///
    /// Throws `options.unknown` or `options.invalid` for a setting that does not exist or is of
    /// another type, and `lung.options` for one out of range or of another mode; each names it.
    ///
    /// ```rhai
    /// let masking = lung::masking(#{ mode: "hull", close_mm: 5.0 });
    /// print(masking.apply(volume));
    /// try { lung::masking(#{ close_mm: 65.0 }); } catch (error) {
    ///     print(error.kind); // lung.options
    /// }
    /// ```
    #[rhai_fn(name = "masking", return_raw)]
    pub fn masking_with(settings: Map) -> ScriptResult<Masking> {
        let options: MaskOptions = options("lung::masking()", &settings)?;
        Masking::new(options).map_err(raise)
    }

    /// The masking that a recipe is of: `masking.recipe`, or what a model says of its slices.
    ///
    /// Throws `lung.recipe` for a text that is no recipe, or one of another version of the code,
    /// whose masks would differ.
    ///
    /// ```rhai
    /// let again = lung::from_recipe(model.slices.mask);
    /// print(again.recipe == masking.recipe); // true
    /// try { lung::from_recipe("paper"); } catch (error) { print(error.kind); } // lung.recipe
    /// ```
    #[rhai_fn(return_raw)]
    pub fn from_recipe(recipe: &str) -> ScriptResult<Masking> {
        Masking::from_recipe(recipe).map_err(raise)
    }

    /// The mask of `volume` by this recipe, of the volume's shape.
    ///
    /// ```rhai
    /// let everything = lung::masking(#{ mode: "none" }).apply(volume);
    /// print(everything.empty_slices); // []
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn apply(
        context: NativeCallContext,
        masking: &mut Masking,
        volume: Volume,
    ) -> ScriptResult<Mask> {
        masking.apply(&volume, &work(&context)).map_err(raise)
    }

    /// The recipe in words, JSON: every setting and the version of the code. What is made with the
    /// masks is keyed by it.
    #[rhai_fn(global, get = "recipe", pure)]
    pub fn recipe(masking: &mut Masking) -> ImmutableString {
        masking.recipe().into()
    }

    /// The recipe, for `print`.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn to_string(masking: &mut Masking) -> ImmutableString {
        masking.recipe().into()
    }
}
