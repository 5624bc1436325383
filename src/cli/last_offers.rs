use std::collections::BTreeMap;

use trolley_training::input::OfferRow;

use crate::live::Offer;

/// The offers that end last or never, grouped by ID. They are from the past, so they are made valid at any time.
pub(super) fn last_offers(rows: Vec<OfferRow>, names: &[String]) -> Vec<Offer> {
    let last = rows.iter().filter_map(|row| row.valid_to).max();
    let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.valid_to.is_none() || row.valid_to == last) {
        let id = row.offer.clone();
        let numbers = names.iter().cloned().zip(row.numbers).collect();
        let new = || Offer { id, items: Vec::new(), valid_from: None, valid_to: None, stores: Vec::new(), numbers };
        offers.entry(row.offer).or_insert_with(new).items.push(row.item);
    }
    offers.into_values().collect()
}
