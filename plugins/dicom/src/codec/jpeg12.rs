//! 12-bit sequential DCT JPEG with Huffman coding (ISO 10918-1 process 4, "extended"). DICOM's JPEG
//! Extended syntax allows it, but `jpeg-decoder` does not support it. Figures and sections are those of
//! ISO 10918-1.

use super::check_size;
use super::huffman::{Bits, Table};
use crate::layout::Layout;

const BLOCK: usize = 64;
/// A 12-bit sample is between 0 and 4095, and is coded minus 2048 (section A.3.1).
const LEVEL_SHIFT: f32 = 2048.0;
const MAX_SAMPLE: f32 = 4095.0;

/// Natural position of the coefficients in zigzag order, figure A.6.
const ZIGZAG: [usize; BLOCK] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let mut decoder = Decoder::default();
    let mut pos = 2;
    loop {
        let (marker, segment) = next_segment(data, &mut pos)?;
        match marker {
            0xC0 | 0xC1 => decoder.frame(segment, layout)?,
            0xC4 => decoder.huffman_tables(segment)?,
            0xDB => decoder.quantization_tables(segment)?,
            0xDD => {
                let interval = segment
                    .first_chunk()
                    .ok_or("a restart interval ends early")?;
                decoder.restart_interval = u16::from_be_bytes(*interval).into();
            }
            0xDA => pos += decoder.scan(segment, &data[pos..])?,
            0xD9 => return decoder.samples(layout),
            0xC2..=0xCF => return Err("not a sequential Huffman-coded JPEG".into()),
            _ => {}
        }
        if decoder.is_complete() {
            return decoder.samples(layout);
        }
    }
}

/// Reads the next marker and its segment (section B.1.1.4).
fn next_segment<'a>(data: &'a [u8], pos: &mut usize) -> Result<(u8, &'a [u8]), String> {
    let early = "the JPEG stream ends early";
    while data.get(*pos..*pos + 2).ok_or(early)? == [0xFF, 0xFF] {
        *pos += 1;
    }
    let &[0xFF, marker] = &data[*pos..*pos + 2] else {
        return Err("expected a JPEG marker".into());
    };
    *pos += 2;
    if marker == 0xD9 {
        return Ok((marker, &[]));
    }
    let length = data[*pos..].first_chunk().ok_or(early)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let segment = data.get(*pos + 2..*pos + length).ok_or(early)?;
    *pos += length;
    Ok((marker, segment))
}

#[derive(Default)]
struct Decoder {
    quantization: [Option<[u16; BLOCK]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    components: Vec<Component>,
    size: (usize, usize),
    restart_interval: usize,
}

/// One component, with its samples in whole blocks.
struct Component {
    id: u8,
    /// Horizontal and vertical sampling factor.
    h: usize,
    v: usize,
    quantization: usize,
    /// Number of rows and columns of blocks that hold the image. Stored are whole MCUs, which may be
    /// more.
    blocks: (usize, usize),
    stored_cols: usize,
    samples: Vec<u16>,
    done: bool,
}

/// A component of a scan: its index and the indices of its tables.
struct ScanComponent {
    component: usize,
    dc: usize,
    ac: usize,
}

impl Decoder {
    /// Reads a frame header (section B.2.2).
    fn frame(&mut self, segment: &[u8], layout: &Layout) -> Result<(), String> {
        let (&[precision, r0, r1, c0, c1, n], specs) = segment
            .split_first_chunk::<6>()
            .ok_or("a start of frame ends early")?;
        let rows = usize::from(u16::from_be_bytes([r0, r1]));
        let cols = usize::from(u16::from_be_bytes([c0, c1]));
        check_size(layout, rows, cols, n.into())?;
        if precision != 12 || !self.components.is_empty() {
            return Err("expected one frame of 12 bits".into());
        }
        let specs = specs.as_chunks::<3>().0;
        let factors = |spec: &[u8; 3]| (usize::from(spec[1] >> 4), usize::from(spec[1] & 15));
        if specs.len() != usize::from(n)
            || specs.iter().any(|s| {
                let (h, v) = factors(s);
                !(1..=4).contains(&h) || !(1..=4).contains(&v) || s[2] > 3
            })
        {
            return Err("a start of frame has components that make no sense".into());
        }
        let max_h = specs.iter().map(|s| factors(s).0).max().unwrap_or(1);
        let max_v = specs.iter().map(|s| factors(s).1).max().unwrap_or(1);
        let mcus = (rows.div_ceil(8 * max_v), cols.div_ceil(8 * max_h));
        self.size = (rows, cols);
        for spec in specs {
            let (h, v) = factors(spec);
            let rows = (rows * v).div_ceil(max_v);
            let cols = (cols * h).div_ceil(max_h);
            self.components.push(Component {
                id: spec[0],
                h,
                v,
                quantization: spec[2].into(),
                blocks: (rows.div_ceil(8), cols.div_ceil(8)),
                stored_cols: mcus.1 * h * 8,
                samples: vec![0; mcus.0 * v * 8 * mcus.1 * h * 8],
                done: false,
            });
        }
        Ok(())
    }

    /// Reads quantization tables (section B.2.4.1).
    fn quantization_tables(&mut self, mut segment: &[u8]) -> Result<(), String> {
        let early = "a quantization table ends early";
        while let Some((&head, rest)) = segment.split_first() {
            let width = usize::from(head >> 4) + 1;
            let values = rest.get(..BLOCK * width).ok_or(early)?;
            let slot = self.quantization.get_mut(usize::from(head & 15));
            let mut table = [0; BLOCK];
            for (value, bytes) in table.iter_mut().zip(values.chunks_exact(width)) {
                *value = bytes
                    .iter()
                    .fold(0, |value, &byte| value << 8 | u16::from(byte));
            }
            *slot.ok_or("a quantization table beyond the fourth")? = Some(table);
            segment = &rest[BLOCK * width..];
        }
        Ok(())
    }

    /// Reads Huffman tables (section B.2.4.2).
    fn huffman_tables(&mut self, mut segment: &[u8]) -> Result<(), String> {
        while let Some((&head, rest)) = segment.split_first() {
            let (table, rest) = Table::read(rest)?;
            let tables = if head >> 4 == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            let slot = tables.get_mut(usize::from(head & 15));
            *slot.ok_or("a Huffman table beyond the fourth")? = Some(table);
            segment = rest;
        }
        Ok(())
    }

    /// Decodes one scan (section B.2.3); returns the number of bytes consumed.
    fn scan(&mut self, segment: &[u8], data: &[u8]) -> Result<usize, String> {
        let scan = self.scan_components(segment)?;
        let mut bits = Bits::new(data);
        let mut predictions = vec![0; scan.len()];
        // A scan of one component has one block per unit, and no blocks beyond the image (A.2.2).
        let alone = scan.len() == 1;
        let (unit_rows, unit_cols) = if alone {
            self.components[scan[0].component].blocks
        } else {
            let first = &self.components[scan[0].component];
            let rows = first.samples.len() / first.stored_cols / (8 * first.v);
            (rows, first.stored_cols / (8 * first.h))
        };
        for unit in 0..unit_rows * unit_cols {
            if self.restart_interval > 0 && unit > 0 && unit % self.restart_interval == 0 {
                bits.restart()?;
                predictions.fill(0);
            }
            let (row, col) = (unit / unit_cols, unit % unit_cols);
            for (part, prediction) in scan.iter().zip(&mut predictions) {
                let Component { h, v, .. } = self.components[part.component];
                let (h, v) = if alone { (1, 1) } else { (h, v) };
                for block in 0..h * v {
                    let at = (row * v + block / h, col * h + block % h);
                    self.block(part, at, &mut bits, prediction)?;
                }
            }
        }
        for part in &scan {
            self.components[part.component].done = true;
        }
        Ok(bits.consumed())
    }

    fn scan_components(&self, segment: &[u8]) -> Result<Vec<ScanComponent>, String> {
        let (&n, rest) = segment.split_first().ok_or("a scan header ends early")?;
        let (specs, spectral) = rest
            .split_at_checked(2 * usize::from(n))
            .ok_or("a scan header ends early")?;
        if spectral.first_chunk() != Some(&[0, 63, 0]) {
            return Err("expected a scan of coefficients 0 to 63, as a sequential JPEG has".into());
        }
        let mut scan = Vec::new();
        for &[id, tables] in specs.as_chunks::<2>().0 {
            let component = self.components.iter().position(|c| c.id == id);
            let component = component.ok_or("a scan of an unknown component")?;
            // Refuse a second scan of a component: it would only cost time (section B.2.3).
            if self.components[component].done {
                return Err("a component that comes in two scans".into());
            }
            scan.push(ScanComponent {
                component,
                dc: usize::from(tables >> 4),
                ac: usize::from(tables & 15),
            });
        }
        if scan.is_empty() {
            return Err("a scan without components".into());
        }
        Ok(scan)
    }

    fn block(
        &mut self,
        part: &ScanComponent,
        (row, col): (usize, usize),
        bits: &mut Bits,
        prediction: &mut i32,
    ) -> Result<(), String> {
        let missing = "a scan names a table that is not there";
        let dc = self
            .dc
            .get(part.dc)
            .and_then(Option::as_ref)
            .ok_or(missing)?;
        let ac = self
            .ac
            .get(part.ac)
            .and_then(Option::as_ref)
            .ok_or(missing)?;
        let component = &mut self.components[part.component];
        let quantization = self.quantization[component.quantization].ok_or(missing)?;
        let coefficients = coefficients(bits, dc, ac, &quantization, prediction)?;
        let start = row * 8 * component.stored_cols + col * 8;
        for (row, samples) in inverse_dct(&coefficients).chunks_exact(8).enumerate() {
            let start = start + row * component.stored_cols;
            for (target, sample) in component.samples[start..start + 8].iter_mut().zip(samples) {
                *target = (sample + LEVEL_SHIFT).round().clamp(0.0, MAX_SAMPLE) as u16;
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|component| component.done)
    }

    /// Returns the samples by pixel; those of a subsampled component are repeated.
    fn samples(&self, layout: &Layout) -> Result<Vec<u32>, String> {
        if !self.is_complete() {
            return Err("the JPEG stream ends before all its components came".into());
        }
        let max_h = self.components.iter().map(|c| c.h).max().unwrap_or(1);
        let max_v = self.components.iter().map(|c| c.v).max().unwrap_or(1);
        let mut words = Vec::with_capacity(layout.frame_samples());
        for row in 0..self.size.0 {
            for col in 0..self.size.1 {
                for component in &self.components {
                    let row = row * component.v / max_v;
                    let col = col * component.h / max_h;
                    words.push(component.samples[row * component.stored_cols + col].into());
                }
            }
        }
        Ok(words)
    }
}

/// Decodes the coefficients of one block, dequantized and in natural order (section F.2.2).
fn coefficients(
    bits: &mut Bits,
    dc: &Table,
    ac: &Table,
    quantization: &[u16; BLOCK],
    prediction: &mut i32,
) -> Result<[f32; BLOCK], String> {
    let mut block = [0.0; BLOCK];
    let size = bits.symbol(dc)?;
    // Differences of 12-bit samples have at most 15 bits (table F.6).
    *prediction = prediction.saturating_add(bits.signed(size.min(16))?);
    block[0] = *prediction as f32 * f32::from(quantization[0]);
    let mut k = 1;
    while k < BLOCK {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), symbol & 15);
        match (run, size) {
            (15, 0) => k += 16,
            (_, 0) => break,
            _ => {
                k += run;
                let value = bits.signed(size)? as f32;
                let at = *ZIGZAG
                    .get(k)
                    .ok_or("a run of coefficients leaves its block")?;
                block[at] = value * f32::from(quantization[k]);
                k += 1;
            }
        }
    }
    Ok(block)
}

/// The inverse DCT of section A.3.3, first by rows, then by columns.
fn inverse_dct(coefficients: &[f32; BLOCK]) -> [f32; BLOCK] {
    let basis = basis();
    let mut rows = [0.0; BLOCK];
    for v in 0..8 {
        for x in 0..8 {
            rows[v * 8 + x] = (0..8)
                .map(|u| basis[u * 8 + x] * coefficients[v * 8 + u])
                .sum();
        }
    }
    let mut samples = [0.0; BLOCK];
    for y in 0..8 {
        for x in 0..8 {
            samples[y * 8 + x] = (0..8).map(|v| basis[v * 8 + y] * rows[v * 8 + x]).sum();
        }
    }
    samples
}

/// Basis of the DCT: `C(u) / 2 · cos((2x + 1) u π / 16)` at `[u, x]`.
fn basis() -> &'static [f32; BLOCK] {
    static BASIS: std::sync::LazyLock<[f32; BLOCK]> = std::sync::LazyLock::new(|| {
        std::array::from_fn(|at| {
            let (u, x) = ((at / 8) as f64, (at % 8) as f64);
            let scale = if at / 8 == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let angle = (2.0 * x + 1.0) * u * std::f64::consts::PI / 16.0;
            (scale / 2.0 * angle.cos()) as f32
        })
    });
    &BASIS
}
