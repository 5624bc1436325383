//! The results of an evaluation, as training writes them and reports show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the model as a method in benchmarks.
pub const MODEL: &str = "Trolley";

/// The results of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// First day of the test, `YYYY-MM-DD`.
    pub test_from: String,
    /// Last day of the test.
    pub test_to: String,
    /// The benchmarks, the most important first.
    #[serde(rename = "contests")]
    pub benchmarks: Vec<Benchmark>,
    /// How well an offer's score separates its buyers from other customers, as the mean area under the ROC curve: for
    /// the model, and for the customers' own decayed purchases of the item.
    pub audience: Option<[Estimate; 2]>,
    /// Whether alternatives are substitutes.
    pub substitution: Substitution,
    /// Whether they are similar to the requested item.
    #[serde(default)]
    pub likeness: Likeness,
    /// The same, for each item in each store.
    #[serde(default)]
    pub likeness_in_store: Option<Likeness>,
    /// The shares of customers and items answered by the tier `model`.
    pub coverage: Coverage,
    /// The feature importances.
    #[serde(rename = "roles")]
    pub feature_importances: FeatureImportances,
    /// Each blend compared with its best part on the validation weeks, by question; the part is used unless the blend
    /// is better.
    pub best_parts: BTreeMap<String, BestPart>,
    /// The item focuses tried on the validation weeks, by question.
    #[serde(default)]
    pub focuses: BTreeMap<String, Vec<Focus>>,
    /// The rules for alternatives tried on the validation weeks.
    #[serde(default)]
    pub flaws: Vec<Flawless>,
    /// The settings of the baselines chosen on the validation weeks, by baseline.
    pub tuned: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Evaluation {
    /// A benchmark by name.
    pub fn benchmark(&self, name: &str) -> Option<&Benchmark> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name)
    }

    /// Every metric of the model by name: `bought_together.ndcg`, `coverage.items` and so on.
    pub fn figures(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        for benchmark in &self.benchmarks {
            for (metric, estimate) in benchmark.result(MODEL).iter().flat_map(|result| &result.figures) {
                figures.insert(format!("{}.{metric}", benchmark.name), estimate.value);
            }
        }
        figures.extend(self.audience.map(|[ours, _]| ("audience.auc".to_owned(), ours.value)));
        let Coverage { customers, items, items_with_alternatives, catalogue } = self.coverage;
        let Substitution { category_agreement, lift, lift_of_random, .. } = self.substitution;
        figures.extend(
            [
                ("coverage.customers", customers),
                ("coverage.items", items),
                ("coverage.items_with_alternatives", items_with_alternatives),
                ("coverage.catalogue", catalogue),
                ("alternatives.category_agreement", category_agreement),
                ("alternatives.lift", lift),
                ("alternatives.lift_of_random", lift_of_random),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let Likeness { size, price, size_and_price, .. } = self.likeness;
        let alike = [("size", size), ("price", price), ("size_and_price", size_and_price)];
        figures.extend(alike.into_iter().filter_map(|(of, share)| Some((format!("alternatives.alike.{of}"), share?))));
        figures
    }
}

/// A benchmark and its results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Its name in metrics and gates.
    pub name: String,
    /// A description of the question.
    pub question: String,
    /// Length of the evaluated lists.
    pub k: usize,
    /// Results over all cases first, then by group of cases.
    pub groups: Vec<Group>,
}

impl Benchmark {
    /// The results over all cases.
    pub fn all(&self) -> &[MethodResult] {
        self.groups.first().map_or(&[], |group| &group.results)
    }

    /// A method's result over all cases.
    pub fn result(&self, method: &str) -> Option<&MethodResult> {
        self.all().iter().find(|result| result.method == method)
    }

    /// One metric of the model over all cases.
    pub fn of_model(&self, metric: &str) -> Option<Estimate> {
        self.result(MODEL)?.figures.get(metric).copied()
    }
}

/// A group of cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name: `all`, or for example `tail`.
    pub name: String,
    /// Number of cases.
    pub cases: usize,
    /// Number of customers with such cases.
    pub customers: usize,
    /// The share of the cases that `due_to_item` is measured on: those whose customer has another basket without the
    /// requested item. Only for bought together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_share: Option<f64>,
    /// The methods in the order of the benchmark, the model first.
    #[serde(rename = "standings")]
    pub results: Vec<MethodResult>,
}

/// The results of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// Its name.
    #[serde(rename = "contender")]
    pub method: String,
    /// The metrics by name, with 95 % confidence intervals.
    pub figures: BTreeMap<String, Estimate>,
    /// The model's lead over it by metric, relative to the method's value, paired; empty for the model itself.
    pub lead: BTreeMap<String, Estimate>,
    /// The model's lead over it in properties of the lists, as an absolute difference, paired.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ahead: BTreeMap<String, Estimate>,
}

/// A mean with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over all answers.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Whether alternatives are of the same category, and seldom bought together with the requested item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Substitution {
    /// Number of requested items: the usual items of the cases.
    pub items: usize,
    /// Mean share of the six alternatives that are in the category of the requested item.
    pub category_agreement: f64,
    /// Median co-purchase lift of the six, shrunk: 1 if bought together as often as by chance.
    pub lift: f64,
    /// The same for random items of the same category.
    pub lift_of_random: f64,
}

/// Similarity of the six alternatives to the requested items, as shares of the shown alternatives whose values are
/// known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Likeness {
    /// Number of requested items, or of pairs of an item and a store.
    pub asked: usize,
    /// The share with a size at most a quarter apart.
    pub size: Option<f64>,
    /// The share with a unit price (per litre, kilogram or piece) at most a quarter apart.
    pub price: Option<f64>,
    /// The share with both, of those with both known.
    pub size_and_price: Option<f64>,
    /// The share with both size and price known.
    pub known: f64,
    /// The share with the same value, by attribute.
    pub same: BTreeMap<String, f64>,
    /// The share not sold in the last days before the test.
    pub not_sold: f64,
    /// The share that the config's `must_match` would remove, if configured.
    pub must_match_removes: Option<f64>,
}

/// Population and catalogue coverage, as shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Customers whose six items all come from the tier `model`, given their most frequent item.
    pub customers: f64,
    /// Items sold in the last 90 days for which the tier `model` finds at least one item bought together.
    pub items: f64,
    /// The same for alternatives.
    pub items_with_alternatives: f64,
    /// Share of the items sold that appear in any of these answers.
    pub catalogue: f64,
}

/// A rule for alternatives that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flawless {
    /// Minimum number of flawless alternatives in a list of six.
    pub flawless: usize,
    /// The hit rate on the validation weeks.
    pub hit_rate: f64,
}

/// The role of a signal in a blend, measured on the held-out customers of the validation weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// The relative loss of nDCG when its part is removed; the rest of the blend is unchanged.
    #[serde(rename = "worth")]
    pub importance: f64,
    /// Pairs of a value of the signal, ascending, and its mean part in the scores.
    pub curve: Vec<[f32; 2]>,
}

/// Feature importances by question and signal.
pub type FeatureImportances = BTreeMap<String, BTreeMap<String, FeatureImportance>>;

/// An item focus that was tried, measured on held-out customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Focus {
    /// The item focus, λ.
    pub focus: f64,
    /// Hit rate of the first k.
    pub hit_rate: f64,
    /// Recall in the baskets with the item, minus recall in the customers' other baskets.
    pub due_to_item: f64,
    /// Whether the blend was learned with it.
    pub chosen: bool,
}

/// A blend compared with its best part, measured on held-out customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestPart {
    /// A signal, or a plain sum of a few.
    pub name: String,
    /// nDCG of the part.
    pub part: f64,
    /// nDCG of the blend.
    pub blend: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// Number of customers.
    pub customers: usize,
    /// Whether the part is used: the blend is not better by more than the standard error. For alternatives, where the
    /// weight of the lift is given: the blend is clearly worse.
    pub serves: bool,
}
