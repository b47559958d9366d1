//! Features of a frozen network, extracted once for each exam and then cached in the store.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pe_binding::Work;
use pe_ct::ExamId;
use pe_nn::{Backbone, Mode};
use pe_store::{
    FeatureSettings, FeatureStore, FeatureUnit, SliceStore, StoredExam, StoredFeatures,
};
use tch::Kind;

use crate::data::{FrameSet, HostBatch, SequenceForm, for_each_batch};
use crate::fit::Network;
use crate::model::{Architecture, Model};
use crate::options::SequenceOptions;
use crate::stop::stoppable;
use crate::{Runs, TrainError};

/// Slices, alone or in slabs, in one pass through the network. Enough to keep the device busy; the
/// memory is little compared with training.
const FRAMES_AT_ONCE: usize = 64;

/// Features of stored slices, made by one frozen network. An exam's features are extracted when
/// they are first asked for, then cached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FeatureSet {
    model: Model,
    exams: Arc<BTreeMap<ExamId, StoredExam>>,
    store: Arc<FeatureStore>,
    runs: Runs,
}

impl FeatureSet {
    /// Creates the set for `model`, a CNN, and the exams of `slices`. The features are cached in
    /// the folder of `runs`.
    ///
    /// # Errors
    /// [`TrainError::Mismatch`] for a sequence model, or slices made with other settings than the
    /// model was trained on.
    pub fn new(model: &Model, slices: &SliceStore, runs: &Runs) -> Result<Self, TrainError> {
        let mismatch = |expected: String, found: String| TrainError::Mismatch {
            model: model.record().name.clone(),
            expected,
            found,
        };
        let Architecture::Cnn {
            slices: expected, ..
        } = &model.record().architecture
        else {
            let found = "a sequence model, which takes features itself";
            return Err(mismatch("a CNN".into(), found.into()));
        };
        if expected != slices.settings() {
            let shown = |settings| serde_json::json!(settings).to_string();
            return Err(mismatch(
                format!("slices made with {}", shown(expected)),
                shown(slices.settings()),
            ));
        }
        let exams = slices.exams()?.into_iter();
        Ok(Self {
            model: model.clone(),
            exams: Arc::new(
                exams
                    .map(|exam| (exam.manifest().exam.id.clone(), exam))
                    .collect(),
            ),
            store: Arc::new(FeatureStore::open(
                runs.folder(),
                model.features(),
                runs.files(),
            )?),
            runs: runs.clone(),
        })
    }

    /// The settings that the features are made with.
    pub fn settings(&self) -> &FeatureSettings {
        self.store.settings()
    }

    /// All exams that features can be made of.
    pub fn exams(&self) -> Vec<ExamId> {
        self.exams.keys().cloned().collect()
    }

    /// The exams with these series UIDs, in their order.
    ///
    /// # Errors
    /// [`TrainError::Data`] for a UID of which no slices are stored.
    pub fn select(&self, series_uids: &[String]) -> Result<Vec<ExamId>, TrainError> {
        let known: BTreeMap<&str, &ExamId> = self
            .exams
            .keys()
            .map(|id| (id.series_uid.as_str(), id))
            .collect();
        let find = |uid: &String| known.get(uid.as_str()).map(|id| ExamId::clone(id));
        series_uids
            .iter()
            .map(|uid| find(uid).ok_or_else(|| self.missing(uid)))
            .collect()
    }

    /// Name of the folder of the network that makes the features.
    pub(crate) fn backbone(&self) -> String {
        let name = self.model.folder().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The form in which these features are cut into sequences.
    pub(crate) fn form(&self, options: &SequenceOptions) -> SequenceForm {
        SequenceForm::new(self.settings().unit, options)
    }

    /// Returns the features of these exams, in their order. Those that are not cached are extracted
    /// and stored.
    ///
    /// # Errors
    /// [`TrainError::Data`] for an exam without slices; [`TrainError::Interrupted`] after a stop
    /// request, when the features made so far stay cached; errors of the network and the store.
    pub fn of(
        &self,
        exams: &[ExamId],
        work: &Work,
    ) -> Result<Vec<(StoredExam, StoredFeatures)>, TrainError> {
        let exams = exams
            .iter()
            .map(|id| self.exam(id))
            .collect::<Result<Vec<_>, _>>()?;
        // Look up all exams first: the progress bar needs the number of missing slices, and the
        // network is only loaded if there are any.
        let mut found = exams
            .iter()
            .map(|exam| self.kept(exam, work))
            .collect::<Result<Vec<_>, _>>()?;
        let missing: usize = (exams.iter().zip(&found))
            .map(|(exam, found)| if found.is_none() { exam.n_slices() } else { 0 })
            .sum();
        if missing > 0 {
            let task = work.task(
                &format!("features of {}", self.model.record().name),
                missing,
                "slices",
            );
            let network = self.model.network(self.runs.device())?;
            for (exam, found) in exams.iter().zip(&mut found) {
                if found.is_none() {
                    task.check()?;
                    let values = self.extract(&network, exam, work)?;
                    *found = Some(self.store.put(exam, &values)?);
                    task.advance(exam.n_slices());
                }
            }
        }
        // Every exam has its features by now, so this drops none.
        let pairs = exams.into_iter().zip(found);
        Ok(pairs
            .filter_map(|(exam, found)| found.map(|found| (exam, found)))
            .collect())
    }

    fn exam(&self, id: &ExamId) -> Result<StoredExam, TrainError> {
        self.exams
            .get(id)
            .cloned()
            .ok_or_else(|| self.missing(&id.series_uid))
    }

    fn missing(&self, series_uid: &str) -> TrainError {
        TrainError::Data {
            what: "the stored slices".into(),
            expected: format!("exam {series_uid}"),
            found: format!("{} exams without it", self.exams.len()),
        }
    }

    fn kept(&self, exam: &StoredExam, work: &Work) -> Result<Option<StoredFeatures>, TrainError> {
        work.check()?;
        match self.store.get(exam) {
            // Damaged features are extracted again, so a warning is enough.
            Err(error @ pe_store::StoreError::Damaged { .. }) => {
                work.warn(&format!("{error}; it is made again"));
                Ok(None)
            }
            other => Ok(other?),
        }
    }

    fn extract(
        &self,
        network: &Network,
        exam: &StoredExam,
        work: &Work,
    ) -> Result<Vec<f32>, TrainError> {
        let (Network::Cnn(backbone), Architecture::Cnn { normalisation, .. }) =
            (network, &self.model.record().architecture)
        else {
            // Not reached: `new` only accepts CNNs.
            return Ok(Vec::new());
        };
        let _no_grad = tch::no_grad_guard();
        let _stoppable = stoppable(work);
        let frames = FrameSet::new(exam.clone(), self.settings().unit, *normalisation);
        let at_once = (FRAMES_AT_ONCE / self.model.slices_per_row()).max(1);
        let indices: Vec<usize> = (0..frames.n_rows()).collect();
        let order: Vec<&[usize]> = indices.chunks(at_once).collect();
        let mut values = Vec::with_capacity(frames.n_rows() * self.settings().width);
        let n_threads = self.runs.n_threads();
        for_each_batch(&frames, &order, None, n_threads, work, |_, host| {
            values.extend(forward(backbone, &host)?);
            Ok(())
        })?;
        Ok(values)
    }
}

fn forward(backbone: &Backbone, host: &HostBatch) -> Result<Vec<f32>, TrainError> {
    let batch = host.to_device(backbone.params().device())?;
    let features = backbone.features(&batch.input, Mode::Eval)?;
    let flat = features
        .f_to_kind(Kind::Float)?
        .f_contiguous()?
        .f_flatten(0, -1)?;
    Ok(Vec::<f32>::try_from(&flat.f_to_device(tch::Device::Cpu)?)?)
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FeatureSettings {
            network,
            unit,
            width,
            ..
        } = self.settings();
        let unit = match unit {
            FeatureUnit::Slice => "slice".to_owned(),
            FeatureUnit::Slab(n_slices) => format!("slab of {n_slices} slices"),
        };
        let n_exams = self.exams.len();
        write!(
            f,
            "features of {network}: {width} a {unit}, {n_exams} exams"
        )
    }
}
