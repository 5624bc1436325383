//! What an evaluation measured: the figures that training writes and reports show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name under which the model takes part.
pub const MODEL: &str = "Trolley";

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// First day of the test, `YYYY-MM-DD`.
    pub test_from: String,
    /// Last day of the test.
    pub test_to: String,
    /// The benchmarks, the most important first.
    #[serde(rename = "contests")]
    pub benchmarks: Vec<Benchmark>,
    /// How well an offer's score tells its buyers from other customers, as the mean area under the ROC curve: the
    /// model's, and that of the customers' own decayed purchases of the item.
    pub audience: Option<[Estimate; 2]>,
    /// Whether alternatives are alternatives.
    pub substitution: Substitution,
    /// Whether they are like what they stand in for.
    #[serde(default)]
    pub likeness: Likeness,
    /// The same, of each item in each store.
    #[serde(default)]
    pub likeness_in_store: Option<Likeness>,
    /// Who and what is answered by the model itself.
    pub coverage: Coverage,
    /// What each signal does.
    #[serde(rename = "roles")]
    pub feature_importances: FeatureImportances,
    /// Each blend beside its best part on the weeks before the test, by question; the part serves where the blend is not
    /// ahead.
    pub best_parts: BTreeMap<String, BestPart>,
    /// The item focuses that were tried on the weeks before the test, by question.
    #[serde(default)]
    pub focuses: BTreeMap<String, Vec<Focus>>,
    /// The rules for alternatives that were tried on the weeks before the test.
    #[serde(default)]
    pub flaws: Vec<Flawless>,
    /// The baselines' settings that were chosen on the validation weeks, by baseline.
    pub tuned: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Evaluation {
    /// A benchmark by name.
    pub fn benchmark(&self, name: &str) -> Option<&Benchmark> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name)
    }

    /// Every figure of the model by name: `bought_together.ndcg`, `coverage.items` and so on.
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

/// What a benchmark found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Its name in metrics and gates.
    pub name: String,
    /// The question in words.
    pub question: String,
    /// Length of the lists that were judged.
    pub k: usize,
    /// Over all cases first, then by kind of case.
    pub groups: Vec<Group>,
}

impl Benchmark {
    /// The results over all cases.
    pub fn all(&self) -> &[MethodResult] {
        self.groups.first().map_or(&[], |group| &group.results)
    }

    /// A method's figures over all cases.
    pub fn result(&self, method: &str) -> Option<&MethodResult> {
        self.all().iter().find(|result| result.method == method)
    }

    /// One figure of the model over all cases.
    pub fn of_model(&self, metric: &str) -> Option<Estimate> {
        self.result(MODEL)?.figures.get(metric).copied()
    }
}

/// Cases of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Which: `all`, or for example `tail`.
    pub name: String,
    /// How many cases.
    pub cases: usize,
    /// Of how many customers.
    pub customers: usize,
    /// The share of the cases that `due_to_item` is measured on: those whose customer has another basket without the item
    /// that was asked about. Only of what is bought together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_share: Option<f64>,
    /// The methods in the order of the benchmark, the model first.
    #[serde(rename = "standings")]
    pub results: Vec<MethodResult>,
}

/// How one method did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// Its name.
    #[serde(rename = "contender")]
    pub method: String,
    /// By metric, with 95 % intervals.
    pub figures: BTreeMap<String, Estimate>,
    /// How far the model is ahead of it, as a share of its figure, paired; empty for the model itself.
    pub lead: BTreeMap<String, Estimate>,
    /// How far the model is ahead of it in what the lists are like, in itself and not as a share, paired.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ahead: BTreeMap<String, Estimate>,
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over all answers.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Whether alternatives are of the same kind, and seldom bought together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Substitution {
    /// Items asked about: the usual items of the cases.
    pub items: usize,
    /// Mean share of the six that are of the category of the item asked about.
    pub category_agreement: f64,
    /// Median co-purchase lift of the six, shrunk: 1 for items that meet as often as by chance.
    pub lift: f64,
    /// The same for random items of the same category.
    pub lift_of_random: f64,
}

/// How many of the six are like what they stand in for; shares of all that are shown of whom it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Likeness {
    /// Items asked about, or pairs of an item and a store.
    pub asked: usize,
    /// Of a size at most a quarter apart.
    pub size: Option<f64>,
    /// Of a price by the litre, kilogram or piece at most a quarter apart.
    pub price: Option<f64>,
    /// Both, of those of whom both are known.
    pub size_and_price: Option<f64>,
    /// The share of whom both are known.
    pub known: f64,
    /// With the same value, by attribute.
    pub same: BTreeMap<String, f64>,
    /// Not sold in the last days before the test.
    pub not_sold: f64,
    /// What the config's `must_match` would remove, if there is any.
    pub must_match_removes: Option<f64>,
}

/// Shares of those asked, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Customers for whom all six are the model's own, given their most frequent item.
    pub customers: f64,
    /// Items sold in the last 90 days with at least one item that is the model's own bought together with them.
    pub items: f64,
    /// The same for alternatives.
    pub items_with_alternatives: f64,
    /// Share of the items bought that appear in any of these answers.
    pub catalogue: f64,
}

/// A rule for alternatives that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flawless {
    /// Of six so many are without a flaw at the least.
    pub flawless: usize,
    /// The hit rate on the validation weeks.
    pub hit_rate: f64,
}

/// What a signal does in a blend, as seen on the customers held out of the validation weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// How much lower nDCG is without it, as a share; the rest of the blend is left as it is.
    #[serde(rename = "worth")]
    pub importance: f64,
    /// Its values, rising, each with its mean part in the scores.
    pub curve: Vec<[f32; 2]>,
}

/// By question, by signal.
pub type FeatureImportances = BTreeMap<String, BTreeMap<String, FeatureImportance>>;

/// A focus that was tried, on customers from whom it was not learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Focus {
    /// How much.
    pub focus: f64,
    /// Hit rate of the first places.
    pub hit_rate: f64,
    /// Recall in the baskets with the item less recall in the customers' other baskets.
    pub due_to_item: f64,
    /// Whether the blend was learned with it.
    pub chosen: bool,
}

/// A blend beside its best part, on customers from whom it was not learned.
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
    /// How many customers.
    pub customers: usize,
    /// Whether the part serves, because the blend is not ahead of it by more than the standard error; in alternatives,
    /// where the lift's weight is given, because the blend is surely worse.
    pub serves: bool,
}
