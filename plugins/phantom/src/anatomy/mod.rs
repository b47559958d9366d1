//! The standard chest, and how one exam deviates from it: outlines and organs as signed distances
//! ([`level`]), bones ([`skeleton`]), the heart ([`heart`]) and the trees of vessels and airways
//! ([`courses`], [`vessels`], [`tree`]). Coordinates are mm from the carina, before the patient's
//! build is applied.

pub(crate) mod courses;
pub(crate) mod heart;
pub(crate) mod level;
pub(crate) mod skeleton;
pub(crate) mod tree;
pub(crate) mod vessels;
