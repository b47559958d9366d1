//! `show(x)`: shows a value to the user. A picture is saved in the run's folder, its path is printed,
//! and it is drawn if the terminal can do that. Any other value is printed.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};

use image::DynamicImage;
use pe_binding::script::{ScriptResult, raise, shown};
use pe_report::Picture;
use rhai::{Dynamic, NativeCallContext};

use crate::session::Session;

/// Number of pictures that the process has shown; it numbers their files.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// Width of a picture in terminal cells, wide enough for a contact sheet.
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

/// Draws the picture in the terminal: with the terminal's own protocol (kitty, iTerm), or else in
/// half blocks. Does nothing for a file or pipe, and with `--json` or `--quiet`.
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

/// Returns whether the environment names a terminal with kitty's protocol. Querying the terminal
/// itself would block for ever on one that does not answer.
fn speaks_kitty() -> bool {
    const NAMES: [&str; 3] = ["kitty", "ghostty", "wezterm"];
    ["TERM", "TERM_PROGRAM"].iter().any(|name| {
        let value = std::env::var(name).unwrap_or_default().to_lowercase();
        NAMES.iter().any(|known| value.contains(known))
    })
}
