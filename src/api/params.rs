use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use trolley_model::recommend::Prefer;

use crate::live::{Explain, Filter, Offer, PriceWish, Snapshot};

/// Items in an answer if nothing is said.
const SIX: usize = 6;
/// Items in an answer at the most, and offers if nothing is said.
const MOST: usize = 200;
/// Customers in an audience at the most, and if nothing is said.
const MOST_CUSTOMERS: usize = 100_000;
const CUSTOMERS: usize = 1000;
/// And with reasons, of which there are dozens for each.
const MOST_EXPLAINED: usize = 1000;
/// Items in a cart or a list of exclusions.
const MOST_IDS: usize = 1000;

/// How much is said of why.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the values that are described")]
pub(super) enum Detail {
    Full,
}

/// How an answer about an item is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemParams {
    /// The customer who is looking. An unknown one is no error.
    pub(super) customer: Option<String>,
    /// The store that it is for: what it does not sell, or has not in stock, is not shown. One that is not known is no error.
    pub(super) store: Option<String>,
    /// Number of items wanted, 6 if not said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub(super) limit: Option<String>,
    /// Items that must not be shown: said several times, or with commas between. A comma of an ID is percent-encoded.
    #[serde(default)]
    pub(super) exclude: Vec<String>,
    /// Only items of this category; said several times, of any of them.
    #[serde(default)]
    pub(super) category: Vec<String>,
    /// No items of this category; it may be said several times.
    #[serde(default)]
    pub(super) not_category: Vec<String>,
    /// Only items that cost so much at least, by the items table.
    #[param(value_type = Option<f64>, minimum = 0)]
    pub(super) min_price: Option<String>,
    /// Only items that cost so much at the most.
    #[param(value_type = Option<f64>, minimum = 0)]
    pub(super) max_price: Option<String>,
    /// Whether items that the customer has bought before may be shown; true if not said.
    #[param(value_type = Option<bool>)]
    pub(super) include_repeats: Option<String>,
    /// Whether reasons are wanted; false if not said.
    #[param(value_type = Option<bool>)]
    pub(super) explain: Option<String>,
    /// `full` for the parts of the score beside the reasons.
    #[param(value_type = Option<Detail>)]
    pub(super) detail: Option<String>,
    /// How many of the items are to be such as the customer has never bought, from 0 to `limit`; as the config of the market
    /// has it if not said. Of what is bought together only.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 200)]
    pub(super) new: Option<String>,
    /// Which alternatives come first, by their price per litre, kilogram or piece: those that are cheaper, or those that cost about
    /// the same. Of alternatives only.
    #[param(value_type = Option<PreferName>)]
    pub(super) prefer: Option<String>,
    /// Only alternatives whose price per litre, kilogram or piece is so much above or below at the most, as a share: 0.25 for a
    /// quarter. Of alternatives only.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 10)]
    pub(super) price_band: Option<String>,
}

/// Which alternatives come first.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the values that are described")]
pub(super) enum PreferName {
    Cheaper,
    SamePrice,
}

/// The same, checked.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) customer: Option<String>,
    pub(super) store: Option<String>,
    pub(super) limit: usize,
    pub(super) exclude: Vec<String>,
    pub(super) filter: FilterParams,
    pub(super) price: PriceWish,
    pub(super) repeats: bool,
    pub(super) new: Option<usize>,
    pub(super) explain: Explain,
}

/// What may be shown, as a request says it.
#[derive(Debug, Default)]
pub(super) struct FilterParams {
    categories: Vec<String>,
    not_categories: Vec<String>,
    min_price: Option<f32>,
    max_price: Option<f32>,
}

impl FilterParams {
    pub(super) fn check(
        categories: Vec<String>,
        not_categories: Vec<String>,
        min_price: Option<&str>,
        max_price: Option<&str>,
    ) -> Result<Self, Problem> {
        let (min_price, max_price) = (price("min_price", min_price)?, price("max_price", max_price)?);
        if let (Some(min), Some(max)) = (min_price, max_price)
            && max < min
        {
            return Err(Problem::field("max_price", "max_price must not be below min_price"));
        }
        let (categories, not_categories) = (ids("category", categories)?, ids("not_category", not_categories)?);
        Ok(Self { categories, not_categories, min_price, max_price })
    }

    /// For a model, which must have prices if they are asked for.
    pub(super) fn of(&self, snapshot: &Snapshot) -> Result<Filter<'_>, Problem> {
        let Self { categories, not_categories, min_price, max_price } = self;
        let (min_price, max_price) = (*min_price, *max_price);
        let filter = Filter { categories, not_categories, min_price, max_price };
        if filter.is_about_prices() && snapshot.model().catalogue().all_prices().is_empty() {
            let field = if min_price.is_some() { "min_price" } else { "max_price" };
            return Err(Problem::field(field, NO_PRICES));
        }
        Ok(filter)
    }
}

fn price(field: &'static str, text: Option<&str>) -> Result<Option<f32>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let price = text.parse().ok().filter(|price: &f32| price.is_finite() && *price >= 0.0);
    price.map(Some).ok_or_else(|| Problem::field(field, format!("{field} must be a number from 0")))
}

impl ItemParams {
    /// As usual, for a customer, in a store.
    pub(super) fn of(customer: Option<String>, store: Option<String>) -> Self {
        Self { customer, store, ..Self::default() }
    }

    pub(super) fn check(self) -> Result<Wish, Problem> {
        let exclude = self.exclude.into_iter().filter(|id| !id.is_empty()).collect();
        let limit = limit(self.limit.as_deref(), SIX, MOST)?;
        Ok(Wish {
            customer: self.customer.map(|customer| id("customer", customer)).transpose()?,
            store: self.store.map(|store| id("store", store)).transpose()?,
            price: price_wish(self.prefer.as_deref(), self.price_band.as_deref())?,
            limit,
            exclude: ids("exclude", exclude)?,
            filter: FilterParams::check(
                self.category,
                self.not_category,
                self.min_price.as_deref(),
                self.max_price.as_deref(),
            )?,
            repeats: flag("include_repeats", self.include_repeats.as_deref(), true)?,
            new: self.new.map(|new| places(&new, limit)).transpose()?,
            explain: explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?,
        })
    }
}

/// What an alternative may cost.
fn price_wish(prefer: Option<&str>, band: Option<&str>) -> Result<PriceWish, Problem> {
    let prefer = match prefer {
        None => None,
        Some("cheaper") => Some(Prefer::Cheaper),
        Some("same_price") => Some(Prefer::SamePrice),
        Some(_) => return Err(Problem::field("prefer", "prefer must be cheaper or same_price, or not be there")),
    };
    let band = band.map(|text| {
        let band = text.parse().ok().filter(|band: &f32| (0.0..=MOST_BAND).contains(band));
        band.ok_or_else(|| Problem::field("price_band", "price_band must be a share from 0 to 10, such as 0.25"))
    });
    Ok(PriceWish { prefer, band: band.transpose()? })
}

/// The widest band of prices.
const MOST_BAND: f32 = 10.0;

impl Wish {
    /// Refuses what is for alternatives only.
    pub(super) fn of_bought_together(self) -> Result<Self, Problem> {
        match self.price {
            PriceWish { prefer: Some(_), .. } => Err(Problem::field("prefer", "prefer is for alternatives")),
            PriceWish { band: Some(_), .. } => Err(Problem::field("price_band", "price_band is for alternatives")),
            PriceWish { prefer: None, band: None } => Ok(self),
        }
    }

    /// Refuses what is for bought together only.
    pub(super) fn of_alternatives(self) -> Result<Self, Problem> {
        if self.new.is_some() {
            return Err(Problem::field("new", "new is for what is bought together"));
        }
        Ok(self)
    }

    /// The same for a model, which must have prices if they are asked for.
    pub(super) fn price_for(&self, snapshot: &Snapshot) -> Result<PriceWish, Problem> {
        let field = match self.price {
            PriceWish { prefer: None, band: None } => return Ok(self.price),
            PriceWish { prefer: Some(_), .. } => "prefer",
            PriceWish { .. } => "price_band",
        };
        if snapshot.model().catalogue().all_prices().is_empty() {
            return Err(Problem::field(field, NO_PRICES));
        }
        Ok(self.price)
    }
}

const NO_PRICES: &str = "this market has no prices: train with a column `price` of the items or of the transactions";

/// So many of `limit` places.
fn places(text: &str, limit: usize) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| *number <= limit);
    number.ok_or_else(|| Problem::field("new", format!("new must be a whole number from 0 to limit, which is {limit}")))
}

/// How much is to be said of why.
fn explain(reasons: bool, detail: Option<&str>) -> Result<Explain, Problem> {
    match (reasons, detail) {
        (_, Some("full")) => Ok(Explain::Full),
        (true, None) => Ok(Explain::Reasons),
        (false, None) => Ok(Explain::No),
        (_, Some(_)) => Err(Problem::field("detail", "detail must be full, or not be there")),
    }
}

/// How a list of offers is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfferParams {
    /// The store that it is for: its offers and those that hold everywhere, of what can be had there.
    store: Option<String>,
    /// Number of offers wanted, 200 if not said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Offers that must not be shown: said several times, or with commas between. A comma of an ID is percent-encoded.
    #[serde(default)]
    exclude: Vec<String>,
    /// Only offers of items of this category; said several times, of any of them.
    #[serde(default)]
    category: Vec<String>,
    /// No offers of items of this category; it may be said several times.
    #[serde(default)]
    not_category: Vec<String>,
    /// Only offers of items that cost so much at least, by the items table.
    #[param(value_type = Option<f64>, minimum = 0)]
    min_price: Option<String>,
    /// Only offers of items that cost so much at the most.
    #[param(value_type = Option<f64>, minimum = 0)]
    max_price: Option<String>,
    /// Whether reasons are wanted; false if not said.
    #[param(value_type = Option<bool>)]
    explain: Option<String>,
    /// `full` for the parts of the score beside the reasons.
    #[param(value_type = Option<Detail>)]
    detail: Option<String>,
}

/// The same, checked.
#[derive(Debug)]
pub(super) struct OfferWish {
    pub(super) store: Option<String>,
    pub(super) limit: usize,
    pub(super) exclude: Vec<String>,
    pub(super) filter: FilterParams,
    pub(super) explain: Explain,
}

impl OfferParams {
    pub(super) fn check(self) -> Result<OfferWish, Problem> {
        let exclude = self.exclude.into_iter().filter(|id| !id.is_empty()).collect();
        let (min_price, max_price) = (self.min_price.as_deref(), self.max_price.as_deref());
        Ok(OfferWish {
            store: self.store.map(|store| id("store", store)).transpose()?,
            limit: limit(self.limit.as_deref(), MOST, MOST)?,
            exclude: ids("exclude", exclude)?,
            filter: FilterParams::check(self.category, self.not_category, min_price, max_price)?,
            explain: explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?,
        })
    }
}

/// How an audience is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AudienceParams {
    /// Number of customers wanted, 1,000 if not said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
    limit: Option<String>,
    /// Whether reasons are wanted, for 1,000 customers at most; false if not said.
    #[param(value_type = Option<bool>)]
    explain: Option<String>,
    /// `full` for the parts of the score beside the reasons.
    #[param(value_type = Option<Detail>)]
    detail: Option<String>,
}

impl AudienceParams {
    /// Limit, and how much to explain.
    pub(super) fn check(&self) -> Result<(usize, Explain), Problem> {
        let explain = explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?;
        let most = if explain == Explain::No { MOST_CUSTOMERS } else { MOST_EXPLAINED };
        Ok((limit(self.limit.as_deref(), CUSTOMERS, most)?, explain))
    }
}

fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Problem::field("limit", format!("limit must be a whole number from 1 to {most}")))
}

fn flag(field: &'static str, text: Option<&str>, default: bool) -> Result<bool, Problem> {
    match text {
        None => Ok(default),
        Some("true" | "1" | "") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(_) => Err(Problem::field(field, format!("{field} must be true or false"))),
    }
}

/// A bearable ID.
pub(super) fn id(field: &'static str, id: String) -> Result<String, Problem> {
    wrong_id(&id).map_or(Ok(id), |reason| Err(Problem::field(field, reason)))
}

/// What is wrong with an ID. PostgreSQL keeps no NUL.
pub(super) fn wrong_id(id: &str) -> Option<String> {
    let well_formed = (1..=Offer::LONGEST_ID).contains(&id.len()) && !id.contains('\0');
    (!well_formed).then(|| format!("an ID has 1 to {} bytes, none of them NUL", Offer::LONGEST_ID))
}

/// A bearable number of them.
pub(super) fn ids(field: &'static str, ids: Vec<String>) -> Result<Vec<String>, Problem> {
    if ids.len() > MOST_IDS {
        return Err(Problem::field(field, format!("{field} holds at most {MOST_IDS} IDs")));
    }
    ids.into_iter().map(|one| id(field, one)).collect()
}
