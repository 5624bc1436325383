//! All conditions together.

use serde::Serialize;
use trolley_model::artefact::Verdict;

use super::not_worse::surely_worse;
use super::{Comparison, Costs, Failure, Finding, GateConfig, Settings, Volume};
use crate::evaluation::{Estimate, Evaluation, Leads, NotJudged, QUESTIONS, enough};

/// What whoever trains accepts beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Data that has shrunk.
    pub smaller: bool,
    /// A model that was not judged where the one in service was.
    pub unjudged: bool,
}

/// What is to be ruled on.
pub(crate) struct Examined<'a> {
    pub(crate) evaluation: Result<&'a Evaluation, &'a NotJudged>,
    pub(crate) comparison: Option<&'a Comparison>,
    pub(crate) volume: &'a Volume,
    pub(crate) costs: &'a Costs,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ruling {
    /// In one word.
    pub verdict: Verdict,
    /// The conditions that were not met.
    pub failures: Vec<Failure>,
    /// Those that were not met and accepted.
    pub accepted: Vec<Failure>,
    /// Why it was not judged, or where the evidence is weak.
    pub reasons: Vec<String>,
}

impl Ruling {
    /// What was accepted, in the words of the command line: `smaller`, `unjudged`.
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

/// Rules by a gate, or by the standard one if the market has none.
pub(crate) fn rule(gate: Option<&GateConfig>, examined: &Examined<'_>, accept: Accept) -> Ruling {
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
    Ruling { verdict, failures, accepted, reasons }
}

/// Why the model counts as not judged, if so.
fn not_judged(evaluation: Result<&Evaluation, &NotJudged>, comparison: Option<&Comparison>) -> Option<String> {
    let evaluation = match evaluation {
        Ok(evaluation) => evaluation,
        Err(why) => return Some(why.to_string()),
    };
    let cases = evaluation.contests.iter().filter_map(|contest| contest.groups.first()).map(|group| group.cases).max();
    if let Err(why) = enough(cases.unwrap_or(0)) {
        return Some(why.to_string());
    }
    let comparison = comparison.filter(|comparison| comparison.was_judged)?;
    let version = &comparison.in_service;
    if let Some(why) = &comparison.not_compared {
        return Some(format!("there is no held-out model of the version in service ({version}) to compare with: {why}"));
    }
    if comparison.leads.is_empty() && comparison.older_data.is_none() {
        return Some(format!(
            "there are fewer than 100 cases that neither this model nor the one in service ({version}) has seen"
        ));
    }
    let measured = |name: &str| evaluation.contest(name).is_some();
    let before = |name: &&&str| comparison.measured.iter().any(|figure| figure == &format!("{name}.ndcg"));
    let gone: Vec<&str> = QUESTIONS.iter().filter(before).copied().filter(|name| !measured(name)).collect();
    (!gone.is_empty()).then(|| {
        format!("there are no cases any more for what the model in service ({version}) was judged on: {}", gone.join(", "))
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

/// Where it is worse than the models before it, or not shown to be as good.
fn worse(gate: &GateConfig, comparison: &Comparison) -> Vec<Failure> {
    let tolerances = gate.tolerances();
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    let said = |lead: &Estimate| {
        format!(
            "{} (95 % interval {} to {})",
            percent(lead.value),
            percent(lead.low),
            percent(lead.high)
        )
    };
    let mut failures = Vec::new();
    if let Settings::Compared { days, leads, findings } = &comparison.settings {
        for (name, finding) in findings {
            let (Some(paired), Some(tolerance)) = (leads.get(name), tolerances.get(name)) else { continue };
            let lead = said(&paired.lead);
            let beside = format!("beside the settings in service, both fitted to the same past and judged on {days} days");
            let less = tolerance * 100.0;
            let why = match finding {
                Finding::Worse => format!("{lead} {beside}, and {less:.1} % less is allowed"),
                Finding::NotShown => {
                    format!("{lead} {beside}: not shown to be at most {less:.1} % worse, which these cases could show")
                }
                Finding::NotWorse | Finding::Weak => continue,
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
            let Some(paired) = leads.get(name).filter(|paired| surely_worse(&paired.lead, *tolerance)) else { continue };
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

/// Where nothing could be shown.
fn weak(comparison: &Comparison) -> Vec<String> {
    match &comparison.settings {
        Settings::Same => Vec::new(),
        Settings::Unreadable(why) => {
            vec![format!("the settings of the model in service cannot be compared with: {why}")]
        }
        Settings::Compared { days, findings, .. } => {
            let weak = findings.iter().filter(|(_, finding)| **finding == Finding::Weak);
            let names: Vec<&str> = weak.map(|(name, _)| name.as_str()).collect();
            let missing: Vec<&str> =
                QUESTIONS.iter().copied().filter(|name| !findings.contains_key(&format!("{name}.ndcg"))).collect();
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
