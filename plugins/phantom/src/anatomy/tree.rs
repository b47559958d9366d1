//! Trees of tubes that fill a lung. From a root, each branch runs towards the centre of the points
//! that it must reach. Where it ends, these points are split in two, for two more branches (after
//! Tawhai et al., J Appl Physiol 2004, without their control of angles).

use serde::{Deserialize, Serialize};

use crate::geometry::{Point, Tube, at};
use crate::seed::Stream;

/// The patient's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Neither: the pulmonary trunk.
    Middle,
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
}

/// The level of a vessel in its tree, from the heart outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The pulmonary trunk.
    Trunk,
    /// The right or left main pulmonary artery.
    Main,
    /// Interlobar and lobar vessels.
    Lobar,
    /// Segmental vessels.
    Segmental,
    /// All further branches.
    Subsegmental,
}

impl Order {
    /// All orders, from the heart outwards.
    pub const ALL: [Self; 5] = [
        Self::Trunk,
        Self::Main,
        Self::Lobar,
        Self::Segmental,
        Self::Subsegmental,
    ];

    /// The name in the truth.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trunk => "trunk",
            Self::Main => "main",
            Self::Lobar => "lobar",
            Self::Segmental => "segmental",
            Self::Subsegmental => "subsegmental",
        }
    }
}

/// One tube of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Vessel {
    pub tube: Tube,
    pub parent: Option<usize>,
    pub order: Order,
    pub side: Side,
}

/// Tubes, with each parent before its children.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub vessels: Vec<Vessel>,
    children: Vec<Vec<usize>>,
}

/// Radius of the thinnest painted vessel, mm.
const THINNEST_MM: f32 = 0.32;
/// The longest section between two forks, mm.
const LONGEST_MM: f32 = 27.0;

impl Tree {
    /// Adds a tube and returns its index.
    pub fn add(&mut self, tube: Tube, parent: Option<usize>, order: Order, side: Side) -> usize {
        let vessel_idx = self.vessels.len();
        self.vessels.push(Vessel {
            tube,
            parent,
            order,
            side,
        });
        self.children.push(Vec::new());
        if let Some(parent) = parent {
            self.children[parent].push(vessel_idx);
        }
        vessel_idx
    }

    /// Adds a chain of tubes through `(point, radius)` places and returns the index of the last.
    pub fn chain(
        &mut self,
        places: &[(Point, f32)],
        parent: Option<usize>,
        order: Order,
        side: Side,
    ) -> Option<usize> {
        places.windows(2).fold(parent, |parent, pair| {
            let tube = Tube {
                from: pair[0].0,
                to: pair[1].0,
                from_mm: pair[0].1,
                to_mm: pair[1].1,
            };
            Some(self.add(tube, parent, order, side))
        })
    }

    /// The indices of a vessel's branches.
    pub fn children(&self, vessel_idx: usize) -> &[usize] {
        &self.children[vessel_idx]
    }

    /// Grows branches from the end of `root` to each of `targets`.
    pub fn fill(&mut self, root: usize, targets: Vec<Point>, stream: &mut Stream) {
        if targets.is_empty() {
            return;
        }
        let scale = Scale {
            root_mm: self.vessels[root].tube.to_mm,
            n_targets: targets.len() as f32,
        };
        let mut open = vec![(root, targets)];
        while let Some((parent, targets)) = open.pop() {
            let vessel_idx = self.branch(parent, &targets, &scale, stream);
            if targets.len() > 1 {
                let (one, other) = split(targets, self.vessels[vessel_idx].tube.to, stream);
                open.push((vessel_idx, one));
                open.push((vessel_idx, other));
            }
        }
    }

    fn branch(
        &mut self,
        parent: usize,
        targets: &[Point],
        scale: &Scale,
        stream: &mut Stream,
    ) -> usize {
        let (from, before, side, from_mm) = {
            let vessel = &self.vessels[parent];
            (
                vessel.tube.to,
                vessel.tube.to_mm,
                vessel.side,
                vessel.tube.to_mm,
            )
        };
        let middle = centre(targets);
        let away = (middle - from).length().max(1e-3);
        // The last branch goes all the way; others stop at a share of it, where they fork.
        let share = if targets.len() == 1 {
            1.0
        } else {
            stream.uniform(0.22, 0.36).min(LONGEST_MM / away)
        };
        let goal = from.towards(middle, share);
        let reach = (goal - from).length();
        // A branch consists of two tubes with a slight bend between them.
        let bend = at(stream.normal(), stream.normal(), stream.normal()) * (0.07 * reach);
        let middle = from.towards(goal, 0.5) + bend;
        let radius = scale.radius_mm(targets.len()).min(before);
        let order = order_of(radius);
        let start_mm = (radius * 1.1).min(from_mm);
        let first = Tube {
            from,
            to: middle,
            from_mm: start_mm,
            to_mm: radius,
        };
        let first = self.add(first, Some(parent), order, side);
        let end_mm = (radius * 0.93).max(THINNEST_MM);
        let second = Tube {
            from: middle,
            to: goal,
            from_mm: radius,
            to_mm: end_mm,
        };
        self.add(second, Some(first), order, side)
    }
}

/// Radius of a branch by the number of points that it still reaches.
struct Scale {
    root_mm: f32,
    n_targets: f32,
}

impl Scale {
    /// The sum over branches of radius^2.35 equals that of their parent: measured exponents of
    /// pulmonary arteries lie between 2 and 3, Murray's law.
    fn radius_mm(&self, n_targets: usize) -> f32 {
        let share = n_targets as f32 / self.n_targets;
        (self.root_mm * libm::powf(share, 1.0 / 2.35)).max(THINNEST_MM)
    }
}

/// Order by the usual calibres: segmental arteries are 4 to 7 mm wide.
fn order_of(radius_mm: f32) -> Order {
    if radius_mm > 3.6 {
        Order::Lobar
    } else if radius_mm > 1.9 {
        Order::Segmental
    } else {
        Order::Subsegmental
    }
}

fn centre(points: &[Point]) -> Point {
    let sum = points
        .iter()
        .fold(Point::default(), |sum, &point| sum + point);
    sum * (1.0 / points.len() as f32)
}

/// Splits points in two across their longest extent, somewhat off the middle. Extent along the
/// direction from `from` counts less, so that branches part sideways and run on outwards.
fn split(mut targets: Vec<Point>, from: Point, stream: &mut Stream) -> (Vec<Point>, Vec<Point>) {
    let middle = centre(&targets);
    let way = (middle - from).unit();
    let flat = |point: Point| point - way * (0.6 * (point - middle).dot(way));
    let mut axis = at(stream.normal(), stream.normal(), stream.normal()).unit();
    // Six rounds of power iteration find the direction of the greatest spread.
    for _ in 0..6 {
        let spread = targets.iter().fold(Point::default(), |sum, &point| {
            let off = flat(point) - middle;
            sum + off * off.dot(axis)
        });
        axis = spread.unit();
    }
    targets.sort_by(|&a, &b| flat(a).dot(axis).total_cmp(&flat(b).dot(axis)));
    let n = targets.len();
    let cut = ((n as f32 * stream.uniform(0.32, 0.68)) as usize).clamp(1, n - 1);
    let rest = targets.split_off(cut);
    (targets, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_reach_every_target_and_narrow() {
        let mut stream = Stream::new(1, "tree", &[]);
        let targets: Vec<Point> = (0..100)
            .map(|_| {
                at(
                    stream.uniform(10.0, 60.0),
                    stream.uniform(-40.0, 40.0),
                    stream.uniform(-40.0, 40.0),
                )
            })
            .collect();
        let mut tree = Tree::default();
        let root = tree.chain(
            &[(at(0.0, 0.0, 0.0), 6.0), (at(5.0, 0.0, 0.0), 6.0)],
            None,
            Order::Lobar,
            Side::Left,
        );
        tree.fill(root.unwrap(), targets.clone(), &mut stream);
        for target in targets {
            assert!(
                tree.vessels
                    .iter()
                    .any(|vessel| (vessel.tube.to - target).length() < 1e-3)
            );
        }
        for (vessel_idx, vessel) in tree.vessels.iter().enumerate() {
            let Some(parent) = vessel.parent else {
                continue;
            };
            assert!(parent < vessel_idx && tree.children(parent).contains(&vessel_idx));
            let before = &tree.vessels[parent].tube;
            assert!((before.to - vessel.tube.from).length() < 1e-4);
            assert!(vessel.tube.from_mm <= before.to_mm + 1e-4);
        }
    }
}
