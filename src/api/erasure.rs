use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Path;
use super::params::id;
use super::problem::Problem;
use crate::live::StateSync;

/// The outcome of an erasure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erasure {
    /// Whether the customer has been erased.
    erased: bool,
}

/// Erases a customer: from now on unknown to this market, on every replica; removed from the exposure log within
/// seconds, and left out of every model that is trained from now on. The erasure is durable when it is answered, and
/// cannot be undone.
#[utoipa::path(
    delete,
    path = "/v1/markets/{market}/customers/{customer}",
    tag = "customers",
    operation_id = "eraseCustomer",
    params(("market" = String, Path, description = "The market"), ("customer" = String, Path, description = "The customer")),
    responses((status = 200, description = "The customer is not known any more", body = Erasure))
)]
pub(super) async fn erase(
    State(state_sync): State<Arc<StateSync>>,
    Path((market, customer)): Path<(String, String)>,
) -> Result<Json<Erasure>, Problem> {
    let customer = id("customer", customer)?;
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    state_sync.erase(&market, &customer).await?;
    Ok(Json(Erasure { erased: true }))
}
