//! Problems of the tables as a whole are found, and sound tables give no findings.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test")]

use std::fs;

use trolley_training::input::{
    FindingKind, InputConfig, Look, RowOutcomes, Severity, look, read_items, read_offers, read_transactions,
};

/// A sound shop: two months, two items per basket, eight customers, all items in the items table.
fn lines() -> Vec<String> {
    (0..240)
        .flat_map(|basket: u32| {
            let day = format!("2024-0{}-{:02}", 1 + basket / 120, 1 + basket % 28);
            let line = move |item: u32| format!("{basket},{:04},{day},c{}", item % 12, basket % 8);
            [line(basket), line(basket + 1)]
        })
        .collect()
}

fn items(id: impl Fn(u32) -> String) -> String {
    let rows: String = (0..12).map(|item| format!("{},k{},FOOD\n", id(item), item % 3)).collect();
    format!("item_id,category,department\n{rows}")
}

struct Shop {
    header: &'static str,
    lines: Vec<String>,
    items: String,
    offers: Option<String>,
    more: serde_json::Value,
}

impl Default for Shop {
    fn default() -> Self {
        let (header, items) = ("basket_id,item_id,timestamp,customer_id", items(|item| format!("{item:04}")));
        Self { header, lines: lines(), items, offers: None, more: serde_json::json!({}) }
    }
}

impl Shop {
    fn look(&self) -> Look {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut config = serde_json::json!({
            "transactions": write("t.csv", &format!("{}\n{}\n", self.header, self.lines.join("\n"))),
            "items": write("i.csv", &self.items),
        });
        if let Some(offers) = &self.offers {
            config["offers"] = serde_json::to_value(write("o.csv", offers)).unwrap();
        }
        config.as_object_mut().unwrap().extend(self.more.as_object().unwrap().clone());
        look_at(&config)
    }

    fn found(&self) -> Vec<(Severity, FindingKind)> {
        self.look().findings.iter().map(|finding| (finding.severity, finding.kind)).collect()
    }
}

fn look_at(config: &serde_json::Value) -> Look {
    let mut config: InputConfig = serde_json::from_value(config.clone()).unwrap();
    if config.items.as_deref() == Some("") {
        config.items = None;
    }
    config.check().unwrap();
    let mut row_outcomes = RowOutcomes::counted();
    let items = read_items(&config, &mut row_outcomes).unwrap();
    let transactions = read_transactions(&config, "de", 1_767_225_600, &items, &mut row_outcomes).unwrap();
    let offers = read_offers(&config, "de", &mut row_outcomes).unwrap();
    look(&config, &transactions, &items, &offers, &row_outcomes)
}

use FindingKind as Kind;
use Severity::{Error, Warning};

#[test]
fn nothing_is_found_in_a_shop_in_order_and_it_is_described() {
    let look = Shop::default().look();
    assert_eq!(look.findings, []);
    assert_eq!((look.lines, look.baskets, look.items, look.customers), (480, 240, 12, 8));
    assert_eq!(look.lines_in_items_table, Some(480));
    assert_eq!(look.months.clone().into_iter().collect::<Vec<_>>(), [("2024-01".into(), 240), ("2024-02".into(), 240)]);
    assert_eq!(look.days, Some(["2024-01-01".into(), "2024-02-28".into()]));
    let names: Vec<&str> = look.tables[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["basket_id", "item_id", "timestamp", "customer_id"]);
    let customer = &look.tables[0].columns[3];
    assert_eq!((customer.distinct, customer.values, customer.nulls, customer.kind.as_str()), (8, 480, 0, "text"));
    assert_eq!(customer.most_frequent, Some(("c0".into(), 60)));
}

#[test]
fn tables_that_do_not_meet() {
    for (id, hint) in [
        ((|item| item.to_string()) as fn(u32) -> String, "zeros at the front"),
        (|item| format!("{item}.0"), "floats"),
        (|item| format!("{:02}-{:02}", item / 100, item % 100), "other characters"),
    ] {
        let look = Shop { items: items(id), ..Shop::default() }.look();
        let finding = look.findings.iter().find(|finding| finding.kind == Kind::NotInItemsTable).unwrap();
        assert_eq!((finding.severity, look.lines_in_items_table), (Error, Some(0)), "{hint}");
        assert!(finding.advice.contains(hint), "{}", finding.advice);
    }
    let padded = Shop { items: items(|item| format!("{item:04}   ")), ..Shop::default() };
    assert_eq!(padded.found(), [(Warning, Kind::PaddedIds)], "spaces are not read, and told");
    let half = Shop { items: items(|item| format!("{:04}", item + 6)), ..Shop::default() };
    assert_eq!(half.found(), [(Warning, Kind::NotInItemsTable)]);
    let accepted = Shop {
        items: items(|item| item.to_string()),
        more: serde_json::json!({"accept": ["not-in-items-table"]}),
        ..Shop::default()
    };
    assert_eq!(accepted.look().errors().count(), 0);
}

#[test]
fn ids_that_a_spreadsheet_has_mangled() {
    let with = |customer: fn(usize) -> String| {
        let line = |(n, line): (usize, &String)| format!("{},{}", line.rsplit_once(',').unwrap().0, customer(n / 2));
        Shop { lines: lines().iter().enumerate().map(line).collect(), ..Shop::default() }.found()
    };
    assert_eq!(with(|n| format!("{}.0", 17_850 + n % 9)), [(Error, Kind::FloatIds)]);
    assert_eq!(with(|n| format!("{}.0", 17_850 + n % 9).replace("17851.0", "x")), [(Warning, Kind::FloatIds)]);
    assert_eq!(with(|n| format!("5.0{}E+12", n % 9)), [(Error, Kind::ScientificIds)]);
    assert_eq!(with(|n| if n % 3 == 0 { "till".into() } else { format!("c{n}") }), [(Warning, Kind::DominantId)]);
    assert_eq!(with(|_| String::new()), [(Warning, Kind::NoCustomers)]);
}

#[test]
fn columns_that_are_nearly_there() {
    let shop = Shop { header: "basket_id,item_id,timestamp,CustomerID", ..Shop::default() };
    assert_eq!(shop.found(), [(Error, Kind::ColumnNotUsed), (Warning, Kind::NoCustomers)]);
    let finding = &shop.look().findings[0];
    assert!(finding.advice.contains("customer_id = \"CustomerID\""), "{finding}");
    // An unused price does not affect learning.
    let priced = lines().iter().map(|line| format!("{line},2.55")).collect();
    let shop = Shop { header: "basket_id,item_id,timestamp,customer_id,UnitPrice", lines: priced, ..Shop::default() };
    assert_eq!(shop.found(), [(Warning, Kind::ColumnNotUsed)]);
}

#[test]
fn attributes_and_prices_that_do_not_fit() {
    let sizes = ["500 g", "1 kg", "SET", "250 g", "2 LB"];
    let rows: String = (0..12).map(|n| format!("{n:04},k{},{},1.00\n", n % 3, sizes[n % 5])).collect();
    let priced = |price: &'static str| Shop {
        header: "basket_id,item_id,timestamp,customer_id,quantity,price",
        lines: lines().iter().map(|line| format!("{line},6,{price}")).collect(),
        items: format!("item_id,category,size,price\n{rows}"),
        more: serde_json::json!({"columns": {"items": {"attributes": ["size"]}}}),
        ..Shop::default()
    };
    assert_eq!(priced("6.00").found(), [(Warning, Kind::AttributeNotRead)]);
    let finding = priced("6.00").look().findings[0].to_string();
    assert!(
        finding.contains("2 of 12 values of `size` (16.7 %) are no amounts with a unit, such as `SET`"),
        "{finding}"
    );
    // Six pieces at the price of one: then it is not the price of the line.
    assert_eq!(priced("1.00").found(), [(Warning, Kind::AttributeNotRead), (Warning, Kind::PricesApart)]);
}

#[test]
fn baskets_of_an_odd_shape() {
    let single = |baskets: u32| Shop {
        lines: (0..baskets).map(|n| format!("{n},{:04},2024-01-{:02},c{}", n % 12, 1 + n % 28, n % 9)).collect(),
        ..Shop::default()
    };
    assert_eq!(single(300).found(), [(Warning, Kind::SingleLineBaskets)]);
    assert_eq!(single(1000).found(), [(Error, Kind::SingleLineBaskets)], "that is no chance any more");
    let mut mixed = lines();
    mixed.extend((0..10).map(|n| format!("{n},0011,2024-02-28,c{}", n % 8)));
    assert_eq!(Shop { lines: mixed, ..Shop::default() }.found(), [(Warning, Kind::MixedBaskets)]);
    let twice = [lines(), lines()].concat();
    assert_eq!(Shop { lines: twice, ..Shop::default() }.found(), [(Warning, Kind::RepeatedLines)]);
    let mut late = lines();
    late.extend((0..20).map(|n| format!("l{n},00{n:02},2024-05-05,c{}", n % 8).replace("001", "000")));
    let missing = Shop { lines: late, ..Shop::default() }.look();
    let finding = missing.findings.iter().find(|finding| finding.kind == Kind::MissingMonth).unwrap();
    assert!(finding.what.contains("2024-03, 2024-04"), "{finding}");
    let big = (0..200).map(|n| format!("big,x{n},2024-01-05,c0"));
    let shop = Shop { lines: lines().into_iter().chain(big).collect(), ..Shop::default() };
    assert!(shop.found().contains(&(Warning, Kind::DominantId)), "{:?}", shop.found());
}

#[test]
fn exclusions_that_exclude_nothing() {
    let exclude = |value: &str| serde_json::json!({"exclude": {"department": [value]}});
    let without =
        Shop { more: serde_json::json!({"items": "", "exclude": {"department": ["FOOD"]}}), ..Shop::default() };
    assert_eq!(without.found(), [(Error, Kind::ExcludeWithoutItems)]);
    let typo = Shop { more: exclude("FODO"), ..Shop::default() };
    assert_eq!(typo.found(), [(Warning, Kind::ExcludeMatchesNothing)]);
}

#[test]
fn offers_that_meet_nothing() {
    let offers = |item: &str, from: &str, to: &str| {
        let text = format!("offer_id,item_id,valid_from,valid_to\no,{item},{from},{to}\n");
        Shop { offers: Some(text), ..Shop::default() }
    };
    assert_eq!(offers("0001", "2024-01-05", "2024-01-05").found(), []);
    assert_eq!(offers("1", "2024-01-05", "2024-01-05").found(), [(Error, Kind::OffersNotSold)]);
    assert_eq!(offers("0001", "2025-01-05", "2025-01-05").found(), [(Warning, Kind::OffersOutsidePeriod)]);
    let look = offers("0001", "2024-01-05", "2024-01-04").look();
    assert_eq!(look.tables[2].rejected["ends before it begins"].rows, 1);
}

#[test]
fn rejected_rows_are_told_with_a_place_and_advice() {
    let mut some = lines();
    some[7] = "3,0004,12/1/2010 8:26,c3".into();
    let look = Shop { lines: some, ..Shop::default() }.look();
    assert_eq!(look.findings[0].kind, Kind::RejectedRows);
    let text = look.findings[0].to_string();
    assert!(text.contains("`12/1/2010 8:26`, line 9") && text.contains("timestamp_format"), "{text}");
}
