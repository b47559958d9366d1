//! Catalogue of every function that a script can call, with its documentation. Completion, `help` and
//! the reference use it.

mod about;
mod collect;
mod doc;
mod page;
mod types;

use std::any::TypeId;
use std::collections::BTreeMap;

pub use doc::OptionDoc;
pub(crate) use page::entry;
pub use page::{help, terminal};
pub(crate) use types::plain_types;

/// The form in which a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A function: `name(a, b)` or `plugin::name(a, b)`.
    Free,
    /// A method: `value.name(a)`.
    Method,
    /// A property that is read: `value.name`.
    Getter,
    /// A property that is set: `value.name = x`.
    Setter,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name; `_` if the metadata has none.
    pub name: String,
    /// Its type in the script's words; `?` for any.
    pub type_name: String,
}

/// One function. Each overload is a function of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The plugin that it belongs to; empty for the host's and Rhai's own.
    pub plugin: String,
    /// Its name, without the plugin's.
    pub name: String,
    /// The form in which it is called.
    pub kind: Kind,
    /// The arguments; of a method or property, the value itself is the first.
    pub params: Vec<Param>,
    /// The type of what it returns; empty for nothing.
    pub returns: String,
    /// Its documentation, Markdown.
    pub doc: String,
    /// True for Rhai's own functions.
    pub standard: bool,
    /// The type that a method or property belongs to.
    pub on: Option<TypeId>,
}

impl Function {
    /// The name by which a script calls it: `ct::window`, `len`.
    pub fn path(&self) -> String {
        match self.kind {
            Kind::Free if !self.plugin.is_empty() => format!("{}::{}", self.plugin, self.name),
            _ => self.name.clone(),
        }
    }

    /// The type that a method or property belongs to, in the script's words.
    pub fn on_type(&self) -> Option<&str> {
        match self.kind {
            Kind::Free => None,
            _ => self.params.first().map(|param| param.type_name.as_str()),
        }
    }

    /// The signature: `ct::window(level, width) -> HuWindow`, `Mask.volume_ml -> float`.
    pub fn signature(&self) -> String {
        let params = match self.kind {
            Kind::Free => &self.params[..],
            _ => self.params.get(1..).unwrap_or_default(),
        };
        let params: Vec<String> = params.iter().map(Param::shown).collect();
        let arguments = match self.kind {
            Kind::Getter => String::new(),
            Kind::Setter => format!(" = {}", params.join(", ")),
            _ => format!("({})", params.join(", ")),
        };
        let on = match self.on_type() {
            Some(type_name) => format!("{type_name}."),
            None => String::new(),
        };
        let returns = match self.returns.as_str() {
            "" => String::new(),
            returns => format!(" -> {returns}"),
        };
        format!("{on}{}{arguments}{returns}", self.path())
    }

    /// The first sentence of its documentation.
    pub fn summary(&self) -> &str {
        doc::summary(&self.doc)
    }

    /// The entries of its option map, as its documentation lists them.
    pub fn options(&self) -> Vec<OptionDoc> {
        doc::options(&self.doc)
    }

    /// The Rhai examples in its documentation.
    pub fn examples(&self) -> Vec<String> {
        doc::examples(&self.doc)
    }
}

impl Param {
    fn shown(&self) -> String {
        match self.type_name.as_str() {
            "?" | "" => self.name.clone(),
            type_name => format!("{}: {type_name}", self.name),
        }
    }
}

/// All functions of an engine.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    functions: Vec<Function>,
    plugins: BTreeMap<String, String>,
}

impl Catalogue {
    /// Every function, by plugin, name and number of arguments.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The plugins' names with their descriptions.
    pub fn plugins(&self) -> &BTreeMap<String, String> {
        &self.plugins
    }

    /// The entries of a function's option map: its own, and those of other functions that its
    /// documentation refers to.
    pub fn options_of(&self, function: &Function) -> Vec<OptionDoc> {
        let mut options = function.options();
        let named = doc::option_references(&function.doc);
        for name in &named {
            let others = self.named(name).into_iter().flat_map(Function::options);
            for option in others {
                if options.iter().all(|known| known.name != option.name) {
                    options.push(option);
                }
            }
        }
        options
    }

    /// Removes the functions and plugins that another catalogue has too.
    pub fn beyond(mut self, other: &Self) -> Self {
        let known = |f: &Function| {
            let same =
                |o: &&Function| (&o.plugin, &o.name, &o.params) == (&f.plugin, &f.name, &f.params);
            other.functions.iter().any(|function| same(&function))
        };
        self.functions.retain(|function| !known(function));
        self.plugins
            .retain(|name, _| !other.plugins.contains_key(name));
        self
    }

    /// The methods and properties of a type.
    pub fn members(&self, of: TypeId) -> impl Iterator<Item = &Function> {
        self.functions
            .iter()
            .filter(move |function| function.on == Some(of))
    }

    /// The type that a script calls `name`.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        let member = |function: &&Function| function.on_type() == Some(name);
        self.functions.iter().find(member)?.on
    }

    /// The functions that a user may mean by `name`: `ct::window`, `window`, `Mask.volume_ml`,
    /// `volume_ml`.
    pub fn named(&self, name: &str) -> Vec<&Function> {
        let name = name.trim().trim_end_matches("()");
        if let Some((on, member)) = name.rsplit_once('.') {
            let exact = |f: &&Function| f.name == member && f.on_type() == Some(on);
            return self.functions.iter().filter(exact).collect();
        }
        let whole = |f: &&Function| f.path() == name;
        let found: Vec<&Function> = self.functions.iter().filter(whole).collect();
        if !found.is_empty() {
            return found;
        }
        let bare = |f: &&Function| f.name == name;
        self.functions.iter().filter(bare).collect()
    }

    /// Searches names and documentation for `text`, ignoring case. Matches in names come first.
    pub fn apropos(&self, text: &str) -> Vec<&Function> {
        let text = text.to_lowercase();
        let rank = |f: &&Function| {
            let in_name = f.signature().to_lowercase().contains(&text);
            (!in_name, f.standard)
        };
        let has = |f: &&Function| {
            f.signature().to_lowercase().contains(&text) || f.doc.to_lowercase().contains(&text)
        };
        let mut found: Vec<&Function> = self.functions.iter().filter(has).collect();
        found.sort_by_key(rank);
        found
    }

    /// The existing name nearest to one that does not exist: the same name in another plugin or type,
    /// else the most similar one.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let paths: Vec<String> = self.functions.iter().map(Function::path).collect();
        let bare = name.rsplit(['.', ':']).next().unwrap_or(name);
        let elsewhere = self.functions.iter().find(|f| f.name == bare);
        elsewhere.map(Function::path).or_else(|| {
            pe_binding::nearest::nearest(name, paths.iter().map(String::as_str)).map(str::to_owned)
        })
    }
}

#[cfg(test)]
mod tests;
