//! "Did you mean …": finds the known name nearest to a misspelt one.

/// Returns the name in `known` that is most like `given`, or `None` if none is near.
///
/// Near means a Damerau–Levenshtein distance of at most a third of the longer name, but at least 1.
///
/// ```
/// use pe_binding::nearest::nearest;
/// assert_eq!(nearest("szie", ["size", "mode"]), Some("size"));
/// assert_eq!(nearest("colour", ["size", "mode"]), None);
/// assert_eq!(nearest("", ["size"]), None);
/// ```
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&given.to_lowercase(), name);
    let best = known.into_iter().min_by_key(|name| distance(name))?;
    let allowed = (given.chars().count().max(best.chars().count()) / 3).max(1);
    (!given.is_empty() && distance(best) <= allowed).then_some(best)
}
