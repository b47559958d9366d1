//! What is read of a page: its links, the anchors that links may lead to, and its fenced blocks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file.
pub struct Page {
    pub file: PathBuf,
    pub links: Vec<Link>,
    pub anchors: BTreeSet<String>,
    pub blocks: Vec<Block>,
}

/// Where a link or an image leads.
pub struct Link {
    pub target: String,
}

/// A fenced block: the words of its first line, and its text.
#[derive(Debug, Clone)]
pub struct Block {
    pub language: String,
    pub words: Vec<String>,
    pub text: String,
}

impl Page {
    pub fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        Self::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Self {
        let mut page = Self {
            file: file.to_path_buf(),
            links: Vec::new(),
            anchors: BTreeSet::new(),
            blocks: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut fenced = false;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link {
                        target: dest_url.into_string(),
                    });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.add_anchor(&heading.take().unwrap_or_default());
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    page.blocks.push(Block::new(&info));
                    fenced = true;
                }
                Event::End(TagEnd::CodeBlock) => fenced = false,
                Event::Text(text) if fenced => {
                    page.blocks.last_mut().unwrap().text.push_str(&text);
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// The anchor that mdBook gives a heading; a second one of the same words gets a number.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.trim().chars().filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        });
        let anchor: String = kept.collect();
        let numbered = (1..).map(|n| format!("{anchor}-{n}"));
        let free = std::iter::once(anchor.clone())
            .chain(numbered)
            .find(|anchor| !self.anchors.contains(anchor));
        self.anchors.extend(free);
    }

    /// The commands of the page's shell blocks that should work, those that go on in the next line
    /// joined.
    pub fn shell_lines(&self) -> Vec<String> {
        let works = |block: &&Block| block.language == "sh" && !block.is("fails");
        let shell = self.blocks.iter().filter(works);
        shell.flat_map(Block::commands).collect()
    }
}

impl Block {
    fn new(info: &str) -> Self {
        let mut words = info.split(',').map(|word| word.trim().to_owned());
        Self {
            language: words.next().unwrap_or_default(),
            words: words.collect(),
            text: String::new(),
        }
    }

    /// Whether a word stands behind the language.
    pub fn is(&self, word: &str) -> bool {
        self.words.iter().any(|found| found == word)
    }

    /// What stands behind `name=`.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut words = self.words.iter();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// Its lines without comments and continuations.
    pub fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }
}

impl Link {
    /// Whether it leads to a file of the repository or to a place on the same page.
    pub fn is_relative(&self) -> bool {
        !self.target.contains("://") && !self.target.starts_with("mailto:")
    }

    /// Whether its file is there, and in it the heading that it names. The book is built from
    /// `docs` alone, so a page of it must not link beyond that folder.
    pub fn check(&self, page: &Page, docs: &Path) -> Result<(), String> {
        let (path, anchor) = match self.target.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (self.target.as_str(), None),
        };
        let folder = page.file.parent().unwrap();
        let file = match path {
            "" => page.file.clone(),
            path => plain(&folder.join(path)),
        };
        if page.file.starts_with(docs) && !file.starts_with(docs) {
            return Err("leads out of the book".to_owned());
        }
        if !file.exists() {
            return Err(format!("there is no {}", file.display()));
        }
        match anchor {
            Some(anchor) if !Page::read(&file).anchors.contains(anchor) => {
                Err(format!("{} has no heading #{anchor}", file.display()))
            }
            _ => Ok(()),
        }
    }
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn a_page_is_read() {
    let text = "# A `b` c!\n\n## A b c\n\n[x](y.md#z) ![p](q.png)\n\n\
                | t |\n|---|\n| [u](v.md) |\n\n```rhai,file=a.rhai\n# text\n```\n\n```sh\na \\\n  b\n# c\n```\n";
    let page = Page::parse(Path::new("page.md"), text);
    let anchors: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["a-b-c", "a-b-c-1"]);
    let targets: Vec<&str> = page.links.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(targets, ["y.md#z", "q.png", "v.md"]);
    assert_eq!(page.blocks[0].value("file"), Some("a.rhai"));
    assert_eq!(page.blocks[0].text, "# text\n");
    assert_eq!(page.shell_lines(), ["a    b"]);
}
