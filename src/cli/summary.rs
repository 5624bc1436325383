//! The summary that a training prints.

use trolley_model::artefact::Verdict;
use trolley_model::recommend::{Limits, alternatives, bought_together};
use trolley_model::{Item, Model, Name, Query};
use trolley_training::{Decision, Evaluation, MODEL, Outcome, TrainingJob};

use super::look;
use super::table::thousands;
use crate::config::Config;
use crate::live::{Offer, label};
use crate::output;
use crate::report::{Fate, Report, words};

/// Number of query items in the examples.
const EXAMPLES: u32 = 3;

pub(super) fn print(outcome: &Outcome, job: &TrainingJob<'_>, config: &Config) {
    let Some(manifest) = &outcome.manifest else { return };
    let data = &manifest.data;
    let (market, version) = (&manifest.market, &manifest.version);
    if outcome.published {
        println!("market {market}: model {version} published in {}", job.registry.path().display());
    } else {
        println!(
            "market {market}: model {version} not published, kept in {}",
            job.registry.rejected().path().display()
        );
    }
    decision(outcome);
    let rejected: u64 = data.rejected.values().sum();
    let left_out = || outcome.tables.look.tables.first().into_iter().flat_map(|table| &table.left_out);
    let aside: u64 = left_out().map(|(_, rows)| rows.rows).sum();
    let aside = if aside > 0 { format!("{} left out, ", thousands(aside)) } else { String::new() };
    println!("  rows       {} read, {aside}{} rejected", thousands(data.rows), thousands(rejected));
    for (reason, rows) in left_out() {
        println!("             {} × {reason}", thousands(rows.rows));
    }
    for (reason, count) in &data.rejected {
        println!("             {} × {reason}", thousands(*count));
    }
    if rejected > 0 {
        println!("             listed in {}", job.rejects.display());
    }
    let findings = look::findings(&outcome.tables.look.findings);
    output::print(|out| out.write_all(findings.as_bytes()));
    println!("  baskets    {} from {} to {}", thousands(data.baskets), data.first_day, data.last_day);
    println!("  items      {}, of which {} learned", thousands(data.items), thousands(data.learned_items));
    println!("  customers  {}", thousands(data.customers));
    let memory = outcome.costs.peak_memory.map_or_else(String::new, |bytes| format!(", {} MiB at most", bytes >> 20));
    println!("  took       {:.1} s{memory}", outcome.costs.seconds);
    if let Ok(evaluation) = &outcome.evaluation {
        println!(
            "  judged on  {} to {}, which the judged model had not seen:",
            evaluation.test_from, evaluation.test_to
        );
        figures(evaluation);
    }
    examples(&outcome.model);
    println!("  report     {}", config.report_of(market, version, "html").display());
}

/// The result of the gate, and what to do about it.
pub(super) fn decision(outcome: &Outcome) {
    let Decision { verdict, failures, accepted, reasons } = &outcome.decision;
    for failure in failures {
        println!("  GATE       {failure}");
        println!("             {}", failure.next);
    }
    for failure in accepted {
        println!("  ACCEPTED   {failure}");
    }
    match verdict {
        Verdict::Passed => println!("  judged     every gate was passed"),
        Verdict::WeakEvidence => println!("  WEAK EVIDENCE: {}", reasons.join("; ")),
        Verdict::NotJudged => println!("  NOT JUDGED: {}", reasons.join("; ")),
        Verdict::Failed if !reasons.is_empty() => println!("             also: {}", reasons.join("; ")),
        Verdict::Failed => {}
    }
    let best_parts = outcome.evaluation.iter().flat_map(|evaluation| &evaluation.best_parts);
    for (question, best) in best_parts.filter(|(_, best)| best.serves) {
        println!("  REPLACED   {}", words::best_part(question, best));
    }
}

/// The main metric of each benchmark, compared with the strongest baseline.
pub(super) fn figures(evaluation: &Evaluation) {
    for benchmark in &evaluation.benchmarks {
        let metric = words::metrics(&benchmark.name)[0];
        let Some(ours) = benchmark.of_model(metric) else { continue };
        let name = format!("{}, {}", words::benchmark(&benchmark.name), words::metric(metric, benchmark.k));
        let beside = words::strongest(benchmark.all(), metric).map_or_else(String::new, |(name, theirs)| {
            let lead = benchmark.result(name).and_then(|result| result.lead.get(metric));
            let lead = lead.map_or_else(String::new, |lead| {
                let [value, low, high] = [lead.value, lead.low, lead.high].map(words::percent);
                format!(": {value} ({low} to {high})")
            });
            format!("beside {:.3} of {name}{lead}", theirs.value)
        });
        println!("    {name:<62} {:.3} ({:.3} to {:.3}) {beside}", ours.value, ours.low, ours.high);
        if let Some(due) = benchmark.of_model("due_to_item") {
            let beside = words::strongest(benchmark.all(), "due_to_item")
                .map_or_else(String::new, |(name, theirs)| format!("beside {:.4} of {name}", theirs.value));
            println!("      {:<60} {:.4} ({:.4} to {:.4}) {beside}", "due to the item", due.value, due.low, due.high);
        }
        if let Some(shown) = benchmark.result(MODEL).and_then(words::shown) {
            println!("      of the {}: {shown}", benchmark.k);
        }
    }
    for (question, tried) in &evaluation.focuses {
        println!("    {}", words::focuses(question, tried));
    }
}

/// The report of an outcome.
pub(super) fn report<'a>(outcome: &'a Outcome, market: &'a Name, fate: Fate, offers: &'a [Offer]) -> Report<'a> {
    Report {
        market: market.as_str(),
        version: outcome.manifest.as_ref().map(|manifest| manifest.version.as_str()),
        fate,
        decision: &outcome.decision,
        evaluation: outcome.evaluation.as_ref().ok(),
        comparison: outcome.comparison.as_ref(),
        data: &outcome.tables.look,
        costs: &outcome.costs,
        losses: &outcome.losses,
        model: &outcome.model,
        offers,
    }
}

/// Answers for the bestsellers of different categories.
fn examples(model: &Model) {
    let limits = Limits::best(3);
    let mut categories = Vec::new();
    println!("  examples");
    for item in (0..model.catalogue().bought()).map(Item) {
        if categories.len() >= EXAMPLES as usize {
            return;
        }
        let category = model.catalogue().category(item);
        if categories.contains(&category) || !model.is_learned(item) {
            continue;
        }
        categories.push(category);
        let list = |found: Vec<trolley_model::recommend::Recommended>| {
            found.iter().map(|r| label(model, r.item)).collect::<Vec<_>>().join(" · ")
        };
        println!("    {}", label(model, item));
        println!(
            "      with it   {}",
            list(bought_together(model, &Query { items: &[item], ..Query::default() }, &limits))
        );
        println!(
            "      instead   {}",
            list(alternatives(model, &Query { items: &[item], ..Query::default() }, &limits))
        );
    }
}
