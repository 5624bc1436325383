//! The verdict of the gate: all conditions together.

use serde::Serialize;
use trolley_model::artefact::Verdict;
use trolley_model::figures::{Estimate, Evaluation};

use super::non_inferiority::significantly_worse;
use super::{Comparison, Failure, GateConfig, NonInferiority, Settings, Volume};
use crate::costs::Costs;
use crate::evaluation::{Leads, NotJudged, QUESTIONS, compared_by, enough};

/// Failures that the operator accepts in advance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Data that has shrunk.
    pub smaller: bool,
    /// A model that was not evaluated, although the one in service was.
    pub unjudged: bool,
}

/// What the gate examines.
pub(crate) struct Examined<'a> {
    pub(crate) evaluation: Result<&'a Evaluation, &'a NotJudged>,
    pub(crate) comparison: Option<&'a Comparison>,
    pub(crate) volume: &'a Volume,
    pub(crate) costs: &'a Costs,
}

/// The decision of the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// In one word.
    pub verdict: Verdict,
    /// The conditions that were not met.
    pub failures: Vec<Failure>,
    /// The conditions that were not met, but accepted.
    pub accepted: Vec<Failure>,
    /// Why the model was not evaluated, or where the evidence is weak.
    pub reasons: Vec<String>,
}

impl Decision {
    /// The kinds of accepted failures, as on the command line: `smaller`, `unjudged`.
    pub fn accepted_kinds(&self) -> Vec<String> {
        let any = |kind: &str| self.accepted.iter().any(|failure| kind_of(failure) == Some(kind));
        ["smaller", "unjudged"].into_iter().filter(|kind| any(kind)).map(str::to_owned).collect()
    }
}

fn kind_of(failure: &Failure) -> Option<&'static str> {
    match failure.gate.as_str() {
        "judged" => Some("unjudged"),
        gate if gate.starts_with("volume.") => Some("smaller"),
        _ => None,
    }
}

/// Applies a gate, or the standard one if the market has none.
pub(crate) fn rule(gate: Option<&GateConfig>, examined: &Examined<'_>, accept: Accept) -> Decision {
    let standard = GateConfig::standard();
    let (gate, lenient) = (gate.unwrap_or(&standard), gate.is_none());
    let Examined { evaluation, comparison, volume, costs } = *examined;
    let not_judged = not_judged(evaluation, comparison);
    let mut reasons: Vec<String> = not_judged.iter().cloned().collect();
    let mut failures = Vec::new();
    if let Some(comparison) = comparison {
        failures.extend(older(comparison));
        if let Some(manifest) = &comparison.manifest {
            failures.extend(volume.failures(&manifest.data, &comparison.in_service, gate.volume));
        }
        failures.extend(unjudged(comparison, not_judged.as_deref()));
        failures.extend(worse(gate, comparison));
        reasons.extend(weak(comparison));
    }
    failures.extend(gate.figures(evaluation.ok(), costs, lenient));
    let is_accepted = |failure: &Failure| match kind_of(failure) {
        Some("smaller") => accept.smaller,
        Some(_) => accept.unjudged,
        None => false,
    };
    let (accepted, failures): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_accepted);
    let verdict = match (failures.is_empty(), not_judged.is_some(), reasons.is_empty()) {
        (false, ..) => Verdict::Failed,
        (true, true, _) => Verdict::NotJudged,
        (true, false, false) => Verdict::WeakEvidence,
        (true, false, true) => Verdict::Passed,
    };
    Decision { verdict, failures, accepted, reasons }
}

/// Why the model counts as not evaluated, if it does.
fn not_judged(evaluation: Result<&Evaluation, &NotJudged>, comparison: Option<&Comparison>) -> Option<String> {
    let evaluation = match evaluation {
        Ok(evaluation) => evaluation,
        Err(why) => return Some(why.to_string()),
    };
    let cases =
        evaluation.benchmarks.iter().filter_map(|benchmark| benchmark.groups.first()).map(|group| group.cases).max();
    if let Err(why) = enough(cases.unwrap_or(0)) {
        return Some(why.to_string());
    }
    let comparison = comparison.filter(|comparison| comparison.was_judged)?;
    let version = &comparison.in_service;
    if let Some(why) = &comparison.not_compared {
        return Some(format!(
            "there is no held-out model of the version in service ({version}) to compare with: {why}"
        ));
    }
    if comparison.leads.is_empty() && comparison.older_data.is_none() {
        return Some(format!(
            "there are fewer than 100 cases that neither this model nor the one in service ({version}) has seen"
        ));
    }
    let measured = |name: &str| evaluation.benchmark(name).is_some();
    let before = |name: &&&str| comparison.measured.iter().any(|figure| figure == &format!("{name}.ndcg"));
    let gone: Vec<&str> = QUESTIONS.iter().filter(before).copied().filter(|name| !measured(name)).collect();
    (!gone.is_empty()).then(|| {
        format!(
            "there are no cases any more for what the model in service ({version}) was judged on: {}",
            gone.join(", ")
        )
    })
}

fn unjudged(comparison: &Comparison, why: Option<&str>) -> Option<Failure> {
    let why = why.filter(|_| comparison.was_judged)?;
    Some(Failure::new(
        "judged",
        format!("the model in service was judged, and this one was not: {why}"),
        "give the training the days that are missing; to publish a model that nobody has judged, train with \
         --accept-unjudged",
    ))
}

fn older(comparison: &Comparison) -> Option<Failure> {
    let (ours, theirs) = comparison.older_data.as_ref()?;
    Some(Failure::new(
        "data",
        format!("the data ends on {ours}, that of the model in service on {theirs}"),
        "look for the newest files: `trolley check` says which were read. To go back on purpose, roll back \
         (`trolley models rollback`) or publish with --force",
    ))
}

/// Metrics in which the model is worse than its predecessors, or its settings are not shown to be non-inferior.
fn worse(gate: &GateConfig, comparison: &Comparison) -> Vec<Failure> {
    let tolerances = gate.tolerances();
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    let said = |lead: &Estimate| {
        format!("{} (95 % interval {} to {})", percent(lead.value), percent(lead.low), percent(lead.high))
    };
    let mut failures = Vec::new();
    if let Settings::Compared { days, leads, findings } = &comparison.settings {
        for (name, finding) in findings {
            let (Some(paired), Some(tolerance)) = (leads.get(name), tolerances.get(name)) else { continue };
            let lead = said(&paired.lead);
            let beside =
                format!("beside the settings in service, both fitted to the same past and judged on {days} days");
            let less = tolerance * 100.0;
            let why = match finding {
                NonInferiority::Worse => format!("{lead} {beside}, and {less:.1} % less is allowed"),
                NonInferiority::NotShown => {
                    format!("{lead} {beside}: not shown to be at most {less:.1} % worse, which these cases could show")
                }
                NonInferiority::NotWorse | NonInferiority::Weak => continue,
            };
            failures.push(Failure::new(
                &format!("settings.\"{name}\""),
                why,
                "go back to the settings in service (`trolley models show`), or change fewer of them at a time; \
                 `trolley compare` tries two configs without publishing. --force publishes all the same",
            ));
        }
    }
    let mut beside = |gate: &str, leads: &Leads, model: String| {
        for (name, tolerance) in &tolerances {
            let Some(paired) = leads.get(name).filter(|paired| significantly_worse(&paired.lead, *tolerance)) else {
                continue;
            };
            failures.push(Failure::new(
                &format!("{gate}.\"{name}\""),
                format!("{} beside {model}, and {:.1} % less is allowed", said(&paired.lead), tolerance * 100.0),
                "ask what has changed in the data: `trolley check`, and the report's cases and days. --force publishes \
                 all the same",
            ));
        }
    };
    beside("tolerance", &comparison.leads, format!("the model in service ({})", comparison.in_service));
    if let Some(reference) = &comparison.reference {
        beside("reference", &reference.leads, format!("the best model of the last 30 days ({})", reference.version));
    }
    failures
}

/// Metrics in which non-inferiority could not be shown.
fn weak(comparison: &Comparison) -> Vec<String> {
    match &comparison.settings {
        Settings::Same => Vec::new(),
        Settings::Unreadable(why) => {
            vec![format!("the settings of the model in service cannot be compared with: {why}")]
        }
        Settings::Compared { days, findings, .. } => {
            let weak = findings.iter().filter(|(_, finding)| **finding == NonInferiority::Weak);
            let names: Vec<&str> = weak.map(|(name, _)| name.as_str()).collect();
            let missing: Vec<&str> =
                QUESTIONS.iter().copied().filter(|name| !findings.contains_key(&compared_by(name))).collect();
            let mut reasons = Vec::new();
            if !names.is_empty() {
                reasons.push(format!(
                    "{days} days of this shop cannot show new settings to be not worse in {}: only what is surely worse \
                     is refused",
                    names.join(", ")
                ));
            }
            if missing.len() == QUESTIONS.len() {
                reasons.push("there are too few cases to compare the new settings with those in service".to_owned());
            }
            reasons
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluation::Paired;
    use crate::gate::Reference;
    use trolley_model::figures::{Benchmark, Group};

    /// Two hundred cases for each question.
    fn evaluation() -> Evaluation {
        let benchmark = |name: &&str| {
            let group = Group { name: "all".into(), cases: 200, customers: 50, due_share: None, results: Vec::new() };
            Benchmark { name: (*name).into(), question: String::new(), k: 6, groups: vec![group] }
        };
        Evaluation { benchmarks: QUESTIONS.iter().map(benchmark).collect(), ..Evaluation::default() }
    }

    fn paired(low: f64, value: f64, high: f64) -> Paired {
        let lead = Estimate { value, low, high };
        Paired { cases: 200, customers: 50, ours: 1.0 + value, theirs: 1.0, lead }
    }

    fn comparison(lead: Paired) -> Comparison {
        let leads: Leads = QUESTIONS.iter().map(|name| (compared_by(name), lead)).collect();
        let measured = QUESTIONS.iter().map(|name| format!("{name}.ndcg")).collect();
        Comparison { in_service: "v1".into(), was_judged: true, measured, leads, ..Comparison::default() }
    }

    fn ruled(evaluation: Result<&Evaluation, &NotJudged>, comparison: &Comparison, accept: Accept) -> Decision {
        let (volume, costs) = (Volume::default(), Costs::default());
        rule(None, &Examined { evaluation, comparison: Some(comparison), volume: &volume, costs: &costs }, accept)
    }

    fn failed(decision: &Decision) -> Vec<&str> {
        decision.failures.iter().map(|failure| failure.gate.as_str()).collect()
    }

    #[test]
    fn worse_than_in_service_is_what_is_surely_and_materially_worse_in_any_contest() {
        let of = |lead: Paired| ruled(Ok(&evaluation()), &comparison(lead), Accept::default());
        assert_eq!(of(paired(-0.01, 0.0, 0.01)).verdict, Verdict::Passed);
        assert_eq!(of(paired(-0.09, -0.05, 0.01)).verdict, Verdict::Passed, "perhaps not worse at all");
        assert_eq!(of(paired(-0.034, -0.03, -0.02)).verdict, Verdict::Passed, "worse, but by less than the tolerance");
        let decision = of(paired(-0.08, -0.07, -0.06));
        assert_eq!((decision.verdict, failed(&decision).len()), (Verdict::Failed, QUESTIONS.len()), "alternatives too");
        assert!(decision.failures.iter().all(|failure| !failure.next.is_empty()));
        let mut beside = comparison(paired(-0.01, 0.0, 0.01));
        let leads = [("offers.ndcg".to_owned(), paired(-0.06, -0.05, -0.04))].into();
        beside.reference = Some(Reference { version: "v0".into(), leads });
        let decision = ruled(Ok(&evaluation()), &beside, Accept::default());
        assert_eq!(failed(&decision), ["reference.\"offers.ndcg\""], "two per cent a night do not add up");
        let mut beside = comparison(paired(-0.01, 0.0, 0.01));
        for (value, fails) in [(-0.004, false), (-0.006, true)] {
            beside.leads.insert("bought_together.due_to_item".to_owned(), paired(value - 0.003, value, value + 0.003));
            let decision = ruled(Ok(&evaluation()), &beside, Accept::default());
            assert_eq!(failed(&decision), &["tolerance.\"bought_together.due_to_item\""][..usize::from(fails)]);
        }
    }

    #[test]
    fn settings_must_be_shown_to_be_as_good_where_they_can_be() {
        let with = |finding: NonInferiority| {
            let findings: BTreeMap<String, NonInferiority> = [("offers.ndcg".to_owned(), finding)].into();
            let leads = [("offers.ndcg".to_owned(), paired(-0.05, -0.02, 0.01))].into();
            let settings = Settings::Compared { days: 31, leads, findings };
            let beside = Comparison { settings, ..comparison(paired(0.0, 0.1, 0.2)) };
            ruled(Ok(&evaluation()), &beside, Accept::default())
        };
        assert_eq!(with(NonInferiority::NotWorse).verdict, Verdict::Passed);
        let weak = with(NonInferiority::Weak);
        assert_eq!((weak.verdict, failed(&weak).len()), (Verdict::WeakEvidence, 0));
        assert!(weak.reasons[0].contains("offers.ndcg"), "{:?}", weak.reasons);
        for finding in [NonInferiority::NotShown, NonInferiority::Worse] {
            assert_eq!(failed(&with(finding)), ["settings.\"offers.ndcg\""], "newer data does not carry them");
        }
    }

    #[test]
    fn what_was_judged_gets_no_unjudged_model_unless_that_is_accepted() {
        let (found, beside) = (evaluation(), comparison(paired(-0.01, 0.0, 0.01)));
        let too_short = NotJudged::TooShort { days: 10, test_days: 31, more: 22 };
        let accept = Accept { unjudged: true, ..Accept::default() };
        let few = Comparison { leads: Leads::new(), ..beside.clone() };
        let lost = Comparison { not_compared: Some("it is gone".into()), ..beside.clone() };
        let mut without_offers = evaluation();
        without_offers.benchmarks.retain(|benchmark| benchmark.name != "offers");
        for (evaluation, beside, why) in [
            (Err(&too_short), &beside, "22 more days"),
            (Ok(&found), &few, "fewer than 100 cases"),
            (Ok(&found), &lost, "it is gone"),
            (Ok(&without_offers), &beside, "offers"),
        ] {
            let decision = ruled(evaluation, beside, Accept::default());
            assert_eq!((decision.verdict, failed(&decision)), (Verdict::Failed, vec!["judged"]), "{why}");
            assert!(decision.failures[0].why.contains(why), "{:?}", decision.failures);
            let decision = ruled(evaluation, beside, accept);
            assert_eq!(
                (decision.verdict, decision.accepted_kinds()),
                (Verdict::NotJudged, vec!["unjudged".to_owned()])
            );
            // If the one in service was not evaluated either, that is reported and nothing more.
            let young = Comparison { was_judged: false, measured: Vec::new(), ..beside.clone() };
            let decision = ruled(Err(&too_short), &young, Accept::default());
            assert_eq!((decision.verdict, failed(&decision).len()), (Verdict::NotJudged, 0));
        }
    }
}
