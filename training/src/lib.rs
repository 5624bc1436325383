//! Training, offline: transactions in, a published model out.
//!
//! - [`input`]: reads the shop's tables in batches, and accounts for every row
//! - [`fit`](fn@fit): from baskets to a model: [`Counts`] first, then [`learn`](fn@learn)
//! - [`evaluate`]: evaluates the answers on held-out weeks
//! - [`train`](fn@train): the whole pipeline, up to the published artefact
//!
//! Randomness, progress and time are parameters. The same input, config and seed give the same artefact for any number
//! of threads.

mod attributes;
mod baskets;
mod blend;
mod co_purchases;
mod compare;
mod config;
mod costs;
mod count;
mod evaluation;
mod fit;
pub mod gate;
mod generate;
mod histories;
mod ials;
pub mod input;
mod learn;
mod mixed;
mod neighbours;
mod on_offer;
#[cfg(test)]
#[path = "../studies/peers.rs"]
mod peers;
mod progress;
mod random;
mod setting;
mod skipgram;
mod stores;
mod switches;
mod train;

pub use baskets::BasketSample;
pub use compare::{Compared, Pair, compare_pair};
pub use config::{BlendConfig, EvaluationConfig, ItemFocus, SkipGramConfig, TrainingConfig};
pub use costs::{Costs, Stage};
pub use count::{Counts, Pairs, Scope};
pub use evaluation::{Judged, Leads, NotJudged, Paired, compared_by, evaluate, evaluate_next_basket, judgeable};
pub use fit::fit;
pub use gate::{Accept, Comparison, Decision, Failure, GateConfig, Margin};
pub use generate::{PlantedPairs, Shop, ShopSize};
pub use input::InputConfig;
pub use learn::{Fitted, learn};
pub use progress::{Progress, Silent};
pub use setting::SettingError;
pub use train::{Outcome, Tables, TrainError, TrainingJob, examine, read, train};
pub use trolley_model::figures::{
    Benchmark, BestPart, Coverage, Estimate, Evaluation, FeatureImportance, FeatureImportances, Flawless, Focus, Group,
    Likeness, MODEL, MethodResult, Substitution,
};
pub use trolley_model::ials::IalsConfig;
