use pe_metrics::Level;

use super::baseline::meaning;
use super::html::summary;
use super::metric::Metric;
use super::numbers::{interval, p_value, percent, share, signed, signed_interval};
use super::{Experiment, Results};

/// Width of the table, characters.
const WIDTH: usize = 110;
/// Width of the models' names.
const NAME: usize = 26;
/// Width of an interval: `95 % interval`.
const INTERVAL: usize = 13;
/// Width of a difference to the baseline and of its header.
const DELTA: usize = 20;

/// Returns the table as text: a line for each model, with the reference's numbers beneath.
pub fn table(experiment: &Experiment, results: &Results) -> String {
    let mut lines = vec![experiment.title.clone(), String::new()];
    let confidence = confidence(results);
    let cells = Metric::of_all().map(|metric| cell(metric, metric.short, ""));
    let level = results.main_level();
    let slices = level == Level::Slice;
    let head = format!(
        "{:NAME$}{}  {confidence:INTERVAL$}{}",
        format!("{} level", level.name()),
        cells.collect::<String>(),
        if slices { "  Same height" } else { "" }
    );
    lines.extend(underlined(head));
    let best: Vec<Vec<bool>> = Metric::of_all()
        .map(|metric| metric.best(results.main()))
        .collect();
    for (n, (model, found)) in experiment.models.iter().zip(&results.models).enumerate() {
        let ours = &found.main;
        let cells = Metric::of_all().zip(&best).map(|(metric, best)| {
            let value = (metric.format)(metric.estimate(ours).value);
            cell(metric, &value, if best[n] { "*" } else { "" })
        });
        let (name, cells) = (clipped(&model.name, NAME - 1), cells.collect::<String>());
        let interval = interval(&ours.auroc);
        let same = ours.same_height_auroc.as_ref();
        let same = same.map(|same| format!("  {:>11}", share(same.auroc.value)));
        let line = format!(
            "{name:NAME$}{cells}  {interval:INTERVAL$}{}",
            same.unwrap_or_default()
        );
        lines.push(line.trim_end().into());
        if let Some((_, theirs)) = experiment.of_reference(&model.id) {
            let reference = experiment.reference.as_ref();
            let name = reference.map_or("", |from| from.name.as_str());
            let cells = Metric::of_all().map(|metric| {
                let value = theirs.numbers.get(metric.key);
                let value = value.map_or_else(String::new, |value| (metric.format)(*value));
                cell(metric, &value, "")
            });
            let name = clipped(&format!("  {name}"), NAME - 1);
            let line = format!("{name:NAME$}{}", cells.collect::<String>());
            lines.push(line.trim_end().into());
        }
    }
    lines.push(String::new());
    if slices || experiment.baseline.is_some() {
        lines.extend(beside_baseline(experiment, results));
        lines.push(String::new());
    }
    let legend =
        "* best of ours in its column. The interval in the first table is that of our AUC.";
    let text = [
        Some(legend.into()),
        meaning(results),
        Some(summary(experiment, results)),
    ];
    let text = text.into_iter().flatten();
    let reference = experiment.reference.iter();
    let text = text
        .chain(reference.flat_map(|from| [from.source()].into_iter().chain(from.caveats.clone())));
    for text in text.chain(results.warnings(experiment)) {
        lines.extend(wrapped(&text, WIDTH));
    }
    lines.join("\n")
}

/// Returns the table of AUCs, among slices at the same height where there are slices, with their
/// intervals and their differences to the baseline's.
fn beside_baseline(experiment: &Experiment, results: &Results) -> Vec<String> {
    let confidence = confidence(results);
    let line = |name: &str, cells: [&str; 5]| {
        let [value, interval, delta, delta_interval, p] = cells;
        let line = format!(
            "{name:NAME$}{value:>8}  {interval:INTERVAL$}  {delta:>DELTA$}  {delta_interval:18}  {p:>7}"
        );
        line.trim_end().to_owned()
    };
    let baseline = experiment.baseline_name();
    let against = baseline.map(|name| clipped(&format!("less {name}'s"), DELTA));
    let what = match results.main_level() {
        Level::Slice => "same height".into(),
        level => format!("{} level", level.name()),
    };
    let head = match &against {
        Some(against) => line(&what, ["AUC", &confidence, against, &confidence, "p"]),
        None => line(&what, ["AUC", &confidence, "", "", ""]),
    };
    let mut lines = Vec::from(underlined(head));
    for (model, found) in experiment.models.iter().zip(&results.models) {
        let ours = found.blind_auroc();
        let (value, interval) = (share(ours.value), interval(&ours));
        let name = clipped(&model.name, NAME - 1);
        lines.push(match found.difference() {
            Some(to) => {
                let delta = signed(to.delta.value, 4);
                let delta_interval = signed_interval(&to.delta);
                let cells = [&value, &interval, &delta, &delta_interval, &p_value(to.p)];
                line(&name, cells.map(String::as_str))
            }
            None => line(&name, [&value, &interval, "", "", ""]),
        });
    }
    lines
}

/// Returns a header and the line beneath it.
fn underlined(head: String) -> [String; 2] {
    let rule = "─".repeat(head.chars().count());
    [head, rule]
}

fn confidence(results: &Results) -> String {
    format!("{} interval", percent(results.options.confidence))
}

/// Formats a metric's cell, right-aligned; a star takes the last place.
fn cell(metric: &Metric, text: &str, star: &str) -> String {
    let width = metric.short.len().max(6) + 2;
    format!("{text:>width$}{star:1}")
}

/// Shortens text that is too long in its middle: names of models begin alike and differ at their
/// ends.
fn clipped(text: &str, width: usize) -> String {
    let n = text.chars().count();
    if n <= width {
        return text.into();
    }
    let end = (width - 1) / 2;
    let begin = text.chars().take(width - 1 - end);
    let end = text.chars().skip(n - end);
    begin.chain(['…']).chain(end).collect()
}

/// Breaks text between words into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_clipped() {
        assert_eq!(clipped("effnet", 6), "effnet");
        assert_eq!(clipped("effnet_x", 6), "eff…_x");
        assert_eq!(clipped("effnet_x", 7), "eff…t_x");
    }

    #[test]
    fn text_is_broken_between_words() {
        let check = |text, expected: &[&str]| assert_eq!(wrapped(text, 7), expected, "{text}");
        check("", &[]);
        check("one two three", &["one two", "three"]);
        check("a long-long-word b", &["a", "long-long-word", "b"]);
    }
}
