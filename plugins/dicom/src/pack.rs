//! Compact storage of many similar values. A value is a row of columns. Of each row, only the columns
//! that differ from the row before are kept, without the bytes that they begin with in common.
//!
//! The headers of a series differ only in a UID, a number and a position, so that a header of 1 kB takes
//! some 50 bytes. The [index](crate::index) stores the same bytes on the disk.

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary;
use dicom_dictionary_std::StandardDataDictionary;

use crate::header::{FrameFacts, Header, Pixels, Technique};
use crate::layout::Layout;
use crate::syntax::{self, Syntax};

/// A value that can be a row or a part of one.
pub(crate) trait Pack: Sized {
    fn put(&self, row: &mut Row);
    /// Reads the value back; `None` for bytes that `put` did not write.
    fn take(from: &mut Reader) -> Option<Self>;
}

/// The bytes of one value, in columns.
#[derive(Debug, Default)]
pub(crate) struct Row {
    bytes: Vec<u8>,
    /// The end of each column.
    ends: Vec<u32>,
    /// True inside a list, whose values are not split into columns: rows may have lists of different
    /// lengths, which would shift all later columns.
    in_list: bool,
}

impl Row {
    fn of<T: Pack>(value: &T) -> Self {
        let mut row = Self::default();
        value.put(&mut row);
        row.end();
        row
    }

    /// Ends a column.
    pub fn end(&mut self) {
        if !self.in_list {
            self.ends.push(self.bytes.len() as u32);
        }
    }

    fn column(&self, n: usize) -> &[u8] {
        let start = n.checked_sub(1).map_or(Some(&0), |n| self.ends.get(n));
        match (start, self.ends.get(n)) {
            (Some(start), Some(end)) => &self.bytes[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// Appends a number with 7 bits a byte, lowest first; the high bit marks that more follow (LEB128).
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// The bytes that are left to read.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.bytes(1)?.first_chunk()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }
}

/// Rows, each stored as the difference to the one before.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    last: Row,
}

impl Rows {
    pub fn push<T: Pack>(&mut self, value: &T) {
        let row = Row::of(value);
        // Reserve an eighth at most, not double as `Vec` does: there may be millions of rows.
        let most = row.bytes.len() + 16 + 12 * row.ends.len();
        if self.bytes.capacity() - self.bytes.len() < most {
            self.bytes.reserve_exact(most.max(self.bytes.len() / 8));
        }
        self.differences(&row);
        self.last = row;
    }

    /// Writes the number of columns, a bit for each one that differs, and the new parts of these.
    fn differences(&mut self, row: &Row) {
        let mut out = Row {
            bytes: std::mem::take(&mut self.bytes),
            ..Row::default()
        };
        let n_columns = row.ends.len();
        out.number(n_columns as u64);
        let mask = out.bytes.len();
        out.bytes.resize(mask + n_columns.div_ceil(8), 0);
        for n in 0..n_columns {
            let (before, now) = (self.last.column(n), row.column(n));
            if before == now {
                continue;
            }
            out.bytes[mask + n / 8] |= 1 << (n % 8);
            let alike = before.iter().zip(now).take_while(|(a, b)| a == b).count();
            out.number(alike as u64);
            out.number((now.len() - alike) as u64);
            out.bytes.extend(&now[alike..]);
        }
        self.bytes = out.bytes;
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads all values back; `None` for bytes that [`Rows::push`] did not write.
    pub fn read<T: Pack>(bytes: &[u8]) -> Option<Vec<T>> {
        let mut from = Reader(bytes);
        let mut last = Row::default();
        let mut values = Vec::new();
        while !from.0.is_empty() {
            last = next_row(&mut from, &last)?;
            let mut row = Reader(&last.bytes);
            values.push(T::take(&mut row)?);
            if !row.0.is_empty() {
                return None;
            }
        }
        Some(values)
    }
}

fn next_row(from: &mut Reader, last: &Row) -> Option<Row> {
    let n_columns = from.length()?;
    let mask = from.bytes(n_columns.div_ceil(8))?;
    let mut row = Row::default();
    for n in 0..n_columns {
        // An unset bit: equal to the row before. A set bit: the number of equal bytes, then the rest.
        let before = last.column(n);
        if mask[n / 8] >> (n % 8) & 1 == 0 {
            row.bytes.extend(before);
        } else {
            let alike = from.length()?;
            row.bytes.extend(before.get(..alike)?);
            let rest = from.length()?;
            row.bytes.extend(from.bytes(rest)?);
        }
        row.end();
    }
    Some(row)
}

/// Implements `Pack` with a struct's fields as columns. It does not compile if a field is missing.
macro_rules! pack {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::pack::Pack for $name {
            fn put(&self, row: &mut $crate::pack::Row) {
                let Self { $($field),* } = self;
                $($crate::pack::Pack::put($field, row); row.end();)*
            }

            fn take(from: &mut $crate::pack::Reader) -> Option<Self> {
                $(let $field = $crate::pack::Pack::take(from)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}
pub(crate) use pack;

pack!(Header {
    study_uid,
    series_uid,
    sop_uid,
    sop_class,
    modality,
    patient_key,
    instance_number,
    layout,
    frame,
    per_frame,
    technique,
    pixels,
    invalid,
});

pack!(FrameFacts {
    position,
    orientation,
    pixel_spacing,
    slice_thickness,
    spacing_between,
    slope,
    intercept,
    rescale_type,
    localizer,
    image_type_key,
    acquisition,
    temporal,
});

pack!(Technique {
    kvp,
    kernel,
    kernel_key,
    time_us,
});

pack!(Pixels {
    tag,
    in_words,
    start,
    declared,
    available
});

pack!(Layout {
    rows,
    cols,
    n_frames,
    samples,
    planar,
    photometric,
    bits_allocated,
    bits_stored,
    high_bit,
    signed,
    padding,
});

impl Pack for u64 {
    fn put(&self, row: &mut Row) {
        row.number(*self);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        from.number()
    }
}

impl Pack for u32 {
    fn put(&self, row: &mut Row) {
        row.number((*self).into());
    }

    fn take(from: &mut Reader) -> Option<Self> {
        from.number()?.try_into().ok()
    }
}

impl Pack for usize {
    fn put(&self, row: &mut Row) {
        row.number(*self as u64);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        from.length()
    }
}

impl Pack for i64 {
    fn put(&self, row: &mut Row) {
        // Zigzag encoding: numbers near zero are short, whatever their sign.
        row.number((*self << 1 ^ *self >> 63) as u64);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let number = from.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl Pack for bool {
    fn put(&self, row: &mut Row) {
        row.bytes.push(u8::from(*self));
    }

    fn take(from: &mut Reader) -> Option<Self> {
        match from.bytes(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Pack for f64 {
    fn put(&self, row: &mut Row) {
        // Big-endian, sign first: close numbers then begin with the same bytes.
        row.bytes.extend(self.to_bits().to_be_bytes());
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let bytes = from.bytes(8)?.first_chunk()?;
        Some(Self::from_bits(u64::from_be_bytes(*bytes)))
    }
}

impl<const N: usize> Pack for [f64; N] {
    fn put(&self, row: &mut Row) {
        self.iter().for_each(|number| number.put(row));
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = f64::take(from)?;
        }
        Some(numbers)
    }
}

impl Pack for String {
    fn put(&self, row: &mut Row) {
        row.number(self.len() as u64);
        row.bytes.extend(self.as_bytes());
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let length = from.length()?;
        Self::from_utf8(from.bytes(length)?.to_vec()).ok()
    }
}

/// The name of an attribute. Reading looks it up in the dictionary, for a `'static` text.
impl Pack for &'static str {
    fn put(&self, row: &mut Row) {
        row.number(self.len() as u64);
        row.bytes.extend(self.as_bytes());
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let name = String::take(from)?;
        StandardDataDictionary
            .by_name(&name)
            .map(|entry| entry.alias)
    }
}

impl Pack for Tag {
    fn put(&self, row: &mut Row) {
        (u32::from(self.0) << 16 | u32::from(self.1)).put(row);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let tag = u32::take(from)?;
        Some(Self((tag >> 16) as u16, tag as u16))
    }
}

impl Pack for Syntax {
    fn put(&self, row: &mut Row) {
        self.uid.to_owned().put(row);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        String::take(from).map(|uid| syntax::of(&uid))
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn put(&self, row: &mut Row) {
        self.0.put(row);
        row.end();
        self.1.put(row);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

/// A flag, then the value if there is one. So a row may have fewer columns than another.
impl<T: Pack> Pack for Option<T> {
    fn put(&self, row: &mut Row) {
        self.is_some().put(row);
        if let Some(value) = self {
            value.put(row);
        }
    }

    fn take(from: &mut Reader) -> Option<Self> {
        if bool::take(from)? {
            T::take(from).map(Some)
        } else {
            Some(None)
        }
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn put(&self, row: &mut Row) {
        row.number(self.len() as u64);
        let outer = std::mem::replace(&mut row.in_list, true);
        self.iter().for_each(|value| value.put(row));
        row.in_list = outer;
    }

    fn take(from: &mut Reader) -> Option<Self> {
        (0..from.length()?).map(|_| T::take(from)).collect()
    }
}

impl<T: Pack, E: Pack> Pack for Result<T, E> {
    fn put(&self, row: &mut Row) {
        self.is_ok().put(row);
        row.end();
        match self {
            Ok(value) => value.put(row),
            Err(error) => error.put(row),
        }
    }

    fn take(from: &mut Reader) -> Option<Self> {
        if bool::take(from)? {
            T::take(from).map(Ok)
        } else {
            E::take(from).map(Err)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(n: usize) -> Header {
        Header {
            study_uid: "1.2.840.113619.2.55.3.604688119.971.1234567890.1".into(),
            series_uid: "1.2.840.113619.2.55.3.604688119.971.1234567890.2".into(),
            sop_uid: format!("1.2.840.113619.2.55.3.604688119.971.1234567890.{}", n * 7),
            modality: "CT".into(),
            patient_key: Some("0123456789abcdef".into()),
            instance_number: Some(n as i64 - 3),
            layout: Layout {
                rows: 512,
                cols: 512,
                n_frames: 1,
                padding: Some((-2000, -1)),
                ..Layout::default()
            },
            frame: FrameFacts {
                position: Some([-180.0, -201.5, n as f64 * 0.7 - 90.1]),
                orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, -0.0]),
                rescale_type: (n % 3 == 1).then(|| "HU".into()),
                ..FrameFacts::default()
            },
            pixels: Some(Pixels {
                tag: dicom_dictionary_std::tags::PIXEL_DATA,
                in_words: true,
                start: 1722 + n % 2,
                declared: (n % 5 != 1).then_some(524_288),
                available: 524_288,
            }),
            invalid: if n % 4 == 3 { vec!["KVP"] } else { Vec::new() },
            per_frame: vec![FrameFacts::default(); n % 3],
            ..Header::default()
        }
    }

    fn packed(headers: &[Header]) -> Rows {
        let mut rows = Rows::default();
        headers.iter().for_each(|header| rows.push(header));
        rows
    }

    #[test]
    fn headers_come_out_as_they_went_in() {
        let headers: Vec<Header> = (0..50).map(header).collect();
        let read: Vec<Header> = Rows::read(packed(&headers).bytes()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{headers:?}"));
        assert!(Rows::read::<Header>(&[]).unwrap().is_empty());
    }

    #[test]
    fn the_headers_of_a_series_take_fifty_bytes_each() {
        let one = |n: usize| Header {
            per_frame: Vec::new(),
            invalid: Vec::new(),
            ..header(n * 60)
        };
        let headers: Vec<Header> = (0..250).map(one).collect();
        let each = packed(&headers).bytes().len() / headers.len();
        assert!(each <= 50, "{each} bytes");
    }

    #[test]
    fn broken_rows_are_none() {
        let rows = packed(&(0..5).map(header).collect::<Vec<_>>());
        let bytes = rows.bytes();
        for end in 1..bytes.len() {
            let whole = Rows::read::<Header>(&bytes[..end]);
            assert!(whole.is_none_or(|headers| headers.len() < 5));
        }
    }

    type Value = ((i64, u64), (String, Option<f64>));

    proptest! {
        #[test]
        fn values_come_out_as_they_went_in(
            values in prop::collection::vec((any::<i64>(), any::<u64>(), ".{0,9}", prop::option::of(any::<f64>())), 0..20)
        ) {
            let values: Vec<_> = values.into_iter().map(|(a, b, c, d)| ((a, b), (c, d))).collect();
            let mut rows = Rows::default();
            values.iter().for_each(|value| rows.push(value));
            let read = Rows::read::<Value>(rows.bytes()).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{values:?}"));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Rows::read::<Header>(&bytes);
        }
    }
}
