//! Encodes a slice as a DICOM file (CT Image IOD, PS3.3 A.3). Every file says that it is synthetic,
//! and holds no date and no name that could be taken for a person's.

use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use crate::plan::{ExamPlan, Storage};
use crate::scan::in_view;
use crate::seed::uid;

const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
/// Implementation Class UID of this program: a UUID made once, under 2.25 (PS3.5 annex B.2).
const IMPLEMENTATION: &str = "2.25.290481716042127353925871062839117430645";
/// Value that GE's scanners store outside their field of view.
const GE_PADDING: i16 = -2000;
const SYNTHETIC: &str = "SYNTHETIC: computed phantom, not a patient";

impl Storage {
    fn intercept(self) -> i16 {
        if self == Self::Signed16 { 0 } else { -1024 }
    }

    fn bits(self) -> u16 {
        if self == Self::Unsigned12 { 12 } else { 16 }
    }

    fn signed(self) -> bool {
        self != Self::Unsigned12
    }

    fn transfer_syntax(self) -> &'static str {
        if self == Self::Unsigned12 {
            IMPLICIT_LE
        } else {
            EXPLICIT_LE
        }
    }

    /// The stored value of a pixel, as its bit pattern.
    fn stored(self, hu: i16, in_view: bool) -> u16 {
        match self {
            Self::SignedPadded if !in_view => GE_PADDING as u16,
            _ => (hu - self.intercept()) as u16,
        }
    }
}

/// Encodes the file of one slice; `None` if the encoder refuses it.
pub(crate) fn file(plan: &ExamPlan, slice_idx: usize, hu: &[i16]) -> Option<Vec<u8>> {
    let sop_uid = plan.sop_uid(slice_idx);
    let storage = plan.scan.storage;
    let mut object = Slice(InMemDicomObject::new_empty());
    object.identity(plan, slice_idx, &sop_uid);
    object.acquisition(plan);
    object.geometry(plan, slice_idx);
    object.pixels(plan, hu);
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid(sop_uid)
        .transfer_syntax(storage.transfer_syntax())
        .implementation_class_uid(IMPLEMENTATION)
        .implementation_version_name("PE_PHANTOM")
        .build()
        .ok()?;
    let mut bytes = Vec::with_capacity(hu.len() * 2 + 4096);
    object.0.with_exact_meta(meta).write_all(&mut bytes).ok()?;
    Some(bytes)
}

struct Slice(InMemDicomObject);

impl Slice {
    fn text(&mut self, tag: Tag, vr: VR, value: &str) {
        self.0
            .put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
    }

    /// Adds a number as decimal text: the shortest one that reads back as the same value.
    fn decimal(&mut self, tag: Tag, value: f64) {
        self.text(tag, VR::DS, &value.to_string());
    }

    fn word(&mut self, tag: Tag, value: u16) {
        self.0
            .put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }

    fn identity(&mut self, plan: &ExamPlan, slice_idx: usize, sop_uid: &str) {
        let n_slices = plan.scan.n_slices;
        let number = if plan.scan.numbered_from_head {
            n_slices - slice_idx
        } else {
            slice_idx + 1
        };
        let exam = plan.exam_idx + 1;
        self.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100");
        self.text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY\\AXIAL");
        self.text(tags::SOP_CLASS_UID, VR::UI, CT_IMAGE_STORAGE);
        self.text(tags::SOP_INSTANCE_UID, VR::UI, sop_uid);
        // Attributes of type 2 must be present; they are empty, since no true value exists.
        self.text(tags::STUDY_DATE, VR::DA, "");
        self.text(tags::STUDY_TIME, VR::TM, "");
        self.text(tags::ACCESSION_NUMBER, VR::SH, "");
        self.text(tags::MODALITY, VR::CS, "CT");
        self.text(tags::MANUFACTURER, VR::LO, "SYNTHETIC (pe-phantom)");
        self.text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "");
        self.text(tags::STUDY_DESCRIPTION, VR::LO, "SYNTHETIC CTPA PHANTOM");
        self.text(tags::SERIES_DESCRIPTION, VR::LO, "SYNTHETIC CTPA PHANTOM");
        self.text(
            tags::MANUFACTURER_MODEL_NAME,
            VR::LO,
            concat!("pe-phantom ", env!("CARGO_PKG_VERSION")),
        );
        self.text(tags::PATIENT_NAME, VR::PN, "SYNTHETIC^PHANTOM");
        self.text(
            tags::PATIENT_ID,
            VR::LO,
            &format!("PHANTOM-{}-{exam}", plan.seed),
        );
        self.text(tags::PATIENT_BIRTH_DATE, VR::DA, "");
        self.text(tags::PATIENT_SEX, VR::CS, "O");
        self.text(tags::PATIENT_COMMENTS, VR::LT, SYNTHETIC);
        self.text(tags::IMAGE_COMMENTS, VR::LT, SYNTHETIC);
        self.text(tags::STUDY_INSTANCE_UID, VR::UI, &plan.study_uid);
        self.text(tags::SERIES_INSTANCE_UID, VR::UI, &plan.series_uid);
        self.text(tags::STUDY_ID, VR::SH, &exam.to_string());
        self.text(tags::SERIES_NUMBER, VR::IS, "2");
        self.text(tags::ACQUISITION_NUMBER, VR::IS, "1");
        self.text(tags::INSTANCE_NUMBER, VR::IS, &number.to_string());
    }

    fn acquisition(&mut self, plan: &ExamPlan) {
        let scan = &plan.scan;
        let kernel = if scan.sharpness > 0.0 {
            "SYNTHETIC SHARP"
        } else {
            "SYNTHETIC SOFT"
        };
        self.text(tags::BODY_PART_EXAMINED, VR::CS, "CHEST");
        self.text(tags::CONTRAST_BOLUS_AGENT, VR::LO, "SYNTHETIC");
        self.decimal(tags::SLICE_THICKNESS, scan.spacing_mm);
        self.decimal(tags::SPACING_BETWEEN_SLICES, scan.spacing_mm);
        self.decimal(tags::KVP, f64::from(scan.tube_kv));
        self.text(tags::CONVOLUTION_KERNEL, VR::SH, kernel);
        self.text(tags::PATIENT_POSITION, VR::CS, "HFS");
        self.text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    }

    fn geometry(&mut self, plan: &ExamPlan, slice_idx: usize) {
        let scan = &plan.scan;
        let position = plan.position_mm(slice_idx);
        // Position of the first pixel's centre; the image's centre is at 0.
        let corner = -(plan.size as f64 - 1.0) / 2.0 * scan.pixel_mm;
        let corner = (corner * 1e4).round() / 1e4;
        self.text(
            tags::IMAGE_POSITION_PATIENT,
            VR::DS,
            &format!("{corner}\\{corner}\\{position}"),
        );
        self.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0");
        self.text(
            tags::FRAME_OF_REFERENCE_UID,
            VR::UI,
            &uid(plan.seed, "frame", &[plan.exam_idx]),
        );
        self.text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "");
        self.decimal(tags::SLICE_LOCATION, position);
        self.text(
            tags::PIXEL_SPACING,
            VR::DS,
            &format!("{0}\\{0}", scan.pixel_mm),
        );
    }

    fn pixels(&mut self, plan: &ExamPlan, hu: &[i16]) {
        let storage = plan.scan.storage;
        self.word(tags::SAMPLES_PER_PIXEL, 1);
        self.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        self.word(tags::ROWS, plan.size as u16);
        self.word(tags::COLUMNS, plan.size as u16);
        self.word(tags::BITS_ALLOCATED, 16);
        self.word(tags::BITS_STORED, storage.bits());
        self.word(tags::HIGH_BIT, storage.bits() - 1);
        self.word(tags::PIXEL_REPRESENTATION, u16::from(storage.signed()));
        if storage == Storage::SignedPadded {
            let padding = PrimitiveValue::from(GE_PADDING);
            self.0
                .put(DataElement::new(tags::PIXEL_PADDING_VALUE, VR::SS, padding));
        }
        self.text(tags::WINDOW_CENTER, VR::DS, "100");
        self.text(tags::WINDOW_WIDTH, VR::DS, "700");
        self.decimal(tags::RESCALE_INTERCEPT, f64::from(storage.intercept()));
        self.decimal(tags::RESCALE_SLOPE, 1.0);
        self.text(tags::RESCALE_TYPE, VR::LO, "HU");
        let size = plan.size;
        let mut stored = Vec::with_capacity(2 * hu.len());
        for (row, pixels) in hu.chunks_exact(size).enumerate() {
            for (col, &hu) in pixels.iter().enumerate() {
                let value = storage.stored(hu, in_view(row, col, size));
                stored.extend_from_slice(&value.to_le_bytes());
            }
        }
        // Store the words as bytes in the order of the transfer syntax, so that they are written at once.
        let stored = PrimitiveValue::U8(stored.into());
        self.0
            .put(DataElement::new(tags::PIXEL_DATA, VR::OW, stored));
    }
}
