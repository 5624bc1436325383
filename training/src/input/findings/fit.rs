use std::collections::{BTreeSet, HashSet};

use super::{FindingKind, Findings, Look, percent};
use crate::input::row_outcomes::shown;
use crate::input::time::DAY;
use crate::input::{InputConfig, InputTable, Items, Offers, Transactions};

/// Share of lines whose item is in the items table, below which there is a finding.
const IN_ITEMS_TABLE: f64 = 0.9;
/// Share of the items on offer that were sold, below which there is a finding.
const OFFERED_AND_SOLD: f64 = 0.2;

/// Checks whether the tables fit together: whether the IDs of one are found in another.
pub(super) fn find(
    input: &InputConfig,
    transactions: &Transactions,
    items: &Items,
    offers: &Offers,
    look: &mut Look,
    findings: &mut Findings,
) {
    if input.items.is_some() {
        in_items_table(transactions, items, look, findings);
    }
    exclusions(input, items, findings);
    if input.offers.is_some() {
        sold(transactions, offers, look, findings);
        within_period(transactions, offers, findings);
    }
}

fn in_items_table(transactions: &Transactions, items: &Items, look: &mut Look, findings: &mut Findings) {
    let known: Vec<bool> = transactions.items.iter().map(|id| items.get(id).is_some()).collect();
    let lines = transactions.lines.len() as u64;
    let fitting = transactions.lines.iter().filter(|&&item| known[item as usize]).count() as u64;
    look.lines_in_items_table = Some(fitting);
    if fitting as f64 >= IN_ITEMS_TABLE * lines as f64 {
        return;
    }
    let unknown: Vec<&str> =
        transactions.items.iter().zip(&known).filter(|(_, known)| !**known).map(|(id, _)| id).collect();
    let ids: Vec<&str> = items.iter().map(|(id, _)| id).collect();
    let example = unknown.first().map_or_else(String::new, |id| format!(", for example not `{}`", shown(id)));
    let share = percent(fitting, lines);
    let what = format!("{fitting} of {lines} lines ({share}) are of items that are in the items table{example}");
    let advice = alike(&unknown, &ids).unwrap_or_else(|| {
        "without it an item has no category, no name, and is not excluded: is it the right table and column?".into()
    });
    if fitting == 0 {
        findings.error(FindingKind::NotInItemsTable, InputTable::Items, what, &advice);
    } else {
        findings.warn(FindingKind::NotInItemsTable, InputTable::Items, what, &advice);
    }
}

/// A normalisation of IDs, and the difference that it removes.
type Change = (fn(&str) -> String, &'static str);

const CHANGES: [Change; 4] = [
    (|id| id.trim_start_matches('0').to_owned(), "zeros at the front are missing in one of the tables"),
    (
        |id| id.strip_suffix(".0").unwrap_or(id).trim_start_matches('0').to_owned(),
        "one of the tables has them as floats",
    ),
    (str::to_lowercase, "capitals differ"),
    (|id| id.chars().filter(|c| c.is_alphanumeric()).collect(), "they are written with other characters between"),
];

/// The difference of spelling between the IDs of two tables, if one explains most of the unknown IDs.
fn alike(unknown: &[&str], ids: &[&str]) -> Option<String> {
    CHANGES.into_iter().find_map(|(change, why)| {
        let changed: HashSet<String> = ids.iter().map(|id| change(id)).collect();
        let meeting: Vec<&&str> = unknown.iter().filter(|id| changed.contains(&change(id))).collect();
        let enough = meeting.len() * 2 > unknown.len();
        let example = meeting.first().filter(|_| enough)?;
        let other = ids.iter().find(|id| change(id) == change(example))?;
        let (one, other) = (shown(example), shown(other));
        Some(format!("the IDs nearly match (`{one}`, `{other}`): {why}. Export both as the same text"))
    })
}

fn exclusions(input: &InputConfig, items: &Items, findings: &mut Findings) {
    if !input.exclude.is_empty() && input.items.is_none() {
        let what = "`exclude` names items by columns of the items table, and there is no items table".to_owned();
        let advice = "set `items`, or remove `exclude`: nothing is excluded now";
        findings.error(FindingKind::ExcludeWithoutItems, InputTable::Items, what, advice);
        return;
    }
    for (column, values) in &items.unmatched {
        for value in values {
            let what = format!("exclude.{column} has `{}`, a value of no row in the items table", shown(value));
            let seen = items.table.columns.iter().find(|seen| seen.name == *column);
            let example = seen.and_then(|seen| seen.most_frequent.as_ref());
            let example = example.map_or_else(String::new, |(value, _)| format!(" (most rows have `{value}`)"));
            let advice = format!("it excludes nothing: is it spelled as in the table{example}?");
            findings.warn(FindingKind::ExcludeMatchesNothing, InputTable::Items, what, &advice);
        }
    }
}

fn sold(transactions: &Transactions, offers: &Offers, look: &mut Look, findings: &mut Findings) {
    let offered: BTreeSet<&str> = offers.rows.iter().map(|row| row.item.as_str()).collect();
    let unsold: Vec<&str> = offered.iter().filter(|id| transactions.items.position(id).is_none()).copied().collect();
    let (all, sold) = (offered.len() as u64, (offered.len() - unsold.len()) as u64);
    look.offered_items_sold = Some([sold, all]);
    if all == 0 || sold as f64 >= OFFERED_AND_SOLD * all as f64 {
        return;
    }
    let what = format!("{sold} of {all} items on offer were ever sold");
    let ids: Vec<&str> = transactions.items.iter().collect();
    let advice = alike(&unsold, &ids).unwrap_or_else(|| "is item_id of the offers the one of the transactions?".into());
    if sold == 0 {
        findings.error(FindingKind::OffersNotSold, InputTable::Offers, what, &advice);
    } else {
        findings.warn(FindingKind::OffersNotSold, InputTable::Offers, what, &advice);
    }
}

fn within_period(transactions: &Transactions, offers: &Offers, findings: &mut Findings) {
    let days = &transactions.days;
    let (Some((&first, _)), Some((&last, _))) = (days.first_key_value(), days.last_key_value()) else { return };
    let (first, last) = (first * DAY, last * DAY + DAY - 1);
    let holds = offers
        .rows
        .iter()
        .filter(|row| row.valid_from.is_none_or(|from| from <= last) && row.valid_to.is_none_or(|to| to >= first));
    if !offers.rows.is_empty() && holds.count() == 0 {
        let what = format!("none of the {} rows held at any time of the transactions", offers.rows.len());
        let advice = "the table is a history: without offers of the past nothing is learned of what makes one relevant";
        findings.warn(FindingKind::OffersOutsidePeriod, InputTable::Offers, what, advice);
    }
}
