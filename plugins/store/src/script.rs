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

    /// Opens the slices that are made with these settings in the store in `folder`, which is
    /// created when it is missing.
    ///
    /// Slices of other settings lie beside them and are never mixed.
    ///
    /// - `size` (224): side of a stored slice, 1 to 4096 pixels
    /// - `dtype` ("u8"): how a value is kept, `"u8"` or `"f16"`, which takes twice the space
    /// - `windows` ([[-600, 1500], [100, 700], [40, 400]]): the channels, each `[level, width]` in
    ///   HU
    /// - `mask` ("none"): the recipe of the masks, `masking.recipe`; `"none"` for slices without
    /// - `crop` ("none"): `"mask"` stores the square around the exam's mask, not the whole slice;
    ///   `"hila"` the middle 70 % of that square, without the outer lung
    /// - `outside` ("zero"): what is stored of a voxel outside the mask; `"keep"` stores what was
    ///   scanned, so that the mask tells only where to crop
    ///
    /// Throws `options.unknown` or `options.invalid` for a setting that does not exist or cannot
    /// be so, `ct.size` for a size out of range, `store.mask` for `crop` or `outside` without a
    /// mask, and `store.io` when the folder cannot be made.
    ///
    /// ```rhai
    /// let whole = store::slices("work", #{ size: 24, mask: masking.recipe });
    /// print(whole.exams.len()); // 6
    /// let cropped = #{ size: 24, mask: masking.recipe, crop: "mask" };
    /// print(store::slices("work", cropped).exams.len()); // 0
    /// try { store::slices("work", #{ size: 0 }); } catch (error) { print(error.kind); } // ct.size
    /// try { store::slices("work", #{ crop: "mask" }); } catch (error) {
    ///     print(error.kind); // store.mask
    /// }
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn slices(
        context: NativeCallContext,
        folder: &str,
        settings: Map,
    ) -> ScriptResult<StoreHandle> {
        let settings = options("store::slices()", &settings)?;
        SliceStore::open(Path::new(folder), settings, work(&context).files())
            .map(Arc::new)
            .map_err(raise)
    }

    /// Whether the store has this exam whole and up to date, so that it need not be made again.
    ///
    /// All of its bytes are read and compared with their checksum. Damage is told as a warning and
    /// counts as not there, and so do slices of files that changed since.
    ///
    /// Throws `store.io` when a file is there and cannot be read, and `store.locked` when labels
    /// changed and another process writes.
    ///
    /// ```rhai
    /// for each in scan.exams {
    ///     if slices.has(each.info) { continue; }
    ///     let hu = each.load();
    ///     slices.put(hu, masking.apply(hu));
    /// }
    /// print(slices.has(exam.info));                                 // true
    /// print(store::slices("work", #{ size: 48 }).has(exam.info));   // false
    /// ```
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn has(
        context: NativeCallContext,
        slices: &mut StoreHandle,
        exam: ExamHandle,
    ) -> ScriptResult<bool> {
        slices.has(&exam, &work(&context)).map_err(raise)
    }

    /// The stored slices of this exam; `()` when the store does not have them whole and up to
    /// date.
    ///
    /// Lengths and the manifest are checked, not every byte: `stored.verify()` does that.
    ///
    /// Throws `store.io` when a file is there and cannot be read.
    ///
    /// ```rhai
    /// let stored = slices.get(exam.info);
    /// print(stored.n_slices); // 40
    /// print(store::slices("work", #{ size: 48 }).get(exam.info) == ()); // true
    /// ```
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn get(slices: &mut StoreHandle, exam: ExamHandle) -> ScriptResult<Dynamic> {
        let stored = slices.get(&exam).map_err(raise)?;
        Ok(stored.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// Makes the channel slices of `volume`, masked by `mask`, and stores them in place of what
    /// the store has of this exam.
    ///
    /// Throws `store.mask` for a mask of another recipe than the store's, `ct.shape` for one of
    /// another shape, `store.empty` for a volume without pixels, `store.locked` while another
    /// process writes, and `store.io`, when the disk is full for one.
    ///
    /// ```rhai
    /// let stored = slices.put(volume, mask);
    /// print(stored); // stored slices 40 × 3 × 24 × 24, 0 with an empty mask
    /// let hull = lung::mask(volume, #{ mode: "hull" });
    /// try { slices.put(volume, hull); } catch (error) { print(error.kind); } // store.mask
    /// ```
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

    /// As `slices.put(volume, mask)`, without a mask: for a store whose `mask` is `"none"`.
    ///
    /// ```rhai
    /// let unmasked = store::slices("work", #{ size: 24 });
    /// print(unmasked.put(volume).mask_ml == ()); // true
    /// ```
    #[rhai_fn(global, name = "put", return_raw, volatile, pure)]
    pub fn put_unmasked(
        context: NativeCallContext,
        slices: &mut StoreHandle,
        volume: Volume,
    ) -> ScriptResult<StoredExam> {
        slices.put(&volume, None, &work(&context)).map_err(raise)
    }

    /// Every exam that is stored with these settings, an array of `StoredExam`.
    ///
    /// Throws `store.damaged` for the first exam whose files are not right.
    #[rhai_fn(global, get = "exams", return_raw, volatile, pure)]
    pub fn exams(slices: &mut StoreHandle) -> ScriptResult<Array> {
        let exams = slices.exams().map_err(raise)?;
        Ok(exams.into_iter().map(Dynamic::from).collect())
    }

    /// How much is stored, as a map `#{n_exams, n_pe_exams, n_slices, n_pe_slices}`; every exam's
    /// manifest is read.
    ///
    /// Throws `store.damaged` for the first exam whose files are not right.
    ///
    /// ```rhai
    /// print(slices.counts.n_slices); // 240
    /// ```
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
    ///
    /// `slice_idx` counts from 0, from the feet to the head.
    ///
    /// Throws `store.no_slice` for an exam or a slice that is not stored.
    ///
    /// ```rhai
    /// let uid = exam.info.series_uid;
    /// print(slices.slice(uid, 0)); // slice of 3 channels, 24 × 24 pixels
    /// try { slices.slice(uid, 40); } catch (error) { print(error.kind); } // store.no_slice
    /// ```
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

    /// The bytes that the slices take on disk.
    #[rhai_fn(global, get = "n_bytes", pure)]
    pub fn stored_n_bytes(stored: &mut StoredExam) -> INT {
        stored.n_bytes() as INT
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

    /// What was seen of the lungs when the mask was made, as `mask.quality`; `()` for slices without
    /// a mask.
    ///
    /// ```rhai
    /// let good = slices.exams.filter(|exam| exam.quality.suspicion < 0.5);
    /// ```
    #[rhai_fn(global, get = "quality", pure)]
    pub fn stored_quality(stored: &mut StoredExam) -> Dynamic {
        pe_ct::script::quality(stored.manifest().quality.as_ref())
    }

    /// Compares every stored byte with its checksum.
    ///
    /// Throws `store.damaged`, naming the file, when one differs.
    ///
    /// ```rhai
    /// slices.get(exam.info).verify();
    /// ```
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
