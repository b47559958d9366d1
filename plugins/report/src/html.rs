//! Renders a page as self-contained HTML.

use std::fmt::Write;

use crate::ReportError;
use crate::page::{Page, Part, Table};

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1.5rem;
       color: #20242c; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #dee2e8; }
dl { display: grid; grid-template-columns: minmax(10rem, max-content) 1fr; gap: .15rem 1.5rem; margin: .5rem 0; }
dt { color: #787e88; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #dee2e8; }
th { color: #787e88; font-weight: 600; }
figure { margin: 1.5rem 0; } figcaption { color: #787e88; } img { max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
  body { color: #dfe3ea; background: #16181d; } h2, th, td { border-color: #343a44; }
}";

/// Renders the page as HTML.
pub fn render(page: &Page) -> Result<String, ReportError> {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}\n</style>\n<h1>{title}</h1>\n"
    );
    let mut in_facts = false;
    for part in &page.parts {
        let fact = matches!(part, Part::Fact { .. });
        // Facts that follow each other share one list.
        if fact != in_facts {
            out.push_str(if fact { "<dl>\n" } else { "</dl>\n" });
            in_facts = fact;
        }
        out.push_str(&render_part(part)?);
    }
    if in_facts {
        out.push_str("</dl>\n");
    }
    out.push_str("</html>\n");
    Ok(out)
}

fn render_part(part: &Part) -> Result<String, ReportError> {
    Ok(match part {
        Part::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
        Part::Text(text) => format!("<p>{}</p>\n", escaped(text).replace('\n', "<br>")),
        Part::Fact { name, value } => {
            format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value))
        }
        Part::Table(table) => render_table(table),
        Part::Picture { picture, caption } => {
            let (width, height) = picture.image().dimensions();
            let (url, caption) = (picture.data_url()?, escaped(caption));
            format!(
                "<figure><figcaption>{caption}</figcaption>\
                 <img src=\"{url}\" width=\"{width}\" height=\"{height}\" alt=\"{caption}\"></figure>\n"
            )
        }
    })
}

fn render_table(table: &Table) -> String {
    let row = |tag: &str, cells: &[String]| {
        let mut out = String::from("<tr>");
        for cell in cells {
            // Writing to a String cannot fail.
            let _ = write!(out, "<{tag}>{}</{tag}>", escaped(cell));
        }
        out + "</tr>\n"
    };
    let body: String = table.rows.iter().map(|cells| row("td", cells)).collect();
    format!("<table>\n{}{body}</table>\n", row("th", &table.columns))
}

/// Escapes text for HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
