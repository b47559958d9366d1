//! Draws the clots of an exam: each lies inside an artery and follows it over several slices.

use serde::{Deserialize, Serialize};

use crate::anatomy::tree::{Order, Side, Tree};
use crate::difficulty::Recipe;
use crate::geometry::{Point, Tube, at, ramp};
use crate::plan::ExamPlan;
use crate::seed::Stream;

/// The way in which a clot fills its artery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filling {
    /// The whole lumen.
    Occlusive,
    /// The middle, with a rim of contrast around it.
    Central,
    /// Against the wall on one side, as older clot does.
    Mural,
}

/// One clot.
#[derive(Debug, Clone)]
pub(crate) struct Clot {
    pub filling: Filling,
    pub chronic: bool,
    pub hu: f32,
    pub length_mm: f32,
    pub pieces: Vec<Piece>,
}

/// A short section of a clot.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub tube: Tube,
    pub order: Order,
    pub side: Side,
}

/// Radius below which clot shows on too few pixels to count, mm.
const VISIBLE_MM: f32 = 1.6;
/// Greatest length of the pieces that a clot is made of, mm.
const PIECE_MM: f32 = 2.5;

impl Clot {
    /// Returns the indices of the slices whose middle plane cuts a visible part of the clot.
    pub fn slices(&self, plan: &ExamPlan) -> Vec<usize> {
        let shows = |up: f32| {
            self.pieces.iter().any(|piece| {
                let (low, high) = piece.tube.heights();
                piece.tube.widest_mm() >= VISIBLE_MM && (low..=high).contains(&up)
            })
        };
        (0..plan.scan.n_slices)
            .filter(|&slice_idx| shows(plan.up_mm(slice_idx)))
            .collect()
    }
}

/// HU that old clot is denser than fresh clot.
pub(crate) const OLD_HU: f32 = 18.0;
/// Share of saddle emboli, on the fork of the trunk, among clots that begin in central arteries.
const SADDLE_SHARE: f32 = 0.12 / 0.55;

/// Draws clots until they show on about the share of slices that the plan asks for, and are as many as
/// the recipe asks for.
pub(crate) fn draw(recipe: &Recipe, plan: &ExamPlan, arteries: &Tree) -> Vec<Clot> {
    if !plan.positive {
        return Vec::new();
    }
    let mut stream = Stream::new(plan.seed, "emboli", &[plan.exam_idx]);
    let wanted = (plan.pe_slice_share * plan.scan.n_slices as f32).max(3.0);
    let [fewest, most] = recipe.n_clots;
    let mut clots: Vec<Clot> = Vec::new();
    let mut shown = vec![false; plan.scan.n_slices];
    // Rejection sampling: keep a candidate if it suits the clots so far. 400 tries bound the loop.
    for _ in 0..400 {
        let found = candidate(recipe, arteries, &mut stream);
        let slices = found.slices(plan);
        let mut with = shown.clone();
        slices.iter().for_each(|&slice_idx| with[slice_idx] = true);
        let n_with = with.iter().filter(|shown| **shown).count() as f32;
        // Reject a clot that shows on fewer than three slices, or on far too many.
        if slices.len() < 3 || n_with > wanted * 1.2 + 1.0 {
            continue;
        }
        shown = with;
        clots.push(found);
        if clots.len() >= most || (n_with >= wanted * 0.85 && clots.len() >= fewest) {
            break;
        }
    }
    clots
}

fn candidate(recipe: &Recipe, arteries: &Tree, stream: &mut Stream) -> Clot {
    let chronic = stream.chance(0.18);
    let kind = stream.uniform(0.0, 1.0);
    let lengths = &recipe.lengths_mm;
    let (length_mm, start) = if kind < recipe.central_share * SADDLE_SHARE {
        (stream.within(lengths.saddle), saddle(arteries))
    } else if kind < recipe.central_share {
        (
            stream.within(lengths.central),
            pick(arteries, stream, |order| {
                order == Order::Main || order == Order::Lobar
            }),
        )
    } else {
        (
            stream.within(lengths.segmental),
            pick(arteries, stream, |order| order == Order::Segmental),
        )
    };
    let calibre = arteries.vessels[start[0]].tube.to_mm;
    let filling = if chronic {
        Filling::Mural
    } else if calibre < 4.5 && stream.chance(0.5) {
        Filling::Occlusive
    } else {
        Filling::Central
    };
    let hu = stream.within(recipe.clot_hu) + if chronic { OLD_HU } else { 0.0 };
    let mut clot = Clot {
        filling,
        chronic,
        hu,
        length_mm,
        pieces: Vec::new(),
    };
    for vessel_idx in start {
        follow(&mut clot, recipe, arteries, vessel_idx, stream);
    }
    clot
}

/// Returns the first vessels of both main arteries: a saddle embolus rides on the fork between them.
fn saddle(arteries: &Tree) -> Vec<usize> {
    (0..arteries.vessels.len())
        .filter(|&idx| {
            let vessel = &arteries.vessels[idx];
            let parent = vessel.parent.map(|parent| arteries.vessels[parent].order);
            vessel.order == Order::Main && parent == Some(Order::Trunk)
        })
        .collect()
}

/// Picks a random vessel of the wanted orders, weighted by its length.
fn pick(arteries: &Tree, stream: &mut Stream, wanted: impl Fn(Order) -> bool) -> Vec<usize> {
    let all: Vec<usize> = (0..arteries.vessels.len())
        .filter(|&idx| wanted(arteries.vessels[idx].order))
        .collect();
    let lengths = all.iter().map(|&idx| arteries.vessels[idx].tube.length());
    let mut left = stream.uniform(0.0, lengths.clone().sum());
    for (&idx, length) in all.iter().zip(lengths) {
        left -= length;
        if left <= 0.0 {
            return vec![idx];
        }
    }
    // Reached only through rounding of the sum. Index 0 is the trunk, which always exists.
    vec![all.last().copied().unwrap_or(0)]
}

/// Lays clot downstream from the start of `vessel_idx`, into one branch at each fork.
fn follow(
    clot: &mut Clot,
    recipe: &Recipe,
    arteries: &Tree,
    vessel_idx: usize,
    stream: &mut Stream,
) {
    // First collect the vessels with the length laid before each: the tapered ends need the total.
    let mut stretch = Vec::new();
    let mut laid_mm = 0.0;
    let mut next = Some(vessel_idx);
    while let Some(idx) = next {
        let vessel = &arteries.vessels[idx];
        if vessel.tube.from_mm < 1.2 || laid_mm >= clot.length_mm {
            break;
        }
        stretch.push((idx, laid_mm));
        laid_mm += vessel.tube.length();
        let children = arteries.children(idx);
        let widest = children.iter().copied().max_by(|&a, &b| {
            let radius = |idx: usize| arteries.vessels[idx].tube.from_mm;
            radius(a).total_cmp(&radius(b))
        });
        next = if stream.chance(0.7) || children.is_empty() {
            widest
        } else {
            Some(children[stream.below(children.len())])
        };
    }
    let total_mm = laid_mm.min(clot.length_mm);
    let [central, mural] = recipe.widths;
    let share = match clot.filling {
        Filling::Occlusive => 0.98,
        Filling::Central => stream.within(central),
        Filling::Mural => stream.within(mural),
    };
    let aside = at(stream.normal(), stream.normal(), stream.normal());
    for (idx, before_mm) in stretch {
        let vessel = &arteries.vessels[idx];
        let shape = Shape {
            share,
            aside,
            before_mm,
            total_mm,
        };
        for tube in shape.pieces(&vessel.tube, clot.filling) {
            clot.pieces.push(Piece {
                tube,
                order: vessel.order,
                side: vessel.side,
            });
        }
    }
}

/// The parameters for cutting one vessel's section of clot into pieces.
struct Shape {
    /// Radius of the clot over that of the lumen.
    share: f32,
    /// Direction from the lumen's axis to the side on which the clot lies.
    aside: Point,
    /// Length laid before this vessel, and total length, mm.
    before_mm: f32,
    total_mm: f32,
}

impl Shape {
    fn pieces(&self, lumen: &Tube, filling: Filling) -> Vec<Tube> {
        let length = lumen.length().max(1e-3);
        let used = (self.total_mm - self.before_mm).min(length);
        let n = (used / PIECE_MM).ceil().max(1.0) as usize;
        let off_axis = self.aside.across(lumen.to - lumen.from);
        let offset = match filling {
            Filling::Occlusive => 0.0,
            Filling::Central => 0.35,
            Filling::Mural => 1.0,
        };
        let end = |mm: f32| {
            let lumen_mm = lumen.from_mm + (lumen.to_mm - lumen.from_mm) * mm / length;
            let done = self.before_mm + mm;
            // Both ends taper over 5 mm or a fifth of the length.
            let taper_mm = (self.total_mm * 0.2).min(5.0);
            let taper = 0.4 + 0.6 * ramp(done.min(self.total_mm - done), 0.0, taper_mm);
            let radius = lumen_mm * self.share * taper;
            let axis = lumen.from.towards(lumen.to, mm / length);
            // Keep clot within the wall: offset plus radius is at most the lumen's radius.
            (axis + off_axis * ((lumen_mm - radius) * offset), radius)
        };
        (0..n)
            .map(|i| {
                let step = used / n as f32;
                let (from, from_mm) = end(i as f32 * step);
                let (to, to_mm) = end((i + 1) as f32 * step);
                Tube {
                    from,
                    to,
                    from_mm,
                    to_mm,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhantomOptions;
    use crate::anatomy::vessels::Vasculature;

    fn exams() -> Vec<(ExamPlan, Tree, Vec<Clot>)> {
        let options = PhantomOptions {
            n_exams: 12,
            pe_share: 1.0,
            ..PhantomOptions::default()
        };
        (0..12)
            .map(|exam_idx| {
                let plan = ExamPlan::draw(&options, exam_idx);
                let arteries = Vasculature::grow(&plan).arteries;
                let clots = draw(&Recipe::new(&options), &plan, &arteries);
                (plan, arteries, clots)
            })
            .collect()
    }

    #[test]
    fn clot_lies_inside_an_artery() {
        for (_, arteries, clots) in exams() {
            for piece in clots.iter().flat_map(|clot| &clot.pieces) {
                for (point, radius) in [
                    (piece.tube.from, piece.tube.from_mm),
                    (piece.tube.to, piece.tube.to_mm),
                ] {
                    let deepest = arteries
                        .vessels
                        .iter()
                        .map(|vessel| vessel.tube.distance(point).0)
                        .fold(f32::INFINITY, f32::min);
                    assert!(deepest + radius < 0.05, "{deepest} {radius}");
                }
            }
        }
    }

    #[test]
    fn every_positive_exam_has_clot_on_consecutive_slices() {
        for (plan, _, clots) in exams() {
            assert!(!clots.is_empty(), "exam {}", plan.exam_idx);
            for clot in clots {
                let slices = clot.slices(&plan);
                assert!(slices.len() >= 3);
                assert!(
                    slices.windows(2).all(|pair| pair[1] == pair[0] + 1),
                    "{slices:?}"
                );
                assert!((30.0..=90.0).contains(&clot.hu));
            }
        }
    }
}
