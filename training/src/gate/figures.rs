//! Conditions on a model's own metrics and on the costs of its training.

use super::{Failure, GateConfig, Margin};
use crate::costs::Costs;
use trolley_model::figures::{Estimate, Evaluation, MODEL};

const MEND: &str = "the report shows the figure beside its baselines; mend the data or the settings, change the gate, or \
                    publish it all the same with --force";

impl GateConfig {
    /// All conditions that are not met. A metric that was not measured fails its condition, unless `lenient`.
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
            match evaluation.and_then(|evaluation| Pair::of(evaluation, name, over)) {
                Some(pair)
                    if !pair.is_ahead(*by)
                        && !pair.is_undecided(*by)
                        && !evaluation.is_some_and(|evaluation| answers_to_the_item(evaluation, name, over)) =>
                {
                    let Pair { ours, theirs, .. } = pair;
                    let (lead, by) = (pair.lead_in_words(), by * 100.0);
                    fail(
                        "margin",
                        name,
                        format!("{ours:.4} is {lead} beside {over} ({theirs:.4}), and must be {by:+.1} %"),
                    );
                }
                None if !lenient => fail("margin", name, not_measured()),
                _ => {}
            }
        }
        for (name, over) in &self.not_behind {
            let result = name.split_once('.').and_then(|(benchmark, metric)| {
                Some((evaluation?.benchmark(benchmark)?.result(over)?.ahead.get(metric)?, metric))
            });
            match result {
                Some((ahead, metric)) if ahead.high < 0.0 => fail(
                    "not_behind",
                    name,
                    format!(
                        "{metric} is {:.4} below that of {over}, surely (at least {:.4})",
                        -ahead.value, -ahead.high
                    ),
                ),
                None if !lenient => fail("not_behind", name, not_measured()),
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

/// Whether the model's `due_to_item` is significantly higher than the baseline's; that outweighs a missing margin.
fn answers_to_the_item(evaluation: &Evaluation, name: &str, over: &str) -> bool {
    let benchmark = name.split_once('.').and_then(|(benchmark, _)| evaluation.benchmark(benchmark));
    let result = benchmark.and_then(|benchmark| benchmark.result(over));
    result.and_then(|result| result.ahead.get("due_to_item")).is_some_and(|ahead| ahead.low > 0.0)
}

/// A metric of the model and of another method, both at most 1.
struct Pair {
    ours: f64,
    theirs: f64,
    /// The relative lead of the model; `None` if it is not known.
    lead: Option<Estimate>,
}

impl Pair {
    fn of(evaluation: &Evaluation, name: &str, method: &str) -> Option<Self> {
        let (benchmark, metric) = name.split_once('.')?;
        let benchmark = evaluation.benchmark(benchmark)?;
        let figure = |method: &str| Some(benchmark.result(method)?.figures.get(metric)?.value);
        let lead = benchmark.result(method)?.lead.get(metric).copied();
        Some(Self { ours: figure(MODEL)?, theirs: figure(method)?, lead })
    }

    /// Whether the model leads by this share. A lead over 0 requires more than 0, and at 1 no lead is required.
    fn is_ahead(&self, by: f64) -> bool {
        let Self { ours, theirs, .. } = *self;
        ours >= (theirs * (1.0 + by)).min(1.0) && (by <= 0.0 || ours > theirs || ours >= 1.0)
    }

    /// Whether there are too few cases to decide: the interval reaches the margin, and is wider than twice the margin.
    fn is_undecided(&self, by: f64) -> bool {
        self.lead.is_some_and(|lead| lead.high >= by && lead.high - lead.low > 2.0 * by.abs())
    }

    fn lead_in_words(&self) -> String {
        if self.theirs > 0.0 {
            format!("{:+.1} %", (self.ours / self.theirs - 1.0) * 100.0)
        } else {
            "no more".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use trolley_model::figures::{Benchmark, Group, MethodResult};

    fn evaluation() -> Evaluation {
        let result = |method: &str, value: f64| MethodResult {
            method: method.into(),
            figures: BTreeMap::from([("ndcg".into(), Estimate { value, low: value - 0.01, high: value + 0.01 })]),
            lead: BTreeMap::new(),
            ahead: BTreeMap::new(),
        };
        let results = vec![result(MODEL, 0.21), result("bestsellers", 0.2)];
        let group = Group { name: "all".into(), cases: 9, customers: 9, due_share: None, results };
        let benchmark = Benchmark { name: "offers".into(), question: String::new(), k: 20, groups: vec![group] };
        Evaluation { benchmarks: vec![benchmark], ..Evaluation::default() }
    }

    fn failures(gate: &str, costs: &Costs) -> Vec<String> {
        let gate: GateConfig = serde_json::from_str(gate).unwrap();
        gate.check().unwrap();
        gate.figures(Some(&evaluation()), costs, false).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_small_shop_is_not_locked_out_by_chance_nor_by_a_perfect_baseline() {
        let lead = |low, value, high| Some(Estimate { value, low, high });
        let refused = |ours, theirs, lead| {
            let pair = Pair { ours, theirs, lead };
            !pair.is_ahead(0.02) && !pair.is_undecided(0.02)
        };
        assert!(!refused(1.0, 1.0, lead(0.0, 0.0, 0.0)), "nothing is ahead of all");
        assert!(!refused(0.40, 0.41, lead(-0.3, -0.02, 0.25)), "fifty baskets say nothing");
        assert!(refused(0.40, 0.41, lead(-0.04, -0.02, 0.0)));
        assert!(refused(0.41, 0.41, lead(0.0, 0.0, 0.0)), "whoever shows the bestsellers is no better");
    }

    #[test]
    fn hits_may_be_given_for_what_is_due_to_the_item() {
        let gate: GateConfig =
            serde_json::from_str(r#"{"margin": {"offers.ndcg": {"over": "bestsellers", "by": 0.06}}}"#).unwrap();
        let refused = |low: f64| {
            let mut evaluation = evaluation();
            let ahead = Estimate { value: 0.02, low, high: 0.03 };
            evaluation.benchmarks[0].groups[0].results[1].ahead.insert("due_to_item".into(), ahead);
            !gate.figures(Some(&evaluation), &Costs::default(), false).is_empty()
        };
        assert!(refused(-0.001) && !refused(0.001));
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
        for result in &mut of_zeros.benchmarks[0].groups[0].results {
            result.figures.insert("ndcg".into(), Estimate { value: 0.0, low: 0.0, high: 0.0 });
        }
        let zeros = nothing.figures(Some(&of_zeros), none, false);
        assert_eq!(zeros.len(), 1, "0 is not ahead of 0");
        assert!(zeros[0].why.contains("no more beside bestsellers"), "{}", zeros[0]);
        let typo: GateConfig = serde_json::from_str(r#"{"tolerance": {"audience.ndcg": 0.02}}"#).unwrap();
        assert!(typo.check().unwrap_err().to_string().contains("alternatives_anonymous.ndcg"));
        assert!(failures(r#"{"floor": {"offer.ndcg": 0.1}}"#, none)[0].contains("not measured"));
        let costs = Costs { seconds: 90.0, peak_memory: Some(3 << 30), ..Costs::default() };
        assert!(failures(r#"{"minutes": 2.0, "memory_gib": 4.0}"#, &costs).is_empty());
        assert_eq!(failures(r#"{"minutes": 1.0, "memory_gib": 2.0}"#, &costs).len(), 2);
    }
}
