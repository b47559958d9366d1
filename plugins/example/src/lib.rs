//! Statistics of HU inside a mask ([`statistics`], [`HuStatistics`]), and the template of a plugin:
//! copy this folder, rename the crate, and replace what it computes.
//!
//! Input: a [`pe_ct::Volume`] in HU and a [`pe_ct::Mask`] of it. Output: the number of voxels
//! inside and the distribution of their HU. This crate does not deal with files or with making
//! masks.
//!
//! Its use is to check the contrast phase of an exam. In a CT pulmonary angiogram the blood in the
//! heart and the great vessels is far brighter than soft tissue. So the HU above some 150 inside
//! the hull of the lungs tell how well contrast arrived.
//!
//! ```
//! use ndarray::Array3;
//! use pe_binding::Work;
//! use pe_ct::{Mask, Spacing, Volume};
//! use pe_example::{StatisticsOptions, statistics};
//!
//! let hu = Array3::from_shape_vec((1, 1, 4), vec![-1000, 100, 200, 300])?;
//! let inside = hu.mapv(|hu| hu > -500);
//! let spacing = Spacing { slice_mm: 1.0, row_mm: 1.0, col_mm: 1.0 };
//! let mask = Mask::new(inside, spacing, "above -500 HU");
//! let volume = Volume::unnamed("example", spacing, hu);
//!
//! let found = statistics(&volume, &mask, &StatisticsOptions::default(), &Work::silent())?;
//! assert_eq!((found.n_voxels(), found.mean_hu()), (3, 200.0));
//! assert_eq!(found.percentile(50.0)?, 200.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod error;
mod histogram;
mod options;
#[cfg(feature = "script")]
pub mod script;
mod statistics;

pub use error::ExampleError;
pub use options::StatisticsOptions;
pub use statistics::{HuStatistics, statistics};
