//! The form of answers.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{Days, NaiveDate};
use serde::Serialize;
use trolley_model::recommend::{Part as ScorePart, Tier};
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::{raw, string, value};
use super::problem::Problem;
use crate::exposures::{Exposure, Exposures};
use crate::live::{self, Market, Markets, ReasonText, Snapshot, Why, customer_hash};
use crate::metrics;
use crate::secret::Secret;

/// A market, and the snapshot that the whole answer is made from.
pub(super) fn in_service(markets: &Markets, market: &str) -> Result<(Arc<Market>, Arc<Snapshot>), Problem> {
    let market = markets.get(market).ok_or_else(Problem::unknown_market)?;
    let snapshot = market.snapshot().ok_or_else(Problem::no_model)?;
    Ok((market, snapshot))
}

/// Recommended items, offers, or customers for an offer.
#[derive(Debug, ToSchema)]
pub(super) struct Recommendation<T> {
    /// ID of this answer, to be sent with its events.
    #[schema(example = "3b6f1c62-9a54-4f1e-8f0e-3d6c1a2b4c5d")]
    recommendation_id: Uuid,
    /// The market.
    #[schema(example = "us")]
    market: String,
    /// The version of the model that answered.
    #[schema(example = "2026-11-20t04-00-00z")]
    model: String,
    /// The customer's variant in an experiment.
    #[schema(example = "control")]
    variant: &'static str,
    /// Best first; fewer than requested if there are no more.
    items: Vec<T>,
    /// With `explain=true` and a filter: number of candidates that the filter removed.
    filtered: Option<usize>,
}

impl<T: Entry> Recommendation<T> {
    /// Wraps the results, and counts the answer in the metrics.
    pub(super) fn new(market: &Market, snapshot: &Snapshot, endpoint: &'static str, found: Vec<impl Into<T>>) -> Self {
        let items: Vec<T> = found.into_iter().map(Into::into).collect();
        metrics::answer(market.name(), endpoint, items.first().map(Entry::tier));
        Self {
            recommendation_id: market.secret().answer(market.name().as_str()),
            market: market.name().to_string(),
            model: snapshot.manifest().version.to_string(),
            variant: "control",
            items,
            filtered: None,
        }
    }

    /// Sets the number of candidates that the filter removed.
    pub(super) fn filtered(self, filtered: Option<usize>) -> Self {
        Self { filtered, ..self }
    }

    /// Logs the exposure and returns the response.
    pub(super) fn show(self, exposures: &Exposures, asked: &Asked<'_>) -> Response {
        expose(exposures, asked, &self);
        self.into_response()
    }

    fn json(&self) -> serde_json::Result<Vec<u8>> {
        let Self { recommendation_id, market, model, variant, items, filtered } = self;
        // Usually enough for the whole body, so that it is not reallocated.
        let mut body = Vec::with_capacity(256 + 96 * items.len());
        raw(&mut body, "{\"recommendation_id\":\"");
        raw(&mut body, recommendation_id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        raw(&mut body, "\",\"market\":");
        string(&mut body, market)?;
        raw(&mut body, ",\"model\":");
        string(&mut body, model)?;
        raw(&mut body, ",\"variant\":\"");
        raw(&mut body, variant);
        raw(&mut body, "\",\"items\":[");
        for (at, item) in items.iter().enumerate() {
            raw(&mut body, if at == 0 { "{" } else { ",{" });
            item.write(&mut body)?;
            raw(&mut body, "}");
        }
        raw(&mut body, "]");
        if let Some(filtered) = filtered {
            raw(&mut body, ",\"filtered\":");
            value(&mut body, filtered)?;
        }
        raw(&mut body, "}");
        Ok(body)
    }
}

impl<T: Entry> IntoResponse for Recommendation<T> {
    fn into_response(self) -> Response {
        match self.json() {
            Ok(body) => {
                let mut response = Response::new(Body::from(body));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// An entry of an answer.
pub(super) trait Entry {
    /// Its ID.
    fn id(&self) -> &str;

    /// The tier that produced it.
    fn tier(&self) -> Tier;

    /// The IDs of the shown items: its own, unless it is a list.
    fn shown(&self) -> Vec<&str> {
        vec![self.id()]
    }

    /// Appends its fields.
    fn write(&self, body: &mut Vec<u8>) -> serde_json::Result<()>;
}

/// The request, for the exposure log.
pub(super) struct Asked<'a> {
    /// The name of the endpoint in the metrics.
    pub(super) question: &'static str,
    /// The requested items.
    pub(super) items: &'a [String],
    /// The customer.
    pub(super) customer: Option<&'a str>,
    /// The secret that the customer's hash in the log is made with.
    pub(super) secret: &'a Secret,
}

/// Logs the exposure.
fn expose(exposures: &Exposures, asked: &Asked<'_>, answer: &Recommendation<impl Entry>) {
    if exposures.wanted() {
        exposures.add(Exposure {
            at: chrono::Utc::now(),
            recommendation_id: answer.recommendation_id,
            market: answer.market.clone(),
            customer: asked.customer.and_then(|id| exposures.name(&answer.market, customer_hash(asked.secret, id))),
            question: asked.question.to_owned(),
            query: asked.items.to_vec(),
            items: answer.items.iter().flat_map(Entry::shown).map(str::to_owned).collect(),
            model: answer.model.clone(),
            variant: answer.variant.to_owned(),
        });
    }
}

/// The stage that produced an item: a rule that pins it, the model, the category of the requested item, the customer's
/// habits, or the bestsellers.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the values that are described")]
enum TierName {
    Pinned,
    Model,
    Category,
    Habits,
    Bestsellers,
}

/// The kind of reason, for programs.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the values that are described")]
enum ReasonKind {
    Together,
    OwnTogether,
    WithKind,
    SameKind,
    Alike,
    Comparable,
    Accepted,
    Bought,
    Regularly,
    OwnKind,
    Taste,
    Promoted,
    Popular,
    Rule,
}

/// A recommended item.
#[derive(Debug, ToSchema)]
pub(super) struct Item<'a> {
    /// Its ID.
    #[schema(example = "1082185")]
    id: &'a str,
    /// Higher is better; comparable within one answer and tier only.
    score: f32,
    /// The stage that produced the item.
    #[schema(value_type = TierName)]
    tier: Tier,
    /// With `explain=true`: reasons, those about the requested item first, then those about the customer.
    reasons: Option<Vec<ReasonBody>>,
    /// With `detail=full`: the parts of the score, largest first by absolute value.
    parts: Option<Vec<Part>>,
    /// For an alternative: how many of it replace one of the requested item, if both sizes are known.
    #[schema(example = 2)]
    quantity: Option<u32>,
}

impl<'a> From<live::Answer<'a>> for Item<'a> {
    fn from(answer: live::Answer<'a>) -> Self {
        let (reasons, parts) = answer.why.map(said).unzip();
        let (parts, quantity) = (parts.flatten(), answer.quantity);
        Self { id: answer.id, score: answer.score, tier: answer.tier, reasons, parts, quantity }
    }
}

impl Entry for Item<'_> {
    fn id(&self) -> &str {
        self.id
    }

    fn tier(&self) -> Tier {
        self.tier
    }

    fn write(&self, body: &mut Vec<u8>) -> serde_json::Result<()> {
        raw(body, "\"id\":");
        string(body, self.id)?;
        write_score(body, self.score, self.tier, self.reasons.as_deref(), self.parts.as_deref())?;
        if let Some(quantity) = self.quantity {
            raw(body, ",\"quantity\":");
            value(body, &quantity)?;
        }
        Ok(())
    }
}

/// An item that the customer will buy again.
#[derive(Debug, ToSchema)]
pub(super) struct DueItem<'a> {
    /// Its ID.
    #[schema(example = "1082185")]
    id: &'a str,
    /// Higher is better; comparable within one answer and tier only.
    score: f32,
    /// The stage that produced the item.
    #[schema(value_type = TierName)]
    tier: Tier,
    /// With `explain=true`: reasons.
    reasons: Option<Vec<ReasonBody>>,
    /// With `detail=full`: the parts of the score, largest first by absolute value.
    parts: Option<Vec<Part>>,
    /// The day on which the customer is expected to buy it, from the market's present day on; absent after one purchase.
    due: Option<NaiveDate>,
    /// The quantity that the customer usually buys, if known.
    #[schema(example = 2)]
    quantity: Option<f32>,
}

impl<'a> From<live::DueAnswer<'a>> for DueItem<'a> {
    fn from(found: live::DueAnswer<'a>) -> Self {
        let live::DueAnswer { answer, due, quantity } = found;
        let (reasons, parts) = answer.why.map(said).unzip();
        let (id, score, tier, parts) = (answer.id, answer.score, answer.tier, parts.flatten());
        let due = due.and_then(|day| NaiveDate::default().checked_add_days(Days::new(u64::from(day))));
        Self { id, score, tier, reasons, parts, due, quantity }
    }
}

impl Entry for DueItem<'_> {
    fn id(&self) -> &str {
        self.id
    }

    fn tier(&self) -> Tier {
        self.tier
    }

    fn write(&self, body: &mut Vec<u8>) -> serde_json::Result<()> {
        raw(body, "\"id\":");
        string(body, self.id)?;
        write_score(body, self.score, self.tier, self.reasons.as_deref(), self.parts.as_deref())?;
        if let Some(due) = self.due {
            raw(body, ",\"due\":");
            value(body, &due)?;
        }
        if let Some(quantity) = self.quantity {
            raw(body, ",\"quantity\":");
            value(body, &quantity)?;
        }
        Ok(())
    }
}

/// Appends the fields that all entries share.
fn write_score(
    body: &mut Vec<u8>,
    score: f32,
    tier: Tier,
    reasons: Option<&[ReasonBody]>,
    parts: Option<&[Part]>,
) -> serde_json::Result<()> {
    raw(body, ",\"score\":");
    value(body, &score)?;
    raw(body, ",\"tier\":\"");
    raw(body, tier.name());
    raw(body, "\"");
    if let Some(reasons) = reasons {
        raw(body, ",\"reasons\":");
        value(body, &reasons)?;
    }
    if let Some(parts) = parts {
        raw(body, ",\"parts\":");
        value(body, &parts)?;
    }
    Ok(())
}

/// An offer for a customer, or a customer for an offer.
#[derive(Debug, ToSchema)]
pub(super) struct OfferItem<'a> {
    /// The ID of the offer, or of the customer.
    #[schema(example = "o1")]
    id: Cow<'a, str>,
    /// The item of the offer that makes it relevant.
    #[schema(example = "1082185")]
    item: &'a str,
    /// Higher is better; comparable within one answer and tier only.
    score: f32,
    /// The stage that produced the entry.
    #[schema(value_type = TierName)]
    tier: Tier,
    /// With `explain=true`: reasons.
    reasons: Option<Vec<ReasonBody>>,
    /// With `detail=full`: the parts of the score, largest first by absolute value.
    parts: Option<Vec<Part>>,
}

impl<'a> From<live::OfferAnswer<'a>> for OfferItem<'a> {
    fn from(answer: live::OfferAnswer<'a>) -> Self {
        let (reasons, parts) = answer.why.map(said).unzip();
        let parts = parts.flatten();
        Self { id: answer.id, item: answer.item, score: answer.score, tier: answer.tier, reasons, parts }
    }
}

impl Entry for OfferItem<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn tier(&self) -> Tier {
        self.tier
    }

    fn write(&self, body: &mut Vec<u8>) -> serde_json::Result<()> {
        raw(body, "\"id\":");
        string(body, &self.id)?;
        raw(body, ",\"item\":");
        string(body, self.item)?;
        write_score(body, self.score, self.tier, self.reasons.as_deref(), self.parts.as_deref())
    }
}

/// A reason, with its facts. No count in it is below 5.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonBody {
    /// The kind of reason, for programs.
    #[schema(value_type = ReasonKind)]
    kind: &'static str,
    /// The reason in words.
    #[schema(example = "often bought with Campari: 1 in 4 orders")]
    text: String,
    /// ID of the other item that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1082185")]
    with: Option<String>,
    /// Name of that item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Campari")]
    name: Option<String>,
    /// How often the customer bought the recommended item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 9)]
    times: Option<u16>,
    /// Day of the customer's last purchase of the recommended item.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<NaiveDate>,
    /// The category that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

/// What one signal contributes to a score.
#[derive(Debug, Serialize, ToSchema)]
struct Part {
    /// Name of the signal; in other tiers than `model`, name of the tier.
    #[schema(value_type = String, example = "co_purchase")]
    signal: Cow<'static, str>,
    /// Value of the signal.
    value: f32,
    /// What the signal adds to the score. The shares of all parts add up to the score.
    share: f32,
}

/// The reasons, and the parts of the score if there are any.
fn said(why: Why) -> (Vec<ReasonBody>, Option<Vec<Part>>) {
    let reason = |told: ReasonText| {
        let ReasonText { kind, text, with, name, times, last_day, category } = told;
        ReasonBody { kind, text, with, name, times, last_day, category }
    };
    let part = |ScorePart { signal, value, share }| Part { signal, value, share };
    let parts: Vec<Part> = why.parts.into_iter().map(part).collect();
    (why.reasons.into_iter().map(reason).collect(), (!parts.is_empty()).then_some(parts))
}
