use super::explain::Question;
use super::kept::for_anybody;
use super::score::{add_best, tidy};
use super::tiers::{fill_up, may_show, pinned};
use super::{Limits, Recommended};
use crate::{Ask, CoPurchases, Model};

/// The market's best known items are candidates of every question.
const BESTSELLERS: u32 = 100;

/// Of what the customer has bought, so many are candidates: those that they buy most and most lately.
const OWN: usize = 300;

/// So many partners of the items asked about are candidates, and as many of their categories.
const PARTNERS: usize = 200;

/// What else goes into the basket with `ask.items`?
pub fn bought_together(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let mut answer = pinned(model, ask, limits);
    // Of items that nobody has bought yet only the category is known: enough for the model if it knows the customer.
    let bought = ask.items.iter().any(|&item| model.catalogue().baskets(item) > 0);
    if bought || (ask.customer.is_some() && !ask.items.is_empty()) {
        let work_out = |limits: &Limits<'_>, answer: &mut Vec<Recommended>| {
            add_best(model, Question::BoughtTogether, ask, &candidates(model, ask, limits), limits, answer);
        };
        for_anybody(model, &model.kept().together, ask, limits, &mut answer, work_out);
    }
    fill_up(model, ask, limits, &mut answer);
    answer
}

/// What the model chooses from, strictly rising: bestsellers, partners of the items asked about and of their
/// categories, and what the customer has bought; of these, what may be shown.
pub fn candidates(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>) -> Vec<u32> {
    let mut candidates: Vec<u32> = (0..BESTSELLERS.min(model.catalogue().bought())).collect();
    let category = |item| model.catalogue().category(item);
    strongest(&mut candidates, ask.items.iter().map(|&item| (model.co_purchases(), item)));
    let of_categories = ask.items.iter().filter_map(|&item| category(item));
    strongest(&mut candidates, of_categories.map(|category| (model.category_partners(), category)));
    if let Some(customer) = ask.customer {
        let mut own: Vec<_> = model.histories().of(customer).collect();
        if own.len() > OWN {
            own.select_nth_unstable_by(OWN, |a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
            own.truncate(OWN);
        }
        candidates.extend(own.iter().map(|habit| habit.item));
    }
    tidy(model, &candidates, |item| may_show(model, ask, limits, item))
}

/// Adds the partners of all rows; if they are many, those that make up most of the baskets of their rows.
fn strongest<'m>(candidates: &mut Vec<u32>, rows: impl Iterator<Item = (&'m CoPurchases, u32)>) {
    let mut shares: Vec<(u32, f32)> = Vec::new();
    for (pairs, row) in rows {
        let whole: f32 = pairs.of(row).map(|pair| pair.weight).sum();
        shares.extend(pairs.of(row).map(|pair| (pair.item, pair.weight / whole.max(1.0))));
    }
    if shares.len() > PARTNERS {
        shares.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        shares.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
    }
    if shares.len() > PARTNERS {
        shares.select_nth_unstable_by(PARTNERS, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        shares.truncate(PARTNERS);
    }
    candidates.extend(shares.iter().map(|share| share.0));
}
