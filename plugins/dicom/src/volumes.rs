//! Splits a series into volumes. Phases, kernels and other reconstructions have slices at the same
//! places, and are told apart by attributes of their headers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pe_ct::{Finding, counted};

use crate::FindingKind;
use crate::geometry::Axes;
use crate::kernel;
use crate::stack::{Refusal, SAME_PLACE_MM, Slice, place_of};

/// Greater numbers are not shown: they may be ids.
const MAX_SHOWN: i64 = 9999;

/// One volume: a slice per place, unless slices at one place cannot be told apart.
pub(crate) struct Volume {
    /// In the order of their places.
    pub slices: Vec<Slice>,
    pub n_places: usize,
    pub is_axial: bool,
    /// The attributes that tell it from the others, `ConvolutionKernel (B30f)`.
    told: Vec<String>,
    /// For joined acquisitions that overlap: the number of places where the images of the smaller one
    /// were dropped, and the attribute that tells the two apart.
    beside: Vec<(usize, &'static str)>,
}

/// Maximum number of volumes that one attribute tells apart. A scan of the heart over time has some
/// tens.
const MAX_PARTS: usize = 256;

/// Two acquisitions follow each other along the patient, and are joined to one volume, if they share
/// at most one in `MEETING` of the smaller one's places.
const MEETING: usize = 5;

/// An attribute that may differ between volumes.
struct Fact {
    name: &'static str,
    value: fn(&Slice) -> Option<i64>,
    /// True for a value that rises from volume to volume, and may rise within one, as times do.
    rises: bool,
    /// The value in a form that may be shown.
    shown: fn(&Slice) -> Option<String>,
}

/// The attributes in the order of use. The time is last, since it differs within a volume too.
const FACTS: [Fact; 8] = [
    Fact {
        name: "AcquisitionNumber",
        value: |slice| slice.facts().acquisition,
        rises: true,
        shown: |slice| number(slice.facts().acquisition),
    },
    Fact {
        name: "TemporalPositionIdentifier",
        value: |slice| slice.facts().temporal,
        rises: true,
        shown: |slice| number(slice.facts().temporal),
    },
    Fact {
        name: "ConvolutionKernel",
        value: |slice| slice.file.header.technique.kernel_key,
        rises: false,
        shown: |slice| slice.file.header.technique.kernel.clone(),
    },
    Fact {
        name: "KVP",
        value: |slice| thousandths(slice.file.header.technique.kvp),
        rises: false,
        shown: |slice| slice.file.header.technique.kvp.map(|kv| kv.to_string()),
    },
    Fact {
        name: "ImageType",
        value: |slice| slice.facts().image_type_key,
        rises: false,
        shown: |_| None,
    },
    Fact {
        name: "SliceThickness",
        value: |slice| thousandths(slice.facts().slice_thickness),
        rises: false,
        shown: |slice| slice.facts().slice_thickness.map(|mm| format!("{mm} mm")),
    },
    Fact {
        name: "PixelSpacing",
        value: |slice| thousandths(slice.facts().pixel_spacing.map(|[row_mm, _]| row_mm)),
        rises: false,
        shown: |slice| {
            slice
                .facts()
                .pixel_spacing
                .map(|[mm, _]| format!("{mm} mm"))
        },
    },
    Fact {
        name: "AcquisitionTime",
        value: |slice| slice.file.header.technique.time_us,
        rises: true,
        shown: |_| None,
    },
];

fn number(value: Option<i64>) -> Option<String> {
    value
        .filter(|n| (0..=MAX_SHOWN).contains(n))
        .map(|n| n.to_string())
}

fn thousandths(value: Option<f64>) -> Option<i64> {
    value.map(|value| (value * 1000.0).round() as i64)
}

/// Splits slices, ordered by position, into volumes. These are ordered by time, or from the softest
/// kernel to the sharpest.
pub(crate) fn split(slices: Vec<Slice>, told: &[String]) -> Vec<Volume> {
    let places = places_of(&slices);
    let n_places = places.last().map_or(0, |place| place + 1);
    // Some place has several slices: split by the first attribute that tells these apart, then split
    // the parts by the other attributes.
    if n_places < slices.len() {
        for fact in &FACTS {
            let parts = fact.parts(&slices, &places, n_places);
            if parts.len() < 2 {
                continue;
            }
            let parts = if fact.rises {
                joined(parts)
            } else {
                parts.into_iter().map(|part| (part, 0)).collect()
            };
            let is_one = parts.len() == 1;
            // All parts were joined without a loss, so this attribute tells no volumes apart.
            if is_one && parts[0].0.len() == slices.len() {
                continue;
            }
            let mut volumes = Vec::new();
            for (part, n_beside) in parts {
                let one = if is_one { None } else { Some(fact.told(&part)) };
                let told: Vec<String> = told.iter().cloned().chain(one).collect();
                for mut volume in split(part, &told) {
                    if n_beside > 0 {
                        volume.beside.push((n_beside, fact.name));
                    }
                    volumes.push(volume);
                }
            }
            return volumes;
        }
    }
    vec![Volume::of(slices, told)]
}

/// Joins acquisitions that follow each other along the patient. With each volume comes the number of
/// places where both acquisitions have images; those of the smaller one are dropped there.
fn joined(parts: Vec<Vec<Slice>>) -> Vec<(Vec<Slice>, usize)> {
    let mut joined: Vec<(Vec<Slice>, usize)> = Vec::new();
    for part in parts {
        let Some((last, n_beside)) = joined.last_mut() else {
            joined.push((part, 0));
            continue;
        };
        let part_is_small = part.len() < last.len();
        let (mut small, large) = if part_is_small {
            (part, std::mem::take(last))
        } else {
            (std::mem::take(last), part)
        };
        let is_there = |slice: &Slice| {
            let before = |other: &Slice| slice.position_mm - other.position_mm >= SAME_PLACE_MM;
            let next = large.get(large.partition_point(before));
            next.is_some_and(|other| other.position_mm - slice.position_mm < SAME_PLACE_MM)
        };
        let places = places_of(&small);
        let n_places = places.last().map_or(0, |place| place + 1);
        let common = small
            .iter()
            .zip(&places)
            .filter(|(slice, _)| is_there(slice));
        let common: BTreeSet<usize> = common.map(|(_, place)| *place).collect();
        if common.len() * MEETING > n_places {
            // These two overlap too much to be one volume: keep them in their order.
            let (before, part) = if part_is_small {
                (large, small)
            } else {
                (small, large)
            };
            *last = before;
            joined.push((part, 0));
            continue;
        }
        small.retain(|slice| !is_there(slice));
        *n_beside += common.len();
        small.extend(large);
        small.sort_by(|a, b| a.position_mm.total_cmp(&b.position_mm));
        *last = small;
    }
    joined
}

/// Numbers the places of slices, from 0 in ascending order.
fn places_of(slices: &[Slice]) -> Vec<usize> {
    let mut places = Vec::with_capacity(slices.len());
    let mut place = 0;
    for (idx, slice) in slices.iter().enumerate() {
        if idx > 0 && slice.position_mm - slices[idx - 1].position_mm >= SAME_PLACE_MM {
            place += 1;
        }
        places.push(place);
    }
    places
}

impl Fact {
    /// Splits slices if the attribute differs between slices at one place; else returns no parts.
    fn parts(&self, slices: &[Slice], places: &[usize], n_places: usize) -> Vec<Vec<Slice>> {
        let values: Vec<Option<i64>> = slices.iter().map(self.value).collect();
        let differs = (1..slices.len())
            .any(|idx| places[idx] == places[idx - 1] && values[idx] != values[idx - 1]);
        if !differs {
            return Vec::new();
        }
        let part_of: Vec<usize> = if self.rises {
            let in_turn = one_after_the_other(&values, places);
            let in_turn = in_turn.filter(|part_of| largest(part_of) * 2 >= n_places);
            // Otherwise all images at one place were taken before those at the next.
            in_turn.unwrap_or_else(|| by_turns(&values, places))
        } else {
            let mut distinct: Vec<Option<i64>> = values.clone();
            distinct.sort();
            distinct.dedup();
            let part = |value: &Option<i64>| distinct.partition_point(|other| other < value);
            values.iter().map(part).collect()
        };
        let n_parts = part_of.iter().max().map_or(0, |last| last + 1);
        // So many values number the images rather than tell volumes apart.
        if n_parts > MAX_PARTS {
            return Vec::new();
        }
        let mut parts: BTreeMap<usize, Vec<Slice>> = BTreeMap::new();
        for (slice, part) in slices.iter().zip(part_of) {
            parts.entry(part).or_default().push(slice.clone());
        }
        let mut parts: Vec<_> = parts.into_values().collect();
        if !self.rises {
            parts.sort_by_cached_key(|part| self.rank(part));
        }
        parts
    }

    /// Sort key of parts that differ in kind: softest kernel first, then by InstanceNumber.
    fn rank(&self, part: &[Slice]) -> (i64, Option<i64>, Option<String>) {
        let first = match self.name {
            "ConvolutionKernel" => sharpness(part),
            "KVP" | "SliceThickness" | "PixelSpacing" => (self.value)(&part[0]).unwrap_or(i64::MAX),
            _ => 0,
        };
        let number = part
            .iter()
            .filter_map(|slice| slice.file.header.instance_number);
        (first, number.min(), part.iter().map(Slice::sop_uid).min())
    }

    fn told(&self, part: &[Slice]) -> String {
        let shown = (self.shown)(&part[0]);
        let is_one = part
            .iter()
            .all(|slice| (self.value)(slice) == (self.value)(&part[0]));
        match shown.filter(|_| is_one) {
            Some(shown) => format!("{} ({shown})", self.name),
            None => self.name.to_owned(),
        }
    }
}

fn largest(part_of: &[usize]) -> usize {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for part in part_of {
        *sizes.entry(*part).or_default() += 1;
    }
    sizes.into_values().max().unwrap_or(0)
}

/// Splits slices into volumes that were taken one after the other. When a place repeats, a new volume
/// begins at the longest pause since that place came before. Slices without a value come first, before
/// an endless pause. `None` for more than [`MAX_PARTS`] volumes.
fn one_after_the_other(values: &[Option<i64>], places: &[usize]) -> Option<Vec<usize>> {
    let mut steps: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    for (idx, value) in values.iter().enumerate() {
        steps.entry(*value).or_default().push(idx);
    }
    let steps: Vec<(Option<i64>, Vec<usize>)> = steps.into_iter().collect();
    let pause = |step: usize| match (steps[step - 1].0, steps[step].0) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => i64::MAX,
    };
    let mut starts = vec![0];
    let mut last_seen: HashMap<usize, usize> = HashMap::new();
    for (step, (_, slices)) in steps.iter().enumerate() {
        let start = starts[starts.len() - 1];
        let seen = slices
            .iter()
            .filter_map(|idx| last_seen.get(&places[*idx]))
            .copied();
        if let Some(seen) = seen.filter(|seen| *seen >= start).max() {
            let longest = (seen + 1..=step).max_by_key(|step| pause(*step));
            starts.push(longest.unwrap_or(step));
            if starts.len() > MAX_PARTS {
                return None;
            }
        }
        last_seen.extend(slices.iter().map(|idx| (places[*idx], step)));
    }
    let mut part_of = vec![0; values.len()];
    for (step, (_, slices)) in steps.iter().enumerate() {
        let part = starts.partition_point(|start| *start <= step) - 1;
        for idx in slices {
            part_of[*idx] = part;
        }
    }
    Some(part_of)
}

/// Splits slices into the first image of each place, the second of each, and so on.
fn by_turns(values: &[Option<i64>], places: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|idx| (places[*idx], values[*idx]));
    let mut part_of = vec![0; values.len()];
    for pair in order.windows(2) {
        let [before, idx] = [pair[0], pair[1]];
        part_of[idx] = match (places[before] == places[idx], values[before] == values[idx]) {
            (false, _) => 0,
            (true, true) => part_of[before],
            (true, false) => part_of[before] + 1,
        };
    }
    part_of
}

fn sharpness(slices: &[Slice]) -> i64 {
    let kernel = slices[0].file.header.technique.kernel.as_deref();
    kernel.and_then(kernel::sharpness).unwrap_or(i64::MAX)
}

/// Chooses the volume to use, with a finding for each other one. `wanted` is its number from 1. 0
/// prefers an axial volume, then the one with the most slices, then the one with the softest kernel.
pub(crate) fn choose(
    mut volumes: Vec<Volume>,
    wanted: usize,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Slice>, Refusal> {
    let n_volumes = volumes.len();
    if n_volumes > 1 && wanted > n_volumes {
        let reason =
            format!("expected volume {wanted} (option `volume`), found {n_volumes} volumes");
        return Err(Some((FindingKind::NoVolume, reason)));
    }
    let best = (0..n_volumes).min_by_key(|idx| {
        let volume = &volumes[*idx];
        let n_places = std::cmp::Reverse(volume.n_places);
        (!volume.is_axial, n_places, sharpness(&volume.slices), *idx)
    });
    let used = match wanted {
        0 => best.unwrap_or(0),
        _ if n_volumes == 1 => 0,
        number => number - 1,
    };
    for (idx, volume) in volumes.iter().enumerate() {
        if idx != used {
            let reason = format!(
                "volume {} of {n_volumes} of the series is not used: {}; volume {} is: {} (`volume` chooses)",
                idx + 1,
                volume.in_words(),
                used + 1,
                volumes[used].in_words()
            );
            let place = place_of(&volume.slices);
            findings.push(Finding::new(&place, FindingKind::OtherVolume, reason));
        }
    }
    if volumes.is_empty() {
        return Err(None);
    }
    for (n_places, name) in &volumes[used].beside {
        let images = counted(*n_places, "image");
        let reason = format!(
            "acquisitions that follow each other along the patient are used as one volume, and {images} of the smaller one, where both have some, are not (by {name})"
        );
        let place = place_of(&volumes[used].slices);
        findings.push(Finding::new(&place, FindingKind::OtherVolume, reason));
    }
    Ok(volumes.swap_remove(used).slices)
}

impl Volume {
    /// A volume of all these slices.
    pub fn of(slices: Vec<Slice>, told: &[String]) -> Self {
        Self {
            n_places: places_of(&slices).last().map_or(0, |place| place + 1),
            is_axial: Axes::of(&slices[0].orientation()).is_axial(),
            slices,
            told: told.to_vec(),
            beside: Vec::new(),
        }
    }

    fn in_words(&self) -> String {
        let n_slices = counted(self.n_places, "slice");
        match self.told.as_slice() {
            [] => n_slices,
            told => format!("{n_slices} by {}", told.join(", ")),
        }
    }

    /// Marks a volume of a group whose plane or size differs from that of the others.
    pub fn of_another(mut self, rows: usize, cols: usize) -> Self {
        let plane = if self.is_axial { "axial" } else { "not axial" };
        self.told
            .insert(0, format!("plane and size ({plane}, {rows} × {cols})"));
        self
    }
}
