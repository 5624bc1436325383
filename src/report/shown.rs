//! Metrics of bought-together lists other than hits.

use maud::{Markup, html};
use trolley_training::{Benchmark, Estimate, Evaluation, MODEL, MethodResult};

use super::words;

/// The section of the page; empty if they were not measured.
pub(super) fn section(evaluation: &Evaluation) -> Markup {
    let measured = |benchmark: &&Benchmark| benchmark.of_model("top_50_share").is_some();
    let benchmarks: Vec<&Benchmark> = evaluation.benchmarks.iter().filter(measured).collect();
    html! {
        @if !benchmarks.is_empty() {
            h2 { "Does the answer depend on the item?" }
            p.dim {
                "Due to the item: recall in the basket less recall of the same list in the customer's other baskets of the test "
                "that do not hold the item; in brackets the 95 % interval. Lift below 1: bought with the item less often than "
                "chance has it. Overlap: shared by the lists of two items for the same customer."
            }
            @for benchmark in benchmarks { (table(benchmark)) }
            @for (question, tried) in &evaluation.focuses { p.dim { (words::focuses(question, tried)) "." } }
        }
    }
}

fn table(benchmark: &Benchmark) -> Markup {
    let due_share = benchmark.groups.first().and_then(|group| group.due_share);
    html! {
        h3 { (words::benchmark(&benchmark.name)) }
        @if let Some(share) = due_share {
            p.dim { "Due to the item is measured on " (format!("{:.0} %", share * 100.0)) " of the cases: the customers of the others have no other basket without the item." }
        }
        table {
            tr { th { "" } @for (_, name, _) in words::SHOWN { th.n { (name) } } th.n { "ahead in due to the item" } }
            @for result in benchmark.all() { (row(result)) }
        }
        @if benchmark.groups.len() > 1 {
            table {
                tr { th { "Cases" } th.n { "" } th.n { "due to the item" } }
                @for group in &benchmark.groups {
                    @if let Some(due) = group.results.first().and_then(|ours| ours.figures.get("due_to_item")) {
                        tr { td { (group.name) } td.n { (group.cases) } td.n { (interval(due)) } }
                    }
                }
            }
        }
    }
}

fn row(result: &MethodResult) -> Markup {
    let cell = |&(metric, _, is_share): &(&str, &str, bool)| match result.figures.get(metric) {
        Some(due) if metric == "due_to_item" => interval(due),
        Some(figure) if is_share => format!("{:.0} %", figure.value * 100.0),
        Some(figure) => format!("{:.1}", figure.value),
        None => String::new(),
    };
    html! {
        tr {
            td { @if result.method == MODEL { b { (result.method) } } @else { (result.method) } }
            @for metric in &words::SHOWN { td.n { (cell(metric)) } }
            td.n { (result.ahead.get("due_to_item").map_or_else(String::new, interval)) }
        }
    }
}

fn interval(figure: &Estimate) -> String {
    format!("{:.4} ({:.4} to {:.4})", figure.value, figure.low, figure.high)
}
