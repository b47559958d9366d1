//! Transfer syntaxes: how a data set and its pixel data are encoded (DICOM PS3.5 annex A).

use crate::FileFault;
use crate::element::Encoding;

/// How the frames are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Native,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// A transfer syntax that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub uid: &'static str,
    pub name: &'static str,
    pub encoding: Encoding,
    pub deflated: bool,
    /// `None` for a known coding that is not decoded (video, JPEG XL …).
    pub coding: Option<Coding>,
}

const BIG: Encoding = Encoding {
    explicit_vr: true,
    big_endian: true,
};

const fn coded(uid: &'static str, name: &'static str, coding: Coding) -> Syntax {
    Syntax {
        uid,
        name,
        encoding: Encoding::EXPLICIT_LE,
        deflated: false,
        coding: Some(coding),
    }
}

const fn native(uid: &'static str, name: &'static str, encoding: Encoding) -> Syntax {
    Syntax {
        encoding,
        ..coded(uid, name, Coding::Native)
    }
}

const SYNTAXES: [Syntax; 13] = [
    native(
        "1.2.840.10008.1.2",
        "Implicit VR Little Endian",
        Encoding::IMPLICIT_LE,
    ),
    native(
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        Encoding::EXPLICIT_LE,
    ),
    Syntax {
        deflated: true,
        ..coded(
            "1.2.840.10008.1.2.1.99",
            "Deflated Explicit VR Little Endian",
            Coding::Native,
        )
    },
    native("1.2.840.10008.1.2.2", "Explicit VR Big Endian", BIG),
    coded("1.2.840.10008.1.2.4.50", "JPEG Baseline", Coding::Jpeg),
    coded("1.2.840.10008.1.2.4.51", "JPEG Extended", Coding::Jpeg),
    coded("1.2.840.10008.1.2.4.57", "JPEG Lossless", Coding::Jpeg),
    coded(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, first-order prediction",
        Coding::Jpeg,
    ),
    coded("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", Coding::JpegLs),
    coded(
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Near-lossless",
        Coding::JpegLs,
    ),
    coded(
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 Lossless",
        Coding::Jpeg2000,
    ),
    coded("1.2.840.10008.1.2.4.91", "JPEG 2000", Coding::Jpeg2000),
    coded("1.2.840.10008.1.2.5", "RLE Lossless", Coding::Rle),
];

/// The syntax of a UID. One that is not known is read as Explicit VR Little Endian, as every
/// syntax since 1998 is; only its pixel data are refused.
pub(crate) fn of(uid: &str) -> Syntax {
    let known = SYNTAXES.iter().find(|syntax| syntax.uid == uid);
    known.copied().unwrap_or(Syntax {
        coding: None,
        ..native("", "unknown transfer syntax", Encoding::EXPLICIT_LE)
    })
}

/// The native syntax of a data set that does not say what it is.
pub(crate) fn native_of(encoding: Encoding) -> Syntax {
    let known = SYNTAXES
        .iter()
        .find(|syntax| syntax.encoding == encoding && syntax.coding == Some(Coding::Native));
    known.copied().unwrap_or(SYNTAXES[0])
}

impl Syntax {
    /// The coding, when this build decodes it.
    pub fn decoded_coding(&self) -> Result<Coding, FileFault> {
        let needs = |feature| FileFault::Unsupported {
            what: format!("pixel data in {}", self.name),
            feature: Some(feature),
        };
        match self.coding {
            Some(Coding::JpegLs) if !cfg!(feature = "jpeg-ls") => Err(needs("jpeg-ls")),
            Some(Coding::Jpeg2000) if !cfg!(feature = "jpeg2000") => Err(needs("jpeg2000")),
            Some(coding) => Ok(coding),
            None => Err(FileFault::unsupported(
                "pixel data in this transfer syntax".to_owned(),
            )),
        }
    }
}
