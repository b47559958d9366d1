//! `help("name")` and `apropos("word")`.

use std::sync::Arc;

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{Engine, NativeCallContext};

use super::{doc, documented};
use crate::catalogue::{self, Catalogue};
use crate::session::Session;

/// Matches that `apropos` lists; of the others it prints only the number.
const MOST: usize = 40;

pub(super) fn register(engine: &mut Engine, session: &Arc<Session>) {
    let asked = session.clone();
    documented("help", &["name: &str"], doc::HELP).register_into_engine(
        engine,
        move |context: NativeCallContext, name: &str| {
            let catalogue = known(&context);
            let page = catalogue::help(&catalogue, name).map_err(|text| {
                let hint = "`apropos(\"word\")` searches names and documentation";
                runtime_error("help.unknown", &text, Some(hint))
            })?;
            let console = &asked.console;
            console.show(&catalogue::terminal(&page, console.look().colour));
            ScriptResult::Ok(())
        },
    );
    let asked = session.clone();
    documented("apropos", &["text: &str"], doc::APROPOS).register_into_engine(
        engine,
        move |context: NativeCallContext, text: &str| {
            asked.console.print(&found(&known(&context), text));
        },
    );
}

/// All functions that the calling script can call, including its own.
fn known(context: &NativeCallContext<'_>) -> Catalogue {
    let mut catalogue = Catalogue::of(context.engine());
    catalogue.add_caller(context);
    catalogue
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
