//! Detects a loss of data: a glob that matches too little, an export that stopped.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use trolley_model::artefact::DataFacts;

use super::Failure;
use crate::input::{ANONYMOUS, Transactions};

/// The amount of data that a model was trained on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Number of lines of all baskets.
    pub lines: u64,
    /// Number of baskets.
    pub baskets: u64,
    /// Number of items sold.
    pub items: u64,
    /// Number of customers with a basket, erased ones included: an erasure is not a loss of data.
    pub customers: u64,
    /// Number of days with sales.
    pub days: u64,
    /// Number of days from the first one to the last.
    pub span: u64,
}

/// One kind of data: its name, its amount now, and its amount before.
type Kind = (&'static str, u64, u64);

impl Volume {
    pub(crate) fn of(transactions: &Transactions, until: usize) -> Self {
        let baskets = &transactions.baskets[..until];
        let mut items: Vec<u32> = (0..until).flat_map(|basket| transactions.items_of(basket)).copied().collect();
        let lines = items.len() as u64;
        items.sort_unstable();
        items.dedup();
        let customers: BTreeSet<u32> =
            baskets.iter().map(|basket| basket.customer).filter(|&c| c != ANONYMOUS).collect();
        let days: BTreeSet<u16> = baskets.iter().map(|basket| basket.day).collect();
        let span = days.first().zip(days.last()).map_or(0, |(first, last)| u64::from(last - first) + 1);
        Self {
            lines,
            baskets: until as u64,
            items: items.len() as u64,
            customers: customers.len() as u64 + transactions.forgotten,
            days: days.len() as u64,
            span,
        }
    }

    /// The kinds that a manifest has. An older manifest has fewer; its days are those from the first to the last, and
    /// missing kinds are not compared.
    fn beside(&self, before: &DataFacts) -> Vec<Kind> {
        let date = |text: &str| text.parse::<chrono::NaiveDate>().ok();
        let span = date(&before.first_day).zip(date(&before.last_day));
        let span = span.and_then(|(first, last)| u64::try_from((last - first).num_days() + 1).ok());
        let days = before.days.map(|days| (self.days, days)).or_else(|| Some((self.span, span?)));
        [
            ("lines", before.lines.map(|lines| (self.lines, lines))),
            ("baskets", Some((self.baskets, before.baskets))),
            ("items", before.sold_items.map(|items| (self.items, items))),
            ("customers", Some((self.customers, before.customers))),
            ("days", days),
        ]
        .into_iter()
        .filter_map(|(kind, numbers)| numbers.map(|(now, before)| (kind, now, before)))
        .collect()
    }

    /// A failure for each kind whose amount is below this share of the previous one.
    pub(crate) fn failures(&self, before: &DataFacts, version: &str, least: f64) -> Vec<Failure> {
        let shrunk = |&(_, now, before): &Kind| (now as f64) < before as f64 * least;
        let failure = |(kind, now, before): Kind| {
            let share = now as f64 / before.max(1) as f64;
            Failure::new(
                &format!("volume.{kind}"),
                format!(
                    "{now} {kind} are {share:.2} of the {before} of the model in service ({version}), below {least:.2}"
                ),
                "look at the input: `trolley check` says which files were read and which months they cover. If the shop \
                 really has become smaller, train with --accept-smaller",
            )
        };
        self.beside(before).into_iter().filter(shrunk).map(failure).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_of_anything_is_named_and_an_old_manifest_is_compared_as_far_as_it_goes() {
        let volume = Volume { lines: 700, baskets: 70, items: 69, customers: 7, days: 7, span: 7 };
        let before = DataFacts {
            first_day: "2024-01-01".into(),
            last_day: "2024-01-10".into(),
            baskets: 100,
            customers: 10,
            lines: Some(1000),
            sold_items: Some(100),
            days: Some(10),
            ..DataFacts::default()
        };
        let failed = |volume: &Volume, before: &DataFacts| -> Vec<String> {
            volume.failures(before, "v1", 0.7).into_iter().map(|failure| failure.gate).collect()
        };
        assert_eq!(failed(&volume, &before), ["volume.items"], "exactly 0.7 is enough");
        let less = Volume { lines: 699, baskets: 69, items: 0, customers: 6, days: 6, span: 6 };
        let all = ["volume.lines", "volume.baskets", "volume.items", "volume.customers", "volume.days"];
        assert_eq!(failed(&less, &before), all);
        let old = DataFacts { lines: None, sold_items: None, days: None, ..before };
        assert_eq!(failed(&less, &old), ["volume.baskets", "volume.customers", "volume.days"]);
        assert!(
            failed(&Volume { days: 5, ..volume }, &old).is_empty(),
            "days on which it was shut were not counted then"
        );
    }
}
