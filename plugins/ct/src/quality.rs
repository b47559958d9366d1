use std::fmt;

use serde::{Deserialize, Serialize};

/// What the program sees when it looks at a lung mask: sizes, and what of them is out of range.
///
/// It speaks of the two lungs also where the mask holds more (a hull) or less (the paper's steps).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskQuality {
    /// Volume of the right lung, ml.
    pub right_ml: f64,
    /// Volume of the left lung, ml.
    pub left_ml: f64,
    /// Left by right volume; `None` without a right lung. About 0.85 in health.
    pub left_right_ratio: Option<f64>,
    /// The share of the lungs' outline, in all slices, at which the field of view cuts them, 0 to 1.
    pub cut_share: f64,
    /// What the mask leaves out of the lungs, ml: 0 save for the paper's steps.
    pub removed_ml: f64,
    /// 0 where nothing is out of range; the higher, the sooner a person should look.
    pub suspicion: f64,
    /// What is out of range, by slice.
    pub findings: Vec<MaskFinding>,
}

/// Something about a lung mask that is out of range, and on which slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskFinding {
    /// What is out of range.
    pub kind: MaskFindingKind,
    /// Which lung; `None` for both.
    pub lung: Option<Lung>,
    /// The first slice that it is about.
    pub first_slice: usize,
    /// The last slice that it is about.
    pub last_slice: usize,
    /// The figure that is out of range, in the unit that the kind names.
    pub value: f64,
}

/// One of the two lungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lung {
    /// The patient's right lung.
    Right,
    /// The patient's left lung.
    Left,
}

/// What can be out of range of a lung mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskFindingKind {
    /// There is no lung; the value is 0 ml.
    NoLung,
    /// Both lungs together are small; the value is their volume in ml.
    SmallLungs,
    /// One lung is much smaller than the other; the value is left by right volume.
    UnequalLungs,
    /// The field of view cuts a lung; the value is the cut share of its outline.
    CutLung,
    /// A lung appears or vanishes between two neighbouring slices; the value is its area in cm²
    /// where it is there.
    Jump,
    /// Slices without lung between slices with lung; the value is their number.
    Gap,
    /// The paper's steps remove most of a lung; the value is what they remove in ml.
    RemovedLung,
}

impl MaskFindingKind {
    /// The kind in a word, as a script and a manifest have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoLung => "no_lung",
            Self::SmallLungs => "small_lungs",
            Self::UnequalLungs => "unequal_lungs",
            Self::CutLung => "cut_lung",
            Self::Jump => "jump",
            Self::Gap => "gap",
            Self::RemovedLung => "removed_lung",
        }
    }
}

impl Lung {
    /// The lung in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Left => "left",
        }
    }
}

impl fmt::Display for MaskFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first_slice, self.last_slice) {
            (first, last) if first == last => write!(f, "slice {first}: ")?,
            (first, last) => write!(f, "slices {first} to {last}: ")?,
        }
        let lung = match self.lung {
            Some(lung) => format!("the {} lung", lung.name()),
            None => "the lungs".into(),
        };
        let value = self.value;
        match self.kind {
            MaskFindingKind::NoLung => f.write_str("no lung is found"),
            MaskFindingKind::SmallLungs => write!(f, "{lung} have {value:.0} ml together"),
            MaskFindingKind::UnequalLungs => {
                write!(f, "the left lung has {value:.2} of the right lung's volume")
            }
            MaskFindingKind::CutLung => {
                let percent = 100.0 * value;
                write!(
                    f,
                    "the field of view cuts {percent:.0} % of the outline of {lung}"
                )
            }
            MaskFindingKind::Jump => {
                write!(
                    f,
                    "{lung} of {value:.0} cm² appears or vanishes between them"
                )
            }
            MaskFindingKind::Gap => {
                write!(f, "no lung in {value:.0} slices between slices with lung")
            }
            MaskFindingKind::RemovedLung => {
                write!(f, "the paper's steps remove {value:.0} ml of {lung}")
            }
        }
    }
}

impl fmt::Display for MaskQuality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (right, left) = (self.right_ml, self.left_ml);
        write!(f, "right lung {right:.0} ml, left lung {left:.0} ml")?;
        for finding in &self.findings {
            write!(f, "; {finding}")?;
        }
        Ok(())
    }
}
