//! The chambers of the heart, as ellipsoids about its long axis.

use crate::geometry::{Point, at, ellipsoid};
use crate::plan::{Build, Timing};

/// One ellipsoid of blood or muscle. The heart's own axes are: along, towards the apex; across,
/// towards the left atrium; and up.
#[derive(Debug, Clone)]
pub(crate) struct Chamber {
    pub middle: Point,
    radii: Point,
    pub hu: f32,
    /// Strength of uneven mixing of contrast in this chamber, HU.
    pub mixing_hu: f32,
}

/// The heart's long axis points to the patient's left and front.
const ALONG: Point = at(0.80, -0.60, 0.0);
const ACROSS: Point = at(0.60, 0.80, 0.0);
const MIDDLE: Point = at(14.0, -30.0, -66.0);

/// HU of heart muscle in the arterial phase.
const MUSCLE_HU: f32 = 95.0;

impl Chamber {
    /// Signed distance of a point to the chamber's wall, mm.
    #[inline]
    pub fn distance(&self, point: Point) -> f32 {
        let from = point - self.middle;
        // The axis slopes: the apex lies lower than the base.
        let own = at(
            from.dot(ALONG),
            from.dot(ACROSS),
            from.up + 0.25 * from.dot(ALONG),
        );
        ellipsoid(own, self.radii)
    }

    pub fn reach_mm(&self) -> f32 {
        self.radii.left.max(self.radii.back).max(self.radii.up) * 1.25
    }
}

/// The heart in painting order: muscle first, blood over it.
pub(crate) fn chambers(build: &Build, timing: &Timing) -> Vec<Chamber> {
    let size = build.heart;
    let place = |along: f32, across: f32, up: f32| {
        MIDDLE + ALONG * (along * size) + ACROSS * (across * size) + at(0.0, 0.0, up * size)
    };
    let chamber = |middle: Point, radii: Point, hu: f32, mixing_hu: f32| Chamber {
        middle,
        radii: radii * size,
        hu,
        mixing_hu,
    };
    // The ventricles share the space of the heart: one grows where the other shrinks.
    let strain = build.rv_lv.sqrt();
    let (right, left) = (16.5 * strain, 17.5 / strain);
    let right_hu = timing.artery_hu * 1.05;
    vec![
        chamber(place(2.0, 0.0, -2.0), at(60.0, 43.0, 44.0), MUSCLE_HU, 6.0),
        chamber(
            place(18.0, 17.0, -4.0),
            at(33.0, left, 27.0),
            timing.vein_hu,
            6.0,
        ),
        chamber(
            place(16.0, -22.0, -2.0),
            at(36.0, right, 31.0),
            right_hu,
            30.0,
        ),
        chamber(
            place(-31.0, -14.0, -2.0),
            at(20.0, 20.0, 27.0),
            right_hu,
            70.0,
        ),
        chamber(
            place(-25.0, 24.0, 12.0),
            at(17.0, 22.0, 18.0),
            timing.vein_hu,
            8.0,
        ),
    ]
}
