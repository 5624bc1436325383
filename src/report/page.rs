//! The HTML page of a report.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use trolley_model::artefact::Verdict;
use trolley_training::{
    Benchmark, Decision, Estimate, Evaluation, FeatureImportance, Group, Likeness, MODEL, MethodResult,
};

use super::charts::{self, Bar};
use super::words::{self, percent, share, strongest};
use super::{Fate, Report, beside, data, examples, map, shown};

const STYLE: &str = "
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:1080px;margin:2rem auto;padding:0 1.2rem}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.4rem 0 .6rem;border-bottom:1px solid #e4e7eb}
h3{font-size:1rem;margin:1.2rem 0 .3rem}p{margin:.3rem 0 .6rem}.dim{color:#7b8794}
.verdict{border-left:6px solid #0a7d4f;background:#f0faf5;padding:1rem 1.2rem;margin:1rem 0}
.verdict.weak{border-color:#c77700;background:#fff8eb}.verdict.bad{border-color:#c0392b;background:#fdf1ef}.verdict b{font-size:1.15rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e4e7eb;vertical-align:top}
th{font-weight:600;color:#52606d}td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg.curve{width:150px;height:36px}svg text.small{font-size:10px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:0 2rem}@media(max-width:800px){.two{grid-template-columns:1fr}}
.up{color:#0a7d4f}.down{color:#c0392b}details{margin:.4rem 0}summary{cursor:pointer}ol{margin:.2rem 0;padding-left:1.3rem}
";

pub(super) fn page(report: &Report<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Trolley · " (report.market) " · " (report.version.unwrap_or("evaluation")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (verdict(report))
                @if let Some(evaluation) = report.evaluation {
                    (summary(evaluation))
                    (benchmarks(evaluation))
                    (shown::section(evaluation))
                    (groups(evaluation))
                    (reach(evaluation))
                    (tuned(evaluation))
                }
                (feature_importances(report))
                (data::section(report.data))
                (training(report))
                (answers(report))
            }
        }
    }
}

/// The outcome for the model and the main results, before anything else.
fn verdict(report: &Report<'_>) -> Markup {
    let Decision { verdict, failures, accepted, reasons } = report.decision;
    let published = match (report.fate, verdict) {
        (Fate::Published, _) => "Published",
        (Fate::WouldPass, _) => "Would be published",
        (Fate::Forced, _) => "Published by force, though it fails its gate",
        (Fate::Rejected, _) => "Not published",
        (Fate::WouldNotPass, _) => "Would not be published",
    };
    let judged = match verdict {
        Verdict::Passed => ": every gate was passed.",
        Verdict::WeakEvidence => ": WEAK EVIDENCE.",
        Verdict::NotJudged => ": NOT JUDGED.",
        Verdict::Failed => ".",
    };
    let class = match verdict {
        Verdict::Passed => "verdict",
        Verdict::WeakEvidence | Verdict::NotJudged => "verdict weak",
        Verdict::Failed => "verdict bad",
    };
    html! {
        section class=(class) {
            b { (published) (judged) }
            @for failure in failures { p { b { (failure.gate) } ": " (failure.why) ". " span.dim { "Next: " (failure.next) "." } } }
            @for reason in reasons { p { (reason) "." } }
            @for failure in accepted { p { "Accepted: " (failure) "." } }
            @if let Some(evaluation) = report.evaluation {
                @for line in headline(evaluation) { p { (line) } }
                @for (question, best) in evaluation.best_parts.iter().filter(|(_, best)| best.serves) { p { (words::best_part(question, best)) "." } }
            }
        }
        h1 { "Market " (report.market) @if let Some(version) = report.version { ", model " (version) } }
        @if let Some(evaluation) = report.evaluation {
            p.dim {
                "Tested on " (evaluation.test_from) " to " (evaluation.test_to) ", which the judged model has not seen. "
                (format!("{:.0} s", report.costs.seconds))
                @if let Some(bytes) = report.costs.peak_memory { (format!(", at most {:.1} GiB of memory", bytes as f64 / f64::from(1 << 30))) }
                ". Intervals are 95 %, by bootstrap over customers."
            }
        }
        @if let Some(comparison) = report.comparison { (beside::section(comparison)) }
    }
}

/// The main results in sentences.
fn headline(evaluation: &Evaluation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(benchmark) = evaluation.benchmark("bought_together")
        && let (Some(ours), Some((best, result))) =
            (benchmark.of_model("hit_rate"), strongest(benchmark.all(), "hit_rate"))
    {
        lines.push(format!(
            "In {:.1} % of {} baskets at least one of the six recommendations was in the basket; {best} reaches {:.1} %.",
            ours.value * 100.0,
            benchmark.groups.first().map_or(0, |group| group.cases),
            result.value * 100.0
        ));
    }
    if let Some(benchmark) = evaluation.benchmark("offers")
        && let Some(lead) = benchmark.result("most frequent").and_then(|result| result.lead.get("ndcg"))
    {
        let how = if lead.low > 0.0 {
            "better than"
        } else if lead.high < 0.0 {
            "worse than"
        } else {
            "not surely different from"
        };
        lines.push(format!(
            "The order of the offers is {how} that of the customer's most frequent items: {} nDCG@20 ({} to {}).",
            percent(lead.value),
            percent(lead.low),
            percent(lead.high)
        ));
    }
    lines
}

fn lead_of<'a>(results: &'a [MethodResult], method: &str, metric: &str) -> Option<&'a Estimate> {
    results.iter().find(|result| result.method == method)?.lead.get(metric)
}

fn summary(evaluation: &Evaluation) -> Markup {
    html! {
        h2 { "At a glance" }
        table {
            tr { th { "Question" } th.n { "Cases" } th { "Figure" } th.n { "Trolley" } th { "Strongest baseline" } th.n { "" } th.n { "Lead" } th.n { "95 % interval" } }
            @for benchmark in &evaluation.benchmarks {
                @let metric = words::metrics(&benchmark.name)[0];
                @if let (Some(ours), Some((name, theirs))) = (benchmark.of_model(metric), strongest(benchmark.all(), metric)) {
                    tr {
                        td { (words::benchmark(&benchmark.name)) }
                        td.n { (benchmark.groups.first().map_or(0, |group| group.cases)) }
                        td { (words::metric(metric, benchmark.k)) }
                        td.n { b { (share(ours.value)) } }
                        td { (name) } td.n { (share(theirs.value)) }
                        @if let Some(lead) = lead_of(benchmark.all(), name, metric) {
                            td class=(if lead.value >= 0.0 { "n up" } else { "n down" }) { (percent(lead.value)) }
                            td.n { (percent(lead.low)) " to " (percent(lead.high)) }
                        } @else { td.n { "" } td.n { "" } }
                    }
                }
            }
            @if let Some([ours, stats]) = evaluation.audience {
                tr {
                    td { "Audience of an offer" } td.n { "" } td { "mean area under the ROC curve" } td.n { b { (share(ours.value)) } }
                    td { "own decayed purchases" } td.n { (share(stats.value)) } td.n { "" } td.n { (share(ours.low)) " to " (share(ours.high)) }
                }
            }
        }
    }
}

fn benchmarks(evaluation: &Evaluation) -> Markup {
    html! {
        h2 { "Comparison with baselines" }
        @for benchmark in &evaluation.benchmarks {
            h3 { (words::benchmark(&benchmark.name)) }
            p.dim { (benchmark.question) ". Length of the list: " (benchmark.k) "." }
            div.two {
                @for metric in words::metrics(&benchmark.name) {
                    div { p.dim { (words::metric(metric, benchmark.k)) } (charts::bars(&bars(benchmark, metric))) }
                }
            }
        }
    }
}

fn bars(benchmark: &Benchmark, metric: &str) -> Vec<Bar> {
    let mut bars: Vec<Bar> = benchmark
        .all()
        .iter()
        .filter_map(|result| {
            let note =
                result.lead.get(metric).map_or_else(String::new, |lead| percent(-lead.value / (1.0 + lead.value)));
            Some(Bar {
                name: result.method.clone(),
                value: *result.figures.get(metric)?,
                ours: result.method == MODEL,
                note,
            })
        })
        .collect();
    bars.sort_by(|a, b| b.value.value.total_cmp(&a.value.value));
    bars
}

/// Results by popularity of the item and by history of the customer.
fn groups(evaluation: &Evaluation) -> Markup {
    let of = |benchmark: &Benchmark, group: &Group| {
        let metric = words::metrics(&benchmark.name)[0];
        let ours = group.results.first()?.figures.get(metric).copied()?;
        let (name, theirs) = strongest(&group.results, metric)?;
        Some((ours, name.to_owned(), theirs, lead_of(&group.results, name, metric).copied()))
    };
    html! {
        h2 { "Where it is good and where not" }
        p.dim { "Items by falling sales, cut where a third (head) and two thirds (middle) of all purchases are reached. Much history: 20 baskets or more." }
        @for benchmark in evaluation.benchmarks.iter().filter(|benchmark| benchmark.groups.len() > 1) {
            h3 { (words::benchmark(&benchmark.name)) ", " (words::metric(words::metrics(&benchmark.name)[0], benchmark.k)) }
            table {
                tr { th { "Cases" } th.n { "" } th.n { "Trolley" } th.n { "95 % interval" } th { "Strongest baseline there" } th.n { "" } th.n { "Lead" } }
                @for group in &benchmark.groups {
                    @if let Some((ours, name, theirs, lead)) = of(benchmark, group) {
                        tr {
                            td { (group.name) } td.n { (group.cases) } td.n { b { (share(ours.value)) } }
                            td.n { (share(ours.low)) " to " (share(ours.high)) } td { (name) } td.n { (share(theirs.value)) }
                            td class=(if lead.is_some_and(|lead| lead.value < 0.0) { "n down" } else { "n up" }) { (lead.map_or_else(String::new, |lead| percent(lead.value))) }
                        }
                    }
                }
            }
        }
    }
}

fn reach(evaluation: &Evaluation) -> Markup {
    let exact = |name: &str, value: f64| Bar {
        name: name.to_owned(),
        value: Estimate { value, low: value, high: value },
        ours: true,
        note: String::new(),
    };
    let (coverage, substitution) = (evaluation.coverage, evaluation.substitution);
    html! {
        h2 { "Coverage" }
        p.dim { "Shares that are answered by the model itself, not by a fallback; and of the items bought, how many are ever shown." }
        (charts::bars(&[
            exact("customers", coverage.customers),
            exact("items sold in 90 days", coverage.items),
            exact("the same, alternatives", coverage.items_with_alternatives),
            exact("items ever shown", coverage.catalogue),
        ]))
        h3 { "Are alternatives alternatives?" }
        p {
            (format!("{:.1} %", substitution.category_agreement * 100.0)) " of the six are of the item's own category. Their median co-purchase lift is "
            (format!("{:.2}", substitution.lift)) ", that of random items of the same category " (format!("{:.2}", substitution.lift_of_random))
            " (substitutes are seldom bought together)."
        }
        (like(&evaluation.likeness, "Of the six"))
        @if let Some(in_store) = &evaluation.likeness_in_store { (like(in_store, "Of the six in a store")) }
        @if !evaluation.flaws.is_empty() { (flaws(evaluation)) }
    }
}

/// The similarity of alternatives to the items that they replace.
fn like(likeness: &Likeness, of: &str) -> Markup {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let same = likeness.same.iter().map(|(name, share)| format!(", {} have the same {name}", percent(*share)));
    html! {
        @if let (Some(size), Some(price), Some(both)) = (likeness.size, likeness.price, likeness.size_and_price) {
            p {
                (of) ", " (percent(size)) " are of a size within a quarter, " (percent(price)) " of a price by size within a quarter, "
                (percent(both)) " of both" (same.collect::<String>()) "; " (percent(likeness.not_sold)) " were not sold lately."
                @if let Some(removes) = likeness.must_match_removes {
                    " What must match would remove " (percent(removes)) "."
                }
            }
        }
    }
}

/// The minimum numbers of flawless alternatives that were tried, with their hit rates.
fn flaws(evaluation: &Evaluation) -> Markup {
    html! {
        table {
            tr { th { "of six without a flaw, at the least" } @for tried in &evaluation.flaws { td { (tried.flawless) } } }
            tr { th { "hit rate on the validation weeks" } @for tried in &evaluation.flaws { td { (format!("{:.3}", tried.hit_rate)) } } }
        }
    }
}

/// The baselines' settings.
fn tuned(evaluation: &Evaluation) -> Markup {
    html! {
        h3 { "Settings of the baselines" }
        p.dim { "Chosen on the weeks before the test, from a small grid." }
        table {
            @for (baseline, settings) in &evaluation.tuned {
                tr { td { (baseline) } td { (settings.iter().map(|(name, value)| format!("{} {value}", words::signal(name))).collect::<Vec<_>>().join(", ")) } }
            }
        }
    }
}

/// The effect of each signal in each blend.
fn feature_importances(report: &Report<'_>) -> Markup {
    const BLENDS: [(&str, &str); 7] = [
        ("bought_together", "Bought together, customer known"),
        ("bought_together_anonymous", "Bought together, anonymous"),
        ("bought_together_new", "Bought together, new to the customer"),
        ("alternatives", "Alternatives, customer known"),
        ("alternatives_anonymous", "Alternatives, anonymous"),
        ("offers", "Offers"),
        ("offers_anonymous", "Offers, anonymous"),
    ];
    let found = |key: &str| {
        report.evaluation?.feature_importances.get(key).filter(|feature_importances| !feature_importances.is_empty())
    };
    html! {
        h2 { "What counts" }
        p.dim { "A score is a sum of parts, one for each signal. Each curve shows a signal's mean part (up or down) as its value grows from left to right; the first number is the distance from its lowest to its highest point, the second what nDCG loses without the signal, the others being left as they are, on customers held out of the learning." }
        div.two {
            @for (feature_importances, name) in BLENDS.into_iter().filter_map(|(key, name)| Some((found(key)?, name))) {
                div { h3 { (name) } (curves(feature_importances)) }
            }
        }
    }
}

fn curves(feature_importances: &BTreeMap<String, FeatureImportance>) -> Markup {
    let span = |role: &FeatureImportance| {
        let (low, high) = role.curve.iter().fold((0f32, 0f32), |(low, high), p| (low.min(p[1]), high.max(p[1])));
        high - low
    };
    let mut sorted: Vec<_> = feature_importances.iter().collect();
    sorted.sort_by(|a, b| span(b.1).total_cmp(&span(a.1)));
    let reach = sorted.first().map_or(1.0, |(_, role)| span(role));
    html! {
        table {
            @for (name, role) in sorted {
                tr { td { (words::signal(name)) } td.n { (format!("{:.2}", span(role))) } td.n { (percent(-role.importance)) } td { (charts::curve(&role.curve, reach)) } }
            }
        }
    }
}

fn training(report: &Report<'_>) -> Markup {
    let points = map::categories(report.model);
    html! {
        h2 { "What it has learned" }
        @if report.losses.len() > 1 {
            p.dim { "Mean loss of the item embeddings, pass by pass over all baskets." }
            div.two { (charts::line(report.losses, "pass")) }
        }
        @if !report.costs.stages.is_empty() {
            p.dim { "Where the time went, in seconds by the clock and of all processors (all trainings that the evaluation takes are in it)." }
            table { @for stage in &report.costs.stages {
                tr { td { (stage.name) } td.n { (format!("{:.1}", stage.seconds)) } td.n { (format!("{:.1}", stage.processor_seconds)) } }
            } }
        }
        @if points.len() > 2 {
            p.dim { "The best-selling categories: those bought in the same company lie near each other (t-SNE of the mean vectors; sizes by sales)." }
            (charts::scatter(&points))
        }
    }
}

fn answers(report: &Report<'_>) -> Markup {
    let offers = examples::offers_or_bestsellers(report.model, report.offers);
    let list = |rows: &[(String, String)]| {
        html! { ol { @for (name, why) in rows { li { (name) @if !why.is_empty() { span.dim { " · " (why) } } } } } }
    };
    html! {
        h2 { "Ten items" }
        @for example in examples::items(report.model) {
            h3 { (example.name) }
            div.two {
                div { p.dim { "bought together" } (list(&example.together)) }
                div { p.dim { "instead, if it is out of stock" } (list(&example.instead)) }
            }
        }
        h2 { "Five customers" }
        @for example in examples::customers(report.model, &offers) {
            h3 { "A customer with " (example.about) }
            div.two {
                div { p.dim { "buys most" } ol { @for item in &example.usual { li { (item) } } } }
                div { p.dim { "best offers" } (list(&example.offers)) }
            }
        }
    }
}
