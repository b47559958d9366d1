//! Pictures and pages of results: a contact sheet of an exam ([`contact_sheet`]), a histogram of HU
//! ([`histogram`]), one exam's probabilities ([`strip`]), a page of facts, tables and pictures
//! ([`Page`]), and the report of models scored on the same exams ([`Experiment`]).
//!
//! Input: volumes, masks and slices ([`pe_ct`]), scores ([`pe_metrics`]), words and numbers.
//! Output: PNG files, tables, and self-contained HTML files. This crate does not deal with loading
//! volumes, with storage or with models.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod canvas;
mod contact_sheet;
mod error;
mod experiment;
mod histogram;
mod html;
mod line_plot;
mod page;
mod picture;
#[cfg(feature = "script")]
pub mod script;
mod slice_picture;
mod strip;
mod svg;
mod write;

pub use contact_sheet::{ContactSheetOptions, contact_sheet};
pub use error::ReportError;
pub use experiment::{
    Epoch, Example, Experiment, ExperimentOptions, Model, ModelResults, Optimistic, Reference,
    ReferenceModel, Results, Row, save_predictions, saved_numbers,
};
pub use histogram::{HistogramOptions, histogram};
pub use line_plot::{LinePlotOptions, LineSeries, line_plot};
pub use page::{Page, Table};
pub use picture::Picture;
pub use slice_picture::slice_picture;
pub use strip::strip;
