use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use trolley_model::Question;
use trolley_model::recommend::Tier;
use utoipa::ToSchema;

use super::answer::{Asked, Entry, Item, Recommendation, in_service};
use super::bought_together::{filtered, query};
use super::extract::{self, Path, Query};
use super::json::{raw, string};
use super::keys::KeyPermissions;
use super::params::{Detail, ItemOptions, ItemParams, PreferName, id, ids};
use super::problem::Problem;
use crate::exposures::Exposures;
use crate::live::{Explain, Markets};
use crate::low_priority::low_priority_limited;

/// Recommends alternatives to an item that is out of stock.
///
/// Items of the tier `category` fill up what the model itself does not find. The answer may be short, and is empty for
/// an unknown item. Items that have not been sold recently, or that differ in size or unit price, are shown only as far
/// as the model's rules allow. Items that differ in an attribute that must match are never shown.
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
    permissions: KeyPermissions,
    Query(params): Query<ItemParams>,
) -> Result<Response, Problem> {
    let (items, options) = ([id("item", item)?], params.check()?.of_alternatives()?);
    let (market, snapshot) = in_service(&markets, &market)?;
    let query = query(&items, &options, &permissions, &snapshot)?;
    let filtered = filtered(&snapshot, &query, Question::Alternatives);
    let mut found = snapshot.alternatives(&query);
    permissions.limit(found.iter_mut().map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
    let asked = Asked {
        question: "alternatives",
        items: &items,
        customer: options.customer.as_deref(),
        secret: market.secret(),
    };
    let answer = Recommendation::<Item<'_>>::new(&market, &snapshot, "alternatives", found);
    Ok(answer.filtered(filtered).show(&exposures, &asked))
}

/// The missing items of a cart, and the options of the answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Missing {
    /// The items that are out of stock, at most 100.
    #[schema(example = json!(["1082185", "981760"]))]
    items: Vec<String>,
    /// The other items of the cart, which are not shown.
    #[serde(default)]
    cart: Vec<String>,
    /// The customer whose cart it is. An unknown customer is no error.
    customer: Option<String>,
    /// The store: items that it does not sell, or that are out of stock there, are not shown.
    store: Option<String>,
    /// Maximum number of alternatives per item, 6 by default.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Items that must not be shown.
    #[serde(default)]
    exclude: Vec<String>,
    /// Alternatives to list first, by their price per litre, kilogram or piece.
    #[schema(value_type = Option<PreferName>)]
    prefer: Option<String>,
    /// Maximum relative difference in the price per litre, kilogram or piece: 0.25 for 25 %.
    #[schema(minimum = 0, maximum = 10)]
    price_band: Option<f64>,
    /// Whether to give reasons, false by default.
    explain: Option<bool>,
    /// `full` for the reasons and the parts of the score.
    #[schema(value_type = Option<Detail>)]
    detail: Option<String>,
}

/// Maximum number of missing items in one request.
const MOST_MISSING: usize = 100;

/// Maximum number of alternatives in one answer, without and with reasons.
const MOST_ALTERNATIVES: usize = 2000;
const MOST_EXPLAINED: usize = 600;

/// Number of alternatives above which a request runs on a thread of its own: it takes as long as many others.
const LONG: usize = 50;

impl Missing {
    fn check(self) -> Result<(Vec<String>, ItemOptions), Problem> {
        let Self { items, cart, customer, store, limit, exclude, prefer, price_band, explain, detail } = self;
        if items.len() > MOST_MISSING {
            return Err(Problem::field("items", format!("items holds at most {MOST_MISSING} IDs")));
        }
        let params = ItemParams {
            customer,
            store,
            limit: limit.map(|limit| limit.to_string()),
            prefer,
            price_band: price_band.map(|band| band.to_string()),
            explain: explain.map(|explain| explain.to_string()),
            detail,
            ..ItemParams::default()
        };
        let options = params.check()?;
        let all = items.len() * options.limit;
        let most = if options.explain == Explain::No { MOST_ALTERNATIVES } else { MOST_EXPLAINED };
        if all > most {
            let detail = format!(
                "at most {most} alternatives together, and {all} are asked for: lower limit, or name fewer items"
            );
            return Err(Problem::field("limit", detail));
        }
        let mut not = ids("exclude", exclude)?;
        not.extend(ids("cart", cart)?);
        Ok((ids("items", items)?, ItemOptions { exclude: not, ..options }))
    }
}

/// The alternatives to one of the missing items.
#[derive(Debug, ToSchema)]
pub(super) struct Replacements<'a> {
    /// The item that is out of stock.
    #[schema(example = "1082185")]
    id: String,
    /// Its alternatives, best first.
    alternatives: Vec<Item<'a>>,
}

impl Entry for Replacements<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn tier(&self) -> Tier {
        self.alternatives.first().map_or(Tier::Category, Entry::tier)
    }

    fn shown(&self) -> Vec<&str> {
        self.alternatives.iter().flat_map(Entry::shown).collect()
    }

    fn write(&self, body: &mut Vec<u8>) -> serde_json::Result<()> {
        raw(body, "\"id\":");
        string(body, &self.id)?;
        raw(body, ",\"alternatives\":[");
        for (at, item) in self.alternatives.iter().enumerate() {
            raw(body, if at == 0 { "{" } else { ",{" });
            item.write(body)?;
            raw(body, "}");
        }
        raw(body, "]");
        Ok(())
    }
}

/// Recommends alternatives to each missing item of a cart. No item is shown twice, and none that is missing or in the
/// cart.
#[utoipa::path(
    post,
    path = "/v1/markets/{market}/alternatives",
    tag = "alternatives",
    operation_id = "getAlternativesForCart",
    params(("market" = String, Path, description = "The market")),
    request_body = Missing,
    responses((status = 200, description = "What stands in for each item, in the order in which they were asked about",
               body = Recommendation<Replacements>))
)]
pub(super) async fn cart(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path(market): Path<String>,
    permissions: KeyPermissions,
    extract::Json(missing): extract::Json<Missing>,
) -> Result<Response, Problem> {
    let (items, options) = missing.check()?;
    let is_long = items.len() * options.limit > LONG;
    let answer = move || {
        let (market, snapshot) = in_service(&markets, &market)?;
        let query = query(&items, &options, &permissions, &snapshot)?;
        let mut found = snapshot.alternatives_to_each(&query);
        let all = found.iter_mut().flatten();
        permissions.limit(all.map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
        let replacements: Vec<Replacements<'_>> = items
            .iter()
            .zip(found)
            .map(|(id, found)| Replacements {
                id: id.clone(),
                alternatives: found.into_iter().map(Into::into).collect(),
            })
            .collect();
        let (customer, secret) = (options.customer.as_deref(), market.secret());
        let asked = Asked { question: "alternatives", items: &items, customer, secret };
        let answer = Recommendation::<Replacements<'_>>::new(&market, &snapshot, "alternatives", replacements);
        Ok(answer.show(&exposures, &asked))
    };
    if !is_long {
        return answer();
    }
    let unanswered = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the cart could not be answered");
    low_priority_limited(answer).await.map_err(unanswered)?
}
