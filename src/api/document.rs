//! The API's description: what holds for all routes, and the examples.

use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Info, License, OpenApi, Ref, RefOr, Response, ResponseBuilder, Server, Tag,
};

use crate::config::Scope;

/// What the requests of a route may be answered beside its own answers: by name the status, and what it means.
const PROBLEMS: [(&str, &str, &str); 10] = [
    (
        "BadRequest",
        "400",
        "The path, the query or the body cannot be read. `field` names what is wrong, where it can be said",
    ),
    ("NoKey", "401", "The service has keys, and the request has none or one that is not known"),
    ("NoScope", "403", "The key does not have the scope of this route"),
    ("NotFound", "404", "There is no such market, or no such thing in it"),
    ("TooSlow", "408", "The request took longer than `server.request_seconds`, or its body did"),
    ("TooLarge", "413", "The body is larger than is taken"),
    ("NotJson", "415", "The body is not said to be `application/json`"),
    ("NotAcceptable", "422", "A value cannot be accepted. `field` names it, `detail` says what it must be"),
    ("TooOften", "429", "The key may not ask so often. `Retry-After` says after how many seconds it may again"),
    (
        "NotNow",
        "503",
        "More is asked than can be answered in time, the market has no model yet, or what is pushed cannot \
                       be kept. `Retry-After` says after how many seconds to try again",
    ),
];

const TAGS: [(&str, &str); 10] = [
    ("bought together", "What else goes into the basket with an item, or with a cart"),
    ("alternatives", "What stands in for an item that is out of stock"),
    ("offers", "Today's offers in order of relevance for a customer, and an offer's audience"),
    ("events", "What customers clicked and bought of what they were shown"),
    ("stock", "What can be had"),
    ("rules", "What the shop itself says about its answers"),
    ("markets", "The markets that are served"),
    ("models", "The versions of a market's model, and which of them answers"),
    ("customers", "Customers who want to be forgotten"),
    ("health", "Whether the process runs, and whether it can answer"),
];

/// Says of a route's operations who may ask, and with which problems they may be answered.
pub(super) fn describe(paths: &mut Paths, scope: Option<Scope>) {
    for (path, item) in &mut paths.paths {
        for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
            describe_one(path, operation, scope);
        }
    }
}

fn describe_one(path: &str, operation: &mut Operation, scope: Option<Scope>) {
    // An empty requirement: without keys in the config everything is open.
    operation.security = Some(scope.map_or_else(Vec::new, |scope| {
        vec![SecurityRequirement::new("key", [scope.name()]), SecurityRequirement::default()]
    }));
    let (of_market, body) = (path.contains("{market}"), operation.request_body.is_some());
    let read = body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let health = scope.is_none();
    let applies = |status: &str| match status {
        "400" | "422" => read,
        "401" | "403" | "429" => !health,
        "404" => of_market,
        "408" | "413" | "415" => body,
        _ => !health,
    };
    for (name, status, _) in PROBLEMS.into_iter().filter(|(_, status, _)| applies(status)) {
        let problem = || RefOr::Ref(Ref::from_response_name(name));
        operation.responses.responses.entry(status.to_owned()).or_insert_with(problem);
    }
}

/// The document with what all routes share, and with its examples.
pub(super) fn finished(mut document: OpenApi) -> Value {
    document.info = Info::new("Trolley", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(
        "Recommendations for shops that sell baskets: what is bought together, what can stand in for what, and which \
         offers are for whom. Answers hold IDs only."
            .to_owned(),
    );
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    document.info.license = Some(license);
    document.servers = Some(vec![Server::new("/")]);
    let tag = |(name, description): (&str, &str)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    };
    document.tags = Some(TAGS.into_iter().map(tag).collect());
    let components = document.components.get_or_insert_with(Components::default);
    for (name, _, description) in PROBLEMS {
        components.responses.insert(name.to_owned(), RefOr::T(problem(description)));
    }
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A key of `server.keys`; `trolley key` makes one. Its scopes say which routes it opens: `recommend`, `push`, \
             `admin`, `metrics`. A service without keys is open, and listens on this machine alone.",
        ))
        .build();
    components.security_schemes.insert("key".to_owned(), RefOr::T(SecurityScheme::Http(key)));
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for example in EXAMPLES {
        show(&mut document, example);
    }
    document
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// A question or a push and its answer: as the model of the demo's sample gave it.
pub struct Example {
    /// Of which operation.
    pub operation: &'static str,
    /// As a client writes it: `GET /v1/markets`.
    pub ask: &'static str,
    /// The body sent, if there is one, in JSON.
    pub body: Option<&'static str>,
    /// The body of the answer, in JSON.
    pub answer: &'static str,
}

macro_rules! example {
    ($operation:literal, $ask:literal) => {
        Example {
            operation: $operation,
            ask: $ask,
            body: None,
            answer: include_str!(concat!("examples/", $operation, ".json")),
        }
    };
    ($operation:literal, $ask:literal, $body:literal) => {
        Example {
            operation: $operation,
            ask: $ask,
            body: Some($body),
            answer: include_str!(concat!("examples/", $operation, ".json")),
        }
    };
}

/// All of them, in an order in which they can be asked one after the other.
pub static EXAMPLES: &[Example] = &[
    example!("getLiveness", "GET /health/live"),
    example!("getReadiness", "GET /health/ready"),
    example!("listMarkets", "GET /v1/markets"),
    example!("listModels", "GET /v1/markets/us/models"),
    example!("getBoughtTogether", "GET /v1/markets/us/items/1082185/bought-together?customer=900&limit=2&explain=true"),
    example!(
        "getBoughtTogetherForCart",
        "POST /v1/markets/us/bought-together",
        r#"{"items": ["1082185", "981760"], "customer": "900", "limit": 3, "not_category": ["SOFT DRINKS"]}"#
    ),
    example!("getWhyNot", "GET /v1/markets/us/items/1082185/bought-together/why-not/1029743"),
    example!("getAlternatives", "GET /v1/markets/us/items/1029743/alternatives?customer=900&limit=2"),
    example!(
        "replaceOffers",
        "PUT /v1/markets/us/offers",
        r#"{"sequence": 1, "offers": [{"id": "o1", "items": ["1082185"], "valid_from": "2017-12-01", "valid_to": "2099-12-31", "numbers": {"mailer_stores": 40}}, {"id": "o2", "items": ["1029743"]}]}"#
    ),
    example!("rankOffers", "GET /v1/markets/us/customers/900/offers?limit=2&explain=true"),
    example!("getAudience", "GET /v1/markets/us/offers/o1/audience?limit=2"),
    example!(
        "updateStock",
        "PUT /v1/markets/us/stock",
        r#"{"updates": [{"item": "1029743", "in_stock": false, "sequence": 1}]}"#
    ),
    example!(
        "replaceRules",
        "PUT /v1/markets/us/rules",
        r#"{"sequence": 1, "rules": [{"id": "no-lighter-fluid-for-babies", "block_pair": ["LIGHTER FLUID", "BABY FOOD"]}]}"#
    ),
    example!("listRules", "GET /v1/markets/us/rules"),
    example!(
        "recordEvents",
        "POST /v1/markets/us/events",
        r#"{"events": [{"id": "e-20261120-0001", "recommendation_id": "3b6f1c62-9a54-4f1e-8f0e-3d6c1a2b4c5d", "kind": "click", "item": "1029743"}]}"#
    ),
];

/// Puts an example where its operation is described: at the answer, at the body, and at the parameters.
fn show(document: &mut Value, example: &Example) {
    let (method, url) = example.ask.split_once(' ').unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let (answer, body) = (parse(example.answer), example.body.map(parse));
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let is_it = |item: &Value| item[method.to_lowercase()]["operationId"] == example.operation;
    let Some((template, item)) = paths.iter_mut().find(|(_, item)| is_it(item)) else { return };
    let named: Vec<(String, String)> = template
        .split('/')
        .zip(path.split('/'))
        .filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?.to_owned(), value.to_owned())))
        .chain(query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())))
        .collect();
    let operation = &mut item[method.to_lowercase()];
    operation["responses"]["200"]["content"]["application/json"]["example"] = answer;
    if let Some(body) = body {
        operation["requestBody"]["content"]["application/json"]["example"] = body;
    }
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        if let Some((_, value)) = named.iter().find(|(name, _)| parameter["name"] == name.as_str()) {
            let is_text =
                ["customer", "item", "other", "market", "offer"].contains(&parameter["name"].as_str().unwrap_or(""));
            parameter["example"] = if is_text { json!(value) } else { parse(value) };
        }
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
