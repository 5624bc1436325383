use super::Tier;
use super::list::{Kind, varied};
use super::score::{columns, scorer, tidy};
use crate::scorer::Input;
use crate::top::Top;
use crate::{Item, Model, Profile, Query, Question};

/// An offer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer<'a> {
    /// Those of its items that the model knows and that may be shown.
    pub items: &'a [Item],
    /// Numbers of the offer by name, such as a discount or the strength of its promotion. Names unknown when the blend
    /// was learned are ignored; missing ones count as 0.
    pub numbers: &'a [(&'a str, f32)],
}

impl Offer<'_> {
    /// One of its numbers, or 0.
    pub(super) fn number(&self, name: &str) -> f32 {
        self.numbers.iter().find(|number| number.0 == name).map_or(0.0, |number| number.1)
    }
}

/// One offer of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankedOffer {
    /// Its position in the list passed to [`PreparedOffers::new`].
    pub offer: usize,
    /// The number of its most relevant item; `None` if the model knows none of its items.
    pub item: Option<Item>,
    /// Comparable only within one answer and tier.
    pub score: f32,
    /// The tier that answered.
    pub tier: Tier,
}

/// One customer in an offer's audience.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audience {
    /// The customer's position in the list of [`audience`].
    pub customer: u32,
    /// The most relevant item of the offer for them.
    pub item: Item,
    /// Comparable between customers of one offer.
    pub score: f32,
}

/// Passes the profile of the customer at a position to a function; does nothing for one who must not be listed.
pub type ProfileAt<'a> = dyn Fn(u32, &mut dyn FnMut(Profile<'_>)) + Sync + 'a;

/// Offers prepared for ranking by one model, for any number of customers.
#[derive(Clone, Debug)]
pub struct PreparedOffers {
    /// Number of offers.
    offers: usize,
    /// The items of all offers, strictly ascending.
    items: Vec<Item>,
    /// Each pair of an item, by its position in `items`, and one of its offers; ascending.
    rows: Vec<(u32, u32)>,
    /// For the blends of known and of anonymous customers: the position of each input that is a number of the offers,
    /// and its values by row.
    numbers: [Vec<(usize, Vec<f32>)>; 2],
}

impl PreparedOffers {
    /// Looks up the inputs that `model` needs.
    pub fn new(model: &Model, offers: &[Offer<'_>]) -> Self {
        let items = tidy(model, &offers.iter().flat_map(|offer| offer.items).copied().collect::<Vec<_>>(), |_| true);
        let place = |item| items.binary_search(item).ok().map(|place| place as u32);
        let of_offer = |(number, offer)| {
            let offer: &Offer<'_> = offer;
            offer.items.iter().filter_map(move |item| Some((place(item)?, number)))
        };
        let mut rows: Vec<(u32, u32)> = (0u32..).zip(offers).flat_map(of_offer).collect();
        rows.sort_unstable();
        rows.dedup();
        let number = |(at, input): (usize, &Input)| match input {
            Input::Signal(_) | Input::Attribute(_) => None,
            Input::Number(name) => {
                Some((at, rows.iter().map(|&(_, offer)| offers[offer as usize].number(name)).collect()))
            }
        };
        let numbers = [Question::Offers, Question::OffersAnonymous]
            .map(|question| model.scorers()[question].inputs().iter().enumerate().filter_map(number).collect());
        Self { offers: offers.len(), numbers, rows, items }
    }

    /// The score of each row.
    fn scores(&self, model: &Model, customer: Option<Profile<'_>>) -> Vec<f32> {
        let rows = self.rows.len();
        let query = Query { items: &[], customer, ..Query::default() };
        let scorer = scorer(model, Question::Offers, &query);
        let mut values = columns(model, scorer, &query, &self.items);
        // If each item is in one offer only, rows and items are the same.
        if rows != self.items.len() {
            let columns = values.chunks_exact(self.items.len().max(1));
            values = columns.flat_map(|column| self.rows.iter().map(|&(at, _)| column[at as usize])).collect();
        }
        for (input, numbers) in &self.numbers[usize::from(customer.is_none())] {
            values[input * rows..][..rows].copy_from_slice(numbers);
        }
        scorer.score(&values, rows)
    }

    /// The most relevant allowed item of each offer, with its score; `None` for an offer without one.
    fn best_items(
        &self,
        model: &Model,
        customer: Option<Profile<'_>>,
        allowed: &dyn Fn(Item) -> bool,
    ) -> Vec<Option<(Item, f32)>> {
        let mut best: Vec<Option<(Item, f32)>> = vec![None; self.offers];
        for (&(at, offer), score) in self.rows.iter().zip(self.scores(model, customer)) {
            let (best, item) = (&mut best[offer as usize], self.items[at as usize]);
            if best.is_none_or(|(_, highest)| score.total_cmp(&highest).is_gt()) && allowed(item) {
                *best = Some((item, score));
            }
        }
        best
    }
}

/// Offers ranked for one customer. The score of an offer is the best score of its items, with the offer's own numbers.
/// All offers are returned, best first; if there are more than `limit`, the list is diversified by the model's
/// [`ListRules`](crate::ListRules).
///
/// For an anonymous customer the blend uses only the sales of the items and the offers' own numbers.
pub fn offers(
    model: &Model,
    customer: Option<Profile<'_>>,
    on_offer: &PreparedOffers,
    limit: usize,
) -> Vec<RankedOffer> {
    available_offers(model, customer, on_offer, limit, &|_| true, &|_| true)
}

/// As [`offers`], restricted to `open` offers and `allowed` items, so that prepared offers remain valid when the stock
/// changes.
pub fn available_offers(
    model: &Model,
    customer: Option<Profile<'_>>,
    on_offer: &PreparedOffers,
    limit: usize,
    open: &dyn Fn(usize) -> bool,
    allowed: &dyn Fn(Item) -> bool,
) -> Vec<RankedOffer> {
    let tier = if customer.is_some() { Tier::Model } else { Tier::Bestsellers };
    let ranked = |(offer, best): (usize, Option<(Item, f32)>)| match best {
        Some((item, score)) => RankedOffer { offer, item: Some(item), score, tier },
        None => RankedOffer { offer, item: None, score: 0.0, tier: Tier::Bestsellers },
    };
    let best = on_offer.best_items(model, customer, allowed).into_iter().enumerate();
    let mut best: Vec<RankedOffer> = best.filter(|(offer, _)| open(*offer)).map(ranked).collect();
    // Offers without a known item come last, in the order of the input.
    let order = |a: &RankedOffer, b: &RankedOffer| {
        a.tier.cmp(&b.tier).then(b.score.total_cmp(&a.score)).then(a.offer.cmp(&b.offer))
    };
    best.sort_unstable_by(order);
    if best.len() <= limit {
        return best;
    }
    let ranking = best.into_iter().map(|offer| (offer, Kind::on_offer(model, offer.item)));
    varied(&model.blends().list, ranking, |_, _| false, limit, limit)
}

/// Customers per thread: for fewer, another thread costs more than it saves.
const ONE_THREAD: usize = 10_000;

/// The `limit` of `customers` for whom an offer is most relevant, by the same scores as [`offers`]. Runs on all
/// processors; their number does not change the result.
pub fn audience(
    model: &Model,
    offer: Offer<'_>,
    limit: usize,
    customers: u32,
    profile_at: &ProfileAt<'_>,
) -> Vec<Audience> {
    let on_offer = PreparedOffers::new(model, &[offer]);
    let best_item = |customer: u32| {
        let mut best = None;
        profile_at(customer, &mut |profile| {
            best = on_offer.best_items(model, Some(profile), &|_| true).pop().flatten();
        });
        best
    };
    let all = customers as usize;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let each = all.div_ceil(processors.min(all.div_ceil(ONE_THREAD)).max(1)).max(1);
    let best_of = |first: usize| {
        let mut top = Top::new(limit);
        for customer in first as u32..(first + each).min(all) as u32 {
            if let Some((_, score)) = best_item(customer) {
                top.push(score, customer);
            }
        }
        top.into_sorted()
    };
    let parts: Vec<Vec<(u32, f32)>> = std::thread::scope(|scope| {
        let others: Vec<_> = (each..all).step_by(each).map(|first| scope.spawn(move || best_of(first))).collect();
        let first = best_of(0);
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(first).chain(others).collect()
    });
    let mut top = Top::new(limit);
    parts.into_iter().flatten().for_each(|(customer, score)| top.push(score, customer));
    let listed = top.into_sorted().into_iter();
    listed.filter_map(|(customer, score)| Some(Audience { customer, item: best_item(customer)?.0, score })).collect()
}
