//! The comparison with earlier models.

use maud::{Markup, html};
use trolley_training::gate::{Days, NonInferiority, Settings};
use trolley_training::{Comparison, Leads};

use super::words::{self, percent};

pub(super) fn section(comparison: &Comparison) -> Markup {
    let in_service = &comparison.in_service;
    html! {
        h2 { "Beside the models before it" }
        @if let Some(why) = &comparison.not_compared {
            p { "The model in service (" (in_service) ") could not be compared with: " (why) "." }
        } @else if comparison.leads.is_empty() {
            p { "The model in service (" (in_service) ") could not be compared with: there are too few cases that neither has seen." }
        } @else {
            h3 { "Data: beside the model in service (" (in_service) ")" }
            @if let Some(Days { ours_until, theirs_until, from, to }) = &comparison.days {
                p.dim {
                    "Both as they were held out: this one learned until " (ours_until) ", that one until " (theirs_until)
                    "; compared on " (from) " to " (to) ". Of the lead, freshness is what the settings in service gain by newer data alone."
                }
            }
            (table(&comparison.leads, "Freshness", |name| {
                comparison.freshness.get(name).map_or_else(String::new, |paired| percent(paired.lead.value))
            }))
        }
        @match &comparison.settings {
            Settings::Same => {},
            Settings::Unreadable(why) => p { "The settings in service are not understood any more: " (why) "." },
            Settings::Compared { days, leads, findings } => {
                h3 { "Settings: beside those in service" }
                p.dim { "Both fitted to the same past and judged on the same " (days) " days." }
                (table(leads, "Finding", |name| findings.get(name).map_or("", |finding| found(*finding)).to_owned()))
            },
        }
        @if let Some(reference) = &comparison.reference {
            h3 { "Beside the best model of the last 30 days (" (reference.version) ")" }
            (table(&reference.leads, "", |_| String::new()))
        }
    }
}

fn found(finding: NonInferiority) -> &'static str {
    match finding {
        NonInferiority::NotWorse => "not worse",
        NonInferiority::Weak => "weak evidence",
        NonInferiority::NotShown => "not shown to be as good",
        NonInferiority::Worse => "worse",
    }
}

/// For every benchmark, the metric by which models are compared.
fn table(leads: &Leads, last: &str, more: impl Fn(&str) -> String) -> Markup {
    html! {
        table {
            tr { th { "" } th.n { "Cases" } th.n { "This" } th.n { "That" } th.n { "Lead" } th.n { "95 % interval" } th.n { (last) } }
            @for (label, name, paired) in leads.iter().filter_map(|(name, paired)| Some((words::compared(name)?, name, paired))) {
                tr {
                    td { (label) } td.n { (paired.cases) }
                    td.n { (words::share(paired.ours)) } td.n { (words::share(paired.theirs)) }
                    td class=(if paired.lead.value < 0.0 { "n down" } else { "n up" }) { (percent(paired.lead.value)) }
                    td.n { (percent(paired.lead.low)) " to " (percent(paired.lead.high)) }
                    td.n { (more(name)) }
                }
            }
        }
    }
}
