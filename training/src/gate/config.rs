//! The settings of a gate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::non_inferiority::{TOLERANCE, TOLERANCE_OF_DUE, TOLERANCE_OF_HITS};
use crate::evaluation::{DUE_TO_ITEM, METRICS, compared, compared_by};
use crate::setting::SettingError;

/// The gate of a market. Metrics are named as in the evaluation: `bought_together.ndcg`, `coverage.items`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// Minimum share of the lines, baskets, items, customers and days of the data compared with those of the model in
    /// service.
    pub volume: f64,
    /// Minimum value of a metric.
    pub floor: BTreeMap<String, f64>,
    /// Maximum value of a metric.
    pub ceiling: BTreeMap<String, f64>,
    /// Minimum lead of a metric over a baseline. It is waived if `due_to_item` is significantly higher than the
    /// baseline's.
    pub margin: BTreeMap<String, Margin>,
    /// Metrics of a list, such as `bought_together.due_to_item`, that must not be significantly below that of the named
    /// baseline.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_behind: BTreeMap<String, String>,
    /// The tolerance by which a metric may be below that of a predecessor, as a share of it. By default 0.05 for the
    /// hit rate of bought together and 0.035 for the nDCG of every other benchmark. The tolerance of `due_to_item` is
    /// absolute: 0.005.
    pub tolerance: BTreeMap<String, f64>,
    /// Maximum duration of the training in minutes, evaluation included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Maximum memory of the training at any time, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_gib: Option<f64>,
}

/// A margin over a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// The baseline, as the report names it.
    pub over: String,
    /// The relative lead: 0.05 for 5 % above.
    pub by: f64,
}

/// Only the conditions for every model: it was evaluated, its data has not shrunk, and it is not worse.
impl Default for GateConfig {
    fn default() -> Self {
        Self {
            volume: 0.7,
            floor: BTreeMap::new(),
            ceiling: BTreeMap::new(),
            margin: BTreeMap::new(),
            not_behind: BTreeMap::new(),
            tolerance: BTreeMap::new(),
            minutes: None,
            memory_gib: None,
        }
    }
}

impl GateConfig {
    /// The gate of a market without one in the config: it also requires a lead over the bestsellers, and a
    /// `due_to_item` not below that of co-purchase counts.
    pub fn standard() -> Self {
        let margin = Margin { over: "bestsellers".into(), by: 0.02 };
        let counts = BTreeMap::from([("bought_together.due_to_item".into(), "co-purchase count".into())]);
        let margin = BTreeMap::from([("bought_together_anonymous.hit_rate".into(), margin)]);
        Self { margin, not_behind: counts, ..Self::default() }
    }

    /// The metrics on which models are compared, with their tolerances.
    pub(crate) fn tolerances(&self) -> BTreeMap<String, f64> {
        let standard = compared().map(compared_by).map(|figure| {
            let tolerance = if figure.ends_with(".hit_rate") { TOLERANCE_OF_HITS } else { TOLERANCE };
            (figure, tolerance)
        });
        let due = DUE_TO_ITEM.map(|figure| (figure.to_owned(), TOLERANCE_OF_DUE));
        standard.chain(due).chain(self.tolerance.iter().map(|(name, share)| (name.clone(), *share))).collect()
    }

    /// Checks the values.
    ///
    /// # Errors
    /// The first invalid key, and what it must be.
    pub fn check(&self) -> Result<(), SettingError> {
        let margins = self.margin.values().map(|margin| &margin.by);
        let numbers = self.floor.values().chain(self.ceiling.values()).chain(margins).chain(self.tolerance.values());
        let budgets = self.minutes.iter().chain(&self.memory_gib);
        let known = || {
            let figures = compared().flat_map(|benchmark| METRICS.map(|metric| format!("{benchmark}.{metric}")));
            figures.chain(DUE_TO_ITEM.map(str::to_owned))
        };
        if numbers.clone().any(|number| !number.is_finite()) {
            Err(SettingError::new("the numbers of a gate must be finite"))
        } else if !(0.0..=1.0).contains(&self.volume) {
            Err(SettingError::new("gate.volume must be a share from 0 to 1"))
        } else if let Some(name) = self.tolerance.keys().find(|name| known().all(|known| known != **name)) {
            let known: Vec<String> = known().collect();
            Err(SettingError::new(format!(
                "gate.tolerance.\"{name}\" is not compared between models; these are: {}",
                known.join(", ")
            )))
        } else if self.tolerance.values().any(|share| *share < 0.0) {
            Err(SettingError::new("gate.tolerance must be a share from 0"))
        } else if budgets.into_iter().any(|budget| !budget.is_finite() || *budget <= 0.0) {
            Err(SettingError::new("gate.minutes and gate.memory_gib must be above 0"))
        } else {
            Ok(())
        }
    }
}
