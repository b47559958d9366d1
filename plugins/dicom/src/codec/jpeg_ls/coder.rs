//! Decodes the lines of a scan, sample by sample, and adapts to the statistics of earlier samples.

use super::Scan;
use super::bits::Bits;

/// Number of contexts of the regular mode: 9 × 9 × 9 gradients, where opposite signs share a context.
const N_CONTEXTS: usize = 365;
/// Logarithms of the lengths of runs (J of clause A.2.1). The index rises with complete runs and
/// falls with interrupted ones.
const RUN_BITS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// The current and the previous line of one component, or of all if their samples are interleaved. A
/// line has one extra pixel at each end, and the components of a pixel are adjacent.
pub(super) struct Line {
    width: usize,
    cols: usize,
    before: Vec<i32>,
    pub now: Vec<i32>,
    run_idx: usize,
}

impl Line {
    pub fn new(cols: usize, width: usize) -> Self {
        Self {
            width,
            cols,
            before: vec![0; (cols + 2) * width],
            now: vec![0; (cols + 2) * width],
            run_idx: 0,
        }
    }

    /// Begins a line: the current one becomes the previous one. Its ends are set as in clause A.2.1.
    pub fn begin(&mut self) {
        std::mem::swap(&mut self.before, &mut self.now);
        let Self { width, cols, .. } = *self;
        for n in 0..width {
            self.before[(cols + 1) * width + n] = self.before[cols * width + n];
            self.now[n] = self.before[width + n];
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Context {
    a: i64,
    b: i32,
    c: i32,
    n: i32,
}

/// Counters for the samples that end runs; `negative` counts negative errors.
#[derive(Debug, Clone, Copy)]
struct RunContext {
    a: i64,
    n: i32,
    negative: i32,
}

/// Decoder of a scan, with the counters of all contexts.
pub(super) struct Coder<'a> {
    scan: &'a Scan,
    contexts: Vec<Context>,
    run_contexts: [RunContext; 2],
}

impl<'a> Coder<'a> {
    pub fn new(scan: &'a Scan) -> Self {
        let a = i64::from(((scan.range + 32) / 64).max(2));
        let context = Context {
            a,
            b: 0,
            c: 0,
            n: 1,
        };
        let run_context = RunContext {
            a,
            n: 1,
            negative: 0,
        };
        Self {
            scan,
            contexts: vec![context; N_CONTEXTS],
            run_contexts: [run_context; 2],
        }
    }

    /// Decodes a line; `None` for bits that no encoder writes.
    pub fn line(&mut self, line: &mut Line, bits: &mut Bits) -> Option<()> {
        let width = line.width;
        let mut col = 1;
        while col <= line.cols {
            let at = col * width;
            let mut gradients = [0; 3];
            for (n, gradient) in gradients.iter_mut().enumerate().take(width) {
                *gradient = self.gradient(line, at + n);
            }
            if gradients[..width].iter().all(|gradient| *gradient == 0) {
                col = self.run(line, col, bits)?;
                continue;
            }
            for (n, gradient) in gradients.into_iter().enumerate().take(width) {
                line.now[at + n] = self.regular(line, at + n, gradient, bits)?;
            }
            col += 1;
        }
        Some(())
    }

    /// Returns a sample's context with its sign, from its neighbours (clauses A.3.1 to A.3.4).
    fn gradient(&self, line: &Line, at: usize) -> i32 {
        let width = line.width;
        let (left, above) = (line.now[at - width], line.before[at]);
        let (corner, right) = (line.before[at - width], line.before[at + width]);
        let of = |difference| self.quantized(difference);
        (of(right - above) * 9 + of(above - corner)) * 9 + of(corner - left)
    }

    fn quantized(&self, difference: i32) -> i32 {
        let [t1, t2, t3] = self.scan.thresholds;
        let size = difference.abs();
        let level = match size {
            _ if size <= self.scan.near => 0,
            _ if size < t1 => 1,
            _ if size < t2 => 2,
            _ if size < t3 => 3,
            _ => 4,
        };
        level * difference.signum()
    }

    /// Decodes a sample from its prediction and the error (clauses A.4 to A.6).
    fn regular(&mut self, line: &Line, at: usize, gradient: i32, bits: &mut Bits) -> Option<i32> {
        let scan = self.scan;
        // −1 or 1, also for a gradient of 0.
        let sign = gradient.signum() | 1;
        let left = line.now[at - line.width];
        let (above, corner) = (line.before[at], line.before[at - line.width]);
        let context = &mut self.contexts[gradient.unsigned_abs() as usize];
        let predicted = median(left, above, corner) + sign * context.c;
        let predicted = predicted.clamp(0, scan.max_value);
        let k = golomb(context.n.into(), context.a);
        let mapped = code(bits, k, scan.limit, scan.error_bits, scan.range)?;
        let mut error = match mapped % 2 {
            0 => mapped / 2,
            _ => -(mapped + 1) / 2,
        };
        // Negative errors are more frequent here, so the encoder gave them the shorter codes (clause
        // A.5.2).
        if scan.near == 0 && k == 0 && 2 * context.b <= -context.n {
            error = -(error + 1);
        }
        context.learn(error, scan);
        Some(scan.value(predicted, sign * error))
    }

    /// Decodes a run of equal samples from `col` on and the sample that ends it (clause A.7). Returns
    /// the next column.
    fn run(&mut self, line: &mut Line, col: usize, bits: &mut Bits) -> Option<usize> {
        let width = line.width;
        let end = line.cols + 1;
        let mut next = col;
        loop {
            let length = 1 << RUN_BITS[line.run_idx];
            if bits.take(1)? == 0 {
                next += bits.take(RUN_BITS[line.run_idx])? as usize;
                break;
            }
            let whole = length <= end - next;
            next = end.min(next + length);
            if whole {
                line.run_idx = (line.run_idx + 1).min(RUN_BITS.len() - 1);
            }
            if next == end {
                break;
            }
        }
        if next > end {
            return None;
        }
        for at in col * width..next * width {
            line.now[at] = line.now[at - width];
        }
        if next == end {
            return Some(next);
        }
        for at in next * width..(next + 1) * width {
            line.now[at] = self.run_end(line, at, bits)?;
        }
        line.run_idx = line.run_idx.saturating_sub(1);
        Some(next + 1)
    }

    /// Decodes the sample that ends a run (clause A.7.2).
    fn run_end(&mut self, line: &Line, at: usize, bits: &mut Bits) -> Option<i32> {
        let scan = self.scan;
        let (left, above) = (line.now[at - line.width], line.before[at]);
        // Interleaved samples use only one of the two contexts.
        let is_alike = line.width == 1 && (left - above).abs() <= scan.near;
        let context = &mut self.run_contexts[usize::from(is_alike)];
        let more = if is_alike { context.n / 2 } else { 0 };
        let k = golomb(context.n.into(), context.a + i64::from(more));
        let limit = scan.limit.saturating_sub(RUN_BITS[line.run_idx] + 1);
        let mapped = code(bits, k, limit, scan.error_bits, scan.range)?;
        let error = context.error(mapped, k, is_alike);
        context.learn(mapped, error, is_alike, scan.reset);
        Some(if is_alike {
            scan.value(left, error)
        } else if left > above {
            scan.value(above, -error)
        } else {
            scan.value(above, error)
        })
    }
}

fn median(left: i32, above: i32, corner: i32) -> i32 {
    if corner >= left.max(above) {
        left.min(above)
    } else if corner <= left.min(above) {
        left.max(above)
    } else {
        left + above - corner
    }
}

/// The parameter of the Golomb code for a mean of `a / n`.
fn golomb(n: i64, a: i64) -> u32 {
    (0..32).find(|k| n << k >= a).unwrap_or(32)
}

/// Decodes a number in a Golomb code of limited length (clause A.5.3).
fn code(bits: &mut Bits, k: u32, limit: u32, error_bits: u32, range: i32) -> Option<i32> {
    let most = limit.saturating_sub(error_bits + 1);
    let zeros = bits.zeros(most)?;
    let mapped = if zeros < most {
        i64::from(zeros) << k | i64::from(bits.take(k)?)
    } else {
        i64::from(bits.take(error_bits)?) + 1
    };
    // No error is larger than the range, so no mapped one is larger than twice that.
    i32::try_from(mapped).ok().filter(|it| *it <= 2 * range + 2)
}

impl Scan {
    /// Returns the sample that is `error` steps from the prediction, modulo the range (clause A.4.5).
    fn value(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.max_value + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.max_value)
    }
}

impl Context {
    /// Updates the counters with an error (clause A.6).
    fn learn(&mut self, error: i32, scan: &Scan) {
        self.a += i64::from(error.abs());
        self.b += error * (2 * scan.near + 1);
        if self.n == scan.reset {
            self.a >>= 1;
            self.b >>= 1;
            self.n >>= 1;
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
    }
}

impl RunContext {
    fn error(&self, mapped: i32, k: u32, is_alike: bool) -> i32 {
        let folded = mapped + i32::from(is_alike);
        let is_odd = folded % 2 == 1;
        let size = (folded + 1) / 2;
        let is_mostly_negative = k != 0 || 2 * self.negative >= self.n;
        if is_mostly_negative == is_odd {
            -size
        } else {
            size
        }
    }

    /// Updates the counters with an error (clause A.7.2.2).
    fn learn(&mut self, mapped: i32, error: i32, is_alike: bool, reset: i32) {
        self.negative += i32::from(error < 0);
        self.a += i64::from((mapped + 1 - i32::from(is_alike)) >> 1);
        if self.n == reset {
            self.a >>= 1;
            self.n >>= 1;
            self.negative >>= 1;
        }
        self.n += 1;
    }
}
