use super::score::{score, tidy};
use super::{Reason, Tier};
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

/// Which of `offers` are for this customer? An offer counts for as much as the best of its items, and for what its own
/// numbers add. All offers come back, best first, up to `limit`.
///
/// A known customer's offers are ranked by the blend; an unknown one's by popularity.
pub fn offers(model: &Model, customer: Option<u32>, offers: &[Offer<'_>], limit: usize) -> Vec<RankedOffer> {
    let mut best: Vec<RankedOffer> = offers
        .iter()
        .enumerate()
        .map(|(offer, _)| RankedOffer { offer, item: None, score: 0.0, tier: Tier::Bestsellers })
        .collect();
    let items = tidy(offers.iter().flat_map(|offer| offer.items.iter().copied()).collect(), |_| true);
    let scores = match customer {
        Some(_) => score(model, &model.blends().offers, &Ask { items: &[], customer }, &items),
        None => items.iter().map(|&item| model.catalogue().popularity(item)).collect(),
    };
    let tier = if customer.is_some() { Tier::Model } else { Tier::Bestsellers };
    for (best, offer) in best.iter_mut().zip(offers) {
        let mut top = Top::new(1);
        for item in offer.items {
            if let Ok(at) = items.binary_search(item) {
                top.push(scores[at], *item);
            }
        }
        if let Some(&(item, score)) = top.into_sorted().first() {
            let own = customer.map_or(0.0, |_| of_numbers(model, offer));
            *best = RankedOffer { item: Some(item), score: score + own, tier, ..*best };
        }
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

/// The part that the offer's own numbers have in its score, if they have one.
pub fn promotion(model: &Model, offer: &Offer<'_>) -> Option<Reason> {
    let share = of_numbers(model, offer);
    (share != 0.0).then_some(Reason { signal: "promotion", value: share, share, evidence: None })
}

/// What the offer's own numbers add to its score.
fn of_numbers(model: &Model, offer: &Offer<'_>) -> f32 {
    let weights = &model.weights().offer_numbers;
    let weighed = |&(name, number): &(&str, f32)| weights.get(name).map_or(0.0, |weight| weight.of(number));
    offer.numbers.iter().map(weighed).sum()
}

/// Which customers is an offer for? The same scores as [`offers`], read the other way.
pub fn audience(model: &Model, offer: Offer<'_>, limit: usize) -> Vec<Audience> {
    let items = tidy(offer.items.to_vec(), |_| true);
    let own = of_numbers(model, &offer);
    let mut top = Top::new(limit);
    let best_item = |customer| {
        let ask = Ask { items: &[], customer: Some(customer) };
        let mut best = Top::new(1);
        for (&item, &score) in items.iter().zip(&score(model, &model.blends().offers, &ask, &items)) {
            best.push(score, item);
        }
        best.into_sorted().first().copied()
    };
    for customer in 0..model.histories().customers().len() as u32 {
        if let Some((_, score)) = best_item(customer) {
            top.push(score, customer);
        }
    }
    top.into_sorted()
        .into_iter()
        .filter_map(|(customer, score)| Some(Audience { customer, item: best_item(customer)?.0, score: score + own }))
        .collect()
}
