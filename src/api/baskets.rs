use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::audit::ChangeSummary;
use super::extract::{self, Path};
use super::offers::is_zero;
use super::params::{id, wrong_id};
use super::problem::Problem;
use super::rows::{Row, Rows, WrongRow};
use crate::live::{Basket, StateSync};
use crate::store::BasketLine;

/// What customers have bought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Baskets {
    /// Each basket is checked on its own. At most 1,000 baskets with 10,000 lines together.
    #[schema(value_type = Vec<BasketBody>)]
    baskets: Rows<Basket>,
}

/// A basket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BasketBody {
    /// Its ID, the same as in the transactions table: a basket that is sent twice, or that the model has counted, counts
    /// once.
    #[schema(example = "receipt-4711")]
    id: String,
    /// The customer; none for an anonymous basket, which changes no answer.
    #[schema(example = "900")]
    customer: Option<String>,
    /// When it was bought.
    #[schema(value_type = String, format = DateTime, example = "2018-01-02T10:15:00Z")]
    time: String,
    /// Its lines, at least one.
    items: Vec<LineBody>,
}

/// A line of a basket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LineBody {
    /// The item; it need not be known to the model.
    #[schema(example = "1082185")]
    id: String,
    /// The quantity, above 0.
    #[schema(exclusive_minimum = 0.0, example = 2)]
    quantity: Option<f64>,
    /// The price of the whole line.
    #[schema(minimum = 0.0, example = 1.98)]
    price: Option<f64>,
}

/// The outcome of pushing baskets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    /// Number of new baskets.
    accepted: usize,
    /// Number of baskets that were known already, or cancelled.
    #[serde(skip_serializing_if = "is_zero")]
    duplicates: usize,
    /// The first 1,000 rejected baskets, with the reasons.
    rejected: Vec<WrongRow>,
    /// Number of further rejected baskets.
    #[serde(skip_serializing_if = "is_zero")]
    more_rejected: usize,
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let Self { accepted, duplicates, rejected, more_rejected } = &self;
        let rejected = rejected.len() + more_rejected;
        let status =
            if accepted + duplicates == 0 && rejected > 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let what = format!("accepted {accepted}, duplicates {duplicates}, rejected {rejected}");
        (status, Extension(ChangeSummary(what)), Json(self)).into_response()
    }
}

impl Row for Basket {
    type Body = BasketBody;
    const MOST: usize = 1000;
    const MOST_WEIGHT: usize = 10_000;

    fn check(BasketBody { id, customer, time, items }: BasketBody) -> Result<Self, (String, String)> {
        let wrong = |field: &str, reason: &str| Err((field.to_owned(), reason.to_owned()));
        if let Some(reason) = wrong_id(&id) {
            return Err(("id".to_owned(), reason));
        }
        if let Some(reason) = customer.as_deref().and_then(wrong_id) {
            return Err(("customer".to_owned(), reason));
        }
        let Ok(time) = DateTime::parse_from_rfc3339(&time).map(|time| time.to_utc()) else {
            return wrong("time", "a time is written as 2018-01-02T10:15:00Z");
        };
        let after_tomorrow = Utc::now().date_naive().checked_add_days(Days::new(2));
        if after_tomorrow.is_some_and(|end| time.date_naive() >= end) {
            return wrong("time", "the time is after tomorrow");
        }
        if time.timestamp() < EARLIEST {
            return wrong("time", "the time is before 1990");
        }
        if items.is_empty() {
            return wrong("items", "a basket has at least one line");
        }
        let mut lines: BTreeMap<String, BasketLine> = BTreeMap::new();
        for (at, LineBody { id, quantity, price }) in items.into_iter().enumerate() {
            let field = |name: &str| format!("items[{at}].{name}");
            if let Some(reason) = wrong_id(&id) {
                return Err((field("id"), reason));
            }
            if quantity.is_some_and(|quantity| !(quantity.is_finite() && quantity > 0.0)) {
                let reason = "a quantity is above 0; cancel a basket that was taken back with DELETE";
                return Err((field("quantity"), reason.to_owned()));
            }
            if price.is_some_and(|price| !(price.is_finite() && price >= 0.0)) {
                return Err((field("price"), "a price is a number from 0".to_owned()));
            }
            // The lines of one item are one line, as in the transactions table.
            let line = lines.entry(id.clone()).or_insert(BasketLine { item: id, quantity: None, price: None });
            line.quantity = added(line.quantity, quantity);
            line.price = added(line.price, price);
        }
        Ok(Self { id, customer, time: time.timestamp(), lines: lines.into_values().collect() })
    }

    fn weight(&self) -> usize {
        self.lines.len()
    }
}

/// 1990 in Unix seconds, as for transactions: wrongly parsed times are often in 1970.
const EARLIEST: i64 = 631_152_000;

fn added(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

/// Records what customers have bought: the next answers use it.
///
/// The baskets are stored before the response, and other replicas use them within a second. A basket is identified by
/// its ID, so that a push may be repeated. Invalid baskets are listed and left out; if all are invalid, the answer is
/// 422.
#[utoipa::path(
    post,
    path = "/v1/markets/{market}/baskets",
    tag = "baskets",
    operation_id = "pushBaskets",
    params(("market" = String, Path, description = "The market")),
    request_body = Baskets,
    responses((status = 200, description = "What became of the baskets", body = Taken),
              (status = 422, description = "Not one basket is right, or the body is not as it must be",
               content((Taken = "application/json"), (Problem = "application/problem+json"))))
)]
pub(super) async fn push(
    State(state_sync): State<Arc<StateSync>>,
    Path(market): Path<String>,
    extract::Json(Baskets { baskets }): extract::Json<Baskets>,
) -> Result<Taken, Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    let Rows { good, rejected } = baskets;
    let (rejected, more_rejected) = rejected.told();
    let good: Vec<Basket> = good.into_iter().map(|(_, basket)| basket).collect();
    let accepted = if good.is_empty() { 0 } else { state_sync.put_baskets(&market, &good).await? };
    Ok(Taken { accepted, duplicates: good.len() - accepted, rejected, more_rejected })
}

/// The outcome of a cancellation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// Whether the basket is cancelled.
    cancelled: bool,
}

/// Cancels a basket: the customer has taken it back, or it was recorded by mistake.
///
/// A basket that arrives after its cancellation stays cancelled. A basket that the model has counted stays in it until
/// the next training.
#[utoipa::path(
    delete,
    path = "/v1/markets/{market}/baskets/{basket}",
    tag = "baskets",
    operation_id = "cancelBasket",
    params(("market" = String, Path, description = "The market"),
           ("basket" = String, Path, description = "The ID of the basket, percent-encoded")),
    responses((status = 200, description = "The basket does not count any more", body = Cancelled))
)]
pub(super) async fn cancel(
    State(state_sync): State<Arc<StateSync>>,
    Path((market, basket)): Path<(String, String)>,
) -> Result<Json<Cancelled>, Problem> {
    let basket = id("basket", basket)?;
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    state_sync.cancel_basket(&market, &basket).await?;
    Ok(Json(Cancelled { cancelled: true }))
}
