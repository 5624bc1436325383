use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{self, Path};
use super::offers::is_zero;
use super::params::wrong_id;
use super::problem::Problem;
use super::quota::EventQuota;
use super::rows::{Row, Rows, WrongRow};
use crate::live::{StateSync, customer_hash};
use crate::metrics;
use crate::secret::Secret;
use crate::store::{EventRow, Shopper};

/// Events on shown items.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    /// Each event is checked on its own.
    #[schema(value_type = Vec<Event>)]
    events: Rows<ValidEvent>,
}

/// What a customer did with a shown item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// The client's ID of the event: an event that is sent twice counts once.
    #[schema(example = "e-20261120-0001")]
    id: String,
    /// The ID of the answer in which the item was shown.
    recommendation_id: Uuid,
    /// The kind of event; also accepted as `type`.
    #[serde(alias = "type")]
    kind: EventKind,
    /// The item or the offer.
    #[schema(example = "1082185")]
    item: String,
    /// For accepted and rejected replacements: the item that was to be replaced.
    #[schema(example = "981760")]
    replaced: Option<String>,
    /// For dismissed items: the customer.
    #[schema(example = "900")]
    customer: Option<String>,
}

/// The kind of event.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Happened)]
pub(super) enum EventKind {
    Click,
    Purchase,
    /// The customer accepted the item as a replacement for one that was out of stock.
    ReplacementAccepted,
    /// The customer rejected it.
    ReplacementRejected,
    /// The customer does not want to see the item: it is not shown to them for `baskets.dismissed_days`.
    Dismiss,
}

impl EventKind {
    const ALL: [Self; 5] =
        [Self::Click, Self::Purchase, Self::ReplacementAccepted, Self::ReplacementRejected, Self::Dismiss];

    fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Purchase => "purchase",
            Self::ReplacementAccepted => EventRow::ACCEPTED,
            Self::ReplacementRejected => EventRow::REJECTED,
            Self::Dismiss => EventRow::DISMISSED,
        }
    }
}

/// The outcome of recording events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recorded {
    /// Number of recorded events.
    accepted: usize,
    /// Number of events that were recorded before.
    duplicates: usize,
    /// The first 1,000 rejected events, with the reasons.
    rejected: Vec<WrongRow>,
    /// Number of further rejected events.
    #[serde(skip_serializing_if = "is_zero")]
    more_rejected: usize,
}

/// Records clicks, purchases and replacements. Invalid events are listed and left out; if all are invalid, the answer
/// is 422.
#[utoipa::path(
    post,
    path = "/v1/markets/{market}/events",
    tag = "events",
    operation_id = "recordEvents",
    params(("market" = String, Path, description = "The market")),
    request_body = Events,
    responses((status = 200, description = "What became of the events", body = Recorded),
              (status = 422, description = "Not one event is right, or the body is not as it must be",
               content((Recorded = "application/json"), (Problem = "application/problem+json"))))
)]
pub(super) async fn record(
    State(state_sync): State<Arc<StateSync>>,
    Path(market): Path<String>,
    quota: EventQuota,
    extract::Json(Events { events }): extract::Json<Events>,
) -> Result<(StatusCode, Json<Recorded>), Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    let Rows { good, mut rejected } = events;
    let mut known = Vec::with_capacity(good.len());
    for (row, event) in good {
        if market.secret().has_made(market.name().as_str(), event.recommendation) {
            known.push(event);
        } else {
            rejected.push(row, "recommendation_id", "no answer of this market had this ID");
        }
    }
    let (rejected, more_rejected) = rejected.told();
    if known.is_empty() && !rejected.is_empty() {
        let nothing = Recorded { accepted: 0, duplicates: 0, rejected, more_rejected };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(nothing)));
    }
    let snapshot = market.snapshot();
    let is_known =
        |id: &str| snapshot.as_ref().is_some_and(|snapshot| snapshot.model().catalogue().position(id).is_some());
    // Pairs with an item that the model does not know are not counted: clients must not fill the table of pairs.
    let counted = |event: EventRow| EventRow {
        replaced: event.replaced.filter(|replaced| is_known(replaced) && is_known(&event.item)),
        ..event
    };
    let row = |event: ValidEvent| event.row(market.secret());
    let good: Vec<EventRow> = known.into_iter().map(row).map(counted).collect();
    quota.take(good.len())?;
    let put = state_sync.put_events(&market, &good).await;
    // Duplicates, and events that could not be stored, do not count against the quota.
    quota.give_back(good.len() - put.as_ref().map_or(0, |accepted| *accepted));
    let accepted = put?;
    for kind in EventKind::ALL {
        let events = good.iter().filter(|event| event.kind == kind.name()).count();
        metrics::events(market.name(), kind.name(), events as u64);
    }
    Ok((StatusCode::OK, Json(Recorded { accepted, duplicates: good.len() - accepted, rejected, more_rejected })))
}

/// A valid event.
#[derive(Debug)]
struct ValidEvent {
    id: String,
    recommendation: Uuid,
    kind: EventKind,
    item: String,
    replaced: Option<String>,
    customer: Option<String>,
}

impl ValidEvent {
    fn row(self, secret: &Secret) -> EventRow {
        let Self { id, recommendation, kind, item, replaced, customer } = self;
        let dismissed_by = customer.map(|id| Shopper { hash: customer_hash(secret, &id), id });
        EventRow { id, recommendation: recommendation.to_string(), kind: kind.name(), item, replaced, dismissed_by }
    }
}

impl Row for ValidEvent {
    type Body = Event;
    const MOST: usize = 5000;

    fn check(event: Event) -> Result<Self, (String, String)> {
        let Event { id: name, recommendation_id, kind, item, replaced, customer } = event;
        for (field, id) in [("id", Some(&name)), ("item", Some(&item)), ("customer", customer.as_ref())] {
            if let Some(reason) = id.and_then(|id| wrong_id(id)) {
                return Err((field.to_owned(), reason));
            }
        }
        match &customer {
            Some(_) if kind != EventKind::Dismiss => {
                return Err(("customer".to_owned(), "only a dismissal names the customer".to_owned()));
            }
            None if kind == EventKind::Dismiss => {
                return Err(("customer".to_owned(), "name the customer who has dismissed the item".to_owned()));
            }
            _ => {}
        }
        let is_about_two = matches!(kind, EventKind::ReplacementAccepted | EventKind::ReplacementRejected);
        match &replaced {
            Some(_) if !is_about_two => {
                return Err(("replaced".to_owned(), "only a replacement stands in for another item".to_owned()));
            }
            None if is_about_two => {
                return Err(("replaced".to_owned(), "name the item in whose place it was offered".to_owned()));
            }
            Some(replaced) if *replaced == item => {
                return Err(("replaced".to_owned(), "an item does not stand in for itself".to_owned()));
            }
            _ => {}
        }
        if let Some(reason) = replaced.as_deref().and_then(wrong_id) {
            return Err(("replaced".to_owned(), reason));
        }
        Ok(Self { id: name, recommendation: recommendation_id, kind, item, replaced, customer })
    }
}
