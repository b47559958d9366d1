//! Reads DICOM files as volumes in HU. [`scan`] searches a folder of any layout, such as the RSNA-STR
//! data set, for exams and returns a [`pe_ct::Scan`], whose exams load as [`pe_ct::Volume`]s. Everything
//! unusual about a file is reported as a [`pe_ct::Finding`] with its path and a reason.
//!
//! [`deidentify`] writes copies without anything that identifies a patient.
//!
//! Input: paths. Output: exams, findings, volumes. This crate knows neither masks nor windows nor
//! what the voxels are for. It reads no patient's name, birth date or study date; of PatientID it
//! keeps only a digest.
//!
//! ```no_run
//! use pe_binding::Work;
//! use pe_dicom::{ScanOptions, scan};
//!
//! let work = Work::silent();
//! let scan = scan("series".as_ref(), &ScanOptions::default(), &work)?;
//! for exam in &scan.exams {
//!     println!("{:?} {:?}", exam.info.id, exam.load(&work)?.hu_range());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
pub use finding::FindingKind;
pub use load::load_only;
pub use scan::{ScanOptions, scan};
pub use stored::{StoredImage, decode_file};
pub use tilt::Tilt;
