//! Which broken copies there are: a case is a number, and gives the same bytes on every machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pe_dicom::in_memory::{Boundary, boundaries};

use crate::{data, synthetic};

/// Every case is drawn from this and its own number.
pub const SEED: u64 = 0x0D1C_0033;
/// Cases of a run that says nothing: a minute of one core.
const LEAST_CASES: usize = 120_000;
/// A file of more bytes gets a quarter of the cases of others, because each costs more.
const LARGE_BYTES: usize = 256 << 10;
/// Lengths that an element is given: none, one, the last before the undefined one in 16 and 32 bits,
/// undefined. Its own, one more and one less, come besides.
const EXTREMES: [u32; 6] = [0, 1, 0xFFFE, 0xFFFF, 0xFFFF_FFF0, 0xFFFF_FFFF];

/// A file to break.
pub struct Original {
    pub name: String,
    pub bytes: Vec<u8>,
    elements: Vec<Boundary>,
}

impl Original {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let elements = boundaries(&bytes);
        Self {
            name,
            bytes,
            elements,
        }
    }

    /// Where its elements begin, have their values and end.
    fn cuts(&self) -> BTreeSet<usize> {
        let elements = self.elements.iter();
        elements
            .flat_map(|element| [element.start, element.value, element.end])
            .collect()
    }

    /// How many of the cases that are no truncations are of this file, relative to others.
    fn weight(&self) -> usize {
        if self.bytes.len() > LARGE_BYTES { 1 } else { 4 }
    }
}

/// The odd files, where they are, and the synthetic ones.
pub fn originals() -> Vec<Original> {
    let mut found: Vec<Original> = synthetic::files()
        .into_iter()
        .map(|(name, bytes)| Original::new(name.to_owned(), bytes))
        .collect();
    if let Some(root) = data::folder("odd") {
        let mut paths = Vec::new();
        list(&root, &mut paths);
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            if !bytes.is_empty() {
                found.push(Original::new(name, bytes));
            }
        }
    }
    found
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
pub enum Mutation {
    /// Bytes replaced at random places of the header, or anywhere.
    Flip { n_bytes: usize, header_only: bool },
    /// The file ends at an element's head, value or end.
    Truncate { at: usize },
    /// An element's length is another.
    Length { element: usize, length: u32 },
}

/// The cases of a run: each third one is a truncation, until every file was cut at every element; for
/// the others the files take turns, and a file's cases are lengths and flips by turns.
pub struct Cases {
    pub originals: Vec<Original>,
    /// Every file, and a place where an element of it begins, has its value or ends.
    cuts: Vec<(usize, usize)>,
    /// A case's file, and which of the file's cases of this round it is, by its number modulo the
    /// number of turns.
    turns: Vec<(usize, usize)>,
    n_cases: usize,
}

impl Cases {
    /// So many cases; unless told, as many as it takes for every truncation, and [`LEAST_CASES`].
    pub fn new(n_cases: Option<usize>) -> Self {
        let originals = originals();
        let cuts: Vec<_> = (originals.iter().enumerate())
            .flat_map(|(file, original)| original.cuts().into_iter().map(move |at| (file, at)))
            .collect();
        let most = originals.iter().map(Original::weight).max().unwrap_or(1);
        let turns = (0..most)
            .flat_map(|round| {
                let takes_part = |file: &usize| originals[*file].weight() > round;
                (0..originals.len())
                    .filter(takes_part)
                    .map(move |file| (file, round))
                    .collect::<Vec<_>>()
            })
            .collect();
        let n_cases = n_cases.unwrap_or(LEAST_CASES.max(cuts.len() * 3));
        Self {
            originals,
            cuts,
            turns,
            n_cases,
        }
    }

    pub fn len(&self) -> usize {
        self.n_cases
    }

    /// How many truncations there are, and how many of them this run has.
    pub fn n_cuts(&self) -> (usize, usize) {
        let all = self.cuts.len();
        (all, all.min(self.n_cases.div_ceil(3)))
    }

    /// The file and the mutation of a case.
    pub fn get(&self, case: usize) -> (&Original, Mutation) {
        // A prime step spreads a short run over all files.
        let cut = spread(case / 3, self.cuts.len());
        if case.is_multiple_of(3) && case / 3 < self.cuts.len() {
            let (file, at) = self.cuts[cut];
            return (&self.originals[file], Mutation::Truncate { at });
        }
        let (file, round) = self.turns[case % self.turns.len()];
        let original = &self.originals[file];
        // Each file begins its turns elsewhere, so that a short run has all kinds of mutations.
        let turn = case / self.turns.len() * original.weight() + round + file;
        let mut random = Random::new(case);
        (original, mutation(original, turn, &mut random))
    }

    /// The broken copy.
    pub fn bytes(&self, case: usize) -> Vec<u8> {
        let (original, mutation) = self.get(case);
        apply(original, mutation, &mut Random::new(case ^ 0x5555_5555))
    }
}

/// The `n`-th of `all`, in an order that is spread over all of them and meets each once.
fn spread(n: usize, all: usize) -> usize {
    let step = [7919, 7927]
        .into_iter()
        .find(|step| !all.is_multiple_of(*step));
    (n * step.unwrap_or(1)) % all.max(1)
}

/// Turns go through lengths in order, so that a long run meets every element of every file; flips are
/// random.
fn mutation(original: &Original, turn: usize, random: &mut Random) -> Mutation {
    let n_elements = original.elements.len();
    match turn % 2 {
        0 if n_elements > 0 => {
            let kinds = EXTREMES.len() + 2;
            let place = spread(turn / 2, n_elements * kinds);
            let element = place / kinds;
            let own = original.elements[element];
            let own = (own.end - own.value) as u32;
            let length = match place % kinds {
                6 => own.wrapping_add(1),
                7 => own.wrapping_sub(1),
                kind => EXTREMES[kind],
            };
            Mutation::Length { element, length }
        }
        _ => Mutation::Flip {
            n_bytes: 1 + random.below(8),
            header_only: random.below(2) == 0,
        },
    }
}

fn apply(original: &Original, mutation: Mutation, random: &mut Random) -> Vec<u8> {
    let mut bytes = original.bytes.clone();
    match mutation {
        Mutation::Flip {
            n_bytes,
            header_only,
        } => {
            let pixels = original
                .elements
                .iter()
                .find(|element| element.is_pixel_data);
            let end = match pixels {
                // The first bytes of pixel data are the codec's own header.
                Some(pixels) if header_only => (pixels.value + 256).min(bytes.len()),
                _ => bytes.len(),
            };
            for _ in 0..n_bytes {
                let at = random.below(end);
                bytes[at] = match random.below(4) {
                    0 => 0,
                    1 => 0xFF,
                    2 => bytes[at] ^ (1 << random.below(8)),
                    _ => random.below(256) as u8,
                };
            }
        }
        Mutation::Truncate { at } => bytes.truncate(at),
        Mutation::Length { element, length } => {
            set_length(&mut bytes, original.elements[element], length)
        }
    }
    bytes
}

/// Overwrites an element's length: two bytes when its head has eight and a VR, else four.
fn set_length(bytes: &mut [u8], element: Boundary, length: u32) {
    let head = &bytes[element.start..element.value];
    let is_short = head.len() == 8 && head[4..6].iter().all(u8::is_ascii_uppercase);
    // The order of bytes is told by the group, which is small.
    let is_big = head[0] == 0 && head[1] != 0;
    let length = if is_big {
        length.to_be_bytes()
    } else {
        length.to_le_bytes()
    };
    let two = if is_big { &length[2..] } else { &length[..2] };
    let end = element.value;
    if is_short {
        bytes[end - 2..end].copy_from_slice(two);
    } else {
        bytes[end - 4..end].copy_from_slice(&length);
    }
}

/// SplitMix64, which is good enough to choose bytes and the same everywhere.
struct Random(u64);

impl Random {
    fn new(case: usize) -> Self {
        Self(SEED ^ (case as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
