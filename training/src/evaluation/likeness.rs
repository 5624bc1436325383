//! Similarity of alternatives to the requested item: size, price and attributes.

use trolley_model::figures::Likeness;

use rayon::prelude::*;
use trolley_model::recommend::{Limits, alternatives};
use trolley_model::{Item, Model, MustMatch, MustMatches, Query};

use super::alternatives::K;
use super::case::Case;

/// Maximum ratio of two sizes or prices that count as close.
const CLOSE: f32 = 1.25;

/// Counts over the alternatives of one or more queries; pairs are (close or equal, known).
#[derive(Clone, Default)]
struct Counts {
    shown: usize,
    size: [usize; 2],
    price: [usize; 2],
    both: [usize; 2],
    same: Vec<[usize; 2]>,
    not_sold: usize,
    removed: usize,
}

/// Measures the anonymous alternatives to each distinct query item of the cases, in each of its stores if the cases
/// have any.
pub(super) fn likeness(model: &Model, cases: &[Case], must_match: &[MustMatch]) -> Likeness {
    let mut asked: Vec<(Item, Option<u32>)> =
        cases.iter().filter_map(|case| Some((*case.items.first()?, case.store))).collect();
    asked.sort_unstable();
    asked.dedup();
    let rules = MustMatches::new(must_match, model);
    let attributes = model.attributes().all();
    let of = |&(item, store): &(Item, Option<u32>)| {
        let sells = |other| store.is_none_or(|store| model.stores().sells(store, other));
        let items = [item];
        let query = Query { items: &items, store, ..Query::default() };
        let mut counts = Counts { same: vec![[0; 2]; attributes.len()], ..Counts::default() };
        for one in alternatives(model, &query, &Limits { allowed: &sells, ..Limits::best(K) }) {
            let (size, price) = (model.size_times(item, one.item), model.price_times(item, one.item));
            let is_close = |times: f32| (CLOSE.recip()..=CLOSE).contains(&times);
            let mut count = |of: fn(&mut Counts) -> &mut [usize; 2], known: Option<bool>| {
                let of = of(&mut counts);
                of[0] += usize::from(known == Some(true));
                of[1] += usize::from(known.is_some());
            };
            count(|counts| &mut counts.size, size.map(is_close));
            count(|counts| &mut counts.price, price.map(is_close));
            count(|counts| &mut counts.both, size.zip(price).map(|(size, price)| is_close(size) && is_close(price)));
            for (same, attribute) in counts.same.iter_mut().zip(attributes) {
                // An item that has a value matches itself.
                let is_known = attribute.matches(item, item) && attribute.matches(one.item, one.item);
                same[0] += usize::from(attribute.matches(item, one.item));
                same[1] += usize::from(is_known);
            }
            counts.shown += 1;
            counts.not_sold += usize::from(model.catalogue().all_recent_baskets()[one.item.index()] == 0);
            counts.removed += usize::from(rules.forbids(model, item, one.item).is_some());
        }
        counts
    };
    let all = asked.par_iter().map(of).reduce(
        || Counts { same: vec![[0; 2]; attributes.len()], ..Counts::default() },
        |mut sum, counts| {
            let add = |sum: &mut [usize; 2], counts: [usize; 2]| (0..2).for_each(|at| sum[at] += counts[at]);
            add(&mut sum.size, counts.size);
            add(&mut sum.price, counts.price);
            add(&mut sum.both, counts.both);
            sum.same.iter_mut().zip(counts.same).for_each(|(sum, counts)| add(sum, counts));
            sum.shown += counts.shown;
            sum.not_sold += counts.not_sold;
            sum.removed += counts.removed;
            sum
        },
    );
    let share = |[close, known]: [usize; 2]| (known > 0).then(|| close as f64 / known as f64);
    let of_shown = |count: usize| count as f64 / all.shown.max(1) as f64;
    Likeness {
        asked: asked.len(),
        size: share(all.size),
        price: share(all.price),
        size_and_price: share(all.both),
        known: of_shown(all.both[1]),
        same: attributes
            .iter()
            .zip(&all.same)
            .filter_map(|(attribute, same)| Some((attribute.name.clone(), share(*same)?)))
            .collect(),
        not_sold: of_shown(all.not_sold),
        must_match_removes: (!must_match.is_empty()).then(|| of_shown(all.removed)),
    }
}
