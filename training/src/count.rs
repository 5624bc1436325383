//! From baskets to counts: the part of a model that needs no learning.

use trolley_model::{Attributes, Catalogue, Category, CoPurchases, Histories, ModelError, RecentBaskets, Stores};

use crate::attributes::attributes;
use crate::baskets::{Baskets, catalogue_and_baskets};
use crate::co_purchases::{category_pairs, category_partners, co_purchases};
use crate::config::TrainingConfig;
use crate::histories::histories;
use crate::input::{Items, OfferRow, Transactions};
use crate::on_offer::OnOfferDays;
use crate::progress::Progress;
use crate::stores::stores;
use crate::switches::switches;

/// Maximum number of switches stored per item.
const SWITCHES: usize = 64;

/// The scope of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// Only what ranks offers: without pairs of items and embeddings, which take longest.
    Customers,
}

/// The counts up to a cut-off day. A plain value that another program can fill, for instance from a cluster. Items and
/// customers are numbered as in `catalogue` and `histories`.
#[derive(Clone, Debug)]
pub struct Counts {
    /// The items and categories, with their numbers of baskets: all, recent, and latest.
    pub catalogue: Catalogue,
    /// The items' attributes.
    pub attributes: Attributes,
    /// The assortment of each store.
    pub stores: Stores,
    /// The purchases of each customer.
    pub histories: Histories,
    /// Pairs; empty tables if only customers are modelled ([`Scope::Customers`]).
    pub pairs: Pairs,
    /// The baskets of the last days, by which the service recognises pushed baskets that are counted already.
    pub recent_baskets: RecentBaskets,
    /// Number of items to be learned; these are the first ones, which are in enough baskets.
    pub learned: usize,
    /// The IDs of categories that the config names as mixed.
    pub mixed: Vec<String>,
}

/// Tables of pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Items: the number of baskets with both.
    pub items: CoPurchases,
    /// Categories: the number of baskets with both.
    pub categories: CoPurchases<Category, Category>,
    /// The strongest partner items of each category.
    pub category_partners: CoPurchases<Category>,
    /// How often customers switched between two items of a category.
    pub switches: CoPurchases,
}

impl Pairs {
    /// No pairs.
    pub fn none() -> Self {
        Self {
            items: CoPurchases::new([]),
            categories: CoPurchases::new([]),
            category_partners: CoPurchases::new([]),
            switches: CoPurchases::new([]),
        }
    }
}

/// Counts the first `until` baskets. From the offers, purchases on offer are counted.
///
/// # Errors
/// If the input exceeds the number types of the model.
pub(crate) fn count(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    offers: &[OfferRow],
    config: &TrainingConfig,
    scope: Scope,
    progress: &dyn Progress,
) -> Result<(Counts, Baskets), ModelError> {
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
    let pairs = match scope {
        Scope::All => {
            progress.begin("co-purchase counts", 1);
            let all = catalogue.all_baskets();
            let pairs = Pairs {
                items: co_purchases(&baskets, all, config.partners, config.max_basket_items, config.seed),
                categories: category_pairs(&baskets, &catalogue, config.partners),
                category_partners: category_partners(&baskets, &catalogue, config.partners),
                switches: switches(&baskets, &catalogue, SWITCHES),
            };
            progress.end();
            pairs
        }
        Scope::Customers => Pairs::none(),
    };
    let counts = Counts {
        attributes: attributes(items, &catalogue)?,
        stores: stores(transactions, until, &catalogue, config)?,
        catalogue,
        histories,
        pairs,
        recent_baskets: recent_baskets(transactions, until, baskets.end),
        learned: baskets.learned,
        mixed: items.mixed.clone(),
    };
    Ok((counts, baskets))
}

fn recent_baskets(transactions: &Transactions, until: usize, end: u16) -> RecentBaskets {
    let from = end.saturating_sub(RecentBaskets::DAYS);
    let recent = transactions.basket_hashes.get(transactions.before(from).min(until)..until);
    RecentBaskets::new(from, recent.unwrap_or_default().to_vec())
}
