//! Archives written by hand, so that they can say what is not so.

use std::io::Write;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};

/// A file in a zip file, and what the archive says of it.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub packed: Vec<u8>,
    pub crc: u32,
    pub n_packed: u64,
    pub n_bytes: u64,
}

impl Entry {
    pub fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        Self {
            name: name.into(),
            method: 0,
            flags: 0,
            packed: bytes.to_vec(),
            crc: crc.sum(),
            n_packed: bytes.len() as u64,
            n_bytes: bytes.len() as u64,
        }
    }

    pub fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        Self {
            method: 8,
            n_packed: packed.len() as u64,
            packed,
            ..Self::stored(name, bytes)
        }
    }
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn u64s(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// A zip file; with `zip64` every size and place is where ZIP64 has it.
pub fn zip(entries: &[Entry], zip64: bool) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = bytes.len() as u64;
        let n_name = entry.name.len() as u16;
        let sizes = if zip64 {
            u32s(&[entry.crc, u32::MAX, u32::MAX])
        } else {
            u32s(&[entry.crc, entry.n_packed as u32, entry.n_bytes as u32])
        };
        let common = [u16s(&[45, entry.flags, entry.method, 0, 0]), sizes].concat();
        let local = if zip64 {
            [u16s(&[1, 16]), u64s(&[entry.n_bytes, entry.n_packed])].concat()
        } else {
            Vec::new()
        };
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(u16s(&[n_name, local.len() as u16]));
        bytes.extend(
            [&entry.name, &local, &entry.packed]
                .map(Vec::as_slice)
                .concat(),
        );
        let extra = if zip64 {
            [
                u16s(&[1, 24]),
                u64s(&[entry.n_bytes, entry.n_packed, start]),
            ]
            .concat()
        } else {
            Vec::new()
        };
        directory.extend(b"PK\x01\x02\x2D\x03");
        directory.extend(&common);
        directory.extend(u16s(&[n_name, extra.len() as u16, 0, 0, 0, 0, 0]));
        directory.extend(if zip64 {
            u32s(&[u32::MAX])
        } else {
            u32s(&[start as u32])
        });
        directory.extend([&entry.name, &extra].map(Vec::as_slice).concat());
    }
    let (start, n_bytes, n) = (
        bytes.len() as u64,
        directory.len() as u64,
        entries.len() as u64,
    );
    bytes.extend(directory);
    if zip64 {
        let end = bytes.len() as u64;
        bytes.extend(b"PK\x06\x06");
        bytes.extend([u64s(&[44]), u16s(&[45, 45]), u32s(&[0, 0])].concat());
        bytes.extend(u64s(&[n, n, n_bytes, start]));
        bytes.extend(b"PK\x06\x07");
        bytes.extend([u32s(&[0]), u64s(&[end]), u32s(&[1])].concat());
        bytes.extend(b"PK\x05\x06");
        bytes.extend([u16s(&[0, 0, 0xFFFF, 0xFFFF]), u32s(&[u32::MAX, u32::MAX])].concat());
    } else {
        bytes.extend(b"PK\x05\x06");
        bytes.extend(u16s(&[0, 0, n as u16, n as u16]));
        bytes.extend(u32s(&[n_bytes as u32, start as u32]));
    }
    bytes.extend([0, 0]);
    bytes
}

/// A header of a tar file, of this type and size.
pub fn tar_header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A file in a tar file.
pub fn tar_entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut entry = tar_header(name, kind, bytes.len() as u64);
    entry.extend(bytes);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// A tar file of these entries.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [&entries.concat()[..], &[0; 1024]].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
