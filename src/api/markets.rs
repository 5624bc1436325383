use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::keys::KeyPermissions;
use crate::live::{Market, Markets};

/// The markets that the service knows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MarketList {
    markets: Vec<MarketFacts>,
}

/// A market.
#[derive(Debug, Serialize, ToSchema)]
struct MarketFacts {
    /// Name of the market.
    #[schema(example = "us")]
    market: String,
    /// The version of the model in service; null if there is none yet.
    model: Option<String>,
    /// When this model was created.
    created_at: Option<String>,
    /// Number of items in the model's catalogue.
    items: usize,
    /// Number of customers that the model knows.
    customers: usize,
    /// Number of pushed offers.
    offers: usize,
    /// Number of the model's items that are out of stock.
    out_of_stock: usize,
    /// The market's present day, from which ages of purchases count: the last day of the model, or a later one on which
    /// enough baskets were pushed.
    present_day: Option<NaiveDate>,
    /// Time of the latest pushed basket.
    last_basket: Option<DateTime<Utc>>,
}

/// Lists the markets.
#[utoipa::path(
    get,
    path = "/v1/markets",
    tag = "markets",
    operation_id = "listMarkets",
    responses((status = 200, description = "All markets, by name", body = MarketList))
)]
pub(super) async fn list(State(markets): State<Arc<Markets>>, permissions: KeyPermissions) -> Json<MarketList> {
    let markets = markets.all();
    let seen = markets.values().filter(|market| permissions.of_market(market.name().as_str()));
    Json(MarketList { markets: seen.map(|market| facts(market)).collect() })
}

fn facts(market: &Market) -> MarketFacts {
    let snapshot = market.snapshot();
    let manifest = snapshot.as_ref().map(|snapshot| snapshot.manifest());
    let model = snapshot.as_ref().map(|snapshot| snapshot.model());
    MarketFacts {
        market: market.name().to_string(),
        model: manifest.map(|manifest| manifest.version.to_string()),
        created_at: manifest.map(|manifest| manifest.created_at.clone()),
        items: model.map_or(0, |model| model.catalogue().items().len()),
        customers: model.map_or(0, |model| model.histories().customers().len()),
        offers: snapshot.as_ref().map_or(0, |snapshot| snapshot.offers().len()),
        out_of_stock: snapshot.as_ref().map_or(0, |snapshot| snapshot.out_of_stock()),
        present_day: snapshot.as_ref().map(|snapshot| snapshot.present_day()),
        last_basket: market.last_basket(),
    }
}
