//! The model: what training writes and the service reads, and the scoring that both use.
//!
//! - [`artefact`]: the model on disk, published and opened through a [`artefact::ModelRegistry`]
//! - [`Model`]: the model in memory, made of [`Catalogue`], [`Vectors`], [`CoPurchases`] and [`Histories`]
//! - [`recommend`]: the three questions, each answered by a function
//! - [`signals`]: the features of the ranker, one file each
//!
//! No HTTP, no transaction files, no clock and no randomness.

mod amount;
mod answer_cache;
pub mod artefact;
pub mod attributes;
mod blend;
pub mod catalogue;
mod category;
pub mod co_purchases;
mod customer;
mod error;
mod feature_context;
pub mod figures;
pub mod files;
pub mod histories;
pub mod ials;
mod ids;
mod item;
mod item_signals;
pub mod item_stats;
pub mod kernel;
mod likeness;
mod model;
mod must_match;
mod name;
mod name_words;
pub mod nearest;
mod number_set;
mod offsets;
mod owned_profile;
mod package;
mod priors;
mod product_lines;
mod profile;
mod profile_config;
mod query;
mod question;
mod recent_baskets;
pub mod recommend;
mod scorer;
mod sensitive;
pub mod signal_names;
pub mod signals;
mod stores;
mod texts;
mod top;
mod vectors;

pub use amount::{Amount, Unit};
pub use attributes::Attributes;
pub use blend::{AlternativeRules, Blend, Blends, ListRules, Tree};
pub use catalogue::Catalogue;
pub use category::Category;
pub use co_purchases::CoPurchases;
pub use customer::Customer;
pub use error::ModelError;
pub use feature_context::FeatureContext;
pub use histories::Histories;
pub use ids::Ids;
pub use item::Item;
pub use likeness::Flaw;
pub use model::{Model, Parts};
pub use must_match::{MustMatch, MustMatches};
pub use name::{BadName, Name};
pub use number_set::NumberSet;
pub use offsets::Offsets;
pub use owned_profile::{Counting, DatedBasket, OwnedProfile, TakenOnOffer};
pub use profile::{Position, Profile};
pub use profile_config::ProfileConfig;
pub use query::Query;
pub use question::Question;
pub use recent_baskets::RecentBaskets;
pub use scorer::Scorer;
pub use sensitive::{Sensitive, SensitiveCategories};
pub use stores::Stores;
pub use texts::{Texts, TooLarge};
pub use top::Top;
pub use vectors::Vectors;
