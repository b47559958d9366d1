//! `show(x)`: what the user sees of a value. A picture is written into the run's folder, its path
//! printed, and the picture drawn where the terminal can; anything else is printed.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};

use image::DynamicImage;
use pe_binding::script::{ScriptResult, raise, shown};
use pe_report::Picture;
use rhai::{Dynamic, NativeCallContext};

use crate::session::Session;

/// Pictures are numbered in the order in which a process shows them.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// A terminal's cells are about half as wide as high; a contact sheet needs many of them.
const MAX_COLUMNS: u32 = 120;

/// Shows a value on the script's output.
pub(crate) fn show(
    context: &NativeCallContext,
    session: &Session,
    value: &Dynamic,
) -> ScriptResult<()> {
    let Some(found) = value.clone().try_cast::<Picture>() else {
        session.console.print(&shown(context, value));
        return Ok(());
    };
    picture(session, &found).map_err(raise)
}

/// Writes a picture into the session's folder, prints its path, and draws it.
pub(crate) fn picture(session: &Session, picture: &Picture) -> Result<(), pe_report::ReportError> {
    let number = SHOWN.fetch_add(1, Ordering::Relaxed) + 1;
    let path = session.run_dir.join(format!("picture-{number:03}.png"));
    picture.save(&path, session.work().files())?;
    session
        .console
        .print(&format!("{picture}: {}", path.display()));
    draw(session, picture);
    Ok(())
}

/// Draws the picture in the terminal: with its own protocol where it has one (kitty, iTerm), in
/// half blocks otherwise. Not into a file or a pipe, and not with `--json` or `--quiet`.
fn draw(session: &Session, picture: &Picture) {
    let look = session.console.look();
    if look.quiet || look.print_to_stderr || !look.bars || !io::stdout().is_terminal() {
        return;
    }
    let config = viuer::Config {
        absolute_offset: false,
        width: Some(MAX_COLUMNS),
        use_kitty: speaks_kitty(),
        ..Default::default()
    };
    let image = DynamicImage::ImageRgb8(picture.image().clone());
    if let Err(error) = viuer::print(&image, &config) {
        session
            .console
            .log(&format!("the terminal cannot draw the picture: {error}"));
    }
}

/// Whether the terminal says that it knows kitty's protocol. Asking it waits for an answer, for
/// ever on one that has none.
fn speaks_kitty() -> bool {
    const NAMES: [&str; 3] = ["kitty", "ghostty", "wezterm"];
    ["TERM", "TERM_PROGRAM"].iter().any(|name| {
        let value = std::env::var(name).unwrap_or_default().to_lowercase();
        NAMES.iter().any(|known| value.contains(known))
    })
}
