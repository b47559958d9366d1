//! Tissue where no vessel, heart or clot lies: skin, fat, muscle, bone, lung, the organs under the
//! diaphragm, and the table under the patient.

use crate::anatomy::level::Level;
use crate::anatomy::skeleton::bone;
use crate::anatomy::vessels::{horizontal_fissure, oblique_fissure};
use crate::exam::Exam;
use crate::geometry::{at, coverage, ellipse, ellipsoid, ramp, union};
use crate::paint::Plane;
use crate::seed::TexturePlane;

/// HU of air outside the patient and in hollow organs.
pub(crate) const GAS_HU: f32 = -995.0;
const FAT_HU: f32 = -104.0;
const MUSCLE_HU: f32 = 52.0;
const SKIN_HU: f32 = 15.0;
const LUNG_HU: f32 = -868.0;
const LIVER_HU: f32 = 92.0;
const SPLEEN_HU: f32 = 118.0;

/// The tissue at one height.
pub(crate) struct Tissue<'a> {
    exam: &'a Exam,
    level: Level,
    pixel_mm: f32,
    textures: Textures,
}

/// The exam's textures at this height, by use.
struct Textures {
    sheets: TexturePlane,
    muscle: TexturePlane,
    mediastinum: TexturePlane,
    lung_coarse: TexturePlane,
    lung_fine: TexturePlane,
    organs: TexturePlane,
}

impl Textures {
    fn new(exam: &Exam, up: f32) -> Self {
        let (strands, grain) = (exam.textures.strands, exam.textures.grain);
        // Extents of the trunk and of the cavity, mm. Points beyond get the same values, only slower.
        let (aside, behind) = ([-210.0, 210.0], [-125.0, 125.0]);
        let (within, between) = ([-135.0, 135.0], [-95.0, 100.0]);
        let per = |range: [f32; 2], mm: f32| range.map(|end| end / mm);
        let muscle = per(aside, 6.0).map(|end| end + 40.0);
        Self {
            sheets: TexturePlane::new(strands, [-3.0, 8.0], [-1.0, 9.0], up / 38.0),
            muscle: TexturePlane::new(strands, muscle, per(behind, 6.0), up / 8.0),
            mediastinum: TexturePlane::new(strands, per(within, 7.0), per(between, 7.0), up / 9.0),
            lung_coarse: TexturePlane::new(grain, per(within, 26.0), per(between, 26.0), up / 26.0),
            lung_fine: TexturePlane::new(grain, per(within, 3.2), per(between, 3.2), up / 3.2),
            organs: TexturePlane::new(grain, per(within, 9.0), per(between, 9.0), up / 9.0),
        }
    }
}

/// Distances of each pixel of a row, from which its tissue follows. Rows are computed as a whole, so
/// that the compiler can vectorise over pixels.
#[derive(Default)]
struct Row {
    skin: Vec<f32>,
    /// Starts at the first pixel that may be body.
    wall: Vec<f32>,
    /// Index into `wall` of the first pixel that may lie inside it. The vectors below start there.
    inner: usize,
    mediastinum: Vec<f32>,
    diaphragm: Vec<f32>,
}

/// A place, its distances to skin and wall in mm, and its column, counted from the first body pixel.
#[derive(Clone, Copy)]
struct Spot {
    left: f32,
    back: f32,
    skin: f32,
    wall: f32,
    col: usize,
}

impl Row {
    /// Computes a row and returns the range of pixels that may be body.
    fn fill(&mut self, level: &Level, left: &[f32], back: &[f32], soft_mm: f32) -> (usize, usize) {
        each(&mut self.skin, left, back, |left, back| {
            level.body(left, back)
        });
        let (from, to) = span(&self.skin, soft_mm);
        let (left, back) = (&left[from..to], &back[from..to]);
        each(&mut self.wall, left, back, |left, back| {
            level.cavity(left, back)
        });
        // The mediastinum and diaphragm matter only inside the wall.
        let (first, last) = span(&self.wall, soft_mm);
        self.inner = first;
        let (left, back) = (&left[first..last], &back[first..last]);
        each(&mut self.mediastinum, left, back, |left, back| {
            level.mediastinum(left, back)
        });
        each(&mut self.diaphragm, left, back, |left, back| {
            level.diaphragm(left, back)
        });
        (from, to)
    }
}

/// Returns the range from the first to the last pixel inside a border or within `soft_mm` of it.
fn span(distances: &[f32], soft_mm: f32) -> (usize, usize) {
    let inside = |distance: &f32| *distance < soft_mm;
    let from = distances.iter().position(inside);
    let to = distances.iter().rposition(inside);
    from.zip(to).map_or((0, 0), |(from, to)| (from, to + 1))
}

#[inline(always)]
fn each(out: &mut Vec<f32>, left: &[f32], back: &[f32], of: impl Fn(f32, f32) -> f32) {
    out.resize(left.len(), 0.0);
    for ((out, &left), &back) in out.iter_mut().zip(left).zip(back) {
        *out = of(left, back);
    }
}

impl<'a> Tissue<'a> {
    pub fn new(exam: &'a Exam, plane: &Plane) -> Self {
        Self {
            exam,
            level: Level::new(&exam.plan.build, plane.up),
            pixel_mm: plane.pixel_mm,
            textures: Textures::new(exam, plane.up),
        }
    }

    /// Paints the whole plane, `[row, col]` in HU.
    pub fn paint(&self, plane: &Plane) -> Vec<f32> {
        let mut hu = table(self.exam, plane, self.level.flat_back());
        let mut row = Row::default();
        let rows = hu.chunks_exact_mut(plane.size);
        let left = plane.left.chunks_exact(plane.size);
        let back = plane.back.chunks_exact(plane.size);
        for ((hu, left), back) in rows.zip(left).zip(back) {
            let (from, to) = row.fill(&self.level, left, back, self.pixel_mm);
            for col in from..to {
                let share = coverage(row.skin[col], self.pixel_mm);
                if share > 0.0 {
                    let spot = Spot {
                        left: left[col],
                        back: back[col],
                        skin: row.skin[col],
                        wall: row.wall[col - from],
                        col: col - from,
                    };
                    hu[col] += (self.inside(&row, spot) - hu[col]) * share;
                }
            }
        }
        hu
    }

    fn inside(&self, row: &Row, spot: Spot) -> f32 {
        let Spot {
            left, back, wall, ..
        } = spot;
        let inner = coverage(wall, self.pixel_mm);
        let soft = if inner < 1.0 {
            self.wall(left, back, spot.skin, wall)
        } else {
            0.0
        };
        let within = if inner > 0.0 {
            self.within(row, spot)
        } else {
            0.0
        };
        let hu = soft + (within - soft) * inner;
        match bone(&self.level, left, back, wall, self.pixel_mm) {
            Some((share, bone)) => hu + (bone - hu) * share,
            None => hu,
        }
    }

    /// HU of skin, fat and the muscles of the chest wall.
    fn wall(&self, left: f32, back: f32, skin: f32, wall: f32) -> f32 {
        if skin > -1.8 {
            return SKIN_HU;
        }
        // Muscles lie in sheets along the wall, and so does the fat between them.
        let around = left.abs() - 0.8 * back;
        let coarse = self.textures.sheets.at(around / 42.0, wall / 13.0);
        let fine = self.textures.muscle.at(left / 6.0 + 40.0, back / 6.0);
        // Fat under the skin, thicker at the flanks and over the breasts.
        let fat = self.exam.plan.build.fat_mm;
        let flank = 1.0 - 0.35 * ramp(-back, 30.0, 80.0) - 0.3 * ramp(back, 40.0, 90.0);
        let muscle_ends = -(fat * 0.8 * flank + 2.5 + 2.5 * coarse);
        let muscle = coverage(skin - muscle_ends, 2.0 * self.pixel_mm)
            * coverage(
                wall - self.muscle_mm(left, back) - 3.0 * coarse,
                2.0 * self.pixel_mm,
            );
        // Planes of fat separate the muscles outside the ribs; muscle itself is streaked.
        let plane = if wall > 13.0 {
            1.0 - ramp(coarse.abs(), 0.03, 0.11)
        } else {
            0.0
        };
        let muscle_hu = MUSCLE_HU + 9.0 * fine - 105.0 * plane;
        let fat_hu = FAT_HU + 8.0 * fine + 60.0 * ramp(coarse * fine, 0.22, 0.4);
        fat_hu + (muscle_hu - fat_hu) * muscle
    }

    /// Thickness of the muscles outside the chest's inner wall, mm.
    fn muscle_mm(&self, left: f32, back: f32) -> f32 {
        let up = self.level.up;
        let pectoral =
            17.0 * ramp(-back, 8.0, 40.0) * ramp(left.abs(), 14.0, 34.0) * ramp(up, -45.0, 10.0);
        let behind = 60.0 * ramp(back, 25.0, 70.0) * (1.0 - ramp(left.abs(), 40.0, 130.0) * 0.7);
        let latissimus = 13.0 * ramp(left.abs(), 85.0, 120.0) * ramp(up, -160.0, -20.0);
        let shoulder = 90.0 * ramp(up, 38.0, 85.0);
        12.5 + pectoral + behind + latissimus + shoulder
    }

    /// HU inside the rib cage: lung, mediastinum, or the abdomen under the diaphragm.
    fn within(&self, row: &Row, spot: Spot) -> f32 {
        let Spot {
            left,
            back,
            wall,
            col,
            ..
        } = spot;
        let above = (row.diaphragm[col - row.inner] - self.level.up) * 0.6;
        let mediastinum = row.mediastinum[col - row.inner];
        let lung = coverage((wall + 0.8).max(above).max(-mediastinum), self.pixel_mm);
        let other = if lung >= 1.0 {
            0.0
        } else if above > 0.0 {
            self.abdomen(left, back, above, wall)
        } else {
            self.mediastinal_fat(left, back)
        };
        if lung > 0.0 {
            other + (self.lung(left, back) - other) * lung
        } else {
            other
        }
    }

    fn mediastinal_fat(&self, left: f32, back: f32) -> f32 {
        let strand = self.textures.mediastinum.at(left / 7.0, back / 7.0);
        let soft = ramp(strand, 0.25, 0.75);
        FAT_HU + 12.0 + 90.0 * soft
    }

    fn lung(&self, left: f32, back: f32) -> f32 {
        let up = self.level.up;
        let coarse = self.textures.lung_coarse.at(left / 26.0, back / 26.0);
        let fine = self.textures.lung_fine.at(left / 3.2, back / 3.2);
        // The patient lies on the back, so blood settles there.
        let settled = 34.0 * ramp(back, -60.0, 90.0);
        let mut fissure = (up - oblique_fissure(left, back)).abs() * 0.7;
        if left < 0.0 && up > oblique_fissure(left, back) {
            fissure = fissure.min((up - horizontal_fissure(left, back)).abs());
        }
        let line = 130.0 * coverage(fissure - 0.4, 1.0);
        LUNG_HU + settled + 16.0 * coarse + 20.0 * fine + line
    }

    /// HU of liver, stomach with its gas, spleen, and fat between. `above` is the diaphragm's distance.
    fn abdomen(&self, left: f32, back: f32, above: f32, wall: f32) -> f32 {
        let up = self.level.up;
        let point = at(left, back, up);
        let grain = self.textures.organs.at(left / 9.0, back / 9.0);
        let rim = (above - 3.0).min(-wall - 1.5);
        if rim < 0.0 {
            return MUSCLE_HU + 4.0 * grain;
        }
        // The stomach lies in front on the left; its gas rises to the front. Both keep clear of the lung.
        let stomach =
            ellipsoid(point - at(56.0, -24.0, -146.0), at(38.0, 40.0, 40.0)).max(4.0 - rim);
        if stomach < 0.0 {
            let gas = stomach + 4.0 < 0.0 && back < -34.0;
            let filled = if gas { GAS_HU } else { 24.0 + 10.0 * grain };
            return if stomach > -3.5 { MUSCLE_HU } else { filled };
        }
        let right_lobe = ellipse(left + 62.0, back + 2.0, 78.0, 88.0);
        let left_lobe = ellipsoid(point - at(10.0, -44.0, -140.0), at(58.0, 36.0, 46.0));
        if union(right_lobe, left_lobe, 12.0) < 0.0 {
            return LIVER_HU + 5.0 * grain;
        }
        let spleen = ellipsoid(point - at(88.0, 46.0, -150.0), at(36.0, 36.0, 50.0));
        if spleen < 0.0 {
            return SPLEEN_HU + 14.0 * grain;
        }
        FAT_HU + 20.0 * grain.max(0.0)
    }
}

/// Air and the table: two curved sheets with foam between. They reach beyond the field of view on both
/// sides, so that the foam is connected to the outside air.
fn table(exam: &Exam, plane: &Plane, flat_back: f32) -> Vec<f32> {
    let scan = &exam.plan.scan;
    let build = &exam.plan.build;
    let (size, pixel_mm) = (plane.size, scan.pixel_mm as f32);
    let middle = (size as f32 - 1.0) / 2.0;
    let top = build.shift_mm.1 + flat_back * build.depth + 7.0;
    let mut hu = vec![GAS_HU; size * size];
    for row in 0..size {
        let down = (row as f32 - middle) * pixel_mm;
        for col in 0..size {
            let aside = (col as f32 - middle) * pixel_mm;
            let below = down - top + 0.0006 * aside * aside;
            if !(-4.0..60.0).contains(&below) {
                continue;
            }
            let sheet = |at_mm: f32| coverage((below - at_mm).abs() - 0.9, pixel_mm);
            let foam = coverage(-below, pixel_mm) * coverage(below - 34.0, pixel_mm);
            let value = &mut hu[row * size + col];
            *value += 95.0 * foam;
            *value += (60.0 - *value) * sheet(0.0).max(sheet(34.0));
        }
    }
    hu
}
