use super::{FindingKind, Findings, percent};
use crate::input::row_outcomes::shown;
use crate::input::{AttributeKind, InputTable, Items, Transactions};

/// Checks the attributes of the items, and the prices that two tables have.
pub(super) fn find(transactions: &Transactions, items: &Items, findings: &mut Findings) {
    for attribute in items.attributes.iter().filter(|attribute| attribute.unread.0 > 0) {
        let (unread, examples) = &attribute.unread;
        let examples: Vec<String> = examples.iter().map(|value| format!("`{}`", shown(value))).collect();
        let (name, all) = (&attribute.name, attribute.values);
        let (kind, example) = match attribute.kind {
            AttributeKind::Amount => ("amounts with a unit", "an amount is written as 500 g, 20 OZ or 6 x 0,33 l"),
            _ => ("numbers", "say kind = \"text\" if they are names"),
        };
        let what = format!(
            "{unread} of {all} values of `{name}` ({}) are no {kind}, such as {}",
            percent(*unread, all),
            examples.join(", ")
        );
        findings.warn(
            FindingKind::AttributeNotRead,
            InputTable::Items,
            what,
            &format!("these items have none: {example}"),
        );
    }
    for attribute in items.attributes.iter().filter(|attribute| attribute.values == 0) {
        let what = format!("the attribute `{}` has no value in any row", attribute.name);
        findings.warn(
            FindingKind::AttributeNotRead,
            InputTable::Items,
            what,
            "it says nothing: remove it from attributes",
        );
    }
    prices(transactions, items, findings);
}

/// Maximum factor between the median price paid for one piece and the price in the items table.
const APART: f32 = 1.6;

fn prices(transactions: &Transactions, items: &Items, findings: &mut Findings) {
    let of = |(&item, &paid): (&u32, &f32)| {
        let listed = items.get(transactions.items.get(item))?.price.filter(|price| *price > 0.0)?;
        (!paid.is_nan()).then_some(paid / listed)
    };
    let mut times: Vec<f32> = transactions.lines.iter().zip(&transactions.unit_prices).filter_map(of).collect();
    if times.is_empty() {
        return;
    }
    let middle = times.len() / 2;
    let median = *times.select_nth_unstable_by(middle, f32::total_cmp).1;
    if !(APART.recip()..=APART).contains(&median) {
        let what =
            format!("in the middle, one piece of an item was sold for {median:.2} times its price in the items table");
        let advice = "`price` of the transactions is that of the whole line: if yours is that of one piece, name the column as \
                      unit_price under columns.transactions";
        findings.warn(FindingKind::PricesApart, InputTable::Transactions, what, advice);
    }
}
