use super::batch::{self, Wanted};
use super::{InputError, OfferColumns, Reason, Rejects};

/// A row of the offers table: one item of one offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferRow {
    /// The offer.
    pub offer: String,
    /// The item.
    pub item: String,
    /// From when, in Unix seconds.
    pub valid_from: Option<i64>,
    /// Until when.
    pub valid_to: Option<i64>,
}

/// Reads the history of offers.
///
/// # Errors
/// If a file can't be read or lacks a column.
pub fn read_offers(pattern: &str, columns: &OfferColumns, rejects: &mut Rejects) -> Result<Vec<OfferRow>, InputError> {
    let wanted = [
        Wanted::required(&columns.offer_id),
        Wanted::required(&columns.item_id),
        Wanted { name: columns.valid_from.clone(), required: false },
        Wanted { name: columns.valid_to.clone(), required: false },
    ];
    let mut rows = Vec::new();
    batch::for_each(pattern, &wanted, |batch| {
        let offers = batch.texts(&columns.offer_id)?.unwrap_or_default();
        let items = batch.texts(&columns.item_id)?.unwrap_or_default();
        let valid_from = batch.times(&columns.valid_from)?;
        let valid_to = batch.times(&columns.valid_to)?;
        for row in 0..batch.rows() {
            let reason = match (&offers[row], &items[row]) {
                (Some(offer), Some(item)) => {
                    rows.push(OfferRow {
                        offer: offer.clone().into_owned(),
                        item: item.clone().into_owned(),
                        valid_from: valid_from.as_ref().and_then(|times| times[row]),
                        valid_to: valid_to.as_ref().and_then(|times| times[row]),
                    });
                    continue;
                }
                (None, _) => Reason::NoOfferId,
                (_, None) => Reason::NoItemId,
            };
            rejects.add("offers", batch.path(), batch.first_row + row as u64, reason)?;
        }
        Ok(())
    })?;
    Ok(rows)
}
