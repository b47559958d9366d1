//! Pictures and pages that show what was done: a contact sheet of an exam ([`contact_sheet`]), a
//! histogram of HU ([`histogram`]), and a page of facts, tables and pictures ([`Page`]).
//!
//! Input: volumes and masks ([`pe_ct`]), words and numbers. Output: PNG files and HTML files that
//! need no other file. This room must not know where a volume comes from or what is stored.

mod canvas;
mod contact_sheet;
mod error;
mod histogram;
mod html;
mod page;
mod picture;
#[cfg(feature = "script")]
pub mod script;

pub use contact_sheet::{ContactSheetOptions, contact_sheet};
pub use error::ReportError;
pub use histogram::{HistogramOptions, histogram};
pub use page::{Page, Table};
pub use picture::Picture;
