use std::path::Path;

use pe_ct::{Effect, Finding, FindingClass};
use serde::Deserialize;

use crate::FileFault;

/// The classes of findings about DICOM files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A file without a byte.
    Empty,
    /// A file that is not DICOM.
    NotDicom,
    /// A file that cannot be read, or whose structure or needed attributes are broken.
    Unreadable,
    /// The file has less pixel data than its header claims.
    Truncated,
    /// A transfer syntax or a pixel format that is not supported.
    Unsupported,
    /// An object without an image: a report, a plan, a DICOMDIR.
    NoImage,
    /// An image, but not one of CT.
    NotCt,
    /// A localizer (scout) image.
    Localizer,
    /// The same image again, or a link to a folder that is read elsewhere.
    Duplicate,
    /// A slice whose plane differs from most of its series.
    MixedOrientation,
    /// A slice whose rows or columns differ from most of its series.
    MixedSize,
    /// A slice without a position in a series whose others have one.
    MissingPosition,
    /// The step between two slices is a multiple of the usual one.
    MissingSlices,
    /// The steps between slices differ.
    UnevenSpacing,
    /// PixelSpacing differs between the slices.
    MixedPixelSpacing,
    /// No slice has a position; they were ordered by InstanceNumber.
    OrderedByNumber,
    /// No slice has ImageOrientationPatient; an axial plane was assumed.
    AssumedAxial,
    /// The axes of the files differ from those of the volume, and were flipped or exchanged.
    Reoriented,
    /// The gantry was tilted: each image is shifted against the one below it.
    GantryTilt,
    /// Some images lie beside the line through the others.
    ShiftedSlices,
    /// The volume's axes are not parallel to the patient's.
    Oblique,
    /// An exam of one slice, whose thickness is used as the spacing.
    SingleSlice,
    /// Slices without a rescale; slope 1 and intercept 0 were used.
    MissingRescale,
    /// RescaleType says that the values are not HU.
    NotHu,
    /// Another series of the study is used.
    OtherSeries,
    /// The series has several volumes, of which this one is not used.
    OtherVolume,
    /// The series has several volumes, and fewer than `volume`.
    NoVolume,
    /// Different images claim the same identity or place.
    Conflict,
    /// Most slices disagree on plane or size, or nothing gives an order.
    NoStack,
    /// PixelSpacing or the distance between slices cannot be determined.
    MissingSpacing,
    /// No study or series UID.
    MissingUid,
    /// More slices than `max_slices`.
    TooManySlices,
    /// The label table calls the exam indeterminate, and the options leave such exams out.
    Indeterminate,
    /// A rule of the label table is broken.
    Labels,
    /// An image that declares text in its pixels, which may be a name.
    BurnedIn,
    /// A file of this name exists already and was not overwritten.
    Exists,
    /// The index of an earlier scan is broken; files missing from it were read again.
    BrokenIndex,
}

impl FindingClass for FindingKind {
    fn effect(self) -> Effect {
        use FindingKind::*;
        match self {
            Empty | NotDicom | Unreadable | Truncated | Unsupported | NoImage | NotCt
            | Localizer | Duplicate | MixedOrientation | MixedSize | MissingPosition | BurnedIn
            | Exists => Effect::FileLeftOut,
            MissingSlices | UnevenSpacing | MixedPixelSpacing | OrderedByNumber | AssumedAxial
            | OtherVolume | Reoriented | GantryTilt | ShiftedSlices | Oblique | SingleSlice
            | MissingRescale | NotHu | Labels | BrokenIndex => Effect::Warning,
            OtherSeries | NoVolume | Conflict | NoStack | MissingSpacing | MissingUid
            | TooManySlices | Indeterminate => Effect::ExamLeftOut,
        }
    }

    fn name(self) -> &'static str {
        use FindingKind::*;
        match self {
            Empty => "empty",
            NotDicom => "not_dicom",
            Unreadable => "unreadable",
            Truncated => "truncated",
            Unsupported => "unsupported",
            NoImage => "no_image",
            NotCt => "not_ct",
            Localizer => "localizer",
            Duplicate => "duplicate",
            MixedOrientation => "mixed_orientation",
            MixedSize => "mixed_size",
            MissingPosition => "missing_position",
            MissingSlices => "missing_slices",
            UnevenSpacing => "uneven_spacing",
            MixedPixelSpacing => "mixed_pixel_spacing",
            OrderedByNumber => "ordered_by_number",
            AssumedAxial => "assumed_axial",
            Reoriented => "reoriented",
            GantryTilt => "gantry_tilt",
            ShiftedSlices => "shifted_slices",
            Oblique => "oblique",
            SingleSlice => "single_slice",
            MissingRescale => "missing_rescale",
            NotHu => "not_hu",
            OtherSeries => "other_series",
            OtherVolume => "other_volume",
            NoVolume => "no_volume",
            Conflict => "conflict",
            NoStack => "no_stack",
            MissingSpacing => "missing_spacing",
            MissingUid => "missing_uid",
            TooManySlices => "too_many_slices",
            Indeterminate => "indeterminate",
            Labels => "labels",
            BurnedIn => "burned_in",
            Exists => "exists",
            BrokenIndex => "broken_index",
        }
    }
}

impl FileFault {
    /// The finding about a file with this fault.
    pub(crate) fn finding(&self, path: &Path) -> Finding {
        let (kind, reason) = self.kind_and_reason();
        Finding::new(path, kind, reason)
    }

    /// The kind and the reason of the finding about a file with this fault.
    pub(crate) fn kind_and_reason(&self) -> (FindingKind, String) {
        let kind = match self {
            FileFault::Empty => FindingKind::Empty,
            FileFault::NotDicom(_) => FindingKind::NotDicom,
            FileFault::NoImage(_) => FindingKind::NoImage,
            FileFault::Unsupported { .. } => FindingKind::Unsupported,
            FileFault::Truncated { .. } => FindingKind::Truncated,
            _ => FindingKind::Unreadable,
        };
        let mut reason = self.to_string();
        if let FileFault::Unsupported {
            feature: Some(name),
            ..
        } = self
        {
            reason += &format!(" (build with the feature `{name}` of pe-dicom)");
        }
        (kind, reason)
    }
}
