//! A plane through the patient, sampled at an image's pixels, and how shapes are laid on it.

use crate::exam::Exam;
use crate::geometry::{Point, Tube, at, coverage};

/// Every how many pixels the bending of the anatomy is computed; between them it is interpolated.
const WARP_STEP: usize = 16;
/// Greatest bending, mm.
const WARP_MM: f32 = 3.2;

/// A plane at one height with each pixel's place in the standard anatomy.
pub(crate) struct Plane {
    pub size: usize,
    /// Height in the standard anatomy, mm.
    pub up: f32,
    /// Size of a pixel in the standard anatomy, mm.
    pub pixel_mm: f32,
    /// `[row, col]`, mm to the left.
    pub left: Vec<f32>,
    /// `[row, col]`, mm to the back.
    pub back: Vec<f32>,
    pose: Pose,
}

/// From the standard anatomy to the image, without the bending.
struct Pose {
    middle_px: f32,
    pixel_mm: f32,
    shift_mm: (f32, f32),
    scale: (f32, f32),
    turn: (f32, f32),
}

impl Plane {
    /// The plane at `up` mm, moved by `sway_mm` to the back.
    pub fn new(exam: &Exam, up: f32, sway_mm: f32) -> Self {
        let (plan, build) = (&exam.plan, &exam.plan.build);
        let size = plan.size;
        let pixel_mm = plan.scan.pixel_mm as f32;
        let pose = Pose {
            middle_px: (size as f32 - 1.0) / 2.0,
            pixel_mm,
            shift_mm: (build.shift_mm.0, build.shift_mm.1 + sway_mm),
            scale: (build.width, build.depth),
            turn: (libm::cosf(build.rotation), libm::sinf(build.rotation)),
        };
        let mut plane = Self {
            size,
            up,
            pixel_mm: pixel_mm * 2.0 / (build.width + build.depth),
            left: vec![0.0; size * size],
            back: vec![0.0; size * size],
            pose,
        };
        plane.place(&warp_grid(exam, size, pixel_mm, up));
        plane
    }

    fn place(&mut self, warp: &[Vec<(f32, f32)>]) {
        let part = |idx: usize| (idx % WARP_STEP) as f32 / WARP_STEP as f32;
        let blend = |low: (f32, f32), high: (f32, f32), t: f32| {
            (low.0 + (high.0 - low.0) * t, low.1 + (high.1 - low.1) * t)
        };
        for row in 0..self.size {
            let (above, below) = (&warp[row / WARP_STEP], &warp[row / WARP_STEP + 1]);
            let across = above.iter().zip(below);
            let line: Vec<(f32, f32)> = across.map(|(a, b)| blend(*a, *b, part(row))).collect();
            for col in 0..self.size {
                let grid_col = col / WARP_STEP;
                let warp = blend(line[grid_col], line[grid_col + 1], part(col));
                let (left, back) = self.pose.standard(row as f32, col as f32);
                self.left[row * self.size + col] = left + warp.0;
                self.back[row * self.size + col] = back + warp.1;
            }
        }
    }

    /// The place of a pixel in the standard anatomy.
    #[inline]
    pub fn point(&self, pixel: usize) -> Point {
        at(self.left[pixel], self.back[pixel], self.up)
    }

    /// Calls `visit` with the index of every pixel within `reach_mm` of a place, and some more.
    #[inline]
    pub fn near(&self, left: f32, back: f32, reach_mm: f32, visit: impl FnMut(usize)) {
        self.within((left, back), (left, back), reach_mm, visit);
    }

    /// As [`Plane::near`], about two places and all between them.
    #[inline]
    pub fn within(
        &self,
        one: (f32, f32),
        other: (f32, f32),
        reach_mm: f32,
        mut visit: impl FnMut(usize),
    ) {
        let (row_a, col_a) = self.pose.image(one.0, one.1);
        let (row_b, col_b) = self.pose.image(other.0, other.1);
        let reach = (reach_mm * 1.15 + WARP_MM) / self.pose.pixel_mm + 1.0;
        let range = |a: f32, b: f32| {
            let last = self.size as f32;
            let low = (a.min(b) - reach).clamp(0.0, last) as usize;
            let high = (a.max(b) + reach + 1.0).clamp(0.0, last) as usize;
            low..high
        };
        for row in range(row_a, row_b) {
            for col in range(col_a, col_b) {
                visit(row * self.size + col);
            }
        }
    }

    /// Calls `lay` with each pixel that a tube touches, the share of it that the tube covers, and
    /// its place.
    #[inline]
    pub fn tube(&self, tube: &Tube, mut lay: impl FnMut(usize, f32, Point)) {
        let (low, high) = tube.heights();
        let soft = self.pixel_mm;
        if self.up < low - soft || self.up > high + soft {
            return;
        }
        let cut = self.cut(tube);
        let ends = |point: Point| (point.left, point.back);
        self.within(
            ends(cut.from),
            ends(cut.to),
            cut.widest_mm() + soft,
            |pixel| {
                let point = self.point(pixel);
                let (distance, radius) = tube.distance(point);
                // A tube thinner than a pixel covers no more than its own width of it.
                let most = (2.0 * radius / soft).min(1.0);
                let share = coverage(distance, soft) * most;
                if share > 0.0 {
                    lay(pixel, share, point);
                }
            },
        );
    }

    /// The part of a tube that this height can meet, so that a long slanting one stays cheap.
    fn cut(&self, tube: &Tube) -> Tube {
        let rise = tube.to.up - tube.from.up;
        if rise.abs() < 1.0 {
            return *tube;
        }
        let reach = tube.widest_mm() + self.pixel_mm;
        // What touches the plane is within reach of it, in height too.
        let t = |up: f32| ((up - tube.from.up) / rise).clamp(0.0, 1.0);
        let (a, b) = (t(self.up - reach), t(self.up + reach));
        tube.part(a.min(b), a.max(b))
    }
}

impl Pose {
    #[inline]
    fn standard(&self, row: f32, col: f32) -> (f32, f32) {
        let left = (col - self.middle_px) * self.pixel_mm - self.shift_mm.0;
        let back = (row - self.middle_px) * self.pixel_mm - self.shift_mm.1;
        let (cos, sin) = self.turn;
        (
            (left * cos + back * sin) / self.scale.0,
            (back * cos - left * sin) / self.scale.1,
        )
    }

    #[inline]
    fn image(&self, left: f32, back: f32) -> (f32, f32) {
        let (left, back) = (left * self.scale.0, back * self.scale.1);
        let (cos, sin) = self.turn;
        let (left, back) = (left * cos - back * sin, back * cos + left * sin);
        (
            (back + self.shift_mm.1) / self.pixel_mm + self.middle_px,
            (left + self.shift_mm.0) / self.pixel_mm + self.middle_px,
        )
    }
}

fn warp_grid(exam: &Exam, size: usize, pixel_mm: f32, up: f32) -> Vec<Vec<(f32, f32)>> {
    let n = size / WARP_STEP + 2;
    let middle = size as f32 / 2.0;
    let place = |i: usize| ((i * WARP_STEP) as f32 - middle) * pixel_mm / 48.0;
    let [aside, behind] = exam.textures.warp;
    (0..n)
        .map(|row| {
            (0..n)
                .map(|col| {
                    let (b, a, c) = (place(row), place(col), up / 70.0);
                    (aside.at(a, b, c) * WARP_MM, behind.at(a, b, c) * WARP_MM)
                })
                .collect()
        })
        .collect()
}
