//! The input tables: all formats give the same result, and every row is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use trolley_training::input::{
    self, InputConfig, InputError, InputTable, Items, RowOutcomes, RowReason, Transactions, read_items, read_offers,
    read_transactions,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

fn config(transactions: impl AsRef<Path>) -> InputConfig {
    let mut config: InputConfig =
        serde_json::from_value(serde_json::json!({ "transactions": transactions.as_ref() })).unwrap();
    config.max_rejected = 1.0;
    config
}

fn read(config: &InputConfig) -> Result<(Transactions, RowOutcomes), InputError> {
    let mut row_outcomes = RowOutcomes::counted();
    let transactions = read_transactions(config, "de", i64::MAX, &Items::default(), &mut row_outcomes)?;
    Ok((transactions, row_outcomes))
}

fn left_out(row_outcomes: &RowOutcomes, reason: RowReason) -> u64 {
    row_outcomes.left_out_for(InputTable::Transactions, reason)
}

/// (customer, day, items) of every basket, in the order of the transactions.
fn baskets(transactions: &Transactions) -> Vec<(String, u16, Vec<String>)> {
    (0..transactions.baskets.len())
        .map(|basket| {
            let head = transactions.baskets[basket];
            let customer = match head.customer {
                input::ANONYMOUS => String::new(),
                customer => transactions.customers.get(customer).to_owned(),
            };
            let items = transactions.items_of(basket).iter().map(|&item| transactions.items.get(item).to_owned());
            let mut items: Vec<String> = items.collect();
            items.sort();
            (customer, head.day, items)
        })
        .collect()
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

const LINES: &str = "basket_id,item_id,timestamp,customer_id,quantity\n\
    b1,007,2024-01-05 10:00:00,c1,1\n\
    b1,\"a, b\",2024-01-05 10:00:00,c1,2.5\n\
    b2,007,2024-01-04T09:00:00Z,,1\n";

#[test]
fn csv_is_read_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [
        (String::new(), 19_726, vec!["007".to_owned()]),
        ("c1".to_owned(), 19_727, vec!["007".to_owned(), "a, b".to_owned()]),
    ];
    for (name, content) in [
        ("plain.csv", LINES.to_owned()),
        ("no-final-newline.csv", LINES.trim_end().to_owned()),
        ("windows.csv", LINES.replace('\n', "\r\n")),
        ("byte-order-mark.csv", format!("\u{feff}{LINES}")),
    ] {
        let (transactions, row_outcomes) = read(&config(file(folder.path(), name, &content))).unwrap();
        assert_eq!(baskets(&transactions), expected, "{name}");
        assert_eq!(
            (row_outcomes.rows(InputTable::Transactions), row_outcomes.counts(InputTable::Transactions).len()),
            (3, 0),
            "{name}"
        );
    }
}

#[test]
fn a_line_break_inside_quotes_is_part_of_the_id() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        file(folder.path(), "t.csv", "basket_id,item_id,timestamp\nb,\"two\nlines\",2024-01-05\nb,x,2024-01-05\n");
    let (transactions, _) = read(&config(path)).unwrap();
    assert_eq!(baskets(&transactions)[0].2, ["two\nlines", "x"]);
}

#[test]
fn every_rejected_row_is_counted_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "t.csv",
        "basket_id,item_id,timestamp,quantity\n\
         ,i,2024-01-05,1\n\
         b,,2024-01-05,1\n\
         b,i,yesterday,1\n\
         b,i,1850-01-01,1\n\
         b,i,2024-01-05,0\n\
         b,i,2024-01-05,-3\n\
         b,i,2024-01-05,many\n\
         b,i,2024-01-05,1\n\
         b,i,2024-01-05,1\n",
    );
    let list = folder.path().join("rejects/de.csv");
    let mut row_outcomes = RowOutcomes::listed_in(&list).unwrap();
    let transactions = read_transactions(&config(&path), "de", i64::MAX, &Items::default(), &mut row_outcomes).unwrap();
    assert_eq!(
        (row_outcomes.rows(InputTable::Transactions), transactions.repeated, transactions.lines.len()),
        (9, 1, 1)
    );
    let counts: Vec<(String, u64)> = row_outcomes.counts(InputTable::Transactions).into_iter().collect();
    let expected = [
        ("bad quantity", 1),
        ("bad timestamp", 1),
        ("no basket_id", 1),
        ("no item_id", 1),
        ("timestamp before 1990", 1),
    ];
    assert_eq!(counts, expected.map(|(reason, count)| (reason.to_owned(), count)));
    assert_eq!(left_out(&row_outcomes, RowReason::Return), 2, "a return is nothing wrong");
    let listed = fs::read_to_string(list).unwrap();
    let rows: Vec<&str> = listed.lines().skip(1).map(|line| line.rsplit(',').nth(2).unwrap()).collect();
    assert_eq!(rows, ["2", "3", "4", "5", "8"], "lines of the file, the header being the first");
    assert!(listed.lines().nth(3).unwrap().ends_with("t.csv\",4,\"bad timestamp\",\"yesterday\""), "{listed}");
}

#[test]
fn too_many_rejects_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "basket_id,item_id,timestamp\nb,i,2024-01-05\nb,j,never\n");
    let (_, row_outcomes) = read(&config(path)).unwrap();
    let error = row_outcomes.judge(InputTable::Transactions, 0.4).unwrap_err();
    assert!(matches!(error, InputError::TooManyRejects { rejected: 1, rows: 2, .. }), "{error}");
    assert!(error.to_string().contains("1 × bad timestamp (`never`, line 3 of"), "{error}");
    row_outcomes.judge(InputTable::Transactions, 0.5).unwrap();
    row_outcomes.judge(InputTable::Items, 0.0).unwrap();
}

#[test]
fn one_line_from_the_future_does_not_become_the_end_of_the_period() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "basket_id,item_id,timestamp\nb,i,2024-01-05\nc,j,2099-01-01\n");
    let mut row_outcomes = RowOutcomes::counted();
    let latest = 1_704_500_000;
    let transactions = read_transactions(&config(path), "de", latest, &Items::default(), &mut row_outcomes).unwrap();
    assert_eq!(transactions.baskets.len(), 1);
    assert_eq!(row_outcomes.counts(InputTable::Transactions)["timestamp in the future"], 1);
}

#[test]
fn a_basket_of_two_customers_belongs_to_the_first_by_id_whatever_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let header = "basket_id,item_id,timestamp,customer_id\n";
    for (name, lines) in
        [("a.csv", "b,i,2024-01-05,z\nb,j,2024-01-05,c\n"), ("b.csv", "b,j,2024-01-05,c\nb,i,2024-01-05,z\n")]
    {
        let (transactions, _) = read(&config(file(folder.path(), name, &format!("{header}{lines}")))).unwrap();
        assert_eq!((baskets(&transactions)[0].0.as_str(), transactions.merged), ("c", 1), "{name}");
    }
    // A reused ID gives one basket, counted as doubtful. A basket across midnight, or without a customer, is not
    // doubtful.
    let lines =
        "1,i,2024-01-05,c\n1,j,2024-03-05,c\n2,i,2024-01-05T23:59:00,c\n2,j,2024-01-06T00:01:00,\n3,i,2024-01-05,c\n";
    let (transactions, _) = read(&config(file(folder.path(), "c.csv", &format!("{header}{lines}")))).unwrap();
    assert_eq!((transactions.baskets.len(), transactions.merged), (3, 1));
}

#[test]
fn a_folder_and_a_glob_mean_all_their_files_and_the_layout_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let (header, lines) = LINES.split_once('\n').unwrap();
    for (number, line) in lines.lines().rev().enumerate() {
        file(folder.path(), &format!("part-{number}.csv"), &format!("{header}\n{line}\n"));
    }
    file(folder.path(), "_notes.txt", "not a table");
    let whole = read(&config(file(&folder.path().join(".."), "whole.csv", LINES))).unwrap().0;
    let in_folder = read(&config(folder.path())).unwrap().0;
    let by_glob = read(&config(folder.path().join("part-*.csv"))).unwrap().0;
    assert_eq!(baskets(&in_folder), baskets(&whole));
    assert_eq!(baskets(&by_glob), baskets(&whole));
}

#[test]
fn whole_numbers_in_parquet_come_out_as_the_same_digits() {
    let mut config = config(format!("{SAMPLE}/transactions.parquet"));
    config.columns.transactions.customer_id = Some("household_id".into());
    config.columns.transactions.item_id = "product_id".into();
    config.columns.transactions.timestamp = "transaction_timestamp".into();
    let (transactions, row_outcomes) = read(&config).unwrap();
    assert!(transactions.items.position("1082185").is_some(), "bananas");
    assert!(transactions.customers.iter().all(|id| id.parse::<u64>().is_ok_and(|id| id % 6 == 0)));
    let read = row_outcomes.rows(InputTable::Transactions);
    assert_eq!(read, 259_262);
    let rejected: u64 = row_outcomes.counts(InputTable::Transactions).values().sum();
    let returned = left_out(&row_outcomes, RowReason::Return);
    assert_eq!(transactions.lines.len() as u64 + transactions.repeated + returned + rejected, read);
    assert!(transactions.baskets.windows(2).all(|pair| pair[0].day <= pair[1].day), "oldest first");
}

#[test]
fn rows_of_other_markets_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "basket_id,item_id,timestamp,market\nb,i,2024-01-05,de\nc,j,2024-01-05,fr\nd,k,2024-01-05,DE\n";
    let mut config = config(file(folder.path(), "t.csv", lines));
    let (transactions, row_outcomes) = read(&config).unwrap();
    assert_eq!((transactions.baskets.len(), left_out(&row_outcomes, RowReason::OtherMarket)), (1, 2));
    config.market_value = Some("DE".into());
    assert!(read(&config).unwrap().0.items.position("k").is_some());
}

#[test]
fn a_column_that_is_not_there_is_named_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.csv", "basket_id,ITEMID,timestamp\nb,i,2024-01-05\n");
    let error = read(&config(path)).unwrap_err().to_string();
    assert!(error.contains("no column `item_id`") && error.contains("did you mean `ITEMID`?"), "{error}");
}

#[test]
fn what_is_no_table_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in
        [("broken.parquet", "PAR1 this is not Parquet PAR1"), ("empty.parquet", ""), ("empty.csv", "")]
    {
        let error = read(&config(file(folder.path(), name, content))).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
    let error = read(&config(folder.path().join("nowhere/*.csv"))).unwrap_err();
    assert!(matches!(error, InputError::NoFiles(_)), "{error}");
    let header_only = file(folder.path(), "header.csv", "basket_id,item_id,timestamp\n");
    assert!(matches!(read(&config(header_only)).unwrap_err(), InputError::Nothing(_)));
}

#[test]
fn items_have_categories_names_and_exclusions() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "items.csv",
        "item_id,category,kind,size,department\n1,dairy,Milk,1 l,FOOD\n2,,Petrol,,FUEL\n1,dairy,Again,,FOOD\n,x,y,z,w\n",
    );
    let lines = file(folder.path(), "t.csv", "basket_id,item_id,timestamp\nb,1,2024-01-05\nb,2,2024-01-05\n");
    let mut config = config(lines);
    config.items = Some(path.to_str().unwrap().to_owned());
    config.columns.items.name = Some(input::OneOrMany::Many(vec!["kind".into(), "size".into()]));
    config.exclude = [("department".to_owned(), vec!["FUEL".to_owned(), "TOBACCO".to_owned()])].into();
    let mut row_outcomes = RowOutcomes::counted();
    let items = read_items(&config, &mut row_outcomes).unwrap();
    let milk = items.get("1").unwrap();
    assert_eq!((milk.name.as_str(), milk.category.as_deref(), milk.excluded), ("Milk, 1 l", Some("dairy"), false));
    let petrol = items.get("2").unwrap();
    assert_eq!((petrol.name.as_str(), petrol.category.as_deref(), petrol.excluded), ("Petrol", None, true));
    assert_eq!(row_outcomes.counts(InputTable::Items).values().sum::<u64>(), 2, "a duplicate and a row without ID");
    assert_eq!(items.unmatched["department"], ["TOBACCO"]);
    let transactions = read_transactions(&config, "de", i64::MAX, &items, &mut row_outcomes).unwrap();
    assert_eq!((left_out(&row_outcomes, RowReason::Excluded), transactions.lines.len()), (1, 1));
}

#[test]
fn an_offers_number_that_is_none_rejects_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let text = "offer_id,item_id,discount\na,1,0.2\nb,1,NaN\nc,1,10 %\nd,1,0,2\ne,1,1e39\n";
    let path = file(folder.path(), "offers.csv", text);
    let mut config = config("none");
    config.offers = Some(path.to_str().unwrap().to_owned());
    config.columns.offers.numbers = vec!["discount".into()];
    let mut row_outcomes = RowOutcomes::counted();
    let offers = read_offers(&config, "de", &mut row_outcomes).unwrap();
    let read: Vec<_> = offers.rows.iter().map(|row| (row.offer.as_str(), row.numbers[0])).collect();
    assert_eq!(read, [("a", 0.2), ("b", 0.0)]);
    assert_eq!(
        row_outcomes.counts(InputTable::Offers),
        [(RowReason::BadNumber.name().to_owned(), 2), (RowReason::FieldCount.name().to_owned(), 1)].into()
    );
}

#[test]
fn a_file_of_another_kind_in_a_folder_is_named_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "basket_id,item_id,timestamp\nb,1,2024-01-05\nb,2,2024-01-05\n";
    file(folder.path(), "2024.csv", lines);
    file(folder.path(), "_SUCCESS", "");
    assert_eq!(read(&config(folder.path())).unwrap().0.baskets.len(), 1);
    file(folder.path(), "2023.xlsx", "");
    let error = read(&config(folder.path())).unwrap_err().to_string();
    assert!(error.contains("2023.xlsx") && error.contains("glob"), "{error}");
}

#[test]
fn the_samples_offers_are_read() {
    let mut config = config("none");
    config.offers = Some(format!("{SAMPLE}/offers.parquet"));
    let offers = read_offers(&config, "us", &mut RowOutcomes::counted()).unwrap();
    assert_eq!(offers.rows.len(), 79_392);
    assert!(offers.rows.iter().all(|row| row.valid_from < row.valid_to && row.offer.ends_with(&row.item)));
}

#[test]
fn types_that_other_tools_write_are_read_or_refused_with_the_column_named() {
    let fixture = |name: &str| format!("{}/tests/fixtures/{name}.parquet", env!("CARGO_MANIFEST_DIR"));
    for name in ["small-integers", "dictionaries", "decimals", "other-columns"] {
        let (transactions, row_outcomes) = read(&config(fixture(name))).unwrap();
        let mut items: Vec<&str> = transactions.items.iter().collect();
        items.sort_unstable();
        assert_eq!(items, ["0", "1", "2", "3"], "{name}");
        assert_eq!((transactions.baskets.len(), transactions.baskets[0].day), (2, 19_727), "{name}");
        assert!(row_outcomes.counts(InputTable::Transactions).is_empty(), "{name}");
    }
    let error = read(&config(fixture("floats"))).unwrap_err().to_string();
    assert!(error.contains("column `item_id`") && error.contains("convert the column"), "{error}");
    let error = read(&config(fixture("structs"))).unwrap_err().to_string();
    assert!(error.contains("structs.parquet cannot be read"), "{error}");
}
