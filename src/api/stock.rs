use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{self, Path, Query};
use super::offers::{Push, Pushed};
use super::params::{id, wrong_id};
use super::problem::Problem;
use super::rows::{Row, Rows};
use crate::live::{StateSync, StockUpdate};

/// Stock updates.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Updates {
    /// Each update is checked on its own.
    #[schema(value_type = Vec<UpdateBody>)]
    updates: Rows<StockUpdate>,
}

/// A stock update of one item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    /// The item; it need not be known to the model.
    #[schema(example = "1082185")]
    item: String,
    /// The store; the whole market by default. Of an update for the store and one for the whole market, the one with
    /// the higher sequence applies there.
    #[schema(example = "12")]
    store: Option<String>,
    /// Whether the item is in stock.
    in_stock: bool,
    /// Increases with every change of the item: of two updates, the one with the higher number applies.
    #[schema(example = 17)]
    sequence: u64,
}

impl Row for StockUpdate {
    type Body = UpdateBody;
    const MOST: usize = 100_000;

    fn check(UpdateBody { item, store, in_stock, sequence }: UpdateBody) -> Result<Self, (String, String)> {
        if let Some(reason) = wrong_id(&item) {
            return Err(("item".to_owned(), reason));
        }
        if let Some(reason) = store.as_deref().and_then(wrong_id) {
            return Err(("store".to_owned(), reason));
        }
        if i64::try_from(sequence).is_err() {
            return Err(("sequence".to_owned(), format!("a sequence is at most {}", i64::MAX)));
        }
        Ok(Self { item, store, in_stock, sequence })
    }
}

/// Updates the stock. Replays and updates out of order do no harm.
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
    State(state_sync): State<Arc<StateSync>>,
    Path(market): Path<String>,
    extract::Json(Updates { updates }): extract::Json<Updates>,
) -> Result<Push, Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    let Rows { good, rejected } = updates;
    if good.is_empty() && !rejected.is_empty() {
        let nothing = Pushed { stale: Some(0), ..Pushed::nothing(rejected) };
        return Ok(Push(StatusCode::UNPROCESSABLE_ENTITY, nothing));
    }
    let good: Vec<StockUpdate> = good.into_iter().map(|(_, update)| update).collect();
    let updated = state_sync.put_stock(&market, &good).await?;
    let (accepted, stale) = (updated.accepted, Some(updated.stale));
    Ok(Push(StatusCode::OK, Pushed { accepted, stale, ..Pushed::nothing(rejected) }))
}

/// Where to reset the item.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ResetParams {
    /// The store; by default, the record of the whole market is reset.
    store: Option<String>,
}

/// The outcome of a reset.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reset {
    /// Whether the stock record was removed.
    reset: bool,
}

/// Removes the stock record of an item, for example after a sequence that was too high to exceed. Without a record the
/// item is in stock, and the next update applies whatever its sequence.
#[utoipa::path(
    delete,
    path = "/v1/markets/{market}/stock/{item}",
    tag = "stock",
    operation_id = "resetStock",
    params(("market" = String, Path, description = "The market"), ("item" = String, Path, description = "The item, percent-encoded"),
           ResetParams),
    responses((status = 200, description = "Nothing is known of the item's stock any more", body = Reset))
)]
pub(super) async fn reset(
    State(state_sync): State<Arc<StateSync>>,
    Path((market, item)): Path<(String, String)>,
    Query(ResetParams { store }): Query<ResetParams>,
) -> Result<Json<Reset>, Problem> {
    let item = id("item", item)?;
    let store = store.map(|store| id("store", store)).transpose()?;
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    state_sync.forget_stock(&market, &item, store.as_deref()).await?;
    Ok(Json(Reset { reset: true }))
}
