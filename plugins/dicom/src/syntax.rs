//! Transfer syntaxes: the encoding of a data set and of its pixel data (DICOM PS3.5 annex A).

use crate::FileFault;
use crate::element::Encoding;

/// Compression of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Native,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// A known transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub uid: &'static str,
    pub name: &'static str,
    pub encoding: Encoding,
    pub deflated: bool,
    /// `None` for a known compression that is not decoded (video, JPEG XL …).
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

/// A compression that is known by name but not decoded.
const fn unread(uid: &'static str, name: &'static str) -> Syntax {
    Syntax {
        coding: None,
        ..native(uid, name, Encoding::EXPLICIT_LE)
    }
}

const SYNTAXES: &[Syntax] = &[
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
    coded(
        "1.2.840.10008.1.2.4.201",
        "High-Throughput JPEG 2000 Lossless",
        Coding::Jpeg2000,
    ),
    coded(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 Lossless, by resolution",
        Coding::Jpeg2000,
    ),
    coded(
        "1.2.840.10008.1.2.4.203",
        "High-Throughput JPEG 2000",
        Coding::Jpeg2000,
    ),
    coded("1.2.840.10008.1.2.5", "RLE Lossless", Coding::Rle),
    unread(
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 of several components, lossless",
    ),
    unread("1.2.840.10008.1.2.4.93", "JPEG 2000 of several components"),
    unread("1.2.840.10008.1.2.4.94", "JPIP"),
    unread("1.2.840.10008.1.2.4.95", "JPIP, deflated"),
    unread("1.2.840.10008.1.2.4.100", "MPEG-2 video"),
    unread("1.2.840.10008.1.2.4.101", "MPEG-2 video"),
    unread("1.2.840.10008.1.2.4.102", "MPEG-4 video"),
    unread("1.2.840.10008.1.2.4.103", "MPEG-4 video"),
    unread("1.2.840.10008.1.2.4.104", "MPEG-4 video"),
    unread("1.2.840.10008.1.2.4.105", "MPEG-4 video"),
    unread("1.2.840.10008.1.2.4.106", "MPEG-4 video"),
    unread("1.2.840.10008.1.2.4.107", "HEVC video"),
    unread("1.2.840.10008.1.2.4.108", "HEVC video"),
    unread("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    unread("1.2.840.10008.1.2.4.111", "JPEG XL of a JPEG"),
    unread("1.2.840.10008.1.2.4.112", "JPEG XL"),
    unread(
        "1.2.840.10008.1.2.4.204",
        "JPIP of High-Throughput JPEG 2000",
    ),
    unread(
        "1.2.840.10008.1.2.4.205",
        "JPIP of High-Throughput JPEG 2000, deflated",
    ),
    unread("1.2.840.10008.1.2.8.1", "deflated frames"),
];

/// Looks up the syntax of a UID. An unknown one is read as Explicit VR Little Endian, like every syntax
/// since 1998; only its pixel data are refused.
pub(crate) fn of(uid: &str) -> Syntax {
    let known = SYNTAXES.iter().find(|syntax| syntax.uid == uid);
    known.copied().unwrap_or(Syntax {
        coding: None,
        ..native("", "an unknown transfer syntax", Encoding::EXPLICIT_LE)
    })
}

/// The native syntax of a data set that does not name its transfer syntax.
pub(crate) fn native_of(encoding: Encoding) -> Syntax {
    let known = SYNTAXES
        .iter()
        .find(|syntax| syntax.encoding == encoding && syntax.coding == Some(Coding::Native));
    known.copied().unwrap_or(SYNTAXES[0])
}

impl Syntax {
    /// Returns the compression, if this build can decode it.
    pub fn decoded_coding(&self) -> Result<Coding, FileFault> {
        match self.coding {
            Some(Coding::Jpeg2000) if !cfg!(feature = "jpeg2000") => Err(FileFault::Unsupported {
                what: format!("pixel data in {}", self.name),
                feature: Some("jpeg2000"),
            }),
            Some(coding) => Ok(coding),
            None => Err(FileFault::unsupported(format!(
                "pixel data in {}",
                self.name
            ))),
        }
    }
}
