use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trolley_model::MustMatch;
use utoipa::ToSchema;

use super::extract::{self, Path};
use super::offers::{Push, Pushed};
use super::problem::Problem;
use super::rows::{Row, Rows};
use crate::live::{Block, Boost, Pin, Rule, StateSync};

/// All rules of a market.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// If this push and the last one have a sequence, and this one is not higher, nothing changes.
    sequence: Option<i64>,
    /// Each rule is checked on its own.
    #[schema(value_type = Vec<RuleBody>)]
    rules: Rows<Rule>,
}

/// A rule of the shop for its answers: exactly one of `block`, `block_pair`, `pin`, `boost` and `must_match`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rule)]
pub(super) struct RuleBody {
    /// Its ID, unique among the market's rules.
    #[schema(example = "no-lighter-fluid-for-babies")]
    id: String,
    /// An item that is not shown.
    block: Option<BlockBody>,
    /// Two categories whose items are not shown for each other.
    #[schema(value_type = Option<Vec<String>>, example = json!(["LIGHTER FLUID", "BABY FOOD"]))]
    block_pair: Option<[String; 2]>,
    /// An item that is listed first for another one.
    pin: Option<PinBody>,
    /// An item or a category whose scores are raised or lowered.
    boost: Option<BoostBody>,
    /// Attributes in which an alternative must match the requested item.
    #[schema(value_type = Option<Object>, example = json!({"categories": ["MILK"], "attributes": ["organic"]}))]
    must_match: Option<MustMatch>,
}

/// An item that is never shown, or not for some requested items.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Block)]
pub(super) struct BlockBody {
    /// The item.
    item: String,
    /// Only when one of these items is requested.
    #[serde(default)]
    for_items: Vec<String>,
    /// Only when an item of one of these categories is requested.
    #[serde(default)]
    for_categories: Vec<String>,
}

/// An item that is listed first for another one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Pin)]
pub(super) struct PinBody {
    /// The item to list first.
    item: String,
    /// The requested item.
    to: String,
}

/// A number that is added to the scores of an item, or of all items of a category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Boost)]
pub(super) struct BoostBody {
    /// The item; exactly one of `item` and `category` is given.
    item: Option<String>,
    /// The category.
    category: Option<String>,
    /// From -100 to 100: positive numbers raise scores, negative ones lower them.
    #[schema(example = 1.5)]
    by: f32,
}

impl Row for Rule {
    type Body = RuleBody;
    const MOST: usize = 10_000;

    fn check(body: RuleBody) -> Result<Self, (String, String)> {
        let RuleBody { id, block, block_pair, pin, boost, must_match } = body;
        let rule = Self {
            id,
            block: block.map(|BlockBody { item, for_items, for_categories }| Block { item, for_items, for_categories }),
            block_pair,
            pin: pin.map(|PinBody { item, to }| Pin { item, to }),
            boost: boost.map(|BoostBody { item, category, by }| Boost { item, category, by }),
            must_match,
        };
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
    #[schema(value_type = Vec<RuleBody>)]
    rules: Vec<Rule>,
}
