//! From baskets to a model: every learner once.

use trolley_model::Parts;

use crate::baskets::catalogue_and_baskets;
use crate::co_purchases::co_purchases;
use crate::config::TrainingConfig;
use crate::histories::histories;
use crate::ials::ials;
use crate::input::{Items, Transactions};
use crate::progress::Progress;
use crate::skipgram::skip_gram;
use crate::weights::weights;

/// Learns a model from the first `until` baskets: all of them for publishing, the past for an evaluation.
///
/// # Errors
/// In words, if the input is too large for the model's numbers.
pub fn fit(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Parts, String> {
    let (catalogue, baskets) =
        catalogue_and_baskets(transactions, until, items, config.recent_days, config.min_baskets)?;
    progress.begin("purchase histories", 1);
    let histories = histories(&baskets, catalogue.items().len(), config.half_life_days)?;
    progress.end();
    progress.begin("co-purchase counts", 1);
    let co_purchases = co_purchases(&baskets, config.partners, config.max_basket_items, config.seed);
    progress.end();
    let counts = &catalogue.all_baskets()[..baskets.learned];
    let (input, output) = skip_gram(&baskets, counts, &config.skipgram, config.seed, progress);
    let (item_factors, customer_factors) = ials(&histories, baskets.learned, &config.ials, config.seed, progress);
    Ok(Parts { catalogue, input, output, item_factors, customer_factors, co_purchases, histories, weights: weights() })
}
