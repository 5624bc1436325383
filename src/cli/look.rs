//! What `trolley check` prints about a market's tables, in 100 columns.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use trolley_training::Tables;
use trolley_training::input::{self, Column, Finding, Look, RowCount, Severity, TableLook};

use super::table::{Table, thousands};

const WIDTH: usize = 100;

/// Maximum number of file names shown.
const FILES: usize = 3;

/// Maximum number of characters shown of a value in a table.
const SHOWN: usize = 10;

/// Everything known about the tables.
pub(super) fn text(tables: &Tables) -> String {
    let look = &tables.look;
    let mut out = String::new();
    let mut count = |what: &str, number: u64| _ = writeln!(out, "  {what:12} {}", thousands(number));
    if let Some(table) = look.tables.first() {
        count("rows", table.rows);
    }
    count("lines", look.lines);
    count("baskets", look.baskets);
    count("items", look.items);
    count("customers", look.customers);
    count("items table", tables.items.len() as u64);
    count("offers", tables.offers.len() as u64);
    for table in &look.tables {
        row_outcomes(&mut out, table);
        if table.table == input::InputTable::Transactions && look.repeated > 0 {
            _ = writeln!(out, "    left out   {} × repeated in their basket", thousands(look.repeated));
        }
    }
    if let Some(list) = tables.row_outcomes.list() {
        _ = writeln!(out, "    listed in  {}", list.display());
    }
    fit(&mut out, look);
    months(&mut out, look);
    for table in &look.tables {
        columns(&mut out, table);
    }
    out.push_str(&findings(&look.findings));
    out
}

/// The files of a table, and its rows left out and rejected.
fn row_outcomes(out: &mut String, table: &TableLook) {
    let name = table.table.name();
    let files = table.files.len();
    let plural = if files == 1 { "file" } else { "files" };
    _ = writeln!(out, "  {name:12} {} {plural}: {}", thousands(files as u64), names(&table.files));
    if !table.passed_over.is_empty() {
        _ = writeln!(out, "    not read   {}", names(&table.passed_over));
    }
    for (fate, reasons) in [("left out", &table.left_out), ("rejected", &table.rejected)] {
        for (reason, RowCount { rows, examples }) in reasons {
            _ = writeln!(out, "    {fate:10} {} × {reason} ({name})", thousands(*rows));
            for example in examples {
                let file = Path::new(&example.file).file_name().unwrap_or_default().to_string_lossy();
                let value = if example.value.is_empty() { String::new() } else { format!(": `{}`", example.value) };
                let line = format!("{file}, line {}{value}", example.line);
                _ = writeln!(out, "               {}", cut(&line, WIDTH - 15));
            }
        }
    }
}

fn names(paths: &[std::path::PathBuf]) -> String {
    let mut text = paths.iter().take(FILES).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > FILES {
        text.push_str(", …");
    }
    text
}

/// How well the tables fit together.
fn fit(out: &mut String, look: &Look) {
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64 * 100.0;
    if let Some(fitting) = look.lines_in_items_table {
        let (lines, share) = (thousands(look.lines), share(fitting, look.lines));
        _ = writeln!(
            out,
            "  {:12} {} of {lines} lines are of items in the items table ({share:.1} %)",
            "fit",
            thousands(fitting)
        );
    }
    if let Some([sold, all]) = look.offered_items_sold {
        _ = writeln!(out, "  {:12} {} of {} items on offer were sold", "fit", thousands(sold), thousands(all));
    }
}

/// Rows per month, one line per year.
fn months(out: &mut String, look: &Look) {
    let Some([first, last]) = &look.days else { return };
    _ = writeln!(out, "\n  rows by month, {first} to {last}");
    let mut table =
        Table::new(&["", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]);
    let mut years: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (month, &rows) in &look.months {
        let (year, month) = month.split_once('-').unwrap_or((month, "1"));
        let cells = years.entry(year).or_insert_with(|| vec![String::new(); 12]);
        if let Some(cell) = month.parse::<usize>().ok().and_then(|month| cells.get_mut(month - 1)) {
            *cell = short(rows);
        }
    }
    for (year, cells) in years {
        table.row(std::iter::once(year.to_owned()).chain(cells).collect());
    }
    indent(out, &table);
}

/// A number, abbreviated.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn columns(out: &mut String, table: &TableLook) {
    _ = writeln!(out, "\n  columns of the {}", table.table.name());
    let mut rows =
        Table::new(&["column", "called", "type", "none", "distinct", "shortest", "longest", "most frequent"]);
    for column in &table.columns {
        let Column { name, named, kind, nulls, distinct, more_distinct, shortest, longest, .. } = column;
        let distinct = format!("{}{}", if *more_distinct { ">" } else { "" }, short(*distinct));
        let most = column.most_frequent.as_ref();
        let most = most.map_or_else(String::new, |(value, count)| format!("{} ×{}", cut(value, SHOWN), short(*count)));
        let called = if name.ends_with(named.as_str()) { String::new() } else { cut(named, SHOWN + 2) };
        let (shortest, longest) = (cut(shortest, SHOWN - 1), cut(longest, SHOWN));
        rows.row(vec![cut(name, 11), called, cut(kind, 8), short(*nulls), distinct, shortest, longest, most]);
    }
    indent(out, &rows);
}

fn indent(out: &mut String, table: &Table) {
    for line in table.text().lines() {
        _ = writeln!(out, "   {line}");
    }
}

/// Findings, errors first; empty if there are none.
pub(super) fn findings(findings: &[Finding]) -> String {
    let mut out = String::new();
    if findings.is_empty() {
        return out;
    }
    out.push_str("\n  findings\n");
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error if finding.accepted => "accepted",
            Severity::Error => "ERROR",
            Severity::Warning => "warning",
        };
        for (number, line) in lines(&finding.to_string(), WIDTH - 14).iter().enumerate() {
            _ = writeln!(out, "    {:9} {line}", if number == 0 { severity } else { "" });
        }
    }
    out
}

/// An indented and wrapped paragraph.
pub(super) fn wrapped(text: &str) -> String {
    lines(text, WIDTH - 2).iter().fold(String::from("\n"), |text, line| text + "  " + line + "\n")
}

/// Wraps a text at spaces into lines of `width` characters; only a longer word exceeds it.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_or_wrapped() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("a-word-that-is-too-long x", 4), ["a-word-that-is-too-long", "x"]);
        assert_eq!((cut("12345", 5), cut("123456", 5)), ("12345".to_owned(), "1234…".to_owned()));
        assert_eq!([9_999, 10_000, 1_469_307, 20_000_000].map(short), ["9999", "10k", "1469k", "20M"]);
    }
}
