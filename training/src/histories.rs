//! Counts the purchases of each customer: how often, first and last day, and how much recently.

use trolley_model::{Counting, DatedBasket, Histories, Item, ModelError, OwnedProfile};

use crate::baskets::Baskets;
use crate::input::ANONYMOUS;
use crate::on_offer::OnOfferDays;

/// The histories of all customers. In `decayed`, a purchase `half_life_days` before the end of the period counts half.
/// The `last_baskets` of each customer are stored as they are. Purchases on offer are counted if there are offers.
pub(crate) fn histories(
    baskets: &Baskets,
    items: usize,
    half_life_days: f32,
    last_baskets: usize,
    on_offer: Option<&OnOfferDays>,
) -> Result<Histories, ModelError> {
    let mut of_customer: Vec<Vec<DatedBasket<'_>>> = vec![Vec::new(); baskets.customers.len()];
    for (number, head) in baskets.heads.iter().enumerate().filter(|(_, head)| head.customer != ANONYMOUS) {
        let (day, items, quantities) = (head.day, baskets.items(number), baskets.quantities(number));
        of_customer[head.customer as usize].push(DatedBasket { day, items, quantities });
    }
    let taken = on_offer.map(|on_offer| |item: Item, days: &[u16]| on_offer.taken(item, days));
    let taken_on_offer = taken.as_ref().map(|taken| taken as &dyn Fn(Item, &[u16]) -> f32);
    let counting = Counting { end: baskets.end, half_life_days, last_baskets, taken_on_offer };
    let profiles = of_customer.iter().map(|own| OwnedProfile::count(own, &counting));
    Histories::of_profiles(baskets.customers.clone(), profiles, baskets.end, items)
}
