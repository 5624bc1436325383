use super::{FindingKind, Findings, percent};
use crate::input::{Column, InputTable, RowOutcomes, RowReason, TableRead};

/// Checks the columns of a table and its rejected rows.
pub(super) fn find(table: InputTable, read: &TableRead, row_outcomes: &RowOutcomes, findings: &mut Findings) {
    for (column, file) in &read.missing {
        let what = format!("some files have the column for `{column}`, {} has none", file.display());
        let advice = "export all files with the same columns: rows without it are read as if they had no value";
        findings.error(FindingKind::ColumnInSomeFiles, table, what, advice);
    }
    for (ours, theirs) in &read.unused {
        let what = format!("there is no column `{ours}`, but one called `{theirs}`, which is not used");
        let advice = format!("set {ours} = \"{theirs}\" under columns.{}", table.name());
        // Without these, a training is still sound; only alternatives have less information.
        if ["unit_price", "store"].contains(&ours.as_str()) {
            findings.warn(FindingKind::ColumnNotUsed, table, what, &advice);
        } else {
            findings.error(FindingKind::ColumnNotUsed, table, what, &advice);
        }
    }
    rejected(table, row_outcomes, findings);
    let is_id = |column: &&Column| ["basket_id", "item_id", "customer_id", "offer_id"].contains(&column.name.as_str());
    for column in read.columns.iter().filter(is_id) {
        ids(table, column, findings);
    }
}

fn rejected(table: InputTable, row_outcomes: &RowOutcomes, findings: &mut Findings) {
    let of = |reasons: &[RowReason]| -> u64 {
        row_outcomes.rejected(table).filter(|(reason, _)| reasons.contains(reason)).map(|(_, rows)| rows.rows).sum()
    };
    let not_decoded = of(&[RowReason::NotUtf8]);
    if not_decoded > 0 {
        let what = format!(
            "{not_decoded} lines of the {} are not valid UTF-8 (or not in the encoding that the config names), and were rejected",
            table.name()
        );
        let advice = "set `encoding` under [markets.NAME.csv] to that of the file, for example \"windows-1252\"";
        findings.error(FindingKind::Encoding, table, what, advice);
    }
    let quotes = of(&[RowReason::OpenQuote, RowReason::StrayQuote]);
    if quotes > 0 {
        let what =
            format!("{quotes} lines of the {} have a quote that is not closed, or text behind one", table.name());
        let advice =
            "double the quotes inside quoted fields when exporting; the lines were rejected, none was swallowed";
        findings.warn(FindingKind::StrayQuotes, table, what, advice);
    }
    let all: u64 = row_outcomes.rejected(table).map(|(_, rows)| rows.rows).sum();
    if all > 0 {
        let share = percent(all, row_outcomes.rows(table));
        let what =
            format!("{share} of the rows of the {} were rejected: {}", table.name(), row_outcomes.reasons(table));
        findings.warn(FindingKind::RejectedRows, table, what, "mend the export; `max_rejected` limits their share");
    }
}

fn ids(table: InputTable, column: &Column, findings: &mut Findings) {
    let Column { name, named, values, padded, like_floats, scientific, .. } = column;
    let place = format!("column `{named}` of the {}", table.name());
    if *like_floats > 0 {
        let example = column.most_frequent.as_ref().map_or("17850.0", |(value, _)| value.as_str());
        let what = format!("{like_floats} of {values} values of {place} end in .0, such as `{example}`");
        let advice = format!("`{name}` went through floating-point numbers: export it as text or as a whole number");
        if like_floats == values {
            findings.error(FindingKind::FloatIds, table, what, &advice);
        } else {
            findings.warn(FindingKind::FloatIds, table, what, &advice);
        }
    }
    if *scientific > 0 {
        let what = format!("{scientific} of {values} values of {place} are in scientific notation, such as 5.01E+12");
        let advice =
            "a spreadsheet has cut their last digits, so that different IDs have become one: export it as text";
        findings.error(FindingKind::ScientificIds, table, what, advice);
    }
    if *padded > 0 {
        let what = format!("{padded} of {values} values of {place} have spaces around them, and are read without");
        findings.warn(FindingKind::PaddedIds, table, what, "ask the API for the IDs without spaces too, or trim them");
    }
}
