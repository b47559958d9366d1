//! Look-alikes: structures that look like clot on one slice, but do not follow an artery.

use serde::{Deserialize, Serialize};

use crate::anatomy::tree::{Order, Tree};
use crate::anatomy::vessels::Vasculature;
use crate::difficulty::Recipe;
use crate::geometry::{Point, Tube, at, ellipsoid};
use crate::plan::ExamPlan;
use crate::seed::Stream;

/// The kinds of look-alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookalikeKind {
    /// A lymph node beside a vessel.
    Node,
    /// A dark spot at a bend or fork of an artery, as by partial volume, on one slice or two.
    DarkSpot,
    /// A section of vein whose blood has no contrast yet. It follows a vein, not an artery.
    Vein,
    /// Streaks from dense contrast in the superior vena cava, across the right pulmonary artery.
    Streak,
}

impl LookalikeKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Node, Self::DarkSpot, Self::Vein, Self::Streak];

    /// The name in settings and in the truth.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::DarkSpot => "dark_spot",
            Self::Vein => "vein",
            Self::Streak => "streak",
        }
    }
}

/// One look-alike.
#[derive(Debug, Clone)]
pub(crate) struct Lookalike {
    pub kind: LookalikeKind,
    pub hu: f32,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// An ellipsoid: its centre and radii.
    Lump(Point, Point),
    /// A chain of tubes.
    Stretch(Vec<Tube>),
    /// A range of heights without a shape of its own: streaks are added together with the noise.
    Band(f32, f32),
}

impl Lookalike {
    /// Distance to the surface of a lump; infinite for the other shapes.
    #[inline]
    pub fn distance(&self, point: Point) -> f32 {
        match &self.shape {
            Shape::Lump(middle, radii) => ellipsoid(point - *middle, *radii),
            _ => f32::INFINITY,
        }
    }

    /// The lowest and the highest point, mm.
    pub fn heights(&self) -> (f32, f32) {
        match &self.shape {
            Shape::Lump(middle, radii) => (middle.up - radii.up, middle.up + radii.up),
            Shape::Band(low, high) => (*low, *high),
            Shape::Stretch(tubes) => tubes
                .iter()
                .map(Tube::heights)
                .fold((f32::INFINITY, f32::NEG_INFINITY), |all, one| {
                    (all.0.min(one.0), all.1.max(one.1))
                }),
        }
    }

    /// The indices of the slices that show it: those whose middle plane cuts it, or the nearest slice if
    /// it lies between two middle planes.
    pub fn slices(&self, plan: &ExamPlan) -> Vec<usize> {
        let (low, high) = self.heights();
        let n_slices = plan.scan.n_slices;
        let through: Vec<usize> = (0..n_slices)
            .filter(|&slice_idx| (low..=high).contains(&plan.up_mm(slice_idx)))
            .collect();
        let (bottom, top) = (plan.up_mm(0), plan.up_mm(n_slices - 1));
        let middle = (low + high) / 2.0;
        if !through.is_empty() || !(bottom..=top).contains(&middle) {
            return through;
        }
        let away = |&slice_idx: &usize| (plan.up_mm(slice_idx) - middle).abs();
        let nearest = (0..n_slices).min_by(|a, b| away(a).total_cmp(&away(b)));
        nearest.into_iter().collect()
    }
}

/// Weaker streaks are lost in the noise, HU.
const STREAK_SEEN_HU: f32 = 25.0;

/// Draws an exam's look-alikes, in the same way for exams with and without emboli.
pub(crate) fn draw(recipe: &Recipe, plan: &ExamPlan, vessels: &Vasculature) -> Vec<Lookalike> {
    let mut stream = Stream::new(plan.seed, "lookalikes", &[plan.exam_idx]);
    let often = |n: usize| (n as f32 * recipe.lookalikes).round() as usize;
    let mut all = Vec::new();
    for _ in 0..often(4 + stream.below(6)) {
        all.extend(node(&vessels.arteries, &mut stream));
    }
    for _ in 0..often(2 + stream.below(5)) {
        all.extend(dark_spot(plan, &vessels.arteries, &mut stream));
    }
    for _ in 0..often(stream.below(3)) {
        all.extend(unmixed_vein(&vessels.veins, &mut stream));
    }
    if plan.timing.streak_hu > STREAK_SEEN_HU && recipe.lookalikes > 0.0 {
        all.push(Lookalike {
            kind: LookalikeKind::Streak,
            hu: plan.timing.streak_hu,
            shape: Shape::Band(-48.0, 52.0),
        });
    }
    // Filter after all draws, so that leaving out one kind does not change the others.
    all.retain(|one| recipe.kinds.contains(&one.kind));
    all
}

fn some_vessel(tree: &Tree, stream: &mut Stream, wanted: impl Fn(Order) -> bool) -> Option<usize> {
    let all: Vec<usize> = (0..tree.vessels.len())
        .filter(|&idx| wanted(tree.vessels[idx].order))
        .collect();
    (!all.is_empty()).then(|| all[stream.below(all.len())])
}

fn node(arteries: &Tree, stream: &mut Stream) -> Option<Lookalike> {
    let idx = some_vessel(arteries, stream, |order| {
        (Order::Main..=Order::Lobar).contains(&order)
    })?;
    let tube = arteries.vessels[idx].tube;
    let radii = at(
        stream.uniform(3.0, 7.0),
        stream.uniform(3.0, 6.0),
        stream.uniform(4.0, 8.0),
    );
    let aside = at(stream.normal(), stream.normal(), stream.normal() * 0.4);
    let beside = aside.across(tube.to - tube.from);
    let middle = tube.from.towards(tube.to, stream.uniform(0.0, 1.0));
    Some(Lookalike {
        kind: LookalikeKind::Node,
        hu: stream.uniform(30.0, 90.0),
        // The artery is painted over the node, which leaves a soft lump against the wall.
        shape: Shape::Lump(
            middle + beside * (tube.widest_mm() + radii.back * 0.6),
            radii,
        ),
    })
}

fn dark_spot(plan: &ExamPlan, arteries: &Tree, stream: &mut Stream) -> Option<Lookalike> {
    let idx = some_vessel(arteries, stream, |order| {
        (Order::Lobar..=Order::Segmental).contains(&order)
    })?;
    let tube = arteries.vessels[idx].tube;
    let radius = tube.to_mm * stream.uniform(0.45, 0.75);
    // Half height of at most 0.75 slice distances, so that it shows on two slices at most.
    let spacing = (plan.scan.spacing_mm / f64::from(plan.build.height)) as f32;
    let low = radius.min(spacing * 0.75);
    let aside = at(stream.normal(), stream.normal(), 0.0).unit() * (tube.to_mm - radius);
    Some(Lookalike {
        kind: LookalikeKind::DarkSpot,
        hu: stream.uniform(50.0, 130.0),
        shape: Shape::Lump(tube.to + aside, at(radius, radius, low)),
    })
}

fn unmixed_vein(veins: &Tree, stream: &mut Stream) -> Option<Lookalike> {
    let mut idx = some_vessel(veins, stream, |order| order == Order::Segmental)?;
    let share = stream.uniform(0.55, 0.95);
    let mut tubes = Vec::new();
    let mut length_mm = stream.uniform(10.0, 30.0);
    while length_mm > 0.0 {
        let tube = veins.vessels[idx].tube;
        length_mm -= tube.length();
        tubes.push(Tube {
            from_mm: tube.from_mm * share,
            to_mm: tube.to_mm * share,
            ..tube
        });
        match veins.children(idx) {
            [] => break,
            children => idx = children[stream.below(children.len())],
        }
    }
    Some(Lookalike {
        kind: LookalikeKind::Vein,
        hu: stream.uniform(40.0, 90.0),
        shape: Shape::Stretch(tubes),
    })
}
