//! Names and sentences for people.

use trolley_training::{BestPart, Estimate, Focus, MODEL, MethodResult, compared_by};

/// The name of a benchmark.
pub fn benchmark(name: &str) -> &str {
    match name {
        "bought_together" => "Bought together, customer known",
        "bought_together_anonymous" => "Bought together, anonymous",
        "bought_together_new" => "Bought together, new to the customer",
        "bought_together_anonymous_new" => "Bought together, new to the customer, anonymous",
        "bought_together_cart" => "Bought together, a cart",
        "offers" => "Offers of the week",
        "offers_anonymous" => "Offers of the week, anonymous",
        "alternatives" => "Alternatives, customer known",
        "alternatives_anonymous" => "Alternatives, anonymous",
        "alternatives_in_store" => "Alternatives in a store, anonymous",
        "buy_again" => "Buy again",
        "new_for_you" => "New for you",
        "bought_together_live" => "Live: bought together",
        "bought_together_live_last_week" => "Live: bought together, last week",
        "bought_together_live_new" => "Live: bought together, new customers",
        "bought_together_live_new_after_3" => "Live: bought together, new customers after three baskets",
        "next_basket_live" => "Live: next basket",
        "next_basket_live_last_week" => "Live: next basket, last week",
        "next_basket_live_new" => "Live: next basket, new customers",
        "next_basket_live_new_after_3" => "Live: next basket, new customers after three baskets",
        "next_basket" => "Next basket",
        "next_basket_repeats" => "Next basket, repeats",
        "next_basket_new" => "Next basket, new items",
        other => other,
    }
}

/// The names of a figure's benchmark and metric, if models are compared by that figure.
pub fn compared(figure: &str) -> Option<String> {
    let (of, metric) = figure.split_once('.')?;
    let metric = match metric {
        "due_to_item" => "due to the item (in points, not as a share)",
        _ if compared_by(of) != figure => return None,
        "ndcg" => "nDCG",
        _ => "hit rate",
    };
    Some(format!("{}: {metric}", benchmark(of)))
}

/// The name of a metric, with the length of the lists.
pub fn metric(name: &str, k: usize) -> String {
    match name {
        "hit_rate" => format!("hit rate@{k}"),
        "ndcg" => format!("nDCG@{k}"),
        other => format!("{other}@{k}"),
    }
}

/// The main metrics of a benchmark.
pub fn metrics(benchmark: &str) -> [&'static str; 2] {
    match benchmark {
        name if name.starts_with("alternatives") || name.starts_with("bought") => ["hit_rate", "ndcg"],
        _ => ["ndcg", "recall"],
    }
}

/// Metrics of bought-together lists: the key, the name, and whether it is a share.
pub const SHOWN: [(&str, &str, bool); 6] = [
    ("due_to_item", "due to the item", false),
    ("lift_below_one", "lift below 1", true),
    ("own_share", "own items", true),
    ("overlap", "overlap", true),
    ("top_50_share", "among the 50 best-selling", true),
    ("categories", "categories", false),
];

/// All but the first of [`SHOWN`] for one method, in words; `None` if none was measured.
pub fn shown(result: &MethodResult) -> Option<String> {
    let figure = |&(metric, name, is_share): &(&str, &str, bool)| {
        let value = result.figures.get(metric)?.value;
        Some(if is_share { format!("{name} {:.0} %", value * 100.0) } else { format!("{name} {value:.2}") })
    };
    let figures: Vec<String> = SHOWN.iter().skip(1).filter_map(figure).collect();
    (!figures.is_empty()).then(|| figures.join(", "))
}

/// `0.1234` as `0.123`.
pub(super) fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// `0.083` as `+8.3 %`.
pub fn percent(value: f64) -> String {
    format!("{:+.1} %", value * 100.0)
}

/// `bought_together` as `bought together`.
pub(super) fn signal(name: &str) -> String {
    name.replace('_', " ")
}

/// The comparison of a blend with its best part.
pub fn best_part(question: &str, best: &BestPart) -> String {
    let BestPart { name, part, blend, standard_error, customers, serves } = best;
    let which = if *serves {
        format!("the learned blend is not ahead of {} alone, which serves instead", signal(name))
    } else {
        format!("the best part of the blend is {}", signal(name))
    };
    format!(
        "{}: {which} (nDCG {part:.4}, the blend {blend:.4}, standard error of the difference {standard_error:.4}, \
         {customers} customers held out)",
        benchmark(question),
    )
}

/// The item focuses that were tried for a question, with their results.
pub fn focuses(question: &str, tried: &[Focus]) -> String {
    let one = |tried: &Focus| {
        let chosen = if tried.chosen { " (chosen)" } else { "" };
        format!("{}{chosen}: hit rate {:.3}, due to the item {:.4}", tried.focus, tried.hit_rate, tried.due_to_item)
    };
    let tried: Vec<String> = tried.iter().map(one).collect();
    format!("{}: item focus {}", benchmark(question), tried.join("; "))
}

/// The strongest method other than the model, with its result.
pub fn strongest<'a>(results: &'a [MethodResult], metric: &str) -> Option<(&'a str, Estimate)> {
    let others = results.iter().filter(|result| result.method != MODEL);
    let figures = others.filter_map(|result| Some((result.method.as_str(), *result.figures.get(metric)?)));
    figures.max_by(|a, b| a.1.value.total_cmp(&b.1.value))
}
