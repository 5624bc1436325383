use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use trolley_model::Question;
use utoipa::ToSchema;

use super::answer::{Asked, Item, Recommendation, in_service};
use super::extract::{self, Path, Query};
use super::keys::KeyPermissions;
use super::params::{Detail, ItemOptions, ItemParams, id, ids};
use super::problem::Problem;
use crate::exposures::Exposures;
use crate::live::{self, Explain, Markets, Snapshot};
use crate::low_priority::low_priority_limited;

/// Recommends items that are bought together with an item.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/items/{item}/bought-together",
    tag = "bought together",
    operation_id = "getBoughtTogether",
    params(("market" = String, Path, description = "The market"),
           ("item" = String, Path, description = "The item looked at, percent-encoded; an unknown one is no error"),
           ItemParams),
    responses((status = 200, description = "What goes into the basket with the item, best first", body = Recommendation<Item>))
)]
pub(super) async fn item(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path((market, item)): Path<(String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<ItemParams>,
) -> Result<Response, Problem> {
    answer(&markets, &exposures, &permissions, &market, &[id("item", item)?], &params.check()?.of_bought_together()?)
}

/// A cart, and the options of the answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cart {
    /// The items in the cart.
    #[schema(example = json!(["1082185", "981760"]))]
    items: Vec<String>,
    /// The customer whose cart it is. An unknown customer is no error.
    customer: Option<String>,
    /// The store: items that it does not sell, or that are out of stock there, are not shown.
    store: Option<String>,
    /// Maximum number of items, 6 by default.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Items that must not be shown.
    #[serde(default)]
    exclude: Vec<String>,
    /// Only items of these categories; of all if empty.
    #[serde(default)]
    category: Vec<String>,
    /// No items of these categories.
    #[serde(default)]
    not_category: Vec<String>,
    /// Minimum price. Items without a known price are left out.
    #[schema(minimum = 0)]
    min_price: Option<f64>,
    /// Maximum price. Items without a known price are left out.
    #[schema(minimum = 0)]
    max_price: Option<f64>,
    /// Whether to show items that the customer has bought before, true by default.
    include_repeats: Option<bool>,
    /// Number of slots for items that the customer has never bought, from 0 to `limit`; by default
    /// `bought_together.new` of the config.
    #[schema(minimum = 0, maximum = 200)]
    new: Option<i64>,
    /// Whether to give reasons, false by default.
    explain: Option<bool>,
    /// `full` for the reasons and the parts of the score.
    #[schema(value_type = Option<Detail>)]
    detail: Option<String>,
}

impl Cart {
    /// The items and the checked options, as for a query.
    fn check(self) -> Result<(Vec<String>, ItemOptions), Problem> {
        let Self { items, customer, store, limit, exclude, include_repeats, new, explain, detail, .. } = self;
        let text = |number: Option<i64>| number.map(|number| number.to_string());
        let price = |price: Option<f64>| price.map(|price| price.to_string());
        let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
        let params = ItemParams {
            customer,
            store,
            prefer: None,
            price_band: None,
            limit: text(limit),
            exclude: Vec::new(),
            category: self.category,
            not_category: self.not_category,
            min_price: price(self.min_price),
            max_price: price(self.max_price),
            include_repeats: flag(include_repeats),
            new: text(new),
            explain: flag(explain),
            detail,
            at: None,
        };
        Ok((ids("items", items)?, ItemOptions { exclude: ids("exclude", exclude)?, ..params.check()? }))
    }
}

/// Recommends items that are bought together with a cart.
#[utoipa::path(
    post,
    path = "/v1/markets/{market}/bought-together",
    tag = "bought together",
    operation_id = "getBoughtTogetherForCart",
    params(("market" = String, Path, description = "The market")),
    request_body = Cart,
    responses((status = 200, description = "What goes into the cart, best first", body = Recommendation<Item>))
)]
pub(super) async fn cart(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path(market): Path<String>,
    permissions: KeyPermissions,
    extract::Json(cart): extract::Json<Cart>,
) -> Result<Response, Problem> {
    let (items, options) = cart.check()?;
    let is_long = items.len() + options.exclude.len() > LONG;
    let answer = move || answer(&markets, &exposures, &permissions, &market, &items, &options);
    if !is_long {
        return answer();
    }
    let unanswered = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the cart could not be answered");
    low_priority_limited(answer).await.map_err(unanswered)?
}

/// Number of cart lines and exclusions above which a request runs on a thread of its own: it takes as long as many
/// others.
const LONG: usize = 50;

fn answer(
    markets: &Markets,
    exposures: &Exposures,
    permissions: &KeyPermissions,
    market: &str,
    items: &[String],
    options: &ItemOptions,
) -> Result<Response, Problem> {
    let new = options.new.unwrap_or_else(|| markets.new_places()).min(options.limit);
    let (market, snapshot) = in_service(markets, market)?;
    let query = live::ItemQuery { new, ..query(items, options, permissions, &snapshot)? };
    let filtered = filtered(&snapshot, &query, Question::BoughtTogether);
    let mut found = snapshot.bought_together(&query);
    permissions.limit(found.iter_mut().map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
    let asked =
        Asked { question: "bought-together", items, customer: options.customer.as_deref(), secret: market.secret() };
    let answer = Recommendation::<Item<'_>>::new(&market, &snapshot, "bought-together", found);
    Ok(answer.filtered(filtered).show(exposures, &asked))
}

/// The number of candidates that the filter removed, if an explanation is requested.
pub(super) fn filtered(snapshot: &Snapshot, query: &live::ItemQuery<'_>, question: Question) -> Option<usize> {
    let is_wanted = query.explain != Explain::No && !query.filter.is_nothing();
    is_wanted.then(|| snapshot.filtered(query, question))
}

/// The query of a snapshot with these options.
pub(super) fn query<'a>(
    items: &'a [String],
    options: &'a ItemOptions,
    permissions: &KeyPermissions,
    snapshot: &Snapshot,
) -> Result<live::ItemQuery<'a>, Problem> {
    Ok(live::ItemQuery {
        items,
        customer: options.customer.as_deref(),
        store: options.store.as_deref(),
        exclude: &options.exclude,
        repeats: options.repeats,
        limit: options.limit,
        new: 0,
        filter: options.filter.of(snapshot)?,
        on_offer: false,
        at: options.at.map(|at| at.of(permissions, snapshot)).transpose()?,
        price: options.price_for(snapshot)?,
        explain: options.explain,
    })
}
