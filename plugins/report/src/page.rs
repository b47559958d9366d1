use std::path::Path;

use image::RgbImage;

use crate::canvas::{Align, Canvas, GREY, INK, MAX_SIDE, PALE, TextSize, WHITE};
use crate::contact_sheet::shrunk;
use crate::html;
use pe_files::Files;

use crate::write::write_whole;
use crate::{Picture, ReportError};

/// One page of facts, tables and pictures, which can be written as self-contained HTML and as PNG.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
}

/// A table of text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Heading(String),
    Text(String),
    Fact { name: String, value: String },
    Table(Table),
    Picture { picture: Picture, caption: String },
}

/// Width of the page as PNG, pixels.
const WIDTH: u32 = 1200;
const MARGIN: u32 = 24;
/// Left edge of the values of facts, pixels.
const VALUE_LEFT: u32 = 260;

impl Page {
    /// An empty page.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    /// The page's title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: &str) {
        self.parts.push(Part::Heading(text.into()));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: &str) {
        self.parts.push(Part::Text(text.into()));
    }

    /// Adds a line `name: value`.
    pub fn fact(&mut self, name: &str, value: &str) {
        self.parts.push(Part::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    /// Adds a table.
    ///
    /// # Errors
    /// [`ReportError::Row`] when a row does not have as many cells as there are columns.
    pub fn table(&mut self, table: Table) -> Result<(), ReportError> {
        let expected = table.columns.len();
        match table.rows.iter().find(|row| row.len() != expected) {
            Some(row) => Err(ReportError::Row {
                expected,
                found: row.len(),
            }),
            None => {
                self.parts.push(Part::Table(table));
                Ok(())
            }
        }
    }

    /// Adds a picture with a caption.
    pub fn picture(&mut self, picture: &Picture, caption: &str) {
        self.parts.push(Part::Picture {
            picture: picture.clone(),
            caption: caption.into(),
        });
    }

    /// Writes the page atomically: `.html` gives a self-contained page, `.png` a picture of it.
    ///
    /// # Errors
    /// [`ReportError::Ending`] for another ending; [`ReportError::TooLarge`] when a PNG would be;
    /// [`ReportError::Io`].
    pub fn save(&self, path: &Path, files: &Files) -> Result<(), ReportError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => write_whole(path, html::render(self)?.as_bytes(), files),
            Some("png") => self.to_picture()?.save(path, files),
            _ => Err(ReportError::Ending {
                expected: ".html or .png",
                found: path.to_owned(),
            }),
        }
    }

    /// Draws the page as a picture. Parts that do not fit are left to the HTML page, and the
    /// picture says so.
    ///
    /// # Errors
    /// [`ReportError::TooLarge`], which does not happen in practice: the picture is kept within
    /// what can be drawn.
    pub fn to_picture(&self) -> Result<Picture, ReportError> {
        let header = 2 * MARGIN + 20;
        let mut height = header + MARGIN + Drawn::rest().height();
        let mut drawn = Vec::new();
        for part in self.parts.iter().flat_map(Drawn::of) {
            if height + part.height() > MAX_SIDE {
                drawn.push(Drawn::rest());
                break;
            }
            height += part.height();
            drawn.push(part);
        }
        let mut canvas = Canvas::new(WIDTH.into(), height.into(), WHITE)?;
        canvas.text(
            &self.title,
            MARGIN as i32,
            MARGIN as i32,
            TextSize::Title,
            INK,
            Align::Left,
        );
        let mut top = header;
        for part in &drawn {
            part.draw(&mut canvas, top as i32);
            top += part.height();
        }
        Ok(Picture::new(canvas.into_image(), &self.title))
    }
}

/// Most rows of a table that are drawn. The long table of a data set's exams belongs on the HTML
/// page.
const DRAWN_ROWS: usize = 100;

/// A part of the page, laid out in lines of pixels.
enum Drawn {
    Heading(String),
    Line(String),
    Fact(String, String),
    Row {
        cells: Vec<String>,
        lefts: Vec<u32>,
        head: bool,
    },
    Picture(RgbImage, String),
}

impl Drawn {
    /// The line that replaces parts that do not fit.
    fn rest() -> Self {
        Self::Line("... the rest is on the HTML page".into())
    }

    fn of(part: &Part) -> Vec<Self> {
        match part {
            Part::Heading(text) => vec![Self::Heading(text.clone())],
            Part::Text(text) => wrapped(text, WIDTH - 2 * MARGIN)
                .into_iter()
                .map(Self::Line)
                .collect(),
            Part::Fact { name, value } => {
                let lines = wrapped(value, WIDTH - VALUE_LEFT - MARGIN);
                let names = std::iter::once(name.clone()).chain(std::iter::repeat(String::new()));
                names
                    .zip(lines)
                    .map(|(name, line)| Self::Fact(name, line))
                    .collect()
            }
            Part::Table(table) => Self::of_table(table),
            Part::Picture { picture, caption } => {
                vec![Self::Picture(
                    shrunk(picture.image(), WIDTH - 2 * MARGIN),
                    caption.clone(),
                )]
            }
        }
    }

    fn of_table(table: &Table) -> Vec<Self> {
        let widest = |column: usize| {
            let cells = table.rows.iter().map(|row| &row[column]);
            cells
                .chain([&table.columns[column]])
                .map(|cell| cell.chars().count() as u32)
                .max()
                .unwrap_or(0)
        };
        let mut left = MARGIN;
        let lefts: Vec<u32> = (0..table.columns.len())
            .map(|column| {
                let here = left;
                left += (widest(column) + 3) * TextSize::Body.char_width();
                here
            })
            .collect();
        let row = |cells: &Vec<String>, head| Self::Row {
            cells: cells.clone(),
            lefts: lefts.clone(),
            head,
        };
        let more = table.rows.len().saturating_sub(DRAWN_ROWS);
        let more =
            (more > 0).then(|| Self::Line(format!("... and {more} more rows on the HTML page")));
        let rows = table
            .rows
            .iter()
            .take(DRAWN_ROWS)
            .map(|cells| row(cells, false));
        std::iter::once(row(&table.columns, true))
            .chain(rows)
            .chain(more)
            .collect()
    }

    fn height(&self) -> u32 {
        match self {
            Self::Heading(_) => 56,
            Self::Line(_) | Self::Fact(..) => 20,
            Self::Row { .. } => 19,
            Self::Picture(image, _) => image.height() + 40,
        }
    }

    fn draw(&self, canvas: &mut Canvas, top: i32) {
        let left = MARGIN as i32;
        let mut body = |text: &str, left: i32, colour| {
            canvas.text(text, left, top, TextSize::Body, colour, Align::Left);
        };
        match self {
            Self::Heading(text) => {
                canvas.text(text, left, top + 20, TextSize::Title, INK, Align::Left);
                canvas.line((left, top + 42), ((WIDTH - MARGIN) as i32, top + 42), PALE);
            }
            Self::Line(text) => body(text, left, INK),
            Self::Fact(name, value) => {
                body(name, left, GREY);
                body(value, VALUE_LEFT as i32, INK);
            }
            Self::Row { cells, lefts, head } => {
                let colour = if *head { GREY } else { INK };
                for (cell, left) in cells.iter().zip(lefts) {
                    body(cell, *left as i32, colour);
                }
                canvas.line((left, top + 16), ((WIDTH - MARGIN) as i32, top + 16), PALE);
            }
            Self::Picture(image, caption) => {
                canvas.text(caption, left, top + 12, TextSize::Body, GREY, Align::Left);
                canvas.paste(image, MARGIN, top as u32 + 32);
            }
        }
    }
}

/// Breaks text at spaces into lines that fit `width` pixels; a longer word stays whole.
fn wrapped(text: &str, width: u32) -> Vec<String> {
    let fits = (width / TextSize::Body.char_width()) as usize;
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > fits {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_never_lost() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(wrapped(text, 80), expected, "{text}");
        check("ten chars!", &["ten chars!"]);
        check("eleven chars", &["eleven", "chars"]);
        check("two\nlines", &["two", "lines"]);
        check("unbreakablyLong word", &["unbreakablyLong", "word"]);
        check("", &[""]);
    }
}
