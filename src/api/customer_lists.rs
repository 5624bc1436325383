//! Lists for a customer, without an item: what they buy again, and what is new for them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{Asked, DueItem, Item, Recommendation, in_service};
use super::extract::{Path, Query};
use super::keys::KeyPermissions;
use super::params::{At, Detail, FilterParams, explain, flag, id, ids, limit};
use super::problem::Problem;
use crate::exposures::Exposures;
use crate::live::{self, Explain, Markets, Snapshot};

/// Default and maximum number of items.
const LENGTH: usize = 20;
const LONGEST: usize = 200;

/// Default number of items of a category in a list of what is new.
const PER_CATEGORY: usize = 2;

/// The options of a list for a customer.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The store: items that it does not sell, or that are out of stock there, are not shown.
    store: Option<String>,
    /// Maximum number of items, 20 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Items that must not be shown; repeated, or separated by commas. A comma in an ID is percent-encoded.
    #[serde(default)]
    exclude: Vec<String>,
    /// Only items of this category; if repeated, of any of them.
    #[serde(default)]
    category: Vec<String>,
    /// No items of this category; may be repeated.
    #[serde(default)]
    not_category: Vec<String>,
    /// Minimum price. Items without a known price are left out.
    #[param(value_type = Option<f64>, minimum = 0)]
    min_price: Option<String>,
    /// Maximum price. Items without a known price are left out.
    #[param(value_type = Option<f64>, minimum = 0)]
    max_price: Option<String>,
    /// Whether to show only items of offers that are valid now, false by default.
    #[param(value_type = Option<bool>)]
    on_offer: Option<String>,
    /// Maximum number of items of a category, 2 by default. What is new only.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    per_category: Option<String>,
    /// Whether to give reasons, false by default.
    #[param(value_type = Option<bool>)]
    explain: Option<String>,
    /// `full` for the reasons and the parts of the score.
    #[param(value_type = Option<Detail>)]
    detail: Option<String>,
    /// Answer as of another time than the market's present day: a time, or a day to its end. Not before the last day of
    /// the model. Needs the scope `admin`.
    #[param(value_type = Option<String>, example = "2018-01-31")]
    at: Option<String>,
}

/// The checked options.
#[derive(Debug)]
struct ListOptions {
    store: Option<String>,
    limit: usize,
    exclude: Vec<String>,
    filter: FilterParams,
    on_offer: bool,
    per_category: Option<usize>,
    explain: Explain,
    at: Option<At>,
}

impl ListParams {
    fn check(self) -> Result<ListOptions, Problem> {
        let exclude = self.exclude.into_iter().filter(|id| !id.is_empty()).collect();
        let (min_price, max_price) = (self.min_price.as_deref(), self.max_price.as_deref());
        let per_category =
            self.per_category.as_deref().map(|text| limit("per_category", Some(text), PER_CATEGORY, LONGEST));
        Ok(ListOptions {
            store: self.store.map(|store| id("store", store)).transpose()?,
            limit: limit("limit", self.limit.as_deref(), LENGTH, LONGEST)?,
            exclude: ids("exclude", exclude)?,
            filter: FilterParams::check(self.category, self.not_category, min_price, max_price)?,
            on_offer: flag("on_offer", self.on_offer.as_deref(), false)?,
            per_category: per_category.transpose()?,
            explain: explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?,
            at: self.at.as_deref().map(At::parse).transpose()?,
        })
    }
}

impl ListOptions {
    fn query<'a>(
        &'a self,
        customer: &'a str,
        permissions: &KeyPermissions,
        snapshot: &Snapshot,
    ) -> Result<live::ItemQuery<'a>, Problem> {
        Ok(live::ItemQuery {
            customer: Some(customer),
            store: self.store.as_deref(),
            exclude: &self.exclude,
            filter: self.filter.of(snapshot)?,
            on_offer: self.on_offer,
            at: self.at.map(|at| at.of(permissions, snapshot)).transpose()?,
            explain: self.explain,
            ..live::ItemQuery::of(&[], self.limit)
        })
    }
}

/// Lists what a customer will buy next of what they have bought before.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/customers/{customer}/buy-again",
    tag = "customers",
    operation_id = "getBuyAgain",
    params(("market" = String, Path, description = "The market"),
           ("customer" = String, Path, description = "The customer; for an unknown one the list is empty"), ListParams),
    responses((status = 200, description = "What the customer will buy again, most likely first", body = Recommendation<DueItem>))
)]
pub(super) async fn buy_again(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path((market, customer)): Path<(String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<ListParams>,
) -> Result<Response, Problem> {
    let (customer, options) = (id("customer", customer)?, params.check()?);
    if options.per_category.is_some() {
        return Err(Problem::field("per_category", "per_category is for what is new"));
    }
    let (market, snapshot) = in_service(&markets, &market)?;
    let found = snapshot.buy_again(&options.query(&customer, &permissions, &snapshot)?);
    let asked = Asked { question: "buy-again", items: &[], customer: Some(&customer), secret: market.secret() };
    Ok(Recommendation::<DueItem<'_>>::new(&market, &snapshot, "buy-again", found).show(&exposures, &asked))
}

/// Lists what a customer has never bought and is likely to buy.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/customers/{customer}/new-for-you",
    tag = "customers",
    operation_id = "getNewForYou",
    params(("market" = String, Path, description = "The market"),
           ("customer" = String, Path, description = "The customer; an unknown one gets bestsellers"), ListParams),
    responses((status = 200, description = "What is new for the customer, most likely first", body = Recommendation<Item>))
)]
pub(super) async fn new_for_you(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path((market, customer)): Path<(String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<ListParams>,
) -> Result<Response, Problem> {
    let (customer, options) = (id("customer", customer)?, params.check()?);
    let (market, snapshot) = in_service(&markets, &market)?;
    let per_category = options.per_category.unwrap_or(PER_CATEGORY);
    let found = snapshot.new_for_you(&options.query(&customer, &permissions, &snapshot)?, per_category);
    let asked = Asked { question: "new-for-you", items: &[], customer: Some(&customer), secret: market.secret() };
    Ok(Recommendation::<Item<'_>>::new(&market, &snapshot, "new-for-you", found).show(&exposures, &asked))
}
