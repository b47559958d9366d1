//! Renders one slice of an exam without noise. Tissue comes first, then airways, heart, nodes, veins,
//! great vessels, arteries, dark spots and clot, each painted over the last. The slice is an average
//! over planes in its thickness.

use crate::anatomy::tree::{Order, Tree};
use crate::exam::Exam;
use crate::geometry::{Point, Tube, coverage};
use crate::lookalike::{LookalikeKind, Shape};
use crate::paint::Plane;
use crate::tissue::{GAS_HU, Tissue};

/// A slice before noise, `[row, col]`.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// HU.
    pub hu: Vec<f32>,
    /// The share of each pixel filled by pulmonary artery, including clot.
    pub artery: Vec<f32>,
    /// The share of each pixel filled by clot.
    pub clot: Vec<f32>,
}

/// Approximate distance between the planes that a slice averages, mm; and their greatest number.
const PLANE_MM: f32 = 1.7;
const MOST_PLANES: usize = 3;

/// The planes of a slice: their heights in the standard anatomy and their sway by breathing, mm.
fn planes(exam: &Exam, slice_idx: usize) -> Vec<(f32, f32)> {
    let plan = &exam.plan;
    let thick = plan.scan.spacing_mm as f32 / plan.build.height;
    let n = ((thick / PLANE_MM).round() as usize).clamp(1, MOST_PLANES);
    (0..n)
        .map(|i| {
            let off = (i as f32 + 0.5) / n as f32 - 0.5;
            (
                plan.up_mm(slice_idx) + off * thick,
                off * 2.0 * plan.scan.motion_mm,
            )
        })
        .collect()
}

/// Paints a slice.
pub(crate) fn frame(exam: &Exam, slice_idx: usize) -> Frame {
    let planes = planes(exam, slice_idx);
    let n = exam.plan.size * exam.plan.size;
    let mut frame = Frame {
        hu: vec![0.0; n],
        artery: vec![0.0; n],
        clot: vec![0.0; n],
    };
    let share = 1.0 / planes.len() as f32;
    let planes: Vec<Plane> = planes
        .iter()
        .map(|&(up, sway_mm)| Plane::new(exam, up, sway_mm))
        .collect();
    for (plane, tissue) in planes.iter().zip(tissues(exam, &planes)) {
        let layers = Layers::paint(exam, plane, tissue);
        add(&mut frame.hu, &layers.hu, share);
        add(&mut frame.artery, &layers.artery, share);
        add(&mut frame.clot, &layers.clot, share);
    }
    frame
}

/// The tissue of each plane. Only the outer planes are painted; those between get their mean. The eye
/// cannot tell that from painting all of them, unlike for vessels.
fn tissues(exam: &Exam, planes: &[Plane]) -> Vec<Vec<f32>> {
    let paint = |plane: &Plane| Tissue::new(exam, plane).paint(plane);
    let [first, between @ .., last] = planes else {
        return planes.iter().map(paint).collect();
    };
    let (first, last) = (paint(first), paint(last));
    let mean: Vec<f32> = first
        .iter()
        .zip(&last)
        .map(|(a, b)| (a + b) / 2.0)
        .collect();
    let mut all = vec![first];
    all.extend(between.iter().map(|_| mean.clone()));
    all.push(last);
    all
}

/// The clot visible on a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClotOnSlice {
    /// Number of pixels that are at least half clot.
    pub n_pixels: usize,
    /// The artery that holds the largest part of the slice's largest clot; `None` if no pixel is at
    /// least half clot.
    pub artery: Option<Order>,
}

/// Area by order of artery, in pixels.
type Areas = [f32; Order::ALL.len()];

/// Counts the clot on a slice. Paints only arteries and clot, and only around clots.
pub(crate) fn clot_on(exam: &Exam, slice_idx: usize) -> ClotOnSlice {
    let planes = planes(exam, slice_idx);
    let n = exam.plan.size * exam.plan.size;
    let mut clot = Vec::new();
    let mut areas = vec![Areas::default(); exam.clots.len()];
    for &(up, sway_mm) in &planes {
        let pieces = exam.clots.iter().flat_map(|clot| &clot.pieces);
        let Some(plane) = Plane::about(exam, up, sway_mm, pieces.map(|piece| &piece.tube)) else {
            continue;
        };
        let mut layers = Layers {
            areas,
            ..Layers::empty(n)
        };
        layers.arteries(exam, &plane);
        layers.clots(exam, &plane);
        areas = layers.areas;
        clot.resize(n, 0.0);
        add(&mut clot, &layers.clot, 1.0 / planes.len() as f32);
    }
    let n_pixels = count_clot(&clot);
    ClotOnSlice {
        n_pixels,
        artery: (n_pixels > 0).then(|| artery_of_largest(&areas)).flatten(),
    }
}

fn artery_of_largest(areas: &[Areas]) -> Option<Order> {
    let sum = |areas: &Areas| areas.iter().sum::<f32>();
    let largest = areas.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)))?;
    let by_order = Order::ALL.into_iter().zip(largest);
    by_order
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map(|(order, _)| order)
}

/// Counts the pixels that are at least half clot.
pub(crate) fn count_clot(clot: &[f32]) -> usize {
    clot.iter().filter(|share| **share >= 0.5).count()
}

fn add(sum: &mut [f32], layer: &[f32], share: f32) {
    for (sum, value) in sum.iter_mut().zip(layer) {
        *sum += value * share;
    }
}

/// The layers of one plane while it is painted.
struct Layers {
    hu: Vec<f32>,
    artery: Vec<f32>,
    clot: Vec<f32>,
    /// Area of each clot on this plane; empty if not needed.
    areas: Vec<Areas>,
}

impl Layers {
    /// Layers without HU, for counting clot.
    fn empty(n: usize) -> Self {
        Self {
            hu: Vec::new(),
            artery: vec![0.0; n],
            clot: vec![0.0; n],
            areas: Vec::new(),
        }
    }

    fn paint(exam: &Exam, plane: &Plane, tissue: Vec<f32>) -> Self {
        let n = plane.size * plane.size;
        let mut layers = Self {
            hu: tissue,
            ..Self::empty(n)
        };
        layers.airways(exam, plane);
        layers.heart(exam, plane);
        layers.lumps(exam, plane, LookalikeKind::Node);
        layers.veins(exam, plane);
        layers.systemic(exam, plane);
        layers.arteries(exam, plane);
        layers.lumps(exam, plane, LookalikeKind::DarkSpot);
        layers.clots(exam, plane);
        layers
    }

    #[inline]
    fn lay(&mut self, pixel: usize, share: f32, hu: f32) {
        if let Some(below) = self.hu.get_mut(pixel) {
            *below += (hu - *below) * share;
        }
    }

    fn airways(&mut self, exam: &Exam, plane: &Plane) {
        for lumen in &exam.vessels.airways {
            let thick = 0.35 + 0.13 * lumen.widest_mm();
            let wall = Tube {
                from_mm: lumen.from_mm + thick,
                to_mm: lumen.to_mm + thick,
                ..*lumen
            };
            plane.tube(&wall, |pixel, share, _| self.lay(pixel, share, 20.0));
        }
        // Paint all lumens after all walls, so that no wall closes an airway at a fork.
        for lumen in &exam.vessels.airways {
            plane.tube(lumen, |pixel, share, _| {
                self.lay(pixel, share, GAS_HU + 15.0)
            });
        }
    }

    fn heart(&mut self, exam: &Exam, plane: &Plane) {
        let mixing = exam.textures.mixing;
        for chamber in &exam.chambers {
            let reach = chamber.reach_mm();
            if (plane.up - chamber.middle.up).abs() > reach * 1.3 {
                continue;
            }
            plane.near(chamber.middle.left, chamber.middle.back, reach, |pixel| {
                let point = plane.point(pixel);
                let share = coverage(chamber.distance(point), plane.pixel_mm);
                if share > 0.0 {
                    let uneven = swirl(mixing, point, 11.0);
                    self.lay(pixel, share, chamber.hu + uneven * chamber.mixing_hu);
                }
            });
        }
    }

    fn lumps(&mut self, exam: &Exam, plane: &Plane, kind: LookalikeKind) {
        for lump in exam.lookalikes.iter().filter(|one| one.kind == kind) {
            let Shape::Lump(middle, radii) = &lump.shape else {
                continue;
            };
            let (low, high) = lump.heights();
            if plane.up < low - plane.pixel_mm || plane.up > high + plane.pixel_mm {
                continue;
            }
            plane.near(
                middle.left,
                middle.back,
                radii.left.max(radii.back) + 1.0,
                |pixel| {
                    let mut share = coverage(lump.distance(plane.point(pixel)), plane.pixel_mm);
                    if kind == LookalikeKind::DarkSpot {
                        // Stay within the artery, and never replace all of its contrast: it is not clot.
                        share = (share * 0.8).min(self.artery[pixel]);
                    }
                    if share > 0.0 {
                        self.lay(pixel, share, lump.hu);
                    }
                },
            );
        }
    }

    fn veins(&mut self, exam: &Exam, plane: &Plane) {
        let hu = exam.plan.timing.vein_hu;
        self.tree(&exam.vessels.veins, plane, |layers, pixel, share, _| {
            layers.lay(pixel, share, hu);
        });
        for vein in exam
            .lookalikes
            .iter()
            .filter(|one| one.kind == LookalikeKind::Vein)
        {
            if let Shape::Stretch(tubes) = &vein.shape {
                for tube in tubes {
                    plane.tube(tube, |pixel, share, _| self.lay(pixel, share, vein.hu));
                }
            }
        }
    }

    fn systemic(&mut self, exam: &Exam, plane: &Plane) {
        let mixing = exam.textures.mixing;
        for vessel in &exam.vessels.systemic {
            let wall = Tube {
                from_mm: vessel.tube.from_mm + 1.0,
                to_mm: vessel.tube.to_mm + 1.0,
                ..vessel.tube
            };
            plane.tube(&wall, |pixel, share, _| {
                let hu = self.hu[pixel].max(45.0);
                self.lay(pixel, share, hu);
            });
        }
        for vessel in &exam.vessels.systemic {
            plane.tube(&vessel.tube, |pixel, share, point| {
                let uneven = swirl(mixing, point, 6.0) * vessel.mixing_hu;
                self.lay(pixel, share, vessel.hu + uneven);
            });
        }
    }

    fn arteries(&mut self, exam: &Exam, plane: &Plane) {
        let hu = exam.plan.timing.artery_hu;
        let mixing = exam.textures.mixing;
        self.tree(
            &exam.vessels.arteries,
            plane,
            |layers, pixel, share, point| {
                layers.artery[pixel] = layers.artery[pixel].max(share);
                if !layers.hu.is_empty() {
                    layers.lay(
                        pixel,
                        share,
                        hu + 12.0 * mixing.at(point.left / 9.0, point.back / 9.0, point.up / 9.0),
                    );
                }
            },
        );
    }

    fn tree(
        &mut self,
        tree: &Tree,
        plane: &Plane,
        mut lay: impl FnMut(&mut Self, usize, f32, Point),
    ) {
        for vessel in &tree.vessels {
            plane.tube(&vessel.tube, |pixel, share, point| {
                lay(self, pixel, share, point)
            });
        }
    }

    fn clots(&mut self, exam: &Exam, plane: &Plane) {
        for (clot_idx, clot) in exam.clots.iter().enumerate() {
            for piece in &clot.pieces {
                let order = piece.order as usize;
                plane.tube(&piece.tube, |pixel, share, _| {
                    // Pieces overlap: paint only the share that no earlier piece has covered.
                    let share = share.min(self.artery[pixel]);
                    let before = self.clot[pixel];
                    if share > before {
                        if exam.paint_clots {
                            // Covering `more` of what is not yet clot raises the total to `share`.
                            let more = (share - before) / (1.0 - before);
                            self.lay(pixel, more, clot.hu);
                        }
                        if let Some(areas) = self.areas.get_mut(clot_idx) {
                            areas[order] += share - before;
                        }
                        self.clot[pixel] = share;
                    }
                });
            }
        }
    }
}

/// Uneven mixing of contrast: smooth noise, between −1 and 1.
fn swirl(texture: crate::seed::Texture, point: Point, scale_mm: f32) -> f32 {
    texture.at(
        point.left / scale_mm,
        point.back / scale_mm,
        point.up / scale_mm,
    )
}
