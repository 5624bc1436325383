//! Tables as text and as CSV.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::output;

/// Rows under a header.
pub(super) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn print(&self, csv: bool) {
        output::print(|out| if csv { self.write_csv(out) } else { self.write_text(out) });
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.text().as_bytes())
    }

    /// The table as text; every line ends with a newline.
    pub(super) fn text(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(&self.header);
        table.add_rows(self.rows.iter().map(|row| row.iter().map(|cell| harmless(cell))));
        table.to_string().lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(())
    }
}

/// A field as RFC 4180 requires. If a spreadsheet would take it for a formula, it gets an apostrophe.
fn quoted(cell: &str) -> String {
    let number = cell.parse::<f64>().is_ok();
    let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into_owned() }
}

/// Text that is safe for a terminal: control characters in names could move the cursor or set the title.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect())
}

/// A whole number with commas between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields() {
        assert_eq!(["0", "999", "1,000", "1,469,307"], [0, 999, 1000, 1_469_307].map(thousands)[..]);
        assert_eq!(quoted("say \"a, b\""), "\"say \"\"a, b\"\"\"");
    }

    #[test]
    fn neither_a_spreadsheet_nor_a_terminal_does_what_a_name_says() {
        assert_eq!(quoted("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(["@x", "+1+1", "-3.5", "a=b"].map(quoted), ["'@x", "'+1+1", "-3.5", "a=b"]);
        assert_eq!(harmless("\u{1b}]0;title\u{7} bread"), "\\u{1b}]0;title\\u{7} bread");
        assert_eq!(harmless("Brötchen"), "Brötchen");
    }
}
