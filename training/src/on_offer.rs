//! The days on which items were on offer, and the purchases on those days.

use std::ops::Range;

use trolley_model::{Catalogue, Item};

use crate::baskets::Baskets;
use crate::input::OfferRow;

const SECONDS: i64 = 86_400;
const WEEK: f32 = 7.0;

/// Number of fictitious weeks on offer, at the usual rate, for shrinkage.
const PRIOR_WEEKS: f32 = 2.0;

/// The share of a purchase that counts as made on offer anyway, and the maximum number of purchases for which it does.
const OTHERWISE: (f32, f32) = (0.05, 4.0);

/// The days of the training period on which each item was on offer.
pub(crate) struct OnOfferDays {
    /// By item, ascending and disjoint.
    spans: Vec<Vec<Range<u16>>>,
    days: Range<u16>,
}

/// The first day whose noon is not before a time: offers change during the night.
fn first_noon(time: i64) -> i64 {
    (time + SECONDS / 2 - 1).div_euclid(SECONDS)
}

impl OnOfferDays {
    /// Clips the offers to the days of the baskets, since the future is unknown. `None` if no offer is on any of them.
    pub(crate) fn new(offers: &[OfferRow], catalogue: &Catalogue, baskets: &Baskets) -> Option<Self> {
        let days = baskets.heads.first()?.day..baskets.end;
        let clip = |day: i64| day.clamp(i64::from(days.start), i64::from(days.end)) as u16;
        let mut spans = vec![Vec::new(); catalogue.items().len()];
        for offer in offers {
            let from = offer.valid_from.map_or(days.start, |from| clip(first_noon(from)));
            let to = offer.valid_to.map_or(days.end, |to| clip(first_noon(to)));
            if let Some(item) = catalogue.position(&offer.item).filter(|_| from < to) {
                spans[item.index()].push(from..to);
            }
        }
        if spans.iter().all(Vec::is_empty) {
            return None;
        }
        for of_item in &mut spans {
            of_item.sort_unstable_by_key(|span| (span.start, span.end));
            of_item.dedup_by(|next, span| {
                let meet = next.start <= span.end;
                span.end = if meet { span.end.max(next.end) } else { span.end };
                meet
            });
        }
        Some(Self { spans, days })
    }

    fn holds(&self, item: Item, day: u16) -> bool {
        let spans = &self.spans[item.index()];
        let begun = spans.partition_point(|span| span.start <= day);
        spans[..begun].last().is_some_and(|span| span.contains(&day))
    }

    /// Number of weeks on offer from a day on.
    fn weeks(&self, item: Item, from: u16) -> f32 {
        let days = |span: &Range<u16>| f32::from(span.end.saturating_sub(span.start.max(from)));
        self.spans[item.index()].iter().map(days).sum::<f32>() / WEEK
    }

    /// The number of baskets with each item per week on offer, shrunk towards its rate in any week.
    pub(crate) fn sales(&self, baskets: &Baskets) -> Vec<f32> {
        let mut counts = vec![[0u32; 2]; self.spans.len()];
        for (basket, head) in baskets.heads.iter().enumerate() {
            for &item in baskets.items(basket) {
                let [all, on_offer] = &mut counts[item.index()];
                *all += 1;
                *on_offer += u32::from(self.holds(item, head.day));
            }
        }
        let whole = f32::from(self.days.end - self.days.start) / WEEK;
        let rate = |(item, [all, on_offer]): (Item, [u32; 2])| {
            let usual = all as f32 / whole;
            (on_offer as f32 + PRIOR_WEEKS * usual) / (self.weeks(item, self.days.start) + PRIOR_WEEKS)
        };
        (0..).map(Item).zip(counts).map(rate).collect()
    }

    /// The purchases on offer of one customer and item, per week on offer since their first purchase. `bought` has the
    /// days of the purchases, ascending.
    pub(crate) fn taken(&self, item: Item, bought: &[u16]) -> f32 {
        let Some(&first) = bought.first() else { return 0.0 };
        let (share, most) = OTHERWISE;
        let on_offer = bought.iter().filter(|&&day| self.holds(item, day)).count() as f32;
        (on_offer + share * (bought.len() as f32).min(most)) / (self.weeks(item, first) + PRIOR_WEEKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baskets::catalogue_and_baskets;
    use crate::input::{Basket, Items, Transactions};
    use trolley_model::{Ids, Offsets, Texts};

    fn ids(texts: &[&str]) -> Ids {
        let mut all = Texts::default();
        texts.iter().for_each(|text| all.push(text).unwrap());
        Ids::new(all).unwrap()
    }

    fn offer(item: &str, days: Option<Range<i64>>) -> OfferRow {
        let (from, to) = days.map_or((None, None), |days| (Some(days.start), Some(days.end)));
        let second = |day: i64| day * SECONDS;
        OfferRow {
            offer: "o".into(),
            item: item.into(),
            valid_from: from.map(second),
            valid_to: to.map(second),
            numbers: Vec::new(),
        }
    }

    #[test]
    fn what_is_bought_while_it_is_on_offer_counts_and_what_came_later_does_not() {
        // Milk is on days 100, 103 and 107, and once more on day 113; bread is on all of them.
        let days = [100, 103, 107, 113];
        let transactions = Transactions {
            items: ids(&["bread", "milk"]),
            customers: ids(&["ann"]),
            baskets: days.iter().map(|&day| Basket { customer: 0, day }).collect(),
            rows: Offsets::from_lengths(days.iter().map(|_| 2)),
            lines: days.iter().flat_map(|_| [0, 1]).collect(),
            ..Transactions::default()
        };
        let (catalogue, baskets) = catalogue_and_baskets(&transactions, 4, &Items::default(), 28, 1).unwrap();
        let [bread, milk] = ["bread", "milk"].map(|id| catalogue.position(id).unwrap());
        // Days 100 to 107 without the last night, as two adjacent offers; one offer in the future; one of an item never
        // sold.
        let offers = [
            offer("milk", Some(103..107)),
            offer("milk", Some(100..103)),
            offer("milk", Some(114..200)),
            offer("tea", None),
        ];
        let on_offer = OnOfferDays::new(&offers, &catalogue, &baskets).unwrap();
        let held: Vec<bool> = days.iter().map(|&day| on_offer.holds(milk, day)).collect();
        assert_eq!(held, [true, true, false, false]);
        let sales = on_offer.sales(&baskets);
        // Two weeks in all, one of them on offer with two of the four purchases: (2 + 2 × 4/2) / (1 + 2).
        assert!((sales[milk.index()] - 2.0).abs() < 1e-6, "{sales:?}");
        assert!((sales[bread.index()] - 2.0).abs() < 1e-6, "never on offer: as in any week");
        // Four days on offer since day 103, with one of three purchases, plus a twentieth of each: (1 + 0.15) / (4/7 +
        // 2).
        let taken = on_offer.taken(milk, &days[1..]);
        assert!((taken - (1.0 + 0.15) / (4.0 / 7.0 + 2.0)).abs() < 1e-6, "{taken}");
        assert!((on_offer.taken(bread, &days) - 0.1).abs() < 1e-6, "4 / 20 / 2");
        assert!(OnOfferDays::new(&[offer("milk", Some(114..200))], &catalogue, &baskets).is_none());
        let always = OnOfferDays::new(&[offer("milk", None)], &catalogue, &baskets).unwrap();
        assert!(days.iter().all(|&day| always.holds(milk, day)));
    }
}
