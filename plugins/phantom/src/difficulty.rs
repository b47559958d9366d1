//! How hard the emboli of a cohort are to see, and the ranges that its exams are drawn from.

use serde::{Deserialize, Serialize};

use crate::{LookalikeKind, PhantomOptions};

/// How hard the emboli of a cohort are to see: a name for a set of ranges. Options that are given
/// beside it take the place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// Meant to be learnt: large clots in well opacified arteries, little noise, half of the
    /// look-alikes. A small network trained from scratch for minutes can tell them. It says that
    /// the software learns, and nothing about emboli of patients.
    Easy,
    /// Clots down to segmental arteries, contrast, noise and look-alikes as exams have them: not
    /// learnt in minutes.
    #[default]
    Hard,
}

impl Difficulty {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Hard => "hard",
        }
    }
}

/// The least and the greatest value of something drawn.
pub(crate) type Range = [f32; 2];

/// What exams are drawn from: a difficulty's own values, and what options put in their place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    /// Share of the slices of an exam with emboli that they show on.
    pub pe_slices: Range,
    /// The fewest and the most clots of an exam with emboli.
    pub n_clots: [usize; 2],
    /// Share of the clots that begin in the main and lobar arteries; the others in segmental ones.
    pub central_share: f32,
    /// Length of clots by where they begin, mm.
    pub lengths_mm: Lengths,
    /// Radius of a clot over that of the lumen: clots in the middle, and those against the wall.
    pub widths: [Range; 2],
    /// Acute clot, before noise.
    pub clot_hu: Range,
    /// Blood in the pulmonary arteries.
    pub artery_hu: Range,
    /// Standard deviation of the noise in the mediastinum, HU, of a soft kernel.
    pub noise_hu: Range,
    /// Factor on the number of look-alikes, and the kinds that are kept.
    pub lookalikes: f32,
    pub kinds: Vec<LookalikeKind>,
    /// Whether clot is painted. What else an image could tell of PE is not painted without it.
    pub paint_clots: bool,
}

/// Length of clots by where they begin, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lengths {
    pub saddle: Range,
    pub central: Range,
    pub segmental: Range,
}

impl Recipe {
    /// What the options say, and their difficulty where they say nothing.
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

    /// The picture of the first versions of this cohort, byte for byte.
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
            // More slices to learn from, of more clots a slice.
            pe_slices: [0.15, 0.35],
            n_clots: [3, 10],
            // Segmental arteries are a pixel wide in the images of a quick run.
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
