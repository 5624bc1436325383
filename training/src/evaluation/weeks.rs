//! The offers of each week, restricted to items known to a model of the days before it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use trolley_model::{Item, Model};

use super::case::{Case, History};
use super::numbering::Numbering;
use super::offered::Offered;
use crate::input::{ANONYMOUS, OfferRow, Transactions};
use crate::random::Random;

const DAYS: u16 = 7;
const SECONDS: i64 = 86_400;

/// Number of random items per week that stand in for its offers if there is no history of offers.
const STAND_INS: usize = 1000;

/// A week, and the offers that are valid on its first day.
#[derive(Clone, Debug)]
pub(crate) struct Week {
    /// Its baskets. All baskets before them may be trained on.
    pub(crate) baskets: Range<usize>,
    /// Positions of these offers in the list of offers.
    rows: Vec<u32>,
}

/// The weeks of a period, oldest first. They begin on the weekday on which most offers before the day `known` begin.
/// The last week may extend beyond the period. Weeks without offers are left out; if there are no offers at all, every
/// week has stand-ins.
pub(crate) fn weeks(transactions: &Transactions, offers: &[OfferRow], days: Range<u16>, known: u16) -> Vec<Week> {
    let day = |time: i64| time.div_euclid(SECONDS);
    let mut weekdays = [0usize; DAYS as usize];
    for from in offers.iter().filter_map(|offer| offer.valid_from).map(day).filter(|&from| from < i64::from(known)) {
        weekdays[from.rem_euclid(i64::from(DAYS)) as usize] += 1;
    }
    let common = (0..DAYS).max_by_key(|&weekday| (weekdays[usize::from(weekday)], weekday)).unwrap_or(0);
    // Without a common weekday, the last week ends with the period.
    let weekday = if weekdays.iter().any(|&offers| offers > 0) { common } else { days.end % DAYS };
    let first = days.start.saturating_add((weekday + DAYS - days.start % DAYS) % DAYS);
    let mut weeks = Vec::new();
    for start in (first..days.end).step_by(usize::from(DAYS)) {
        // Noon, because offers change during the night.
        let noon = i64::from(start) * SECONDS + SECONDS / 2;
        let holds = |offer: &OfferRow| {
            offer.valid_from.is_none_or(|from| from <= noon) && offer.valid_to.is_none_or(|to| noon < to)
        };
        let rows: Vec<u32> = (0..offers.len() as u32).filter(|&row| holds(&offers[row as usize])).collect();
        let baskets = transactions.before(start)..transactions.before(start.saturating_add(DAYS));
        if !baskets.is_empty() && baskets.start > 0 && (offers.is_empty() || !rows.is_empty()) {
            weeks.push(Week { baskets, rows });
        }
    }
    weeks
}

impl Week {
    /// The offered items that the model knows.
    pub(crate) fn offered(&self, model: &Model, offers: &[OfferRow], seed: u64) -> Offered {
        if offers.is_empty() {
            // Sampled by ID, so that two models with different item numbers draw the same items.
            let lot = |&item: &Item| {
                let id = blake3::hash(model.catalogue().id(item).as_bytes());
                let path = id.as_bytes().as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
                let path: Vec<u64> = [0x0f, self.baskets.start as u64].into_iter().chain(path).collect();
                Random::new(seed, &path).below(usize::MAX)
            };
            let mut items: Vec<Item> = (0..model.catalogue().bought()).map(Item).collect();
            items.sort_by_cached_key(lot);
            items.truncate(STAND_INS);
            items.sort_unstable();
            return Offered { numbers: vec![Vec::new(); items.len()], items };
        }
        let mut numbers: BTreeMap<Item, Vec<f32>> = BTreeMap::new();
        for row in self.rows.iter().map(|&row| &offers[row as usize]) {
            let Some(item) = model.catalogue().position(&row.item) else { continue };
            let best = numbers.entry(item).or_insert_with(|| row.numbers.clone());
            best.iter_mut().zip(&row.numbers).for_each(|(best, number)| *best = best.max(*number));
        }
        let (items, numbers) = numbers.into_iter().unzip();
        Offered { items, numbers }
    }

    /// The offered items that both models know, in the numbering of each, so that both rank the same items.
    pub(crate) fn offered_by_both(&self, models: [&Model; 2], offers: &[OfferRow], seed: u64) -> [Offered; 2] {
        let all = models.map(|model| self.offered(model, offers, seed));
        let ids: [HashSet<&str>; 2] = [0, 1].map(|of: usize| {
            let catalogue = models[of].catalogue();
            all[of].items.iter().map(|&item| catalogue.id(item)).collect()
        });
        [0, 1].map(|of: usize| {
            let catalogue = models[of].catalogue();
            let both = all[of]
                .items
                .iter()
                .zip(&all[of].numbers)
                .filter(|(item, _)| ids[1 - of].contains(catalogue.id(**item)));
            let (items, numbers) = both.map(|(&item, numbers)| (item, numbers.clone())).unzip();
            Offered { items, numbers }
        })
    }

    /// One case for each known customer who bought an offered item.
    pub(crate) fn cases(&self, model: &Model, transactions: &Transactions, offered: &Arc<Offered>) -> Vec<Case> {
        let numbering = Numbering::new(transactions, model);
        let mut bought: BTreeMap<u32, Vec<Item>> = BTreeMap::new();
        for basket in self.baskets.clone() {
            let owner = transactions.baskets[basket].customer;
            if owner != ANONYMOUS {
                let items = numbering.items(transactions.items_of(basket));
                let on_offer = items.into_iter().filter(|item| offered.items.binary_search(item).is_ok());
                bought.entry(owner).or_default().extend(on_offer);
            }
        }
        bought.retain(|_, items| !items.is_empty());
        let case = |(owner, mut relevant): (u32, Vec<Item>)| {
            relevant.sort_unstable();
            relevant.dedup();
            let customer = numbering.customer(owner);
            Case {
                customer,
                owner,
                relevant_count: relevant.len(),
                relevant,
                history: History::of(model, customer),
                offered: Some(Arc::clone(offered)),
                ..Case::default()
            }
        };
        bought.into_iter().map(case).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainingConfig;
    use crate::count::Scope;
    use crate::fit::fit;
    use crate::input::{Basket, Items};
    use crate::progress::Silent;
    use trolley_model::Offsets;

    #[test]
    fn weeks_begin_with_the_offers_and_know_what_holds() {
        let baskets: Vec<Basket> = (100..140).map(|day| Basket { customer: 0, day }).collect();
        let transactions = Transactions {
            rows: Offsets::from_lengths(baskets.iter().map(|_| 0)),
            baskets,
            items: trolley_model::Ids::default(),
            customers: trolley_model::Ids::default(),
            lines: Vec::new(),
            ..Transactions::default()
        };
        let offer = |from: u16, to: u16| OfferRow {
            offer: "o".into(),
            item: "i".into(),
            valid_from: Some(i64::from(from) * SECONDS),
            valid_to: Some(i64::from(to) * SECONDS + SECONDS - 1),
            numbers: Vec::new(),
        };
        let offers = [offer(114, 120), offer(121, 127), offer(121, 134)];
        let weeks = weeks(&transactions, &offers, 110..140, 140);
        let found: Vec<_> = weeks.iter().map(|week| (week.baskets.clone(), week.rows.clone())).collect();
        assert_eq!(found, [(14..21, vec![0]), (21..28, vec![1, 2]), (28..35, vec![2])]);
        // Offers that begin after `known` must not influence the weekday.
        let later = [offer(114, 120), offer(123, 127), offer(123, 134)];
        let starts = |known| super::weeks(&transactions, &later, 110..140, known)[0].baskets.start;
        assert_eq!((starts(121), starts(140)), (14, 16));
    }

    #[test]
    fn two_models_are_asked_about_the_same_offers() {
        // The later baskets add items and change the order of the bestsellers, so the models number items differently.
        let items_of = |basket: u32| if basket < 20 { [basket, basket + 1, basket + 2] } else { [basket + 10, 45, 3] };
        let model = |bought: u32, known: u32| {
            let (mut items, mut customers) = (trolley_model::Ids::default(), trolley_model::Ids::default());
            (0..known).for_each(|item| _ = items.intern(&format!("i{item}")).unwrap());
            let customer = customers.intern("c").unwrap();
            let transactions = Transactions {
                rows: Offsets::from_lengths((0..bought).map(|_| 3)),
                baskets: (0..bought).map(|basket| Basket { customer, day: 100 + basket as u16 }).collect(),
                items,
                customers,
                lines: (0..bought).flat_map(items_of).collect(),
                ..Transactions::default()
            };
            let (items, config) = (Items::default(), TrainingConfig::default());
            let fitted = fit(&transactions, bought as usize, &items, &[], &config, Scope::Customers, &Silent).unwrap();
            Model::new(fitted.parts).unwrap()
        };
        let models = [&model(35, 50), &model(20, 22)];
        let offer = |item: u32| OfferRow {
            offer: "o".into(),
            item: format!("i{item}"),
            valid_from: None,
            valid_to: None,
            numbers: vec![item as f32],
        };
        for offers in [vec![offer(3), offer(12), offer(45)], Vec::new()] {
            let week = Week { baskets: 20..35, rows: (0..offers.len() as u32).collect() };
            let [ours, theirs] = [0, 1].map(|of: usize| {
                let offered = &week.offered_by_both(models, &offers, 1)[of];
                let ids = offered.items.iter().map(|&item| models[of].catalogue().id(item).to_owned());
                ids.zip(offered.numbers.clone()).collect::<BTreeMap<_, _>>()
            });
            assert_eq!(ours, theirs);
            assert_eq!(
                ours.len(),
                if offers.is_empty() { 22 } else { 2 },
                "what one does not know is not asked of either"
            );
            assert!(offers.is_empty() || ours["i12"] == [12.0]);
        }
    }
}
