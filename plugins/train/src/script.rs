//! `train` in Rhai: split exams, train networks, freeze them, train sequence models, predict.

use std::path::Path;
use std::sync::Arc;

use pe_ct::ExamId;
use rhai::def_package;
use rhai::plugin::*;

use crate::{FeatureSet, Model, Runs, Split};

/// A split as a script value.
pub type SplitHandle = Arc<Split>;

/// Some exams of a split, by their UIDs.
pub type ExamIds = Arc<Vec<ExamId>>;

def_package! {
    /// Networks trained on what the store holds.
    pub TrainPackage(module) {
        module.set_custom_type::<SplitHandle>("Split");
        module.set_custom_type::<ExamIds>("ExamIds");
        module.set_custom_type::<Runs>("Runs");
        module.set_custom_type::<Model>("Model");
        module.set_custom_type::<FeatureSet>("FeatureSet");
        combine_with_exported_module!(module, "train", train);
    }
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod train {
    use pe_binding::script::{ScriptResult, options, options_over, raise, work};
    use pe_metrics::Scores;
    use pe_store::script::StoreHandle;
    use rhai::{Array, FLOAT, INT, Map};

    /// Splits the exams of a store into training, validation and test parts: by exam, stratified by
    /// the exam's label, all exams of a patient in one part. Exams without labels are left out.
    ///
    /// - `test` (0.2): share of the exams that test
    /// - `validation` (0.1): share of the others that choose the epoch and the threshold
    /// - `folds` (0), `fold` (0): cross-validation instead, part `fold` of `folds` tests
    /// - `indeterminate` (true): whether indeterminate exams are used; they count as PE
    /// - `seed` (0)
    ///
    /// ```rhai
    /// let split = train::split(slices, #{ test: 0.2, seed: seed() });
    /// print(split);
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn split(slices: StoreHandle, settings: Map) -> ScriptResult<SplitHandle> {
        let settings = options("train::split()", &settings)?;
        let exams = slices.exams().map_err(raise)?;
        Split::new(&exams, &settings).map(Arc::new).map_err(raise)
    }

    /// The folder that models and features are kept in, and where networks run. What is there
    /// already is not made again; what was interrupted goes on.
    ///
    /// - `device` ("auto"): "auto", "cpu", "cuda" or "cuda:N"
    /// - `seed` (0): of initialisation, order, augmentation and dropout
    ///
    /// ```rhai
    /// let runs = train::runs("out", #{ device: device(), seed: seed() });
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn runs(folder: &str, settings: Map) -> ScriptResult<Runs> {
        let settings: crate::RunSettings = options("train::runs()", &settings)?;
        Runs::new(Path::new(folder), &settings.device, settings.seed).map_err(raise)
    }

    /// Trains a CNN on the training part of a split: `efficientnet_b0` on single slices, `r3d_18`
    /// on slabs. The best epoch on the validation part is kept.
    ///
    /// - `network` ("efficientnet_b0"): or "r3d_18"
    /// - `weights` (""): pretrained weights, safetensors from `scripts/weights/convert.py`
    /// - `batch` (48), `epochs` (10), `lr` (1e-4): samples a step, passes, learning rate
    /// - `optimizer` ("adam"): or "adamw"; `weight_decay` (0)
    /// - `schedule` ("constant"): or "step" (times `gamma` every `step_epochs`), "cosine";
    ///   `warmup_steps` (0)
    /// - `clip_norm` (0): greatest norm of the gradients; 0 does not clip
    /// - `positive_weight` (1): weight of a PE slice in the loss
    /// - `select` ("loss"): what chooses the epoch: "loss", "auroc" or "last"
    /// - `patience` (0): ends after so many epochs without a better one; 0 never
    /// - `precision` ("f32"): or "bf16"
    /// - `blur_sigma` ([0.1, 2]), `flip` (0.5), `rotation_deg` (15): augmentation
    /// - `slab` (32): slices of a slab; `head` ("slices"): or "slab", one logit a slab
    /// - `checkpoint_s` (60): seconds between checkpoints within an epoch
    /// - `shuffle_labels` (false): a negative control
    ///
    /// ```rhai
    /// let model = runs.cnn("effnet", #{ network: "efficientnet_b0", epochs: 10 }, slices, split);
    /// ```
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn cnn(
        context: NativeCallContext,
        runs: &mut Runs,
        name: &str,
        settings: Map,
        slices: StoreHandle,
        split: SplitHandle,
    ) -> ScriptResult<Model> {
        let settings = options_over("cnn()", &settings)?;
        runs.cnn(name, &settings, &slices, &split, &work(&context))
            .map_err(raise)
    }

    /// Trains a sequence model on the features of a frozen CNN.
    ///
    /// - `model` ("bilstm"): or "tcn"
    /// - `hidden` (128): of the LSTM, in each direction
    /// - `channels` (128), `kernel` (5), `levels` (3), `dropout` (0.2), `causal` (true): of the TCN
    /// - `chunk_slices` (64), `chunk_slabs` (10): the longest sequence
    /// - `neighbours` (1): slabs before and after whose features are joined to a slab's
    /// - `batch` (16), `epochs` (100), `lr` (5e-4), `schedule` ("step"), and the rest as for `cnn`
    ///
    /// ```rhai
    /// let features = runs.features(effnet, slices);
    /// let model = runs.sequence("effnet_tcn", #{ model: "tcn" }, features, split);
    /// ```
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn sequence(
        context: NativeCallContext,
        runs: &mut Runs,
        name: &str,
        settings: Map,
        features: FeatureSet,
        split: SplitHandle,
    ) -> ScriptResult<Model> {
        let settings = options_over("sequence()", &settings)?;
        runs.sequence(name, &settings, &features, &split, &work(&context))
            .map_err(raise)
    }

    /// The features that a frozen CNN makes of stored slices: 1280 a slice of EfficientNet-B0, 512
    /// a slab of ResNet 3D 18. An exam's are made when they are first needed, and kept.
    #[rhai_fn(global, name = "features", return_raw, volatile, pure)]
    pub fn features(
        runs: &mut Runs,
        model: Model,
        slices: StoreHandle,
    ) -> ScriptResult<FeatureSet> {
        FeatureSet::new(&model, &slices, runs).map_err(raise)
    }

    /// Opens a trained model by its folder.
    #[rhai_fn(return_raw, volatile)]
    pub fn load(folder: &str) -> ScriptResult<Model> {
        Model::load(Path::new(folder)).map_err(raise)
    }

    /// The model's probability of PE for each slice of these exams, with the threshold that its
    /// validation part chose. `features` are the CNN's own, or those of the sequence model's CNN.
    ///
    /// ```rhai
    /// let scores = model.predict(features, split.test);
    /// ```
    #[rhai_fn(global, return_raw, volatile, pure)]
    pub fn predict(
        context: NativeCallContext,
        model: &mut Model,
        features: FeatureSet,
        exams: ExamIds,
    ) -> ScriptResult<Scores> {
        crate::predict(model, &features, &exams, &work(&context)).map_err(raise)
    }

    /// The scores of a baseline without images: the share of PE among the training slices at the
    /// same relative height in the exam. What a network adds is what lies above it.
    ///
    /// ```rhai
    /// let baseline = train::position_baseline(slices, split);
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn position_baseline(slices: StoreHandle, split: SplitHandle) -> ScriptResult<Scores> {
        let exams = slices.exams().map_err(raise)?;
        crate::position_baseline(&exams, &split).map_err(raise)
    }

    /// Every exam that features can be made of.
    #[rhai_fn(global, get = "exams", pure)]
    pub fn features_exams(features: &mut FeatureSet) -> ExamIds {
        Arc::new(features.exams())
    }

    /// Those exams that have one of these series UIDs.
    #[rhai_fn(global, return_raw, pure)]
    pub fn select(features: &mut FeatureSet, series_uids: Array) -> ScriptResult<ExamIds> {
        let uids: Vec<String> = series_uids.iter().map(ToString::to_string).collect();
        features.select(&uids).map(Arc::new).map_err(raise)
    }

    /// The CNN that makes the features which this model takes; a CNN gives itself.
    #[rhai_fn(global, get = "backbone", return_raw, volatile, pure)]
    pub fn backbone(model: &mut Model) -> ScriptResult<Model> {
        model.backbone().map_err(raise)
    }

    /// The model's name.
    #[rhai_fn(global, get = "name", pure)]
    pub fn name(model: &mut Model) -> String {
        model.record().name.clone()
    }

    /// The model's folder.
    #[rhai_fn(global, get = "folder", pure)]
    pub fn folder(model: &mut Model) -> String {
        model.folder().display().to_string()
    }

    /// The threshold that the validation part chose; `()` without one.
    #[rhai_fn(global, get = "threshold", pure)]
    pub fn threshold(model: &mut Model) -> Dynamic {
        model
            .threshold()
            .map_or(Dynamic::UNIT, |threshold| Dynamic::from(threshold as FLOAT))
    }

    /// Trainable numbers.
    #[rhai_fn(global, get = "n_parameters", pure)]
    pub fn n_parameters(model: &mut Model) -> INT {
        model.record().n_parameters as INT
    }

    /// The layers with weights as maps `#{name, shape, n_parameters}`, by PyTorch's names.
    #[rhai_fn(global, get = "layers", return_raw, pure)]
    pub fn layers(model: &mut Model) -> ScriptResult<Dynamic> {
        rhai::serde::to_dynamic(model.layers().map_err(raise)?)
    }

    /// What is set of the slices that this model, or its CNN, takes: `size`, `dtype`, `windows`,
    /// `mask`, as `store::slices` takes it.
    #[rhai_fn(global, get = "slices", return_raw, pure)]
    pub fn slices(model: &mut Model) -> ScriptResult<Dynamic> {
        let settings = model.slice_settings().map_err(raise)?;
        rhai::serde::to_dynamic(settings)
    }

    /// Every epoch as a map: `epoch`, `train_loss`, `validation_loss`, `validation_auroc`, `learning_rate`,
    /// `gradient_norm`, `slices_per_s`, `elapsed_s`.
    #[rhai_fn(global, get = "history", return_raw, pure)]
    pub fn history(model: &mut Model) -> ScriptResult<Array> {
        model
            .record()
            .history
            .iter()
            .map(rhai::serde::to_dynamic)
            .collect()
    }

    /// The model in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn model_to_string(model: &mut Model) -> String {
        model.to_string()
    }

    /// The exams that weights are fitted to.
    #[rhai_fn(global, get = "train", pure)]
    pub fn split_train(split: &mut SplitHandle) -> ExamIds {
        Arc::new(split.train.clone())
    }

    /// The exams that choose the epoch and the threshold.
    #[rhai_fn(global, get = "validation", pure)]
    pub fn split_validation(split: &mut SplitHandle) -> ExamIds {
        Arc::new(split.validation.clone())
    }

    /// The exams that nothing is chosen by.
    #[rhai_fn(global, get = "test", pure)]
    pub fn split_test(split: &mut SplitHandle) -> ExamIds {
        Arc::new(split.test.clone())
    }

    /// The exams in no part: without labels, or indeterminate.
    #[rhai_fn(global, get = "left_out", pure)]
    pub fn split_left_out(split: &mut SplitHandle) -> ExamIds {
        Arc::new(split.left_out.clone())
    }

    /// The split in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn split_to_string(split: &mut SplitHandle) -> String {
        split.to_string()
    }

    /// The number of exams.
    #[rhai_fn(global, get = "len", pure)]
    pub fn exams_len(exams: &mut ExamIds) -> INT {
        exams.len() as INT
    }

    /// The exams' series UIDs.
    #[rhai_fn(global, get = "series_uids", pure)]
    pub fn exams_series_uids(exams: &mut ExamIds) -> Array {
        exams
            .iter()
            .map(|id| Dynamic::from(id.series_uid.clone()))
            .collect()
    }

    /// The exams in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn exams_to_string(exams: &mut ExamIds) -> String {
        format!("{} exams", exams.len())
    }

    /// The features in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn features_to_string(features: &mut FeatureSet) -> String {
        features.to_string()
    }
}
