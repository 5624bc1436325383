//! How a model is trained. One struct per concern; every field has a default that works.

use serde::{Deserialize, Serialize};
use trolley_model::ListRules;

use crate::blend::{BlendConfig, ItemFocus};
use crate::evaluation::EvaluationConfig;
use crate::ials::IalsConfig;
use crate::skipgram::SkipGramConfig;

/// The whole training config; it is stored in the artefact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// All randomness follows from it.
    pub seed: u64,
    /// Items in fewer baskets than this are not learned; they are recommended by the fallback tiers alone.
    pub min_baskets: u32,
    /// How many days at the end of the period count as recent.
    pub recent_days: u16,
    /// After so many days a purchase counts half in a customer's history.
    pub half_life_days: f32,
    /// The last so many baskets of each customer are kept as they were.
    pub last_baskets: usize,
    /// Partners kept per item, and per category: two thirds by count, one by closeness.
    pub partners: usize,
    /// Of a larger basket only so many of its items, drawn at random, count towards pairs.
    pub max_basket_items: usize,
    /// The item embeddings.
    pub skipgram: SkipGramConfig,
    /// The factors.
    pub ials: IalsConfig,
    /// What each signal counts.
    pub blend: BlendConfig,
    /// What lists of what is bought together keep to beside the scores.
    pub list: ListRules,
    /// How the model is judged.
    pub evaluation: EvaluationConfig,
}

impl TrainingConfig {
    /// Checks that every number makes sense.
    ///
    /// # Errors
    /// The first key that is wrong, and what it must be.
    pub fn check(&self) -> Result<(), String> {
        let Self { half_life_days, partners, max_basket_items, skipgram, ials, .. } = self;
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let not_negative = |value: f32| value.is_finite() && value >= 0.0;
        let dims = |dims: usize| (1..=4096).contains(&dims);
        let checks = [
            ("half_life_days", positive(*half_life_days), "a number above 0"),
            ("min_baskets", self.min_baskets > 0, "at least 1"),
            ("recent_days", self.recent_days > 0, "at least 1"),
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
            Some((key, _, must_be)) => Err(format!("training.{key} must be {must_be}")),
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
            half_life_days: 75.0,
            last_baskets: 200,
            partners: 192,
            max_basket_items: 150,
            skipgram: SkipGramConfig::default(),
            ials: IalsConfig::default(),
            blend: BlendConfig::default(),
            list: ListRules::default(),
            evaluation: EvaluationConfig::default(),
        }
    }
}
