//! What a model must reach before it is published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluation::compared;
use crate::evaluation::{Comparison, Evaluation, MODEL};

/// The gate of a market. Figures are named as the evaluation names them: `bought_together.ndcg`, `coverage.items`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// A figure must be at least so high.
    pub floor: BTreeMap<String, f64>,
    /// A figure must be at most so high.
    pub ceiling: BTreeMap<String, f64>,
    /// A figure must be ahead of a baseline's by a share of it.
    pub margin: BTreeMap<String, Margin>,
    /// A figure must not be worse than that of the model in service, on the same cases, by more than a share of it. It is
    /// worse only if the whole 95 % interval of the difference says so.
    pub tolerance: BTreeMap<String, f64>,
    /// Most minutes that the training may take, evaluation included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Most memory that it may take at any time, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_gib: Option<f64>,
}

/// A margin over a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// The baseline, as the report names it.
    pub over: String,
    /// The share of its figure: 0.05 for 5 % above.
    pub by: f64,
}

/// What the training took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Seconds from the first row read to the verdict.
    pub seconds: f64,
    /// Most memory that the process held at any time, in bytes, if the system tells.
    pub peak_memory: Option<u64>,
    /// The stages, the longest first.
    pub stages: Vec<Stage>,
}

/// What a stage of the training took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What was done.
    pub name: String,
    /// Seconds by the clock.
    pub seconds: f64,
    /// Seconds that processors have worked for it, in all threads; 0 where the system does not tell.
    pub processor_seconds: f64,
}

/// A condition that was not met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The key of the gate, such as `floor."bought_together.ndcg"`.
    pub gate: String,
    /// What was found, and by how much it falls short, in words.
    pub why: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.gate, self.why)
    }
}

impl GateConfig {
    /// The gate of a market that has none in the config: better than bestsellers, and not worse than what is in service.
    pub fn standard() -> Self {
        let named = |names: &[&str], value: f64| names.iter().map(|&name| (name.to_owned(), value)).collect();
        let margin = Margin { over: "bestsellers".into(), by: 0.02 };
        Self {
            margin: BTreeMap::from([("bought_together_anonymous.hit_rate".into(), margin)]),
            tolerance: named(&["bought_together.ndcg", "bought_together_anonymous.ndcg", "offers.ndcg"], 0.02),
            ..Self::default()
        }
    }

    /// Checks the numbers themselves.
    ///
    /// # Errors
    /// The first key that is wrong, and what it must be.
    pub fn check(&self) -> Result<(), String> {
        let margins = self.margin.values().map(|margin| &margin.by);
        let numbers = self.floor.values().chain(self.ceiling.values()).chain(margins).chain(self.tolerance.values());
        let budgets = self.minutes.iter().chain(&self.memory_gib);
        if numbers.clone().any(|number| !number.is_finite()) {
            Err("the numbers of a gate must be finite".into())
        } else if let Some(name) = self.tolerance.keys().find(|name| compared().all(|known| known != **name)) {
            let known: Vec<String> = compared().collect();
            Err(format!("gate.tolerance.\"{name}\" is not compared between models; these are: {}", known.join(", ")))
        } else if self.tolerance.values().any(|share| *share < 0.0) {
            Err("gate.tolerance must be a share from 0".into())
        } else if budgets.into_iter().any(|budget| !budget.is_finite() || *budget <= 0.0) {
            Err("gate.minutes and gate.memory_gib must be above 0".into())
        } else {
            Ok(())
        }
    }

    /// Every condition that is not met. A figure that was not measured fails a condition on it, unless `lenient`.
    pub fn failures(
        &self,
        evaluation: Option<&Evaluation>,
        comparison: Option<&Comparison>,
        costs: &Costs,
        lenient: bool,
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut fail = |kind: &str, name: &str, why: String| {
            failures.push(Failure { gate: format!("{kind}.\"{name}\""), why });
        };
        let figures = evaluation.map(Evaluation::figures).unwrap_or_default();
        let not_measured = || "it was not measured: no data for it, or no figure of that name".to_owned();
        for (name, &floor) in &self.floor {
            match figures.get(name) {
                Some(&found) if found < floor || found.is_nan() => {
                    fail("floor", name, format!("{found:.4} is {:.4} below {floor:.4}", floor - found));
                }
                None if !lenient => fail("floor", name, not_measured()),
                _ => {}
            }
        }
        for (name, &ceiling) in &self.ceiling {
            match figures.get(name) {
                Some(&found) if found > ceiling || found.is_nan() => {
                    fail("ceiling", name, format!("{found:.4} is {:.4} above {ceiling:.4}", found - ceiling));
                }
                None if !lenient => fail("ceiling", name, not_measured()),
                _ => {}
            }
        }
        for (name, Margin { over, by }) in &self.margin {
            // To be ahead of 0 is to be above it.
            let ahead = |ours: f64, theirs: f64| ours >= theirs * (1.0 + by) && (*by <= 0.0 || ours > theirs);
            match evaluation.and_then(|evaluation| pair(evaluation, name, over)) {
                Some((ours, theirs)) if !ahead(ours, theirs) => fail(
                    "margin",
                    name,
                    format!(
                        "{ours:.4} is {:+.1} % beside {over} ({theirs:.4}), and must be {:+.1} %",
                        (ours / theirs - 1.0) * 100.0,
                        by * 100.0
                    ),
                ),
                None if !lenient => fail("margin", name, not_measured()),
                _ => {}
            }
        }
        if let Some(Comparison { in_service, leads, older_data }) = comparison {
            if let Some((ours, theirs)) = older_data {
                let why = format!("the data ends on {ours}, that of the model in service on {theirs}");
                failures.push(Failure { gate: "data".into(), why });
            }
            for (name, &tolerance) in &self.tolerance {
                let Some(lead) = leads.get(name) else { continue };
                if lead.value < -tolerance && lead.high < 0.0 {
                    let why = format!(
                        "{:+.1} % (95 % interval {:+.1} to {:+.1} %) beside the model in service ({in_service}), and {:.1} % less is allowed",
                        lead.value * 100.0,
                        lead.low * 100.0,
                        lead.high * 100.0,
                        tolerance * 100.0
                    );
                    failures.push(Failure { gate: format!("tolerance.\"{name}\""), why });
                }
            }
        }
        let gib = costs.peak_memory.map(|bytes| bytes as f64 / f64::from(1 << 30));
        for (gate, budget, found, unit) in
            [("minutes", self.minutes, Some(costs.seconds / 60.0), "min"), ("memory_gib", self.memory_gib, gib, "GiB")]
        {
            if let (Some(budget), Some(found)) = (budget, found)
                && found > budget
            {
                failures.push(Failure { gate: gate.into(), why: format!("{found:.2} {unit} of {budget:.2}") });
            }
        }
        failures
    }
}

/// The figure of the model and that of a contender.
fn pair(evaluation: &Evaluation, name: &str, contender: &str) -> Option<(f64, f64)> {
    let (contest, metric) = name.split_once('.')?;
    let contest = evaluation.contest(contest)?;
    let figure = |contender: &str| Some(contest.standing(contender)?.figures.get(metric)?.value);
    Some((figure(MODEL)?, figure(contender)?))
}

/// The most memory that this process has held, in bytes; `None` where the system does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Contest, Estimate, Group, Standing};

    fn evaluation() -> Evaluation {
        let standing = |contender: &str, value: f64| Standing {
            contender: contender.into(),
            figures: BTreeMap::from([("ndcg".into(), Estimate { value, low: value - 0.01, high: value + 0.01 })]),
            lead: BTreeMap::new(),
        };
        let standings = vec![standing(MODEL, 0.21), standing("bestsellers", 0.2)];
        let group = Group { name: "all".into(), cases: 9, customers: 9, standings };
        let contest = Contest { name: "offers".into(), question: String::new(), k: 20, groups: vec![group] };
        Evaluation { contests: vec![contest], ..Evaluation::default() }
    }

    fn failures(gate: &str, costs: &Costs, comparison: Option<&Comparison>) -> Vec<String> {
        let gate: GateConfig = serde_json::from_str(gate).unwrap();
        gate.check().unwrap();
        gate.failures(Some(&evaluation()), comparison, costs, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_condition_holds_or_says_by_how_much_it_does_not() {
        let none = &Costs::default();
        assert!(
            failures(r#"{"floor": {"offers.ndcg": 0.21}, "ceiling": {"offers.ndcg": 0.21}}"#, none, None).is_empty()
        );
        assert_eq!(
            failures(r#"{"floor": {"offers.ndcg": 0.25}, "ceiling": {"offers.ndcg": 0.2}}"#, none, None),
            [
                "floor.\"offers.ndcg\": 0.2100 is 0.0400 below 0.2500",
                "ceiling.\"offers.ndcg\": 0.2100 is 0.0100 above 0.2000"
            ]
        );
        let margin = |by| format!(r#"{{"margin": {{"offers.ndcg": {{"over": "bestsellers", "by": {by}}}}}}}"#);
        assert!(failures(&margin(0.04), none, None).is_empty());
        assert!(failures(&margin(0.06), none, None)[0].contains("+5.0 % beside bestsellers"));
        let nothing = GateConfig {
            margin: BTreeMap::from([("offers.ndcg".into(), Margin { over: "bestsellers".into(), by: 0.02 })]),
            ..GateConfig::default()
        };
        let mut of_zeros = evaluation();
        for standing in &mut of_zeros.contests[0].groups[0].standings {
            standing.figures.insert("ndcg".into(), Estimate { value: 0.0, low: 0.0, high: 0.0 });
        }
        assert_eq!(nothing.failures(Some(&of_zeros), None, none, false).len(), 1, "0 is not ahead of 0");
        let typo: GateConfig = serde_json::from_str(r#"{"tolerance": {"alternatives.ndcg": 0.02}}"#).unwrap();
        assert!(typo.check().unwrap_err().contains("offers.ndcg"));
        assert!(failures(r#"{"floor": {"offer.ndcg": 0.1}}"#, none, None)[0].contains("not measured"));
        let costs = Costs { seconds: 90.0, peak_memory: Some(3 << 30), ..Costs::default() };
        assert!(failures(r#"{"minutes": 2.0, "memory_gib": 4.0}"#, &costs, None).is_empty());
        assert_eq!(failures(r#"{"minutes": 1.0, "memory_gib": 2.0}"#, &costs, None).len(), 2);
    }

    #[test]
    fn worse_than_in_service_is_what_is_surely_and_materially_worse() {
        let with = |low, value, high| Comparison {
            in_service: "v1".into(),
            leads: BTreeMap::from([("offers.ndcg".into(), Estimate { value, low, high })]),
            older_data: None,
        };
        let gate = r#"{"tolerance": {"offers.ndcg": 0.02}}"#;
        let judged = |comparison| failures(gate, &Costs::default(), Some(&comparison)).len();
        assert_eq!(judged(with(-0.06, -0.04, -0.02)), 1, "surely worse");
        assert_eq!(judged(with(-0.09, -0.04, 0.01)), 0, "perhaps not worse at all");
        assert_eq!(judged(with(-0.019, -0.015, -0.01)), 0, "surely worse, but by less than the tolerance");
        let older = Comparison { older_data: Some(("2024-01-01".into(), "2024-02-01".into())), ..with(0.0, 0.0, 0.0) };
        assert_eq!(judged(older), 1);
    }
}
