use super::explain::Question;
use super::score::{best, tidy};
use super::tiers::{fill_up, may_show};
use super::{Limits, Recommended};
use crate::{Ask, Model};

/// The market's best known items are candidates of every question.
const BESTSELLERS: u32 = 100;

/// What else goes into the basket with `ask.items`?
pub fn bought_together(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let mut answer = Vec::new();
    // Of items that nobody has bought yet only the category is known: enough for the model if it knows the customer.
    let bought = ask.items.iter().any(|&item| model.catalogue().baskets(item) > 0);
    if bought || (ask.customer.is_some() && !ask.items.is_empty()) {
        let candidates = candidates(model, ask, limits);
        answer = best(model, Question::BoughtTogether, ask, &candidates, limits.limit);
    }
    fill_up(model, ask, limits, &mut answer);
    answer
}

/// What the model chooses from, strictly rising: bestsellers, partners of the items asked about and of their
/// categories, and what the customer has bought; of these, what may be shown.
pub fn candidates(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>) -> Vec<u32> {
    let mut candidates: Vec<u32> = (0..BESTSELLERS.min(model.catalogue().bought())).collect();
    for &item in ask.items {
        candidates.extend(model.co_purchases().partners(item));
        if let Some(category) = model.catalogue().category(item) {
            candidates.extend(model.category_partners().partners(category));
        }
    }
    if let Some(customer) = ask.customer {
        candidates.extend(model.histories().items(customer));
    }
    tidy(candidates, |item| may_show(model, ask, limits, item))
}
