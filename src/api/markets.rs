use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::keys::Sight;
use crate::live::{Market, Markets};

/// The markets that the service knows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MarketList {
    markets: Vec<MarketFacts>,
}

/// A market.
#[derive(Debug, Serialize, ToSchema)]
struct MarketFacts {
    /// Its name.
    #[schema(example = "us")]
    market: String,
    /// The version of the model in service; null if there is none yet.
    model: Option<String>,
    /// When that was made.
    created_at: Option<String>,
    /// Items in its catalogue.
    items: usize,
    /// Customers that it knows.
    customers: usize,
    /// Offers pushed.
    offers: usize,
    /// Its items that are out of stock.
    out_of_stock: usize,
}

/// The markets that the service knows.
#[utoipa::path(
    get,
    path = "/v1/markets",
    tag = "markets",
    operation_id = "listMarkets",
    responses((status = 200, description = "All markets, by name", body = MarketList))
)]
pub(super) async fn list(State(markets): State<Arc<Markets>>, sight: Sight) -> Json<MarketList> {
    let markets = markets.all();
    let seen = markets.values().filter(|market| sight.of_market(market.name().as_str()));
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
    }
}
