//! The courses of the great vessels and the airways, and the trees that grow from them.

use super::level::Level;
use super::tree::{Order, Side, Tree};
use crate::geometry::{Point, Tube, at};
use crate::plan::ExamPlan;
use crate::seed::Stream;

/// A tube of one filling.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub tube: Tube,
    pub hu: f32,
    /// How unevenly contrast is mixed here, HU.
    pub mixing_hu: f32,
}

/// Everything tubular in the chest.
#[derive(Debug, Clone)]
pub(crate) struct Vasculature {
    /// Pulmonary arteries; the trunk is the first vessel.
    pub arteries: Tree,
    /// Pulmonary veins.
    pub veins: Tree,
    /// Aorta and its branches, systemic veins, gullet.
    pub systemic: Vec<Filled>,
    /// Airways, by the radius of their lumen.
    pub airways: Vec<Tube>,
}

/// Places that the arteries of one lung reach; the veins reach fewer.
const N_TARGETS: usize = 1100;
/// Distance that the places keep from the pleura, mm.
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

/// Where a lobe's vessels enter, and the last tube of their stem.
struct Root {
    vessel: usize,
    side: Side,
    lobe: Lobe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lobe {
    Upper,
    Middle,
    Lower,
}

/// Height of the oblique fissure: the lower lobe reaches far up behind, the upper far down in front.
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
    let fork = at(13.0, -20.0, -9.0);
    let mm = |radius: f32| radius * size;
    let trunk = [
        (at(16.0, -46.0, -40.0), mm(12.5)),
        (at(17.0, -38.0, -24.0), mm(13.0)),
        (fork, mm(12.0)),
    ];
    let trunk = tree.chain(&trunk, None, Order::Trunk, Side::Middle);
    let mut roots = Vec::new();
    let mut grow = |places: &[(Point, f32)], from: Option<usize>, order, side| {
        tree.chain(places, from, order, side)
    };
    let right = [
        (fork, mm(9.8)),
        (at(-3.0, -7.0, -13.0), mm(9.6)),
        (at(-22.0, -2.0, -15.0), mm(9.2)),
        (at(-34.0, 1.0, -17.0), mm(8.2)),
    ];
    let right_end = right[3];
    let right = grow(&right, trunk, Order::Main, Side::Right);
    let left = [
        (fork, mm(9.8)),
        (at(23.0, -8.0, -2.0), mm(9.4)),
        (at(33.0, 6.0, 1.0), mm(8.8)),
        (at(40.0, 15.0, -4.0), mm(8.0)),
    ];
    let left_end = left[3];
    let left = grow(&left, trunk, Order::Main, Side::Left);
    // Each lobe's stem: side, lobe, its course from the end of the main artery.
    let upper_right = [
        right_end,
        (at(-42.0, 0.0, -2.0), mm(5.6)),
        (at(-52.0, 3.0, 12.0), mm(5.0)),
    ];
    let upper_left = [
        left_end,
        (at(47.0, 6.0, 6.0), mm(5.4)),
        (at(54.0, 0.0, 18.0), mm(4.8)),
    ];
    let between_right = [
        right_end,
        (at(-43.0, 7.0, -28.0), mm(7.6)),
        (at(-46.0, 12.0, -42.0), mm(7.0)),
    ];
    let between_left = [
        left_end,
        (at(46.0, 22.0, -18.0), mm(7.4)),
        (at(48.0, 24.0, -34.0), mm(6.8)),
    ];
    let between_right_end = between_right[2];
    let between_left_end = between_left[2];
    let upper_right = grow(&upper_right, right, Order::Lobar, Side::Right);
    let upper_left = grow(&upper_left, left, Order::Lobar, Side::Left);
    let between_right = grow(&between_right, right, Order::Lobar, Side::Right);
    let between_left = grow(&between_left, left, Order::Lobar, Side::Left);
    let middle_right = [between_right_end, (at(-54.0, 0.0, -48.0), mm(4.2))];
    let middle_left = [between_left_end, (at(58.0, 8.0, -38.0), mm(4.2))];
    let lower_right = [between_right_end, (at(-49.0, 20.0, -58.0), mm(6.4))];
    let lower_left = [between_left_end, (at(51.0, 30.0, -52.0), mm(6.2))];
    let middle_right = grow(&middle_right, between_right, Order::Lobar, Side::Right);
    let middle_left = grow(&middle_left, between_left, Order::Lobar, Side::Left);
    let lower_right = grow(&lower_right, between_right, Order::Lobar, Side::Right);
    let lower_left = grow(&lower_left, between_left, Order::Lobar, Side::Left);
    for (vessel, side, lobe) in [
        (upper_right, Side::Right, Lobe::Upper),
        (middle_right, Side::Right, Lobe::Middle),
        (lower_right, Side::Right, Lobe::Lower),
        (upper_left, Side::Left, Lobe::Upper),
        (middle_left, Side::Left, Lobe::Middle),
        (lower_left, Side::Left, Lobe::Lower),
    ] {
        roots.extend(vessel.map(|vessel| Root { vessel, side, lobe }));
    }
    (tree, roots)
}

/// The four pulmonary veins, from the left atrium outwards; the left heart moves with its size.
fn vein_stems(plan: &ExamPlan) -> (Tree, Vec<Root>) {
    let mut tree = Tree::default();
    let sized = |left: f32, back: f32, up: f32| {
        let size = plan.build.heart;
        at(14.0, -6.0, -60.0).towards(at(left, back, up), 0.5 + 0.5 * size)
    };
    let stems = [
        (
            Side::Right,
            Lobe::Upper,
            [
                sized(-2.0, -2.0, -46.0),
                at(-32.0, -12.0, -34.0),
                at(-50.0, -14.0, -14.0),
            ],
        ),
        (
            Side::Right,
            Lobe::Lower,
            [
                sized(-2.0, 6.0, -58.0),
                at(-28.0, 12.0, -62.0),
                at(-46.0, 26.0, -70.0),
            ],
        ),
        (
            Side::Left,
            Lobe::Upper,
            [
                sized(26.0, -2.0, -44.0),
                at(42.0, -8.0, -32.0),
                at(53.0, -16.0, -12.0),
            ],
        ),
        (
            Side::Left,
            Lobe::Lower,
            [
                sized(26.0, 8.0, -58.0),
                at(40.0, 16.0, -60.0),
                at(52.0, 30.0, -68.0),
            ],
        ),
    ];
    let mut roots = Vec::new();
    for (side, lobe, [from, middle, to]) in stems {
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
        // Where a lobe has no root of its own, its places go to the upper lobe's.
        let own = |point: &Point| {
            let lobe = lobe_of(*point);
            let has_own = of_side.iter().any(|other| other.lobe == lobe);
            (if has_own { lobe } else { Lobe::Upper }) == root.lobe
        };
        let targets = targets.iter().copied().filter(own).collect();
        tree.fill(root.vessel, targets, stream);
    }
}

/// Random places in one lung, away from the pleura.
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

/// Trachea and main bronchi, then airways beside the arteries down to the segments.
fn airways(arteries: &Tree) -> Vec<Tube> {
    let carina = at(1.0, 14.0, 0.0);
    let courses: [&[(Point, f32)]; 4] = [
        &[
            (at(-3.0, 8.0, 140.0), 8.5),
            (at(-1.0, 13.0, 50.0), 8.2),
            (carina, 8.0),
        ],
        &[
            (carina, 6.6),
            (at(-16.0, 16.0, -13.0), 6.2),
            (at(-32.0, 17.0, -24.0), 5.2),
            (at(-38.0, 18.0, -42.0), 4.6),
        ],
        &[
            (carina, 6.0),
            (at(18.0, 16.0, -15.0), 5.6),
            (at(34.0, 15.0, -25.0), 5.0),
            (at(40.0, 20.0, -42.0), 4.2),
        ],
        &[(at(-20.0, 16.0, -14.0), 4.6), (at(-46.0, 12.0, -4.0), 3.6)],
    ];
    let mut tubes: Vec<Tube> = courses
        .iter()
        .flat_map(|course| course.windows(2))
        .map(|pair| Tube {
            from: pair[0].0,
            to: pair[1].0,
            from_mm: pair[0].1,
            to_mm: pair[1].1,
        })
        .collect();
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
    let size = stream.uniform(0.9, 1.15);
    let injected_left = stream.chance(0.5);
    // The arm that was not injected brings back blood without contrast.
    let other_arm_hu = stream.uniform(45.0, 80.0);
    let arm_hu = |is_left: bool| {
        if is_left == injected_left {
            timing.cava_hu
        } else {
            other_arm_hu
        }
    };
    let mut out = Vec::new();
    let mut course = |hu: f32, mixing_hu: f32, places: &[(Point, f32)]| {
        out.extend(places.windows(2).map(|pair| Filled {
            tube: Tube {
                from: pair[0].0,
                to: pair[1].0,
                from_mm: pair[0].1,
                to_mm: pair[1].1,
            },
            hu,
            mixing_hu,
        }));
    };
    course(
        42.0,
        6.0,
        &[
            (at(5.0, 25.0, 140.0), 5.0),
            (at(6.0, 28.0, -20.0), 5.5),
            (at(10.0, 22.0, -110.0), 6.0),
            (at(26.0, 4.0, -128.0), 6.5),
        ],
    );
    let mm = |radius: f32| radius * size;
    course(
        timing.aorta_hu,
        5.0,
        &[
            (at(2.0, -14.0, -48.0), mm(13.0)),
            (at(-13.0, -27.0, -24.0), mm(15.0)),
            (at(-17.0, -29.0, 2.0), mm(15.0)),
            (at(-13.0, -22.0, 24.0), mm(14.5)),
            (at(3.0, -10.0, 36.0), mm(13.5)),
            (at(20.0, 7.0, 36.0), mm(13.0)),
            (at(25.0, 24.0, 28.0), mm(12.5)),
            (at(25.0, 35.0, 10.0), mm(12.0)),
            (at(22.0, 37.0, -60.0), mm(11.8)),
            (at(12.0, 34.0, -130.0), mm(11.2)),
            (at(8.0, 32.0, -220.0), mm(10.5)),
        ],
    );
    course(
        timing.aorta_hu,
        5.0,
        &[
            (at(-4.0, -14.0, 42.0), 6.0),
            (at(-16.0, -8.0, 72.0), 5.2),
            (at(-30.0, 0.0, 140.0), 4.5),
        ],
    );
    course(
        timing.aorta_hu,
        5.0,
        &[(at(9.0, -4.0, 44.0), 4.2), (at(15.0, 0.0, 140.0), 3.6)],
    );
    course(
        timing.aorta_hu,
        5.0,
        &[
            (at(20.0, 10.0, 44.0), 5.0),
            (at(28.0, 14.0, 76.0), 4.6),
            (at(42.0, 8.0, 104.0), 4.4),
            (at(95.0, -4.0, 128.0), 4.2),
        ],
    );
    course(
        timing.cava_hu,
        timing.cava_hu * 0.12,
        &[
            (at(-25.0, -19.0, 50.0), 8.2),
            (at(-30.0, -21.0, 10.0), 8.8),
            (at(-31.0, -20.0, -44.0), 9.5),
        ],
    );
    course(
        arm_hu(true),
        12.0,
        &[
            (at(95.0, -14.0, 116.0), 5.0),
            (at(40.0, -30.0, 84.0), 6.0),
            (at(0.0, -32.0, 58.0), 6.2),
            (at(-25.0, -20.0, 48.0), 6.5),
        ],
    );
    course(
        arm_hu(false),
        12.0,
        &[
            (at(-95.0, -10.0, 116.0), 5.0),
            (at(-40.0, -24.0, 86.0), 6.2),
            (at(-26.0, -19.0, 50.0), 6.8),
        ],
    );
    // Blood from below has not been through the contrast yet.
    course(
        stream.uniform(60.0, 110.0),
        14.0,
        &[
            (at(-24.0, -2.0, -92.0), 11.0),
            (at(-20.0, 10.0, -130.0), 11.0),
            (at(-18.0, 18.0, -220.0), 10.0),
        ],
    );
    course(
        stream.uniform(50.0, 110.0),
        6.0,
        &[
            (at(-9.0, 38.0, -150.0), 3.4),
            (at(-8.0, 36.0, 14.0), 3.8),
            (at(-26.0, -8.0, 18.0), 3.8),
        ],
    );
    out
}
