//! Standard courses of the great vessels and airways: points relative to the carina, and radii, mm.

use super::tree::{Order, Side};
use crate::geometry::{Point, at};

/// A point of a course and the radius there, mm.
pub(crate) type Place = (Point, f32);

/// The lobes that vessels divide among. The middle lobe of the left lung is the lingula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lobe {
    Upper,
    Middle,
    Lower,
}

/// One unbranched section of the pulmonary arteries.
pub(crate) struct Stem {
    /// Index of the stem that this one branches from.
    pub parent: Option<usize>,
    pub order: Order,
    pub side: Side,
    /// The lobe that a tree grows into from the end of this stem.
    pub lobe: Option<Lobe>,
    pub course: &'static [Place],
}

const fn stem(
    parent: Option<usize>,
    order: Order,
    side: Side,
    lobe: Option<Lobe>,
    course: &'static [Place],
) -> Stem {
    Stem {
        parent,
        order,
        side,
        lobe,
        course,
    }
}

const FORK: Point = at(13.0, -20.0, -9.0);
const RIGHT_END: Place = (at(-34.0, 1.0, -17.0), 8.2);
const LEFT_END: Place = (at(40.0, 15.0, -4.0), 8.0);
const RIGHT_LOWER: Place = (at(-46.0, 12.0, -42.0), 7.0);
const LEFT_LOWER: Place = (at(48.0, 24.0, -34.0), 6.8);

/// Trunk, main, interlobar and lobar pulmonary arteries. The right main artery passes behind the
/// ascending aorta and the vena cava, the left one over the left main bronchus.
pub(crate) const ARTERY_STEMS: [Stem; 11] = [
    stem(
        None,
        Order::Trunk,
        Side::Middle,
        None,
        &[
            (at(16.0, -46.0, -40.0), 12.5),
            (at(17.0, -38.0, -24.0), 13.0),
            (FORK, 12.0),
        ],
    ),
    stem(
        Some(0),
        Order::Main,
        Side::Right,
        None,
        &[
            (FORK, 9.8),
            (at(-3.0, -7.0, -13.0), 9.6),
            (at(-22.0, -2.0, -15.0), 9.2),
            RIGHT_END,
        ],
    ),
    stem(
        Some(0),
        Order::Main,
        Side::Left,
        None,
        &[
            (FORK, 9.8),
            (at(23.0, -8.0, -2.0), 9.4),
            (at(33.0, 6.0, 1.0), 8.8),
            LEFT_END,
        ],
    ),
    stem(
        Some(1),
        Order::Lobar,
        Side::Right,
        Some(Lobe::Upper),
        &[
            RIGHT_END,
            (at(-42.0, 0.0, -2.0), 5.6),
            (at(-52.0, 3.0, 12.0), 5.0),
        ],
    ),
    stem(
        Some(2),
        Order::Lobar,
        Side::Left,
        Some(Lobe::Upper),
        &[
            LEFT_END,
            (at(47.0, 6.0, 6.0), 5.4),
            (at(54.0, 0.0, 18.0), 4.8),
        ],
    ),
    stem(
        Some(1),
        Order::Lobar,
        Side::Right,
        None,
        &[RIGHT_END, (at(-43.0, 7.0, -28.0), 7.6), RIGHT_LOWER],
    ),
    stem(
        Some(2),
        Order::Lobar,
        Side::Left,
        None,
        &[LEFT_END, (at(46.0, 22.0, -18.0), 7.4), LEFT_LOWER],
    ),
    stem(
        Some(5),
        Order::Lobar,
        Side::Right,
        Some(Lobe::Middle),
        &[RIGHT_LOWER, (at(-54.0, 0.0, -48.0), 4.2)],
    ),
    stem(
        Some(6),
        Order::Lobar,
        Side::Left,
        Some(Lobe::Middle),
        &[LEFT_LOWER, (at(58.0, 8.0, -38.0), 4.2)],
    ),
    stem(
        Some(5),
        Order::Lobar,
        Side::Right,
        Some(Lobe::Lower),
        &[RIGHT_LOWER, (at(-49.0, 20.0, -58.0), 6.4)],
    ),
    stem(
        Some(6),
        Order::Lobar,
        Side::Left,
        Some(Lobe::Lower),
        &[LEFT_LOWER, (at(51.0, 30.0, -52.0), 6.2)],
    ),
];

/// The four pulmonary veins, from the left atrium outwards.
pub(crate) const VEIN_STEMS: [(Side, Lobe, [Point; 3]); 4] = [
    (
        Side::Right,
        Lobe::Upper,
        [
            at(-2.0, -2.0, -46.0),
            at(-32.0, -12.0, -34.0),
            at(-50.0, -14.0, -14.0),
        ],
    ),
    (
        Side::Right,
        Lobe::Lower,
        [
            at(-2.0, 6.0, -58.0),
            at(-28.0, 12.0, -62.0),
            at(-46.0, 26.0, -70.0),
        ],
    ),
    (
        Side::Left,
        Lobe::Upper,
        [
            at(26.0, -2.0, -44.0),
            at(42.0, -8.0, -32.0),
            at(53.0, -16.0, -12.0),
        ],
    ),
    (
        Side::Left,
        Lobe::Lower,
        [
            at(26.0, 8.0, -58.0),
            at(40.0, 16.0, -60.0),
            at(52.0, 30.0, -68.0),
        ],
    ),
];

const CARINA: Point = at(1.0, 14.0, 0.0);

/// Trachea, right and left main bronchus and right upper lobe bronchus, with radii of the lumen.
pub(crate) const AIRWAYS: [&[Place]; 4] = [
    &[
        (at(-3.0, 8.0, 140.0), 8.5),
        (at(-1.0, 13.0, 50.0), 8.2),
        (CARINA, 8.0),
    ],
    &[
        (CARINA, 6.6),
        (at(-16.0, 16.0, -13.0), 6.2),
        (at(-32.0, 17.0, -24.0), 5.2),
        (at(-38.0, 18.0, -42.0), 4.6),
    ],
    &[
        (CARINA, 6.0),
        (at(18.0, 16.0, -15.0), 5.6),
        (at(34.0, 15.0, -25.0), 5.0),
        (at(40.0, 20.0, -42.0), 4.2),
    ],
    &[(at(-20.0, 16.0, -14.0), 4.6), (at(-46.0, 12.0, -4.0), 3.6)],
];

pub(crate) const GULLET: [Place; 4] = [
    (at(5.0, 25.0, 140.0), 5.0),
    (at(6.0, 28.0, -20.0), 5.5),
    (at(10.0, 22.0, -110.0), 6.0),
    (at(26.0, 4.0, -128.0), 6.5),
];

/// The aorta, from the heart over the arch and down in front of the spine's left side.
pub(crate) const AORTA: [Place; 11] = [
    (at(2.0, -14.0, -48.0), 13.0),
    (at(-13.0, -27.0, -24.0), 15.0),
    (at(-17.0, -29.0, 2.0), 15.0),
    (at(-13.0, -22.0, 24.0), 14.5),
    (at(3.0, -10.0, 36.0), 13.5),
    (at(20.0, 7.0, 36.0), 13.0),
    (at(25.0, 24.0, 28.0), 12.5),
    (at(25.0, 35.0, 10.0), 12.0),
    (at(22.0, 37.0, -60.0), 11.8),
    (at(12.0, 34.0, -130.0), 11.2),
    (at(8.0, 32.0, -220.0), 10.5),
];

pub(crate) const BRACHIOCEPHALIC_ARTERY: [Place; 3] = [
    (at(-4.0, -14.0, 42.0), 6.0),
    (at(-16.0, -8.0, 72.0), 5.2),
    (at(-30.0, 0.0, 140.0), 4.5),
];

pub(crate) const LEFT_CAROTID: [Place; 2] =
    [(at(9.0, -4.0, 44.0), 4.2), (at(15.0, 0.0, 140.0), 3.6)];

pub(crate) const LEFT_SUBCLAVIAN: [Place; 4] = [
    (at(20.0, 10.0, 44.0), 5.0),
    (at(28.0, 14.0, 76.0), 4.6),
    (at(42.0, 8.0, 104.0), 4.4),
    (at(95.0, -4.0, 128.0), 4.2),
];

/// The superior vena cava.
pub(crate) const UPPER_CAVA: [Place; 3] = [
    (at(-25.0, -19.0, 50.0), 8.2),
    (at(-30.0, -21.0, 10.0), 8.8),
    (at(-31.0, -20.0, -44.0), 9.5),
];

pub(crate) const LEFT_ARM_VEIN: [Place; 4] = [
    (at(95.0, -14.0, 116.0), 5.0),
    (at(40.0, -30.0, 84.0), 6.0),
    (at(0.0, -32.0, 58.0), 6.2),
    (at(-25.0, -20.0, 48.0), 6.5),
];

pub(crate) const RIGHT_ARM_VEIN: [Place; 3] = [
    (at(-95.0, -10.0, 116.0), 5.0),
    (at(-40.0, -24.0, 86.0), 6.2),
    (at(-26.0, -19.0, 50.0), 6.8),
];

/// The inferior vena cava.
pub(crate) const LOWER_CAVA: [Place; 3] = [
    (at(-24.0, -2.0, -92.0), 11.0),
    (at(-20.0, 10.0, -130.0), 11.0),
    (at(-18.0, 18.0, -220.0), 10.0),
];

pub(crate) const AZYGOS: [Place; 3] = [
    (at(-9.0, 38.0, -150.0), 3.4),
    (at(-8.0, 36.0, 14.0), 3.8),
    (at(-26.0, -8.0, 18.0), 3.8),
];
