//! A bad model does not get into service: the real binary, night after night.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "common/server.rs"]
mod server;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use server::{Server, request};
use trolley_model::Name;
use trolley_training::{InputConfig, Shop, ShopSize, Silent};

/// A shop with its baskets as one table.
struct Generated {
    folder: tempfile::TempDir,
}

impl Generated {
    /// The real sample.
    fn sample() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = format!("{}/tests/data", env!("CARGO_MANIFEST_DIR"));
        let input: InputConfig = serde_json::from_value(serde_json::json!({
            "transactions": format!("{data}/transactions.parquet"),
            "items": format!("{data}/products.parquet"),
            "columns": {
                "transactions": {
                    "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"
                },
                "items": { "item_id": "product_id", "category": "product_type" }
            }
        }))
        .unwrap();
        let (market, latest) = (Name::new("us").unwrap(), chrono::DateTime::<chrono::Utc>::MAX_UTC);
        let tables = trolley_training::read(
            &market,
            &input,
            &[],
            trolley_training::input::RowOutcomes::counted(),
            latest,
            &Silent,
        )
        .unwrap();
        let (transactions, mut lines) =
            (&tables.transactions, String::from("basket_id,item_id,timestamp,customer_id\n"));
        for (number, basket) in transactions.baskets.iter().enumerate() {
            let (customer, time) = (transactions.customers.get(basket.customer), i64::from(basket.day) * 86_400);
            for &item in transactions.items_of(number) {
                writeln!(lines, "{number},{},{time},{customer}", transactions.items.get(item)).unwrap();
            }
        }
        let mut items = String::from("item_id,category\n");
        for (id, item) in tables.items.iter().filter(|(id, _)| transactions.items.position(id).is_some()) {
            writeln!(items, "{id},\"{}\"", item.category.as_deref().unwrap_or("")).unwrap();
        }
        std::fs::write(folder.path().join("all.csv"), lines).unwrap();
        std::fs::write(folder.path().join("items.csv"), items).unwrap();
        Self { folder }
    }

    fn new(size: ShopSize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Shop::new(size, 1).write(folder.path(), &Silent).unwrap();
        let generated = Self { folder };
        std::fs::rename(generated.path("transactions-000.csv"), generated.path("all.csv")).unwrap();
        generated
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// A config for the baskets of some days, counted back from the last one.
    fn config(&self, name: &str, last_days: std::ops::Range<i64>, training: &str) -> String {
        let all = std::fs::read_to_string(self.path("all.csv")).unwrap();
        let (head, rows) = all.split_once('\n').unwrap();
        let day = |row: &str| row.split(',').nth(2).unwrap().parse::<i64>().unwrap() / 86_400;
        let end = rows.lines().map(day).max().unwrap();
        let kept: Vec<&str> = rows.lines().filter(|row| last_days.contains(&(end - day(row)))).collect();
        let table = self.path(&format!("{name}.csv"));
        std::fs::write(&table, format!("{head}\n{}\n", kept.join("\n"))).unwrap();
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
ials = {{ iterations = 2, dims = 8 }}
{training}
[markets.shop]
transactions = "{table}"
items = "{folder}/items.csv"
"#,
            folder = self.folder.path().display(),
            table = table.display()
        );
        let path = self.path(&format!("{name}.toml"));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn current(&self) -> String {
        std::fs::read_to_string(self.path("models/shop/current")).unwrap()
    }
}

/// A training that is just good enough to beat the bestsellers.
const GOOD: &str = "skipgram = { epochs = 4, dims = 16 }\nblend = { rounds = 40, cases = 3000 }\n\
                    evaluation = { test_days = 21, validation_days = 21, offer_weeks = 1 }";

fn trolley(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trolley")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn page(folder: &Path) -> String {
    let pages = std::fs::read_dir(folder.join("reports/shop")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
    // Of several reports in the same second, the newest by modification time.
    let newest = pages.max_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap()).unwrap();
    std::fs::read_to_string(newest).unwrap()
}

#[test]
fn ten_days_do_not_take_the_place_of_a_year() {
    let shop = Generated::new(ShopSize { lines: 40_000, items: 300, customers: 500, days: 365 });
    let (year, ten_days) = (shop.config("year", 0..365, GOOD), shop.config("ten-days", 0..10, GOOD));
    let first = trolley(&["train", "--config", &year]);
    assert!(first.status.success(), "{}", text(&first));
    assert!(text(&first).contains("every gate was passed"), "{}", text(&first));
    let good = shop.current();

    let checked = text(&trolley(&["check", "--config", &ten_days]));
    assert!(checked.contains("NOT JUDGED") && checked.contains("12 more days are needed"), "{checked}");
    let checked = text(&trolley(&["check", "--config", &year]));
    assert!(!checked.contains("NOT JUDGED"), "{checked}");

    let refused = trolley(&["train", "--config", &ten_days]);
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for fact in [
        "volume.baskets",
        "volume.days: 10 days are 0.03 of the 365 of the model in service",
        "--accept-smaller",
        "judged: the model in service was judged, and this one was not",
        "12 more days are needed",
        "--accept-unjudged",
    ] {
        assert!(said.contains(fact), "no `{fact}` in {said}");
    }
    assert_eq!(shop.current(), good, "what was in service stays");
    let page_of_refused = page(shop.folder.path());
    assert!(page_of_refused.contains("Not published") && !page_of_refused.contains("every gate was passed"));

    // Accepting one of the two is not enough.
    assert_eq!(trolley(&["train", "--config", &ten_days, "--accept-smaller"]).status.code(), Some(1));
    assert_eq!(shop.current(), good);

    let accepted = trolley(&["train", "--config", &ten_days, "--accept-smaller", "--accept-unjudged"]);
    assert!(accepted.status.success(), "{}", text(&accepted));
    assert!(text(&accepted).contains("NOT JUDGED") && text(&accepted).contains("ACCEPTED"), "{}", text(&accepted));
    assert_ne!(shop.current(), good);
    let page = page(shop.folder.path());
    assert!(page.contains("Published: NOT JUDGED.") && !page.contains("every gate was passed"));
    let shown = trolley(&["models", "show", "--config", &ten_days, "--market", "shop"]);
    let manifest: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(manifest["judgement"]["verdict"], "not_judged");
    assert_eq!(manifest["judgement"]["accepted"], serde_json::json!(["smaller", "unjudged"]));

    let server = Server::start(&ten_days);
    let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
    for line in [
        "trolley_model_verdict{market=\"shop\",verdict=\"not_judged\"} 1",
        "trolley_model_verdict{market=\"shop\",verdict=\"passed\"} 0",
        "trolley_model_accepted{market=\"shop\",accepted=\"unjudged\"} 1",
        "trolley_model_accepted{market=\"shop\",accepted=\"smaller\"} 1",
    ] {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
}

#[test]
fn a_shop_that_is_too_young_is_told_that_its_model_is_not_judged() {
    let shop = Generated::new(ShopSize { lines: 2000, items: 50, customers: 50, days: 15 });
    let config = shop.config("young", 0..15, GOOD);
    for _ in 0..2 {
        let output = trolley(&["train", "--config", &config]);
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("NOT JUDGED: the transactions cover 15 days"), "{}", text(&output));
        assert!(!text(&output).contains("gate was passed"), "{}", text(&output));
    }
    assert!(page(shop.folder.path()).contains("Published: NOT JUDGED."));
}

/// With a single partner per item, the model knows almost nothing about complements.
#[test]
fn settings_that_are_worse_are_not_carried_by_newer_data() {
    let shop = Generated::sample();
    // A good model of a month ago; then all data up to today, with one partner, two dimensions, one epoch and no trees.
    let settings = |partners: u32, epochs: u32, dims: u32, rounds: u32| {
        format!(
            "partners = {partners}\nskipgram = {{ epochs = {epochs}, dims = {dims} }}\nblend = {{ rounds = {rounds}, cases = 1200 }}\n\
             evaluation = {{ test_days = 31, longest_test_days = 31, validation_days = 31, offer_weeks = 1 }}"
        )
    };
    let good = settings(192, 5, 32, 20);
    let (before, newer) = (shop.config("before", 30..400, &good), shop.config("newer", 0..400, &good));
    let poor = shop.config("poor", 0..400, &settings(1, 1, 2, 0));
    let first = trolley(&["train", "--config", &before]);
    assert!(first.status.success(), "{}", text(&first));
    let in_service = shop.current();

    let refused = trolley(&["train", "--config", &poor]);
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("settings.\"bought_together"), "{said}");
    assert!(said.contains("both fitted to the same past and judged on 31 days"), "{said}");
    assert!(said.contains("go back to the settings in service"), "what to do is said: {said}");
    assert_eq!(shop.current(), in_service);

    // Newer data with the settings in service is published.
    let better = trolley(&["train", "--config", &newer]);
    assert!(better.status.success(), "{}", text(&better));
    assert_ne!(shop.current(), in_service);
}

#[test]
fn versions_and_configs_are_compared_without_publishing() {
    let shop = Generated::new(ShopSize { lines: 20_000, items: 100, customers: 200, days: 120 });
    let few = "skipgram = { epochs = 1, dims = 2 }\nblend = { rounds = 0, cases = 500 }\n\
               evaluation = { test_days = 21, validation_days = 21, offer_weeks = 1 }";
    let (good, few) = (shop.config("good", 0..120, GOOD), shop.config("few", 0..120, few));
    let json = shop.path("compared.json").display().to_string();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let leads = |a: &str, b: &str, more: &[&str]| {
        let output = trolley(&[&["compare", a, b, "--json", &json], more].concat());
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("lead of B"), "{}", text(&output));
        let figures: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
        let of = |figure: &str| {
            let of = &figures["leads"][figure];
            [&of["lead"]["value"], &of["ours"], &of["theirs"]].map(|number| number.as_f64().unwrap())
        };
        let [lead, ours, theirs] = of("bought_together.due_to_item");
        assert!(near(lead, ours - theirs), "a difference and no share: {lead} {ours} {theirs}");
        of("bought_together.ndcg")
    };
    let [lead, ours, theirs] = leads(&good, &few, &[]);
    assert!(near(lead, ours / theirs - 1.0) && lead != 0.0, "{lead} {ours} {theirs}");
    let [_, swapped_ours, swapped_theirs] = leads(&few, &good, &[]);
    assert!(near(swapped_ours, theirs) && near(swapped_theirs, ours), "{swapped_ours} {swapped_theirs}");
    assert!(!shop.path("models").exists(), "nothing was published");

    let mut versions = Vec::new();
    for seed in ["1", "2"] {
        let trained = trolley(&["train", "--config", &good, "--seed", seed, "--force"]);
        assert!(trained.status.success(), "{}", text(&trained));
        versions.push(shop.current().trim().to_owned());
    }
    let [_, ours, theirs] = leads(&versions[0], &versions[1], &["--config", &good]);
    let [lead, ours_again, _] = leads(&versions[1], &versions[1], &["--config", &good]);
    assert!(near(lead, 0.0) && near(ours, ours_again) && !near(ours, theirs), "{ours} {theirs} {ours_again}");

    let mixed = trolley(&["compare", &versions[0], &few, "--config", &good]);
    assert_eq!(mixed.status.code(), Some(1));
    assert!(text(&mixed).contains("not one of each"), "{}", text(&mixed));
}
