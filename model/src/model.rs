//! A market's model in memory.

use std::sync::OnceLock;

use crate::answer_cache::AnswerCache;
use crate::attributes::Attributes;
use crate::blend::Blends;
use crate::catalogue::Catalogue;
use crate::category::Category;
use crate::co_purchases::CoPurchases;
use crate::customer::Customer;
use crate::error::ModelError;
use crate::histories::Histories;
use crate::ials::FoldIn;
use crate::item::Item;
use crate::item_signals::ItemSignals;
use crate::name_words::NameWords;
use crate::nearest::{Neighbours, nearest};
use crate::owned_profile::{Counting, DatedBasket, OwnedProfile};
use crate::package::Package;
use crate::product_lines::ProductLines;
use crate::profile::Profile;
use crate::profile_config::ProfileConfig;
use crate::recent_baskets::RecentBaskets;
use crate::scorer::Scorers;
use crate::stores::Stores;
use crate::vectors::Vectors;

/// A trained model, with all numbers checked against each other.
///
/// The tables of vectors cover only the first items of the catalogue: those bought often enough to be learned.
#[derive(Debug)]
pub struct Model {
    parts: Parts,
    scorers: Scorers,
    buyers: Vec<u32>,
    recent_bestsellers: Vec<Item>,
    item_signals: OnceLock<ItemSignals>,
    product_lines: ProductLines,
    name_words: NameWords,
    packages: Vec<Package>,
    fold_in: OnceLock<FoldIn>,
    cache: AnswerCache,
}

/// The parts of a [`Model`].
#[derive(Clone, Debug)]
pub struct Parts {
    /// The items.
    pub catalogue: Catalogue,
    /// The attributes of the items.
    pub attributes: Attributes,
    /// The assortments of the stores.
    pub stores: Stores,
    /// Skip-gram's input table (learned items × dims).
    pub input: Vectors,
    /// Skip-gram's output table, of the same shape.
    pub output: Vectors,
    /// The nearest neighbours by the input table; empty if they are searched on demand.
    pub neighbours: Neighbours,
    /// iALS factors of the learned items (items × dims).
    pub item_factors: Vectors,
    /// iALS factors of all customers (customers × dims).
    pub customer_factors: Vectors,
    /// Co-purchase counts of items.
    pub co_purchases: CoPurchases,
    /// Co-purchase counts of categories.
    pub category_pairs: CoPurchases<Category, Category>,
    /// For each category, the items most often bought with it.
    pub category_partners: CoPurchases<Category>,
    /// How often customers switched between two items of a category.
    pub switches: CoPurchases,
    /// The customers' purchase histories.
    pub histories: Histories,
    /// The settings with which the histories and factors were made.
    pub profiles: ProfileConfig,
    /// The last baskets that were counted.
    pub recent_baskets: RecentBaskets,
    /// The weights of signals.
    pub blends: Blends,
}

impl Parts {
    /// Checks the parts against each other, and every number.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn check(&self) -> Result<(), ModelError> {
        let Self { catalogue, input, output, neighbours, item_factors, customer_factors, histories, blends, .. } = self;
        self.profiles.check()?;
        let learned = input.len();
        let most = learned.max(item_factors.len());
        if most > catalogue.items().len() {
            return Err(ModelError::Range(format!("{most} learned items of {}", catalogue.items().len())));
        }
        if !neighbours.is_empty() && neighbours.columns().0.len() != learned + 1 {
            return Err(ModelError::Length("there are not as many lists of neighbours as learned items".into()));
        }
        if (output.len(), output.dims()) != (learned, input.dims()) {
            return Err(ModelError::Length("input and output vectors have different shapes".into()));
        }
        if item_factors.dims() != customer_factors.dims() {
            return Err(ModelError::Length("the items' factors and the customers' have different lengths".into()));
        }
        if customer_factors.len() != histories.customers().len() {
            return Err(ModelError::Length("there are not as many factors as customers".into()));
        }
        for (what, vectors) in [
            ("input vectors", input),
            ("output vectors", output),
            ("item factors", item_factors),
            ("customer factors", customer_factors),
        ] {
            if !vectors.is_sound() {
                return Err(ModelError::Number(format!(
                    "the {what} hold one that is not finite or not of unit length"
                )));
            }
        }
        // The tables were checked when they were made, but against their own number of items.
        Attributes::new(self.attributes.all().to_vec(), catalogue.items().len())?;
        if self.stores.columns().1.iter().any(|&item| item.index() >= catalogue.items().len()) {
            return Err(ModelError::Range("a store sells an item that is not in the catalogue".into()));
        }
        Scorers::new(blends, &self.attributes.signals()).map(|_| ())
    }
}

impl Model {
    /// Checks the parts and computes derived tables.
    ///
    /// # Errors
    /// As [`Parts::check`].
    pub fn new(parts: Parts) -> Result<Self, ModelError> {
        parts.check()?;
        let scorers = Scorers::new(&parts.blends, &parts.attributes.signals())?;
        let mut buyers = vec![0; parts.catalogue.items().len()];
        for customer in parts.histories.profiles() {
            customer.items().iter().for_each(|&item| buyers[item.index()] += 1);
        }
        let cache = AnswerCache::new(parts.catalogue.bought() as usize);
        let mut recent_bestsellers: Vec<Item> = parts.catalogue.numbers().collect();
        // Stable, so that ties stay in the order of all baskets.
        let recent = parts.catalogue.all_recent_baskets();
        recent_bestsellers.sort_by_key(|&item| std::cmp::Reverse(recent[item.index()]));
        let product_lines = ProductLines::new(&parts.catalogue);
        let name_words = NameWords::new(parts.catalogue.names());
        let packages = Package::all(&parts.catalogue, &parts.attributes);
        Ok(Self {
            parts,
            scorers,
            buyers,
            recent_bestsellers,
            item_signals: OnceLock::new(),
            product_lines,
            name_words,
            packages,
            fold_in: OnceLock::new(),
            cache,
        })
    }

    /// Replaces the blends.
    ///
    /// # Errors
    /// As [`Parts::check`].
    pub fn reblended(mut self, blends: Blends) -> Result<Self, ModelError> {
        self.scorers = Scorers::new(&blends, &self.parts.attributes.signals())?;
        self.cache = AnswerCache::new(self.parts.catalogue.bought() as usize);
        self.parts.blends = blends;
        Ok(self)
    }

    /// The parts of the model.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The items.
    pub fn catalogue(&self) -> &Catalogue {
        &self.parts.catalogue
    }

    /// The attributes of the items.
    pub fn attributes(&self) -> &Attributes {
        &self.parts.attributes
    }

    /// The assortments of the stores.
    pub fn stores(&self) -> &Stores {
        &self.parts.stores
    }

    /// Skip-gram's input table.
    pub fn input(&self) -> &Vectors {
        &self.parts.input
    }

    /// Skip-gram's output table.
    pub fn output(&self) -> &Vectors {
        &self.parts.output
    }

    /// Factors of the items.
    pub fn item_factors(&self) -> &Vectors {
        &self.parts.item_factors
    }

    /// Factors of the customers.
    pub fn customer_factors(&self) -> &Vectors {
        &self.parts.customer_factors
    }

    /// Co-purchase counts of items.
    pub fn co_purchases(&self) -> &CoPurchases {
        &self.parts.co_purchases
    }

    /// Co-purchase counts of categories.
    pub fn category_pairs(&self) -> &CoPurchases<Category, Category> {
        &self.parts.category_pairs
    }

    /// For each category, the items most often bought with it.
    pub fn category_partners(&self) -> &CoPurchases<Category> {
        &self.parts.category_partners
    }

    /// How often customers switched between two items of a category.
    pub fn switches(&self) -> &CoPurchases {
        &self.parts.switches
    }

    /// Number of customers who have bought an item.
    pub fn buyers(&self, item: Item) -> u32 {
        self.buyers[item.index()]
    }

    /// All items, by their baskets in the last days of the period, most first.
    pub fn recent_bestsellers(&self) -> &[Item] {
        &self.recent_bestsellers
    }

    /// The customers' purchase histories.
    pub fn histories(&self) -> &Histories {
        &self.parts.histories
    }

    /// The profile of a customer, as of the end of the model's period.
    pub fn profile(&self, customer: Customer) -> Profile<'_> {
        let factors = &self.parts.customer_factors;
        Profile {
            factors: (factors.unit(customer.0), factors.norm(customer.0)),
            ..self.parts.histories.profile(customer)
        }
    }

    /// The day after the last one of the model's period, in days since 1970-01-01.
    pub fn end(&self) -> u16 {
        self.parts.histories.last().end
    }

    /// The profile of a customer on a later day; `end` is the day after it.
    pub fn profile_as_of(&self, customer: Customer, end: u16) -> Profile<'_> {
        self.profile(customer).as_of(end, self.parts.profiles.half_life_days)
    }

    /// The profile of a customer with baskets that the model has not counted, oldest first; `end` is the day after the
    /// present one. `customer` is `None` for one that the model does not know: their factors are folded in. Those of
    /// other customers stay as they were learned, which was measured to be as good.
    pub fn profile_with(&self, customer: Option<Customer>, baskets: &[DatedBasket<'_>], end: u16) -> OwnedProfile {
        let ProfileConfig { half_life_days, last_baskets, .. } = self.parts.profiles;
        let counting = Counting { end: end.max(self.end()), half_life_days, last_baskets, taken_on_offer: None };
        let known = customer.map(|customer| self.profile(customer));
        let profile = OwnedProfile::on_top_of(known, baskets, &counting);
        if known.is_some() {
            return profile;
        }
        let fold_in = self.fold_in.get_or_init(|| FoldIn::new(&self.parts.item_factors, &self.parts.profiles.ials));
        let factors = fold_in.factors(profile.as_profile().stats().map(|stats| (stats.item, stats.decayed)));
        profile.with_factors(&factors)
    }

    /// Whether the model has counted a basket, given the [`RecentBaskets::hash`] of its ID and its day.
    pub fn has_counted(&self, hash: u64, day: u16) -> bool {
        self.parts.recent_baskets.has_counted(hash, day, self.end())
    }

    /// The weights of signals.
    pub fn blends(&self) -> &Blends {
        &self.parts.blends
    }

    /// The allowed learned items nearest to an item by their input vectors, best first.
    pub(crate) fn nearest(&self, item: Item, wanted: usize, allowed: &dyn Fn(Item) -> bool) -> Vec<Item> {
        let known = self.parts.neighbours.of(item).iter().copied();
        let shown: Vec<Item> = known.filter(|&other| allowed(other)).take(wanted).collect();
        if shown.len() == wanted {
            return shown;
        }
        let vectors = &self.parts.input;
        nearest(vectors, vectors.unit(item.0), wanted, |other| other != item && allowed(other))
            .into_iter()
            .map(|found| found.0)
            .collect()
    }

    /// Computed on first use by [`signals`](crate::signals).
    pub(crate) fn item_signals(&self) -> &OnceLock<ItemSignals> {
        &self.item_signals
    }

    pub(crate) fn product_lines(&self) -> &ProductLines {
        &self.product_lines
    }

    pub(crate) fn name_words(&self) -> &NameWords {
        &self.name_words
    }

    pub(crate) fn package(&self, item: Item) -> &Package {
        &self.packages[item.index()]
    }

    pub(crate) fn cache(&self) -> &AnswerCache {
        &self.cache
    }

    pub(crate) fn scorers(&self) -> &Scorers {
        &self.scorers
    }

    /// Whether the item was bought often enough to have vectors.
    pub fn is_learned(&self, item: Item) -> bool {
        item.index() < self.parts.input.len()
    }
}
