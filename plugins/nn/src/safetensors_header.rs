//! The header of a safetensors file, checked before memory is taken for what it describes.
//!
//! The format: eight bytes with the header's length, the header in JSON, and the tensors' bytes, one
//! tensor after the other without a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use safetensors::tensor::TensorInfo;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};

use crate::safetensors_io::kind;

/// Size of the field with the header's length, in bytes.
pub(crate) const N_LENGTH: usize = 8;
/// Largest header in bytes. The format allows 100 MB; a tenth of that describes fifty thousand
/// tensors, and a network here has a few hundred.
const LIMIT: u64 = 10_000_000;
/// Most axes of a tensor: libtorch's own loops handle no more.
const MAX_AXES: usize = 64;

/// A parsed header. We parse the header ourselves: the error of the format's own crate does not say
/// what is wrong with an offset.
#[derive(Deserialize)]
pub(crate) struct Header {
    /// The file's own metadata.
    #[serde(rename = "__metadata__", default)]
    pub(crate) metadata: BTreeMap<String, String>,
    /// Dtype, shape and offsets of each tensor, by name.
    #[serde(flatten)]
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
}

/// Returns the header's length. `start` is the beginning of a file of `n_bytes`, which must have
/// room for the header.
pub(crate) fn length(start: &[u8], n_bytes: u64) -> Result<usize, String> {
    let Some(length) = start.first_chunk::<N_LENGTH>() else {
        let found = start.len();
        return Err(format!(
            "expected the header's length in the first {N_LENGTH} bytes, found {found} bytes"
        ));
    };
    let length = u64::from_le_bytes(*length);
    let left = n_bytes.saturating_sub(N_LENGTH as u64);
    if length > LIMIT {
        return Err(format!(
            "expected a header of at most {LIMIT} bytes, found one that says {length}"
        ));
    }
    if length > left {
        return Err(format!(
            "its header says {length} bytes, but only {left} follow"
        ));
    }
    usize::try_from(length).map_err(|error| error.to_string())
}

/// Parses a header and checks that it describes the `n_data` bytes of tensors that follow it.
pub(crate) fn parse(header: &[u8], n_data: u64) -> Result<Header, String> {
    let wrong = |error: serde_json::Error| format!("its header: {error}");
    // Of two entries with one name, serde would keep the last, and other readers the first.
    serde_json::from_slice::<Unique>(header).map_err(wrong)?;
    let header: Header = serde_json::from_slice(header).map_err(wrong)?;
    check(&header.tensors, n_data)?;
    Ok(header)
}

/// Checks that every byte belongs to one tensor, and that every tensor has the bytes of its shape.
fn check(tensors: &BTreeMap<String, TensorInfo>, n_data: u64) -> Result<(), String> {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|(name, info)| (info.data_offsets, *name));
    let mut end = 0;
    for (name, info) in sorted {
        let expected = n_bytes(info).map_err(|what| format!("{name}: {what}"))?;
        let (from, to) = info.data_offsets;
        if to.checked_sub(from) != Some(expected) {
            return Err(format!(
                "{name}: {:?} of shape {:?} has {expected} bytes, found the offsets {from} to {to}",
                info.dtype, info.shape
            ));
        }
        if from != end {
            let what = if from < end {
                "overlaps"
            } else {
                "leaves a gap"
            };
            return Err(format!(
                "{name}: begins at byte {from} and {what}, the tensor before it ends at {end}"
            ));
        }
        end = to;
    }
    if end as u64 == n_data {
        Ok(())
    } else {
        Err(format!(
            "its header describes {end} bytes of tensors, but {n_data} follow it"
        ))
    }
}

/// Returns the number of bytes of a tensor, which libtorch must be able to count.
fn n_bytes(info: &TensorInfo) -> Result<usize, String> {
    let dtype = info.dtype;
    let kind = kind(dtype).ok_or_else(|| format!("{dtype:?} is not supported"))?;
    if info.shape.len() > MAX_AXES {
        let found = info.shape.len();
        return Err(format!("expected at most {MAX_AXES} axes, found {found}"));
    }
    // Count an empty axis as 1: libtorch multiplies the other axes for its strides, so they must
    // not overflow either.
    let size = |n: usize, axis: &usize| n.checked_mul((*axis).max(1));
    let all = info
        .shape
        .iter()
        .try_fold(kind.elt_size_in_bytes(), size)
        .filter(|n| i64::try_from(*n).is_ok())
        .ok_or_else(|| format!("its shape {:?} is out of range", info.shape))?;
    Ok(if info.shape.contains(&0) { 0 } else { all })
}

/// Any JSON value, in whose objects no name comes twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<Unique>()?;
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format!("the name `{name}` comes twice")));
            }
        }
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
}
