//! Outlines at one height: body, thoracic cavity, mediastinum, diaphragm, lungs. The values are
//! those of an adult of about 175 cm, from general axial anatomy; none comes from one person.

use crate::geometry::{at, broken_line, ellipse, ellipsoid, ramp, union};
use crate::plan::Build;

/// Half width of the trunk without fat, by height.
const BODY_WIDTH: [(f32, f32); 8] = [
    (-190.0, 146.0),
    (-120.0, 150.0),
    (-60.0, 151.0),
    (0.0, 152.0),
    (45.0, 158.0),
    (75.0, 172.0),
    (100.0, 188.0),
    (125.0, 190.0),
];
/// Half depth of the trunk without fat.
const BODY_DEPTH: [(f32, f32); 7] = [
    (-190.0, 100.0),
    (-90.0, 102.0),
    (-30.0, 102.0),
    (20.0, 96.0),
    (60.0, 88.0),
    (90.0, 80.0),
    (125.0, 70.0),
];
/// Distance of the centre of each half of the cavity from the midline.
const CAVITY_ASIDE: [(f32, f32); 7] = [
    (-190.0, 60.0),
    (-110.0, 63.0),
    (-50.0, 62.0),
    (0.0, 59.0),
    (40.0, 52.0),
    (70.0, 46.0),
    (100.0, 40.0),
];
/// Half width of each half of the cavity.
const CAVITY_WIDTH: [(f32, f32); 8] = [
    (-190.0, 62.0),
    (-110.0, 66.0),
    (-50.0, 66.0),
    (0.0, 61.0),
    (40.0, 50.0),
    (65.0, 37.0),
    (85.0, 22.0),
    (97.0, 2.0),
];
/// Half depth of the cavity.
const CAVITY_DEPTH: [(f32, f32); 8] = [
    (-190.0, 80.0),
    (-110.0, 86.0),
    (-50.0, 86.0),
    (0.0, 81.0),
    (40.0, 68.0),
    (65.0, 50.0),
    (85.0, 29.0),
    (97.0, 2.0),
];
/// Distance of the cavity's centre behind the carina.
const CAVITY_BACK: [(f32, f32); 6] = [
    (-190.0, 2.0),
    (-50.0, 0.0),
    (0.0, 3.0),
    (40.0, 12.0),
    (65.0, 22.0),
    (97.0, 32.0),
];
/// Plane on the table that flattens the back of the trunk, mm behind the carina, without fat.
const FLAT_BACK: f32 = 104.0;

/// The outlines at one height.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub up: f32,
    fat: f32,
    breasts: bool,
    heart: f32,
    diaphragm: f32,
    body: (f32, f32),
    cavity_aside: f32,
    cavity: (f32, f32),
    cavity_back: f32,
}

impl Level {
    pub fn new(build: &Build, up: f32) -> Self {
        Self {
            up,
            fat: build.fat_mm,
            breasts: build.breasts,
            heart: build.heart,
            diaphragm: build.diaphragm_mm,
            body: (
                broken_line(&BODY_WIDTH, up) + build.fat_mm,
                broken_line(&BODY_DEPTH, up) + build.fat_mm * 0.75,
            ),
            cavity_aside: broken_line(&CAVITY_ASIDE, up),
            cavity: (
                broken_line(&CAVITY_WIDTH, up),
                broken_line(&CAVITY_DEPTH, up),
            ),
            cavity_back: broken_line(&CAVITY_BACK, up),
        }
    }

    /// Position of the flat back, mm behind the carina.
    pub fn flat_back(&self) -> f32 {
        FLAT_BACK + self.fat * 0.6
    }

    /// Signed distance to the skin.
    #[inline(always)]
    pub fn body(&self, left: f32, back: f32) -> f32 {
        let middle = FLAT_BACK + self.fat * 0.75 - self.body.1;
        let from_middle = back - middle;
        let (u, v) = (left / self.body.0, from_middle / self.body.1);
        let (u2, v2) = (u * u, v * v);
        // Mean of an ellipse and a rounded box: a trunk is between the two.
        let k = 0.5 * (u2 + v2).sqrt() + 0.5 * (u2 * u2 + v2 * v2).sqrt().sqrt();
        let length = (left * left + from_middle * from_middle).sqrt();
        // At the very centre the distance is undefined; use the depth of the trunk.
        let rounded = length * (1.0 - 1.0 / k);
        let mut outline = if k < 0.02 { -self.body.1 } else { rounded };
        if self.breasts {
            let side = at(
                left.abs() - 76.0,
                back + 88.0 + self.fat * 0.5,
                self.up + 42.0,
            );
            outline = union(outline, ellipsoid(side, at(54.0, 36.0, 52.0)), 14.0);
        }
        let skin = -union(-outline, self.flat_back() - back, 16.0).min(-outline);
        // Far out to the side or below the back, skip the details. Select at the end instead of
        // returning early, so that the compiler can vectorise over a row of pixels.
        let far = (left.abs() - self.body.0).max(back - self.flat_back());
        if far > 8.0 { far } else { skin }
    }

    /// Signed distance to the inner wall of the chest and abdomen.
    #[inline(always)]
    pub fn cavity(&self, left: f32, back: f32) -> f32 {
        let back = back - self.cavity_back;
        let half = |left: f32| ellipse(left, back, self.cavity.0, self.cavity.1);
        let halves = union(
            half(left - self.cavity_aside),
            half(left + self.cavity_aside),
            10.0,
        );
        // Between the halves, in front of the spine, add room for the mediastinum.
        let depth = self.cavity.1 * 0.76;
        union(
            halves,
            ellipse(left, back + 20.0, depth.min(36.0), depth),
            8.0,
        )
    }

    /// Signed distance to the mediastinum, the space between the lungs.
    #[inline(always)]
    pub fn mediastinum(&self, left: f32, back: f32) -> f32 {
        let up = self.up;
        let spine = ellipse(left, back - 62.0, 25.0, 33.0);
        let heart = ellipsoid(
            at(
                left - 15.0 + 0.30 * (back + 32.0),
                back + 32.0 - 0.1 * (left - 15.0),
                up + 66.0,
            ),
            at(62.0 * self.heart, 50.0 * self.heart, 62.0 * self.heart),
        ) - 4.0;
        // Narrow in front, where the lungs nearly meet; wider around the great vessels.
        let front = ellipse(left - 2.0, back + 30.0, 15.0, 66.0);
        let vessels = ellipse(left + 2.0, back + 4.0, 38.0, 38.0) + 18.0 * ramp(up, 45.0, 95.0);
        let aorta = ellipse(left - 22.0, back - 36.0, 17.0, 18.0);
        let hilum_left = ellipsoid(
            at(left - 34.0, back - 12.0, up + 14.0),
            at(16.0, 20.0, 30.0),
        );
        let hilum_right = ellipsoid(at(left + 36.0, back - 6.0, up + 18.0), at(13.0, 18.0, 32.0));
        // Below the heart the vessels' space narrows to oesophagus, aorta and vena cava.
        let vessels = vessels + 20.0 * ramp(-up, 30.0, 70.0);
        let column = union(union(spine, vessels, 8.0), front, 8.0);
        let hila = hilum_left.min(hilum_right);
        union(union(column, heart, 8.0), union(hila, aorta, 6.0), 8.0)
    }

    /// Height of the diaphragm at a place.
    #[inline(always)]
    pub fn diaphragm(&self, left: f32, back: f32) -> f32 {
        let dome = |top: f32, middle: f32, width: f32| {
            let aside = (left - middle) / width;
            let behind = (back + 8.0) / 92.0;
            // The recess at the back reaches far lower than the one in front.
            let slope = if behind > 0.0 { 88.0 } else { 52.0 };
            top + self.diaphragm - 62.0 * aside * aside - slope * behind * behind
        };
        dome(-84.0, -62.0, 74.0).max(dome(-98.0, 66.0, 70.0))
    }

    /// Signed distance to the nearer lung.
    #[inline]
    pub fn lung(&self, left: f32, back: f32) -> f32 {
        let cavity = self.cavity(left, back);
        if cavity > 12.0 {
            return cavity;
        }
        let above = (self.diaphragm(left, back) - self.up) * 0.6;
        (cavity + 0.8).max(above).max(-self.mediastinum(left, back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhantomOptions;
    use crate::plan::ExamPlan;

    #[test]
    fn a_wall_closes_the_cavity_off_at_every_height() {
        for exam_idx in 0..40 {
            let options = PhantomOptions {
                n_exams: 40,
                ..PhantomOptions::default()
            };
            let build = ExamPlan::draw(&options, exam_idx).build;
            for step in 0..60 {
                let level = Level::new(&build, -190.0 + step as f32 * 5.0);
                for row in -60..60 {
                    for col in -80..80 {
                        let (left, back) = (col as f32 * 2.5, row as f32 * 2.5);
                        let wall = level.cavity(left, back) < 3.0;
                        assert!(
                            !wall || level.body(left, back) < -4.0,
                            "{left} {back} {}",
                            level.up
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_lungs_are_where_they_should_be() {
        let build = ExamPlan::draw(&PhantomOptions::default(), 0).build;
        let check = |left: f32, back: f32, up: f32, inside: bool| {
            let lung = Level::new(&build, up).lung(left, back);
            assert_eq!(lung < 0.0, inside, "{left} {back} {up}: {lung}");
        };
        check(-80.0, 20.0, 0.0, true);
        check(80.0, 20.0, 0.0, true);
        check(-80.0, 60.0, -90.0, true);
        check(0.0, 0.0, 0.0, false);
        check(15.0, -30.0, -66.0, false);
        check(0.0, 60.0, -50.0, false);
        check(-60.0, -8.0, -160.0, false);
        check(-42.0, 30.0, 80.0, true);
        check(0.0, 0.0, 120.0, false);
    }
}
