//! Points and signed distances in the phantom's anatomy space: mm from the carina. A distance is
//! negative inside a shape.

use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

/// A point or direction, in mm towards the patient's left, back and head (DICOM's patient
/// coordinate system, PS3.3 C.7.6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// Towards the patient's left.
    pub left: f32,
    /// Towards the patient's back.
    pub back: f32,
    /// Towards the head.
    pub up: f32,
}

/// A point from its three coordinates.
pub(crate) const fn at(left: f32, back: f32, up: f32) -> Point {
    Point { left, back, up }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(
            self.left + other.left,
            self.back + other.back,
            self.up + other.up,
        )
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(
            self.left - other.left,
            self.back - other.back,
            self.up - other.up,
        )
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, by: f32) -> Self {
        at(self.left * by, self.back * by, self.up * by)
    }
}

impl Point {
    #[inline]
    pub(crate) fn dot(self, other: Self) -> f32 {
        self.left * other.left + self.back * other.back + self.up * other.up
    }

    #[inline]
    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Returns the direction as a vector of length 1; straight up for a zero vector.
    pub(crate) fn unit(self) -> Self {
        let length = self.length();
        if length > 1e-6 {
            self * (1.0 / length)
        } else {
            at(0.0, 0.0, 1.0)
        }
    }

    /// Returns the component perpendicular to `axis`, with length 1.
    pub(crate) fn across(self, axis: Self) -> Self {
        let axis = axis.unit();
        (self - axis * self.dot(axis)).unit()
    }

    /// Returns the point a share `t` of the way to `other`.
    pub(crate) fn towards(self, other: Self, t: f32) -> Self {
        self + (other - self) * t
    }
}

/// A tube between two points whose radius changes linearly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tube {
    pub from: Point,
    pub to: Point,
    pub from_mm: f32,
    pub to_mm: f32,
}

impl Tube {
    /// Returns the signed distance of a point to the tube's wall, and the radius there.
    #[inline]
    pub fn distance(&self, point: Point) -> (f32, f32) {
        let along = self.to - self.from;
        let from = point - self.from;
        let t = (from.dot(along) / along.dot(along).max(1e-6)).clamp(0.0, 1.0);
        let radius = self.from_mm + (self.to_mm - self.from_mm) * t;
        ((from - along * t).length() - radius, radius)
    }

    pub fn widest_mm(&self) -> f32 {
        self.from_mm.max(self.to_mm)
    }

    /// Returns the lowest and the highest point of the tube.
    pub fn heights(&self) -> (f32, f32) {
        let (low, high) = (self.from.up.min(self.to.up), self.from.up.max(self.to.up));
        (low - self.widest_mm(), high + self.widest_mm())
    }

    pub fn length(&self) -> f32 {
        (self.to - self.from).length()
    }

    /// Returns the section between the shares `from_t` and `to_t` of the length.
    pub fn part(&self, from_t: f32, to_t: f32) -> Self {
        let radius = |t: f32| self.from_mm + (self.to_mm - self.from_mm) * t;
        Self {
            from: self.from.towards(self.to, from_t),
            to: self.from.towards(self.to, to_t),
            from_mm: radius(from_t),
            to_mm: radius(to_t),
        }
    }
}

/// Approximate signed distance to an ellipse about the origin: exact on its border, and to first
/// order near it.
#[inline(always)]
pub(crate) fn ellipse(left: f32, back: f32, radius_left: f32, radius_back: f32) -> f32 {
    // Multiply by reciprocals: the compiler folds those of constant radii.
    let (per_left, per_back) = (1.0 / radius_left, 1.0 / radius_back);
    let (u, v) = (left * per_left, back * per_back);
    let k = (u * u + v * v).sqrt();
    let (du, dv) = (u * per_left, v * per_back);
    let distance = k * (k - 1.0) / (du * du + dv * dv).sqrt();
    // Select at the end instead of returning early, so that the compiler can vectorise over pixels.
    if k < 1e-4 {
        -radius_left.min(radius_back)
    } else {
        distance
    }
}

/// As [`ellipse`], for an ellipsoid about the origin.
#[inline(always)]
pub(crate) fn ellipsoid(point: Point, radii: Point) -> f32 {
    let per = at(1.0 / radii.left, 1.0 / radii.back, 1.0 / radii.up);
    let scaled = at(
        point.left * per.left,
        point.back * per.back,
        point.up * per.up,
    );
    let k = scaled.length();
    let gradient = at(
        scaled.left * per.left,
        scaled.back * per.back,
        scaled.up * per.up,
    );
    let distance = k * (k - 1.0) / gradient.length();
    if k < 1e-4 {
        -radii.left.min(radii.back).min(radii.up)
    } else {
        distance
    }
}

/// Unites two shapes by their distances, with the crease between them filled over about `soft` mm.
#[inline(always)]
pub(crate) fn union(a: f32, b: f32, soft: f32) -> f32 {
    let h = (soft - (a - b).abs()).max(0.0) / soft;
    a.min(b) - h * h * soft * 0.25
}

/// Returns the share of a pixel of `pixel_mm` inside a border at signed distance `distance`.
#[inline]
pub(crate) fn coverage(distance: f32, pixel_mm: f32) -> f32 {
    (0.5 - distance / pixel_mm).clamp(0.0, 1.0)
}

/// Rises smoothly from 0 at `low` to 1 at `high` (smoothstep).
#[inline(always)]
pub(crate) fn ramp(x: f32, low: f32, high: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Interpolates linearly between `knots`, sorted by their first value; constant beyond the ends.
pub(crate) fn broken_line(knots: &[(f32, f32)], x: f32) -> f32 {
    let after = knots.iter().position(|knot| knot.0 > x);
    match after {
        None => knots.last().map_or(0.0, |knot| knot.1),
        Some(0) => knots[0].1,
        Some(i) => {
            let (low, high) = (knots[i - 1], knots[i]);
            low.1 + (high.1 - low.1) * (x - low.0) / (high.0 - low.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_broken_line_meets_its_knots() {
        let knots = [(0.0, 1.0), (2.0, 3.0), (4.0, 0.0)];
        for (x, expected) in [
            (-1.0, 1.0),
            (0.0, 1.0),
            (1.0, 2.0),
            (2.0, 3.0),
            (3.0, 1.5),
            (9.0, 0.0),
        ] {
            assert_eq!(broken_line(&knots, x), expected);
        }
    }

    #[test]
    fn a_tube_is_a_tapered_capsule() {
        let tube = Tube {
            from: at(0.0, 0.0, 0.0),
            to: at(0.0, 0.0, 10.0),
            from_mm: 2.0,
            to_mm: 4.0,
        };
        assert_eq!(tube.distance(at(5.0, 0.0, 5.0)), (2.0, 3.0));
        assert_eq!(tube.distance(at(0.0, 0.0, -3.0)), (1.0, 2.0));
        assert_eq!(tube.heights(), (-4.0, 14.0));
        assert_eq!(tube.part(0.5, 1.0).from_mm, 3.0);
    }

    proptest! {
        #[test]
        fn ellipsoids_are_exact_on_spheres(
            left in -50f32..50.0, back in -50f32..50.0, up in -50f32..50.0, radius in 1f32..40.0,
        ) {
            let point = at(left, back, up);
            prop_assume!(point.length() > 0.1);
            let found = ellipsoid(point, at(radius, radius, radius));
            prop_assert!((found - (point.length() - radius)).abs() < 1e-3);
        }

        #[test]
        fn across_is_perpendicular(left in -5f32..5.0, back in -5f32..5.0) {
            let axis = at(1.0, 2.0, -3.0);
            prop_assert!(at(left, back, 1.0).across(axis).dot(axis).abs() < 1e-3);
        }
    }
}
