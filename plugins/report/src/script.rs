//! `report` in Rhai: pictures and pages.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pe_binding::script::shown;
use rhai::def_package;
use rhai::plugin::*;

use crate::{Page, Picture, ReportError, Table};

/// A page that a script fills step by step; its copies are the same page.
#[derive(Debug, Clone, Default)]
pub struct PageHandle(Arc<Mutex<Page>>);

impl PageHandle {
    fn with<T>(&self, act: impl FnOnce(&mut Page) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

def_package! {
    /// Pictures and pages that show what was done.
    pub ReportPackage(module) {
        module.set_custom_type::<Picture>("Picture");
        module.set_custom_type::<PageHandle>("Page");
        combine_with_exported_module!(module, "report", report);
    }
}

/// A table from an array of arrays: the first row names the columns.
fn table_of(context: &NativeCallContext, rows: rhai::Array) -> Result<Table, ReportError> {
    let cells = |row: Dynamic| {
        let found = row.type_name().to_owned();
        match row.try_cast::<rhai::Array>() {
            Some(cells) => Ok(cells
                .iter()
                .map(|cell| shown(context, cell))
                .collect::<Vec<_>>()),
            None => Err(ReportError::Option {
                option: "rows",
                expected: "an array of arrays",
                found,
            }),
        }
    };
    let mut rows = rows.into_iter().map(cells);
    let columns = rows.next().transpose()?.unwrap_or_default();
    Ok(Table {
        columns,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

// rhai's macro unwraps arguments whose types it has checked.
#[allow(clippy::unwrap_used)]
#[export_module]
mod report {
    use pe_binding::script::{ScriptResult, options, raise, work};
    use pe_ct::{Mask, Volume};
    use rhai::{Array, INT, Map};

    /// A contact sheet of an exam, from the apex to the base: each slice in the PE window, the
    /// same with the mask's outline, and the three masked channels as red, green and blue.
    #[rhai_fn(return_raw)]
    pub fn contact_sheet(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
    ) -> ScriptResult<Picture> {
        crate::contact_sheet(&volume, &mask, &Default::default(), &work(&context)).map_err(raise)
    }

    /// As `report::contact_sheet(volume, mask)` with options:
    ///
    /// - `tile` (160): side of a tile, pixels
    /// - `columns` (4): slices beside each other
    /// - `n_slices` (0): how many slices, evenly spaced; 0 shows all, or as many as fit
    #[rhai_fn(name = "contact_sheet", return_raw)]
    pub fn contact_sheet_with(
        context: NativeCallContext,
        volume: Volume,
        mask: Mask,
        settings: Map,
    ) -> ScriptResult<Picture> {
        let settings = options("report::contact_sheet()", &settings)?;
        crate::contact_sheet(&volume, &mask, &settings, &work(&context)).map_err(raise)
    }

    /// A histogram of the volume's HU, on a logarithmic scale.
    #[rhai_fn(return_raw)]
    pub fn histogram(volume: Volume) -> ScriptResult<Picture> {
        crate::histogram(&volume, None, &Default::default()).map_err(raise)
    }

    /// A histogram of the volume's HU with that of the voxels inside the mask.
    #[rhai_fn(name = "histogram", return_raw)]
    pub fn histogram_of_mask(volume: Volume, mask: Mask) -> ScriptResult<Picture> {
        crate::histogram(&volume, Some(&mask), &Default::default()).map_err(raise)
    }

    /// As `report::histogram(volume, mask)` with options: `lower_hu` (-1024), `upper_hu` (1024)
    /// and `bin_hu` (16).
    #[rhai_fn(name = "histogram", return_raw)]
    pub fn histogram_with(volume: Volume, mask: Mask, settings: Map) -> ScriptResult<Picture> {
        let settings = options("report::histogram()", &settings)?;
        crate::histogram(&volume, Some(&mask), &settings).map_err(raise)
    }

    /// Writes the picture as PNG.
    #[rhai_fn(global, name = "save", return_raw, volatile, pure)]
    pub fn save_picture(picture: &mut Picture, path: &str) -> ScriptResult<()> {
        picture.save(Path::new(path)).map_err(raise)
    }

    /// Width of the picture, pixels.
    #[rhai_fn(global, get = "width", pure)]
    pub fn picture_width(picture: &mut Picture) -> INT {
        INT::from(picture.image().width())
    }

    /// Height of the picture, pixels.
    #[rhai_fn(global, get = "height", pure)]
    pub fn picture_height(picture: &mut Picture) -> INT {
        INT::from(picture.image().height())
    }

    /// The picture in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn picture_to_string(picture: &mut Picture) -> String {
        picture.to_string()
    }

    /// An empty page, to be filled and saved:
    ///
    /// ```rhai
    /// let page = report::page("One exam");
    /// page.fact("slices", 64);
    /// page.save("summary.html");
    /// ```
    pub fn page(title: &str) -> PageHandle {
        PageHandle(Arc::new(Mutex::new(Page::new(title))))
    }

    /// Adds a heading.
    #[rhai_fn(global, pure)]
    pub fn heading(page: &mut PageHandle, text: &str) {
        page.with(|page| page.heading(text));
    }

    /// Adds a paragraph.
    #[rhai_fn(global, pure)]
    pub fn text(page: &mut PageHandle, text: &str) {
        page.with(|page| page.text(text));
    }

    /// Adds a line `name: value`.
    #[rhai_fn(global, pure)]
    pub fn fact(context: NativeCallContext, page: &mut PageHandle, name: &str, value: Dynamic) {
        page.with(|page| page.fact(name, &shown(&context, &value)));
    }

    /// Adds a table from an array of rows, each an array of cells; the first names the columns.
    #[rhai_fn(global, return_raw, pure)]
    pub fn table(
        context: NativeCallContext,
        page: &mut PageHandle,
        rows: Array,
    ) -> ScriptResult<()> {
        table_of(&context, rows)
            .and_then(|table| page.with(|page| page.table(table)))
            .map_err(raise)
    }

    /// Adds a picture with a caption.
    #[rhai_fn(global, pure)]
    pub fn picture(page: &mut PageHandle, picture: Picture, caption: &str) {
        page.with(|page| page.picture(&picture, caption));
    }

    /// Writes the page: `.html` gives a page that needs no other file, `.png` a picture of it.
    #[rhai_fn(global, name = "save", return_raw, volatile, pure)]
    pub fn save_page(page: &mut PageHandle, path: &str) -> ScriptResult<()> {
        page.with(|page| page.save(Path::new(path))).map_err(raise)
    }

    /// The page in words.
    #[rhai_fn(global, name = "to_string", name = "to_debug", pure)]
    pub fn page_to_string(page: &mut PageHandle) -> String {
        page.with(|page| page.title().to_owned())
    }
}
