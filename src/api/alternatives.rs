use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use trolley_model::recommend::Question;

use super::answer::{Asked, Item, Recommendation, in_service};
use super::bought_together::{filtered, query};
use super::extract::{Path, Query};
use super::keys::Sight;
use super::params::{ItemParams, id};
use super::problem::Problem;
use crate::exposures::Exposures;
use crate::live::Markets;

/// This item is out of stock: what instead?
///
/// What the model does not suggest itself is of the item's category. An answer may be short, and is empty for an item that
/// is not known.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/items/{item}/alternatives",
    tag = "alternatives",
    operation_id = "getAlternatives",
    params(("market" = String, Path, description = "The market"),
           ("item" = String, Path, description = "The item wanted, percent-encoded; an unknown one is no error"),
           ItemParams),
    responses((status = 200, description = "What stands in for the item, best first", body = Recommendation<Item>))
)]
pub(super) async fn item(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path((market, item)): Path<(String, String)>,
    sight: Sight,
    Query(params): Query<ItemParams>,
) -> Result<Response, Problem> {
    let (items, wish) = ([id("item", item)?], params.check()?);
    if wish.new.is_some() {
        return Err(Problem::field("new", "new is for what is bought together"));
    }
    let (market, snapshot) = in_service(&markets, &market)?;
    let query = query(&items, &wish, &snapshot)?;
    let filtered = filtered(&snapshot, &query, Question::Alternatives);
    let mut found = snapshot.alternatives(&query);
    sight.limit(found.iter_mut().map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
    let asked =
        Asked { question: "alternatives", items: &items, customer: wish.customer.as_deref(), secret: market.secret() };
    let answer = Recommendation::<Item<'_>>::new(&market, &snapshot, "alternatives", found);
    Ok(answer.filtered(filtered).show(&exposures, &asked))
}
