//! Counts are a plain value: filled by hand, they give the same model as counting.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use trolley_model::artefact::{DataFacts, Draft, ModelRegistry};
use trolley_model::catalogue::{CatalogueParts, NO_CATEGORY};
use trolley_model::co_purchases::Partner;
use trolley_model::{
    Attributes, Catalogue, CoPurchases, Counting, DatedBasket, Histories, Ids, Item, Name, Offsets, OwnedProfile,
    Parts, RecentBaskets, Stores,
};
use trolley_training::input::{Basket, Items, Transactions};
use trolley_training::{BasketSample, Counts, Pairs, Scope, Silent, TrainingConfig, fit, learn};

fn ids(texts: &[&str]) -> Ids {
    let mut ids = Ids::default();
    texts.iter().for_each(|text| _ = ids.intern(text).unwrap());
    ids
}

const END: u16 = 104;

/// Anna bought bread and butter, then bread and butter again with jam; bert bought bread alone.
const BASKETS: [(u16, &[Item]); 3] =
    [(100, &[Item(0), Item(1)]), (101, &[Item(0)]), (103, &[Item(0), Item(1), Item(2)])];

fn counted_by_hand(config: &TrainingConfig) -> Counts {
    let baskets = vec![3, 2, 1];
    let catalogue = Catalogue::new(CatalogueParts {
        items: ids(&["bread", "butter", "jam"]),
        recent_baskets: baskets.clone(),
        latest_baskets: baskets.clone(),
        baskets,
        category: vec![NO_CATEGORY; 3],
        total_baskets: 3,
        total_recent_baskets: 3,
        total_latest_baskets: 3,
        ..CatalogueParts::default()
    });
    let counting = Counting {
        end: END,
        half_life_days: config.half_life_days,
        last_baskets: config.last_baskets,
        taken_on_offer: None,
    };
    let [first, second, third] = BASKETS.map(|(day, items)| DatedBasket { day, items, quantities: &[] });
    let profiles = [OwnedProfile::count(&[first, third], &counting), OwnedProfile::count(&[second], &counting)];
    let stores = Stores::new(Ids::default(), vec![0], vec![], vec![], vec![], config.assortment_expected, 3);
    // A pair weighs 1/√(n-1) in a basket of n items.
    let (two, three) = (1.0f32, 0.5f32.sqrt());
    let pair = |item, baskets, weight| Partner { item: Item(item), baskets, weight };
    Counts {
        catalogue: catalogue.unwrap(),
        attributes: Attributes::default(),
        stores: stores.unwrap(),
        histories: Histories::of_profiles(ids(&["anna", "bert"]), profiles.into_iter(), END, 3).unwrap(),
        pairs: Pairs {
            items: CoPurchases::new([
                vec![pair(1, 2, two + three), pair(2, 1, three)],
                vec![pair(0, 2, two + three), pair(2, 1, three)],
                vec![pair(0, 1, three), pair(1, 1, three)],
            ]),
            categories: CoPurchases::new([]),
            category_partners: CoPurchases::new([]),
            switches: CoPurchases::new([vec![], vec![], vec![]]),
        },
        recent_baskets: RecentBaskets::new(END - RecentBaskets::DAYS, Vec::new()),
        learned: 3,
        mixed: Vec::new(),
    }
}

/// The hashes of the files of a model's artefact.
fn stored(parts: &Parts) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let draft = Draft {
        market: Name::new("xx").unwrap(),
        version: Name::new("v1").unwrap(),
        created_at: String::new(),
        data: DataFacts::default(),
        config: serde_json::Value::Null,
        evaluation: BTreeMap::new(),
        failed_gates: Vec::new(),
        judgement: None,
        parts,
    };
    let manifest = ModelRegistry::new(folder.path()).publish(&draft).unwrap();
    manifest.files.into_iter().map(|(name, facts)| (name, facts.blake3)).collect()
}

#[test]
fn counts_filled_by_hand_give_the_same_model() {
    let config = TrainingConfig { min_baskets: 1, ..TrainingConfig::default() };
    let offsets = Offsets::from_lengths(BASKETS.iter().map(|(_, items)| items.len()));
    let items: Vec<Item> = BASKETS.iter().flat_map(|(_, items)| items.iter().copied()).collect();
    let transactions = Transactions {
        items: ids(&["bread", "butter", "jam"]),
        customers: ids(&["anna", "bert"]),
        baskets: BASKETS.iter().zip([0, 1, 0]).map(|(&(day, _), customer)| Basket { customer, day }).collect(),
        rows: offsets.clone(),
        lines: items.iter().map(|item| item.0).collect(),
        ..Transactions::default()
    };
    let fitted = fit(&transactions, 3, &Items::default(), &[], &config, Scope::All, &Silent).unwrap();
    let sample = BasketSample { offsets: &offsets, items: &items };
    let learned = learn(counted_by_hand(&config), Some(sample), &config, &Silent).unwrap();
    assert_eq!(stored(&learned.parts), stored(&fitted.parts));
    assert_eq!(learned.losses, fitted.losses);

    // The pairs do matter.
    let mut other = counted_by_hand(&config);
    other.pairs = Pairs::none();
    let other = learn(other, Some(sample), &config, &Silent).unwrap();
    assert_ne!(stored(&other.parts), stored(&fitted.parts));
}
