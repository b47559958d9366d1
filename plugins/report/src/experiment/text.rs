use super::columns::{COLUMNS, Column, interval, percent, share};
use super::html::summary;
use super::{CAVEATS, Experiment, PAPER_DATA, Results};

/// Width of the table, characters.
const WIDTH: usize = 110;
/// Width of the models' names.
const NAME: usize = 26;

/// The table as text: a line for each model, the paper's numbers beneath it.
pub fn table(experiment: &Experiment, results: &Results) -> String {
    let mut lines = vec![experiment.title.clone(), String::new()];
    let confidence = format!("{} interval", percent(results.options.confidence));
    let cells = COLUMNS.map(|column| cell(&column, column.name, ""));
    let head = format!("{:NAME$}{}  {confidence}", "slice level", cells.concat());
    lines.extend(["─".repeat(head.chars().count()), head].into_iter().rev());
    let best = COLUMNS.map(|column| column.best(results.slices()));
    for (n, (model, ours)) in experiment.models.iter().zip(results.slices()).enumerate() {
        let cells = COLUMNS.iter().zip(&best).map(|(column, best)| {
            let value = share((column.ours)(ours).value);
            cell(column, &value, if best[n] { "*" } else { "" })
        });
        let (name, cells) = (clipped(&model.name, NAME - 1), cells.collect::<String>());
        lines.push(format!("{name:NAME$}{cells}  {}", interval(&ours.auroc)));
        if let Some(paper) = &model.paper {
            let cells = COLUMNS.map(|column| cell(&column, &share((column.paper)(paper)), ""));
            let line = format!("{:NAME$}{}", "  paper", cells.concat());
            lines.push(line.trim_end().into());
        }
    }
    lines.push(String::new());
    let legend = "* best of ours in its column. The interval is that of our AUC.";
    let paper = format!("Paper: {PAPER_DATA}.");
    let text = [legend.into(), summary(experiment, results), paper];
    let text = text.into_iter().chain(CAVEATS.map(Into::into));
    for text in text.chain(results.warnings(experiment)) {
        lines.extend(wrapped(&text, WIDTH));
    }
    lines.join("\n")
}

/// A column's cell, right-aligned; a star takes the last place.
fn cell(column: &Column, text: &str, star: &str) -> String {
    let width = column.name.len().max(6) + 2;
    format!("{text:>width$}{star:1}")
}

fn clipped(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.into(),
    }
}

/// Text as lines of at most `width` characters, broken between words.
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
        assert_eq!(clipped("effnet_x", 6), "effne…");
    }

    #[test]
    fn text_is_broken_between_words() {
        let check = |text, expected: &[&str]| assert_eq!(wrapped(text, 7), expected, "{text}");
        check("", &[]);
        check("one two three", &["one two", "three"]);
        check("a long-long-word b", &["a", "long-long-word", "b"]);
    }
}
