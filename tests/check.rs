//! `trolley check` with the real binary, as a data scientist sees it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn check(folder: &Path, config: &str, arguments: &[&str]) -> Output {
    fs::write(folder.join("shop.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trolley"));
    command.args(["check", "--config", "shop.toml"]).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Twenty days of six baskets; `change` can corrupt a line.
fn shop(folder: &Path, change: impl Fn(usize, String) -> String) {
    let line = |n: usize| {
        let (basket, item) = (n / 2, (n * 7 + n / 2) % 10);
        change(n, format!("{basket},i{item},2024-03-{:02},c{},{}\n", 1 + basket / 6, basket % 9, 1 + n % 3))
    };
    let lines: String = (0..240).map(line).collect();
    fs::write(folder.join("t.csv"), format!("basket_id,item_id,timestamp,customer_id,quantity\n{lines}")).unwrap();
    let items: Vec<String> = (0..10).map(|item| format!("i{item},k{},FOOD\n", item % 3)).collect();
    let items = items.concat();
    fs::write(folder.join("i.csv"), format!("item_id,category,department\n{items}")).unwrap();
}

const CONFIG: &str = "rejects = \"/dev/null/nowhere\"\n[markets.de]\ntransactions = \"t.csv\"\nitems = \"i.csv\"\n";

#[test]
fn tables_in_order_are_described_in_a_hundred_columns_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), |n, line| match n {
        3 => line.replace(",1\n", ",-1\n").replace(",2\n", ",-1\n").replace(",3\n", ",-1\n"),
        5 => line.replace("2024-03-01", "12/1/2010 8:26"),
        _ => line,
    });
    let done = check(folder.path(), CONFIG, &[]);
    let out = text(&done.stdout);
    assert!(done.status.success(), "{out}{}", text(&done.stderr));
    for part in [
        "  rows         240",
        "  lines        238",
        "  baskets      120",
        "  customers    9",
        "left out   1 × return or credit note",
        "rejected   1 × ambiguous timestamp (transactions)",
        "t.csv, line 7: `12/1/2010 8:26`",
        "238 of 238 lines are of items in the items table (100.0 %)",
        "rejected-rows",
    ] {
        assert!(out.contains(part), "no `{part}` in\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let names = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut files: Vec<String> = folder.path().read_dir().unwrap().map(names).collect();
    files.sort();
    assert_eq!(files, ["i.csv", "shop.toml", "t.csv"]);
}

#[test]
fn errors_fail_unless_they_are_accepted_and_json_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), |_, line| line);
    fs::write(folder.path().join("i.csv"), "item_id,category\nx1,k\nx2,k\n").unwrap();
    let done = check(folder.path(), CONFIG, &[]);
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stdout).contains("ERROR     not-in-items-table"), "{}", text(&done.stdout));
    let done = check(folder.path(), CONFIG, &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let market = &json["markets"][0];
    assert_eq!((&market["market"], &market["lines_in_items_table"]), (&"de".into(), &0.into()));
    assert_eq!(market["findings"][0]["kind"], "not-in-items-table");
    assert_eq!(market["findings"][0]["severity"], "error");
    assert!(market["error"].is_string());
    assert_eq!(market["tables"][0]["rows"], 240);
    let accepted = format!("{CONFIG}accept = [\"not-in-items-table\"]\n");
    let done = check(folder.path(), &accepted, &["--json", "out.json"]);
    assert!(done.status.success() && text(&done.stdout).contains("accepted"), "{}", text(&done.stdout));
    assert!(folder.path().join("out.json").is_file());
}

#[test]
fn what_training_would_refuse_is_refused_here_with_the_key_named() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), |_, line| line);
    for (more, key) in [
        ("[training]\nhalf_life_days = -3", "half_life_days"),
        ("[training]\nmin_baskets = 0", "min_baskets"),
        ("[training.skipgram]\ndims = 0", "skipgram.dims"),
        ("[training.skipgram]\nlearning_rate = 0", "skipgram.learning_rate"),
        ("[markets.de.csv]\nseparator = \"\\n\"", "csv.separator"),
        ("[markets.de.csv]\nencoding = \"latin-one\"", "csv.encoding"),
        ("[markets.de.csv]\ndecimal = \";\"", "csv.decimal"),
    ] {
        let done = check(folder.path(), &format!("{CONFIG}{more}\n"), &[]);
        assert_eq!(done.status.code(), Some(1), "{more}");
        assert!(text(&done.stderr).contains(key), "{more}: {}", text(&done.stderr));
    }
    for (more, key) in [
        ("max_rejected = 5.0", "max_rejected"),
        ("timestamp_format = \"soon\"", "timestamp_format"),
        ("accept = [\"not-in-item-table\"]", "not-in-items-table"),
    ] {
        let done = check(folder.path(), &format!("{CONFIG}{more}\n"), &[]);
        assert_eq!(done.status.code(), Some(1), "{more}");
        assert!(text(&done.stderr).contains(key), "{more}: {}", text(&done.stderr));
    }
}
