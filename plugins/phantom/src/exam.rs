//! One exam, ready to be painted: its plan and the anatomy that is grown from it.

use crate::PhantomOptions;
use crate::anatomy::heart::{Chamber, chambers};
use crate::anatomy::vessels::Vasculature;
use crate::difficulty::Recipe;
use crate::emboli::{self, Clot};
use crate::lookalike::{self, Lookalike};
use crate::plan::ExamPlan;
use crate::seed::{Stream, Texture};

/// An exam whose slices can be painted in any order.
#[derive(Debug, Clone)]
pub(crate) struct Exam {
    pub plan: ExamPlan,
    pub vessels: Vasculature,
    pub chambers: Vec<Chamber>,
    pub clots: Vec<Clot>,
    /// False in a negative control: clots count for the labels, but are not painted.
    pub paint_clots: bool,
    pub lookalikes: Vec<Lookalike>,
    pub textures: Textures,
}

/// The exam's own irregularities, as noise textures.
#[derive(Debug, Clone)]
pub(crate) struct Textures {
    /// Bends the standard shapes, to the side and to the back.
    pub warp: [Texture; 2],
    /// Grain of lung and organs.
    pub grain: Texture,
    /// Strands in fat, planes between muscles.
    pub strands: Texture,
    /// Uneven mixing of contrast.
    pub mixing: Texture,
    /// Streaks.
    pub streaks: Texture,
}

impl Exam {
    /// Grows exam `exam_idx` of the cohort. The caller has checked the options.
    pub fn grow(options: &PhantomOptions, exam_idx: usize) -> Self {
        let recipe = Recipe::new(options);
        let plan = ExamPlan::draw(options, exam_idx);
        // A strained heart would reveal emboli, so a negative control has none.
        let heart = if recipe.paint_clots {
            plan.build.clone()
        } else {
            plan.build.unstrained()
        };
        let vessels = Vasculature::grow(&plan);
        let mut stream = Stream::new(plan.seed, "textures", &[exam_idx]);
        let mut texture = || Texture::new(&mut stream);
        Self {
            chambers: chambers(&heart, &plan.timing),
            clots: emboli::draw(&recipe, &plan, &vessels.arteries),
            paint_clots: recipe.paint_clots,
            lookalikes: lookalike::draw(&recipe, &plan, &vessels),
            textures: Textures {
                warp: [texture(), texture()],
                grain: texture(),
                strands: texture(),
                mixing: texture(),
                streaks: texture(),
            },
            vessels,
            plan,
        }
    }

    /// Returns the same exam on a grid of `size` × `size` pixels over the same field of view.
    pub fn at_size(&self, size: usize) -> Self {
        let mut other = self.clone();
        other.plan.scan.pixel_mm *= self.plan.size as f64 / size as f64;
        other.plan.size = size;
        other
    }
}
