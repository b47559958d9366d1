//! The vessels and airways of one exam: the great ones on their standard courses, and the trees
//! that grow from these into the lungs.

use super::courses::{
    AIRWAYS, AORTA, ARTERY_STEMS, AZYGOS, BRACHIOCEPHALIC_ARTERY, GULLET, LEFT_ARM_VEIN,
    LEFT_CAROTID, LEFT_SUBCLAVIAN, LOWER_CAVA, Lobe, RIGHT_ARM_VEIN, UPPER_CAVA, VEIN_STEMS,
};
use super::level::Level;
use super::tree::{Order, Side, Tree};
use crate::geometry::{Point, Tube, at};
use crate::plan::ExamPlan;
use crate::seed::Stream;

/// A tube and the HU of its contents.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub tube: Tube,
    pub hu: f32,
    /// Strength of uneven mixing of contrast in this tube, HU.
    pub mixing_hu: f32,
}

/// All tubular structures of the chest.
#[derive(Debug, Clone)]
pub(crate) struct Vasculature {
    /// Pulmonary arteries; the trunk is the first vessel.
    pub arteries: Tree,
    /// Pulmonary veins.
    pub veins: Tree,
    /// Aorta and its branches, systemic veins, oesophagus.
    pub systemic: Vec<Filled>,
    /// Airways, with the radius of their lumen.
    pub airways: Vec<Tube>,
}

/// Number of points that the arteries of one lung reach; the veins reach 4/5 as many.
const N_TARGETS: usize = 1100;
/// Distance of these points from the pleura, mm.
const PLEURA_MM: f32 = 3.5;

impl Vasculature {
    /// Grows the exam's vessels.
    pub fn grow(plan: &ExamPlan) -> Self {
        let mut stream = Stream::new(plan.seed, "vessels", &[plan.exam_idx]);
        let (mut arteries, artery_roots) = artery_stems(&mut stream);
        let (mut veins, vein_roots) = vein_stems(plan);
        for side in [Side::Left, Side::Right] {
            let targets = lung_points(plan, side, N_TARGETS, &mut stream);
            fill_side(&mut arteries, &artery_roots, side, targets, &mut stream);
            let targets = lung_points(plan, side, N_TARGETS * 4 / 5, &mut stream);
            fill_side(&mut veins, &vein_roots, side, targets, &mut stream);
        }
        let airways = airways(&arteries);
        Self {
            arteries,
            veins,
            systemic: systemic(plan, &mut stream),
            airways,
        }
    }
}

/// The stem vessel from which a lobe's tree grows.
struct Root {
    vessel: usize,
    side: Side,
    lobe: Lobe,
}

/// Height of the oblique fissure: the lower lobe reaches far up at the back, the upper far down in front.
pub(crate) fn oblique_fissure(left: f32, back: f32) -> f32 {
    -22.0 + 0.95 * back - 0.1 * left.abs() + 0.0022 * left * left
}

/// Height of the right lung's horizontal fissure.
pub(crate) fn horizontal_fissure(left: f32, back: f32) -> f32 {
    -20.0 + 0.08 * back + 0.001 * (left + 60.0) * (left + 60.0)
}

fn lobe_of(point: Point) -> Lobe {
    if point.up < oblique_fissure(point.left, point.back) {
        Lobe::Lower
    } else if point.up < horizontal_fissure(point.left, point.back) {
        Lobe::Middle
    } else {
        Lobe::Upper
    }
}

fn artery_stems(stream: &mut Stream) -> (Tree, Vec<Root>) {
    let mut tree = Tree::default();
    let size = stream.uniform(0.93, 1.1);
    let mut ends: Vec<Option<usize>> = Vec::new();
    let mut roots = Vec::new();
    for stem in &ARTERY_STEMS {
        let places: Vec<(Point, f32)> = stem
            .course
            .iter()
            .map(|&(place, mm)| (place, mm * size))
            .collect();
        let parent = stem.parent.and_then(|parent| ends[parent]);
        let end = tree.chain(&places, parent, stem.order, stem.side);
        roots.extend(end.zip(stem.lobe).map(|(vessel, lobe)| Root {
            vessel,
            side: stem.side,
            lobe,
        }));
        ends.push(end);
    }
    (tree, roots)
}

/// The four pulmonary veins, from the left atrium outwards. Their origin moves with the heart's size.
fn vein_stems(plan: &ExamPlan) -> (Tree, Vec<Root>) {
    let mut tree = Tree::default();
    let mut roots = Vec::new();
    for (side, lobe, [from, middle, to]) in VEIN_STEMS {
        let from = at(14.0, -6.0, -60.0).towards(from, 0.5 + 0.5 * plan.build.heart);
        let places = [(from, 7.0), (middle, 6.2), (to, 5.0)];
        let vessel = tree.chain(&places, None, Order::Lobar, side);
        roots.extend(vessel.map(|vessel| Root { vessel, side, lobe }));
    }
    (tree, roots)
}

fn fill_side(
    tree: &mut Tree,
    roots: &[Root],
    side: Side,
    targets: Vec<Point>,
    stream: &mut Stream,
) {
    let of_side: Vec<&Root> = roots.iter().filter(|root| root.side == side).collect();
    for root in &of_side {
        // The veins have no root in the middle lobe: its points go to the upper lobe's root.
        let own = |point: &Point| {
            let lobe = lobe_of(*point);
            let has_own = of_side.iter().any(|other| other.lobe == lobe);
            (if has_own { lobe } else { Lobe::Upper }) == root.lobe
        };
        let targets = targets.iter().copied().filter(own).collect();
        tree.fill(root.vessel, targets, stream);
    }
}

/// Draws random points in one lung, away from the pleura.
fn lung_points(plan: &ExamPlan, side: Side, n: usize, stream: &mut Stream) -> Vec<Point> {
    let sign = if side == Side::Left { 1.0 } else { -1.0 };
    let mut points = Vec::with_capacity(n);
    while points.len() < n {
        let point = at(
            sign * stream.uniform(8.0, 132.0),
            stream.uniform(-90.0, 92.0),
            stream.uniform(-175.0, 95.0),
        );
        if Level::new(&plan.build, point.up).lung(point.left, point.back) < -PLEURA_MM {
            points.push(point);
        }
    }
    points
}

/// Trachea and main bronchi, then airways that accompany the arteries down to the segments.
fn airways(arteries: &Tree) -> Vec<Tube> {
    let mut tubes: Vec<Tube> = AIRWAYS.iter().flat_map(|course| tubes_of(course)).collect();
    let beside = arteries
        .vessels
        .iter()
        .filter(|vessel| vessel.order >= Order::Lobar && (1.5..5.6).contains(&vessel.tube.to_mm));
    tubes.extend(beside.map(|vessel| {
        let aside = if vessel.side == Side::Left { -0.6 } else { 0.6 };
        let tube = vessel.tube;
        let off = at(aside, 0.8, 0.0).across(tube.to - tube.from);
        let (from_mm, to_mm) = (tube.from_mm * 0.66, tube.to_mm * 0.66);
        Tube {
            from: tube.from + off * (tube.from_mm * 1.8 + 0.4),
            to: tube.to + off * (tube.to_mm * 1.8 + 0.4),
            from_mm,
            to_mm,
        }
    }));
    tubes
}

fn systemic(plan: &ExamPlan, stream: &mut Stream) -> Vec<Filled> {
    let timing = &plan.timing;
    let aorta_size = stream.uniform(0.9, 1.15);
    let injected_left = stream.chance(0.5);
    // Contrast is injected into one arm; the other arm's vein returns blood without contrast.
    let other_arm_hu = stream.uniform(45.0, 80.0);
    let (left_hu, right_hu) = if injected_left {
        (timing.cava_hu, other_arm_hu)
    } else {
        (other_arm_hu, timing.cava_hu)
    };
    // Blood from the lower body has no contrast yet.
    let lower_cava_hu = stream.uniform(60.0, 110.0);
    let azygos_hu = stream.uniform(50.0, 110.0);
    let aorta: Vec<(Point, f32)> = AORTA
        .iter()
        .map(|&(place, mm)| (place, mm * aorta_size))
        .collect();
    let filled = |hu: f32, mixing_hu: f32, course: &[(Point, f32)]| -> Vec<Filled> {
        tubes_of(course)
            .map(|tube| Filled {
                tube,
                hu,
                mixing_hu,
            })
            .collect()
    };
    [
        filled(42.0, 6.0, &GULLET),
        filled(timing.aorta_hu, 5.0, &aorta),
        filled(timing.aorta_hu, 5.0, &BRACHIOCEPHALIC_ARTERY),
        filled(timing.aorta_hu, 5.0, &LEFT_CAROTID),
        filled(timing.aorta_hu, 5.0, &LEFT_SUBCLAVIAN),
        filled(timing.cava_hu, timing.cava_hu * 0.12, &UPPER_CAVA),
        filled(left_hu, 12.0, &LEFT_ARM_VEIN),
        filled(right_hu, 12.0, &RIGHT_ARM_VEIN),
        filled(lower_cava_hu, 14.0, &LOWER_CAVA),
        filled(azygos_hu, 6.0, &AZYGOS),
    ]
    .concat()
}

fn tubes_of(course: &[(Point, f32)]) -> impl Iterator<Item = Tube> {
    course.windows(2).map(|pair| Tube {
        from: pair[0].0,
        to: pair[1].0,
        from_mm: pair[0].1,
        to_mm: pair[1].1,
    })
}
