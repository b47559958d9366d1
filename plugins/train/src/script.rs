//! `train` in Rhai: split exams, train networks, freeze them, train sequence models, predict.

use std::path::Path;
use std::sync::Arc;

use pe_ct::ExamId;
use rhai::def_package;
use rhai::plugin::*;

use crate::{Architecture, FeatureSet, Model, Runs, Split};

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

    /// Splits the exams of a store into a training, a validation and a test part.
    ///
    /// Exams are dealt out by their label, so that each part has its share of PE, and all exams of
    /// a patient go to one part. Exams without labels are left out. Equal stores and settings give
    /// the same split.
    ///
    /// - `test` (0.2): share of the exams that test, above 0 and below 1
    /// - `validation` (0.1): share of the others that choose the epoch and the threshold, 0 to
    ///   below 1
    /// - `folds` (0), `fold` (0): cross-validation instead: part `fold`, from 0, of `folds` tests;
    ///   `folds` 0 splits once
    /// - `n_train` (0): how many exams are trained on, all for 0; fewer are a part of more, with the
    ///   same share of PE and the same tests, and the exams of a patient stay together
    /// - `indeterminate` (true): whether indeterminate exams are used; they count as PE
    /// - `leave_out` ([]): SeriesInstanceUIDs of exams that are in no part
    /// - `seed` (0): of the order in which patients are dealt out
    ///
    /// Throws `options.invalid` for a share out of range or a UID that is not stored, and `train.data` when a part that was
    /// asked for stays empty.
    ///
    /// ```rhai
    /// let split = train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1 });
    /// print(split); // 2 exams to train, 2 to validate, 2 to test
    /// let doubtful = slices.exams.filter(|exam| exam.quality.suspicion > 5.0);
    /// let half = train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1, n_train: 1 });
    /// print(half.train.len); // 1
    /// let left_out = doubtful.map(|exam| exam.info.series_uid);
    /// train::split(slices, #{ test: 0.34, validation: 0.5, seed: 1, leave_out: left_out });
    /// try { train::split(slices, #{ test: 1.0 }); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn split(slices: StoreHandle, settings: Map) -> ScriptResult<SplitHandle> {
        let settings = options("train::split()", &settings)?;
        let exams = slices.exams().map_err(raise)?;
        Split::new(&exams, &settings).map(Arc::new).map_err(raise)
    }

    /// The folder that models and features are kept in, and where networks run.
    ///
    /// What is there already is not made again, and what was interrupted goes on.
    ///
    /// - `device` ("auto"): `"auto"`, the first GPU that works or else the CPU; `"cpu"`, `"cuda"`
    ///   or `"cuda:N"`
    /// - `seed` (0): of initialisation, order, augmentation and dropout
    ///
    /// Throws `device.unknown` for another device, and says why when the one that was named cannot
    /// be used.
    ///
    /// ```rhai
    /// let runs = train::runs("work", #{ device: "cpu", seed: seed() });
    /// try { train::runs("work", #{ device: "gpu" }); } catch (error) {
    ///     print(error.kind); // device.unknown
    /// }
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn runs(context: NativeCallContext, folder: &str, settings: Map) -> ScriptResult<Runs> {
        let given: crate::RunSettings = options("train::runs()", &settings)?;
        let work = work(&context);
        let folder = Path::new(folder);
        Runs::new(folder, &given.device, given.seed, work.files()).map_err(raise)
    }

    /// Trains a CNN on the training part of a split, and gives the model of its best epoch.
    ///
    /// `efficientnet_b0` and `efficientnet_lite0` take single slices, `r3d_18` slabs of consecutive
    /// slices. A model that was trained with the same name, settings, data, split and seed is
    /// opened, not trained again; training that was stopped goes on. Validation slices choose the
    /// epoch, and then the threshold.
    ///
    /// - `network` ("efficientnet_b0"): or `"efficientnet_lite0"`, the same for small devices, without
    ///   squeeze and excitation; or `"r3d_18"`
    /// - `weights` (""): pretrained weights, safetensors from `scripts/weights/convert.py`; or
    ///   `"imagenet"`, those of `efficientnet_lite0`, which `make setup` installs; empty starts from
    ///   the standard initialisation
    /// - `slab` (32): slices of a slab, of `r3d_18`
    /// - `slab_stride` (0): slices from one training slab to the next, so that they overlap; 0 takes
    ///   a whole slab
    /// - `head` ("slices"): what `r3d_18` says of a slab: a logit for each slice, or with `"slab"`
    ///   one
    /// - `blur_sigma` ([0.1, 2.0]): augmentation: bounds of the blur's sigma, pixels; `[0, 0]`
    ///   does not blur
    /// - `flip` (0.5): augmentation: probability of a horizontal flip
    /// - `rotation_deg` (15.0): augmentation: the greatest rotation to either side, degrees
    /// - `zoom` (0.0), `shift` (0.0): augmentation: the greatest change of size, and the greatest
    ///   shift along rows and columns, as shares of the image's side
    /// - `contrast` (0.0), `brightness` (0.0): augmentation: values in 0 to 1 are multiplied by
    ///   1 ± `contrast`, then ± `brightness` is added
    /// - `batch` (48): slices, or slabs, a step
    /// - `epochs` (10): passes over the training part
    /// - `steps` (0): steps of an epoch; 0 makes a pass over the training part
    /// - `balance` (0.0): share of slices, or slabs, with PE in each batch; 0 takes them as they come
    /// - `lr` (1e-4): learning rate
    /// - `optimizer` ("adam"): or `"adamw"`
    /// - `weight_decay` (0.0): weight decay
    /// - `schedule` ("constant"): of the learning rate: or `"step"`, times `gamma` every
    ///   `step_epochs`; or `"cosine"`, down to 0
    /// - `step_epochs` (20), `gamma` (0.9): of the schedule `"step"`
    /// - `warmup_steps` (0): steps over which the learning rate rises from 0
    /// - `clip_norm` (0.0): the greatest norm of the gradients; 0 does not clip
    /// - `average` (0.0): decay of a running average of the weights over the steps, such as 0.99,
    ///   which is validated and kept in place of the last weights; 0 does not average
    /// - `positive_weight` (1.0): weight of a PE slice in the loss
    /// - `select` ("loss"): what chooses the epoch on the validation part: `"loss"`, `"auroc"` or
    ///   `"last"`
    /// - `patience` (0): training ends after so many epochs without a better one; 0 never
    /// - `precision` ("f32"): or `"bf16"`, which GPUs are fast in
    /// - `checkpoint_s` (60.0): seconds between checkpoints within an epoch
    /// - `shuffle_labels` (false): a negative control: it must not learn
    ///
    /// Throws `options.unknown` or `options.invalid` for an option that does not exist or is out
    /// of range, and for a name that is not 1 to 64 letters, digits, `_` and `-`; `train.data`
    /// when a part has no labelled slices or another process trains this model; `train.non_finite`
    /// when the loss is no number any more; `nn.weights` for `"imagenet"` with another network, or
    /// where these weights are not installed.
    ///
    /// ```rhai
    /// let options = #{ network: "efficientnet_b0", epochs: 1, lr: 0.001 };
    /// let again = runs.cnn("effnet", options, slices, split);
    /// print(again.folder == model.folder); // true
    /// try { runs.cnn("a", #{ epochs: 0 }, slices, split); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
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

    /// Trains a sequence model on the features of a frozen CNN, and gives the model of its best
    /// epoch.
    ///
    /// It sees the rows of an exam in their order: slices of an EfficientNet, slabs of `r3d_18`.
    /// What is trained is opened and what was stopped goes on, as with `runs.cnn`.
    ///
    /// - `model` ("bilstm"): or `"tcn"`
    /// - `hidden` (128): size of the BiLSTM's state, in each direction
    /// - `channels` (128), `kernel` (5), `levels` (3): channels, kernel and residual blocks of the
    ///   TCN
    /// - `dropout` (0.2): in the TCN
    /// - `causal` (true): whether the TCN sees only rows before; otherwise `kernel` must be odd
    /// - `chunk_slices` (64), `chunk_slabs` (10): the longest sequence, of slices or of slabs;
    ///   longer exams are cut
    /// - `neighbours` (1): slabs before and after whose features are joined to a slab's
    /// - `batch` (16): sequences a step
    /// - `epochs` (100): passes over the training part
    /// - `steps` (0), `balance` (0.0): as with `runs.cnn`, of sequences
    /// - `lr` (5e-4): learning rate
    /// - `optimizer` ("adam"): or `"adamw"`
    /// - `weight_decay` (0.0): weight decay
    /// - `schedule` ("step"): of the learning rate: `"constant"`; `"step"`, times `gamma` every
    ///   `step_epochs`; or `"cosine"`, down to 0
    /// - `step_epochs` (20), `gamma` (0.9): of the schedule `"step"`
    /// - `warmup_steps` (0): steps over which the learning rate rises from 0
    /// - `clip_norm` (0.0): the greatest norm of the gradients; 0 does not clip
    /// - `average` (0.0): decay of a running average of the weights over the steps, such as 0.99,
    ///   which is validated and kept in place of the last weights; 0 does not average
    /// - `positive_weight` (1.0): weight of a PE slice in the loss
    /// - `select` ("loss"): what chooses the epoch on the validation part: `"loss"`, `"auroc"` or
    ///   `"last"`
    /// - `patience` (0): training ends after so many epochs without a better one; 0 never
    /// - `precision` ("f32"): or `"bf16"`, which GPUs are fast in
    /// - `checkpoint_s` (60.0): seconds between checkpoints within an epoch
    /// - `shuffle_labels` (false): a negative control: it must not learn
    ///
    /// Throws as `runs.cnn`, and what making the features throws.
    ///
    /// ```rhai
    /// let options = #{ model: "tcn", channels: 8, epochs: 1 };
    /// let again = runs.sequence("effnet_tcn", options, features, split);
    /// print(again.backbone.name); // effnet
    /// let even = #{ model: "tcn", causal: false, kernel: 4 };
    /// try { runs.sequence("a", even, features, split); } catch (error) {
    ///     print(error.kind); // options.invalid
    /// }
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

    /// The features that a frozen CNN makes of stored slices: 1280 a slice of an EfficientNet, 512
    /// a slab of ResNet 3D 18.
    ///
    /// An exam's are made when they are first needed, and kept in the folder of the runs.
    ///
    /// Throws `train.mismatch` for slices of other settings than the model was trained on, and for
    /// a sequence model, which makes no features.
    ///
    /// ```rhai
    /// let features = runs.features(model, slices);
    /// print(features); // features of efficientnet_b0: 1280 a slice, 6 exams
    /// let other = store::slices("work", #{ size: 48 });
    /// try { runs.features(model, other); } catch (error) { print(error.kind); } // train.mismatch
    /// ```
    #[rhai_fn(global, name = "features", return_raw, volatile, pure)]
    pub fn features(
        runs: &mut Runs,
        model: Model,
        slices: StoreHandle,
    ) -> ScriptResult<FeatureSet> {
        FeatureSet::new(&model, &slices, runs).map_err(raise)
    }

    /// Opens a trained model by its folder. The record of the run tells the SHA-256 of its weights.
    ///
    /// Throws `train.no_model` for a folder without a finished model, `train.damaged` for one that is not
    /// what it says, and `nn.io` where its weights cannot be read.
    ///
    /// ```rhai
    /// print(train::load(model.folder).threshold == model.threshold); // true
    /// try { train::load("no/such/model"); } catch (error) { print(error.kind); } // train.no_model
    /// ```
    #[rhai_fn(return_raw, volatile)]
    pub fn load(context: NativeCallContext, folder: &str) -> ScriptResult<Model> {
        let work = work(&context);
        let model = Model::load(Path::new(folder), work.files()).map_err(raise)?;
        work.weights(&model.weights().map_err(raise)?);
        // A sequence model that lies alone is refused when its CNN is asked for.
        if let Architecture::Sequence { .. } = model.record().architecture
            && let Ok(backbone) = model.backbone()
        {
            work.weights(&backbone.weights().map_err(raise)?);
        }
        Ok(model)
    }

    /// The model's probability of PE for each slice of these exams, as scores.
    ///
    /// `features` are the CNN's own, or those of the sequence model's CNN. The scores bring the
    /// thresholds that the validation part chose, for slices, slabs and exams; what a label table
    /// says of the exams is in them too.
    ///
    /// Throws `train.mismatch` for features of another CNN, and `train.data` for an exam without
    /// stored slices.
    ///
    /// ```rhai
    /// let scores = model.predict(features, split.test);
    /// print(scores.n_exams); // 2
    /// print(scores.threshold == model.threshold); // true
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
    /// same relative height in the exam.
    ///
    /// They are of the test part. What a network has learnt to see is what lies above it.
    ///
    /// Throws `train.data` when the store lacks an exam of the split.
    ///
    /// ```rhai
    /// let baseline = train::position_baseline(slices, split);
    /// print(baseline.n_exams); // 2
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

    /// Those exams of which the features can be made that have these series UIDs, in their order.
    ///
    /// Throws `train.data` for a UID of which no slices are stored.
    ///
    /// ```rhai
    /// let some = features.select([exam.info.series_uid]);
    /// print(model.predict(features, some).n_exams); // 1
    /// try { features.select(["1.2.3"]); } catch (error) { print(error.kind); } // train.data
    /// ```
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

    /// Where the training began, in words.
    ///
    /// A CNN that was given weights names their file, its SHA-256, the name of the weights where the
    /// file was converted from published ones, and what became of the last layer.
    ///
    /// ```rhai
    /// print(model.start); // standard initialisation
    /// ```
    #[rhai_fn(global, get = "start", pure)]
    pub fn start(model: &mut Model) -> String {
        model.start()
    }

    /// The threshold that the validation part chose; `()` without one.
    #[rhai_fn(global, get = "threshold", pure)]
    pub fn threshold(model: &mut Model) -> Dynamic {
        model
            .threshold()
            .map_or(Dynamic::UNIT, |threshold| Dynamic::from(threshold as FLOAT))
    }

    /// The number of trainable numbers.
    #[rhai_fn(global, get = "n_parameters", pure)]
    pub fn n_parameters(model: &mut Model) -> INT {
        model.record().n_parameters as INT
    }

    /// The layers with weights, an array of maps `#{name, shape, n_parameters}`, by PyTorch's names.
    ///
    /// ```rhai
    /// print(model.layers.len() > 100); // true
    /// print(model.layers[0].name);     // classifier.1
    /// ```
    #[rhai_fn(global, get = "layers", return_raw, pure)]
    pub fn layers(model: &mut Model) -> ScriptResult<Dynamic> {
        rhai::serde::to_dynamic(model.layers().map_err(raise)?)
    }

    /// What is set of the slices that this model, or its CNN, takes: a map for `store::slices`.
    ///
    /// ```rhai
    /// let same = store::slices("work", model.slices);
    /// print(same.folder == slices.folder); // true
    /// ```
    #[rhai_fn(global, get = "slices", return_raw, pure)]
    pub fn slices(model: &mut Model) -> ScriptResult<Dynamic> {
        let settings = model.slice_settings().map_err(raise)?;
        rhai::serde::to_dynamic(settings)
    }

    /// Every epoch of the training, an array of maps.
    ///
    /// Each has `epoch`, `train_loss`, `validation_loss`, `validation_auroc`, `learning_rate`,
    /// `gradient_norm`, `slices_per_s` and `elapsed_s`.
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

    /// The exams in no part: without labels, indeterminate, or named in `leave_out`.
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
