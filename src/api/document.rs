//! The API's description, `/openapi.json`: what all routes share, and the examples.

use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Info, License, OpenApi, Ref, RefOr, Response, ResponseBuilder, Server, Tag,
};

use crate::config::Scope;

/// Error responses that routes share: name, status and meaning.
const PROBLEMS: [(&str, &str, &str); 11] = [
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
    ("HeadersTooLarge", "431", "The headers have more than 32 KiB; the answer has no body"),
    (
        "NotNow",
        "503",
        "More is asked than can be answered in time, the market has no model yet, or what is pushed cannot \
                       be kept. `Retry-After` says after how many seconds to try again",
    ),
];

const TAGS: [(&str, &str); 11] = [
    ("bought together", "What else goes into the basket with an item, or with a cart"),
    ("alternatives", "What stands in for an item that is out of stock"),
    ("offers", "Today's offers in order of relevance for a customer, and an offer's audience"),
    ("events", "What customers clicked and bought of what they were shown"),
    ("stock", "What can be had"),
    ("rules", "What the shop itself says about its answers"),
    ("markets", "The markets that are served"),
    ("models", "The versions of a market's model, and which of them answers"),
    ("baskets", "What customers have just bought"),
    ("customers", "What a customer buys again, what is new for them, and customers who want to be forgotten"),
    ("health", "Whether the process runs, and whether it can answer"),
];

/// Adds the required scope and the shared error responses to the operations of a route.
pub(super) fn describe(paths: &mut Paths, scope: Option<Scope>) {
    for (path, item) in &mut paths.paths {
        for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
            describe_one(path, operation, scope);
        }
    }
}

fn describe_one(path: &str, operation: &mut Operation, scope: Option<Scope>) {
    // The empty requirement: without keys in the config, the API is open.
    operation.security = Some(scope.map_or_else(Vec::new, |scope| {
        vec![SecurityRequirement::new("key", [scope.name()]), SecurityRequirement::default()]
    }));
    let (of_market, body) = (path.contains("{market}"), operation.request_body.is_some());
    let read = body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let health = scope.is_none();
    let applies = |status: &str| match status {
        "400" | "422" => read,
        "404" => of_market,
        "408" | "413" | "415" => body,
        "431" => true,
        _ => !health,
    };
    for (name, status, _) in PROBLEMS.into_iter().filter(|(_, status, _)| applies(status)) {
        let problem = || RefOr::Ref(Ref::from_response_name(name));
        operation.responses.responses.entry(status.to_owned()).or_insert_with(problem);
    }
}

/// Completes the document with what all routes share, and with the examples.
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
        let response = if name == "HeadersTooLarge" { plain(description) } else { problem(description) };
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A key of `server.keys`; `trolley key` makes one. Its scopes say which routes it opens: `recommend`, \
             `audience`, `events`, `customers`, `push`, `admin`, `metrics`. A service without keys is open, and listens on this machine alone.",
        ))
        .build();
    components.security_schemes.insert("key".to_owned(), RefOr::T(SecurityScheme::Http(key)));
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for (operation, example) in EXAMPLES {
        show(&mut document, operation, &serde_json::from_str(example).unwrap_or_default());
    }
    // Lists refer to the schema of their items instead of repeating it.
    for (list, of) in [
        ("Recommendation_Item", "Item"),
        ("Recommendation_Replacements", "Replacements"),
        ("Recommendation_OfferItem", "OfferItem"),
        ("Recommendation_DueItem", "DueItem"),
    ] {
        let items = &mut document["components"]["schemas"][list]["properties"]["items"]["items"];
        *items = json!({"$ref": format!("#/components/schemas/{of}")});
    }
    document
}

fn plain(description: &str) -> Response {
    ResponseBuilder::new().description(description).build()
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

macro_rules! examples {
    ($($operation:literal),* $(,)?) => {
        &[$(($operation, include_str!(concat!("examples/", $operation, ".json")))),*]
    };
}

/// Example requests with their answers by operation, in an order in which they can be sent one after the other:
/// `{"ask": "GET /v1/markets", "body": …, "answer": …}`. `scripts/examples.py` regenerates the answers from a demo.
pub static EXAMPLES: &[(&str, &str)] = examples![
    "getLiveness",
    "getReadiness",
    "listMarkets",
    "listModels",
    "getBoughtTogether",
    "getBoughtTogetherForCart",
    "getWhyNot",
    "getAlternatives",
    "getAlternativesForCart",
    "getWhyNotInstead",
    "replaceOffers",
    "rankOffers",
    "getAudience",
    "getBuyAgain",
    "getNewForYou",
    "updateStock",
    "replaceRules",
    "listRules",
    "recordEvents",
    "setCurrentModel",
    "resetStock",
    "pushBaskets",
    "cancelBasket",
    "eraseCustomer",
];

/// Adds an example to its operation: to the answer, the body and the parameters.
fn show(document: &mut Value, operation: &str, example: &Value) {
    let (method, url) = example["ask"].as_str().and_then(|ask| ask.split_once(' ')).unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let method = method.to_lowercase();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let Some((template, item)) = paths.iter_mut().find(|(_, item)| item[&method]["operationId"] == operation) else {
        return;
    };
    let of_path = template.split('/').zip(path.split('/'));
    let of_path = of_path.filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?, value)));
    let given: Vec<(&str, &str)> = of_path.chain(query.split('&').filter_map(|pair| pair.split_once('='))).collect();
    let operation = &mut item[&method];
    operation["responses"]["200"]["content"]["application/json"]["example"] = example["answer"].clone();
    if let Some(body) = example.get("body") {
        operation["requestBody"]["content"]["application/json"]["example"] = body.clone();
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some((_, value)) = given.iter().find(|(name, _)| parameter["name"] == *name) {
            let is_text = parameter["schema"]["type"] == "string" || parameter["schema"]["type"][0] == "string";
            let value =
                if is_text { json!(value) } else { serde_json::from_str(value).unwrap_or_else(|_| json!(value)) };
            parameter["example"] = value;
        }
    }
}
