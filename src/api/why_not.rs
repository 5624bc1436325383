use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::in_service;
use super::bought_together::query;
use super::extract::{Path, Query};
use super::keys::KeyPermissions;
use super::params::{ItemParams, id};
use super::problem::Problem;
use trolley_model::Flaw;

use crate::live::{self, Markets, OutrankedBy, ReplacementCounts, Snapshot, Verdict};

/// Options of the answer to explain.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhyNotParams {
    /// The customer.
    customer: Option<String>,
    /// The store.
    store: Option<String>,
}

/// Why an item is not in an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhyNot {
    /// The item.
    item: String,
    /// The verdict, for programs.
    #[schema(value_type = VerdictName)]
    verdict: &'static str,
    /// The verdict in words.
    text: String,
    /// ID of the rule that blocks the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The attribute that must match and does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    /// Position of the item from 1: in the answer if it is shown, else among the candidates.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<usize>,
    /// Score of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    /// The last item of the tier `model` in the answer, with its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_shown: Option<LastShown>,
    /// Signals that add less to the item's score than to that of the last shown item, largest difference first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behind: Vec<Behind>,
}

/// Why an item is not shown.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the values that are described")]
enum VerdictName {
    Shown,
    Unknown,
    AskedAbout,
    OutOfStock,
    NotInStore,
    Blocked,
    MustMatch,
    Rejected,
    Flawed,
    LeftOut,
    NoCandidate,
    Outranked,
}

/// The last item of the tier `model` in an answer.
#[derive(Debug, Serialize, ToSchema)]
struct LastShown {
    /// Its ID.
    item: String,
    /// Its score.
    score: f32,
}

/// A signal that adds less to one item's score than to another's.
#[derive(Debug, Serialize, ToSchema)]
struct Behind {
    /// The signal.
    #[schema(value_type = String)]
    signal: Cow<'static, str>,
    /// The difference of the two parts, below 0.
    difference: f32,
}

/// Explains why an item is not among those bought together.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/items/{item}/bought-together/why-not/{other}",
    tag = "bought together",
    operation_id = "getWhyNot",
    params(("market" = String, Path, description = "The market"),
           ("item" = String, Path, description = "The item looked at"),
           ("other" = String, Path, description = "The item that is missed"), WhyNotParams),
    responses((status = 200, description = "Why the other item is not shown, or that it is", body = WhyNot))
)]
pub(super) async fn item(
    State(markets): State<Arc<Markets>>,
    Path(path): Path<(String, String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<WhyNotParams>,
) -> Result<Json<WhyNot>, Problem> {
    Ok(Json(why(&markets, &permissions, path, params, Snapshot::why_not)?))
}

/// Explains why an item is not among the alternatives.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/items/{item}/alternatives/why-not/{other}",
    tag = "alternatives",
    operation_id = "getWhyNotInstead",
    params(("market" = String, Path, description = "The market"),
           ("item" = String, Path, description = "The item that is out of stock"),
           ("other" = String, Path, description = "The item that is missed"), WhyNotParams),
    responses((status = 200, description = "Why the other item is not shown, or that it is", body = WhyNot))
)]
pub(super) async fn instead(
    State(markets): State<Arc<Markets>>,
    Path(path): Path<(String, String, String)>,
    permissions: KeyPermissions,
    Query(params): Query<WhyNotParams>,
) -> Result<Json<WhyNot>, Problem> {
    let mut why = why(&markets, &permissions, path, params, Snapshot::why_not_alternative)?;
    if why.verdict == "no_candidate" {
        "it is not bought in the same company, nor of the same category, nor what the customer buys of it"
            .clone_into(&mut why.text);
    }
    Ok(Json(why))
}

/// Asks the snapshot of a market. The path holds the market, the requested item, and the item that is not shown.
fn why(
    markets: &Markets,
    permissions: &KeyPermissions,
    (market, item, other): (String, String, String),
    WhyNotParams { customer, store }: WhyNotParams,
    ask: impl FnOnce(&Snapshot, &live::ItemQuery<'_>, &str) -> Verdict,
) -> Result<WhyNot, Problem> {
    if customer.is_some() {
        permissions.must_see_customers()?;
    }
    let options = ItemParams::of(customer, store).check()?;
    let (items, other) = ([id("item", item)?], id("other", other)?);
    let (_, snapshot) = in_service(markets, &market)?;
    Ok(WhyNot::new(&other, ask(&snapshot, &query(&items, &options, permissions, &snapshot)?, &other)))
}

impl WhyNot {
    fn new(item: &str, verdict: Verdict) -> Self {
        let plain = |verdict, text: &str| Self {
            item: item.to_owned(),
            verdict,
            text: text.to_owned(),
            rule: None,
            attribute: None,
            rank: None,
            score: None,
            last_shown: None,
            behind: Vec::new(),
        };
        match verdict {
            Verdict::Shown(rank) => Self { rank: Some(rank), ..plain("shown", "it is shown") },
            Verdict::Unknown => plain("unknown", "the model does not know it: nobody bought it, and it is in no table"),
            Verdict::AskedAbout => plain("asked_about", "it is the item that was asked about"),
            Verdict::OutOfStock => plain("out_of_stock", "it is out of stock"),
            Verdict::NotInStore => plain("not_in_store", "the store does not sell it"),
            Verdict::MustMatch(attribute) => Self {
                text: format!(
                    "it differs in `{attribute}`, in which alternatives must be the same, or has no value there"
                ),
                attribute: Some(attribute),
                ..plain("must_match", "")
            },
            Verdict::Rejected(ReplacementCounts { accepted, rejected }) => {
                let all = accepted + rejected;
                plain("rejected", &format!("{rejected} of {all} customers refused it in the place of the item"))
            }
            Verdict::Flawed(flaw) => plain(
                "flawed",
                match flaw {
                    Flaw::NotSold => "it has not been sold lately",
                    Flaw::Kind => "it is of another category",
                    Flaw::Size => "it is more than twice or less than half as large, or a carton and no pack",
                    Flaw::Price => {
                        "by the litre, kilogram or piece it is more than half as dear again, or less than two thirds"
                    }
                    Flaw::None => "nothing speaks against it",
                },
            ),
            Verdict::Blocked(rule) => Self { rule: Some(rule), ..plain("blocked", "a rule blocks it") },
            Verdict::LeftOut => plain("left_out", "the question leaves it out"),
            Verdict::NoCandidate => plain(
                "no_candidate",
                "it is no bestseller, no partner of the item or of its category, and not what the customer buys; or it is surely \
                 bought with the item less often than by chance",
            ),
            Verdict::Outranked(OutrankedBy { rank, candidates, score, last_shown, behind }) => {
                // Items with a lower score are shown in its place.
                let gave_way = last_shown.as_ref().is_some_and(|(_, last)| score > *last);
                let why = if gave_way { ", and gives way to others so that the list is varied" } else { "" };
                Self {
                    rank: Some(rank),
                    score: Some(score),
                    last_shown: last_shown.map(|(item, score)| LastShown { item, score }),
                    behind: behind.into_iter().map(|(signal, difference)| Behind { signal, difference }).collect(),
                    ..plain("outranked", &format!("it comes as number {rank} of {candidates} candidates{why}"))
                }
            }
        }
    }
}
