//! Names for people.

use trolley_training::{Estimate, MODEL, Replaced, Standing};

/// What a contest is called.
pub fn contest(name: &str) -> &str {
    match name {
        "bought_together" => "Bought together, customer known",
        "bought_together_anonymous" => "Bought together, nobody known",
        "bought_together_new" => "Bought together, new to the customer",
        "bought_together_anonymous_new" => "Bought together, new to the customer, nobody known",
        "offers" => "Offers of the week",
        "alternatives" => "Alternatives, customer known",
        "alternatives_anonymous" => "Alternatives, nobody known",
        "next_basket" => "Next basket",
        "next_basket_repeats" => "Next basket, repeats",
        "next_basket_new" => "Next basket, new items",
        other => other,
    }
}

/// What a metric is called, with the length of the lists.
pub fn metric(name: &str, k: usize) -> String {
    match name {
        "hit_rate" => format!("hit rate@{k}"),
        "ndcg" => format!("nDCG@{k}"),
        other => format!("{other}@{k}"),
    }
}

/// The metrics of a contest that people ask for first.
pub fn metrics(contest: &str) -> [&'static str; 2] {
    match contest {
        name if name.starts_with("alternatives") || name.starts_with("bought") => ["hit_rate", "ndcg"],
        _ => ["ndcg", "recall"],
    }
}

/// `0.1234` as `.123`.
pub(super) fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// `0.083` as `+8.3 %`.
pub(super) fn percent(value: f64) -> String {
    format!("{:+.1} %", value * 100.0)
}

/// `bought_together` as `bought together`.
pub(super) fn signal(name: &str) -> String {
    name.replace('_', " ")
}

/// What serves in the place of a blend.
pub fn replaced(question: &str, replaced: &Replaced) -> String {
    let Replaced { by, blend, part, standard_error, customers } = replaced;
    format!(
        "{}: the learned blend was worse than {} and does not serve; that does (nDCG {blend:.4} beside {part:.4}, standard \
         error {standard_error:.4}, {customers} customers held out)",
        contest(question),
        signal(by),
    )
}

/// The strongest contender but the model, with its figure.
pub fn strongest<'a>(standings: &'a [Standing], metric: &str) -> Option<(&'a str, Estimate)> {
    let others = standings.iter().filter(|standing| standing.contender != MODEL);
    let figures = others.filter_map(|standing| Some((standing.contender.as_str(), *standing.figures.get(metric)?)));
    figures.max_by(|a, b| a.1.value.total_cmp(&b.1.value))
}
