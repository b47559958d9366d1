//! SVG drawings inside a page: lines, dots and text. Their colours are the page's own, so that they
//! change with light and dark mode.
//!
//! Why no crate: plotters writes fixed colours and no tooltips, and charming needs a script in the
//! browser. We only need five elements.

mod axis;
mod plot;

use std::fmt::Write;

pub use axis::{Axis, rounded_ticks};
pub use plot::{Mark, Plot, Series, Style};

use crate::html::escaped;

/// An SVG drawing that is being made. Its unit is a pixel at its natural size.
pub struct Drawing {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// Alignment of text at its point.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    End,
}

impl Drawing {
    /// Creates an empty drawing; a screen reader reads out `title`.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Self {
            width,
            height,
            title: title.into(),
            body: String::new(),
        }
    }

    /// Adds a line from point to point, of the page's class `class`.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let (x1, y1, x2, y2) = (pixel(from.0), pixel(from.1), pixel(to.0), pixel(to.1));
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        ));
    }

    /// Adds a path in SVG's own commands, with a tooltip.
    pub fn path(&mut self, commands: &str, class: &str, tooltip: &str) {
        let tooltip = title_of(tooltip);
        self.push(format_args!(
            "<path class=\"{class}\" d=\"{commands}\">{tooltip}</path>"
        ));
    }

    /// Adds a line through points, without those that cannot be seen.
    pub fn polyline(&mut self, points: &[(f64, f64)], class: &str, tooltip: &str) {
        let mut commands = String::new();
        for (n, (col, row)) in thinned(points).into_iter().enumerate() {
            let command = if n == 0 { 'M' } else { 'L' };
            // Writing to a String cannot fail.
            let _ = write!(commands, "{command}{} {}", pixel(col), pixel(row));
        }
        self.path(&commands, class, tooltip);
    }

    /// Adds a filled rectangle, with a tooltip.
    pub fn rectangle(&mut self, at: (f64, f64), size: (f64, f64), class: &str, tooltip: &str) {
        let (left, top, width, height) = (pixel(at.0), pixel(at.1), pixel(size.0), pixel(size.1));
        let tooltip = title_of(tooltip);
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" \
             height=\"{height}\">{tooltip}</rect>"
        ));
    }

    /// Adds a dot of `radius`, with a tooltip.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, class: &str, tooltip: &str) {
        let (col, row, radius) = (pixel(at.0), pixel(at.1), pixel(radius));
        let tooltip = title_of(tooltip);
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{col}\" cy=\"{row}\" r=\"{radius}\">{tooltip}</circle>"
        ));
    }

    /// Adds one line of text on its baseline.
    pub fn text(&mut self, text: &str, at: (f64, f64), anchor: Anchor, class: &str) {
        let anchor = match anchor {
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (col, row, text) = (pixel(at.0), pixel(at.1), escaped(text));
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{col}\" y=\"{row}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Adds one line of text that reads upwards, centred on its point.
    pub fn text_upwards(&mut self, text: &str, at: (f64, f64), class: &str) {
        let (col, row, text) = (pixel(at.0), pixel(at.1), escaped(text));
        self.push(format_args!(
            "<text class=\"{class}\" transform=\"translate({col} {row}) rotate(-90)\" \
             text-anchor=\"middle\">{text}</text>"
        ));
    }

    /// Returns the drawing as an element for a page.
    pub fn into_svg(self) -> String {
        let (width, height) = (pixel(self.width), pixel(self.height));
        let (title, body) = (escaped(&self.title), self.body);
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{title}\">\n{body}</svg>\n"
        )
    }

    fn push(&mut self, element: std::fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }
}

fn title_of(tooltip: &str) -> String {
    match tooltip {
        "" => String::new(),
        text => format!("<title>{}</title>", escaped(text)),
    }
}

/// Formats a coordinate with two decimals at most: a hundredth of a pixel cannot be seen.
pub fn pixel(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// Leaves out points nearer than half a pixel to the last one kept, but never the last point, nor
/// the corner before a step.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (n, &point) in points.iter().enumerate() {
        let far = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs() >= 0.5;
        let next_is_far = points.get(n + 1).is_none_or(|next| far(&point, next));
        if kept.last().is_none_or(|last| far(last, &point)) || next_is_far {
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        let check = |value, expected| assert_eq!(pixel(value), expected);
        check(0.0, "0");
        check(-0.001, "0");
        check(10.0, "10");
        check(1.5, "1.5");
        check(1.0 / 3.0, "0.33");
    }

    #[test]
    fn a_line_keeps_its_ends_and_corners() {
        let line: Vec<(f64, f64)> = (0..=1000).map(|n| (f64::from(n) / 100.0, 0.0)).collect();
        let kept = thinned(&line);
        assert!(kept.len() < 30, "{} points of 10 pixels", kept.len());
        assert_eq!((kept.first(), kept.last()), (line.first(), line.last()));
        let step = [(0.0, 0.0), (0.1, 0.0), (0.1, 9.0), (0.2, 9.0)];
        assert_eq!(thinned(&step), step);
        assert_eq!(thinned(&[]), []);
    }

    #[test]
    fn words_are_escaped() {
        let mut drawing = Drawing::new(9.0, 9.0, "a < b");
        drawing.text("<b>&", (1.0, 1.0), Anchor::End, "tick");
        drawing.dot((1.0, 1.0), 2.0, "dot", "\"x\" > 1");
        let svg = drawing.into_svg();
        assert!(svg.contains("aria-label=\"a &lt; b\""), "{svg}");
        assert!(svg.contains(">&lt;b&gt;&amp;</text>"), "{svg}");
        assert!(svg.contains("<title>&quot;x&quot; &gt; 1</title>"), "{svg}");
    }
}
