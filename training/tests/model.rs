//! Models of the real sample: they beat the baselines, and are the same for any number of threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_training::gate::references;
use trolley_training::input::RowOutcomes;
use trolley_training::{
    Accept, EvaluationConfig, IalsConfig, InputConfig, Silent, SkipGramConfig, TrainingConfig, TrainingJob, examine,
    read, train,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

fn input() -> InputConfig {
    serde_json::from_value(serde_json::json!({
        "transactions": format!("{SAMPLE}/transactions.parquet"),
        "items": format!("{SAMPLE}/products.parquet"),
        "offers": format!("{SAMPLE}/offers.parquet"),
        "exclude": { "department": ["FUEL", "MISCELLANEOUS"] },
        "columns": {
            "transactions": {
                "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"
            },
            "items": { "item_id": "product_id", "category": "product_type" },
            "offers": { "numbers": ["mailer_stores", "front_page_stores", "display_stores"] }
        }
    }))
    .unwrap()
}

fn us() -> Name {
    Name::new("us").unwrap()
}

fn job<'a>(
    folder: &Path,
    input: &'a InputConfig,
    config: &'a TrainingConfig,
    registry: &'a ModelRegistry,
) -> TrainingJob<'a> {
    static MARKET: LazyLock<Name> = LazyLock::new(us);
    TrainingJob {
        market: &MARKET,
        input,
        config,
        registry,
        rejects: folder.join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        erased: &|_| false,
        pushed: &[],
        threads: 0,
        accept: Accept::default(),
        force: false,
    }
}

/// The last month was not used for choosing signals and settings. A model with broken embeddings, counts, factors,
/// histories or blend falls below these margins.
#[test]
fn answers_beat_the_baselines_on_weeks_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (input, config, registry) =
        (input(), TrainingConfig::default(), ModelRegistry::new(folder.path().join("models")));
    let outcome = examine(&job(folder.path(), &input, &config, &registry), true, &Silent).unwrap();
    let found = outcome.evaluation.unwrap();
    assert!(outcome.decision.failures.is_empty(), "{:?}", outcome.decision);
    assert!(registry.markets().unwrap().is_empty(), "nothing was published");
    let lead = |benchmark: &str, over: &str, metric: &str| {
        found.benchmark(benchmark).unwrap().result(over).unwrap().lead[metric].value
    };
    let (anonymous, known) = ("bought_together_anonymous", "bought_together");
    let ahead = |benchmark: &str, over: &str, figure: &str| {
        found.benchmark(benchmark).unwrap().result(over).unwrap().ahead[figure]
    };
    assert!(lead(anonymous, "co-purchase count", "recall") > 0.05, "{found:#?}");
    assert!(ahead(anonymous, "bestsellers", "due_to_item").low > 0.01);
    assert!(lead(known, "most frequent", "hit_rate") > 0.02);
    assert!(lead(known, "most frequent", "ndcg") > 0.05);
    // Items that a customer buys anyway have no uplift, and their list is the same for every item.
    assert!(ahead(known, "most frequent, decayed", "due_to_item").low > 0.005);
    assert!(ahead(known, "most frequent, decayed", "overlap").high < -0.2);
    let shown = |figure: &str| found.benchmark(anonymous).unwrap().of_model(figure).unwrap().value;
    assert!(shown("categories") > 4.0 && shown("top_50_share") < 0.6, "the list is varied");
    assert!(lead("alternatives", "bestsellers of the kind", "hit_rate") > 0.25);
    assert!(lead("alternatives", "most frequent of the kind", "ndcg") > 0.01);
    assert!(lead("alternatives_anonymous", "bestsellers of the kind", "hit_rate") > 0.05);
    assert!(lead("next_basket", "bestsellers", "recall") > 1.0);
    let together = found.benchmark(known).unwrap();
    assert!(together.groups[0].cases > 1500, "{}", together.groups[0].cases);
    let bestsellers = together.result("bestsellers").unwrap().figures["hit_rate"];
    assert!(bestsellers.value > 0.2, "the baselines themselves are sound");
    assert!(bestsellers.low < bestsellers.value && bestsellers.value < bestsellers.high);
    let [ours, stats] = found.audience.unwrap();
    assert!(ours.low > stats.high, "an audience is more than those who bought it before: {ours:?} {stats:?}");
    assert!(found.coverage.customers > 0.99 && found.coverage.items > 0.95, "{:?}", found.coverage);
    assert!(found.substitution.category_agreement > 0.9, "{:?}", found.substitution);
    // Users copy these names into their gates.
    for name in ["bought_together.ndcg", "offers.recall", "audience.auc", "coverage.catalogue", "alternatives.lift"] {
        assert!(found.figures().contains_key(name), "{name}");
    }
}

/// A training that takes seconds.
fn quick() -> TrainingConfig {
    let mut config = TrainingConfig {
        skipgram: SkipGramConfig { epochs: 2, dims: 16, ..Default::default() },
        ials: IalsConfig { iterations: 2, dims: 16, ..Default::default() },
        ..TrainingConfig::default()
    };
    config.evaluation = EvaluationConfig { test_days: 21, longest_test_days: 21, validation_days: 14, offer_weeks: 1 };
    // So few cases cannot choose the focus.
    let blend = serde_json::json!({"rounds": 20, "cases": 600, "item_focus": 0.5});
    config.blend = serde_json::from_value(blend).unwrap();
    config
}

/// A basket: its ID, its day, its customer and its items.
type Line = (String, u16, String, Vec<String>);

/// The baskets of the sample as a table, modified by `change`.
fn rewritten(folder: &Path, change: impl Fn(Vec<Line>) -> Vec<Line>) -> InputConfig {
    let sample = input();
    let tables =
        read(&us(), &sample, &[], RowOutcomes::counted(), chrono::DateTime::<chrono::Utc>::MAX_UTC, &Silent).unwrap();
    let transactions = &tables.transactions;
    let baskets = transactions.baskets.iter().enumerate().map(|(number, basket)| {
        let items = transactions.items_of(number).iter().map(|&item| transactions.items.get(item).to_owned());
        let customer = transactions.customers.get(basket.customer).to_owned();
        (format!("{number:06}"), basket.day, customer, items.collect())
    });
    let mut text = String::from("basket_id,item_id,timestamp,customer_id\n");
    for (basket, day, customer, items) in change(baskets.collect()) {
        for item in items {
            writeln!(text, "{basket},{item},{},{customer}", i64::from(day) * 86_400 + 43_200).unwrap();
        }
    }
    let path = folder.join("rewritten.csv");
    fs::write(&path, text).unwrap();
    let mut input = sample;
    input.transactions = path.display().to_string();
    input.columns.transactions = trolley_training::input::TransactionColumns::default();
    input
}

#[test]
fn a_model_of_shuffled_baskets_is_refused_and_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (config, registry) = (quick(), ModelRegistry::new(folder.path().join("models")));
    let sample = input();
    let good = train(&job(folder.path(), &sample, &config, &registry), &Silent).unwrap();
    assert!(good.published, "{:?}", good.decision);
    let version = good.manifest.unwrap().version;

    // Basket sizes stay, but the items are permuted.
    let shuffled = rewritten(folder.path(), |mut baskets| {
        let mut items: Vec<String> = baskets.iter().flat_map(|basket| basket.3.clone()).collect();
        let mut state = 1u64;
        for last in (1..items.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            items.swap(last, (state >> 33) as usize % (last + 1));
        }
        let mut items = items.into_iter();
        for basket in &mut baskets {
            basket.3 = items.by_ref().take(basket.3.len()).collect();
        }
        baskets
    });
    let bad = train(&job(folder.path(), &shuffled, &config, &registry), &Silent).unwrap();
    assert!(!bad.published);
    let failed: Vec<&str> = bad.decision.failures.iter().map(|failure| failure.gate.as_str()).collect();
    assert!(failed.contains(&"margin.\"bought_together_anonymous.hit_rate\""), "{:?}", bad.decision);
    assert_eq!(registry.current(&us()).unwrap(), version, "what was in service stays");
    let manifest = bad.manifest.unwrap();
    assert_eq!(registry.rejected().open(&us(), &manifest.version).unwrap().manifest.failed_gates, failed);
    assert!(!registry.versions(&us()).unwrap().contains(&manifest.version));

    // A forced model is published, and its failures are recorded.
    let job = TrainingJob { force: true, ..job(folder.path(), &shuffled, &config, &registry) };
    let forced = train(&job, &Silent).unwrap();
    assert!(forced.published && !forced.decision.failures.is_empty());
    let current = registry.current(&us()).unwrap();
    assert_eq!(registry.open(&us(), &current).unwrap().manifest.failed_gates, failed);
}

#[test]
fn a_shop_that_does_not_know_its_customers_learns_and_is_judged_basket_by_basket() {
    let folder = tempfile::tempdir().unwrap();
    let (config, registry) = (quick(), ModelRegistry::new(folder.path().join("models")));
    let strangers = rewritten(folder.path(), |baskets| {
        baskets.into_iter().map(|(basket, day, _, items)| (basket, day, String::new(), items)).collect()
    });
    let outcome = train(&job(folder.path(), &strangers, &config, &registry), &Silent).unwrap();
    let evaluation = outcome.evaluation.unwrap();
    assert!(!evaluation.feature_importances["bought_together_anonymous"].is_empty(), "the blend was learned");
    let benchmark =
        evaluation.benchmarks.iter().find(|benchmark| benchmark.name == "bought_together_anonymous").unwrap();
    let group = &benchmark.groups[0];
    let trolley = group.results[0].figures["ndcg"];
    assert_eq!(group.customers, group.cases);
    assert!(trolley.low < trolley.value && trolley.value < trolley.high, "{trolley:?}");
}

#[test]
fn half_a_year_beside_a_whole_one_is_judged_on_the_same_baskets() {
    let folder = tempfile::tempdir().unwrap();
    let (config, registry) = (quick(), ModelRegistry::new(folder.path().join("models")));
    let gate = serde_json::json!({"tolerance": {"alternatives.ndcg": 0.0, "offers.ndcg": 0.0}});
    let gated = |mut input: InputConfig| {
        input.gate = Some(serde_json::from_value(gate.clone()).unwrap());
        input
    };
    let (whole_folder, half_folder) = (folder.path().join("whole"), folder.path().join("half"));
    fs::create_dir_all(&whole_folder).unwrap();
    fs::create_dir_all(&half_folder).unwrap();
    let whole = gated(rewritten(&whole_folder, |baskets| baskets));
    // From October on: purchases before that are unknown.
    let half = gated(rewritten(&half_folder, |baskets| baskets.into_iter().filter(|b| b.1 >= 17_440).collect()));
    let accept = Accept { smaller: true, ..Accept::default() };
    let publish = |input: &InputConfig| {
        train(&TrainingJob { accept, ..job(folder.path(), input, &config, &registry) }, &Silent).unwrap()
    };

    let first = publish(&half);
    assert!(first.published && first.comparison.is_none(), "there was nothing to compare with");
    let better = publish(&whole);
    let lead = better.comparison.as_ref().unwrap().leads["alternatives.ndcg"].lead;
    assert!(better.published && lead.low > 0.0, "a whole year is better, surely: {lead:?}");
    let worse = publish(&half);
    assert!(!worse.published, "{:?}", worse.comparison);
    let failed: Vec<&str> = worse.decision.failures.iter().map(|failure| failure.gate.as_str()).collect();
    assert!(failed.contains(&"tolerance.\"alternatives.ndcg\""), "{failed:?}");
    assert!(failed.iter().all(|gate| gate.starts_with("tolerance")), "smaller was accepted: {failed:?}");
    assert_eq!(worse.decision.accepted_kinds(), ["smaller"]);
    let other_way = worse.comparison.unwrap().leads["alternatives.ndcg"].lead;
    assert!(other_way.high < 0.0, "and half a year is worse, as surely: {other_way:?}");

    // The forced model does not become the reference of the next one.
    let versions = |outcome: &trolley_training::Outcome| outcome.manifest.as_ref().unwrap().version.clone();
    assert_eq!(references(&registry, &us()).unwrap(), [versions(&better)]);
    let forced =
        train(&TrainingJob { force: true, accept, ..job(folder.path(), &half, &config, &registry) }, &Silent).unwrap();
    assert_eq!(references(&registry, &us()).unwrap(), [versions(&forced), versions(&better)]);
    let again = publish(&half);
    let failed: Vec<&str> = again.decision.failures.iter().map(|failure| failure.gate.as_str()).collect();
    assert!(failed.contains(&"reference.\"alternatives.ndcg\""), "as good as the last, not as the best: {failed:?}");

    // Data that ends earlier than that of the model in service is refused, whatever its quality.
    let early = gated(rewritten(&half_folder, |baskets| baskets.into_iter().filter(|b| b.1 < 17_440).collect()));
    let outcome = publish(&early);
    assert_eq!(outcome.decision.failures[0].gate, "data", "{:?}", outcome.decision);
}

/// All files of the artefact of a training, by name.
fn trained(folder: &Path, threads: usize, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let config = TrainingConfig { seed, ..quick() };
    let (input, registry) = (input(), ModelRegistry::new(folder.join(format!("models-{threads}-{seed}"))));
    let job = TrainingJob { threads, ..job(folder, &input, &config, &registry) };
    let manifest = train(&job, &Silent).unwrap().manifest.unwrap();
    let path = registry.path().join("us").join(manifest.version);
    fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn one_two_and_three_threads_write_the_same_bytes_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let one = trained(folder.path(), 1, 1);
    assert_eq!(one.len(), 11);
    for threads in [2, 3] {
        let other = trained(folder.path(), threads, 1);
        for (file, bytes) in &one {
            assert!(other[file] == *bytes, "{file} differs between 1 and {threads} threads");
        }
    }
    let other = trained(folder.path(), 2, 2);
    assert_ne!(other["items.input.fifu"], one["items.input.fifu"]);
    assert_eq!(other["histories.safetensors"], one["histories.safetensors"], "counting knows no chance");
}

#[test]
fn two_models_made_in_the_same_second_both_stay() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "basket_id,item_id,timestamp\nb,x,2024-01-05\nb,y,2024-01-05\n";
    fs::write(folder.path().join("t.csv"), lines).unwrap();
    let input = serde_json::from_value(serde_json::json!({ "transactions": folder.path().join("t.csv") })).unwrap();
    let (config, registry) = (TrainingConfig::default(), ModelRegistry::new(folder.path().join("models")));
    let job = job(folder.path(), &input, &config, &registry);
    let (first, second) = (train(&job, &Silent).unwrap(), train(&job, &Silent).unwrap());
    assert!(first.evaluation.is_err(), "one day leaves nothing to hold back");
    let (first, second) = (first.manifest.unwrap(), second.manifest.unwrap());
    assert!(first.version < second.version);
    assert_eq!(registry.current(&us()).unwrap(), second.version);
    assert_eq!(first.data.fingerprint, second.data.fingerprint);
    // Two items, no customer, nothing learned: the model still answers.
    let opened = registry.open(&us(), &second.version).unwrap();
    let limits = trolley_model::recommend::Limits::best(6);
    let query = trolley_model::Query { items: &[trolley_model::Item(0)], ..Default::default() };
    assert_eq!(trolley_model::recommend::bought_together(&opened.model, &query, &limits).len(), 1);
}
