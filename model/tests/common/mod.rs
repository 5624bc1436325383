//! A shop so small that every answer can be computed by hand.
//!
//! Items, bestsellers first: bread 80, butter 60, milk 50, jam 40, oat-milk 30, candle 0 baskets. Bread and butter are
//! complements, milk and oat-milk substitutes (same category, similar input vectors), and the candle was never bought.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file that shares this module uses a part of it")]

use trolley_model::catalogue::{CatalogueParts, NO_CATEGORY};
use trolley_model::co_purchases::Partner;
use trolley_model::histories::LastBaskets;
use trolley_model::ials::IalsConfig;
use trolley_model::item_stats::{ItemStats, ItemStatsColumns};
use trolley_model::nearest::Neighbours;
use trolley_model::{
    AlternativeRules, Attributes, Blend, Blends, Catalogue, Category, CoPurchases, Customer, Histories, Ids, Item,
    ListRules, Model, Offsets, Parts, Position, ProfileConfig, Question, RecentBaskets, Stores, Texts, Tree, Vectors,
};

pub(crate) const BREAD: Item = Item(0);
pub(crate) const BUTTER: Item = Item(1);
pub(crate) const MILK: Item = Item(2);
pub(crate) const JAM: Item = Item(3);
pub(crate) const OAT_MILK: Item = Item(4);
pub(crate) const CANDLE: Item = Item(5);
pub(crate) const ANNA: Customer = Customer(0);

pub(crate) fn ids(texts: &[&str]) -> Ids {
    let mut all = Texts::default();
    for text in texts {
        all.push(text).unwrap();
    }
    Ids::new(all).unwrap()
}

pub(crate) fn parts() -> Parts {
    let catalogue = Catalogue::new(CatalogueParts {
        items: ids(&["bread", "butter", "milk", "jam", "oat-milk", "candle"]),
        names: Texts::default(),
        baskets: vec![80, 60, 50, 40, 30, 0],
        recent_baskets: vec![20, 20, 10, 10, 10, 0],
        latest_baskets: vec![10, 10, 5, 5, 5, 0],
        sales_on_offer: Vec::new(),
        prices: Vec::new(),
        category: vec![0, 1, 2, 1, 2, NO_CATEGORY],
        categories: ids(&["bakery", "spreads", "dairy"]),
        category_baskets: vec![80, 70, 60],
        total_baskets: 100,
        total_recent_baskets: 30,
        total_latest_baskets: 15,
    })
    .unwrap();
    let pair = |item, baskets, weight| Partner { item, baskets, weight };
    let co_purchases = CoPurchases::new([
        vec![pair(BUTTER, 50, 40.0), pair(MILK, 20, 10.0), pair(JAM, 30, 20.0)],
        vec![pair(BREAD, 50, 40.0), pair(JAM, 10, 5.0)],
        vec![pair(BREAD, 20, 10.0)],
        vec![pair(BREAD, 30, 20.0), pair(BUTTER, 10, 5.0)],
        vec![],
    ]);
    let mut columns = ItemStatsColumns::default();
    for (item, baskets, decayed) in [(MILK, 4, 3.0), (JAM, 2, 0.5)] {
        columns.push(ItemStats { item, baskets, first_day: 17_000, last_day: 17_400, decayed });
    }
    columns.push(ItemStats { item: OAT_MILK, baskets: 1, first_day: 17_300, last_day: 17_300, decayed: 0.8 });
    // The last baskets: Anna's are milk and jam, then milk; Bert's is oat milk.
    let last = LastBaskets {
        rows: Offsets::from_lengths([2, 1]),
        day: vec![17_300, 17_400, 17_300],
        basket_offsets: Offsets::from_lengths([2, 1, 1]),
        position: [0, 1, 0, 0].map(Position).to_vec(),
        end: 17_410,
    };
    let customers = ids(&["anna", "bert"]);
    let histories = Histories::new(customers, vec![0, 2, 3], columns, vec![5, 1], vec![3.5, 0.8], last, 6).unwrap();
    let of_category = |category, baskets, weight| Partner { item: Category(category), baskets, weight };
    let category_pairs = CoPurchases::new([
        vec![of_category(1, 60, 60.0), of_category(2, 20, 20.0)],
        vec![of_category(0, 60, 60.0)],
        vec![of_category(0, 20, 20.0)],
    ]);
    let category_partners = CoPurchases::new([vec![pair(BUTTER, 50, 40.0)], vec![pair(BREAD, 60, 45.0)], vec![]]);
    let blend = Blend::straight;
    Parts {
        catalogue,
        attributes: Attributes::default(),
        stores: Stores::default(),
        input: Vectors::from_rows(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, 0.5, 0.5, 0.1, 2.0]),
        output: Vectors::from_rows(2, vec![0.1, 0.2, 2.0, 0.1, 0.3, 0.3, 1.0, 0.2, 0.1, 0.1]),
        neighbours: Neighbours::default(),
        item_factors: Vectors::from_rows(2, vec![0.1, 0.1, 0.1, 0.2, 0.8, 0.1, 0.4, 0.2, 0.6, 0.1]),
        customer_factors: Vectors::from_rows(2, vec![1.0, 0.2, 0.5, 0.5]),
        co_purchases,
        category_pairs,
        category_partners,
        switches: CoPurchases::new([]),
        histories,
        profiles: ProfileConfig { ials: IalsConfig { dims: 2, ..IalsConfig::default() }, ..ProfileConfig::default() },
        recent_baskets: RecentBaskets::default(),
        blends: Blends {
            offer_numbers: vec!["discount".to_owned()],
            list: ListRules::none(),
            alternative_rules: AlternativeRules::none(),
            ..Blends::of([
                (
                    Question::BoughtTogetherAnonymous,
                    blend(&[("co_purchase", 1.0), ("complement", 0.1), ("popularity", 0.1)]),
                ),
                (
                    Question::BoughtTogether,
                    Blend {
                        trees: vec![Tree {
                            signals: ["purchases", "popularity", "purchases"].map(str::to_owned),
                            from: [0.5, 1000.0, 9.0],
                            adds: [0.0, 1.0, 0.25, 2.0],
                        }],
                        ..blend(&[("co_purchase", 0.5), ("habit", 1.0), ("taste", 0.1)])
                    },
                ),
                (Question::AlternativesAnonymous, blend(&[("substitute", 1.0), ("same_category", 2.0)])),
                (Question::Alternatives, blend(&[("substitute", 1.0), ("same_category", 2.0), ("habit", 0.1)])),
                (
                    Question::Offers,
                    blend(&[("habit", 1.0), ("taste", 0.5), ("recent_popularity", 0.1), ("discount", 2.0)]),
                ),
            ])
        },
    }
}

/// The parts of a catalogue.
pub(crate) fn stored(catalogue: &Catalogue) -> CatalogueParts {
    let category = |item| catalogue.category(item).map_or(NO_CATEGORY, |category| category.0);
    CatalogueParts {
        items: catalogue.items().clone(),
        names: catalogue.names().clone(),
        baskets: catalogue.all_baskets().to_vec(),
        recent_baskets: catalogue.all_recent_baskets().to_vec(),
        latest_baskets: catalogue.all_latest_baskets().to_vec(),
        sales_on_offer: catalogue.all_sales_on_offer().to_vec(),
        prices: catalogue.all_prices().to_vec(),
        category: catalogue.numbers().map(category).collect(),
        categories: catalogue.categories().clone(),
        category_baskets: catalogue.all_category_baskets().to_vec(),
        total_baskets: 100,
        total_recent_baskets: 30,
        total_latest_baskets: 15,
    }
}

pub(crate) fn model() -> Model {
    Model::new(parts()).unwrap()
}

/// The model after it was published under `folder` and opened again.
pub(crate) fn saved_and_opened(folder: &std::path::Path) -> Model {
    let registry = publish(folder, "v1");
    registry.open(&name("xx"), &name("v1")).unwrap().model
}

pub(crate) fn publish(folder: &std::path::Path, version: &str) -> trolley_model::artefact::ModelRegistry {
    publish_parts(folder, version, &parts())
}

pub(crate) fn publish_parts(
    folder: &std::path::Path,
    version: &str,
    parts: &Parts,
) -> trolley_model::artefact::ModelRegistry {
    use trolley_model::artefact::{DataFacts, Draft, ModelRegistry};
    let registry = ModelRegistry::new(folder);
    let draft = Draft {
        market: name("xx"),
        version: name(version),
        created_at: "2026-11-20T04:00:00Z".into(),
        data: DataFacts::default(),
        config: serde_json::json!({"seed": 1}),
        evaluation: std::collections::BTreeMap::new(),
        failed_gates: Vec::new(),
        judgement: None,
        parts,
    };
    registry.publish(&draft).unwrap();
    registry
}

pub(crate) fn name(text: &str) -> trolley_model::Name {
    trolley_model::Name::new(text).unwrap()
}
