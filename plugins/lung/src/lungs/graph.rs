//! The air of all slices as one graph, to find components that are lung and those that are
//! connected.

use rayon::prelude::*;

use super::air::{Air, Node};

/// Content of a component, by its HU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matter {
    /// Air with tissue in it.
    Lung,
    /// Air alone: around the patient, in the trachea, the stomach, the bowel.
    Gas,
    /// The component is too thin to tell.
    Unknown,
}

/// Two overlapping components of neighbouring slices.
#[derive(Debug, Clone, Copy)]
struct Edge {
    below: u32,
    above: u32,
    /// Pixels that they share.
    overlap: u32,
}

/// Least areas of a component that can start a lung, mm²: for enclosed ones, and for ones that
/// touch the edge of the field of view, which may cut off almost all of a lung.
const SEED_MM2: f64 = 1000.0;
const SEED_AT_EDGE_MM2: f64 = 100.0;

/// A component below this area, mm², that overlaps more with gas than with lung is airway or bowel.
const SMALL_MM2: f64 = 300.0;

/// Share of the smaller component that must overlap with the larger one for them to be connected.
const MIN_OVERLAP: f64 = 0.25;

/// All components of all slices, numbered consecutively.
pub(super) struct Graph<'a> {
    nodes: Vec<&'a Node>,
    /// The number of each slice's first component.
    first: Vec<usize>,
    matter: Vec<Matter>,
    edges: Vec<Edge>,
    pixel_mm2: f64,
    /// Gas is below this, HU.
    pub cut_hu: i16,
}

/// Components that are connected from slice to slice.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub nodes: Vec<usize>,
    /// Number of pixels.
    pub area: usize,
    /// True if one of its components is a large seed.
    pub has_seed: bool,
}

/// Overlaps of a piece with components of the neighbouring slices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Neighbours {
    /// True if any of them is known to be lung.
    pub lung: bool,
    /// Pixels that overlap with gas.
    pub gas: f64,
    /// Pixels that overlap with anything, the piece's own components included.
    pub overlap: f64,
}

impl<'a> Graph<'a> {
    pub fn of(slices: &'a [Air], pixel_mm2: f64) -> Self {
        let mut first = Vec::with_capacity(slices.len() + 1);
        let mut nodes: Vec<&Node> = Vec::new();
        for slice in slices {
            first.push(nodes.len());
            nodes.extend(&slice.nodes);
        }
        let cut_hu = gas_cut(&nodes, pixel_mm2);
        let matter = |node: &&Node| match node.median {
            None => Matter::Unknown,
            Some(median) if median < cut_hu => Matter::Gas,
            Some(_) => Matter::Lung,
        };
        let pairs = slices.par_windows(2).zip(first.par_windows(2));
        let edges = pairs.flat_map_iter(|(pair, first)| {
            let numbered = overlaps(&pair[0], &pair[1]).into_iter();
            numbered.map(|(below, above, overlap)| Edge {
                below: below + first[0] as u32,
                above: above + first[1] as u32,
                overlap,
            })
        });
        Self {
            edges: edges.collect(),
            matter: nodes.iter().map(matter).collect(),
            nodes,
            first,
            pixel_mm2,
            cut_hu,
        }
    }

    /// The number of the first component of a slice.
    pub fn first(&self, slice_idx: usize) -> usize {
        self.first[slice_idx]
    }

    /// The slice that a component lies in.
    pub fn slice_of(&self, node: usize) -> usize {
        self.first.partition_point(|first| *first <= node) - 1
    }

    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    pub fn matter(&self, node: usize) -> Matter {
        self.matter[node]
    }

    /// Grows the lungs from their seeds through the slices, and returns the connected pieces.
    pub fn pieces(&self) -> Vec<Piece> {
        let grown = self.grown();
        let mut parent: Vec<u32> = (0..self.nodes.len() as u32).collect();
        let together = self.edges.iter().filter(|edge| {
            let (below, above) = (edge.below as usize, edge.above as usize);
            grown[below] && grown[above] && self.holds(edge)
        });
        for edge in together {
            // Union-find: the smaller root becomes the parent, so pieces do not depend on the
            // order.
            let (below, above) = (root(&mut parent, edge.below), root(&mut parent, edge.above));
            parent[below.max(above) as usize] = below.min(above);
        }
        let mut piece_of = vec![usize::MAX; self.nodes.len()];
        let mut pieces: Vec<Piece> = Vec::new();
        for node in (0..self.nodes.len()).filter(|node| grown[*node]) {
            let root = root(&mut parent, node as u32) as usize;
            if piece_of[root] == usize::MAX {
                piece_of[root] = pieces.len();
                pieces.push(Piece::default());
            }
            let piece = &mut pieces[piece_of[root]];
            piece.nodes.push(node);
            piece.area += self.nodes[node].area as usize;
            piece.has_seed |= self.is_seed(node) && self.area_mm2(node) >= SEED_MM2;
        }
        pieces
    }

    /// Returns the overlaps of a piece with components of the neighbouring slices.
    pub fn neighbours(&self, piece: &Piece, is_lung: &[bool]) -> Neighbours {
        let mut of_piece = vec![false; self.nodes.len()];
        piece.nodes.iter().for_each(|node| of_piece[*node] = true);
        let mut found = Neighbours::default();
        for edge in &self.edges {
            let (below, above) = (edge.below as usize, edge.above as usize);
            for (node, other) in [(below, above), (above, below)] {
                if of_piece[node] {
                    let overlap = f64::from(edge.overlap);
                    found.overlap += overlap;
                    found.lung |= is_lung[other];
                    if self.matter[other] == Matter::Gas {
                        found.gas += overlap;
                    }
                }
            }
        }
        found
    }

    fn area_mm2(&self, node: usize) -> f64 {
        f64::from(self.nodes[node].area) * self.pixel_mm2
    }

    fn is_seed(&self, node: usize) -> bool {
        let least = if self.nodes[node].touches {
            SEED_AT_EDGE_MM2
        } else {
            SEED_MM2
        };
        self.matter[node] == Matter::Lung && self.area_mm2(node) >= least
    }

    /// Returns whether enough of the smaller component overlaps with the larger one.
    fn holds(&self, edge: &Edge) -> bool {
        let area = |node: u32| self.nodes[node as usize].area;
        let smaller = area(edge.below).min(area(edge.above));
        f64::from(edge.overlap) >= MIN_OVERLAP * f64::from(smaller)
    }

    /// Finds the components that a seed reaches over components that are not gas.
    fn grown(&self) -> Vec<bool> {
        let n_nodes = self.nodes.len();
        let (mut over_gas, mut over_other) = (vec![0_u32; n_nodes], vec![0_u32; n_nodes]);
        let mut beside: Vec<Vec<(u32, u32)>> = vec![Vec::new(); n_nodes];
        for edge in &self.edges {
            for (node, other) in [(edge.below, edge.above), (edge.above, edge.below)] {
                beside[node as usize].push((other, edge.overlap));
                match self.matter[other as usize] {
                    Matter::Gas => over_gas[node as usize] += edge.overlap,
                    _ => over_other[node as usize] += edge.overlap,
                }
            }
        }
        let may_grow = |node: usize| {
            let airway = self.area_mm2(node) < SMALL_MM2 && over_gas[node] > over_other[node];
            self.matter[node] != Matter::Gas && !airway
        };
        let mut grown: Vec<bool> = (0..n_nodes).map(|node| self.is_seed(node)).collect();
        let mut open: Vec<usize> = (0..n_nodes).filter(|node| grown[*node]).collect();
        while let Some(node) = open.pop() {
            for &(other, overlap) in &beside[node] {
                let next = other as usize;
                let area = self.nodes[next].area;
                // A larger neighbour is always reached; of a smaller one, enough must overlap.
                let smaller = area < self.nodes[node].area;
                let enough = !smaller || f64::from(overlap) >= MIN_OVERLAP * f64::from(area);
                if !grown[next] && enough && may_grow(next) {
                    grown[next] = true;
                    open.push(next);
                }
            }
        }
        grown
    }
}

/// Returns the root of a node in the union-find forest. Halves the path on the way, which keeps it
/// short.
fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        let grandparent = parent[parent[node as usize] as usize];
        parent[node as usize] = grandparent;
        node = grandparent;
    }
    node
}

/// Returns the HU that separates gas from lung. Neither has fixed HU: scanners show air between
/// −1024 and −970, and lungs vary with the breath. So the cut lies about a third of the way from
/// this exam's air to its lung.
fn gas_cut(nodes: &[&Node], pixel_mm2: f64) -> i16 {
    // The median of the components' medians, weighted by area.
    let median_of = |wanted: &dyn Fn(&Node, f64) -> bool| {
        let mut found: Vec<(i16, u64)> = nodes
            .iter()
            .filter_map(|node| {
                let median = node.median?;
                let kept = wanted(node, f64::from(median));
                kept.then_some((median, u64::from(node.area)))
            })
            .collect();
        found.sort_unstable();
        let half = found.iter().map(|(_, area)| area).sum::<u64>() / 2;
        let mut below = 0;
        let middle = found.iter().find(|(_, area)| {
            below += area;
            below > half
        });
        middle.map(|(median, _)| f64::from(*median))
    };
    let air = median_of(&|node, median| node.touches && median < -960.0).unwrap_or(-1000.0);
    let lung =
        median_of(&|node, median| f64::from(node.area) * pixel_mm2 > 500.0 && median > -950.0);
    let lung = lung.unwrap_or(-850.0);
    let cut = (air + 0.35 * (lung - air)).clamp(air + 35.0, air + 60.0);
    cut.round() as i16
}

/// Counts the pixels that components of two neighbouring slices share: component of the first, of
/// the second, pixels.
fn overlaps(below: &Air, above: &Air) -> Vec<(u32, u32, u32)> {
    let (a, b) = (&below.runs, &above.runs);
    // Walk both lists of runs in raster order.
    let (mut lower, mut upper) = (0, 0);
    let mut shared: Vec<(u32, u32, u32)> = Vec::new();
    while lower < a.len() && upper < b.len() {
        let ((run, node), (other, other_node)) = (&a[lower], &b[upper]);
        if run.row == other.row {
            let (start, end) = (run.start.max(other.start), run.end.min(other.end));
            if start < end {
                match shared.last_mut() {
                    Some(last) if (last.0, last.1) == (*node, *other_node) => last.2 += end - start,
                    _ => shared.push((*node, *other_node, end - start)),
                }
            }
        }
        // The run that ends first cannot overlap with any later run of the other slice.
        if (run.row, run.end) < (other.row, other.end) {
            lower += 1;
        } else {
            upper += 1;
        }
    }
    // The same two components may meet in many rows: add up their pixels.
    shared.sort_unstable();
    let mut merged: Vec<(u32, u32, u32)> = Vec::with_capacity(shared.len());
    for (node, other, pixels) in shared {
        match merged.last_mut() {
            Some(last) if (last.0, last.1) == (node, other) => last.2 += pixels,
            _ => merged.push((node, other, pixels)),
        }
    }
    merged
}
