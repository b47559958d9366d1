//! Small CT files, written with dicom-object.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// Planted where patient data go; must never come out.
pub const SECRETS: [&str; 4] = ["DOE^JANE", "MRN-4711", "19700102", "ACC-9988"];

/// One file to be.
#[derive(Clone, Debug)]
pub struct Ct {
    pub study: String,
    pub series: String,
    pub sop: String,
    pub patient: &'static str,
    pub modality: &'static str,
    pub image_type: &'static str,
    pub position: Option<[f64; 3]>,
    pub orientation: Option<[f64; 6]>,
    pub number: Option<i32>,
    pub rows: u16,
    pub cols: u16,
    pub spacing: Option<&'static str>,
    pub slope: Option<&'static str>,
    pub intercept: Option<&'static str>,
    pub rescale_type: Option<&'static str>,
    pub signed: bool,
    pub bits_stored: u16,
    pub padding: Option<(u16, Option<u16>)>,
    pub words: Vec<u16>,
    pub acquisition: Option<i32>,
    pub temporal: Option<i32>,
    pub time: Option<String>,
    pub kernel: Option<&'static str>,
    pub kvp: Option<&'static str>,
}

/// Slice `n` of series `1.2.3` of study `1.2`, at `n × 2.5` mm, every stored value `1000 + n`.
pub fn slice(n: u16) -> Ct {
    Ct {
        study: "1.2".into(),
        series: "1.2.3".into(),
        sop: format!("1.2.3.{}", n + 1),
        patient: SECRETS[1],
        modality: "CT",
        image_type: "ORIGINAL\\PRIMARY\\AXIAL",
        position: Some([-10.0, -20.0, f64::from(n) * 2.5]),
        orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        number: Some(i32::from(n) + 1),
        rows: 4,
        cols: 6,
        spacing: Some("0.7\\0.8"),
        slope: Some("1"),
        intercept: Some("-1024"),
        rescale_type: Some("HU"),
        signed: false,
        bits_stored: 16,
        padding: None,
        words: vec![1000 + n; 24],
        acquisition: None,
        temporal: None,
        time: None,
        kernel: None,
        kvp: None,
    }
}

impl Ct {
    /// Writes the file into `folder` under `name`.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let meta = FileMetaTableBuilder::new()
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2")
            .media_storage_sop_instance_uid(&self.sop)
            .transfer_syntax("1.2.840.10008.1.2.1");
        let object = self.object().with_meta(meta).unwrap();
        object.write_to_file(&path).unwrap();
        path
    }

    /// Writes an enhanced multi-frame file of these images, whose facts are those of `self` but for
    /// the position and the temporal position of each.
    pub fn write_frames(&self, frames: &[Ct], folder: &Path, name: &str) -> PathBuf {
        let mut whole = self.clone();
        whole.position = None;
        whole.temporal = None;
        whole.words = frames
            .iter()
            .flat_map(|frame| frame.words.clone())
            .collect();
        let mut object = whole.object();
        let of = |tag: Tag, element| {
            let mut item = InMemDicomObject::new_empty();
            item.put(element);
            DataElement::new(tag, VR::SQ, DataSetSequence::from(vec![item]))
        };
        let group = |frame: &Ct| {
            let mut group = InMemDicomObject::new_empty();
            if let Some(position) = frame.position {
                let value = PrimitiveValue::from(join(&position));
                let position = DataElement::new(tags::IMAGE_POSITION_PATIENT, VR::DS, value);
                group.put(of(tags::PLANE_POSITION_SEQUENCE, position));
            }
            if let Some(temporal) = frame.temporal {
                let value = PrimitiveValue::from(temporal as u32);
                let index = DataElement::new(tags::TEMPORAL_POSITION_INDEX, VR::UL, value);
                group.put(of(tags::FRAME_CONTENT_SEQUENCE, index));
            }
            group
        };
        let groups: Vec<InMemDicomObject> = frames.iter().map(group).collect();
        let per_frame = tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE;
        object.put(DataElement::new(
            per_frame,
            VR::SQ,
            DataSetSequence::from(groups),
        ));
        let n_frames = PrimitiveValue::from(frames.len().to_string());
        object.put(DataElement::new(tags::NUMBER_OF_FRAMES, VR::IS, n_frames));
        let meta = FileMetaTableBuilder::new()
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2.1")
            .media_storage_sop_instance_uid(&self.sop)
            .transfer_syntax("1.2.840.10008.1.2.1");
        let path = folder.join(name);
        object
            .with_meta(meta)
            .unwrap()
            .write_to_file(&path)
            .unwrap();
        path
    }

    fn object(&self) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        let mut text = |tag: Tag, vr: VR, value: &str| {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        text(tags::PATIENT_NAME, VR::PN, SECRETS[0]);
        text(tags::PATIENT_ID, VR::LO, self.patient);
        text(tags::PATIENT_BIRTH_DATE, VR::DA, SECRETS[2]);
        text(tags::ACCESSION_NUMBER, VR::SH, SECRETS[3]);
        text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
        text(tags::SOP_INSTANCE_UID, VR::UI, &self.sop);
        text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study);
        text(tags::SERIES_INSTANCE_UID, VR::UI, &self.series);
        text(tags::MODALITY, VR::CS, self.modality);
        text(tags::IMAGE_TYPE, VR::CS, self.image_type);
        text(tags::SLICE_THICKNESS, VR::DS, "2.5");
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        if let Some(position) = self.position {
            text(tags::IMAGE_POSITION_PATIENT, VR::DS, &join(&position));
        }
        if let Some(orientation) = self.orientation {
            text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &join(&orientation));
        }
        if let Some(number) = self.number {
            text(tags::INSTANCE_NUMBER, VR::IS, &number.to_string());
        }
        if let Some(number) = self.acquisition {
            text(tags::ACQUISITION_NUMBER, VR::IS, &number.to_string());
        }
        if let Some(number) = self.temporal {
            let tag = tags::TEMPORAL_POSITION_IDENTIFIER;
            text(tag, VR::IS, &number.to_string());
        }
        for (tag, vr, value) in [
            (tags::ACQUISITION_TIME, VR::TM, self.time.as_deref()),
            (tags::CONVOLUTION_KERNEL, VR::SH, self.kernel),
            (tags::KVP, VR::DS, self.kvp),
            (tags::PIXEL_SPACING, VR::DS, self.spacing),
            (tags::RESCALE_SLOPE, VR::DS, self.slope),
            (tags::RESCALE_INTERCEPT, VR::DS, self.intercept),
            (tags::RESCALE_TYPE, VR::LO, self.rescale_type),
        ] {
            if let Some(value) = value {
                text(tag, vr, value);
            }
        }
        let mut word = |tag: Tag, value: u16| {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        };
        word(tags::SAMPLES_PER_PIXEL, 1);
        word(tags::ROWS, self.rows);
        word(tags::COLUMNS, self.cols);
        word(tags::BITS_ALLOCATED, 16);
        word(tags::BITS_STORED, self.bits_stored);
        word(tags::HIGH_BIT, self.bits_stored - 1);
        word(tags::PIXEL_REPRESENTATION, self.signed.into());
        if let Some((value, limit)) = self.padding {
            word(tags::PIXEL_PADDING_VALUE, value);
            if let Some(limit) = limit {
                word(tags::PIXEL_PADDING_RANGE_LIMIT, limit);
            }
        }
        let words = PrimitiveValue::U16(self.words.clone().into());
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, words));
        object
    }
}

fn join(numbers: &[f64]) -> String {
    let texts: Vec<String> = numbers.iter().map(f64::to_string).collect();
    texts.join("\\")
}
