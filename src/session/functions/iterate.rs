//! `for x in progress(things, "label")`: a loop with a progress bar.

use std::ops::Range;
use std::sync::Arc;

use pe_binding::{Task, Work};
use rhai::{Array, Dynamic, Engine, INT};

use super::{doc, documented};
use crate::session::Session;

/// The items of the loop. A range is not expanded into an array, because it may be long.
#[derive(Clone)]
enum Items {
    Array(std::vec::IntoIter<Dynamic>),
    Range(Range<INT>),
}

/// An array or range that shows a progress bar when a script loops over it.
#[derive(Clone)]
pub(super) struct Progress {
    items: Items,
    label: String,
    work: Work,
}

/// The iterator of the loop. Dropping it ends the progress bar, also after `break` or an error.
pub(super) struct Steps {
    items: Items,
    begun: bool,
    task: Task,
}

impl IntoIterator for Progress {
    type Item = Dynamic;
    type IntoIter = Steps;

    fn into_iter(self) -> Steps {
        let total = match &self.items {
            Items::Array(items) => items.len(),
            Items::Range(range) => {
                let length = range.end.checked_sub(range.start);
                length.and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
            }
        };
        let task = self.work.task(&self.label, total, "steps");
        Steps {
            items: self.items,
            begun: false,
            task,
        }
    }
}

impl Iterator for Steps {
    type Item = Dynamic;

    fn next(&mut self) -> Option<Dynamic> {
        // A call for the next item means that the one before is done.
        if self.begun {
            self.task.advance(1);
        }
        let item = match &mut self.items {
            Items::Array(items) => items.next(),
            Items::Range(range) => range.next().map(Dynamic::from),
        };
        self.begun = item.is_some();
        item
    }
}

pub(super) fn register(engine: &mut Engine, session: &Arc<Session>) {
    engine.register_type_with_name::<Progress>("Progress");
    let params = ["items: Array", "label: &str", "Progress"];
    let work = session.work();
    documented("progress", &params, doc::PROGRESS_ARRAY).register_into_engine(
        engine,
        move |items: Array, label: &str| Progress {
            items: Items::Array(items.into_iter()),
            label: label.to_owned(),
            work: work.clone(),
        },
    );
    let params = ["range: Range<int>", "label: &str", "Progress"];
    let work = session.work();
    documented("progress", &params, doc::PROGRESS_RANGE).register_into_engine(
        engine,
        move |range: Range<INT>, label: &str| Progress {
            items: Items::Range(range),
            label: label.to_owned(),
            work: work.clone(),
        },
    );
}
