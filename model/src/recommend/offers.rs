use super::Tier;
use super::score::{columns, tidy};
use crate::scorer::Input;
use crate::top::Top;
use crate::{Ask, Model};

/// What is known of an offer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer<'a> {
    /// Its items, as far as the model knows them and they may be shown.
    pub items: &'a [u32],
    /// Numbers that the shop gives with it, by name: a discount, or how strongly it is promoted. A name that was not
    /// there when the blend was learned adds nothing, nor does one that is missing.
    pub numbers: &'a [(&'a str, f32)],
}

impl Offer<'_> {
    /// One of its numbers, 0 if it has none of this name.
    pub(super) fn number(&self, name: &str) -> f32 {
        self.numbers.iter().find(|number| number.0 == name).map_or(0.0, |number| number.1)
    }
}

/// One offer in the order of relevance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankedOffer {
    /// Its position in the list that was asked about.
    pub offer: usize,
    /// The item of it that is most relevant, by number; `None` if the model knows none of its items.
    pub item: Option<u32>,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
}

/// One customer in an offer's audience.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audience {
    /// The customer's number.
    pub customer: u32,
    /// The item of the offer that is most relevant to them.
    pub item: u32,
    /// Comparable between all customers of one offer.
    pub score: f32,
}

/// Which of `offers` are for this customer? An offer counts for as much as the best of its items, with the offer's
/// own numbers. All offers come back, best first, up to `limit`.
///
/// A known customer's offers are ranked by the blend; an unknown one's by popularity.
pub fn offers(model: &Model, customer: Option<u32>, offers: &[Offer<'_>], limit: usize) -> Vec<RankedOffer> {
    let mut best: Vec<RankedOffer> = offers
        .iter()
        .enumerate()
        .map(|(offer, _)| RankedOffer { offer, item: None, score: 0.0, tier: Tier::Bestsellers })
        .collect();
    let items = tidy(model, &offers.iter().flat_map(|offer| offer.items).copied().collect::<Vec<_>>(), |_| true);
    let tier = if customer.is_some() { Tier::Model } else { Tier::Bestsellers };
    for (offer, (item, score)) in best_items(model, customer, offers, &items) {
        best[offer] = RankedOffer { offer, item: Some(item), score, tier };
    }
    // Offers whose items are all new to the model come last, in the order in which they were given.
    let order = |a: &RankedOffer, b: &RankedOffer| {
        a.tier.cmp(&b.tier).then(b.score.total_cmp(&a.score)).then(a.offer.cmp(&b.offer))
    };
    if limit < best.len() {
        best.select_nth_unstable_by(limit, order);
        best.truncate(limit);
    }
    best.sort_unstable_by(order);
    best
}

/// The most relevant item of each offer, with its score; nothing for an offer without items. `items` are those of all
/// offers, strictly rising.
fn best_items(
    model: &Model,
    customer: Option<u32>,
    offers: &[Offer<'_>],
    items: &[u32],
) -> impl Iterator<Item = (usize, (u32, f32))> {
    // Each offer with each of its items.
    let rows: Vec<(usize, usize)> = offers
        .iter()
        .enumerate()
        .flat_map(|(offer, of)| of.items.iter().filter_map(move |item| Some((offer, items.binary_search(item).ok()?))))
        .collect();
    let scores: Vec<f32> = if customer.is_some() {
        let scorer = &model.scorers().offers;
        let of_items = columns(model, scorer, &Ask { items: &[], customer }, items);
        let of_items = of_items.chunks_exact(items.len().max(1));
        let mut values = Vec::with_capacity(scorer.inputs().len() * rows.len());
        for (input, column) in scorer.inputs().iter().zip(of_items) {
            match input {
                Input::Signal(_) => values.extend(rows.iter().map(|&(_, at)| column[at])),
                Input::Number(name) => values.extend(rows.iter().map(|&(offer, _)| offers[offer].number(name))),
            }
        }
        scorer.score(&values, rows.len())
    } else {
        rows.iter().map(|&(_, at)| model.catalogue().popularity(items[at])).collect()
    };
    let mut best: Vec<Option<(u32, f32)>> = vec![None; offers.len()];
    for (&(offer, at), score) in rows.iter().zip(scores) {
        let found = (items[at], score);
        let better = |known: &(u32, f32)| score.total_cmp(&known.1).then(known.0.cmp(&found.0)).is_gt();
        if best[offer].as_ref().is_none_or(better) {
            best[offer] = Some(found);
        }
    }
    best.into_iter().enumerate().filter_map(|(offer, best)| Some((offer, best?)))
}

/// Which customers is an offer for? The same scores as [`offers`], read the other way.
pub fn audience(model: &Model, offer: Offer<'_>, limit: usize) -> Vec<Audience> {
    let items = tidy(model, offer.items, |_| true);
    let mut top = Top::new(limit);
    let best_item = |customer| best_items(model, Some(customer), &[offer], &items).next().map(|(_, best)| best);
    for customer in 0..model.histories().customers().len() as u32 {
        if let Some((_, score)) = best_item(customer) {
            top.push(score, customer);
        }
    }
    top.into_sorted()
        .into_iter()
        .filter_map(|(customer, score)| Some(Audience { customer, item: best_item(customer)?.0, score }))
        .collect()
}
