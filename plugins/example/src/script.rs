//! `example` in Rhai: statistics of HU inside a mask.

use rhai::def_package;
use rhai::plugin::*;

use crate::{HuStatistics, StatisticsOptions};

def_package! {
    /// Statistics of HU inside a mask.
    pub ExamplePackage(module) {
        module.set_custom_type::<HuStatistics>("HuStatistics");
        combine_with_exported_module!(module, "example", example);
    }
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod example {
    use pe_binding::script::{ScriptResult, number, options, raise, work};
    use pe_ct::{Mask, Volume};
    use rhai::{FLOAT, INT, Map, NativeCallContext};

    /// The statistics of all voxels of `volume` inside `mask`.
    ///
    /// ```rhai
    /// let volume = phantom::exam(0, #{ n_exams: 1, size: 64 });
    /// let inside = example::statistics(volume, lung::mask(volume));
    /// print(inside.mean_hu);
    /// ```
    #[rhai_fn(name = "statistics", return_raw)]
    pub fn statistics(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
    ) -> ScriptResult<HuStatistics> {
        statistics_with(context, volume, mask, Map::new())
    }

    /// The statistics of the voxels inside `mask` whose HU are in a range, both ends included:
    ///
    /// - `lower_hu` (-32768): voxels below do not count
    /// - `upper_hu` (32767): voxels above do not count
    ///
    /// An error when no voxel counts, or the mask is of another volume.
    ///
    /// ```rhai
    /// // Blood with contrast, and bone: how bright is what is bright inside the chest?
    /// let volume = phantom::exam(0, #{ n_exams: 1, size: 64 });
    /// let chest = lung::mask(volume, #{ mode: "hull" });
    /// let bright = example::statistics(volume, chest, #{ lower_hu: 150, upper_hu: 600 });
    /// print(bright.percentile(50));
    /// ```
    #[rhai_fn(name = "statistics", return_raw)]
    pub fn statistics_with(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
        settings: Map,
    ) -> ScriptResult<HuStatistics> {
        let settings: StatisticsOptions = options("example::statistics()", &settings)?;
        crate::statistics(&volume, &mask, &settings, &work(&context)).map_err(raise)
    }

    /// The number of voxels that count.
    #[rhai_fn(global, get = "n_voxels", pure)]
    pub fn n_voxels(statistics: &mut HuStatistics) -> INT {
        statistics.n_voxels() as INT
    }

    /// The mean, HU.
    #[rhai_fn(global, get = "mean_hu", pure)]
    pub fn mean_hu(statistics: &mut HuStatistics) -> FLOAT {
        statistics.mean_hu() as FLOAT
    }

    /// The standard deviation, HU, divided by n.
    #[rhai_fn(global, get = "sd_hu", pure)]
    pub fn sd_hu(statistics: &mut HuStatistics) -> FLOAT {
        statistics.sd_hu() as FLOAT
    }

    /// The HU below which `percent` per cent of the voxels lie; 50 is the median.
    ///
    /// ```rhai
    /// let volume = phantom::exam(0, #{ n_exams: 1, size: 64 });
    /// let inside = example::statistics(volume, lung::mask(volume));
    /// print(`${inside.percentile(5)} to ${inside.percentile(95)} HU`);
    /// ```
    #[rhai_fn(global, return_raw, pure)]
    pub fn percentile(statistics: &mut HuStatistics, percent: Dynamic) -> ScriptResult<FLOAT> {
        let percent = number("percent", &percent)?;
        statistics
            .percentile(percent)
            .map(|hu| hu as FLOAT)
            .map_err(raise)
    }

    /// The statistics in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn to_string(statistics: &mut HuStatistics) -> String {
        statistics.to_string()
    }
}
