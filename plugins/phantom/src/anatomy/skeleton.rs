//! Bones at one height: spine, ribs, sternum, scapulae, collar bones.

use super::level::Level;
use crate::geometry::{Tube, at, coverage, ellipse, ramp};

/// HU of compact bone, of the spongy bone inside, and of rib cartilage.
const CORTEX_HU: f32 = 780.0;
const MARROW_HU: f32 = 190.0;
const CARTILAGE_HU: f32 = 115.0;
/// Distance between two vertebrae, and between two ribs, mm.
const PITCH_MM: f32 = 23.5;

/// The share of a pixel that is bone, and the HU of that bone.
pub(crate) type Bone = (f32, f32);

/// Returns the bone at a place, if any. `wall` is the distance to the inner wall of the chest.
#[inline]
pub(crate) fn bone(level: &Level, left: f32, back: f32, wall: f32, pixel_mm: f32) -> Option<Bone> {
    let spine = (left.abs() < 42.0 && back > 30.0).then(|| spine(level, left, back, pixel_mm));
    let found = spine.flatten().or_else(|| {
        if (0.0..14.0).contains(&wall) && left.abs() > 8.0 {
            rib(level, left, back, wall, pixel_mm)
        } else {
            None
        }
    });
    found
        .or_else(|| {
            (left.abs() < 34.0 && back < -30.0)
                .then(|| sternum(level, left, wall, pixel_mm))
                .flatten()
        })
        .or_else(|| {
            (level.up > -45.0 && left.abs() > 60.0 && back > 20.0)
                .then(|| scapula(level, left, back, pixel_mm))
                .flatten()
        })
        .or_else(|| {
            (level.up > 52.0)
                .then(|| collar_bone(level, left, back, pixel_mm))
                .flatten()
        })
}

/// A bone with a compact shell of `shell_mm`, from the distance to its surface.
fn shelled(distance: f32, shell_mm: f32, marrow_hu: f32, pixel_mm: f32) -> Option<Bone> {
    let inside = coverage(distance, pixel_mm);
    if inside == 0.0 {
        return None;
    }
    let marrow = coverage(distance + shell_mm, pixel_mm.max(1.0));
    Some((inside, CORTEX_HU + (marrow_hu - CORTEX_HU) * marrow))
}

/// Distance to a bone's surface beyond which no part of a pixel is bone, with a margin for rounding, mm.
#[inline]
fn reach_mm(pixel_mm: f32) -> f32 {
    0.5 * pixel_mm + 0.1
}

fn spine(level: &Level, left: f32, back: f32, pixel_mm: f32) -> Option<Bone> {
    // Position between two vertebrae: 0 at a disc, ½ in the middle of a vertebral body.
    let phase = (level.up / PITCH_MM).rem_euclid(1.0);
    let disc = 1.0 - ramp((phase - 0.5).abs(), 0.36, 0.44);
    let waist = 1.0 - 0.07 * disc;
    let body = ellipse(left, back - 54.0, 17.5 * waist, 14.5 * waist).max(back - 66.0);
    if body < pixel_mm {
        let bone = shelled(body, 1.6, MARROW_HU, pixel_mm)?;
        let soft = (bone.0, 85.0);
        return Some((bone.0, soft.1 + (bone.1 - soft.1) * disc));
    }
    let canal = ellipse(left, back - 75.0, 8.5, 8.0);
    if canal < 0.0 {
        return Some((1.0, 32.0));
    }
    let arch = ellipse(left, back - 75.0, 13.0, 12.0).max(66.0 - back);
    // Transverse processes lie at the upper half of a vertebra, the spinous process along most of it.
    let aside = ellipse(
        left.abs() - 23.0,
        back - 76.0 - 0.25 * left.abs(),
        14.0,
        4.5,
    ) + 5.0 * ramp((phase - 0.6).abs(), 0.12, 0.3);
    let behind =
        ellipse(left, back - 92.0, 3.2, 10.0) + 3.0 * ramp((phase - 0.35).abs(), 0.25, 0.45);
    shelled(arch.min(aside).min(behind), 1.5, 320.0, pixel_mm)
}

/// A rib slopes down from the spine to the front, so that a slice cuts several ribs obliquely.
fn rib(level: &Level, left: f32, back: f32, wall: f32, pixel_mm: f32) -> Option<Bone> {
    // Quick test first: a rib reaches at most half of its thickness from its middle layer.
    if (wall - 6.0).abs() - 3.7 > reach_mm(pixel_mm) {
        return None;
    }
    let around = libm::atan2f(left.abs(), back - 4.0) / std::f32::consts::PI;
    if !(0.06..0.97).contains(&around) {
        return None;
    }
    let drop = 82.0 * around * around.sqrt() + 10.0 * around - 12.0 * ramp(around, 0.85, 1.0);
    let below_first = (86.0 - drop - level.up) / PITCH_MM;
    let nearest = below_first.round();
    if !(0.0..=11.0).contains(&nearest) || (nearest > 8.0 && around > 0.6) {
        return None;
    }
    let off = (below_first - nearest) * PITCH_MM;
    let distance = ellipse(off, wall - 6.0, 5.6, 3.7);
    if around > 0.78 {
        let inside = coverage(distance, pixel_mm);
        return (inside > 0.0).then_some((inside, CARTILAGE_HU));
    }
    shelled(distance, 1.3, 260.0, pixel_mm)
}

fn sternum(level: &Level, left: f32, wall: f32, pixel_mm: f32) -> Option<Bone> {
    // The manubrium is broad, the body narrower. A joint lies between; the tip is cartilage.
    if !(-85.0..62.0).contains(&level.up) || wall < 0.0 {
        return None;
    }
    let half_width = 15.0 + 11.0 * ramp(level.up, 18.0, 45.0) - 7.0 * ramp(-level.up, 55.0, 85.0);
    let distance = ellipse(left, wall - 8.0, half_width, 6.0);
    let ends = 8.0 * ramp(level.up, 52.0, 62.0) + 6.0 * ramp(-level.up, 76.0, 85.0);
    shelled(distance + ends, 1.2, 120.0, pixel_mm)
}

fn scapula(level: &Level, left: f32, back: f32, pixel_mm: f32) -> Option<Bone> {
    // Quick test first: a rectangle that contains the scapula at any height.
    let reach = reach_mm(pixel_mm);
    if left.abs() < 74.0 - reach || back < 53.0 - reach || back > 112.0 + reach {
        return None;
    }
    let up = level.up;
    // The blade narrows towards its lower angle.
    let open = ramp(up, -42.0, 20.0);
    let middle = (106.0, 77.0);
    let inner = at(middle.0 - 28.0 * open, middle.1 + 17.0 * open, 0.0);
    let outer = at(middle.0 + 30.0 * open, middle.1 - 20.0 * open, 0.0);
    let point = at(left.abs(), back, 0.0);
    let blade = Tube {
        from: inner,
        to: outer,
        from_mm: 2.0,
        to_mm: 4.0,
    };
    let ridge = Tube {
        from: inner.towards(outer, 0.35),
        to: inner.towards(outer, 0.6) + at(10.0, 14.0, 0.0),
        from_mm: 2.2,
        to_mm: 3.2,
    };
    let edge = 6.0 * ramp(-up, 34.0, 45.0);
    let ridge_off = 6.0 * (1.0 - ramp(up, 30.0, 45.0));
    let distance = (blade.distance(point).0 + edge).min(ridge.distance(point).0 + ridge_off);
    shelled(distance, 1.4, 330.0, pixel_mm)
}

fn collar_bone(level: &Level, left: f32, back: f32, pixel_mm: f32) -> Option<Bone> {
    let reach = reach_mm(pixel_mm);
    if back < -63.0 - reach || back > 50.0 + reach {
        return None;
    }
    let point = at(left.abs(), back, level.up);
    let inner = Tube {
        from: at(17.0, -54.0, 60.0),
        to: at(78.0, -36.0, 86.0),
        from_mm: 8.5,
        to_mm: 6.0,
    };
    let outer = Tube {
        from: at(78.0, -36.0, 86.0),
        to: at(140.0, 8.0, 106.0),
        from_mm: 6.0,
        to_mm: 6.5,
    };
    let head = (point - at(158.0, 26.0, 112.0)).length() - 23.0;
    let distance = inner
        .distance(point)
        .0
        .min(outer.distance(point).0)
        .min(head);
    shelled(distance, 1.8, 230.0, pixel_mm)
}
