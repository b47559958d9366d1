//! A plane through the patient, sampled at an image's pixels, and the painting of shapes on it.

use std::ops::Range;

use crate::exam::Exam;
use crate::geometry::{Point, Tube, at, coverage};

/// Pixels between the grid points at which the bending of the anatomy is computed. Between them it is
/// interpolated.
const WARP_STEP: usize = 16;
/// Greatest bending, mm.
const WARP_MM: f32 = 3.2;

/// A plane at one height, with each pixel's place in the standard anatomy.
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
    /// The part of the plane that is painted.
    window: Window,
    pose: Pose,
}

/// A rectangle of pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub rows: Range<usize>,
    pub cols: Range<usize>,
}

impl Window {
    /// The smallest window that contains both.
    fn with(self, other: Self) -> Self {
        let span = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            rows: span(self.rows, other.rows),
            cols: span(self.cols, other.cols),
        }
    }

    fn common(&self, other: &Self) -> Self {
        let both = |a: &Range<usize>, b: &Range<usize>| a.start.max(b.start)..a.end.min(b.end);
        Self {
            rows: both(&self.rows, &other.rows),
            cols: both(&self.cols, &other.cols),
        }
    }
}

/// The transform from the standard anatomy to the image, without the bending.
struct Pose {
    middle_px: f32,
    pixel_mm: f32,
    shift_mm: (f32, f32),
    scale: (f32, f32),
    turn: (f32, f32),
}

impl Plane {
    /// Makes the plane at `up` mm, moved by `sway_mm` to the back.
    pub fn new(exam: &Exam, up: f32, sway_mm: f32) -> Self {
        let size = exam.plan.size;
        let all = Window {
            rows: 0..size,
            cols: 0..size,
        };
        Self::part(exam, up, Pose::new(exam, sway_mm), all)
    }

    /// Makes such a plane, limited to the pixels that any of the tubes may touch; `None` if no tube
    /// touches it. Nothing outside that part is painted.
    pub fn about<'a>(
        exam: &Exam,
        up: f32,
        sway_mm: f32,
        tubes: impl Iterator<Item = &'a Tube>,
    ) -> Option<Self> {
        let pose = Pose::new(exam, sway_mm);
        let soft = pixel_mm(exam);
        let touched = tubes.filter(|tube| touches(tube, up, soft)).map(|tube| {
            let ends = |point: Point| (point.left, point.back);
            let reach = tube.widest_mm() + soft;
            pose.window(ends(tube.from), ends(tube.to), reach, exam.plan.size)
        });
        let window = touched.reduce(Window::with)?;
        Some(Self::part(exam, up, pose, window))
    }

    fn part(exam: &Exam, up: f32, pose: Pose, window: Window) -> Self {
        let size = exam.plan.size;
        let warp = warp_grid(exam, size, pose.pixel_mm, up);
        let mut plane = Self {
            size,
            up,
            pixel_mm: pixel_mm(exam),
            left: vec![0.0; size * size],
            back: vec![0.0; size * size],
            window,
            pose,
        };
        plane.place(&warp);
        plane
    }

    fn place(&mut self, warp: &[Vec<(f32, f32)>]) {
        let blend = |low: (f32, f32), high: (f32, f32), t: f32| {
            (low.0 + (high.0 - low.0) * t, low.1 + (high.1 - low.1) * t)
        };
        let parts: [f32; WARP_STEP] = std::array::from_fn(|i| i as f32 / WARP_STEP as f32);
        let aside: Vec<f32> = (0..self.size).map(|col| self.pose.aside(col)).collect();
        let Window { rows, cols } = self.window.clone();
        for row in rows {
            let (above, below) = (&warp[row / WARP_STEP], &warp[row / WARP_STEP + 1]);
            let part = parts[row % WARP_STEP];
            let across = above.iter().zip(below);
            let line: Vec<(f32, f32)> = across.map(|(a, b)| blend(*a, *b, part)).collect();
            let behind = self.pose.behind(row);
            for (grid_col, ends) in line.windows(2).enumerate() {
                let from = (grid_col * WARP_STEP).max(cols.start);
                let to = ((grid_col + 1) * WARP_STEP).min(cols.end);
                if from >= to {
                    continue;
                }
                let pixels = row * self.size + from..row * self.size + to;
                let places = self.left[pixels.clone()]
                    .iter_mut()
                    .zip(&mut self.back[pixels]);
                let parts = &parts[from % WARP_STEP..];
                for (((left, back), aside), &part) in places.zip(&aside[from..to]).zip(parts) {
                    let warp = blend(ends[0], ends[1], part);
                    let place = self.pose.standard(*aside, behind);
                    *left = place.0 + warp.0;
                    *back = place.1 + warp.1;
                }
            }
        }
    }

    /// Returns the place of a pixel in the standard anatomy.
    #[inline]
    pub fn point(&self, pixel: usize) -> Point {
        at(self.left[pixel], self.back[pixel], self.up)
    }

    /// Calls `visit` with the index of every pixel within `reach_mm` of a place, and of some beyond.
    #[inline]
    pub fn near(&self, left: f32, back: f32, reach_mm: f32, visit: impl FnMut(usize)) {
        self.within((left, back), (left, back), reach_mm, visit);
    }

    /// As [`Plane::near`], for the area around two places and between them.
    #[inline]
    pub fn within(
        &self,
        one: (f32, f32),
        other: (f32, f32),
        reach_mm: f32,
        mut visit: impl FnMut(usize),
    ) {
        let window = self.pose.window(one, other, reach_mm, self.size);
        let window = window.common(&self.window);
        for row in window.rows {
            for pixel in row * self.size + window.cols.start..row * self.size + window.cols.end {
                visit(pixel);
            }
        }
    }

    /// Calls `lay` for each pixel that a tube touches, with the share that the tube covers and the
    /// pixel's place.
    #[inline]
    pub fn tube(&self, tube: &Tube, mut lay: impl FnMut(usize, f32, Point)) {
        let soft = self.pixel_mm;
        if !touches(tube, self.up, soft) {
            return;
        }
        let cut = self.cut(tube);
        let ends = |point: Point| (point.left, point.back);
        // A rectangle around all that the tube may cover, with a margin for rounding.
        let reach = cut.widest_mm() + 0.5 * soft + 0.05;
        let span = |a: f32, b: f32| [a.min(b) - reach, a.max(b) + reach];
        let left = span(cut.from.left, cut.to.left);
        let back = span(cut.from.back, cut.to.back);
        self.within(
            ends(cut.from),
            ends(cut.to),
            cut.widest_mm() + soft,
            |pixel| {
                let point = self.point(pixel);
                // Reject most pixels of a thin tube's window here, before any square root.
                if !(left[0]..=left[1]).contains(&point.left)
                    || !(back[0]..=back[1]).contains(&point.back)
                {
                    return;
                }
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

    /// Cuts out the part of a tube that can meet this height, so that a long slanting tube stays cheap.
    fn cut(&self, tube: &Tube) -> Tube {
        let rise = tube.to.up - tube.from.up;
        if rise.abs() < 1.0 {
            return *tube;
        }
        let reach = tube.widest_mm() + self.pixel_mm;
        // Whatever touches the plane is within `reach` of it in height too.
        let t = |up: f32| ((up - tube.from.up) / rise).clamp(0.0, 1.0);
        let (a, b) = (t(self.up - reach), t(self.up + reach));
        tube.part(a.min(b), a.max(b))
    }
}

/// Size of a pixel in the standard anatomy, mm.
fn pixel_mm(exam: &Exam) -> f32 {
    let build = &exam.plan.build;
    exam.plan.scan.pixel_mm as f32 * 2.0 / (build.width + build.depth)
}

/// Returns whether a tube comes within `soft` mm of a height.
#[inline]
fn touches(tube: &Tube, up: f32, soft: f32) -> bool {
    let (low, high) = tube.heights();
    low - soft <= up && up <= high + soft
}

impl Pose {
    fn new(exam: &Exam, sway_mm: f32) -> Self {
        let (plan, build) = (&exam.plan, &exam.plan.build);
        Self {
            middle_px: (plan.size as f32 - 1.0) / 2.0,
            pixel_mm: plan.scan.pixel_mm as f32,
            shift_mm: (build.shift_mm.0, build.shift_mm.1 + sway_mm),
            scale: (build.width, build.depth),
            turn: (libm::cosf(build.rotation), libm::sinf(build.rotation)),
        }
    }

    /// The window of all pixels within `reach_mm` of two places and the area between, and some beyond.
    #[inline]
    fn window(&self, one: (f32, f32), other: (f32, f32), reach_mm: f32, size: usize) -> Window {
        let (row_a, col_a) = self.image(one.0, one.1);
        let (row_b, col_b) = self.image(other.0, other.1);
        let reach = (reach_mm * 1.15 + WARP_MM) / self.pixel_mm + 1.0;
        let range = |a: f32, b: f32| {
            let last = size as f32;
            let low = (a.min(b) - reach).clamp(0.0, last) as usize;
            let high = (a.max(b) + reach + 1.0).clamp(0.0, last) as usize;
            low..high
        };
        Window {
            rows: range(row_a, row_b),
            cols: range(col_a, col_b),
        }
    }

    /// Distance of a column to the left of the carina, mm in the patient.
    fn aside(&self, col: usize) -> f32 {
        (col as f32 - self.middle_px) * self.pixel_mm - self.shift_mm.0
    }

    /// Distance of a row behind the carina, mm in the patient.
    fn behind(&self, row: usize) -> f32 {
        (row as f32 - self.middle_px) * self.pixel_mm - self.shift_mm.1
    }

    /// Converts a place in the patient to one in the standard anatomy.
    #[inline]
    fn standard(&self, left: f32, back: f32) -> (f32, f32) {
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
