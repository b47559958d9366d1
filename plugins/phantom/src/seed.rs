//! Random numbers from independent streams, each named by its purpose. So no draw depends on another
//! exam, another slice, the order of work or the number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers for one purpose.
///
/// The conversions from bits to numbers are written here: a crate's distributions may change their
/// values between versions, but the files must not change. Functions like `sin` come from `libm`,
/// since the system's own differ in the last bit between machines.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream for `what` and `indices` (the exam, the slice) in the cohort of `seed`.
    pub fn new(seed: u64, what: &str, indices: &[usize]) -> Self {
        Self(ChaCha8Rng::from_seed(digest(seed, what, indices)))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        // An f32 holds 24 bits exactly.
        let unit = (self.0.next_u64() >> 40) as f32 / 16_777_216.0;
        low + (high - low) * unit
    }

    /// Uniform in a range.
    pub fn within(&mut self, [low, high]: [f32; 2]) -> f32 {
        self.uniform(low, high)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.uniform(0.0, 1.0) < p
    }

    /// Uniform in `0..n`; 0 for an `n` of 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Standard normal (Box–Muller).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * libm::logf(1.0 - self.uniform(0.0, 1.0))).sqrt();
        radius * libm::cosf(self.uniform(0.0, std::f32::consts::TAU))
    }
}

fn digest(seed: u64, what: &str, indices: &[usize]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"pe-phantom\0");
    hasher.update(&seed.to_le_bytes());
    hasher.update(what.as_bytes());
    hasher.update(&[0]);
    for &idx in indices {
        hasher.update(&(idx as u64).to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Makes a UID for `what` and `indices` in the cohort of `seed`: `2.25.N`, with N the decimal value of
/// a UUID (DICOM PS3.5 annex B.2) of version 8, custom, made from a digest (RFC 9562).
pub(crate) fn uid(seed: u64, what: &str, indices: &[usize]) -> String {
    let digest = digest(seed, &format!("uid {what}"), indices);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// Smooth value noise in three dimensions: random values in [−1, 1] at integer points, interpolated
/// between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texture(u32);

impl Texture {
    pub fn new(stream: &mut Stream) -> Self {
        Self(stream.next_u64() as u32)
    }

    /// Returns the value at a point. Integer points are independent of each other.
    #[inline]
    pub fn at(self, a: f32, b: f32, c: f32) -> f32 {
        let (ia, fa) = cell(a);
        let (ib, fb) = cell(b);
        let (ic, fc) = cell(c);
        let plane = |c: i32| {
            let row = |b: i32| {
                let low = self.corner(ia, b, c);
                low + (self.corner(ia + 1, b, c) - low) * fa
            };
            let low = row(ib);
            low + (row(ib + 1) - low) * fb
        };
        let low = plane(ic);
        low + (plane(ic + 1) - low) * fc
    }

    #[inline]
    fn corner(self, a: i32, b: i32, c: i32) -> f32 {
        // Three odd multipliers and a final mix (the constants of MurmurHash3's finalizer).
        let mut h = (a as u32).wrapping_mul(0x9e37_79b1)
            ^ (b as u32).wrapping_mul(0x85eb_ca77)
            ^ (c as u32).wrapping_mul(0xc2b2_ae3d)
            ^ self.0;
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^= h >> 16;
        h as f32 / 2_147_483_648.0 - 1.0
    }
}

/// A texture at one height over a part of the plane, with its random values in a table: looking
/// them up is several times faster than computing them. Values equal those of [`Texture::at`].
pub(crate) struct TexturePlane {
    texture: Texture,
    height: f32,
    /// Eased fraction of the height within its cell.
    part: f32,
    /// The first column and row of the table, and their numbers.
    from: (i32, i32),
    n: (usize, usize),
    /// `[row, col]`: the values at the integer heights below and above.
    corners: Vec<[f32; 2]>,
}

impl TexturePlane {
    /// Makes the plane at the third coordinate `c`. It is fast for a first coordinate within `a` and a
    /// second one within `b`, and correct for all.
    pub fn new(texture: Texture, a: [f32; 2], b: [f32; 2], c: f32) -> Self {
        let (ic, part) = cell(c);
        let (first_a, first_b) = (cell(a[0]).0, cell(b[0]).0);
        let n = |from: i32, to: f32| usize::try_from(cell(to).0 - from + 2).unwrap_or(0);
        let (n_a, n_b) = (n(first_a, a[1]), n(first_b, b[1]));
        let corner = |i: usize| {
            let (ia, ib) = (first_a + (i % n_a) as i32, first_b + (i / n_a) as i32);
            [ic, ic + 1].map(|ic| texture.corner(ia, ib, ic))
        };
        Self {
            texture,
            height: c,
            part,
            from: (first_a, first_b),
            n: (n_a, n_b),
            corners: (0..n_a * n_b).map(corner).collect(),
        }
    }

    /// Returns the value at a point of the plane.
    #[inline]
    pub fn at(&self, a: f32, b: f32) -> f32 {
        let (ia, fa) = cell(a);
        let (ib, fb) = cell(b);
        // A point outside the table is computed directly. A negative index wraps to a huge one.
        let col = ia.wrapping_sub(self.from.0) as usize;
        let row = ib.wrapping_sub(self.from.1) as usize;
        if col >= self.n.0.wrapping_sub(1) || row >= self.n.1.wrapping_sub(1) {
            return self.texture.at(a, b, self.height);
        }
        let first = row * self.n.0 + col;
        let row = |first: usize, k: usize| {
            let low = self.corners[first][k];
            low + (self.corners[first + 1][k] - low) * fa
        };
        let plane = |k: usize| {
            let low = row(first, k);
            low + (row(first + self.n.0, k) - low) * fb
        };
        let low = plane(0);
        low + (plane(1) - low) * self.part
    }
}

/// Splits a number into its integer part and its fraction, eased so that the noise has no creases.
#[inline]
fn cell(x: f32) -> (i32, f32) {
    // As `floor`, which on the oldest x86-64 is a call into the C library.
    let toward_zero = x as i32;
    let whole = toward_zero - i32::from(x < toward_zero as f32);
    let part = x - whole as f32;
    (whole, part * part * (3.0 - 2.0 * part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_and_repeat() {
        let draw = |seed, what: &str, idx| Stream::new(seed, what, &[idx]).next_u64();
        assert_eq!(draw(1, "a", 0), draw(1, "a", 0));
        assert_ne!(draw(1, "a", 0), draw(2, "a", 0));
        assert_ne!(draw(1, "a", 0), draw(1, "b", 0));
        assert_ne!(draw(1, "a", 0), draw(1, "a", 1));
    }

    #[test]
    fn uids_are_valid_and_distinct() {
        let uids: std::collections::BTreeSet<String> =
            (0..1000).map(|idx| uid(3, "slice", &[idx])).collect();
        assert_eq!(uids.len(), 1000);
        for uid in uids {
            assert!(uid.len() <= 64 && uid.starts_with("2.25."));
            assert!(!uid[5..].starts_with('0'));
            assert!(uid[5..].bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn draws_have_their_moments() {
        let mut stream = Stream::new(5, "moments", &[]);
        let draws: Vec<f32> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f32>() / draws.len() as f32;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / draws.len() as f32;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
        assert!((0..1000).all(|_| stream.below(3) < 3));
        assert!((0..1000).all(|_| (2.0..3.0).contains(&stream.uniform(2.0, 3.0))));
    }

    #[test]
    fn texture_is_continuous_and_bounded() {
        let texture = Texture(9);
        for step in 0..1000 {
            let x = step as f32 * 0.037 - 12.0;
            let (here, near) = (texture.at(x, 0.4, 1.2), texture.at(x + 1e-3, 0.4, 1.2));
            assert!(here.abs() <= 1.0 && (here - near).abs() < 0.01);
        }
    }

    #[test]
    fn a_plane_of_a_texture_has_its_values_to_the_last_bit() {
        let texture = Texture(41);
        let plane = TexturePlane::new(texture, [-3.2, 4.1], [0.3, 2.0], -1.7);
        for step in 0..400 {
            // Includes points beyond the table on both sides.
            let a = step as f32 * 0.031 - 6.0;
            let b = 3.5 - step as f32 * 0.017;
            assert_eq!(plane.at(a, b), texture.at(a, b, -1.7));
        }
    }
}
