//! DICOM files to volumes in HU: a folder of any layout, or a data set in the RSNA-STR layout, is
//! scanned for exams ([`scan`] → [`Scan`]), and an [`Exam`] is loaded ([`load`]) as a
//! [`pe_ct::Volume`]. What is odd about the files is a [`Finding`] each, by file and reason.
//!
//! Copies without what identifies a patient are written by [`deidentify`].
//!
//! Input: paths. Output: exams, findings, volumes. This room knows neither masks nor windows nor
//! what the voxels are for. It reads no patient's name, birth date or study date; of PatientID it
//! keeps a digest.
//!
//! ```no_run
//! use pe_binding::Work;
//! use pe_dicom::{ScanOptions, load, scan};
//!
//! let work = Work::silent();
//! let scan = scan("series".as_ref(), &ScanOptions::default(), &work)?;
//! for exam in &scan.exams {
//!     println!("{:?} {:?}", exam.info.id, load(exam, &work)?.hu_range());
//! }
//! # Ok::<(), pe_dicom::DicomError>(())
//! ```

// Tests look at files themselves.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod archive;
mod catalogue;
mod codec;
mod deidentify;
mod element;
mod error;
mod exam;
mod finding;
mod frame;
mod functional_groups;
mod geometry;
mod grid;
mod gzip;
mod header;
mod headers;
mod id;
#[doc(hidden)]
pub mod in_memory;
mod index;
mod inputs;
mod kernel;
mod label_rule;
mod labels;
mod laid;
mod layout;
mod listing;
mod load;
mod member;
mod pack;
mod rescale;
mod scan;
#[cfg(feature = "script")]
pub mod script;
mod series;
mod source;
mod spacing;
mod stack;
mod stored;
mod syntax;
mod table;
mod tilt;
mod value;
mod volumes;

pub use deidentify::{Deidentified, DeidentifyOptions, deidentify};
pub use error::{DicomError, FileFault};
pub use exam::{Exam, ExamHeader};
pub use finding::{Effect, Finding, FindingKind};
pub use label_rule::LabelRule;
pub use labels::LabelReport;
pub use load::{load, load_only};
pub use scan::{Scan, ScanOptions, scan};
pub use stored::{StoredImage, decode_file};
pub use tilt::{Affine, Tilt};
