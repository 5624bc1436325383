//! The tables that a model was trained on, and the findings about them.

use maud::{Markup, html};
use trolley_training::input::{Column, Look, Severity, TableLook};

pub(super) fn section(look: &Look) -> Markup {
    html! {
        h2 { "The data" }
        p {
            (look.baskets) " baskets of " (look.customers) " customers, " (look.lines) " lines of " (look.items) " items"
            @if let Some([first, last]) = &look.days { ", " (first) " to " (last) }
            "."
            @if let Some(fitting) = look.lines_in_items_table {
                " " (format!("{:.1} %", fitting as f64 / look.lines.max(1) as f64 * 100.0)) " of the lines are of items in the items table."
            }
            @if let Some([sold, all]) = look.offered_items_sold { " " (sold) " of " (all) " items on offer were sold." }
        }
        @if !look.findings.is_empty() { (findings(look)) }
        (months(look))
        @for table in &look.tables { (rows(table)) }
        @for table in &look.tables { (columns(table)) }
    }
}

fn findings(look: &Look) -> Markup {
    html! {
        table {
            tr { th { "Finding" } th { "" } th { "What" } th { "What to do" } }
            @for finding in &look.findings {
                tr {
                    td { (finding.kind.name()) }
                    @match finding.severity {
                        Severity::Error => td.down { (if finding.accepted { "accepted" } else { "error" }) },
                        Severity::Warning => td { "warning" },
                    }
                    td { (finding.what) }
                    td { (finding.advice) }
                }
            }
        }
    }
}

/// A bar per month; a month without rows shows as a gap.
fn months(look: &Look) -> Markup {
    const HEIGHT: f64 = 70.0;
    let most = look.months.values().copied().max().unwrap_or(1).max(1) as f64;
    let width = 1000.0 / look.months.len().max(1) as f64;
    html! {
        @if look.months.len() > 1 {
            p.dim { "Rows by month; the highest is " (most as u64) "." }
            svg viewBox="0 0 1000 92" role="img" aria-label="Rows by month" {
                @for (at, (month, &rows)) in look.months.iter().enumerate() {
                    @let height = rows as f64 / most * HEIGHT;
                    @let left = at as f64 * width;
                    rect x=(format!("{left:.1}")) y=(format!("{:.1}", HEIGHT - height)) width=(format!("{:.1}", (width - 2.0).max(0.5)))
                        height=(format!("{height:.1}")) fill="#0a7d4f" { title { (month) ": " (rows) } }
                    @if at % look.months.len().div_ceil(14) == 0 {
                        text.small x=(format!("{left:.1}")) y="86" fill="#52606d" { (month) }
                    }
                }
            }
        }
    }
}

/// The rows of a table that were left out or rejected.
fn rows(table: &TableLook) -> Markup {
    let row_outcomes = [("left out", &table.left_out), ("rejected", &table.rejected)];
    html! {
        h3 { (table.table.name()) ": " (table.rows) " rows in " (table.files.len()) @if table.files.len() == 1 { " file" } @else { " files" } }
        @if row_outcomes.iter().any(|(_, reasons)| !reasons.is_empty()) {
            table {
                tr { th { "" } th.n { "Rows" } th { "Reason" } th { "For example" } }
                @for (fate, reasons) in row_outcomes {
                    @for (reason, rows) in reasons {
                        tr {
                            td { (fate) } td.n { (rows.rows) } td { (reason) }
                            td.dim { @for example in &rows.examples {
                                "line " (example.line) @if !example.value.is_empty() { ": " (example.value) } "; "
                            } }
                        }
                    }
                }
            }
        }
        @if !table.passed_over.is_empty() { p.dim { "Not read: " (table.passed_over.len()) " files beside." } }
    }
}

fn columns(table: &TableLook) -> Markup {
    html! {
        details {
            summary { "Columns of the " (table.table.name()) }
            table {
                tr { th { "Column" } th { "Called" } th { "Type" } th.n { "Values" } th.n { "None" } th.n { "Distinct" } th { "Shortest" } th { "Longest" } th { "Most frequent" } }
                @for column in &table.columns { (row(column)) }
            }
        }
    }
}

/// Customers are counted but not named, because a report may be passed on.
fn row(column: &Column) -> Markup {
    let named = column.name != "customer_id";
    html! {
        tr {
            td { (column.name) } td { (column.named) } td { (column.kind) } td.n { (column.values) } td.n { (column.nulls) }
            td.n { @if column.most_frequent.is_some() { (if column.more_distinct { "> " } else { "" }) (column.distinct) } }
            td { @if named { (column.shortest) } } td { @if named { (column.longest) } }
            td { @if let Some((value, rows)) = &column.most_frequent { @if named { (value) " " } span.dim { "× " (rows) } } }
        }
    }
}
