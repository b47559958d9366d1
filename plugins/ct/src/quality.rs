use std::fmt;

use serde::{Deserialize, Serialize};

/// The quality of a lung mask: sizes, and what about them is out of range.
///
/// It is about the two lungs, even if the mask holds more (a hull) or less (the paper's steps).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskQuality {
    /// Volume of the right lung, ml.
    pub right_ml: f64,
    /// Volume of the left lung, ml.
    pub left_ml: f64,
    /// Left volume divided by right volume; `None` without a right lung. About 0.85 in health.
    pub left_right_ratio: Option<f64>,
    /// Share of the lungs' outline, over all slices, at which the field of view cuts them, 0 to 1.
    pub cut_share: f64,
    /// Volume of the lungs that the mask leaves out, ml. Always 0, except with the paper's steps.
    pub removed_ml: f64,
    /// 0 if nothing is out of range. The higher, the sooner a person should look at the mask.
    pub suspicion: f64,
    /// The findings that are out of range, with their slices.
    pub findings: Vec<MaskFinding>,
}

/// One thing about a lung mask that is out of range, and the slices concerned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskFinding {
    /// Kind of finding.
    pub kind: MaskFindingKind,
    /// The lung concerned; `None` for both.
    pub lung: Option<Lung>,
    /// First slice concerned.
    pub first_slice: usize,
    /// Last slice concerned.
    pub last_slice: usize,
    /// The value that is out of range, in the unit of the kind.
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

/// Kind of finding about a lung mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskFindingKind {
    /// No lung was found; the value is 0 ml.
    NoLung,
    /// Both lungs together are small; the value is their volume in ml.
    SmallLungs,
    /// One lung is much smaller than the other; the value is left volume divided by right volume.
    UnequalLungs,
    /// The field of view cuts a lung; the value is the cut share of its outline.
    CutLung,
    /// A lung appears or vanishes between two neighbouring slices; the value is its area in cm² on
    /// the slice that has it.
    Jump,
    /// Some slices without lung lie between slices with lung; the value is their number.
    Gap,
    /// The paper's steps remove most of a lung; the value is what they remove in ml.
    RemovedLung,
}

impl MaskFindingKind {
    /// Name of the kind, as in scripts and manifests.
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
    /// Name of the lung.
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
