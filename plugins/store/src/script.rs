//! `store` in Rhai: open a store, ask what it has, put an exam.

use std::path::Path;
use std::sync::Arc;

use rhai::def_package;
use rhai::plugin::*;

use crate::{SliceStore, StoredExam};

/// An open store as a script value.
pub type StoreHandle = Arc<SliceStore>;

def_package! {
    /// Artifacts on disk, keyed by what made them.
    pub StorePackage(module) {
        module.set_custom_type::<StoreHandle>("SliceStore");
        module.set_custom_type::<StoredExam>("StoredExam");
        combine_with_exported_module!(module, "store", store);
    }
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod store {
    use pe_binding::script::{ScriptResult, options, raise, work};
    use pe_ct::script::ExamHandle;
    use pe_ct::{ChannelSlice, Mask, Volume};
    use rhai::{Array, INT, Map};

    /// Opens the store in `folder` (created when missing) for slices made with these settings:
    ///
    /// - `size` (224): side of a stored slice, pixels
    /// - `dtype` ("u8"): how a value is kept, "u8" or "f16"
    /// - `windows` ([[-600, 1500], [100, 700], [40, 400]]): the channels, each [level, width] in HU
    /// - `mask` ("none"): the recipe of the masks, `masking.recipe`
    /// - `crop` ("none"): "mask" stores the square around the exam's mask, not the whole slice
    ///
    /// ```rhai
    /// let slices = store::slices("store", #{ size: 224, mask: lung::masking(#{}).recipe });
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn slices(folder: &str, settings: Map) -> ScriptResult<StoreHandle> {
        let settings = options("store::slices()", &settings)?;
        SliceStore::open(Path::new(folder), settings)
            .map(Arc::new)
            .map_err(raise)
    }

    /// Whether the store has this exam whole and up to date; reads and checks all of it.
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn has(
        context: NativeCallContext,
        slices: &mut StoreHandle,
        exam: ExamHandle,
    ) -> ScriptResult<bool> {
        slices.has(&exam, &work(&context)).map_err(raise)
    }

    /// The stored slices of this exam; `()` when the store does not have them whole and up to date.
    /// Checks lengths and the manifest, not every byte.
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn get(slices: &mut StoreHandle, exam: ExamHandle) -> ScriptResult<Dynamic> {
        let stored = slices.get(&exam).map_err(raise)?;
        Ok(stored.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// Makes the channel slices of `volume`, masked by `mask`, and stores them.
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn put(
        context: NativeCallContext,
        slices: &mut StoreHandle,
        volume: Volume,
        mask: Mask,
    ) -> ScriptResult<StoredExam> {
        slices
            .put(&volume, Some(&mask), &work(&context))
            .map_err(raise)
    }

    /// Makes the channel slices of `volume` without a mask, and stores them.
    #[rhai_fn(global, name = "put", return_raw, volatile, pure)]
    pub fn put_unmasked(
        context: NativeCallContext,
        slices: &mut StoreHandle,
        volume: Volume,
    ) -> ScriptResult<StoredExam> {
        slices.put(&volume, None, &work(&context)).map_err(raise)
    }

    /// Every exam stored with these settings.
    #[rhai_fn(global, get = "exams", return_raw, volatile, pure)]
    pub fn exams(slices: &mut StoreHandle) -> ScriptResult<Array> {
        let exams = slices.exams().map_err(raise)?;
        Ok(exams.into_iter().map(Dynamic::from).collect())
    }

    /// What is stored: `#{n_exams, n_pe_exams, n_slices, n_pe_slices}`; reads every exam's manifest.
    #[rhai_fn(global, get = "counts", return_raw, volatile, pure)]
    pub fn counts(slices: &mut StoreHandle) -> ScriptResult<Map> {
        let counts = slices.counts().map_err(raise)?;
        let counts = [
            ("n_exams", counts.n_exams),
            ("n_pe_exams", counts.n_pe_exams),
            ("n_slices", counts.n_slices),
            ("n_pe_slices", counts.n_pe_slices),
        ];
        let entries = counts.into_iter();
        Ok(entries
            .map(|(name, n)| (name.into(), (n as INT).into()))
            .collect())
    }

    /// One stored slice, to look at: `report::slice` draws it.
    #[rhai_fn(global, return_raw, pure)]
    pub fn slice(
        slices: &mut StoreHandle,
        series_uid: &str,
        slice_idx: INT,
    ) -> ScriptResult<ChannelSlice> {
        slices.slice(series_uid, slice_idx).map_err(raise)
    }

    /// The folder that holds the slices of these settings.
    #[rhai_fn(global, get = "folder", pure)]
    pub fn folder(slices: &mut StoreHandle) -> String {
        slices.folder().display().to_string()
    }

    /// The store in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn store_to_string(slices: &mut StoreHandle) -> String {
        slices.to_string()
    }

    /// The exam that the slices were made from.
    #[rhai_fn(global, get = "info", pure)]
    pub fn stored_info(stored: &mut StoredExam) -> ExamHandle {
        Arc::new(stored.manifest().exam.clone())
    }

    /// The number of slices.
    #[rhai_fn(global, get = "n_slices", pure)]
    pub fn stored_n_slices(stored: &mut StoredExam) -> INT {
        stored.n_slices() as INT
    }

    /// Bytes on disk.
    #[rhai_fn(global, get = "n_bytes", pure)]
    pub fn stored_n_bytes(stored: &mut StoredExam) -> INT {
        stored.manifest().n_bytes() as INT
    }

    /// The indices of the slices whose mask is empty: stored as zeros, never dropped.
    #[rhai_fn(global, get = "empty_slices", pure)]
    pub fn stored_empty_slices(stored: &mut StoredExam) -> Array {
        stored
            .manifest()
            .empty_slices
            .iter()
            .map(|slice_idx| Dynamic::from(*slice_idx as INT))
            .collect()
    }

    /// The volume inside the mask in ml; `()` for slices without a mask.
    #[rhai_fn(global, get = "mask_ml", pure)]
    pub fn stored_mask_ml(stored: &mut StoredExam) -> Dynamic {
        stored
            .manifest()
            .mask_ml
            .map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// Compares every stored byte with its checksum; an error names the damaged file.
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn verify(stored: &mut StoredExam) -> ScriptResult<()> {
        stored.verify().map_err(raise)
    }

    /// The stored slices in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn stored_to_string(stored: &mut StoredExam) -> String {
        stored.to_string()
    }
}
