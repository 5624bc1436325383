//! From counts to a model: embeddings, factors, and the default weights.

use trolley_model::nearest::Neighbours;
use trolley_model::{Blends, ModelError, Parts, Vectors};

use crate::baskets::BasketSample;
use crate::blend::default_weights;
use crate::config::TrainingConfig;
use crate::count::Counts;
use crate::ials::ials;
use crate::mixed::mixed;
use crate::progress::Progress;
use crate::skipgram::skip_gram;

/// A learned model.
#[derive(Debug)]
pub struct Fitted {
    /// The model.
    pub parts: Parts,
    /// Mean loss of the item embeddings per epoch.
    pub losses: Vec<f64>,
}

/// Learns a model from counts, and its item embeddings from a sample of baskets; without a sample there are no
/// embeddings. The blends have the default weights.
///
/// # Errors
/// If the counts are inconsistent.
pub fn learn(
    counts: Counts,
    sample: Option<BasketSample<'_>>,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Fitted, ModelError> {
    let Counts { catalogue, attributes, stores, histories, pairs, recent_baskets, learned, mixed: named } = counts;
    let (input, output, losses) = match sample {
        Some(sample) => skip_gram(sample, &catalogue.all_baskets()[..learned], &config.skipgram, config.seed, progress),
        None => (nothing(config), nothing(config), Vec::new()),
    };
    let (item_factors, customer_factors) = ials(&histories, learned, &config.ials, config.seed, progress);
    let blends = Blends { list: config.list, ..default_weights() };
    let mixed = mixed(&catalogue, &input, &named);
    let parts = Parts {
        catalogue: catalogue.with_mixed_categories(mixed)?,
        attributes,
        stores,
        input,
        output,
        neighbours: Neighbours::default(),
        item_factors,
        customer_factors,
        co_purchases: pairs.items,
        category_pairs: pairs.categories,
        category_partners: pairs.category_partners,
        switches: pairs.switches,
        histories,
        profiles: config.profiles(),
        recent_baskets,
        blends,
    };
    Ok(Fitted { parts, losses })
}

fn nothing(config: &TrainingConfig) -> Vectors {
    Vectors::from_rows(config.skipgram.dims, Vec::new())
}
