use std::path::Path;
use std::rc::Rc;

use super::column_request::ColumnRequest;
use super::read::{self, Request, TableRead};
use super::time::{DAY, Time};
use super::{InputConfig, InputError, InputTable, RowOutcomes, RowReason};

/// A row of the offers table: one item of one offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferRow {
    /// The offer.
    pub offer: String,
    /// The item.
    pub item: String,
    /// Beginning, in Unix seconds.
    pub valid_from: Option<i64>,
    /// End, in Unix seconds.
    pub valid_to: Option<i64>,
    /// The numbers named in the config, in that order; 0 for null.
    pub numbers: Vec<f32>,
}

/// The offer history.
#[derive(Debug, Default)]
pub struct Offers {
    /// One row per item of an offer.
    pub rows: Vec<OfferRow>,
    /// The files and columns that were read.
    pub table: TableRead,
}

/// Reads a market's offer history; it is empty if the config has no offers table. Offers whose dates are days are valid
/// through their last day: dates written without a time, or all dates if all of them are at midnight.
///
/// # Errors
/// If a file cannot be read or lacks a column.
pub fn read_offers(input: &InputConfig, market: &str, row_outcomes: &mut RowOutcomes) -> Result<Offers, InputError> {
    let Some(pattern) = &input.offers else { return Ok(Offers::default()) };
    let columns = &input.columns.offers;
    let mut wanted = vec![
        ColumnRequest::required("offer_id", &columns.offer_id),
        ColumnRequest::required("item_id", &columns.item_id),
        ColumnRequest::optional("valid_from", columns.valid_from.as_ref()),
        ColumnRequest::optional("valid_to", columns.valid_to.as_ref()),
        ColumnRequest::optional("market", columns.market.as_ref()),
    ];
    wanted.extend(columns.numbers.iter().map(|name| ColumnRequest::required(name, name)));
    let [offer_id, item_id, valid_from, valid_to, market_column, number_columns @ ..] = &wanted[..] else {
        return Ok(Offers::default());
    };
    let market = input.value_of(market);
    let forms = input.forms()?;
    let request = Request { table: InputTable::Offers, pattern, columns: &wanted, csv: &input.csv, forms: &forms };
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    let mut all_midnight = true;
    let table = read::for_each(&request, row_outcomes, |batch, seen, row_outcomes| {
        let offers = batch.texts(offer_id, seen)?.unwrap_or_default();
        let items = batch.texts(item_id, seen)?.unwrap_or_default();
        let (from, to) = (batch.times(valid_from, seen)?, batch.times(valid_to, seen)?);
        let markets = batch.markets(market_column, seen)?;
        let mut numbers = Vec::new();
        for column in number_columns {
            numbers.push((column, batch.numbers(column, seen)?.unwrap_or_default()));
        }
        let time = |times: &Option<Vec<Time>>, row: usize| times.as_ref().map_or(Time::Missing, |times| times[row]);
        let bad = |row: usize| {
            let wrong = |number: f64| !(number as f32).is_finite();
            numbers
                .iter()
                .find(|(_, of): &&(_, Vec<Option<f64>>)| of[row].is_some_and(wrong))
                .map(|(column, _)| *column)
        };
        let file: Rc<Path> = batch.path.into();
        for row in 0..batch.rows {
            let line = batch.line(row);
            if let Some(other) = markets.as_ref().map(|markets| markets[row].as_deref().unwrap_or_default().trim())
                && other != market
            {
                row_outcomes.leave_out(InputTable::Offers, batch.path, line, RowReason::OtherMarket, other);
                continue;
            }
            let (from, to) = (time(&from, row), time(&to, row));
            let (reason, column) = match (&offers[row], &items[row], from, to) {
                (None, ..) => (RowReason::NoOfferId, offer_id),
                (_, None, ..) => (RowReason::NoItemId, item_id),
                (.., Time::Bad, _) => (RowReason::BadTimestamp, valid_from),
                (.., Time::Ambiguous, _) => (RowReason::AmbiguousTimestamp, valid_from),
                (.., Time::Bad) => (RowReason::BadTimestamp, valid_to),
                (.., Time::Ambiguous) => (RowReason::AmbiguousTimestamp, valid_to),
                _ if let Some(column) = bad(row) => (RowReason::BadNumber, column),
                (Some(offer), Some(item), from, to) => {
                    all_midnight &= [from, to].iter().all(|time| time.seconds().is_none_or(|s| s.rem_euclid(DAY) == 0));
                    places.push((Rc::clone(&file), line, to));
                    rows.push(OfferRow {
                        offer: offer.clone().into_owned(),
                        item: item.clone().into_owned(),
                        valid_from: from.seconds(),
                        valid_to: to.seconds(),
                        numbers: numbers.iter().map(|(_, of)| of[row].unwrap_or(0.0) as f32).collect(),
                    });
                    continue;
                }
            };
            row_outcomes.reject_row(InputTable::Offers, batch.path, line, reason, &batch.shown(column, row))?;
        }
        Ok(())
    })?;
    let mut held = Vec::with_capacity(rows.len());
    for (mut row, (file, line, to)) in rows.into_iter().zip(places) {
        if all_midnight || matches!(to, Time::Day(_)) {
            row.valid_to = row.valid_to.map(|midnight| midnight + DAY - 1);
        }
        if matches!((row.valid_from, row.valid_to), (Some(from), Some(to)) if to <= from) {
            row_outcomes.reject_row(InputTable::Offers, &file, line, RowReason::EndsBeforeItBegins, &row.offer)?;
        } else {
            held.push(row);
        }
    }
    row_outcomes.finish()?;
    Ok(Offers { rows: held, table })
}
