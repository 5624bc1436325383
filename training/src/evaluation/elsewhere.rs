//! Purchases of a period's customers in their other baskets of that period.

use std::collections::HashMap;
use std::ops::Range;

use trolley_model::{Item, Model};

use super::case::{Case, Usual};
use super::numbering::Numbering;
use crate::input::Transactions;

/// Weight of the customer's purchases before the period, as a number of baskets of the period.
const EARLIER_BASKETS: f32 = 3.0;

/// The baskets of a period by customer. An anonymous basket has no other baskets.
pub(crate) struct Elsewhere<'a> {
    transactions: &'a Transactions,
    baskets: HashMap<u32, Vec<usize>>,
}

impl<'a> Elsewhere<'a> {
    pub(crate) fn new(transactions: &'a Transactions, period: Range<usize>) -> Self {
        let mut baskets: HashMap<u32, Vec<usize>> = HashMap::new();
        for basket in period {
            baskets.entry(transactions.owner(basket)).or_default().push(basket);
        }
        Self { transactions, baskets }
    }

    /// The other baskets of the case's customer, without the query item. The items of each are ascending, numbered as
    /// in the transactions.
    pub(crate) fn of(&self, case: &Case) -> impl Iterator<Item = &'a [u32]> {
        let asked = case.asked;
        let baskets = self.baskets.get(&case.owner).map_or(&[][..], Vec::as_slice).iter();
        let items = baskets.map(|&basket| self.transactions.items_of(basket));
        items.filter(move |items| asked.is_none_or(|asked| items.binary_search(&asked).is_err()))
    }

    /// Estimates what the customer of a case buys without the query item, from their other baskets of the period and
    /// from the last baskets before it that the model stores. An item of a basket of n items counts 1/n, as in the
    /// recall that is measured, because large baskets contain more of everything.
    pub(crate) fn usual(&self, case: &Case, model: &Model, numbering: &Numbering) -> Usual {
        let mut lines: Vec<(Item, f32)> = Vec::new();
        let mut baskets = 0.0;
        for items in self.of(case) {
            baskets += 1.0;
            let known = items.iter().filter_map(|&item| numbering.item(item));
            lines.extend(known.map(|item| (item, 1.0 / items.len() as f32)));
        }
        if let Some(customer) = case.customer {
            let profile = model.profile(customer);
            let bought = profile.items();
            // Most items of a single earlier basket are not bought again, so a small number of them is shrunk, too.
            let earlier = profile.last_baskets().count() as f32;
            let each = EARLIER_BASKETS / (earlier + EARLIER_BASKETS);
            for basket in profile.last_baskets() {
                let share = each / basket.positions.len() as f32;
                lines.extend(basket.positions.iter().map(|&at| (bought[at.index()], share)));
            }
        }
        lines.sort_by_key(|line| line.0);
        let of_item = |lines: &[(Item, f32)]| {
            let sum: f32 = lines.iter().map(|line| line.1).sum();
            (lines[0].0, sum / (baskets + EARLIER_BASKETS))
        };
        Usual(lines.chunk_by(|a, b| a.0 == b.0).map(of_item).collect())
    }
}

#[cfg(test)]
mod tests {
    use trolley_model::{Ids, Offsets, Texts};

    use super::*;
    use crate::config::TrainingConfig;
    use crate::count::Scope;
    use crate::fit::fit;
    use crate::input::{ANONYMOUS, Basket, Items};
    use crate::progress::Silent;

    fn ids(texts: &[&str]) -> Ids {
        let mut all = Texts::default();
        texts.iter().for_each(|text| all.push(text).unwrap());
        Ids::new(all).unwrap()
    }

    #[test]
    fn what_is_usual_is_weighed_by_size_and_shrunk_towards_earlier_purchases() {
        // Before the period: {a, b} and {b} by Ann, {c} by an anonymous customer. In it: Ann's case {a, b, c} with the
        // query a, her baskets {b, c} and {b} without a, and another one with it.
        let baskets: [(u32, u16, &[u32]); 7] = [
            (0, 1, &[0, 1]),
            (0, 2, &[1]),
            (ANONYMOUS, 2, &[2]),
            (0, 9, &[0, 1, 2]),
            (0, 9, &[1, 2]),
            (0, 9, &[1]),
            (0, 9, &[0, 2]),
        ];
        let transactions = Transactions {
            items: ids(&["a", "b", "c"]),
            customers: ids(&["ann"]),
            baskets: baskets.iter().map(|&(customer, day, _)| Basket { customer, day }).collect(),
            rows: Offsets::from_lengths(baskets.iter().map(|basket| basket.2.len())),
            lines: baskets.iter().flat_map(|basket| basket.2).copied().collect(),
            ..Transactions::default()
        };
        let config = TrainingConfig { min_baskets: 1, ..TrainingConfig::default() };
        let parts = fit(&transactions, 3, &Items::default(), &[], &config, Scope::Customers, &Silent).unwrap().parts;
        let model = Model::new(parts).unwrap();
        let numbering = Numbering::new(&transactions, &model);
        let case = Case {
            customer: Some(trolley_model::Customer(0)),
            owner: 0,
            basket: 3,
            asked: Some(0),
            relevant_count: 2,
            ..Case::default()
        };
        let usual = Elsewhere::new(&transactions, 3..7).usual(&case, &model, &numbering);
        let of = |item: u32| (1e4 * usual.of(numbering.item(item).unwrap())).round() as i32;
        // Two earlier baskets count 3 / (2 + 3) each. b: 1/2 of one basket and all of the other, and the same for the
        // earlier ones: (1.5 + 0.6 × 1.5) / 5.
        assert_eq!(of(1), 4_800);
        // c: 1/2 / 5. a: 0.6 × 1/2 / 5, all of it earlier.
        assert_eq!([of(2), of(0)], [1_000, 600]);
    }
}
