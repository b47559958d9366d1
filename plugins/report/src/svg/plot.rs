use super::{Anchor, Axis, Drawing};

/// Style of a series' line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A solid line.
    Solid,
    /// A dashed line.
    Dashed,
}

/// A point of a series that is drawn as a dot, with a tooltip.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Position in the axes' units.
    pub at: (f64, f64),
    /// Tooltip.
    pub tooltip: String,
}

/// One line of a plot.
#[derive(Debug, Clone)]
pub struct Series {
    /// Tooltip.
    pub tooltip: String,
    /// Index of one of the page's colours: the class `s{colour}`.
    pub colour: usize,
    /// Style of its line.
    pub style: Style,
    /// Points in the axes' units. A point that is not a number breaks the line.
    pub points: Vec<(f64, f64)>,
    /// Points that are shown as dots.
    pub marks: Vec<Mark>,
}

/// A plot of lines in a frame.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Title of the plot, for screen readers.
    pub title: String,
    /// The axis to the right.
    pub across: Axis,
    /// The axis upwards.
    pub up: Axis,
    /// The lines, drawn in this order.
    pub series: Vec<Series>,
    /// A thin dashed line for comparison, in the axes' units.
    pub reference: Option<[(f64, f64); 2]>,
    /// Size inside the frame, pixels.
    pub size: (f64, f64),
}

const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 44.0;
/// Radius of a series' dots, pixels.
const DOT: f64 = 3.5;

impl Plot {
    /// Renders the plot as an SVG element.
    pub fn render(&self) -> String {
        let (width, height) = self.size;
        let mut drawing = Drawing::new(LEFT + width + RIGHT, TOP + height + BOTTOM, &self.title);
        self.draw_axes(&mut drawing);
        if let Some([from, to]) = self.reference {
            drawing.line(self.place(from), self.place(to), "reference");
        }
        for series in &self.series {
            self.draw_series(&mut drawing, series);
        }
        // Dots come last, so that no line hides one and its tooltip.
        for series in &self.series {
            let class = format!("dot s{}", series.colour);
            for mark in &series.marks {
                drawing.dot(self.place(mark.at), DOT, &class, &mark.tooltip);
            }
        }
        drawing.into_svg()
    }

    fn place(&self, (across, up): (f64, f64)) -> (f64, f64) {
        let (width, height) = self.size;
        (
            LEFT + self.across.share(across) * width,
            TOP + (1.0 - self.up.share(up)) * height,
        )
    }

    fn draw_axes(&self, drawing: &mut Drawing) {
        let (right, floor) = (LEFT + self.size.0, TOP + self.size.1);
        for &tick in &self.up.ticks {
            let (_, row) = self.place((self.across.lower, tick));
            drawing.line((LEFT, row), (right, row), "grid");
            let text = self.up.tick_text(tick);
            drawing.text(&text, (LEFT - 7.0, row + 4.0), Anchor::End, "tick");
        }
        for &tick in &self.across.ticks {
            let (col, _) = self.place((tick, self.up.lower));
            drawing.line((col, floor), (col, floor + 4.0), "axis");
            let text = self.across.tick_text(tick);
            drawing.text(&text, (col, floor + 17.0), Anchor::Middle, "tick");
        }
        drawing.line((LEFT, floor), (right, floor), "axis");
        let middle = (LEFT + self.size.0 / 2.0, floor + 36.0);
        drawing.text(&self.across.label, middle, Anchor::Middle, "label");
        drawing.text_upwards(&self.up.label, (13.0, TOP + self.size.1 / 2.0), "label");
    }

    fn draw_series(&self, drawing: &mut Drawing, series: &Series) {
        let dashed = match series.style {
            Style::Solid => "",
            Style::Dashed => " dashed",
        };
        let class = format!("line s{}{dashed}", series.colour);
        let number = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        for piece in series.points.split(|point| !number(point)) {
            let points: Vec<_> = piece.iter().map(|point| self.place(*point)).collect();
            match points.as_slice() {
                [] => {}
                [only] => drawing.dot(
                    *only,
                    2.5,
                    &format!("dot s{}", series.colour),
                    &series.tooltip,
                ),
                points => drawing.polyline(points, &class, &series.tooltip),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> String {
        let series = Series {
            tooltip: "A, AUC 0.5".into(),
            colour: 1,
            style: Style::Dashed,
            points,
            marks: vec![Mark {
                at: (1.0, 1.0),
                tooltip: "end".into(),
            }],
        };
        Plot {
            title: "ROC".into(),
            across: Axis::unit("1 - specificity"),
            up: Axis::unit("sensitivity"),
            series: vec![series],
            reference: None,
            size: (100.0, 100.0),
        }
        .render()
    }

    #[test]
    fn points_stand_where_the_axes_say() {
        let svg = plot(vec![(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]);
        assert!(
            svg.contains("class=\"line s1 dashed\" d=\"M58 110L108 60L158 10\""),
            "{svg}"
        );
        assert!(svg.contains("cx=\"158\" cy=\"10\""), "{svg}");
    }

    #[test]
    fn what_is_no_number_breaks_the_line() {
        let nan = (0.5, f64::NAN);
        let svg = plot(vec![
            (0.0, 0.0),
            (0.1, 0.1),
            nan,
            (0.8, 0.8),
            (0.9, 0.9),
            nan,
            (1.0, 0.0),
        ]);
        assert_eq!(svg.matches("<path").count(), 2, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
