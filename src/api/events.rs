use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{self, Path};
use super::offers::{WrongRow, row};
use super::params::wrong_id;
use super::problem::Problem;
use crate::live::Keeper;
use crate::metrics;
use crate::store::EventRow;

/// Events in one request.
const MOST: usize = 5000;

/// What customers did with what they were shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    /// Each is checked on its own.
    #[schema(value_type = Vec<Event>)]
    events: Vec<serde_json::Value>,
}

/// A click or a purchase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Event {
    /// The client's own name for it: sent twice, it counts once.
    #[schema(example = "e-20261120-0001")]
    id: String,
    /// The answer that it came of.
    recommendation_id: Uuid,
    /// What happened.
    kind: Happened,
    /// The item, or the offer.
    #[schema(example = "1082185")]
    item: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Happened {
    Click,
    Purchase,
}

impl Happened {
    fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Purchase => "purchase",
        }
    }
}

/// What became of the events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recorded {
    /// Taken in.
    accepted: usize,
    /// Known already.
    duplicates: usize,
    /// Left out, and why.
    rejected: Vec<WrongRow>,
}

/// Take in clicks and purchases. Events that are wrong are named and left out; if all are, the answer is 422.
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
    State(keeper): State<Arc<Keeper>>,
    Path(market): Path<String>,
    extract::Json(Events { events }): extract::Json<Events>,
) -> Result<(StatusCode, Json<Recorded>), Problem> {
    let market = keeper.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    if events.len() > MOST {
        return Err(Problem::field("events", format!("a request has at most {MOST} events")));
    }
    let (mut good, mut rejected) = (Vec::with_capacity(events.len()), Vec::new());
    for (at, value) in events.into_iter().enumerate() {
        match event(value) {
            Ok(event) => good.push(event),
            Err((field, reason)) => rejected.push(WrongRow::new(at, &field, &reason)),
        }
    }
    if good.is_empty() && !rejected.is_empty() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(Recorded { accepted: 0, duplicates: 0, rejected })));
    }
    let accepted = keeper.put_events(&market, &good).await?;
    for kind in [Happened::Click, Happened::Purchase] {
        let events = good.iter().filter(|event| event.kind == kind.name()).count();
        metrics::events(market.name(), kind.name(), events as u64);
    }
    Ok((StatusCode::OK, Json(Recorded { accepted, duplicates: good.len() - accepted, rejected })))
}

fn event(value: serde_json::Value) -> Result<EventRow, (String, String)> {
    let Event { id: name, recommendation_id, kind, item } = row(value)?;
    for (field, id) in [("id", &name), ("item", &item)] {
        if let Some(reason) = wrong_id(id) {
            return Err((field.to_owned(), reason));
        }
    }
    Ok(EventRow { id: name, recommendation: recommendation_id.to_string(), kind: kind.name(), item })
}
