//! Metrics of the lists of bought together beyond hits, above all whether they depend on the query item.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rayon::prelude::*;
use trolley_model::{Category, Item, Model};

use super::case::Case;
use super::elsewhere::Elsewhere;
use super::numbering::Numbering;
use crate::input::{ANONYMOUS, Transactions};

/// The metrics that [`Lists::figures`] computes, in order; docs/evaluation.md has definitions and an example.
///
/// - `due_to_item`: recall in the basket minus the mean recall of the same list in the customer's other baskets of the
///   period without the query item; NaN if there are none.
/// - `lift_below_one`: share of the list whose lift with the query item is below 1.
/// - `own_share`: share of the list that the customer has bought before.
/// - `overlap`: mean share of the list that is in the list of another query item of the same customer.
/// - `top_50_share`: share of the list that is among the 50 best-selling items.
/// - `categories`: number of categories in the list.
pub(crate) const SHOWN_METRICS: [&str; 6] =
    ["due_to_item", "lift_below_one", "own_share", "overlap", "top_50_share", "categories"];

/// One value per metric; NaN where it does not apply.
pub(super) type ShownFigures = [f64; SHOWN_METRICS.len()];

const BESTSELLERS: u32 = 50;

/// Computes the metrics of lists, whose items are numbered as in a model.
pub(super) struct Lists<'a> {
    model: &'a Model,
    transactions: &'a Transactions,
    numbering: Numbering,
    /// The number in the transactions of each item of the model; `ANONYMOUS` if it is not in them.
    items: Vec<u32>,
    /// The baskets of the test period.
    elsewhere: Elsewhere<'a>,
    /// The first basket of the test period.
    test: usize,
}

impl<'a> Lists<'a> {
    /// `model` is trained on the days before the test `period`.
    pub(super) fn new(model: &'a Model, transactions: &'a Transactions, period: Range<usize>) -> Self {
        let items = model.catalogue().items().iter();
        Self {
            model,
            transactions,
            numbering: Numbering::new(transactions, model),
            items: items.map(|id| transactions.items.position(id).unwrap_or(ANONYMOUS)).collect(),
            test: period.start,
            elsewhere: Elsewhere::new(transactions, period),
        }
    }

    /// The metrics per method and case, given the lists. The customer is that of the basket, even if the query is
    /// anonymous.
    pub(super) fn figures(&self, cases: &[Case], shown: &[Vec<Vec<Item>>], k: usize) -> Vec<Vec<ShownFigures>> {
        let together = self.together(cases, shown);
        let of_contender = |lists: &Vec<Vec<Item>>| {
            let overlap = overlap(cases, lists, k);
            let figures = |(at, case): (usize, &Case)| {
                let list = &lists[at];
                let customer =
                    if case.owner < self.transactions.customers.len() as u32 { case.owner } else { ANONYMOUS };
                let own = self.numbering.customer(customer).map(|customer| self.model.profile(customer).items());
                let share = |counts: &dyn Fn(Item) -> bool| {
                    list.iter().filter(|&&item| counts(item)).count() as f64 / list.len() as f64
                };
                [
                    self.due(case, list),
                    case.items.first().map_or(f64::NAN, |&asked| {
                        share(&|item| self.is_below_chance(asked, item, together.get(&(asked, item))))
                    }),
                    own.map_or(f64::NAN, |own| share(&|item| own.binary_search(&item).is_ok())),
                    overlap[at],
                    share(&|item| item.0 < BESTSELLERS),
                    self.categories(list),
                ]
            };
            cases.par_iter().enumerate().map(figures).collect()
        };
        shown.iter().map(of_contender).collect()
    }

    /// `due_to_item` of a list.
    pub(super) fn due(&self, case: &Case, list: &[Item]) -> f64 {
        let hits = list.iter().filter(|&&item| case.is_relevant(item)).count() as f64;
        let (mut recall, mut baskets) = (0.0, 0.0);
        for basket in self.elsewhere.of(case) {
            let hits = list.iter().filter(|&&item| basket.binary_search(&self.items[item.index()]).is_ok()).count();
            recall += hits as f64 / basket.len() as f64;
            baskets += 1.0;
        }
        hits / case.relevant_count as f64 - recall / baskets
    }

    /// Whether the lift of two items is below 1.
    fn is_below_chance(&self, asked: Item, item: Item, together: Option<&u32>) -> bool {
        let catalogue = self.model.catalogue();
        let by_chance = f64::from(catalogue.baskets(asked)) * f64::from(catalogue.baskets(item));
        together.is_none_or(|&both| f64::from(both) * f64::from(catalogue.total_baskets()) < by_chance)
    }

    fn categories(&self, list: &[Item]) -> f64 {
        let catalogue = self.model.catalogue();
        if catalogue.categories().is_empty() {
            return f64::NAN;
        }
        let mut categories: Vec<Category> = list.iter().filter_map(|&item| catalogue.category(item)).collect();
        categories.sort_unstable();
        categories.dedup();
        categories.len() as f64
    }

    /// The number of baskets before the test with both a query item and an item shown for it; pairs without any are
    /// left out. They are counted in the transactions, because the model stores only the strongest partners.
    fn together(&self, cases: &[Case], shown: &[Vec<Vec<Item>>]) -> HashMap<(Item, Item), u32> {
        let mut pairs: BTreeMap<Item, Vec<Item>> = BTreeMap::new();
        for lists in shown {
            for (case, list) in cases.iter().zip(lists) {
                if let Some(&asked) = case.items.first() {
                    pairs.entry(asked).or_default().extend(list);
                }
            }
        }
        let mut holders: HashMap<Item, Vec<usize>> = HashMap::new();
        for basket in 0..self.test {
            for asked in self.transactions.items_of(basket).iter().filter_map(|&item| self.numbering.item(item)) {
                if pairs.contains_key(&asked) {
                    holders.entry(asked).or_default().push(basket);
                }
            }
        }
        let count = |(asked, mut others): (Item, Vec<Item>)| {
            others.sort_unstable();
            others.dedup();
            let mut counts = vec![0; others.len()];
            for &basket in holders.get(&asked).map_or(&[][..], Vec::as_slice) {
                let items = self.transactions.items_of(basket).iter();
                for item in items.filter_map(|&item| self.numbering.item(item)) {
                    if let Ok(at) = others.binary_search(&item) {
                        counts[at] += 1;
                    }
                }
            }
            let counted = others.into_iter().zip(counts).filter(|(_, count)| *count > 0);
            counted.map(|(other, count)| ((asked, other), count)).collect::<Vec<_>>()
        };
        pairs.into_par_iter().flat_map_iter(count).collect()
    }
}

/// Per case, the mean share of `k` items that are also in the lists of the customer's cases with other query items.
fn overlap(cases: &[Case], lists: &[Vec<Item>], k: usize) -> Vec<f64> {
    let mut of_owner: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, case) in cases.iter().enumerate() {
        of_owner.entry(case.owner).or_default().push(at);
    }
    let one = |(at, case): (usize, &Case)| {
        let others = of_owner[&case.owner].iter().filter(|&&other| cases[other].asked != case.asked);
        let (mut same, mut pairs) = (0, 0);
        for &other in others {
            same += lists[at].iter().filter(|item| lists[other].contains(item)).count();
            pairs += k;
        }
        same as f64 / pairs as f64
    };
    cases.par_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use trolley_model::{Ids, Offsets, Texts};

    use super::super::bought_together::cases;
    use super::*;
    use crate::config::TrainingConfig;
    use crate::count::Scope;
    use crate::fit::fit;
    use crate::input::{Basket, Items};
    use crate::progress::Silent;

    const K: usize = 2;
    const TEST: usize = 4;

    fn ids(texts: &[&str]) -> Ids {
        let mut all = Texts::default();
        texts.iter().for_each(|text| all.push(text).unwrap());
        Ids::new(all).unwrap()
    }

    /// Items a to d are 0 to 3, ann is 0 and bob 1; the last five baskets are the test.
    fn transactions() -> Transactions {
        let baskets: [(u32, u16, &[u32]); 9] = [
            (0, 1, &[0, 1]),
            (0, 1, &[0, 1]),
            (1, 2, &[0, 2]),
            (ANONYMOUS, 2, &[1, 3]),
            (0, 40, &[0, 1, 3]),
            (0, 41, &[1, 2]),
            (0, 41, &[3]),
            (0, 42, &[0, 2]),
            (1, 43, &[0, 1]),
        ];
        Transactions {
            items: ids(&["a", "b", "c", "d"]),
            customers: ids(&["ann", "bob"]),
            baskets: baskets.iter().map(|&(customer, day, _)| Basket { customer, day }).collect(),
            rows: Offsets::from_lengths(baskets.iter().map(|basket| basket.2.len())),
            lines: baskets.iter().flat_map(|basket| basket.2).copied().collect(),
            ..Transactions::default()
        }
    }

    /// The metrics of lists of the test; `asked` has the basket, the query item and the list of each case.
    fn figures(asked: &[(usize, u32, [u32; K])]) -> Vec<ShownFigures> {
        let transactions = transactions();
        let config = TrainingConfig { min_baskets: 1, ..TrainingConfig::default() };
        let items = Items::of([("a", Some("x")), ("b", Some("y")), ("c", Some("z")), ("d", None)]);
        let parts = fit(&transactions, TEST, &items, &[], &config, Scope::All, &Silent).unwrap().parts;
        let model = Model::new(parts).unwrap();
        let numbering = Numbering::new(&transactions, &model);
        let all = cases(&model, &transactions, TEST..transactions.baskets.len(), 1);
        let case = |&(basket, asked, _): &(usize, u32, [u32; K])| {
            let case = all.iter().find(|case| case.basket == basket).unwrap().clone();
            let others: Vec<u32> =
                transactions.items_of(basket).iter().copied().filter(|item| *item != asked).collect();
            let items = numbering.item(asked).into_iter().collect();
            Case { items, asked: Some(asked), relevant: numbering.items(&others), ..case }
        };
        let cases: Vec<Case> = asked.iter().map(case).collect();
        let list = |list: [u32; K]| list.map(|item| numbering.item(item).unwrap()).to_vec();
        let shown: Vec<Vec<Item>> = asked.iter().map(|asked| list(asked.2)).collect();
        Lists::new(&model, &transactions, TEST..transactions.baskets.len()).figures(&cases, &[shown], K).remove(0)
    }

    fn equal(found: ShownFigures, expected: ShownFigures) {
        let same =
            |(found, expected): (&f64, &f64)| (found.is_nan() && expected.is_nan()) || (found - expected).abs() < 1e-12;
        assert!(found.iter().zip(&expected).all(same), "{found:?} instead of {expected:?}");
    }

    /// The worked example of docs/evaluation.md.
    #[test]
    fn known_answers() {
        let (a, b, c, d, none) = (0, 1, 2, 3, f64::NAN);
        let found = figures(&[(4, a, [b, d]), (5, b, [d, a]), (8, a, [c, b])]);
        // b and d in ann's basket with a: 2 of 2. In her baskets without a: b of {b, c}, and d of {d}: (1/2 + 1) / 2. a
        // and b are together in 2 of 4 baskets, and in 3 each: 2 × 4 < 3 × 3. a and d are never together. Ann has
        // bought b. d is in her other list.
        equal(found[0], [1.0 - 0.75, 1.0, 0.5, 0.5, 1.0, 1.0]);
        // Neither d nor a is in {b, c}; her baskets without b are {d} and {a, c}: (1 + 1/2) / 2. b and d are together
        // once: 1 × 4 > 3 × 1.
        equal(found[1], [0.0 - 0.75, 0.5, 0.5, 0.5, 1.0, 1.0]);
        // Bob has no other basket. a and c are together once: 1 × 4 > 3 × 1.
        equal(found[2], [none, 0.5, 0.5, none, 1.0, 2.0]);
    }

    #[test]
    fn lists_of_the_same_item_do_not_overlap_by_its_doing() {
        let (a, c, d) = (0, 2, 3);
        let found = figures(&[(4, a, [c, d]), (7, a, [c, d])]);
        assert!(found.iter().all(|figures| figures[3].is_nan()), "{found:?}");
    }
}
