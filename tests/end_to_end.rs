//! The real binary on the real sample: train, serve, query, swap, stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

#[path = "common/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use server::{Server, request};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A config for the sample, with a training that takes seconds.
fn config(folder: &Path, market: &str) -> String {
    let path = folder.join(format!("{market}.toml"));
    let text = format!(
        r#"
models = "{folder}/models"
rejects = "{folder}/rejects"
reports = "{folder}/reports"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
state = "sqlite:{folder}/state.sqlite"
reload_milliseconds = 50
[training]
ials = {{ iterations = 2, dims = 16 }}
blend = {{ rounds = 20, cases = 600, item_focus = 0.5 }}
evaluation = {{ test_days = 14, validation_days = 14, offer_weeks = 1 }}
[markets.{market}]
transactions = "{REPOSITORY}/tests/data/transactions.parquet"
items = "{REPOSITORY}/tests/data/products.parquet"
offers = "{REPOSITORY}/tests/data/offers.parquet"
[markets.{market}.columns.transactions]
customer_id = "household_id"
item_id = "product_id"
timestamp = "transaction_timestamp"
[markets.{market}.columns.items]
item_id = "product_id"
category = "product_type"
[markets.{market}.columns.offers]
numbers = ["mailer_stores", "front_page_stores", "back_page_stores", "display_stores"]
"#,
        folder = folder.display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Runs the binary, with a config key from the environment.
fn trolley(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trolley"))
        .args(arguments)
        .env("TROLLEY_TRAINING__SKIPGRAM__EPOCHS", "2")
        // Kubernetes sets this variable for a service of this name; it is not a config key.
        .env("TROLLEY_PORT", "tcp://10.0.0.1:8080")
        .output()
        .unwrap()
}

/// Standard output of a command that must succeed.
fn succeeded(arguments: &[&str]) -> String {
    let output = trolley(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must fail.
fn failed(arguments: &[&str]) -> String {
    let output = trolley(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    String::from_utf8(output.stderr).unwrap()
}

fn ids(body: &Value) -> Vec<&str> {
    body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Stops the other threads when it goes out of scope.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn trained_served_asked_and_swapped_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let config_us = config(folder.path(), "us");
    let printed = succeeded(&["train", "--config", &config_us]);
    for fact in
        ["259,262 read, 1,654 left out, 0 rejected", "1,654 × return or credit note", "customers  414", "BANANAS"]
    {
        assert!(printed.contains(fact), "no `{fact}` in {printed}");
    }
    assert!(printed.contains("Bought together, customer known, hit rate@6"), "{printed}");
    let report = printed.lines().find_map(|line| line.trim().strip_prefix("report")).unwrap().trim();
    let page = std::fs::read_to_string(report).unwrap();
    assert!(page.contains("Published: every gate was passed.") && page.contains("BANANAS"), "{report}");
    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(report.replace(".html", ".json")).unwrap()).unwrap();
    let names =
        facts["evaluation"]["contests"].as_array().unwrap().iter().map(|benchmark| benchmark["name"].as_str().unwrap());
    let unnamed: Vec<&str> = names.filter(|name| name.contains('_') && page.contains(&format!(">{name}<"))).collect();
    assert!(unnamed.is_empty(), "the report shows keys in place of names: {unnamed:?}");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "it stands alone");
    assert!(!folder.path().join("rejects").exists(), "no row is rejected, and there is no list");

    let mut server = Server::start(&config_us);
    assert_eq!(server.get("/health/ready").0, 200);
    let (_, markets) = server.get("/v1/markets");
    let first = markets["markets"][0]["model"].as_str().unwrap().to_owned();

    // The three questions, about bananas.
    let (_, together) = server.get("/v1/markets/us/items/1082185/bought-together");
    assert_eq!((ids(&together).len(), &together["model"]), (6, &first.as_str().into()));
    let (_, instead) = server.get("/v1/markets/us/items/1082185/alternatives?customer=1608");
    let gone = ids(&instead)[0].to_owned();
    let update = format!(r#"{{"updates": [{{"item": "{gone}", "in_stock": false, "sequence": 1}}]}}"#);
    assert_eq!(request(&server.api, "PUT", "/v1/markets/us/stock", &update).0, 200);
    let (_, instead) = server.get("/v1/markets/us/items/1082185/alternatives?customer=1608");
    // Four other bananas were sold in the last four weeks of the table, and one of them is out of stock.
    assert_eq!(ids(&instead).len(), 3);
    assert!(!ids(&instead).contains(&gone.as_str()));
    let offers = r#"{"offers": [{"id": "o1", "items": ["1082185"]}, {"id": "o2", "items": ["995242", "1029743"]}]}"#;
    assert_eq!(request(&server.api, "PUT", "/v1/markets/us/offers", offers).0, 200);
    let (_, offers) = server.get("/v1/markets/us/customers/1608/offers");
    assert_eq!(ids(&offers).len(), 2);

    // A second model is published while four clients query without pause: no request fails, and each answer comes from
    // one model.
    let stop = AtomicBool::new(false);
    let second = std::thread::scope(|scope| {
        let ask = || {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let (status, body) = server.get("/v1/markets/us/items/1082185/bought-together?customer=1608");
                assert_eq!((status, ids(&body).len()), (200, 6));
                let answer = (body["model"].as_str().unwrap().to_owned(), ids(&body).join(","));
                if !seen.contains(&answer) {
                    seen.push(answer);
                }
            }
            seen
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        // The clients must end even if this panics.
        let _ends = Ends(&stop);
        // The result of so little training is half chance, and the gate is not tested here.
        succeeded(&["train", "--config", &config_us, "--seed", "7", "--force"]);
        let swapped = server.wait_for("/v1/markets/us/items/1/alternatives", |_, body| body["model"] != first.as_str());
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
        let mut seen: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 2, "each model has one answer: {seen:?}");
        swapped["model"].as_str().unwrap().to_owned()
    });
    assert!(!ids(&server.get("/v1/markets/us/items/1082185/alternatives").1).contains(&gone.as_str()), "stock stays");

    // A rollback by command line; the service follows.
    let printed = succeeded(&["models", "rollback", "--config", &config_us, "--market", "us"]);
    assert!(printed.contains(&first) && printed.contains(&second), "{printed}");
    server.wait_for("/v1/markets/us/items/1/alternatives", |_, body| body["model"] == first.as_str());
    let listed = succeeded(&["models", "list", "--config", &config_us]);
    assert!(listed.lines().any(|line| line.contains('*') && line.contains(&first)), "{listed}");

    // A new market goes live without a restart.
    assert_eq!(server.get("/v1/markets/fr/items/1082185/bought-together").0, 404);
    succeeded(&["train", "--config", &config(folder.path(), "fr")]);
    server.wait_for("/v1/markets/fr/items/1082185/bought-together", |status, _| status == 200);

    // A request with a wrong method counts under its route; one to an unknown route is not counted.
    assert_eq!(request(&server.api, "PUT", "/v1/markets/us/items/1/alternatives", "").0, 405);
    assert_eq!(server.get("/v1/nothing").0, 404);
    let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
    for line in [
        "trolley_requests_total{method=\"PUT\",route=\"/v1/markets/{market}/items/{item}/alternatives\",status=\"405\"} 1",
        "trolley_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "trolley_requests_total{method=\"PUT\",route=\"/v1/markets/{market}/offers\",status=\"200\"} 1",
        "trolley_model_swaps_total{market=\"us\"} 2",
        "trolley_models_refused_total{market=\"us\"} 0",
        "trolley_offers{market=\"us\"} 2",
        "trolley_stock_items{market=\"us\"} 1",
        "le=\"0.00005\"",
        "trolley_model_figure{market=\"us\",figure=\"bought_together.ndcg\"} 0.",
        "trolley_model_forced{market=\"us\"} 0",
        "trolley_answers_total{market=\"us\",endpoint=\"offers\",tier=\"model\"} 1",
        "trolley_model_age_seconds{market=\"fr\"}",
    ] {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
    assert!(!metrics.contains("1608") && !metrics.contains("1082185"), "no ID of a customer or item in a label");

    examples_are_true(&server);

    // It shuts down cleanly on SIGTERM.
    let told = Command::new("kill").args(["-TERM", &server.process.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(server.process.wait().unwrap().success());
}

/// Every example of the API description is answered as it shows: with the same fields and types, and for short lists
/// the same number of rows. IDs are those of the model.
fn examples_are_true(server: &Server) {
    let (_, models) = request(&server.admin, "GET", "/v1/markets/us/models", "");
    let models: Value = serde_json::from_str(&models).unwrap();
    let version = models["in_service"].as_str().unwrap();
    let (_, document) = server.get("/openapi.json");
    // Events must refer to an existing answer.
    let example_id = "3b6f1c62-9a54-4f1e-8f0e-3d6c1a2b4c5d";
    let mut last_id = example_id.to_owned();
    for (operation, example) in trolley::api::EXAMPLES {
        let example: Value = serde_json::from_str(example).unwrap();
        let (method, path) = example["ask"].as_str().unwrap().split_once(' ').unwrap();
        let body = example.get("body").map_or_else(String::new, ToString::to_string);
        let body = body.replace("2026-11-20t04-00-00z", version).replace(example_id, &last_id);
        let (status, answer) = request(&server.api, method, path, &body);
        assert_eq!(status, 200, "{operation}: {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        is_alike(operation, &example["answer"], &answer);
        if let Some(id) = answer["recommendation_id"].as_str() {
            id.clone_into(&mut last_id);
        }
        let shown = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let shown = shown.filter(|described| described["operationId"] == *operation).collect::<Vec<_>>();
        let shown = &shown[0]["responses"]["200"]["content"]["application/json"]["example"];
        assert_eq!(*shown, example["answer"], "{operation} is shown where it is described");
    }
}

/// The fields of an example exist in the answer, with the same types. Reasons differ from item to item.
fn is_alike(at: &str, example: &Value, answer: &Value) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            let missing: Vec<&String> = example.keys().filter(|key| !answer.contains_key(*key)).collect();
            assert!(missing.is_empty(), "{at} has no {missing:?}: {answer:?}");
            assert!(answer.keys().all(|key| example.contains_key(key)), "{at} has more than {example:?}: {answer:?}");
            for (key, value) in example {
                is_alike(&format!("{at}.{key}"), value, &answer[key]);
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            assert_eq!(example.is_empty(), answer.is_empty(), "{at}: {answer:?}");
            if !at.ends_with(".reasons")
                && let (Some(example), Some(answer)) = (example.first(), answer.first())
            {
                is_alike(at, example, answer);
            }
        }
        (example, answer) => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(answer),
            "{at}: {answer} in place of {example}"
        ),
    }
}

#[test]
fn a_person_asks_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "us");
    let checked = succeeded(&["check", "--config", &config]);
    for fact in ["household_id", "1,654 × return or credit note", "259,262", "79,392"] {
        assert!(checked.contains(fact), "no `{fact}` in {checked}");
    }
    assert!(!folder.path().join("models").exists(), "check trains nothing");
    let nothing = failed(&["recommend", "bought-together", "1082185", "--config", &config]);
    assert!(nothing.contains("trolley train"), "{nothing}");

    succeeded(&["train", "--config", &config]);
    let table = succeeded(&["recommend", "bought-together", "1082185", "--config", &config]);
    assert_eq!(table.lines().count(), 7, "a header and six rows:\n{table}");
    assert!(table.contains("FLUID MILK") && table.contains("often bought with BANANAS"), "{table}");
    let csv = succeeded(&["recommend", "alternatives", "1082185", "--customer", "1608", "--csv", "--config", &config]);
    assert_eq!(csv.lines().next(), Some("rank,item,name,score,tier,why"));
    assert!(csv.contains("\"BANANAS, National"), "names with commas are quoted:\n{csv}");
    let offers = succeeded(&["recommend", "offers", "1608", "--limit", "3", "--reasons", "--config", &config]);
    assert!(offers.contains("53-") && offers.contains("habit +"), "{offers}");
    let shown = succeeded(&["models", "show", "--market", "us", "--config", &config]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["config"]["skipgram"]["epochs"], 2, "the environment was heard");
    assert_eq!(shown["data"]["last_day"], "2018-01-01");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    let file = path.to_str().unwrap();
    let with = |text: &str| std::fs::write(&path, text).unwrap();
    assert!(failed(&["train", "--config", file]).contains("no config file"));
    with("modles = \"m\"");
    let error = failed(&["train", "--config", file]);
    assert!(error.contains("`modles`") && error.contains("did you mean `models`?"), "{error}");
    with("models = \"m\"");
    assert!(failed(&["train", "--config", file]).contains("add one as [markets.NAME]"));
    with("[markets.de]\ntransactions = \"nowhere/*.parquet\"\n");
    let error = failed(&["train", "--config", file]);
    assert!(error.contains("nowhere/*.parquet") && error.contains("market `de`"), "{error}");
    assert!(failed(&["train", "--config", file, "--market", "fr"]).contains("it has [\"de\"]"));
    with("[training]\nhalf_life_days = 0\n[markets.de]\ntransactions = \"nowhere\"\n");
    assert!(failed(&["train", "--config", file]).contains("training.half_life_days must be a number above 0"));
}

#[test]
fn one_markets_failure_leaves_the_others_their_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("t.csv"), "basket_id,item_id,timestamp\nb,x,2024-01-05\nb,y,2024-01-05\n").unwrap();
    let market = |name: &str, file: &str| format!("[markets.{name}]\ntransactions = \"{}\"\n", path(file));
    let folders = ["models", "rejects", "reports"].map(|key| format!("{key} = \"{}\"\n", path(key))).concat();
    let text = folders + &market("at", "t.csv") + &market("de", "nowhere.csv") + &market("fr", "t.csv");
    std::fs::write(path("shop.toml"), text).unwrap();
    let output = trolley(&["train", "--config", &path("shop.toml")]);
    let (printed, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success() && said.contains("no new model for de"), "{said}");
    let ends: Vec<(&str, &str)> = printed
        .lines()
        .skip_while(|line| !line.ends_with("MiB"))
        .skip(1)
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(market, rest)| (market, rest.trim().split(' ').next().unwrap_or("")))
        .collect();
    assert_eq!(ends, [("at", "published"), ("de", "failed"), ("fr", "published")], "{printed}");
    for name in ["at", "fr"] {
        assert!(folder.path().join("models").join(name).join("current").is_file());
    }
}
