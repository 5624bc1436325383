//! From baskets to a model: every learner once.

use trolley_model::nearest::Neighbours;
use trolley_model::{Blends, CoPurchases, Parts, Vectors};

use crate::attributes::attributes;
use crate::baskets::catalogue_and_baskets;
use crate::blend::default_weights;
use crate::co_purchases::{category_pairs, category_partners, co_purchases};
use crate::config::TrainingConfig;
use crate::histories::histories;
use crate::ials::ials;
use crate::input::{Items, OfferRow, Transactions};
use crate::mixed::mixed;
use crate::on_offer::OnOfferDays;
use crate::progress::Progress;
use crate::skipgram::skip_gram;
use crate::stores::stores;
use crate::switches::switches;

/// So many switches are kept of each item.
const SWITCHES: usize = 64;

/// A model as it was learned.
#[derive(Debug)]
pub struct Fitted {
    /// The model.
    pub parts: Parts,
    /// Mean loss of the item embeddings, pass by pass.
    pub losses: Vec<f64>,
}

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What offers are ranked by: no pairs of items, which take longest.
    Customers,
}

/// Learns a model from the first `until` baskets: all of them for publishing, the past for an evaluation. Its blend is
/// the one set by hand. Of the offers it is learned what was bought while they held.
///
/// # Errors
/// In words, if the input is too large for the model's numbers.
pub fn fit(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    offers: &[OfferRow],
    config: &TrainingConfig,
    scope: Scope,
    progress: &dyn Progress,
) -> Result<Fitted, String> {
    let (catalogue, baskets) =
        catalogue_and_baskets(transactions, until, items, config.recent_days, config.min_baskets)?;
    progress.begin("purchase histories", 1);
    let on_offer = OnOfferDays::new(offers, &catalogue, &baskets);
    let catalogue = match &on_offer {
        Some(on_offer) => catalogue.with_sales_on_offer(on_offer.sales(&baskets))?,
        None => catalogue,
    };
    let histories =
        histories(&baskets, catalogue.items().len(), config.half_life_days, config.last_baskets, on_offer.as_ref())?;
    progress.end();
    let mut switched = CoPurchases::new([]);
    let (co_purchases, category_pairs, category_partners, (input, output, losses)) = match scope {
        Scope::All => {
            progress.begin("co-purchase counts", 1);
            let pairs =
                co_purchases(&baskets, catalogue.all_baskets(), config.partners, config.max_basket_items, config.seed);
            let category_pairs = category_pairs(&baskets, &catalogue, config.partners);
            let category_partners = category_partners(&baskets, &catalogue, config.partners);
            switched = switches(&baskets, &catalogue, SWITCHES);
            progress.end();
            let counts = &catalogue.all_baskets()[..baskets.learned];
            let vectors = skip_gram(&baskets, counts, &config.skipgram, config.seed, progress);
            (pairs, category_pairs, category_partners, vectors)
        }
        Scope::Customers => {
            let none = || CoPurchases::new([]);
            (none(), none(), none(), (nothing(config), nothing(config), Vec::new()))
        }
    };
    let (item_factors, customer_factors) = ials(&histories, baskets.learned, &config.ials, config.seed, progress);
    let blends = Blends { list: config.list, ..default_weights() };
    let mixed = mixed(&catalogue, &input, &items.mixed);
    let parts = Parts {
        attributes: attributes(items, &catalogue)?,
        stores: stores(transactions, until, &catalogue, config)?,
        catalogue: catalogue.with_mixed_categories(mixed)?,
        input,
        output,
        neighbours: Neighbours::default(),
        item_factors,
        customer_factors,
        co_purchases,
        category_pairs,
        category_partners,
        switches: switched,
        histories,
        blends,
    };
    Ok(Fitted { parts, losses })
}

fn nothing(config: &TrainingConfig) -> Vectors {
    Vectors::from_rows(config.skipgram.dims, Vec::new())
}
