//! Conditions on a model's own figures and on what its training took.

use super::{Costs, Failure, GateConfig, Margin};
use crate::evaluation::{Evaluation, MODEL};

const MEND: &str = "the report shows the figure beside its baselines; mend the data or the settings, change the gate, or \
                    publish it all the same with --force";

impl GateConfig {
    /// Every condition that is not met. A figure that was not measured fails a condition on it, unless `lenient`.
    pub(crate) fn figures(&self, evaluation: Option<&Evaluation>, costs: &Costs, lenient: bool) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut fail = |kind: &str, name: &str, why: String| {
            failures.push(Failure::new(&format!("{kind}.\"{name}\""), why, MEND));
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
        let gib = costs.peak_memory.map(|bytes| bytes as f64 / f64::from(1 << 30));
        for (gate, budget, found, unit) in
            [("minutes", self.minutes, Some(costs.seconds / 60.0), "min"), ("memory_gib", self.memory_gib, gib, "GiB")]
        {
            if let (Some(budget), Some(found)) = (budget, found)
                && found > budget
            {
                failures.push(Failure::new(gate, format!("{found:.2} {unit} of {budget:.2}"), MEND));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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

    fn failures(gate: &str, costs: &Costs) -> Vec<String> {
        let gate: GateConfig = serde_json::from_str(gate).unwrap();
        gate.check().unwrap();
        gate.figures(Some(&evaluation()), costs, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_condition_holds_or_says_by_how_much_it_does_not() {
        let none = &Costs::default();
        assert!(failures(r#"{"floor": {"offers.ndcg": 0.21}, "ceiling": {"offers.ndcg": 0.21}}"#, none).is_empty());
        assert_eq!(
            failures(r#"{"floor": {"offers.ndcg": 0.25}, "ceiling": {"offers.ndcg": 0.2}}"#, none),
            [
                "floor.\"offers.ndcg\": 0.2100 is 0.0400 below 0.2500",
                "ceiling.\"offers.ndcg\": 0.2100 is 0.0100 above 0.2000"
            ]
        );
        let margin = |by| format!(r#"{{"margin": {{"offers.ndcg": {{"over": "bestsellers", "by": {by}}}}}}}"#);
        assert!(failures(&margin(0.04), none).is_empty());
        assert!(failures(&margin(0.06), none)[0].contains("+5.0 % beside bestsellers"));
        let nothing = GateConfig {
            margin: BTreeMap::from([("offers.ndcg".into(), Margin { over: "bestsellers".into(), by: 0.02 })]),
            ..GateConfig::default()
        };
        let mut of_zeros = evaluation();
        for standing in &mut of_zeros.contests[0].groups[0].standings {
            standing.figures.insert("ndcg".into(), Estimate { value: 0.0, low: 0.0, high: 0.0 });
        }
        assert_eq!(nothing.figures(Some(&of_zeros), none, false).len(), 1, "0 is not ahead of 0");
        let typo: GateConfig = serde_json::from_str(r#"{"tolerance": {"audience.ndcg": 0.02}}"#).unwrap();
        assert!(typo.check().unwrap_err().contains("alternatives_anonymous.ndcg"));
        assert!(failures(r#"{"floor": {"offer.ndcg": 0.1}}"#, none)[0].contains("not measured"));
        let costs = Costs { seconds: 90.0, peak_memory: Some(3 << 30), ..Costs::default() };
        assert!(failures(r#"{"minutes": 2.0, "memory_gib": 4.0}"#, &costs).is_empty());
        assert_eq!(failures(r#"{"minutes": 1.0, "memory_gib": 2.0}"#, &costs).len(), 2);
    }
}
