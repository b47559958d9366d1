//! `show(x)`: what the user sees of a value. A path or text is printed; pictures join here.

use rhai::Dynamic;

use crate::console::Console;

/// Shows a value on the script's output.
pub(crate) fn show(console: &Console, value: &Dynamic) {
    console.print(&value.to_string());
}
