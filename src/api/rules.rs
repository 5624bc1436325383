use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{self, Path};
use super::offers::{Push, Pushed};
use super::problem::Problem;
use super::rows::{Row, Rows};
use crate::live::{Rule, StateSync};

/// All rules of a market.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// If this push and the last one have a sequence, and this one is not higher, nothing changes.
    sequence: Option<i64>,
    /// Each rule is checked on its own.
    #[schema(value_type = Vec<Rule>)]
    rules: Rows<Rule>,
}

impl Row for Rule {
    type Body = Self;
    const MOST: usize = 10_000;

    fn check(rule: Self) -> Result<Self, (String, String)> {
        Self::check(&rule).map_err(|(field, error)| (field.to_owned(), error.to_string()))?;
        Ok(rule)
    }
}

/// Replaces all rules of the market. If any row is invalid, nothing changes, since half of the rules may be worse than
/// none.
#[utoipa::path(
    put,
    path = "/v1/markets/{market}/rules",
    tag = "rules",
    operation_id = "replaceRules",
    params(("market" = String, Path, description = "The market")),
    request_body = Rules,
    responses((status = 200, description = "What became of the rows", body = Pushed),
              (status = 422, description = "A row is wrong, or the body is not as it must be",
               content((Pushed = "application/json"), (Problem = "application/problem+json"))))
)]
pub(super) async fn replace(
    State(state_sync): State<Arc<StateSync>>,
    Path(market): Path<String>,
    extract::Json(Rules { sequence, rules }): extract::Json<Rules>,
) -> Result<Push, Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    let (mut good, mut rejected, mut ids) = (Vec::new(), rules.rejected, HashSet::new());
    for (row, rule) in rules.good {
        if ids.insert(rule.id.clone()) {
            good.push(rule);
        } else {
            rejected.push(row, "id", "a rule above has the same id");
        }
    }
    if !rejected.is_empty() {
        return Ok(Push(StatusCode::UNPROCESSABLE_ENTITY, Pushed::nothing(rejected)));
    }
    let rules = good.len();
    let news = state_sync.put_rules(&market, sequence, good).await?;
    Ok(Push(StatusCode::OK, Pushed::whole(rules, news, rejected)))
}

/// Lists the rules of the market.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/rules",
    tag = "rules",
    operation_id = "listRules",
    params(("market" = String, Path, description = "The market")),
    responses((status = 200, description = "All rules of the market", body = RuleList))
)]
pub(super) async fn list(
    State(state_sync): State<Arc<StateSync>>,
    Path(market): Path<String>,
) -> Result<Json<RuleList>, Problem> {
    let market = state_sync.markets().get(&market).ok_or_else(Problem::unknown_market)?;
    Ok(Json(RuleList { rules: market.rules().to_vec() }))
}

/// The rules of a market.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleList {
    /// In the order in which they were pushed.
    rules: Vec<Rule>,
}
