//! Tensors in safetensors files and bytes.
//!
//! ```
//! use std::collections::BTreeMap;
//! use pe_nn::{safetensors_io::{from_bytes, to_bytes}, tch::Tensor};
//! let tensors = vec![("a".to_owned(), Tensor::from_slice(&[1.0f32, 2.0]))];
//! let bytes = to_bytes(&tensors, &BTreeMap::new())?;
//! let (read, _) = from_bytes(&bytes)?;
//! assert_eq!(read["a"], tensors[0].1);
//! assert!(from_bytes(&bytes[..bytes.len() - 1]).is_err());
//! # Ok::<(), pe_nn::NnError>(())
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use pe_files::Files;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use crate::{NnError, safetensors_header as header};

/// Tensors by name.
pub type State = BTreeMap<String, Tensor>;

/// A file's own metadata, by name.
pub type Metadata = BTreeMap<String, String>;

/// Reads a file of tensors, onto the CPU.
///
/// # Errors
/// [`NnError::PyTorchFile`] for a `.pt`, `.pth` or `.ot`, by name or by its first bytes;
/// [`NnError::Io`]; as [`from_bytes`].
pub fn read(path: &Path, files: &Files) -> Result<State, NnError> {
    let bytes = read_bytes(path, files)?;
    let (tensors, _) = from_bytes(&bytes).map_err(|error| at(error, path))?;
    Ok(tensors)
}

/// Returns the names and shapes of a file's tensors. Reads only the header, and checks it as
/// [`read`] does.
///
/// # Errors
/// As [`read`].
pub fn shapes(path: &Path, files: &Files) -> Result<BTreeMap<String, Vec<usize>>, NnError> {
    let (mut file, n_bytes) = open(path, files)?;
    let header = read_header(&mut file, n_bytes, path)?;
    let tensors = header.tensors.into_iter();
    Ok(tensors.map(|(name, info)| (name, info.shape)).collect())
}

/// Returns the SHA-256 of a file of tensors, in hexadecimal. Only the first bytes are checked, to
/// refuse PyTorch files.
///
/// # Errors
/// [`NnError::PyTorchFile`] and [`NnError::Io`], as [`read`].
pub fn sha256(path: &Path, files: &Files) -> Result<String, NnError> {
    let (mut file, _) = open(path, files)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher).map_err(|source| io_error(path, source))?;
    Ok(hex(&hasher.finalize()))
}

/// Parses tensors and metadata from the bytes of a file.
///
/// # Errors
/// [`NnError::Safetensors`] when the header is cut off, describes other bytes than there are, has
/// overlapping tensors, a gap or a name twice, or names a kind of number that libtorch does not
/// have.
pub fn from_bytes(bytes: &[u8]) -> Result<(State, Metadata), NnError> {
    let n_header = header::length(bytes, bytes.len() as u64).map_err(refused)?;
    let (start, data) = bytes.split_at(header::N_LENGTH + n_header);
    let found = header::parse(&start[header::N_LENGTH..], data.len() as u64).map_err(refused)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| refused(e.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let kind = kind(view.dtype())
            .ok_or_else(|| refused(format!("{name}: {:?} is not supported", view.dtype())))?;
        let size: Result<Vec<i64>, _> = view.shape().iter().map(|&n| i64::try_from(n)).collect();
        let size = size.map_err(|_| refused(format!("{name}: its shape is out of range")))?;
        let tensor = Tensor::f_from_data_size(view.data(), &size, kind)?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok((tensors, found.metadata))
}

/// Serialises tensors to the bytes of a file. The same tensors always give the same bytes.
///
/// Memory layout and device do not matter: the bytes are row by row. Names and metadata are sorted.
///
/// # Errors
/// [`NnError::Safetensors`] for a name that comes twice, or a kind of number that the format does
/// not have; [`NnError::Tch`] when a copy fails.
pub fn to_bytes(tensors: &[(String, Tensor)], metadata: &Metadata) -> Result<Vec<u8>, NnError> {
    let mut bytes = Vec::new();
    write(tensors, metadata, &mut bytes)?;
    Ok(bytes)
}

/// Like [`to_bytes`], but writes to `out`, with memory for one tensor at a time.
///
/// # Errors
/// As [`to_bytes`]; [`NnError::Write`] when `out` refuses.
pub fn write(
    tensors: &[(String, Tensor)],
    metadata: &Metadata,
    out: &mut impl Write,
) -> Result<(), NnError> {
    let mut sorted: Vec<&(String, Tensor)> = tensors.iter().collect();
    // Wide numbers first keep every tensor aligned; the format's own crate does the same.
    sorted
        .sort_by_key(|(name, tensor)| (std::cmp::Reverse(tensor.kind().elt_size_in_bytes()), name));
    let header = described(&sorted, metadata)?;
    let mut put = |bytes: &[u8]| {
        out.write_all(bytes)
            .map_err(|source| NnError::Write { source })
    };
    put(&(header.len() as u64).to_le_bytes())?;
    put(header.as_bytes())?;
    let mut bytes = Vec::new();
    for (_, tensor) in sorted {
        let plain = tensor
            .f_detach()?
            .f_to_device(tch::Device::Cpu)?
            .f_contiguous()?;
        bytes.resize(n_bytes_of(&plain), 0);
        plain.f_copy_data_u8(&mut bytes, plain.numel())?;
        put(&bytes)?;
    }
    Ok(())
}

/// Returns the header, padded with spaces to a multiple of 8.
fn described(tensors: &[&(String, Tensor)], metadata: &Metadata) -> Result<String, NnError> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut end = 0;
    for (name, tensor) in tensors {
        let start = end;
        end += n_bytes_of(tensor);
        let dtype = dtype(tensor.kind())
            .ok_or_else(|| refused(format!("{name}: {:?} is not supported", tensor.kind())))?;
        let entry = json!({
            "dtype": dtype,
            "shape": tensor.size(),
            "data_offsets": [start, end],
        });
        if name == "__metadata__" || entries.insert(name.clone(), entry).is_some() {
            return Err(refused(format!("the name {name} is taken")));
        }
    }
    let mut header = Value::Object(entries).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    Ok(header)
}

fn n_bytes_of(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}

/// Reads a whole file. Checks its header before it takes memory for the rest.
pub(crate) fn read_bytes(path: &Path, files: &Files) -> Result<Vec<u8>, NnError> {
    let (mut file, n_bytes) = open(path, files)?;
    read_header(&mut file, n_bytes, path)?;
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.take(n_bytes).read_to_end(&mut bytes))
        .map_err(|source| io_error(path, source))?;
    Ok(bytes)
}

/// Opens a file and returns its length. Refuses PyTorch files, pipes, sockets and devices.
fn open(path: &Path, files: &Files) -> Result<(fs::File, u64), NnError> {
    let extension = path.extension().and_then(|one| one.to_str());
    let by_name = extension.is_some_and(|one| {
        ["pt", "pth", "ot"]
            .iter()
            .any(|other| one.eq_ignore_ascii_case(other))
    });
    let python = || NnError::PyTorchFile {
        path: path.to_owned(),
    };
    if by_name {
        return Err(python());
    }
    let io = |source| io_error(path, source);
    // Check this before opening: opening a pipe would wait for a writer.
    let about = files.metadata(path).map_err(io)?;
    if !about.is_file() {
        return Err(at(refused("expected a file".to_owned()), path));
    }
    let mut file = files.open(path).map_err(io)?;
    let mut start = Vec::new();
    (&file).take(4).read_to_end(&mut start).map_err(io)?;
    file.rewind().map_err(io)?;
    // A zip archive, or a pickle of protocol 2 as older versions wrote it.
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"\x80\x02") {
        Err(python())
    } else {
        Ok((file, about.len()))
    }
}

/// Reads and checks the header of a file that is at its start.
fn read_header(file: &mut fs::File, n_bytes: u64, path: &Path) -> Result<header::Header, NnError> {
    let refused = |what| at(refused(what), path);
    let mut read = |n: usize| {
        let mut bytes = Vec::new();
        file.take(n as u64)
            .read_to_end(&mut bytes)
            .map_err(|source| io_error(path, source))?;
        Ok::<_, NnError>(bytes)
    };
    let start = read(header::N_LENGTH)?;
    let n_header = header::length(&start, n_bytes).map_err(refused)?;
    let text = read(n_header)?;
    let n_data = n_bytes - (header::N_LENGTH + n_header) as u64;
    header::parse(&text, n_data).map_err(refused)
}

fn io_error(path: &Path, source: io::Error) -> NnError {
    NnError::Io {
        path: path.to_owned(),
        source,
    }
}

/// A digest in hexadecimal.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds the path of the file to an error.
pub(crate) fn at(error: NnError, path: &Path) -> NnError {
    match error {
        NnError::Safetensors { path: None, what } => NnError::Safetensors {
            path: Some(path.to_owned()),
            what,
        },
        other => other,
    }
}

fn refused(what: String) -> NnError {
    NnError::Safetensors { path: None, what }
}

/// libtorch's kind of number for a dtype of the format; `None` if it has none.
pub(crate) fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::U8 => Kind::Uint8,
        Dtype::I8 => Kind::Int8,
        Dtype::I16 => Kind::Int16,
        Dtype::I32 => Kind::Int,
        Dtype::I64 => Kind::Int64,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        _ => return None,
    })
}

fn dtype(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Bool => "BOOL",
        Kind::Uint8 => "U8",
        Kind::Int8 => "I8",
        Kind::Int16 => "I16",
        Kind::Int => "I32",
        Kind::Int64 => "I64",
        Kind::Half => "F16",
        Kind::BFloat16 => "BF16",
        Kind::Float => "F32",
        Kind::Double => "F64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_without_the_tensors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let tensor = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu));
        let tensors = [
            ("b".to_owned(), tensor(&[2, 3])),
            ("a".to_owned(), tensor(&[])),
        ];
        let bytes = to_bytes(&tensors, &Metadata::new()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let expected = [("a".to_owned(), vec![]), ("b".to_owned(), vec![2, 3])];
        assert_eq!(
            shapes(&path, &Files::free()).unwrap(),
            BTreeMap::from(expected)
        );
        std::fs::write(&path, &bytes[..20]).unwrap();
        let error = shapes(&path, &Files::free()).unwrap_err();
        assert!(error.to_string().contains("a.safetensors"), "{error}");
    }
}
