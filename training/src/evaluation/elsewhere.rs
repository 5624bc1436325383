//! What the customers of a period bought there in their other baskets.

use std::collections::HashMap;
use std::ops::Range;

use trolley_model::Model;

use super::case::{Case, Usual};
use super::numbering::Numbering;
use crate::input::Transactions;

/// The customer's purchases before the period count as so many baskets of it.
const EARLIER_BASKETS: f32 = 3.0;

/// The baskets of a period by customer. Baskets of anonymous are nobody's others.
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

    /// The items of each basket of the case's customer that does not hold the item asked about, rising, by the numbers of
    /// the transactions.
    pub(crate) fn of(&self, case: &Case) -> impl Iterator<Item = &'a [u32]> {
        let asked = case.asked;
        let baskets = self.baskets.get(&case.owner).map_or(&[][..], Vec::as_slice).iter();
        let items = baskets.map(|&basket| self.transactions.items_of(basket));
        items.filter(move |items| asked.is_none_or(|asked| items.binary_search(&asked).is_err()))
    }

    /// What the customer of a case buys without the item, from their other baskets of the period and, by the model, from
    /// what they bought before it, as far as it is kept. Each basket counts by its size, as in the recall that is judged: a large
    /// one holds more of everything.
    pub(crate) fn usual(&self, case: &Case, model: &Model, numbering: &Numbering) -> Usual {
        let mut lines: Vec<(u32, f32)> = Vec::new();
        let mut baskets = 0.0;
        for items in self.of(case) {
            baskets += 1.0;
            let known = items.iter().filter_map(|&item| numbering.item(item));
            lines.extend(known.map(|item| (item, 1.0 / items.len() as f32)));
        }
        if let Some(customer) = case.customer {
            let profile = model.profile(customer);
            let bought = profile.items();
            // Of one earlier basket most is not bought again: what few say is shrunk as well.
            let earlier = profile.last_baskets().count() as f32;
            let each = EARLIER_BASKETS / (earlier + EARLIER_BASKETS);
            for basket in profile.last_baskets() {
                let share = each / basket.positions.len() as f32;
                lines.extend(basket.positions.iter().map(|&at| (bought[usize::from(at)], share)));
            }
        }
        lines.sort_by_key(|line| line.0);
        let of_item = |lines: &[(u32, f32)]| {
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
        // Ann before: {a, b} and {b}; somebody: {c}. Then Ann's case {a, b, c}, asked about a; without it {b, c} and {b}; and
        // another one with it.
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
        let case =
            Case { customer: Some(0), owner: 0, basket: 3, asked: Some(0), relevant_count: 2, ..Case::default() };
        let usual = Elsewhere::new(&transactions, 3..7).usual(&case, &model, &numbering);
        let of = |item: u32| (1e4 * usual.of(numbering.item(item).unwrap())).round() as i32;
        // Two earlier baskets count as 3 / (2 + 3) each. b: 1/2 of one basket and all of the other, and as much of those before:
        // (1.5 + 0.6 × 1.5) / 5.
        assert_eq!(of(1), 4_800);
        // c: 1/2 / 5. a: 0.6 × 1/2 / 5, all of it earlier.
        assert_eq!([of(2), of(0)], [1_000, 600]);
    }
}
