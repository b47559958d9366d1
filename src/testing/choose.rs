//! Selects the tests to run, and their order.

use super::annotations::is_tag;
use super::{Case, TestArgs};
use crate::params::Bad;

/// The options that select and order tests.
#[derive(Debug, Default)]
pub(super) struct Choice {
    texts: Vec<String>,
    with: Vec<String>,
    without: Vec<String>,
    shuffle: Option<u64>,
}

impl Choice {
    /// Reads the options.
    ///
    /// # Errors
    /// [`Bad`] for a text that cannot be a tag.
    pub fn new(arguments: &TestArgs) -> Result<Self, Bad> {
        let mut choice = Self {
            texts: arguments.filter.clone(),
            shuffle: arguments.shuffle,
            ..Self::default()
        };
        for given in &arguments.tag {
            let (tag, tags) = match given.strip_prefix('!') {
                Some(tag) => (tag, &mut choice.without),
                None => (given.as_str(), &mut choice.with),
            };
            if !is_tag(tag) {
                let message = format!("`--tag` takes the name of a tag, found `{given}`");
                let hint = "`--tag slow` runs tests with that tag, `--tag '!slow'` those without";
                return Err(Bad::new(message, hint));
            }
            tags.push(tag.to_owned());
        }
        Ok(choice)
    }

    /// Returns whether the options select only a part of the tests.
    pub fn is_part(&self) -> bool {
        !(self.texts.is_empty() && self.with.is_empty() && self.without.is_empty())
    }

    /// Returns the tests to run, in order. Tags never leave out a test whose annotations cannot be read,
    /// so that its failure is seen.
    pub fn of(&self, mut cases: Vec<Case>) -> Vec<Case> {
        cases.retain(|case| {
            let name = case.name();
            let named = self.texts.is_empty() || self.texts.iter().any(|text| name.contains(text));
            let has = |tag: &String| case.tags().any(|own| own == tag);
            let tagged = self.with.is_empty() || self.with.iter().any(has);
            named && (case.annotations.is_err() || tagged && !self.without.iter().any(has))
        });
        if let Some(seed) = self.shuffle {
            // Sort by a hash of seed and name, so that two tests keep their order whatever others there
            // are.
            cases.sort_by_key(|case| {
                let text = format!("{seed}\0{}", case.name());
                *blake3::hash(text.as_bytes()).as_bytes()
            });
        }
        cases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::annotations::{Annotations, Misread};

    fn cases() -> Vec<Case> {
        let case = |function: &str, tags: &[&str]| Case {
            file: "s/a.rhai".into(),
            function: Some(function.to_owned()),
            line: None,
            annotations: Ok(Annotations {
                tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
                ..Annotations::default()
            }),
        };
        let mut cases = vec![
            case("test_a", &[]),
            case("test_b", &["slow"]),
            case("test_bc", &["slow", "cuda"]),
            case("test_d", &[]),
        ];
        cases[3].annotations = Err(Misread {
            line: 1,
            message: String::new(),
        });
        cases
    }

    fn chosen(arguments: TestArgs) -> Vec<String> {
        let choice = Choice::new(&arguments).unwrap();
        let names = choice
            .of(cases())
            .into_iter()
            .filter_map(|case| case.function);
        names.map(|name| name.replace("test_", "")).collect()
    }

    #[test]
    fn tests_are_chosen_by_name_and_tag() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let check = |filter: &[&str], tag: &[&str], expected: &[&str]| {
            let arguments = TestArgs {
                filter: texts(filter),
                tag: texts(tag),
                ..TestArgs::default()
            };
            assert_eq!(chosen(arguments), expected, "{filter:?} {tag:?}");
        };
        check(&[], &[], &["a", "b", "bc", "d"]);
        check(&["::test_b"], &[], &["b", "bc"]);
        check(&["s/a::test_a", "bc"], &[], &["a", "bc"]);
        check(&["none"], &[], &[]);
        check(&[], &["slow"], &["b", "bc", "d"]);
        check(&[], &["!slow"], &["a", "d"]);
        check(&[], &["slow", "!cuda"], &["b", "d"]);
        check(&["test_b"], &["cuda"], &["bc"]);
    }

    #[test]
    fn shuffling_is_a_permutation_that_the_seed_decides() {
        let shuffled = |seed| {
            chosen(TestArgs {
                shuffle: Some(seed),
                ..TestArgs::default()
            })
        };
        let orders: std::collections::BTreeSet<_> = (0..50).map(shuffled).collect();
        assert!(orders.len() > 10, "{orders:?}");
        for mut order in orders {
            order.sort();
            assert_eq!(order, ["a", "b", "bc", "d"]);
        }
        assert_eq!(shuffled(7), shuffled(7));
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for tag in ["", "!", "a b", "slow,cuda"] {
            let tag = vec![tag.to_owned()];
            assert!(
                Choice::new(&TestArgs {
                    tag,
                    ..TestArgs::default()
                })
                .is_err()
            );
        }
    }
}
