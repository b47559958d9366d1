use std::fmt;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};

use crate::ReportError;
use pe_files::Files;

use crate::write::write_whole;

/// A finished picture in memory, 8 bits per channel. Cheap to clone.
#[derive(Clone)]
pub struct Picture {
    image: Arc<RgbImage>,
    title: Arc<str>,
    /// The picture as PNG, cached on first use. It is shown, saved and put on pages, and encoding a
    /// sheet of 320 slices takes about a second.
    encoded: Arc<OnceLock<Vec<u8>>>,
}

impl Picture {
    /// Creates a picture with a title for captions and terminals.
    pub fn new(image: RgbImage, title: &str) -> Self {
        Self {
            image: Arc::new(image),
            title: title.into(),
            encoded: Arc::default(),
        }
    }

    /// The pixels.
    pub fn image(&self) -> &RgbImage {
        &self.image
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Writes the picture as PNG, atomically, and creates the folder if needed.
    ///
    /// # Errors
    /// [`ReportError::Ending`] unless `path` ends in `.png`; [`ReportError::Io`].
    pub fn save(&self, path: &Path, files: &Files) -> Result<(), ReportError> {
        if path
            .extension()
            .is_none_or(|ending| !ending.eq_ignore_ascii_case("png"))
        {
            return Err(ReportError::Ending {
                expected: ".png",
                found: path.to_owned(),
            });
        }
        write_whole(path, self.png()?, files)
    }

    /// Returns the picture as a `data:` URL, for self-contained pages.
    pub(crate) fn data_url(&self) -> Result<String, ReportError> {
        Ok(format!(
            "data:image/png;base64,{}",
            STANDARD.encode(self.png()?)
        ))
    }

    fn png(&self) -> Result<&[u8], ReportError> {
        if let Some(encoded) = self.encoded.get() {
            return Ok(encoded);
        }
        let mut bytes = Cursor::new(Vec::new());
        self.image
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| ReportError::Io {
                path: "a PNG in memory".into(),
                source: io::Error::other(error),
            })?;
        Ok(self.encoded.get_or_init(|| bytes.into_inner()))
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "picture {} × {}, {}",
            self.image.width(),
            self.image.height(),
            self.title
        )
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
