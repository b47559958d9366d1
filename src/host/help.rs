//! `help("name")` and `apropos("word")`.

use std::sync::Arc;

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{Engine, NativeCallContext};

use super::documented;
use crate::Session;
use crate::catalogue::{self, Catalogue};

/// More than these are told by their number.
const MOST: usize = 40;

pub(super) fn register(engine: &mut Engine, session: &Arc<Session>) {
    let doc = "Prints the documentation of a function, as the reference has it: its arguments, \
               errors and an example. A method is named alone or with its type. Throws, naming \
               the nearest one, for a name that no function has.\n\n```rhai\n\
               help(\"ct::window\");\nhelp(\"Mask.volume_ml\");\n```";
    let asked = session.clone();
    documented("help", &["name: &str"], doc).register_into_engine(
        engine,
        move |context: NativeCallContext, name: &str| {
            let catalogue = Catalogue::of(context.engine());
            let page = catalogue::help(&catalogue, name).map_err(|text| {
                let hint = "`apropos(\"word\")` searches names and documentation";
                runtime_error("help.unknown", &text, Some(hint))
            })?;
            let console = &asked.console;
            console.print(&catalogue::terminal(&page, console.look().colour));
            ScriptResult::Ok(())
        },
    );
    let doc = "Prints every function with `text` in its name or documentation, a line each.\n\n\
               ```rhai\napropos(\"threshold\");\n```";
    let asked = session.clone();
    documented("apropos", &["text: &str"], doc).register_into_engine(
        engine,
        move |context: NativeCallContext, text: &str| {
            asked
                .console
                .print(&found(&Catalogue::of(context.engine()), text));
        },
    );
}

fn found(catalogue: &Catalogue, text: &str) -> String {
    let found = catalogue.apropos(text);
    if found.is_empty() {
        return format!("nothing is documented with `{text}`");
    }
    let more = found.len().saturating_sub(MOST);
    let shown = found.into_iter().take(MOST);
    let mut lines: Vec<String> = shown
        .map(|function| {
            let summary = function.summary().replace(['\n', '`'], " ");
            format!("{}\n    {summary}", function.signature())
        })
        .collect();
    if more > 0 {
        lines.push(format!("… {more} more: search for a longer word"));
    }
    lines.join("\n")
}
