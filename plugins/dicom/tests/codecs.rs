//! Small images of the reference encoders, sample for sample: `reference/make_codecs.py`.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use std::fmt;

use pe_dicom::in_memory;

const RECORDS: &[u8] = include_bytes!("reference/codecs.bin");
const JPEG_LS: &str = "1.2.840.10008.1.2.4.81";
const HTJ2K: &str = "1.2.840.10008.1.2.4.203";

/// One image.
struct Record {
    coding: u32,
    rows: u16,
    cols: u16,
    samples: u16,
    bits: u16,
    near: u32,
    stream: &'static [u8],
    values: Vec<i64>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coding = ["JPEG-LS", "HTJ2K"][self.coding as usize];
        write!(
            f,
            "{coding}, {} × {} of {}, {} bits, error {}",
            self.rows, self.cols, self.samples, self.bits, self.near
        )
    }
}

fn records() -> Vec<Record> {
    let mut rest = RECORDS;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_at(28);
        let head: Vec<u32> = head
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect();
        let [rows, cols, samples, bits] = [1, 2, 3, 4].map(|n| head[n] as u16);
        let (stream, after) = after.split_at(head[6] as usize);
        let n_values = usize::from(rows) * usize::from(cols) * usize::from(samples);
        let (values, after) = after.split_at(2 * n_values);
        let values = values.as_chunks::<2>().0.iter();
        found.push(Record {
            coding: head[0],
            rows,
            cols,
            samples,
            bits,
            near: head[5],
            stream,
            values: values.map(|it| u16::from_le_bytes(*it).into()).collect(),
        });
        rest = after;
    }
    found
}

impl Record {
    /// A DICOM file of the stream.
    fn file(&self, stream: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let mut put = |tag: [u8; 4], vr: &[u8; 2], value: &[u8]| {
            bytes.extend(tag);
            bytes.extend(vr);
            bytes.extend((value.len() as u16).to_le_bytes());
            bytes.extend(value);
        };
        let syntax = [JPEG_LS, HTJ2K][self.coding as usize].as_bytes();
        let padded = [syntax, &[0][..syntax.len() % 2]].concat();
        put([2, 0, 0x10, 0], b"UI", &padded);
        let allocated = if self.bits > 8 { 16_u16 } else { 8 };
        for (element, value) in [
            ([0x28, 0, 2, 0], self.samples),
            ([0x28, 0, 0x10, 0], self.rows),
            ([0x28, 0, 0x11, 0], self.cols),
            ([0x28, 0, 0, 1], allocated),
            ([0x28, 0, 1, 1], self.bits),
            ([0x28, 0, 2, 1], self.bits - 1),
        ] {
            put(element, b"US", &value.to_le_bytes());
        }
        bytes.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0");
        bytes.extend(b"\xFE\xFF\x00\xE0");
        bytes.extend((stream.len() as u32).to_le_bytes());
        bytes.extend(stream);
        bytes.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
        bytes
    }

    fn is_read(&self) -> bool {
        self.coding == 0 || cfg!(feature = "jpeg2000")
    }
}

#[test]
fn every_stream_is_the_reference_decoders_image() {
    let records = records();
    assert_eq!(records.len(), 33);
    for record in records.iter().filter(|record| record.is_read()) {
        let image = in_memory::decode(&record.file(record.stream));
        let image = image.unwrap_or_else(|error| panic!("{record}: {error}"));
        assert!(image.values == record.values, "{record}");
    }
}

#[test]
fn a_scan_begins_anew_behind_a_restart_marker() {
    let records = records();
    let is_plain = |one: &&Record| one.coding == 0 && one.samples == 1 && one.rows == 41;
    let plain: Vec<&Record> = records.iter().filter(is_plain).collect();
    assert!(plain.len() > 10);
    for record in plain {
        // Its data twice: DRI says that a scan begins anew every 41 lines.
        let at = record.stream.windows(2).position(|two| two == [0xFF, 0xDA]);
        let (head, scan) = record.stream.split_at(at.unwrap());
        let (scan_head, data) = scan.split_at(2 + usize::from(scan[3]));
        let data = &data[..data.len() - 2];
        let mut stream = head.to_vec();
        assert_eq!(stream[2..4], [0xFF, 0xF7]);
        stream[8] = 82;
        stream.extend(b"\xFF\xDD\0\x04\0\x29");
        stream.extend([scan_head, data, b"\xFF\xD0", data, b"\xFF\xD9"].concat());
        let twice = Record {
            rows: 82,
            stream: &[],
            values: Vec::new(),
            ..*record
        };
        let image = in_memory::decode(&twice.file(&stream)).unwrap();
        assert!(image.values == record.values.repeat(2), "{record}");
        stream[8] = 81;
        assert!(in_memory::decode(&twice.file(&stream)).is_err());
    }
}

#[test]
fn a_broken_stream_is_an_error_or_an_image_and_never_more() {
    for record in records().iter().filter(|record| record.is_read()) {
        let mut n_errors = 0;
        let places = 0..record.stream.len();
        for at in places.filter(|at| *at < 64 || at % 5 == 0) {
            for mask in [0x01, 0xFF] {
                let mut stream = record.stream.to_vec();
                stream[at] ^= mask;
                n_errors += u32::from(in_memory::decode(&record.file(&stream)).is_err());
            }
            let cut = in_memory::decode(&record.file(&record.stream[..at & !1]));
            // OpenJPEG makes an image of what there is.
            let may_end = record.coding == 1 || at + 4 > record.stream.len();
            assert!(cut.is_err() || may_end, "{record}: {at}");
        }
        assert!(n_errors > 20, "{record}: {n_errors}");
    }
}
