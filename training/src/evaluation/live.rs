//! Replays the test weeks: each case is asked with everything that had happened before it.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use trolley_model::figures::{Benchmark, MODEL};
use trolley_model::{DatedBasket, Item, Model, OwnedProfile};

use super::benchmark::{Method, Tally};
use super::bought_together;
use super::case::{Case, History};
use super::next_basket;
use super::numbering::Numbering;
use crate::input::{ANONYMOUS, Transactions};

/// The name of the method that does not know what has happened since the model was trained.
const STATIC: &str = "model, as trained";

/// Number of days at the end of the test that count as its last week.
const WEEK: u16 = 7;

/// Number of baskets after which customers who are new in the test are judged apart.
const BASKETS: usize = 3;

/// An answer to a case, with a maximum length.
type Answer = fn(&Model, &Case, usize) -> Vec<Item>;

/// Whether a case belongs to a group.
type Belongs<'a> = Box<dyn Fn(&Case) -> bool + 'a>;

/// The benchmarks with live baskets, each beside the same model without them: bought together and the next basket, over
/// the whole test, its last week, and customers whose first basket lies in the test.
///
/// As in the service, a customer is answered with the purchases of earlier moments only, on the day of the case.
pub(super) fn benchmarks(model: &Model, transactions: &Transactions, test: usize, seed: u64) -> Vec<Benchmark> {
    let replay = Replay::new(model, transactions, test);
    let together = bought_together::cases(model, transactions, test..transactions.baskets.len(), seed);
    let together: Vec<Case> = together.into_iter().filter(|case| replay.owner(case.basket).is_some()).collect();
    let next: Vec<Case> =
        (test..transactions.baskets.len()).filter_map(|basket| next_case(model, &replay, basket)).collect();
    let last_week = transactions.baskets.last().map_or(0, |basket| basket.day.saturating_sub(WEEK - 1));
    let is_late = |case: &Case| transactions.baskets[case.basket].day >= last_week;
    let is_new_after = |case: &Case, baskets: std::ops::Range<usize>| {
        case.customer.is_none() && baskets.contains(&replay.earlier(case.basket).len())
    };
    let mut benchmarks = Vec::new();
    let asked: [(&str, &str, &[Case], Answer, usize); 2] = [
        (
            "bought_together",
            "The rest of a basket, given one item of it and the customer",
            &together,
            bought_together::answer,
            bought_together::K,
        ),
        ("next_basket", "Each basket of a customer", &next, next_basket::answer, next_basket::K),
    ];
    for (name, question, cases, answer, k) in asked {
        let groups: [(&str, &str, Belongs<'_>); 4] = [
            ("live", "", Box::new(|_| true)),
            ("live_last_week", ", in the last week", Box::new(is_late)),
            (
                "live_new",
                ", customers new in the test, after one or two baskets",
                Box::new(|case| is_new_after(case, 1..BASKETS)),
            ),
            (
                "live_new_after_3",
                ", customers new in the test, after three baskets",
                Box::new(|case| is_new_after(case, BASKETS..usize::MAX)),
            ),
        ];
        for (group, which, belongs) in groups {
            let cases: Vec<Case> = cases.iter().filter(|case| belongs(case)).cloned().collect();
            let current = |case: &Case| Case { current: replay.profile(model, case.basket), ..case.clone() };
            let live: Vec<Case> = cases.par_iter().map(current).collect();
            let without = |case: &Case| Case { current: None, ..case.clone() };
            let methods = [
                Method::new(MODEL, |case, k| answer(model, case, k)),
                Method::new(STATIC, |case, k| answer(model, &without(case), k)),
            ];
            let mut tally = Tally::default();
            tally.judge(&live, &methods, k);
            if !tally.is_empty() {
                benchmarks.push(tally.benchmark(&format!("{name}_{group}"), &format!("{question}{which}"), k, seed));
            }
        }
    }
    benchmarks
}

/// A basket of a customer as a case without query items; `None` for an anonymous one.
fn next_case(model: &Model, replay: &Replay<'_>, basket: usize) -> Option<Case> {
    let owner = replay.owner(basket)?;
    let items = replay.transactions.items_of(basket);
    let customer = replay.numbering.customer(owner);
    Some(Case {
        customer,
        owner,
        basket,
        relevant: replay.numbering.items(items),
        relevant_count: items.len(),
        history: History::of(model, customer),
        ..Case::default()
    })
}

/// The baskets of the test by customer.
struct Replay<'a> {
    transactions: &'a Transactions,
    numbering: Numbering,
    /// The positions of each customer's baskets in the test, by time.
    of_customer: HashMap<u32, Vec<usize>>,
}

impl<'a> Replay<'a> {
    fn new(model: &Model, transactions: &'a Transactions, test: usize) -> Self {
        let mut of_customer: HashMap<u32, Vec<usize>> = HashMap::new();
        for (basket, head) in transactions.baskets.iter().enumerate().skip(test) {
            if head.customer != ANONYMOUS {
                of_customer.entry(head.customer).or_default().push(basket);
            }
        }
        Self { transactions, numbering: Numbering::new(transactions, model), of_customer }
    }

    /// The customer of a basket, numbered as in the transactions.
    fn owner(&self, basket: usize) -> Option<u32> {
        Some(self.transactions.baskets[basket].customer).filter(|customer| *customer != ANONYMOUS)
    }

    /// The baskets that the customer of a basket had bought before it in the test.
    fn earlier(&self, basket: usize) -> &[usize] {
        let own = self.owner(basket).and_then(|customer| self.of_customer.get(&customer));
        own.map_or(&[], |own| &own[..own.partition_point(|&earlier| earlier < basket)])
    }

    /// The customer of a basket just before it; `None` for one who has never bought anything.
    fn profile(&self, model: &Model, basket: usize) -> Option<Arc<OwnedProfile>> {
        let (owner, earlier) = (self.owner(basket)?, self.earlier(basket));
        let customer = self.numbering.customer(owner);
        if customer.is_none() && earlier.is_empty() {
            return None;
        }
        let items: Vec<(u16, Vec<Item>)> = earlier
            .iter()
            .map(|&basket| {
                (self.transactions.baskets[basket].day, self.numbering.items(self.transactions.items_of(basket)))
            })
            .collect();
        let baskets: Vec<DatedBasket<'_>> =
            items.iter().map(|(day, items)| DatedBasket { day: *day, items, quantities: &[] }).collect();
        Some(Arc::new(model.profile_with(customer, &baskets, self.transactions.baskets[basket].day + 1)))
    }
}
