use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use super::{FindingKind, Findings, Look, percent};
use crate::input::row_outcomes::shown;
use crate::input::{ANONYMOUS, InputTable, Transactions};

/// An ID dominates if it has at least this share of everything, and at least `TIMES_EQUALS` times an equal share.
const DOMINANT: f64 = 0.1;
const TIMES_EQUALS: f64 = 5.0;

/// Share of baskets with a single line above which there is a finding.
const SINGLE_LINES: f64 = 0.8;
/// Number of baskets from which it is an error if none of them holds two items.
const SURE: u64 = 1000;
/// Share of baskets with several customers or days above which there is a finding.
const MIXED: f64 = 0.01;
/// Share of repeated lines above which there is a finding.
const REPEATED: f64 = 0.1;

/// Checks the baskets as a whole.
pub(super) fn find(transactions: &Transactions, look: &mut Look, findings: &mut Findings) {
    months(transactions, look, findings);
    baskets(transactions, findings);
    dominant(transactions, findings);
}

fn date(day: i64) -> NaiveDate {
    // Days of accepted rows lie between 1990 and 2149.
    NaiveDate::default().checked_add_days(Days::new(day.max(0) as u64)).unwrap_or_default()
}

fn months(transactions: &Transactions, look: &mut Look, findings: &mut Findings) {
    let days = &transactions.days;
    let (Some((&first, _)), Some((&last, _))) = (days.first_key_value(), days.last_key_value()) else { return };
    look.days = Some([date(first).to_string(), date(last).to_string()]);
    let name = |date: NaiveDate| format!("{:04}-{:02}", date.year(), date.month());
    let mut month = date(first).with_day(1).unwrap_or_default();
    while month <= date(last) {
        look.months.insert(name(month), 0);
        month = month.checked_add_months(chrono::Months::new(1)).unwrap_or(NaiveDate::MAX);
    }
    for (&day, &rows) in days {
        *look.months.entry(name(date(day))).or_default() += rows;
    }
    let missing: Vec<&str> =
        look.months.iter().filter(|(_, rows)| **rows == 0).map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        let what = format!("no line is of {}, though there are earlier and later ones", missing.join(", "));
        let advice = "is a file missing? Or are times read wrongly (`timestamp_format`)?";
        findings.warn(FindingKind::MissingMonth, InputTable::Transactions, what, advice);
    }
}

fn baskets(transactions: &Transactions, findings: &mut Findings) {
    let all = transactions.baskets.len() as u64;
    let single =
        (0..transactions.baskets.len()).filter(|&basket| transactions.items_of(basket).len() == 1).count() as u64;
    let what = || format!("{} of the {all} baskets hold a single item", percent(single, all));
    let advice = "nothing can be learned of what is bought together from them: is basket_id the number of a line?";
    if single == all && all >= SURE {
        findings.error(FindingKind::SingleLineBaskets, InputTable::Transactions, what(), advice);
    } else if single as f64 > SINGLE_LINES * all as f64 {
        findings.warn(FindingKind::SingleLineBaskets, InputTable::Transactions, what(), advice);
    }
    let mixed = transactions.merged;
    if mixed as f64 > MIXED * all as f64 {
        let what = format!("{mixed} of the {all} baskets are of several customers, or of more than a day");
        let advice = "is basket_id used again, in another shop or year? Make it unique";
        findings.warn(FindingKind::MixedBaskets, InputTable::Transactions, what, advice);
    }
    let (repeated, lines) = (transactions.repeated, transactions.lines.len() as u64 + transactions.repeated);
    if repeated as f64 > REPEATED * lines as f64 {
        let what =
            format!("{} of {lines} lines repeat an item in its basket, and count once", percent(repeated, lines));
        let advice = "are some rows exported twice, or in two files?";
        findings.warn(FindingKind::RepeatedLines, InputTable::Transactions, what, advice);
    }
    if transactions.customers.is_empty() {
        let what = "no line has a customer, so that nothing is learned of anybody's habits".to_owned();
        let advice = "if the tables know them, name the column by columns.transactions.customer_id";
        findings.warn(FindingKind::NoCustomers, InputTable::Transactions, what, advice);
    }
}

fn dominant(transactions: &Transactions, findings: &mut Findings) {
    let mut of_customers: BTreeMap<u32, u64> = BTreeMap::new();
    for basket in transactions.baskets.iter().filter(|basket| basket.customer != ANONYMOUS) {
        *of_customers.entry(basket.customer).or_default() += 1;
    }
    let mut of_items = vec![0u64; transactions.items.len()];
    transactions.lines.iter().for_each(|&item| of_items[item as usize] += 1);
    let largest_basket = (0..transactions.baskets.len()).map(|basket| transactions.items_of(basket).len()).max();
    let all = transactions.baskets.len() as u64;
    let most =
        |counts: &mut dyn Iterator<Item = (u32, u64)>| counts.max_by_key(|&(at, count)| (count, std::cmp::Reverse(at)));
    let of_known = of_customers.values().sum::<u64>();
    if let Some((customer, baskets)) = most(&mut of_customers.iter().map(|(&at, &count)| (at, count)))
        && is_dominant(baskets, of_known, of_customers.len())
    {
        let id = shown(transactions.customers.get(customer));
        let what = format!("customer `{id}` alone has {baskets} of {all} baskets ({})", percent(baskets, all));
        let advice = "if it stands for nobody (a till, a cash sale), add it to `nulls`";
        findings.warn(FindingKind::DominantId, InputTable::Transactions, what, advice);
    }
    let lines = transactions.lines.len() as u64;
    if let Some((item, count)) = most(&mut (0u32..).zip(of_items.iter().copied()))
        && is_dominant(count, lines, of_items.len())
    {
        let id = shown(transactions.items.get(item));
        let what = format!("item `{id}` is in {count} of {all} baskets ({})", percent(count, all));
        let advice = "if it is a bag, a deposit or postage, leave it out by `exclude`";
        findings.warn(FindingKind::DominantId, InputTable::Transactions, what, advice);
    }
    let largest = largest_basket.unwrap_or(0) as u64;
    if is_dominant(largest, lines, transactions.baskets.len()) {
        let what = format!("one basket holds {largest} of {lines} lines ({})", percent(largest, lines));
        let advice = "is its basket_id a word for no value? Add it to `nulls`";
        findings.warn(FindingKind::DominantId, InputTable::Transactions, what, advice);
    }
}

fn is_dominant(part: u64, whole: u64, ids: usize) -> bool {
    let share = part as f64 / whole.max(1) as f64;
    share >= DOMINANT && share >= TIMES_EQUALS / ids.max(1) as f64
}
