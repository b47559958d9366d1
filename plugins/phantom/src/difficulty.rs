//! How visible the emboli of a cohort are, and the ranges that its exams are drawn from.

use serde::{Deserialize, Serialize};

use crate::{LookalikeKind, PhantomOptions};

/// How hard the emboli of a cohort are to see: a named set of ranges. An option given beside it
/// overrides one of these ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// Meant to be learnt: large clots in well opacified arteries, little noise, half of the
    /// look-alikes. A small network learns them from scratch in minutes. That shows that the software
    /// learns, and says nothing about emboli of patients.
    Easy,
    /// Clots down to segmental arteries, with realistic contrast, noise and look-alikes. Not learnt
    /// in minutes.
    #[default]
    Hard,
}

impl Difficulty {
    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Hard => "hard",
        }
    }
}

/// The smallest and the largest value of a uniform draw.
pub(crate) type Range = [f32; 2];

/// The ranges that exams are drawn from: those of a difficulty, overridden by options.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    /// Share of the slices that show emboli, in an exam with emboli.
    pub pe_slices: Range,
    /// The smallest and the largest number of clots in an exam with emboli.
    pub n_clots: [usize; 2],
    /// Share of the clots that begin in the main and lobar arteries; the others begin in segmental ones.
    pub central_share: f32,
    /// Length of a clot by where it begins, mm.
    pub lengths_mm: Lengths,
    /// Radius of a clot relative to that of the lumen: for central clots, and for mural ones.
    pub widths: [Range; 2],
    /// HU of acute clot, before noise.
    pub clot_hu: Range,
    /// HU of the blood in the pulmonary arteries.
    pub artery_hu: Range,
    /// Standard deviation of the noise in the mediastinum with a soft kernel, HU.
    pub noise_hu: Range,
    /// Factor on the number of look-alikes, and the kinds of them that are kept.
    pub lookalikes: f32,
    pub kinds: Vec<LookalikeKind>,
    /// If false, neither clot nor any other sign of PE is painted.
    pub paint_clots: bool,
}

/// Length of a clot by where it begins, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lengths {
    pub saddle: Range,
    pub central: Range,
    pub segmental: Range,
}

impl Recipe {
    /// Combines the given options with the values of their difficulty.
    pub fn new(options: &PhantomOptions) -> Self {
        let own = Self::of(options.difficulty);
        let range = |given: Option<[f64; 2]>, own: Range| {
            given.map_or(own, |given| given.map(|value| value as f32))
        };
        Self {
            pe_slices: range(options.pe_slices, own.pe_slices),
            n_clots: options.n_clots.unwrap_or(own.n_clots),
            central_share: options
                .central_share
                .map_or(own.central_share, |share| share as f32),
            lengths_mm: Lengths {
                saddle: range(options.clot_mm, own.lengths_mm.saddle),
                central: range(options.clot_mm, own.lengths_mm.central),
                segmental: range(options.clot_mm, own.lengths_mm.segmental),
            },
            widths: own.widths.map(|own| range(options.clot_width, own)),
            clot_hu: range(options.clot_hu, own.clot_hu),
            artery_hu: range(options.artery_hu, own.artery_hu),
            noise_hu: range(options.noise_hu, own.noise_hu),
            lookalikes: options
                .lookalikes
                .map_or(own.lookalikes, |factor| factor as f32),
            kinds: options.lookalike_kinds.clone().unwrap_or(own.kinds),
            paint_clots: options.paint_clots,
        }
    }

    fn of(difficulty: Difficulty) -> Self {
        match difficulty {
            Difficulty::Hard => Self::hard(),
            Difficulty::Easy => Self::easy(),
        }
    }

    /// Makes the same images as the first version of this cohort, byte for byte: don't change a value.
    fn hard() -> Self {
        Self {
            // 15 % of the slices of a third of the exams make 5 % of all, as in the data set.
            pe_slices: [0.07, 0.23],
            n_clots: [1, usize::MAX],
            central_share: 0.55,
            lengths_mm: Lengths {
                saddle: [22.0, 42.0],
                central: [18.0, 60.0],
                segmental: [14.0, 36.0],
            },
            widths: [[0.6, 0.8], [0.6, 0.72]],
            clot_hu: [30.0, 70.0],
            artery_hu: [275.0, 450.0],
            noise_hu: [9.0, 22.0],
            lookalikes: 1.0,
            kinds: LookalikeKind::ALL.to_vec(),
            paint_clots: true,
        }
    }

    fn easy() -> Self {
        Self {
            // More slices with PE to learn from, and more clots on each.
            pe_slices: [0.15, 0.35],
            n_clots: [3, 10],
            // In the small images of a quick run, segmental arteries are only a pixel wide.
            central_share: 0.8,
            lengths_mm: Lengths {
                saddle: [30.0, 50.0],
                central: [30.0, 80.0],
                segmental: [25.0, 50.0],
            },
            widths: [[0.65, 0.8], [0.65, 0.75]],
            clot_hu: [30.0, 50.0],
            artery_hu: [400.0, 500.0],
            noise_hu: [4.0, 9.0],
            lookalikes: 0.5,
            ..Self::hard()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_takes_the_place_of_the_difficulty_s_own() {
        let hard = Recipe::new(&PhantomOptions::default());
        assert_eq!(hard, Recipe::hard());
        let options = PhantomOptions {
            difficulty: Difficulty::Easy,
            clot_mm: Some([20.0, 40.0]),
            lookalike_kinds: Some(vec![LookalikeKind::Vein]),
            ..PhantomOptions::default()
        };
        let recipe = Recipe::new(&options);
        assert_eq!(recipe.lengths_mm.saddle, [20.0, 40.0]);
        assert_eq!(recipe.lengths_mm.segmental, [20.0, 40.0]);
        assert_eq!(recipe.kinds, [LookalikeKind::Vein]);
        assert_eq!(recipe.noise_hu, Recipe::easy().noise_hu);
    }
}
