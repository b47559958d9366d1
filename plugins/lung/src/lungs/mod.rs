//! The steps of mode `lungs`, as the crate's documentation describes them.

mod air;
mod body;
mod fill;
mod gas;
mod graph;
mod sides;

use pe_binding::Work;
use pe_ct::{Spacing, Volume};
use rayon::prelude::*;

use crate::LungError;
use crate::bitmap::Bitmap;

use air::Air;
use body::Contact;
use fill::closed_and_filled;
use gas::Gas;
use graph::{Graph, Matter, Piece};
use sides::{Middle, Side};

/// A piece in the body with at least this share of the largest piece's volume is lung. A smaller
/// one is lung only if it is not exposed and does not open to gas.
const SURE_SHARE: f64 = 0.03;

/// A piece with a seed needs at least this share of the largest piece's volume, and at least this
/// many ml.
const MIN_SHARE: f64 = 0.01;
const MIN_ML: f64 = 10.0;

/// Least volume of a piece that the field of view cuts off, ml.
const MIN_FRAGMENT_ML: f64 = 1.0;

/// Largest share of a small piece that may have the body in front of it and none behind.
const MAX_EXPOSED: f64 = 0.5;

/// Largest share of a small piece's overlap with neighbouring slices that may be gas.
const MAX_GAS: f64 = 0.05;

/// Distance between the slices that are examined to tell body from table, mm.
const BODY_STEP_MM: f64 = 10.0;

/// Largest radius of the closing's disk, in pixels of a slice of 512 rows.
const MAX_CLOSE: usize = 12;

/// Both lungs in one slice. They never overlap.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub right: Bitmap,
    pub left: Bitmap,
}

impl Pair {
    pub fn both(&self) -> Bitmap {
        let mut both = self.right.clone();
        both.add(&self.left);
        both
    }
}

/// The lungs of an exam, found but not yet drawn.
pub(crate) struct Lungs {
    slices: Vec<Air>,
    /// For each slice and component, what it is.
    kinds: Vec<Vec<Kind>>,
    /// For each slice, the gas that runs into its lungs.
    gas: Vec<Option<Bitmap>>,
    /// For each slice, the lung in components that are mostly gas.
    lung_beside_gas: Vec<Option<Bitmap>>,
    middle: Middle,
    radius: usize,
    spacing: Spacing,
}

/// Kind of a component of air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lung,
    Gas,
    Other,
}

impl Lungs {
    /// Finds the lungs of `volume`: air below `threshold_hu`, with gaps closed up to `close_mm`.
    pub fn find(
        volume: &Volume,
        threshold_hu: i16,
        close_mm: f64,
        work: &Work,
    ) -> Result<Self, LungError> {
        let spacing = volume.spacing();
        let pixel_mm2 = spacing.row_mm * spacing.col_mm;
        let task = work.task("finding the lungs", volume.n_slices(), "slices");
        let slices = (0..volume.n_slices())
            .into_par_iter()
            .map(|slice_idx| {
                work.check()?;
                let air = Air::of(volume.slice(slice_idx), threshold_hu, spacing.col_mm);
                task.advance(1);
                Ok(air)
            })
            .collect::<Result<Vec<Air>, LungError>>()?;
        let graph = Graph::of(&slices, pixel_mm2);
        let is_lung = lung_nodes(&graph, &slices, spacing);
        let kinds: Vec<Vec<Kind>> = slices
            .iter()
            .enumerate()
            .map(|(slice_idx, slice)| {
                let first = graph.first(slice_idx);
                let nodes = first..first + slice.nodes.len();
                let kind = |node: usize| match (is_lung[node], graph.matter(node)) {
                    (true, _) => Kind::Lung,
                    (false, Matter::Gas) => Kind::Gas,
                    (false, _) => Kind::Other,
                };
                nodes.map(kind).collect()
            })
            .collect();
        let gas = Gas {
            slices: &slices,
            is_lung: &|slice_idx, node| kinds[slice_idx][node] == Kind::Lung,
            is_gas: &|slice_idx, node| kinds[slice_idx][node] == Kind::Gas,
            cut_hu: graph.cut_hu,
            pixel_mm: pixel_mm2.sqrt(),
        };
        let slice = |slice_idx| volume.slice(slice_idx);
        let (gas, lung_beside_gas) = (gas.in_lungs(slice), gas.lung_beside(slice));
        let rows = volume.dim().1;
        let radius = (close_mm / pixel_mm2.sqrt()).round() as usize;
        Ok(Self {
            middle: Middle::of(&slices, |slice_idx, node| {
                kinds[slice_idx][node] == Kind::Lung
            }),
            slices,
            kinds,
            gas,
            lung_beside_gas,
            radius: radius.min((MAX_CLOSE * rows).div_ceil(crate::REFERENCE_ROWS)),
            spacing,
        })
    }

    /// The part of a slice outside the field of view.
    pub fn outside(&self, slice_idx: usize) -> Option<&Bitmap> {
        self.slices[slice_idx].outside.as_ref()
    }

    /// Draws the lungs of one slice.
    pub fn draw(&self, slice_idx: usize) -> Pair {
        let (air, kinds) = (&self.slices[slice_idx], &self.kinds[slice_idx]);
        let (rows, cols) = (air.pixels.rows(), air.pixels.cols());
        let empty = || Bitmap::empty(rows, cols);
        let mut pair = Pair {
            right: empty(),
            left: empty(),
        };
        if !kinds.contains(&Kind::Lung) && self.lung_beside_gas[slice_idx].is_none() {
            return pair;
        }
        let is_lung = |node: u32| kinds[node as usize] == Kind::Lung;
        let sides = self.middle.sides(air, self.spacing.col_mm, is_lung);
        for (run, node) in air.runs.iter().filter(|(_, node)| is_lung(*node)) {
            let (row, start, end) = (run.row as usize, run.start as usize, run.end as usize);
            match sides[*node as usize] {
                Side::Right => pair.right.insert(row, start, end),
                Side::Left => pair.left.insert(row, start, end),
                Side::Both { from } => {
                    pair.right.insert(row, start, end.min(from));
                    pair.left.insert(row, start.max(from), end);
                }
            }
        }
        if let Some(lung) = &self.lung_beside_gas[slice_idx] {
            let (right, left) = self.middle.parted(lung);
            pair.right.add(&right);
            pair.left.add(&left);
        }
        if let Some(gas) = &self.gas[slice_idx] {
            pair.right.subtract(gas);
            pair.left.subtract(gas);
        }
        let outside = air.outside.as_ref();
        let mut right = closed_and_filled(&pair.right, outside, self.radius);
        let mut left = closed_and_filled(&pair.left, outside, self.radius);
        // Pixels that both closings reach belong to the lung whose air they are, or else to the
        // right one.
        right.subtract(&pair.left);
        left.subtract(&pair.right);
        left.subtract(&right);
        let mut drawn = Pair { right, left };
        self.take_out_gas(slice_idx, &pair, &mut drawn);
        drawn
    }

    /// Removes gas that the closing added to the lungs: trachea, main bronchi, stomach and the air
    /// around the patient. Airways that the lung encloses stay.
    fn take_out_gas(&self, slice_idx: usize, air_of: &Pair, drawn: &mut Pair) {
        let (air, kinds) = (&self.slices[slice_idx], &self.kinds[slice_idx]);
        let mut gas = match &self.gas[slice_idx] {
            Some(gas) => gas.clone(),
            None => Bitmap::empty(air.pixels.rows(), air.pixels.cols()),
        };
        let mut any = self.gas[slice_idx].is_some();
        for (run, node) in &air.runs {
            let out = match kinds[*node as usize] {
                Kind::Gas => true,
                Kind::Other => air.nodes[*node as usize].touches,
                Kind::Lung => false,
            };
            let (row, start, end) = (run.row as usize, run.start as usize, run.end as usize);
            let meets = || drawn.right.meets(row, start, end) || drawn.left.meets(row, start, end);
            if out && meets() {
                gas.insert(row, start, end);
                any = true;
            }
        }
        if let Some(lung) = &self.lung_beside_gas[slice_idx] {
            gas.subtract(lung);
        }
        if any {
            for (lung, air) in [
                (&mut drawn.right, &air_of.right),
                (&mut drawn.left, &air_of.left),
            ] {
                let mut taken = gas.clone();
                // Gas enclosed by the lung's own air is an airway inside the lung, and stays.
                taken.subtract(&closed_and_filled(air, None, 0));
                lung.subtract(&taken);
            }
        }
    }
}

/// Decides for each component of air whether it is lung: it must be connected to enough other air
/// of its kind, and lie in the body.
fn lung_nodes(graph: &Graph, slices: &[Air], spacing: Spacing) -> Vec<bool> {
    let pieces = graph.pieces();
    let contacts = piece_contacts(graph, slices, &pieces, spacing);
    let ml = |piece: &Piece| piece.area as f64 * spacing.voxel_ml();
    let in_body =
        |contact: &Contact| contact.share_of_body() >= 0.15 && contact.share_beside_body() >= 0.8;
    let candidates = pieces.iter().zip(&contacts);
    let largest = candidates
        .filter(|(piece, contact)| piece.has_seed && in_body(contact))
        .map(|(piece, _)| ml(piece))
        .fold(0.0, f64::max);
    let mut is_lung = vec![false; graph.n_nodes()];
    let large = |piece: &Piece, contact: &Contact| {
        let least = (MIN_SHARE * largest).max(MIN_ML.min(largest));
        piece.has_seed && in_body(contact) && ml(piece) >= least
    };
    let fragment = |piece: &Piece, contact: &Contact| {
        contact.share_of_body() >= 0.6
            && contact.share_beside_body() >= 0.8
            && ml(piece) >= MIN_FRAGMENT_ML
    };
    let candidates = || pieces.iter().zip(&contacts);
    let is_wanted =
        |(piece, contact): &(&Piece, &Contact)| large(piece, contact) || fragment(piece, contact);
    let is_sure = |candidate: &(&Piece, &Contact)| {
        is_wanted(candidate) && ml(candidate.0) >= SURE_SHARE * largest
    };
    for (piece, _) in candidates().filter(is_sure) {
        piece.nodes.iter().for_each(|node| is_lung[*node] = true);
    }
    let lungs = is_lung.clone();
    // Small pieces that may be lung. They are checked against the lungs found so far.
    let is_open = |candidate: &(&Piece, &Contact)| {
        let exposed = candidate.1.share_exposed() > MAX_EXPOSED;
        is_wanted(candidate) && !is_sure(candidate) && !exposed
    };
    for (piece, _) in candidates().filter(is_open) {
        // Air between the body and the edge of the field of view opens to the air around it.
        let beside = graph.neighbours(piece, &lungs);
        if beside.lung || beside.gas <= MAX_GAS * beside.overlap {
            piece.nodes.iter().for_each(|node| is_lung[*node] = true);
        }
    }
    is_lung
}

/// Finds the contacts of each piece on some slices: one every few millimetres, and the middle one
/// of each piece.
fn piece_contacts(
    graph: &Graph,
    slices: &[Air],
    pieces: &[Piece],
    spacing: Spacing,
) -> Vec<Contact> {
    let step = (BODY_STEP_MM / spacing.slice_mm).round().max(1.0) as usize;
    let mut piece_of = vec![None; graph.n_nodes()];
    let mut looked_at: Vec<bool> = (0..slices.len())
        .map(|slice_idx| slice_idx.is_multiple_of(step))
        .collect();
    for (nth, piece) in pieces.iter().enumerate() {
        piece
            .nodes
            .iter()
            .for_each(|node| piece_of[*node] = Some(nth));
        let middle = piece.nodes[piece.nodes.len() / 2];
        looked_at[graph.slice_of(middle)] = true;
    }
    let of_slices: Vec<(usize, Vec<Contact>)> = slices
        .par_iter()
        .enumerate()
        .filter(|(slice_idx, _)| looked_at[*slice_idx])
        .map(|(slice_idx, air)| {
            let first = graph.first(slice_idx);
            let wanted = |node: u32| piece_of[first + node as usize].is_some();
            let mm = (spacing.row_mm, spacing.col_mm);
            (first, body::contacts(air, mm, wanted))
        })
        .collect();
    let mut contacts = vec![Contact::default(); pieces.len()];
    for (first, of_nodes) in of_slices {
        for (node, contact) in of_nodes.iter().enumerate() {
            if let Some(piece) = piece_of[first + node] {
                contacts[piece].add(contact);
            }
        }
    }
    contacts
}
