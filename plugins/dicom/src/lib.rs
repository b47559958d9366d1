//! Reads DICOM files as volumes in HU. [`scan`] searches a folder of any layout, such as the RSNA-STR
//! data set, for exams and returns a [`Scan`]; [`load`] loads one [`Exam`] as a [`pe_ct::Volume`].
//! Everything unusual about a file is reported as a [`Finding`] with its path and a reason.
//!
//! [`deidentify`] writes copies without anything that identifies a patient.
//!
//! Input: paths. Output: exams, findings, volumes. This crate knows neither masks nor windows nor
//! what the voxels are for. It reads no patient's name, birth date or study date; of PatientID it
//! keeps only a digest.
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

// The lint forbids direct calls of `std::fs`; tests may use them.
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
