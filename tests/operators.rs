//! The files for operators in config/ only refer to metrics that exist.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;

/// The names of all metrics in the source, which a service exports from its start.
fn known() -> BTreeSet<String> {
    let text = std::fs::read_to_string("src/metrics.rs").unwrap();
    let names =
        text.lines().filter_map(|line| line.strip_prefix("const ")?.split_once("\"trolley_")?.1.split_once('"'));
    names.map(|(name, _)| format!("trolley_{name}")).collect()
}

fn named(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !part(c)).filter(|word| word.starts_with("trolley_"));
    let base = |word: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        base.unwrap_or(word).to_owned()
    };
    words.map(base).collect()
}

#[test]
fn alerts_and_dashboard_name_metrics_that_exist() {
    let known = known();
    assert!(known.len() > 20, "{known:?}");
    for file in ["config/alerts.yml", "config/grafana-dashboard.json"] {
        let named = named(&std::fs::read_to_string(file).unwrap());
        assert!(named.len() > 8, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} names what does not exist: {unknown:?}");
    }
}

#[test]
fn every_alert_has_a_section_in_the_handbook() {
    let alerts = std::fs::read_to_string("config/alerts.yml").unwrap();
    let handbook = std::fs::read_to_string("docs/operations.md").unwrap();
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 6, "{names:?}");
    for name in names {
        assert!(handbook.contains(name), "docs/operations.md says nothing about {name}");
    }
}
