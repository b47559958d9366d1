//! The part of a file's header that is kept: the image's layout, geometry and rescale. Values that
//! identify the patient are not read, except PatientID, of which only a digest is kept.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::FileFault;
use crate::element::{Element, Elements, Encoding, Stop, is_pixel_data};
use crate::functional_groups;
use crate::id;
use crate::kernel::is_kernel;
use crate::layout::Layout;
use crate::syntax::Syntax;
use crate::table::{SERIES, SLICE, STUDY};
use crate::value::Values;

/// Terms of PS3.3 section C.7.3.1.1.1, with retired ones that old archives have.
const MODALITIES: &str = "ANN AR AS ASMT AU BDUS BI BMD CD CF CFM CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS \
    DX EC ECG EEG EMG EOG EPS ES FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D \
    MA MG MR MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG \
    RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM \
    SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF XA XAPROTOCOL XC";

/// Terms of PS3.3 section C.7.6.3.1.2, with retired ones.
const PHOTOMETRIC: [&str; 14] = [
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "HSV",
    "ARGB",
    "CMYK",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_422",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
    "XYB",
];

/// A file's header.
#[derive(Debug, Clone, Default)]
pub(crate) struct Header {
    pub study_uid: String,
    pub series_uid: String,
    pub sop_uid: String,
    pub sop_class: String,
    pub modality: String,
    pub patient_key: Option<String>,
    pub instance_number: Option<i64>,
    pub layout: Layout,
    /// Facts of the only frame, or of every frame that has none of its own.
    pub frame: FrameFacts,
    /// Facts of each frame of an enhanced object; otherwise empty.
    pub per_frame: Vec<FrameFacts>,
    pub technique: Technique,
    pub pixels: Option<Pixels>,
    /// Attributes that are present but cannot be parsed.
    pub invalid: Vec<&'static str>,
}

/// The position of a frame in the patient, and the meaning of its stored values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FrameFacts {
    pub position: Option<[f64; 3]>,
    pub orientation: Option<[f64; 6]>,
    /// Row, then column spacing in mm.
    pub pixel_spacing: Option<[f64; 2]>,
    pub slice_thickness: Option<f64>,
    pub spacing_between: Option<f64>,
    pub slope: Option<f64>,
    pub intercept: Option<f64>,
    pub rescale_type: Option<String>,
    pub localizer: bool,
    /// A digest of ImageType, or of a frame's FrameType: the text may hold anything.
    pub image_type_key: Option<i64>,
    pub acquisition: Option<i64>,
    pub temporal: Option<i64>,
}

/// Facts about how the image was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Technique {
    pub kvp: Option<f64>,
    pub kernel: Option<String>,
    /// A digest of ConvolutionKernel: the text may hold anything.
    pub kernel_key: Option<i64>,
    /// The time of day when the image was taken, µs. It is only compared, never shown.
    pub time_us: Option<i64>,
}

/// The position of the samples in the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub tag: Tag,
    /// True if the value consists of 16-bit words (VR OW). A big-endian file swaps their bytes even if
    /// each word holds two 8-bit samples.
    pub in_words: bool,
    /// Offset of the value; of the first item if encapsulated.
    pub start: usize,
    /// Length that the element declares; `None` if encapsulated.
    pub declared: Option<usize>,
    /// Number of bytes from `start` to the end of the data set.
    pub available: usize,
}

impl Header {
    /// Reads the header of the data set from `start` to `end`. `bytes` may hold only the beginning of
    /// the file.
    pub fn read(bytes: &[u8], start: usize, end: usize, encoding: Encoding) -> Result<Self, Stop> {
        let mut elements = Elements::new(bytes, start, end, encoding);
        let mut raw = Raw::default();
        let mut header = Self::default();
        header.layout.samples = 1;
        header.layout.n_frames = 1;
        while let Some(element) = elements.next()? {
            if is_pixel_data(element.tag) {
                header.pixels = Some(Pixels {
                    tag: element.tag,
                    in_words: element.vr == Some(*b"OW"),
                    start: element.value.start,
                    declared: (!element.undefined_length).then(|| element.value.len()),
                    available: end.saturating_sub(element.value.start),
                });
                break;
            }
            header.take(&mut raw, &elements, &element)?;
        }
        header.settle(&raw);
        Ok(header)
    }

    fn take(&mut self, raw: &mut Raw, elements: &Elements, element: &Element) -> Result<(), Stop> {
        let wanted = FrameFacts::WANTED.contains(&element.tag) || WANTED.contains(&element.tag);
        if !wanted {
            return Ok(());
        }
        match element.tag {
            tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE => {
                for item in elements.items(element)? {
                    functional_groups::read(&item, &mut self.frame, &mut self.invalid)?;
                }
                return Ok(());
            }
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE => {
                let items = elements.items(element)?;
                // Check the number first: the facts of a frame take far more memory than the eight bytes
                // of an empty item, so a small file could otherwise exhaust memory.
                let n_items = self.per_frame.len().saturating_add(items.len());
                if n_items > Layout::MAX_FRAMES {
                    return Err(Stop::Fault(FileFault::TooLarge(format!(
                        "expected at most {} frames, found facts of {n_items}",
                        Layout::MAX_FRAMES
                    ))));
                }
                for item in items {
                    let mut facts = self.frame.clone();
                    functional_groups::read(&item, &mut facts, &mut self.invalid)?;
                    self.per_frame.push(facts);
                }
                return Ok(());
            }
            _ => {}
        }
        let mut values = Values {
            bytes: elements.value(element)?,
            encoding: element.encoding,
            invalid: &mut self.invalid,
        };
        if !self.frame.take(element.tag, &mut values) {
            raw.take(element.tag, &mut values);

            match element.tag {
                tags::STUDY_INSTANCE_UID => self.study_uid = id(&mut values, STUDY),
                tags::SERIES_INSTANCE_UID => self.series_uid = id(&mut values, SERIES),
                tags::SOP_INSTANCE_UID => self.sop_uid = id(&mut values, SLICE),
                tags::SOP_CLASS_UID => self.sop_class = id::uid(&values.text()),
                tags::MODALITY => self.modality = values.term(MODALITIES.split(' ')),
                tags::PHOTOMETRIC_INTERPRETATION => {
                    self.layout.photometric = values.term(PHOTOMETRIC.into_iter());
                }
                tags::PATIENT_ID => self.patient_key = id::patient_key(&values.text()),
                tags::CONVOLUTION_KERNEL => {
                    let text = values.text();
                    self.technique.kernel_key = key_of(&text);
                    self.technique.kernel = Some(text).filter(|text| is_kernel(text));
                }
                tags::ACQUISITION_TIME => {
                    let known = self.technique.time_us;
                    self.technique.time_us = known.or(values.microseconds(0));
                }
                tags::ACQUISITION_DATE_TIME => self.technique.time_us = values.microseconds(8),
                tags::KVP => self.technique.kvp = values.number("KVP"),
                tags::INSTANCE_NUMBER => {
                    self.instance_number = values.integer("InstanceNumber");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn settle(&mut self, raw: &Raw) {
        let layout = &mut self.layout;
        let or = |value: Option<u16>, default: u16| value.unwrap_or(default);
        layout.rows = or(raw.rows, 0).into();
        layout.cols = or(raw.cols, 0).into();
        layout.samples = or(raw.samples, 1).into();
        layout.planar = raw.planar == Some(1);
        layout.bits_allocated = or(raw.bits_allocated, 0).into();
        layout.bits_stored = raw.bits_stored.map_or(layout.bits_allocated, u32::from);
        layout.high_bit = raw
            .high_bit
            .map_or(layout.bits_stored.saturating_sub(1), u32::from);
        layout.signed = raw.representation == Some(1);
        // Some writers give zero frames for an image of one.
        layout.n_frames = raw
            .n_frames
            .map_or(1, |n| usize::try_from(n).unwrap_or(0).max(1));
        let signed = layout.signed;
        let stored = |word: u16| {
            if signed {
                i64::from(word as i16)
            } else {
                i64::from(word)
            }
        };
        layout.padding = raw.padding.map(|word| {
            let (value, limit) = (stored(word), stored(raw.padding_limit.unwrap_or(word)));
            (value.min(limit), value.max(limit))
        });
    }

    /// The facts of one frame.
    pub fn frame_facts(&self, frame_idx: usize) -> &FrameFacts {
        self.per_frame.get(frame_idx).unwrap_or(&self.frame)
    }

    /// Checks that the layout describes an image within the limits of what can be decoded.
    pub fn check_image(&self, syntax: &Syntax) -> Result<(), FileFault> {
        let Some(pixels) = &self.pixels else {
            return Err(FileFault::NoImage("it has no pixel data".into()));
        };
        if pixels.tag != tags::PIXEL_DATA {
            return Err(FileFault::unsupported("floating-point pixel data"));
        }
        if self.invalid.contains(&"NumberOfFrames") {
            let reason = "NumberOfFrames is not a number";
            return Err(FileFault::Malformed(reason.into()));
        }
        self.layout.check()?;
        syntax.decoded_coding()?;
        if let Some(declared) = pixels.declared {
            let expected = self.layout.native_bytes();
            let found = declared.min(pixels.available) as u64;
            if found < expected {
                return Err(FileFault::Truncated { expected, found });
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Raw {
    rows: Option<u16>,
    cols: Option<u16>,
    samples: Option<u16>,
    planar: Option<u16>,
    bits_allocated: Option<u16>,
    bits_stored: Option<u16>,
    high_bit: Option<u16>,
    representation: Option<u16>,
    n_frames: Option<i64>,
    padding: Option<u16>,
    padding_limit: Option<u16>,
}

impl Raw {
    fn take(&mut self, tag: Tag, values: &mut Values) {
        match tag {
            tags::ROWS => self.rows = values.word(),
            tags::COLUMNS => self.cols = values.word(),
            tags::SAMPLES_PER_PIXEL => self.samples = values.word(),
            tags::PLANAR_CONFIGURATION => self.planar = values.word(),
            tags::BITS_ALLOCATED => self.bits_allocated = values.word(),
            tags::BITS_STORED => self.bits_stored = values.word(),
            tags::HIGH_BIT => self.high_bit = values.word(),
            tags::PIXEL_REPRESENTATION => self.representation = values.word(),
            tags::PIXEL_PADDING_VALUE => self.padding = values.word(),
            tags::PIXEL_PADDING_RANGE_LIMIT => self.padding_limit = values.word(),
            tags::NUMBER_OF_FRAMES => self.n_frames = values.integer("NumberOfFrames"),
            _ => {}
        }
    }
}

const WANTED: [Tag; 25] = [
    tags::ACQUISITION_TIME,
    tags::ACQUISITION_DATE_TIME,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SOP_INSTANCE_UID,
    tags::SOP_CLASS_UID,
    tags::MODALITY,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PATIENT_ID,
    tags::CONVOLUTION_KERNEL,
    tags::KVP,
    tags::INSTANCE_NUMBER,
    tags::ROWS,
    tags::COLUMNS,
    tags::SAMPLES_PER_PIXEL,
    tags::PLANAR_CONFIGURATION,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::NUMBER_OF_FRAMES,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

impl FrameFacts {
    /// The attributes that a frame's facts consist of.
    pub const WANTED: [Tag; 14] = [
        tags::IMAGE_POSITION_PATIENT,
        tags::IMAGE_ORIENTATION_PATIENT,
        tags::PIXEL_SPACING,
        tags::SLICE_THICKNESS,
        tags::SPACING_BETWEEN_SLICES,
        tags::RESCALE_SLOPE,
        tags::RESCALE_INTERCEPT,
        tags::RESCALE_TYPE,
        tags::IMAGE_TYPE,
        tags::FRAME_TYPE,
        tags::ACQUISITION_NUMBER,
        tags::FRAME_ACQUISITION_NUMBER,
        tags::TEMPORAL_POSITION_IDENTIFIER,
        tags::TEMPORAL_POSITION_INDEX,
    ];

    /// Reads one attribute; returns `false` if it is not one of a frame's.
    pub fn take(&mut self, tag: Tag, values: &mut Values) -> bool {
        match tag {
            tags::IMAGE_POSITION_PATIENT => self.position = values.numbers("ImagePositionPatient"),
            tags::IMAGE_ORIENTATION_PATIENT => {
                self.orientation = values.numbers("ImageOrientationPatient");
            }
            tags::PIXEL_SPACING => self.pixel_spacing = values.numbers("PixelSpacing"),
            tags::SLICE_THICKNESS => self.slice_thickness = values.number("SliceThickness"),
            tags::SPACING_BETWEEN_SLICES => {
                self.spacing_between = values.number("SpacingBetweenSlices");
            }
            tags::RESCALE_SLOPE => self.slope = values.number("RescaleSlope"),
            tags::RESCALE_INTERCEPT => self.intercept = values.number("RescaleIntercept"),
            tags::RESCALE_TYPE => self.rescale_type = Some(values.term(["HU"].into_iter())),
            // Value 3 of ImageType, or of a frame's FrameType, PS3.3 section C.8.2.1.1.1.
            tags::IMAGE_TYPE | tags::FRAME_TYPE => {
                let text = values.text();
                self.image_type_key = key_of(&text);
                self.localizer = text
                    .split('\\')
                    .any(|part| matches!(part.trim(), "LOCALIZER" | "SCOUT"));
            }
            // Used to tell volumes apart. An invalid number counts as missing.
            tags::ACQUISITION_NUMBER => self.acquisition = values.text().parse().ok(),
            tags::FRAME_ACQUISITION_NUMBER => self.acquisition = values.word().map(i64::from),
            tags::TEMPORAL_POSITION_IDENTIFIER => self.temporal = values.text().parse().ok(),
            tags::TEMPORAL_POSITION_INDEX => self.temporal = values.long().map(i64::from),
            _ => return false,
        }
        true
    }
}

/// Reads an id in the form in which it is kept. Empty if the value is empty or no id; the latter is
/// added to the invalid attributes as `name`.
fn id(values: &mut Values, name: &'static str) -> String {
    let text = values.text();
    let kept = id::kept(&text);
    if kept.is_none() && !text.is_empty() {
        values.invalid.push(name);
    }
    kept.unwrap_or_default()
}

/// A digest for comparing texts; `None` for an empty one.
fn key_of(text: &str) -> Option<i64> {
    let hash = blake3::hash(text.as_bytes());
    let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    (!text.is_empty()).then(|| i64::from_le_bytes(first))
}
