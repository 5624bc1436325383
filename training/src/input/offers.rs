use super::batch::{self, Time, Wanted};
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
    /// The numbers that the config names, in that order; 0 where there is none.
    pub numbers: Vec<f32>,
}

/// Reads the history of a market's offers.
///
/// # Errors
/// If a file can't be read or lacks a column.
pub fn read_offers(
    pattern: &str,
    columns: &OfferColumns,
    market: &str,
    rejects: &mut Rejects,
) -> Result<Vec<OfferRow>, InputError> {
    let mut wanted = vec![
        Wanted::required(&columns.offer_id),
        Wanted::required(&columns.item_id),
        Wanted::optional(columns.valid_from.as_ref(), "valid_from"),
        Wanted::optional(columns.valid_to.as_ref(), "valid_to"),
        Wanted::optional(columns.market.as_ref(), "market"),
    ];
    wanted.extend(columns.numbers.iter().map(|name| Wanted::required(name)));
    let [offer_id, item_id, valid_from, valid_to, market_column, number_columns @ ..] = &wanted[..] else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    batch::for_each(pattern, &wanted, |batch| {
        let offers = batch.texts(&offer_id.name)?.unwrap_or_default();
        let items = batch.texts(&item_id.name)?.unwrap_or_default();
        let (from, to) = (batch.times(&valid_from.name)?, batch.times(&valid_to.name)?);
        let markets = batch.texts(&market_column.name)?;
        let mut numbers = Vec::new();
        for column in number_columns {
            numbers.push(batch.numbers(&column.name)?.unwrap_or_default());
        }
        let time = |times: &Option<Vec<Time>>, row: usize| times.as_ref().map_or(Time::Missing, |times| times[row]);
        let bad = |row: usize| {
            numbers.iter().any(|of: &Vec<Option<f64>>| of[row].is_some_and(|number| !(number as f32).is_finite()))
        };
        for row in 0..batch.rows() {
            if markets.as_ref().is_some_and(|markets| markets[row].as_deref() != Some(market)) {
                continue;
            }
            let reason = match (&offers[row], &items[row], time(&from, row), time(&to, row)) {
                (None, ..) => Reason::NoOfferId,
                (_, None, ..) => Reason::NoItemId,
                (_, _, Time::Bad, _) | (.., Time::Bad) => Reason::BadTimestamp,
                _ if bad(row) => Reason::BadNumber,
                (Some(offer), Some(item), from, to) => {
                    rows.push(OfferRow {
                        offer: offer.clone().into_owned(),
                        item: item.clone().into_owned(),
                        valid_from: from.seconds(),
                        valid_to: to.seconds(),
                        numbers: numbers.iter().map(|of| of[row].unwrap_or(0.0) as f32).collect(),
                    });
                    continue;
                }
            };
            rejects.add("offers", batch.path(), batch.first_row + row as u64, reason)?;
        }
        Ok(())
    })?;
    rejects.finish()?;
    Ok(rows)
}
