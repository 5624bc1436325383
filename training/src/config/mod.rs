//! Configuration of the training. One struct per concern; every field has a working default.

mod blend;
mod evaluation;
mod item_focus;
mod skipgram;

use serde::{Deserialize, Serialize};
use trolley_model::ials::IalsConfig;
use trolley_model::{ListRules, ProfileConfig};

use crate::setting::SettingError;

pub use blend::BlendConfig;
pub use evaluation::EvaluationConfig;
pub use item_focus::ItemFocus;
pub use skipgram::SkipGramConfig;

/// The training configuration, which is stored in the artefact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Minimum number of baskets with an item for which vectors are learned.
    pub min_baskets: u32,
    /// Number of days at the end of the period that count as recent.
    pub recent_days: u16,
    /// Number of days without a sale after which an item is not in a store's assortment.
    pub assortment_days: u16,
    /// This also requires that at least this many baskets with the item were expected in the store, by its popularity;
    /// 0 for no such requirement.
    pub assortment_expected: f32,
    /// Half-life of a purchase in a customer's history, in days.
    pub half_life_days: f32,
    /// Number of last baskets stored per customer.
    pub last_baskets: usize,
    /// Number of partners stored per item, and per category: two thirds by count, one third by closeness.
    pub partners: usize,
    /// Maximum number of items of a basket that count towards pairs; of a larger one, a random sample.
    pub max_basket_items: usize,
    /// The item embeddings.
    pub skipgram: SkipGramConfig,
    /// The factors of customers and items (iALS).
    pub ials: IalsConfig,
    /// The weights of the signals.
    pub blend: BlendConfig,
    /// Limits on the lists of bought together, in addition to the scores.
    pub list: ListRules,
    /// Limits on the lists of alternatives, in addition to the scores.
    pub alternatives: AlternativesConfig,
    /// How the model is evaluated.
    pub evaluation: EvaluationConfig,
    /// Whether the baskets that were pushed to the service are read too, as another table of transactions.
    pub include_pushed: bool,
}

/// Limits on the lists of alternatives, in addition to the scores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlternativesConfig {
    /// Minimum number of six alternatives without a flaw, 0 to 6: sold recently, and of similar size and price. By
    /// default, the largest number that lowers the hit rate on the validation weeks by at most 3 %; 6 if nothing can be
    /// judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flawless: Option<usize>,
}

impl TrainingConfig {
    /// The settings that customers' profiles depend on.
    pub(crate) fn profiles(&self) -> ProfileConfig {
        let Self { half_life_days, last_baskets, ials, .. } = self;
        ProfileConfig { half_life_days: *half_life_days, last_baskets: *last_baskets, ials: ials.clone() }
    }

    /// Checks the ranges of the values.
    ///
    /// # Errors
    /// Names the first invalid key, and its valid values.
    pub fn check(&self) -> Result<(), SettingError> {
        let Self { half_life_days, partners, max_basket_items, skipgram, ials, .. } = self;
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let not_negative = |value: f32| value.is_finite() && value >= 0.0;
        let dims = |dims: usize| (1..=4096).contains(&dims);
        let checks = [
            ("half_life_days", positive(*half_life_days), "a number above 0"),
            ("min_baskets", self.min_baskets > 0, "at least 1"),
            ("recent_days", self.recent_days > 0, "at least 1"),
            ("assortment_days", self.assortment_days > 0, "at least 1"),
            ("assortment_expected", not_negative(self.assortment_expected), "a number from 0"),
            ("alternatives.flawless", self.alternatives.flawless.is_none_or(|of_six| of_six <= 6), "0 to 6"),
            ("partners", *partners > 0, "at least 1"),
            ("max_basket_items", *max_basket_items >= 2, "at least 2"),
            ("skipgram.dims", dims(skipgram.dims), "1 to 4096"),
            ("skipgram.learning_rate", positive(skipgram.learning_rate), "a number above 0"),
            ("skipgram.negatives", not_negative(skipgram.negatives), "a number from 0"),
            ("skipgram.shared_negatives", (1..=4096).contains(&skipgram.shared_negatives), "1 to 4096"),
            ("skipgram.power", skipgram.power.is_finite(), "a finite number"),
            ("skipgram.subsample", not_negative(skipgram.subsample), "a number from 0"),
            ("ials.dims", dims(ials.dims), "1 to 4096"),
            ("ials.unobserved", not_negative(ials.unobserved), "a number from 0"),
            ("ials.repeats", not_negative(ials.repeats), "a number from 0"),
            ("ials.regularisation", positive(ials.regularisation), "a number above 0"),
            ("ials.exponent", ials.exponent.is_finite(), "a finite number"),
            (
                "blend.learning_rate",
                self.blend.learning_rate > 0.0 && self.blend.learning_rate <= 1.0,
                "above 0, up to 1",
            ),
            (
                "blend.share_of_cases",
                self.blend.share_of_cases > 0.0 && self.blend.share_of_cases <= 1.0,
                "above 0 and at most 1",
            ),
            (
                "blend.item_focus",
                matches!(self.blend.item_focus, ItemFocus::Auto)
                    || matches!(self.blend.item_focus, ItemFocus::Fixed(focus) if (0.0..=2.0).contains(&focus)),
                "a number from 0 to 2, or \"auto\"",
            ),
            ("blend.candidates", self.blend.candidates >= 1, "at least 1"),
        ];
        match checks.iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must_be)) => Err(SettingError::new(format!("training.{key} must be {must_be}"))),
            None => Ok(()),
        }
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            min_baskets: 5,
            recent_days: 28,
            assortment_days: 90,
            assortment_expected: 3.0,
            half_life_days: 75.0,
            last_baskets: 200,
            partners: 192,
            max_basket_items: 150,
            skipgram: SkipGramConfig::default(),
            ials: IalsConfig::default(),
            blend: BlendConfig::default(),
            list: ListRules::default(),
            alternatives: AlternativesConfig::default(),
            evaluation: EvaluationConfig::default(),
            include_pushed: false,
        }
    }
}
