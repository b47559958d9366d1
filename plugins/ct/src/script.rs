//! `ct` in Rhai: volumes, masks and windows as values with properties.

use rhai::def_package;
use rhai::plugin::*;

use crate::{ExamInfo, HuWindow, Mask, Volume};
use std::sync::Arc;

/// An exam's description as a script value.
pub type ExamHandle = Arc<ExamInfo>;

def_package! {
    /// Volumes, masks and HU windows: the values that the other plugins make and take.
    pub CtPackage(module) {
        module.set_custom_type::<Volume>("Volume");
        module.set_custom_type::<Mask>("Mask");
        module.set_custom_type::<HuWindow>("HuWindow");
        module.set_custom_type::<ExamHandle>("ExamInfo");
        combine_with_exported_module!(module, "ct", ct);
    }
}

// The macro unwraps the arguments that it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod ct {
    use pe_binding::script::{ScriptResult, number, raise};
    use rhai::INT;

    /// An HU window of `level` and `width`: `ct::window(100, 700)` is [-250, 450] HU.
    #[rhai_fn(return_raw)]
    pub fn window(level: Dynamic, width: Dynamic) -> ScriptResult<HuWindow> {
        let (level, width) = (number("level", &level)?, number("width", &width)?);
        HuWindow::new(level as f32, width as f32).map_err(raise)
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn volume_n_slices(volume: &mut Volume) -> INT {
        volume.n_slices() as INT
    }
}
