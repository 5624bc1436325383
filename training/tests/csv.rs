//! CSV as it occurs in practice: every line is taken, left out or rejected, and none is shifted or swallowed.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;
use trolley_training::input::{
    InputConfig, InputError, InputTable, Items, RowOutcomes, Transactions, read_transactions,
};

fn config(path: &Path) -> InputConfig {
    serde_json::from_value(serde_json::json!({ "transactions": path, "max_rejected": 1.0 })).unwrap()
}

fn read(config: &InputConfig) -> Result<(Transactions, RowOutcomes), InputError> {
    let mut row_outcomes = RowOutcomes::counted();
    let transactions = read_transactions(config, "de", i64::MAX, &Items::default(), &mut row_outcomes)?;
    Ok((transactions, row_outcomes))
}

fn read_bytes(
    name: &str,
    bytes: &[u8],
    set: impl Fn(&mut InputConfig),
) -> Result<(Transactions, RowOutcomes), InputError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let mut config = config(&path);
    set(&mut config);
    read(&config)
}

fn items(transactions: &Transactions) -> Vec<&str> {
    let mut items: Vec<&str> = transactions.items.iter().collect();
    items.sort_unstable();
    items
}

fn rejected(row_outcomes: &RowOutcomes) -> Vec<(&'static str, Vec<u64>)> {
    row_outcomes
        .rejected(InputTable::Transactions)
        .map(|(reason, rows)| (reason.name(), rows.examples.iter().map(|example| example.line).collect()))
        .collect()
}

const HEADER: &str = "basket_id,item_id,timestamp,customer_id,note\n";

#[test]
fn a_quote_swallows_no_line() {
    let line = |n: u32, note: &str| format!("b{n},i{},2024-01-05,c,{note}\n", n % 5);
    let stray = |places: &[(u32, &str)]| -> String {
        let note = |n| places.iter().find(|(at, _)| *at == n).map_or("plain", |(_, note)| *note);
        (0..60).map(|n| line(n, note(n))).collect()
    };
    // Opened and never closed; closed thirty lines below; closed by a quote at the end of a field two lines below, so
    // that both readings are possible; text behind a closing quote. A quote inside a field is an ordinary character.
    for (places, expected) in [
        (&[(10, "\"5 inch")][..], vec![("quote opened and not closed", vec![12])]),
        (&[(10, "\"5 inch"), (40, "pipe 6\" long")], vec![("quote opened and not closed", vec![12])]),
        (&[(10, "\"5 inch"), (12, "6\"")], vec![("quote opened and not closed", vec![12, 13, 14])]),
        (&[(10, "\"5\" inch")], vec![("text behind a closing quote", vec![12])]),
        (&[(10, "5\" inch")], vec![]),
    ] {
        let (transactions, row_outcomes) =
            read_bytes("t.csv", format!("{HEADER}{}", stray(places)).as_bytes(), |_| {}).unwrap();
        assert_eq!(row_outcomes.rows(InputTable::Transactions), 60, "{places:?}");
        assert_eq!(rejected(&row_outcomes), expected, "{places:?}");
        let lost: usize = expected.iter().map(|(_, lines)| lines.len()).sum();
        assert_eq!((transactions.baskets.len(), items(&transactions).len()), (60 - lost, 5), "{places:?}");
    }
}

#[test]
fn a_quoted_field_of_a_few_lines_is_read_and_lines_are_numbered_on() {
    let text = format!(
        "{HEADER}b,\"two\nlines\",2024-01-05,c,\"an\naddress, in\nlines\"\nb,x,2024-01-05,c,n\nb,y,never,c,n\n"
    );
    let (transactions, row_outcomes) = read_bytes("t.csv", text.as_bytes(), |_| {}).unwrap();
    assert_eq!(items(&transactions), ["two\nlines", "x"]);
    assert_eq!(rejected(&row_outcomes), [("bad timestamp", vec![7])]);
}

#[test]
fn a_field_too_many_or_too_few_rejects_its_line() {
    let text = format!(
        "{HEADER}b1,i1,2024-01-05,c,SOAP\nb2,i2,2024-01-05,c,SOAP, GREEN\nb3,i3,2024-01-05,c\n,,,,\n\n{HEADER}"
    );
    let (transactions, row_outcomes) = read_bytes("t.csv", text.as_bytes(), |_| {}).unwrap();
    assert_eq!(items(&transactions), ["i1"]);
    assert_eq!(rejected(&row_outcomes), [("wrong number of fields", vec![3, 4])]);
    let left_out: Vec<_> =
        row_outcomes.left_out(InputTable::Transactions).map(|(reason, rows)| (reason.name(), rows.rows)).collect();
    assert_eq!(left_out, [("blank line", 2), ("header again", 1)]);
}

/// The same three rows in every encoding and compression.
const ROWS: &str = "basket_id,item_id,timestamp,customer_id,quantity\nb1,Müsli,2024-01-05,c1,1.5\nb1,x,2024-01-05,c1,1\nb2,x,2024-01-06,,2\n";

fn is_whole((transactions, row_outcomes): &(Transactions, RowOutcomes)) {
    assert_eq!(rejected(row_outcomes), []);
    assert_eq!((items(transactions), transactions.baskets.len()), (vec!["Müsli", "x"], 2));
    assert_eq!((transactions.customers.len(), transactions.baskets[0].day), (1, 19_727));
}

#[test]
fn every_encoding_line_end_separator_and_compression() {
    let utf_16 = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let latin_1: Vec<u8> = ROWS.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let gzip = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    // A file compressed in pieces, as by `cat a.gz b.gz`, is one file.
    let (first, rest) = ROWS.split_at(60);
    let plain = |_: &mut InputConfig| {};
    for (name, bytes) in [
        ("plain.csv", ROWS.as_bytes().to_vec()),
        ("mark.csv", format!("\u{feff}{ROWS}").into_bytes()),
        ("windows.csv", ROWS.replace('\n', "\r\n").into_bytes()),
        ("twice-windows.csv", ROWS.replace('\n', "\r\r\n").into_bytes()),
        ("mac.csv", ROWS.replace('\n', "\r").into_bytes()),
        ("utf-16le.csv", utf_16(&format!("\u{feff}{ROWS}"), false)),
        ("utf-16be.csv", utf_16(&format!("\u{feff}{ROWS}"), true)),
        ("no-mark.csv", utf_16(ROWS, false)),
        ("t.csv.gz", [gzip(first), gzip(rest)].concat()),
        ("no-ending.csv", gzip(ROWS)),
        ("t.csv.zst", zstd::encode_all(ROWS.as_bytes(), 1).unwrap()),
        ("t.tsv", ROWS.replace(',', "\t").into_bytes()),
        ("excel.csv", format!("sep=;\r\n{}", ROWS.replace(',', ";")).into_bytes()),
        ("spaces.csv", ROWS.replacen("customer_id", " customer_id ", 1).into_bytes()),
        ("quoted.csv", ROWS.replacen("customer_id", "\"customer_id\"", 1).into_bytes()),
    ] {
        let read = read_bytes(name, &bytes, plain);
        is_whole(&read.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    is_whole(&read_bytes("t.csv", &latin_1, |config| config.csv.encoding = Some("latin1".into())).unwrap());
    for separator in [';', '|', '\t'] {
        let bytes = ROWS.replace(',', &separator.to_string()).replace("1.5", "1,5");
        let set = |config: &mut InputConfig| (config.csv.separator, config.csv.decimal) = (Some(separator), ',');
        is_whole(&read_bytes("t.csv", bytes.as_bytes(), set).unwrap());
    }
}

#[test]
fn what_would_help_is_said() {
    let error = |name: &str, bytes: &[u8]| read_bytes(name, bytes, |_| {}).unwrap_err().to_string();
    let semicolons = error("t.csv", ROWS.replace(',', ";").as_bytes());
    assert!(semicolons.contains("separator = \";\""), "{semicolons}");
    let tabs = error("t.csv", ROWS.replace(',', "\t").as_bytes());
    assert!(tabs.contains("separator = \"\\t\""), "{tabs}");
    let latin_1 = b"basket_id,item_id,timestamp\nb,\xa3 VOUCHER,2024-01-05\n";
    let encoding = error("t.csv", latin_1);
    assert!(encoding.contains("not valid UTF-8") && encoding.contains("windows-1252"), "{encoding}");
    for (name, bytes, what) in [
        ("t.csv", &b"PK\x03\x04 and so on"[..], "Excel"),
        ("t.csv.gz", b"\x1f\x8b\x08\x00 cut", "t.csv.gz"),
        ("t.csv", b"basket_id,item_id,timestamp,item_id\nb,i,2024-01-05,i\n", "two columns `item_id`"),
        ("t.csv", b"basket_id,\"item_id,timestamp\nb,i,2024-01-05\n", "quote in its header"),
    ] {
        let message = error(name, bytes);
        assert!(message.contains(what), "{message}");
    }
    let dates = error("t.csv", b"basket_id,item_id,timestamp\nb,i,12/1/2010 8:26\n");
    assert!(dates.contains("timestamp_format") && dates.contains("`12/1/2010 8:26`"), "{dates}");
}

#[test]
fn words_for_null_are_nobody_and_a_market_may_be_called_so() {
    let words = ["NULL", "\\N", "nan", "None", "-", "", "NA", " null "];
    let lines: String = words.iter().enumerate().map(|(n, word)| format!("b{n},i,2024-01-05,{word},de\n")).collect();
    let text = format!(
        "basket_id,item_id,timestamp,customer_id,market\n{lines}b,i,2024-01-05,nancy,de\nc,i,2024-01-05,x,NA\n"
    );
    let (transactions, _) = read_bytes("t.csv", text.as_bytes(), |_| {}).unwrap();
    assert_eq!((transactions.baskets.len(), transactions.customers.len()), (words.len() + 1, 1));
    let namibia = |config: &mut InputConfig| config.market_value = Some("NA".into());
    assert_eq!(read_bytes("t.csv", text.as_bytes(), namibia).unwrap().0.baskets.len(), 1);
    let none = |config: &mut InputConfig| config.nulls = Vec::new();
    assert_eq!(read_bytes("t.csv", text.as_bytes(), none).unwrap().0.customers.len(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// For any characters in an unused column, every line is accounted for, and the parsed values are right.
    #[test]
    fn all_lines_are_accounted_for(notes in proptest::collection::vec("[a-z\", ;é]{0,8}", 1..40)) {
        let lines: String = notes.iter().enumerate().map(|(n, note)| format!("b{n},i{n},2024-01-05,c{n},{note}\n")).collect();
        let Ok((transactions, row_outcomes)) = read_bytes("t.csv", format!("{HEADER}{lines}").as_bytes(), |_| {}) else {
            return Ok(());
        };
        prop_assert_eq!(row_outcomes.rows(InputTable::Transactions), notes.len() as u64);
        let rejected: u64 = row_outcomes.rejected(InputTable::Transactions).map(|(_, rows)| rows.rows).sum();
        prop_assert_eq!(transactions.baskets.len() as u64 + rejected, notes.len() as u64);
        for item in transactions.items.iter() {
            prop_assert!(item.strip_prefix('i').is_some_and(|n| n.parse::<usize>().is_ok()), "{}", item);
        }
    }

    /// Any text that is quoted according to RFC 4180 is parsed unchanged.
    #[test]
    fn what_is_written_by_the_book_is_read(ids in proptest::collection::btree_map("[a-z\",; é\n]{1,6}", 1u32..4, 1..20)) {
        let ids: BTreeMap<String, u32> = ids.into_iter().map(|(id, n)| (format!("i{id}i"), n)).collect();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let lines: String = ids.keys().enumerate().map(|(n, id)| format!("b{n},{},2024-01-05,,n\n", quoted(id))).collect();
        let last = "b,z,2024-01-05,,n\n";
        let (transactions, row_outcomes) = read_bytes("t.csv", format!("{HEADER}{lines}{last}").as_bytes(), |_| {}).unwrap();
        // A quoted field with a line that looks like a record is rejected and reported.
        if rejected(&row_outcomes).is_empty() {
            prop_assert_eq!(items(&transactions), ids.keys().map(String::as_str).chain(["z"]).collect::<Vec<_>>());
        } else {
            prop_assert!(rejected(&row_outcomes).iter().all(|(reason, _)| *reason == "quote opened and not closed"));
        }
    }
}
