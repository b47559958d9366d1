use serde::{Deserialize, Serialize};

use crate::canvas::{Align, Canvas, Colour, GREY, INK, PALE, TextSize, WHITE};
use crate::svg::Axis;
use crate::{Picture, ReportError};

/// One series of points, joined by a line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineSeries {
    /// Name in the legend.
    pub name: String,
    /// Values along the axis to the right.
    pub x: Vec<f64>,
    /// Values along the axis upwards, as many as in `x`. One that is not a number breaks the line.
    pub y: Vec<f64>,
    /// Lower end of each point's interval, as many as in `x`, or none.
    pub low: Vec<f64>,
    /// Upper end of each point's interval, as many as in `x`, or none.
    pub high: Vec<f64>,
}

/// Options of a line plot: labels and a reference line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinePlotOptions {
    /// Label of the axis to the right, with its unit.
    pub x: String,
    /// Label of the axis upwards, with its unit.
    pub y: String,
    /// Height of a dashed line for comparison, in the units of the axis upwards.
    pub reference: Option<f64>,
    /// Name of that line in the legend.
    pub reference_name: String,
}

const WIDTH: i32 = 900;
const HEIGHT: i32 = 420;
const LEFT: i32 = 72;
const RIGHT: i32 = 24;
const TOP: i32 = 62;
const BOTTOM: i32 = 52;
/// The colours of Okabe and Ito that are visible on white. Colour-blind people can tell them apart.
const COLOURS: [Colour; 6] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [230, 159, 0],
];
/// Length of the dashes and the gaps of a dashed line, pixels.
const DASH: i32 = 6;

/// Draws a plot of lines with an interval at each point.
///
/// # Errors
/// [`ReportError::Option`] without a series, for more than six, and for a series with other numbers
/// of values in `y`, `low` and `high` than in `x`.
pub fn line_plot(
    title: &str,
    series: &[LineSeries],
    options: &LinePlotOptions,
) -> Result<Picture, ReportError> {
    check(series)?;
    let all = |of: fn(&LineSeries) -> Vec<f64>| series.iter().flat_map(of).collect::<Vec<_>>();
    let heights = all(|one| [&one.y[..], &one.low, &one.high].concat());
    let frame = Frame {
        across: Axis::around(&options.x, all(|one| one.x.clone()), 8),
        up: Axis::around(&options.y, heights.into_iter().chain(options.reference), 6),
    };
    let mut canvas = Canvas::new(WIDTH as u64, HEIGHT as u64, WHITE)?;
    frame.draw_axes(&mut canvas);
    if let Some(reference) = options.reference {
        frame.draw_reference(&mut canvas, reference);
    }
    for (one, colour) in series.iter().zip(COLOURS) {
        frame.draw_series(&mut canvas, one, colour);
    }
    canvas.text(title, LEFT, 10, TextSize::Title, INK, Align::Left);
    draw_legend(&mut canvas, series, options);
    Ok(Picture::new(canvas.into_image(), title))
}

fn check(series: &[LineSeries]) -> Result<(), ReportError> {
    let wrong = |expected, found| {
        Err(ReportError::Option {
            option: "series",
            expected,
            found,
        })
    };
    if !(1..=COLOURS.len()).contains(&series.len()) {
        return wrong("1 to 6 series", series.len().to_string());
    }
    for one in series {
        let n = one.x.len();
        let ends = [&one.low, &one.high];
        let fits = |ends: &Vec<f64>| ends.len() == n || ends.is_empty();
        if n == 0 || one.y.len() != n || !ends.into_iter().all(fits) {
            let found = format!(
                "{} of x, {n_y} of y, {} of low, {} of high in {:?}",
                n,
                one.low.len(),
                one.high.len(),
                one.name,
                n_y = one.y.len(),
            );
            return wrong(
                "as many values of y, low and high as of x, and at least one",
                found,
            );
        }
        if one.x.iter().any(|x| !x.is_finite()) {
            return wrong("numbers in x", format!("{:?} in {:?}", one.x, one.name));
        }
    }
    Ok(())
}

/// Converts values to pixels.
struct Frame {
    across: Axis,
    up: Axis,
}

impl Frame {
    fn col(&self, x: f64) -> i32 {
        LEFT + (self.across.share(x) * f64::from(WIDTH - LEFT - RIGHT)).round() as i32
    }

    fn row(&self, y: f64) -> i32 {
        TOP + ((1.0 - self.up.share(y)) * f64::from(HEIGHT - TOP - BOTTOM)).round() as i32
    }

    fn draw_axes(&self, canvas: &mut Canvas) {
        let (floor, right) = (self.row(self.up.lower), self.col(self.across.upper));
        for &tick in &self.up.ticks {
            let row = self.row(tick);
            canvas.line((LEFT, row), (right, row), PALE);
            let text = self.up.tick_text(tick);
            canvas.text(
                &text,
                LEFT - 8,
                row - 5,
                TextSize::Small,
                GREY,
                Align::Right,
            );
        }
        for &tick in &self.across.ticks {
            let col = self.col(tick);
            canvas.line((col, floor), (col, floor + 4), GREY);
            let text = self.across.tick_text(tick);
            canvas.text(&text, col, floor + 7, TextSize::Small, GREY, Align::Center);
        }
        canvas.line((LEFT, floor), (right, floor), GREY);
        let middle = (LEFT + right) / 2;
        canvas.text(
            &self.across.label,
            middle,
            floor + 26,
            TextSize::Body,
            INK,
            Align::Center,
        );
        canvas.text(
            &self.up.label,
            8,
            TOP - 20,
            TextSize::Small,
            INK,
            Align::Left,
        );
    }

    fn draw_reference(&self, canvas: &mut Canvas, y: f64) {
        let (row, right) = (self.row(y), self.col(self.across.upper));
        for left in (LEFT..right).step_by(2 * DASH as usize) {
            canvas.line((left, row), ((left + DASH).min(right), row), GREY);
        }
    }

    fn draw_series(&self, canvas: &mut Canvas, series: &LineSeries, colour: Colour) {
        let place = |idx: usize| (self.col(series.x[idx]), self.row(series.y[idx]));
        let shown = |idx: &usize| series.y[*idx].is_finite();
        for idx in (0..series.x.len()).filter(shown) {
            let (col, row) = place(idx);
            if idx > 0 && shown(&(idx - 1)) {
                let before = place(idx - 1);
                for down in 0..2 {
                    canvas.line((before.0, before.1 + down), (col, row + down), colour);
                }
            }
            canvas.fill(col - 3, row - 3, 7, 7, colour);
            if let (Some(&low), Some(&high)) = (series.low.get(idx), series.high.get(idx))
                && low.is_finite()
                && high.is_finite()
            {
                let (floor, top) = (self.row(low), self.row(high));
                canvas.line((col, floor), (col, top), colour);
                for end in [floor, top] {
                    canvas.line((col - 4, end), (col + 4, end), colour);
                }
            }
        }
    }
}

fn draw_legend(canvas: &mut Canvas, series: &[LineSeries], options: &LinePlotOptions) {
    let entries = series.iter().zip(COLOURS);
    let entries = entries.map(|(one, colour)| (one.name.as_str(), colour));
    let reference = options
        .reference
        .map(|_| (options.reference_name.as_str(), GREY));
    let mut right = WIDTH - RIGHT;
    for (name, colour) in entries
        .chain(reference)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let width = (name.chars().count() as u32 * TextSize::Small.char_width()) as i32;
        let left = right - width - 20;
        canvas.fill(left, TOP - 16, 14, 4, colour);
        canvas.text(name, left + 20, TOP - 19, TextSize::Small, INK, Align::Left);
        right = left - 20;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(y: &[f64]) -> LineSeries {
        LineSeries {
            name: "auroc".into(),
            x: (0..y.len()).map(|idx| idx as f64).collect(),
            y: y.to_vec(),
            ..LineSeries::default()
        }
    }

    fn coloured(plot: &Picture, colour: Colour) -> usize {
        plot.image()
            .pixels()
            .filter(|pixel| pixel.0 == colour)
            .count()
    }

    #[test]
    fn lines_intervals_and_the_reference_are_drawn() {
        let plain = line_plot(
            "a",
            &[series(&[0.5, 0.7, 0.8])],
            &LinePlotOptions::default(),
        )
        .unwrap();
        let with_ends = LineSeries {
            low: vec![0.4; 3],
            high: vec![0.9; 3],
            ..series(&[0.5, 0.7, 0.8])
        };
        let options = LinePlotOptions {
            reference: Some(0.6),
            ..LinePlotOptions::default()
        };
        let more = line_plot("a", &[with_ends], &options).unwrap();
        assert!(coloured(&more, COLOURS[0]) > coloured(&plain, COLOURS[0]) + 100);
        assert!(coloured(&more, GREY) > coloured(&plain, GREY) + 200);
        let gap = line_plot(
            "a",
            &[series(&[0.5, f64::NAN, 0.8])],
            &LinePlotOptions::default(),
        )
        .unwrap();
        assert!(coloured(&gap, COLOURS[0]) < 200, "two dots and the legend");
    }

    #[test]
    fn series_that_do_not_fit_are_refused() {
        let check = |series: &[LineSeries], expected: &str| {
            let error = line_plot("a", series, &LinePlotOptions::default()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(&[], "1 to 6 series");
        check(&[series(&[])], "at least one");
        let short = LineSeries {
            low: vec![0.1],
            ..series(&[0.5, 0.6])
        };
        check(&[short], "1 of low");
        let endless = LineSeries {
            x: vec![f64::INFINITY],
            ..series(&[0.5])
        };
        check(&[endless], "numbers in x");
    }
}
