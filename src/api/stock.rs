use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{self, Path};
use super::offers::{self, Push, Pushed, WrongRow};
use super::params::wrong_id;
use super::problem::Problem;
use crate::live::{Keeper, StockUpdate};

/// News about the stock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Updates {
    /// Each is checked on its own.
    #[schema(value_type = Vec<UpdateBody>)]
    updates: Vec<serde_json::Value>,
}

/// News of one item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateBody {
    /// The item; it need not be known to the model.
    #[schema(example = "1082185")]
    item: String,
    /// Whether it can be had.
    in_stock: bool,
    /// Grows with every change of the item: of two updates the one with the higher number counts.
    #[schema(example = 17)]
    sequence: u64,
}

/// Updates in one push.
const MOST_UPDATES: usize = 100_000;

/// Takes in news about the stock. Replays and updates out of order do no harm.
#[utoipa::path(
    put,
    path = "/v1/markets/{market}/stock",
    tag = "stock",
    operation_id = "updateStock",
    params(("market" = String, Path, description = "The market")),
    request_body = Updates,
    responses((status = 200, description = "What became of the rows", body = Pushed),
              (status = 422, description = "Not one row is right, or the body is not as it must be",
               content((Pushed = "application/json"), (Problem = "application/problem+json"))))
)]
pub(super) async fn update(
    State(keeper): State<Arc<Keeper>>,
    Path(market): Path<String>,
    extract::Json(Updates { updates }): extract::Json<Updates>,
) -> Result<Push, Problem> {
    let market = keeper.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    if updates.len() > MOST_UPDATES {
        return Err(Problem::field("updates", format!("a push holds at most {MOST_UPDATES} updates")));
    }
    let (mut good, mut rejected) = (Vec::with_capacity(updates.len()), Vec::new());
    for (row, value) in updates.into_iter().enumerate() {
        match offers::row::<UpdateBody>(value) {
            Ok(UpdateBody { item, in_stock, sequence }) => {
                if let Some(reason) = wrong_id(&item) {
                    rejected.push(WrongRow::new(row, "item", &reason));
                } else if i64::try_from(sequence).is_err() {
                    rejected.push(WrongRow::new(row, "sequence", &format!("a sequence is at most {}", i64::MAX)));
                } else {
                    good.push(StockUpdate { item, in_stock, sequence });
                }
            }
            Err((field, reason)) => rejected.push(WrongRow::new(row, &field, &reason)),
        }
    }
    if good.is_empty() && !rejected.is_empty() {
        return Ok(Push(StatusCode::UNPROCESSABLE_ENTITY, Pushed { stale: Some(0), rejected, ..Pushed::default() }));
    }
    let updated = keeper.put_stock(&market, &good).await?;
    let (accepted, stale) = (updated.accepted, Some(updated.stale));
    Ok(Push(StatusCode::OK, Pushed { accepted, stale, rejected, ..Pushed::default() }))
}
