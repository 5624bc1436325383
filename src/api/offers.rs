use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::answer::{Asked, OfferItem, Recommendation, in_service};
use super::audit::ChangeSummary;
use super::extract::{self, Path, Query};
use super::keys::KeyPermissions;
use super::params::{AudienceParams, OfferOptions, OfferParams, id};
use super::problem::Problem;
use super::quota::AudienceLimit;
use super::rows::{Rejected, Row, Rows, WrongRow};
use crate::exposures::Exposures;
use crate::live::{Explain, Market, Markets, Offer, OfferQuery, StateSync};
use crate::low_priority::low_priority;

/// Permits for audiences that are being computed.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Permits for audiences that are being computed or queued; further ones are refused at once.
static QUEUE: Semaphore = Semaphore::const_new(8);

/// Ranks the active offers for a customer.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/customers/{customer}/offers",
    tag = "offers",
    operation_id = "rankOffers",
    params(("market" = String, Path, description = "The market"),
           ("customer" = String, Path, description = "The customer; for an unknown one the offers come by popularity"),
           OfferParams),
    responses((status = 200, description = "The offers that hold now, most relevant first", body = Recommendation<OfferItem>))
)]
pub(super) async fn of_customer(
    State(markets): State<Arc<Markets>>,
    State(exposures): State<Exposures>,
    Path((market, customer)): Path<(String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<OfferParams>,
) -> Result<Response, Problem> {
    let (customer, options) = (id("customer", customer)?, params.check()?);
    let (market, snapshot) = in_service(&markets, &market)?;
    let OfferOptions { store, limit, explain, exclude, filter, at } = &options;
    let at = at.map(|at| at.of(&permissions, &snapshot)).transpose()?;
    let (filter, limit, explain) = (filter.of(&snapshot)?, *limit, *explain);
    let query = OfferQuery { customer: &customer, store: store.as_deref(), exclude, filter, limit, at, explain };
    let (mut found, filtered) = snapshot.offers_for(&query, Utc::now());
    permissions.limit(found.iter_mut().map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
    let filtered = (explain != Explain::No && !filter.is_nothing()).then_some(filtered);
    let asked = Asked { question: "offers", items: &[], customer: Some(&customer), secret: market.secret() };
    let answer = Recommendation::<OfferItem<'_>>::new(&market, &snapshot, "offers", found);
    Ok(answer.filtered(filtered).show(&exposures, &asked))
}

/// Lists the customers for whom an offer is most relevant.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/offers/{offer}/audience",
    tag = "offers",
    operation_id = "getAudience",
    params(("market" = String, Path, description = "The market"), ("offer" = String, Path, description = "The offer"),
           AudienceParams),
    responses((status = 200, body = Recommendation<OfferItem>, description = "The customers, most relevant first"))
)]
pub(super) async fn audience(
    State(markets): State<Arc<Markets>>,
    Path((market, offer)): Path<(String, String)>,
    permissions: KeyPermissions,
    share: AudienceLimit,
    Query(params): Query<AudienceParams>,
) -> Result<Response, Problem> {
    let (limit, explain) = params.check()?;
    let (market, snapshot) = in_service(&markets, &market)?;
    let too_many = |what: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("{what}: ask again later"));
    let _place = QUEUE.try_acquire().map_err(|_| too_many("too many audiences are being worked out"))?;
    let _share = share.take().map_err(|()| too_many("this key has too many audiences under way"))?;
    // All customers are scored, which takes too long for a thread that serves requests, and for many audiences at a
    // time.
    let room = ROOM.acquire().await;
    let work = low_priority(move || {
        let _room = room;
        let mut found = snapshot.audience(&offer, limit, explain)?;
        permissions.limit(found.iter_mut().map(|found| (&mut found.tier, &mut found.score, &mut found.why)));
        Some(Recommendation::<OfferItem<'_>>::new(&market, &snapshot, "audience", found).into_response())
    });
    work.await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the audience could not be worked out"))?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such offer"))
}

/// All offers of a market.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Offers {
    /// If this push and the last one have a sequence, and this one is not higher, nothing changes.
    sequence: Option<i64>,
    /// Each offer is checked on its own.
    #[schema(value_type = Vec<OfferBody>)]
    offers: Rows<Offer>,
}

/// A special offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferBody {
    /// Its ID, unique among the market's offers.
    #[schema(example = "o1")]
    id: String,
    /// The items that the offer covers, at least one.
    #[schema(example = json!(["1082185"]))]
    items: Vec<String>,
    /// When the offer begins; a date without a time means 00:00 UTC of that day.
    #[serde(default, deserialize_with = "first_moment")]
    #[schema(value_type = Option<String>, example = "2026-11-20")]
    valid_from: Option<DateTime<Utc>>,
    /// When the offer ends; a date without a time includes that day in UTC.
    #[serde(default, deserialize_with = "last_moment")]
    #[schema(value_type = Option<String>, example = "2026-11-26T22:00:00Z")]
    valid_to: Option<DateTime<Utc>>,
    /// The stores where the offer is valid; everywhere if empty. An offer with stores is not shown in answers to
    /// requests without a store.
    #[serde(default)]
    #[schema(example = json!(["12"]))]
    stores: Vec<String>,
    /// Numbers that describe the strength of the offer, by name. Only names that the model was trained with have an
    /// effect.
    #[serde(default)]
    #[schema(example = json!({"discount": 0.25}))]
    numbers: BTreeMap<String, f32>,
}

/// A time, or the beginning of a day.
fn first_moment<'de, D: Deserializer<'de>>(text: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    moment(text, 0)
}

/// A time, or the end of a day.
fn last_moment<'de, D: Deserializer<'de>>(text: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    moment(text, 1)
}

fn moment<'de, D: Deserializer<'de>>(text: D, days: u64) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(text)? else { return Ok(None) };
    if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        return Ok(Some(time.to_utc()));
    }
    let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().and_then(|day| day.checked_add_days(Days::new(days)));
    let wrong = || D::Error::custom("a time is written as 2026-11-20T04:00:00Z, a day as 2026-11-20");
    day.map(|day| Some(day.and_time(NaiveTime::MIN).and_utc())).ok_or_else(wrong)
}

/// The outcome of a push.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Pushed {
    /// Number of accepted rows.
    pub(super) accepted: usize,
    /// Number of rows that were not newer than the known ones and changed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<usize>,
    /// The first 1,000 invalid rows.
    pub(super) rejected: Vec<WrongRow>,
    /// Number of further invalid rows.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) more_rejected: usize,
    /// Names of `numbers` that the model in service was not trained with. They have no effect until a model is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["discuont"]))]
    pub(super) unknown_numbers: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Pushed {
    /// No row was accepted.
    pub(super) fn nothing(rejected: Rejected) -> Self {
        let (rejected, more_rejected) = rejected.told();
        Self { rejected, more_rejected, ..Self::default() }
    }

    /// The outcome of rows that replace all others together, or of none if the push is stale.
    pub(super) fn whole(rows: usize, news: bool, rejected: Rejected) -> Self {
        let (accepted, stale) = if news { (rows, None) } else { (0, Some(rows)) };
        Self { accepted, stale, ..Self::nothing(rejected) }
    }
}

/// The answer to a push, and its line in the audit log.
pub(super) struct Push(pub(super) StatusCode, pub(super) Pushed);

impl IntoResponse for Push {
    fn into_response(self) -> Response {
        let Self(status, pushed) = self;
        let Pushed { accepted, stale, rejected, more_rejected, .. } = &pushed;
        let rejected = rejected.len() + more_rejected;
        let what = format!("accepted {accepted}, stale {}, rejected {rejected}", stale.unwrap_or(0));
        (status, Extension(ChangeSummary(what)), Json(pushed)).into_response()
    }
}

/// Maximum number of items in all offers of a market, each counted once per offer: every request for offers scores all
/// of them.
#[derive(Clone, Copy, Debug)]
pub struct OfferItems(pub usize);

impl Row for Offer {
    type Body = OfferBody;
    const MOST: usize = 100_000;
    // A limit while reading; `server.offer_items` is checked after all rows are read.
    const MOST_WEIGHT: usize = 1_000_000;

    fn check(body: OfferBody) -> Result<Self, (String, String)> {
        let OfferBody { id, items, valid_from, valid_to, stores, numbers } = body;
        let offer = Self { id, items, valid_from, valid_to, stores, numbers };
        Self::check(&offer).map_err(|(field, error)| (field.to_owned(), error.to_string()))?;
        Ok(offer)
    }

    fn weight(&self) -> usize {
        self.items.len() + self.stores.len()
    }
}

/// Replaces all offers of the market. Invalid rows are listed and left out; if all are invalid, nothing changes.
#[utoipa::path(
    put,
    path = "/v1/markets/{market}/offers",
    tag = "offers",
    operation_id = "replaceOffers",
    params(("market" = String, Path, description = "The market")),
    request_body = Offers,
    responses((status = 200, description = "What became of the rows", body = Pushed),
              (status = 422, description = "Not one row is right, or the body is not as it must be",
               content((Pushed = "application/json"), (Problem = "application/problem+json"))))
)]
pub(super) async fn replace(
    State(state_sync): State<Arc<StateSync>>,
    State(OfferItems(most)): State<OfferItems>,
    Path(market): Path<String>,
    extract::Json(Offers { sequence, offers }): extract::Json<Offers>,
) -> Result<Push, Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    let items: usize = offers.good.iter().map(|(_, offer)| offer.items.len()).sum();
    if items > most {
        let detail =
            format!("the offers have {items} items together, and at most {most} may be (`server.offer_items`)");
        return Err(Problem::field("offers", detail));
    }
    let (mut good, mut rejected, mut ids) = (Vec::new(), offers.rejected, HashSet::new());
    for (row, offer) in offers.good {
        if ids.insert(offer.id.clone()) {
            good.push(offer);
        } else {
            rejected.push(row, "id", "an offer above has the same id");
        }
    }
    if good.is_empty() && !rejected.is_empty() {
        return Ok(Push(StatusCode::UNPROCESSABLE_ENTITY, Pushed::nothing(rejected)));
    }
    let (offers, unknown_numbers) = (good.len(), unknown_numbers(&market, &good));
    let news = state_sync.put_offers(&market, sequence, good).await?;
    Ok(Push(StatusCode::OK, Pushed { unknown_numbers, ..Pushed::whole(offers, news, rejected) }))
}

/// Names of numbers that the model in service was not trained with; none without a model.
fn unknown_numbers(market: &Market, offers: &[Offer]) -> Vec<String> {
    let Some(snapshot) = market.snapshot() else { return Vec::new() };
    let known = &snapshot.model().parts().blends.offer_numbers;
    let names: BTreeSet<&String> = offers.iter().flat_map(|offer| offer.numbers.keys()).collect();
    names.into_iter().filter(|name| !known.contains(name)).take(Offer::MOST_NUMBERS).cloned().collect()
}
