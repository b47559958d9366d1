use ndarray::Zip;
use pe_ct::{HuWindow, Mask, Volume};
use serde::{Deserialize, Serialize};

use crate::canvas::{Align, Canvas, Colour, GREY, INK, PALE, TextSize, WHITE};
use crate::{Picture, ReportError};

/// Range and bins of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistogramOptions {
    /// The least HU shown.
    pub lower_hu: i16,
    /// The greatest HU shown.
    pub upper_hu: i16,
    /// Width of a bin, HU.
    pub bin_hu: u16,
}

/// From air to dense contrast. Bone and metal above are only counted, in the legend.
impl Default for HistogramOptions {
    fn default() -> Self {
        Self {
            lower_hu: -1024,
            upper_hu: 1024,
            bin_hu: 16,
        }
    }
}

/// Numbers of voxels by HU.
struct Counts {
    all: Vec<u64>,
    masked: Vec<u64>,
    outside: u64,
}

const WIDTH: u32 = 900;
const HEIGHT: u32 = 360;
const LEFT: i32 = 64;
const RIGHT: i32 = 20;
const TOP: i32 = 44;
const BOTTOM: i32 = 48;
const ALL: Colour = [168, 176, 188];
const MASKED: Colour = [46, 110, 190];
const WINDOW: Colour = [200, 80, 40];

/// Draws a histogram of an exam's HU on a logarithmic scale: all voxels, and with a mask those
/// inside it. The edges of the PE window are marked.
///
/// # Errors
/// [`ReportError::Ct`] when the mask has another shape; [`ReportError::Option`] when the range is
/// empty or a bin has no width.
pub fn histogram(
    volume: &Volume,
    mask: Option<&Mask>,
    options: &HistogramOptions,
) -> Result<Picture, ReportError> {
    let counts = count(volume, mask, options)?;
    let mut canvas = Canvas::new(WIDTH.into(), HEIGHT.into(), WHITE)?;
    let greatest = counts.all.iter().copied().max().unwrap_or(0).max(10);
    let decades = (greatest as f64).log10().ceil();
    draw_axes(&mut canvas, options, decades);
    draw_bars(&mut canvas, &counts.all, decades, ALL);
    draw_bars(&mut canvas, &counts.masked, decades, MASKED);
    draw_window(&mut canvas, options, HuWindow::PE);
    draw_legend(&mut canvas, &counts, mask.is_some(), options);
    Ok(Picture::new(canvas.into_image(), "histogram of HU"))
}

fn count(
    volume: &Volume,
    mask: Option<&Mask>,
    options: &HistogramOptions,
) -> Result<Counts, ReportError> {
    if options.bin_hu == 0 {
        return Err(ReportError::Option {
            option: "bin_hu",
            expected: "at least 1 HU",
            found: "0".into(),
        });
    }
    let range = i32::from(options.upper_hu) - i32::from(options.lower_hu);
    if range <= 0 {
        let found = format!("{} to {}", options.lower_hu, options.upper_hu);
        return Err(ReportError::Option {
            option: "upper_hu",
            expected: "more than lower_hu",
            found,
        });
    }
    let n_bins = (range as usize).div_ceil(usize::from(options.bin_hu));
    let mut counts = Counts {
        all: vec![0; n_bins],
        masked: vec![0; n_bins],
        outside: 0,
    };
    let bin_of = |hu: i16| {
        let offset = usize::try_from(i32::from(hu) - i32::from(options.lower_hu)).ok()?;
        Some(offset / usize::from(options.bin_hu)).filter(|bin| *bin < n_bins)
    };
    for &hu in volume.hu() {
        match bin_of(hu) {
            Some(bin) => counts.all[bin] += 1,
            None => counts.outside += 1,
        }
    }
    if let Some(mask) = mask {
        mask.check_fits(volume)?;
        Zip::from(volume.hu())
            .and(mask.voxels())
            .for_each(|&hu, &inside| {
                if let (true, Some(bin)) = (inside, bin_of(hu)) {
                    counts.masked[bin] += 1;
                }
            });
    }
    Ok(counts)
}

fn plot_width() -> i32 {
    WIDTH as i32 - LEFT - RIGHT
}

fn plot_height() -> i32 {
    HEIGHT as i32 - TOP - BOTTOM
}

fn col_of(hu: f64, options: &HistogramOptions) -> i32 {
    let (lower, upper) = (f64::from(options.lower_hu), f64::from(options.upper_hu));
    LEFT + ((hu - lower) / (upper - lower) * f64::from(plot_width())).round() as i32
}

fn draw_axes(canvas: &mut Canvas, options: &HistogramOptions, decades: f64) {
    let floor = TOP + plot_height();
    for decade in 0..=decades as i32 {
        let row = floor - (f64::from(decade) / decades * f64::from(plot_height())) as i32;
        canvas.line((LEFT, row), (LEFT + plot_width(), row), PALE);
        canvas.text(
            &format!("1e{decade}"),
            LEFT - 8,
            row - 5,
            TextSize::Small,
            GREY,
            Align::Right,
        );
    }
    let step = ((i32::from(options.upper_hu) - i32::from(options.lower_hu)) / 10).max(1);
    // Ticks on round numbers: 200 HU apart for the default range.
    let step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
        .into_iter()
        .find(|n| *n >= step)
        .unwrap_or(10_000);
    let first = i32::from(options.lower_hu).div_euclid(step) + 1;
    for hu in (first..)
        .map(|n| n * step)
        .take_while(|hu| *hu <= i32::from(options.upper_hu))
    {
        let col = col_of(f64::from(hu), options);
        canvas.line((col, floor), (col, floor + 4), GREY);
        canvas.text(
            &hu.to_string(),
            col,
            floor + 7,
            TextSize::Small,
            GREY,
            Align::Center,
        );
    }
    canvas.text(
        "HU",
        LEFT + plot_width() / 2,
        floor + 24,
        TextSize::Body,
        INK,
        Align::Center,
    );
    canvas.text("voxels", 6, TOP - 18, TextSize::Small, INK, Align::Left);
}

fn draw_bars(canvas: &mut Canvas, counts: &[u64], decades: f64, colour: Colour) {
    let left_of =
        |bin: usize| LEFT + (bin as i64 * i64::from(plot_width()) / counts.len() as i64) as i32;
    for (bin, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        // A bin with one voxel has the logarithm 0, but is shown one pixel high.
        let height = ((n as f64).log10() / decades * f64::from(plot_height())).max(1.0) as i32;
        let (left, width) = (left_of(bin), (left_of(bin + 1) - left_of(bin)).max(1));
        canvas.fill(
            left,
            TOP + plot_height() - height,
            width as u32,
            height as u32,
            colour,
        );
    }
}

fn draw_window(canvas: &mut Canvas, options: &HistogramOptions, window: HuWindow) {
    for edge in [window.lower_hu(), window.upper_hu()] {
        if (f32::from(options.lower_hu)..=f32::from(options.upper_hu)).contains(&edge) {
            let col = col_of(f64::from(edge), options);
            canvas.line((col, TOP), (col, TOP + plot_height()), WINDOW);
        }
    }
}

fn draw_legend(canvas: &mut Canvas, counts: &Counts, masked: bool, options: &HistogramOptions) {
    let mut entries = vec![(ALL, "all voxels".to_owned())];
    if masked {
        entries.push((MASKED, "inside the mask".into()));
    }
    entries.push((WINDOW, "edges of the PE window".into()));
    let mut left = LEFT;
    for (colour, label) in entries {
        canvas.fill(left, 12, 12, 12, colour);
        canvas.text(&label, left + 18, 11, TextSize::Body, INK, Align::Left);
        left += 18 + (label.chars().count() as u32 * TextSize::Body.char_width()) as i32 + 24;
    }
    let range = format!(
        "{} voxels outside {} to {} HU",
        counts.outside, options.lower_hu, options.upper_hu
    );
    canvas.text(
        &range,
        WIDTH as i32 - RIGHT,
        HEIGHT as i32 - 16,
        TextSize::Small,
        GREY,
        Align::Right,
    );
}
