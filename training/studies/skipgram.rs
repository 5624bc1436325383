//! Study of the embeddings' settings: each is varied alone, and the vectors are evaluated by themselves on weeks before
//! the test. Not a test; it takes ten minutes on the full Complete Journey:
//!
//! `cargo test -p trolley-training study -- --ignored --nocapture`

use std::path::Path;

use rayon::prelude::*;
use trolley_model::kernel::dot;
use trolley_model::{Item, Model, Name, Top};

use super::alternatives;
use super::bought_together::{anonymous, cases};
use super::case::{Band, Case};
use super::metrics::figures;
use crate::Tables;
use crate::baskets::catalogue_and_baskets;
use crate::config::{SkipGramConfig, TrainingConfig};
use crate::count::Scope;
use crate::fit::fit;
use crate::input::RowOutcomes;
use crate::progress::Silent;
use crate::skipgram::skip_gram;

/// Number of days of the study; the test of the published results follows.
const STUDIED_DAYS: u16 = 30;
const TEST_DAYS: u16 = 31;

/// The full Complete Journey, from the folder of `scripts/fetch-complete-journey.sh`.
pub(crate) fn complete_journey() -> Tables {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/complete-journey");
    let input = serde_json::from_value(serde_json::json!({
        "transactions": data.join("transactions.parquet"),
        "items": data.join("products.parquet"),
        "offers": data.join("offers.parquet"),
        "exclude": {"department": ["FUEL", "MISCELLANEOUS"]},
        "columns": {
            "transactions": {
                "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"},
            "items": {"item_id": "product_id", "category": "product_type", "name": ["product_type", "brand", "package_size"]},
            "offers": {"numbers": ["mailer_stores", "front_page_stores", "back_page_stores", "display_stores"]},
        },
    }));
    let market = Name::new("us").unwrap();
    crate::read(&market, &input.unwrap(), &[], RowOutcomes::counted(), chrono::Utc::now(), &Silent).unwrap()
}

#[test]
#[ignore = "a study of ten minutes, not a test"]
fn skip_gram_by_its_own_metric() {
    let tables = complete_journey();
    let (transactions, items) = (&tables.transactions, &tables.items);
    let end = transactions.baskets.last().unwrap().day + 1 - TEST_DAYS;
    let (from, to) = (transactions.before(end - STUDIED_DAYS), transactions.before(end));

    let config = TrainingConfig::default();
    let parts = fit(transactions, from, items, &tables.offers, &config, Scope::Customers, &Silent).unwrap().parts;
    let (catalogue, baskets) =
        catalogue_and_baskets(transactions, from, items, config.recent_days, config.min_baskets).unwrap();
    let counts = &catalogue.all_baskets()[..baskets.learned];
    let plain = Model::new(parts.clone()).unwrap();
    let together = anonymous(&cases(&plain, transactions, from..to, config.seed));
    let instead = anonymous(&alternatives::cases(&plain, transactions, from..to));
    println!("{} and {} cases", together.len(), instead.len());
    println!("setting | together alone HR@6 nDCG@6 | with popularity | tail | alternatives by cosine HR@6");
    let base = SkipGramConfig::default();
    let mut settings = vec![("default".to_owned(), base.clone())];
    let mut vary = |name: &str, change: &dyn Fn(&mut SkipGramConfig)| {
        let mut varied = base.clone();
        change(&mut varied);
        settings.push((name.to_owned(), varied));
    };
    for power in [-0.5, 0.0, 0.75, 1.0] {
        vary(&format!("power {power}"), &|c| c.power = power);
    }
    for negatives in [2.0, 15.0] {
        vary(&format!("negatives {negatives}"), &|c| c.negatives = negatives);
    }
    for shared in [8, 16, 64] {
        vary(&format!("shared_negatives {shared}"), &|c| c.shared_negatives = shared);
    }
    for subsample in [0.05, 0.01, 0.001] {
        vary(&format!("subsample {subsample}"), &|c| c.subsample = subsample);
    }
    for epochs in [5, 30] {
        vary(&format!("epochs {epochs}"), &|c| c.epochs = epochs);
    }
    for dims in [32, 128] {
        vary(&format!("dims {dims}"), &|c| c.dims = dims);
    }
    for rate in [0.05, 0.1, 0.4] {
        vary(&format!("learning_rate {rate}"), &|c| c.learning_rate = rate);
    }
    for (name, config) in settings {
        let (input, output, _) = skip_gram(baskets.sample(), counts, &config, 1, &Silent);
        let model = Model::new(trolley_model::Parts { input, output, ..parts.clone() }).unwrap();
        let alone = judge(&together, |case| best_together(&model, case, 0.0));
        let shrunk = |case: &Case| best_together(&model, case, 0.7);
        let with_popularity = judge(&together, shrunk);
        let tail: Vec<Case> = together.iter().filter(|case| case.band == Band::Tail).cloned().collect();
        let tail = judge(&tail, shrunk);
        let cosine = judge(&instead, |case| best_of_kind(&model, case));
        println!(
            "{name} | {:.4} {:.4} | {:.4} {:.4} | {:.4} {:.4} | {:.4}",
            alone[0], alone[1], with_popularity[0], with_popularity[1], tail[0], tail[1], cosine[0]
        );
    }
}

fn judge(cases: &[Case], answer: impl Fn(&Case) -> Vec<Item> + Sync) -> [f64; 2] {
    let all: Vec<_> =
        cases.par_iter().map(|case| figures(&answer(case), &case.relevant, case.relevant_count, 6)).collect();
    [0, 2].map(|metric| all.iter().map(|figures| figures[metric]).sum::<f64>() / all.len() as f64)
}

/// Ranks by input · output, plus `popularity` times the log of the item's popularity.
fn best_together(model: &Model, case: &Case, popularity: f32) -> Vec<Item> {
    let mut top = Top::new(6);
    if let Some(&query) = case.items.first().filter(|&&query| model.is_learned(query)) {
        let (unit, norm) = (model.input().unit(query.0), model.input().norm(query.0));
        for item in (0..model.output().len() as u32).map(Item).filter(|item| *item != query) {
            let score = norm * model.output().dot(item.0, unit);
            top.push(score + popularity * model.catalogue().popularity(item).max(1e-6).ln(), item.0);
        }
    }
    top.into_sorted().into_iter().map(|(item, _)| Item(item)).collect()
}

/// Ranks items of the same category by the cosine of the input vectors.
fn best_of_kind(model: &Model, case: &Case) -> Vec<Item> {
    let mut top = Top::new(6);
    if let Some(&query) = case.items.first().filter(|&&query| model.is_learned(query))
        && let Some(category) = model.catalogue().category(query)
    {
        let members = model.catalogue().members(category).iter().filter(|&&item| item != query);
        for &item in members.filter(|&&item| model.is_learned(item)) {
            top.push(dot(model.input().unit(item.0), model.input().unit(query.0)), item.0);
        }
    }
    top.into_sorted().into_iter().map(|(item, _)| Item(item)).collect()
}
