//! A bad model does not get into service: the real binary, night after night.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "common/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use server::{Server, request};
use trolley_training::{Shop, ShopSize, Silent};

/// A shop with its baskets as one table.
struct Generated {
    folder: tempfile::TempDir,
}

impl Generated {
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

    /// A config for the baskets of some days, counted from the last one.
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

/// Enough of a training to be better than bestsellers.
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
    // Of those made in the same second the last one has a number.
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

    // One of the two is not enough.
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

#[test]
fn settings_that_are_worse_are_not_carried_by_newer_data() {
    let shop = Generated::new(ShopSize { lines: 60_000, items: 300, customers: 600, days: 200 });
    // A good model of a month ago; then everything up to today, with two dimensions, one pass and no trees.
    let before = shop.config("before", 30..200, GOOD);
    let poor = "skipgram = { epochs = 1, dims = 2 }\nblend = { rounds = 0, cases = 3000 }\n\
                evaluation = { test_days = 21, validation_days = 21, offer_weeks = 1 }";
    let (poor, good) = (shop.config("poor", 0..200, poor), shop.config("good", 0..200, GOOD));
    let first = trolley(&["train", "--config", &before]);
    assert!(first.status.success(), "{}", text(&first));
    let in_service = shop.current();

    let refused = trolley(&["train", "--config", &poor]);
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("settings.\"") && said.contains("both fitted to the same past"), "{said}");
    assert_eq!(shop.current(), in_service);

    // The same settings on the same data are published.
    let better = trolley(&["train", "--config", &good]);
    assert!(better.status.success(), "{}", text(&better));
    assert_ne!(shop.current(), in_service);

    // Two configs beside each other, without publishing.
    let json = shop.path("compared.json").display().to_string();
    let compared = trolley(&["compare", &good, &poor, "--json", &json]);
    assert!(compared.status.success(), "{}", text(&compared));
    assert!(text(&compared).contains("lead of B"), "{}", text(&compared));
    let figures: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let lead = &figures["leads"]["bought_together.ndcg"]["lead"];
    assert!(lead["value"].as_f64().unwrap() < 0.0, "{figures}");
    // And two versions.
    let versions = [in_service.trim(), &shop.current()].map(|version| version.trim().to_owned());
    let compared = trolley(&["compare", &versions[0], &versions[1], "--config", &good]);
    assert!(compared.status.success(), "{}", text(&compared));
    let mixed = trolley(&["compare", &versions[0], &poor, "--config", &good]);
    assert_eq!(mixed.status.code(), Some(1));
    assert!(text(&mixed).contains("not one of each"), "{}", text(&mixed));
}
