//! All files of a folder or glob are read, or those not read are listed.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test")]

use std::fs;
use std::path::Path;

use trolley_training::input::{
    FindingKind, InputConfig, InputError, InputTable, Items, Offers, RowOutcomes, RowReason, Transactions, find_files,
    look, read_transactions,
};

const HEADER: &str = "basket_id,item_id,timestamp\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn lines(prefix: &str) -> String {
    (0..4).map(|n| format!("{prefix}{n},{prefix}i{n},2024-02-0{}\n", n + 1)).collect()
}

fn config(pattern: impl AsRef<Path>) -> InputConfig {
    serde_json::from_value(serde_json::json!({ "transactions": pattern.as_ref() })).unwrap()
}

fn read(config: &InputConfig, market: &str) -> Result<(Transactions, RowOutcomes), InputError> {
    let mut row_outcomes = RowOutcomes::counted();
    let transactions = read_transactions(config, market, i64::MAX, &Items::default(), &mut row_outcomes)?;
    Ok((transactions, row_outcomes))
}

fn found(config: &InputConfig, transactions: &Transactions, row_outcomes: &RowOutcomes) -> Vec<FindingKind> {
    let look = look(config, transactions, &Items::default(), &Offers::default(), row_outcomes);
    look.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn sub_folders_are_read_and_what_tools_write_beside_is_not() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "2024.csv", &format!("{HEADER}{}", lines("a")));
    write(folder.path(), "2023/q4/part-00000-5c0f.csv", &format!("{HEADER}{}", lines("b")));
    write(folder.path(), "2022.csv/part-00000", &format!("{HEADER}{}", lines("c")));
    for (name, text) in
        [("_SUCCESS", ""), (".part-0.csv.crc", "x"), ("part-00001", ""), ("_temporary/0/part-0.csv", "x")]
    {
        write(folder.path(), &format!("2022.csv/{name}"), text);
    }
    for pattern in [folder.path().to_owned(), folder.path().join("*"), folder.path().join("**/*")] {
        let (transactions, _) = read(&config(&pattern), "de").unwrap();
        assert_eq!(transactions.baskets.len(), 12, "{}", pattern.display());
    }
    let found = find_files(folder.path().to_str().unwrap()).unwrap();
    assert_eq!((found.files.len(), found.passed_over.len()), (3, 4));
    let (transactions, _) = read(&config(folder.path().join("*.csv")), "de").unwrap();
    assert_eq!(transactions.baskets.len(), 8, "a folder that the glob matches is read");
}

#[test]
fn what_a_glob_leaves_beside_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["2024.csv", "2023.CSV", "2022.csv.gz", "2021.tsv"] {
        write(folder.path(), name, &format!("{HEADER}{}", lines("a")));
    }
    let config = config(folder.path().join("*.csv"));
    let (transactions, row_outcomes) = read(&config, "de").unwrap();
    assert_eq!(transactions.table.passed_over.len(), 2);
    assert!(found(&config, &transactions, &row_outcomes).contains(&FindingKind::FilesNotRead));
}

#[test]
fn formats_stand_beside_each_other_and_one_name_in_two_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/small-integers.parquet");
    fs::copy(fixture, folder.path().join("sales.parquet")).unwrap();
    write(folder.path(), "sales.csv", &format!("{HEADER}{}", lines("a")));
    let config = config(folder.path());
    let (transactions, row_outcomes) = read(&config, "de").unwrap();
    assert_eq!(transactions.baskets.len(), 6);
    assert!(found(&config, &transactions, &row_outcomes).contains(&FindingKind::SameTableTwice));
}

#[test]
fn a_column_that_some_files_lack_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.csv", "basket_id,item_id,timestamp,customer_id\na,i,2024-01-05,c\na,j,2024-01-05,c\n");
    write(folder.path(), "b.csv", "timestamp,item_id,basket_id\n2024-01-05,i,b\n2024-01-05,j,b\n");
    let mut config = config(folder.path());
    let (transactions, row_outcomes) = read(&config, "de").unwrap();
    let look_at =
        |config: &InputConfig| look(config, &transactions, &Items::default(), &Offers::default(), &row_outcomes);
    let errors = |config: &InputConfig| look_at(config).errors().map(|finding| finding.kind).collect::<Vec<_>>();
    assert_eq!(errors(&config), [FindingKind::ColumnInSomeFiles]);
    config.accept = vec![FindingKind::ColumnInSomeFiles];
    assert_eq!(errors(&config), []);
    assert!(look_at(&config).findings.iter().any(|finding| finding.accepted), "it is told all the same");
}

#[test]
fn folders_named_by_a_value_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    for (market, day) in
        [("us", "2024-01-01"), ("de", "2024-01-02"), ("de", "2024-01-03"), ("__HIVE_DEFAULT_PARTITION__", "2024-01-04")]
    {
        let rows: String = (0..3).map(|n| format!("{market}{day}{n},i{n}\n")).collect();
        write(
            folder.path(),
            &format!("market={market}/timestamp={day}/part-0.csv"),
            &format!("basket_id,item_id\n{rows}"),
        );
    }
    let (transactions, row_outcomes) = read(&config(folder.path()), "de").unwrap();
    assert_eq!(transactions.baskets.len(), 6);
    assert_eq!(transactions.baskets.iter().map(|basket| basket.day).max(), Some(19_725));
    assert_eq!(row_outcomes.left_out_for(InputTable::Transactions, RowReason::OtherMarket), 6);
}

#[test]
fn a_market_value_without_a_market_is_no_mixture() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "t.csv", &format!("{HEADER}{}", lines("a")));
    let mut config = config(folder.path());
    assert!(read(&config, "de").is_ok());
    config.market_value = Some("DE".into());
    let error = read(&config, "de").unwrap_err().to_string();
    assert!(error.contains("market_value is `DE`") && error.contains("no column `market`"), "{error}");
    write(folder.path(), "t.csv", "basket_id,item_id,timestamp,market\nb,i,2024-01-05,Germany\n");
    let error = read(&config, "de").unwrap_err().to_string();
    assert!(error.contains("`Germany`") && error.contains("market_value"), "{error}");
}

#[test]
fn a_table_format_of_its_own_is_refused_by_name_wherever_in_it_the_path_points() {
    for (format, marker) in [
        ("Delta Lake", "_delta_log/00000000000000000000.json"),
        ("Apache Iceberg", "metadata/v1.metadata.json"),
        ("Apache Hudi", ".hoodie/hoodie.properties"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &format!("lake/sales/{marker}"), "{}");
        write(folder.path(), "lake/sales/data/day=1/part-0.csv", &format!("{HEADER}{}", lines("a")));
        for pattern in ["lake/sales", "lake", "lake/sales/data/*/*.csv", "lake/sales/data/day=1/part-0.csv"] {
            let error = read(&config(folder.path().join(pattern)), "de").unwrap_err().to_string();
            assert!(error.contains(format) && error.contains("export"), "{pattern}: {error}");
        }
    }
}

#[test]
fn only_empty_files_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.csv", "");
    let error = read(&config(folder.path()), "de").unwrap_err().to_string();
    assert!(error.contains("a.csv") && error.contains("empty"), "{error}");
    let error = read(&config(folder.path().join("none/*.csv")), "de").unwrap_err();
    assert!(matches!(error, InputError::NoFiles(_)), "{error}");
}
