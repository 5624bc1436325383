use super::explain::Question;
use super::kept::OwnTier;
use super::score::tidy;
use super::tiers::{fill_up_in_kind, may_show, pinned};
use super::{Limits, Recommended};
use crate::{Ask, Model};

/// So many candidates are from the neighbourhood of the input vector, and as many from the category: for anybody, whose
/// answer is kept.
const BROAD: usize = 100;

/// For a customer, who is answered anew each time. To look at twice as many gained nothing (docs/evaluation.md).
const NARROW: usize = 50;

/// `item` is out of stock: what instead? Below the model's own tier there are only items of the same category: anything
/// else could not stand in for it, and a shorter answer is more useful.
pub fn alternatives(model: &Model, item: u32, customer: Option<u32>, limits: &Limits<'_>) -> Vec<Recommended> {
    let items = [item];
    let ask = &Ask { items: &items, customer };
    let mut answer = pinned(model, ask, limits);
    if model.catalogue().baskets(item) > 0 {
        let candidates = |limits: &Limits<'_>| alternative_candidates(model, item, customer, limits);
        let kept = &model.kept().alternatives;
        OwnTier { model, question: Question::Alternatives, ask, kept, candidates }.add(limits, &mut answer);
    }
    fill_up_in_kind(model, ask, limits, &mut answer);
    answer
}

/// What the model chooses from, strictly rising: items bought in the same company, those of the same category, and
/// what the customer has bought of it; of these, what may be shown.
pub fn alternative_candidates(model: &Model, item: u32, customer: Option<u32>, limits: &Limits<'_>) -> Vec<u32> {
    let items = [item];
    let ask = &Ask { items: &items, customer };
    let may_show = |other| may_show(model, ask, limits, other);
    let wanted = if customer.is_some() { NARROW } else { BROAD }.max(limits.limit);
    let mut candidates: Vec<u32> = Vec::new();
    if model.is_learned(item) {
        let neighbours = &model.kept().neighbours;
        candidates = neighbours.first(item, wanted, &may_show, |wanted, allowed| model.nearest(item, wanted, allowed));
    }
    if let Some(category) = model.catalogue().category(item) {
        let members = model.catalogue().members(category).iter().copied();
        candidates.extend(members.filter(|&other| may_show(other)).take(wanted));
        if let Some(customer) = customer {
            let own = model.histories().items(customer).iter().copied();
            candidates.extend(own.filter(|&own| model.catalogue().category(own) == Some(category) && may_show(own)));
        }
    }
    tidy(model, &candidates, |_| true)
}
