use pe_metrics::{ExamScores, Scores};

use crate::canvas::{Align, Canvas, Colour, GREY, INK, PALE, TextSize, WHITE};
use crate::svg::rounded_ticks;
use crate::{Picture, ReportError};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 280;
const LEFT: i32 = 56;
const RIGHT: i32 = 20;
const TOP: i32 = 58;
const BOTTOM: i32 = 44;
/// Height of the band of labelled slices under the frame's upper edge, pixels.
const BAND: u32 = 6;
/// Blue and vermillion of the colours of Okabe and Ito.
const CURVE: Colour = [0, 114, 178];
const THRESHOLD: Colour = [213, 94, 0];

/// Draws one exam's probability of PE along the body, from the feet (left) to the head, with the
/// threshold of the scores and the slices that are labelled PE.
///
/// # Errors
/// [`ReportError::UnknownExam`] when the scores are of other exams; [`ReportError::NoSlices`] when
/// they have no slices of this one.
pub fn strip(scores: &Scores, exam: &str) -> Result<Picture, ReportError> {
    let found = scores.exams().iter().find(|scored| scored.exam == exam);
    let found = found.ok_or_else(|| ReportError::UnknownExam {
        exam: exam.into(),
        model: scores.model().into(),
    })?;
    if found.probabilities.is_empty() {
        return Err(ReportError::NoSlices {
            exam: exam.into(),
            model: scores.model().into(),
        });
    }
    let mut canvas = Canvas::new(WIDTH.into(), HEIGHT.into(), WHITE)?;
    let plot = Frame {
        n_slices: found.probabilities.len(),
    };
    plot.draw_axes(&mut canvas);
    plot.draw_labels(&mut canvas, found);
    if let Some(threshold) = scores.threshold() {
        let row = plot.row(threshold);
        canvas.line(
            (LEFT, row),
            (plot.col(plot.n_slices as f64), row),
            THRESHOLD,
        );
    }
    plot.draw_curve(&mut canvas, found);
    draw_head(&mut canvas, scores, found);
    Ok(Picture::new(
        canvas.into_image(),
        &format!("probability of PE by {} along exam {exam}", scores.model()),
    ))
}

/// Converts slices and probabilities to pixels.
struct Frame {
    n_slices: usize,
}

impl Frame {
    /// Returns the left edge of slice `slice_idx`.
    fn col(&self, slice_idx: f64) -> i32 {
        let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
        LEFT + (slice_idx / self.n_slices.max(1) as f64 * width).round() as i32
    }

    fn row(&self, probability: f64) -> i32 {
        let height = f64::from(HEIGHT as i32 - TOP - BOTTOM);
        TOP + ((1.0 - probability) * height).round() as i32
    }

    fn draw_axes(&self, canvas: &mut Canvas) {
        let (floor, right) = (self.row(0.0), self.col(self.n_slices as f64));
        for tick in rounded_ticks(0.0, 1.0, 5) {
            let row = self.row(tick);
            canvas.line((LEFT, row), (right, row), PALE);
            let text = format!("{tick:.1}");
            canvas.text(
                &text,
                LEFT - 8,
                row - 5,
                TextSize::Small,
                GREY,
                Align::Right,
            );
        }
        for tick in rounded_ticks(0.0, self.n_slices as f64, 8) {
            let col = self.col(tick);
            canvas.line((col, floor), (col, floor + 4), GREY);
            let text = tick.to_string();
            canvas.text(&text, col, floor + 7, TextSize::Small, GREY, Align::Center);
        }
        let label = "slice, from the feet to the head";
        let middle = (LEFT + right) / 2;
        canvas.text(
            label,
            middle,
            floor + 22,
            TextSize::Body,
            INK,
            Align::Center,
        );
    }

    fn draw_labels(&self, canvas: &mut Canvas, exam: &ExamScores) {
        for (slice_idx, label) in exam.labels.iter().enumerate() {
            if *label == Some(true) {
                let (left, right) = (self.col(slice_idx as f64), self.col(slice_idx as f64 + 1.0));
                canvas.fill(left, TOP - 10, (right - left).max(1) as u32, BAND, INK);
            }
        }
    }

    /// Draws the probabilities as steps, because each holds for the whole of its slice; two pixels
    /// thick.
    fn draw_curve(&self, canvas: &mut Canvas, exam: &ExamScores) {
        let mut last: Option<i32> = None;
        for (slice_idx, &probability) in exam.probabilities.iter().enumerate() {
            let (left, right) = (self.col(slice_idx as f64), self.col(slice_idx as f64 + 1.0));
            let row = self.row(probability);
            for down in 0..2 {
                canvas.line((left, row + down), (right, row + down), CURVE);
                if let Some(last) = last {
                    canvas.line((left + down, last), (left + down, row), CURVE);
                }
            }
            last = Some(row);
        }
    }
}

fn draw_head(canvas: &mut Canvas, scores: &Scores, exam: &ExamScores) {
    let title = format!("{}, exam {}", scores.model(), exam.exam);
    canvas.text(&title, LEFT, 10, TextSize::Body, INK, Align::Left);
    let mut entries = vec![(CURVE, "probability of PE".to_owned())];
    if let Some(threshold) = scores.threshold() {
        entries.push((THRESHOLD, format!("threshold {threshold:.4}")));
    }
    if exam.labels.contains(&Some(true)) {
        entries.push((INK, "labelled PE".into()));
    }
    let mut left = LEFT;
    for (colour, label) in entries {
        canvas.fill(left, 34, 14, 4, colour);
        canvas.text(&label, left + 20, 31, TextSize::Small, INK, Align::Left);
        left += 20 + (label.chars().count() as u32 * TextSize::Small.char_width()) as i32 + 24;
    }
}
