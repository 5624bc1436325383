use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::keys::KeyPermissions;
use super::problem::Problem;
use trolley_model::recommend::Prefer;

use crate::live::{Explain, Filter, Offer, PriceOptions, Snapshot};

/// Default number of items in an answer.
const SIX: usize = 6;
/// Maximum number of items or offers in an answer, and the default for offers.
const MOST: usize = 200;
/// Maximum and default number of customers in an audience.
const MOST_CUSTOMERS: usize = 100_000;
const CUSTOMERS: usize = 1000;
/// Maximum number of customers in an audience with reasons, of which there are dozens per customer.
const MOST_EXPLAINED: usize = 1000;
/// Maximum number of IDs in a cart or a list of exclusions.
const MOST_IDS: usize = 1000;

/// The level of explanation.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the values that are described")]
pub(super) enum Detail {
    Full,
}

/// The options of an answer about an item.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemParams {
    /// The customer. An unknown one is no error.
    pub(super) customer: Option<String>,
    /// The store: items that it does not sell, or that are out of stock there, are not shown. An unknown store is no
    /// error.
    pub(super) store: Option<String>,
    /// Maximum number of items, 6 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub(super) limit: Option<String>,
    /// Items that must not be shown; repeated, or separated by commas. A comma in an ID is percent-encoded.
    #[serde(default)]
    pub(super) exclude: Vec<String>,
    /// Only items of this category; if repeated, of any of them.
    #[serde(default)]
    pub(super) category: Vec<String>,
    /// No items of this category; may be repeated.
    #[serde(default)]
    pub(super) not_category: Vec<String>,
    /// Minimum price. Items without a known price are left out.
    #[param(value_type = Option<f64>, minimum = 0)]
    pub(super) min_price: Option<String>,
    /// Maximum price. Items without a known price are left out.
    #[param(value_type = Option<f64>, minimum = 0)]
    pub(super) max_price: Option<String>,
    /// Whether to show items that the customer has bought before, true by default.
    #[param(value_type = Option<bool>)]
    pub(super) include_repeats: Option<String>,
    /// Whether to give reasons, false by default.
    #[param(value_type = Option<bool>)]
    pub(super) explain: Option<String>,
    /// `full` for the reasons and the parts of the score.
    #[param(value_type = Option<Detail>)]
    pub(super) detail: Option<String>,
    /// Number of slots for items that the customer has never bought, from 0 to `limit`; by default
    /// `bought_together.new` of the config. Bought together only.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 200)]
    pub(super) new: Option<String>,
    /// Alternatives to list first, by their price per litre, kilogram or piece: cheaper ones, or those with about the
    /// same price. Alternatives only.
    #[param(value_type = Option<PreferName>)]
    pub(super) prefer: Option<String>,
    /// Maximum relative difference in the price per litre, kilogram or piece: 0.25 for 25 %. Alternatives only.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 10)]
    pub(super) price_band: Option<String>,
    /// Answer as of another time than the market's present day: a time, or a day to its end. Not before the last day of
    /// the model. Needs the scope `admin`.
    #[param(value_type = Option<String>, example = "2018-01-31")]
    pub(super) at: Option<String>,
}

/// Alternatives to list first.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the values that are described")]
pub(super) enum PreferName {
    Cheaper,
    SamePrice,
}

/// The checked options.
#[derive(Debug)]
pub(super) struct ItemOptions {
    pub(super) customer: Option<String>,
    pub(super) store: Option<String>,
    pub(super) limit: usize,
    pub(super) exclude: Vec<String>,
    pub(super) filter: FilterParams,
    pub(super) price: PriceOptions,
    pub(super) repeats: bool,
    pub(super) new: Option<usize>,
    pub(super) explain: Explain,
    pub(super) at: Option<At>,
}

/// The checked filter of a request.
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

    /// The filter for a model; refused if it is by price and the model has no prices.
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
    /// The defaults, for a customer and a store.
    pub(super) fn of(customer: Option<String>, store: Option<String>) -> Self {
        Self { customer, store, ..Self::default() }
    }

    pub(super) fn check(self) -> Result<ItemOptions, Problem> {
        let exclude = self.exclude.into_iter().filter(|id| !id.is_empty()).collect();
        let limit = limit("limit", self.limit.as_deref(), SIX, MOST)?;
        Ok(ItemOptions {
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
            at: self.at.as_deref().map(At::parse).transpose()?,
        })
    }
}

/// Parses the price options of alternatives.
fn price_wish(prefer: Option<&str>, band: Option<&str>) -> Result<PriceOptions, Problem> {
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
    Ok(PriceOptions { prefer, band: band.transpose()? })
}

/// Maximum of `price_band`.
const MOST_BAND: f32 = 10.0;

impl ItemOptions {
    /// Refuses options that apply to alternatives only.
    pub(super) fn of_bought_together(self) -> Result<Self, Problem> {
        match self.price {
            PriceOptions { prefer: Some(_), .. } => Err(Problem::field("prefer", "prefer is for alternatives")),
            PriceOptions { band: Some(_), .. } => Err(Problem::field("price_band", "price_band is for alternatives")),
            PriceOptions { prefer: None, band: None } => Ok(self),
        }
    }

    /// Refuses options that apply to bought together only.
    pub(super) fn of_alternatives(self) -> Result<Self, Problem> {
        if self.new.is_some() {
            return Err(Problem::field("new", "new is for what is bought together"));
        }
        Ok(self)
    }

    /// The price options for a model; refused if there are any and the model has no prices.
    pub(super) fn price_for(&self, snapshot: &Snapshot) -> Result<PriceOptions, Problem> {
        let field = match self.price {
            PriceOptions { prefer: None, band: None } => return Ok(self.price),
            PriceOptions { prefer: Some(_), .. } => "prefer",
            PriceOptions { .. } => "price_band",
        };
        if snapshot.model().catalogue().all_prices().is_empty() {
            return Err(Problem::field(field, NO_PRICES));
        }
        Ok(self.price)
    }
}

const NO_PRICES: &str = "this market has no prices: train with a column `price` of the items or of the transactions";

/// Parses a number of slots, at most `limit`.
fn places(text: &str, limit: usize) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| *number <= limit);
    number.ok_or_else(|| Problem::field("new", format!("new must be a whole number from 0 to limit, which is {limit}")))
}

/// Parses the level of explanation.
pub(super) fn explain(reasons: bool, detail: Option<&str>) -> Result<Explain, Problem> {
    match (reasons, detail) {
        (_, Some("full")) => Ok(Explain::Full),
        (true, None) => Ok(Explain::Reasons),
        (false, None) => Ok(Explain::No),
        (_, Some(_)) => Err(Problem::field("detail", "detail must be full, or not be there")),
    }
}

/// The options of a list of offers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfferParams {
    /// The store: only offers valid there or everywhere, with items available there.
    store: Option<String>,
    /// Maximum number of offers, 200 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Offers that must not be shown; repeated, or separated by commas. A comma in an ID is percent-encoded.
    #[serde(default)]
    exclude: Vec<String>,
    /// Only offers with an item of this category; if repeated, of any of them.
    #[serde(default)]
    category: Vec<String>,
    /// Only offers with an item outside this category; may be repeated.
    #[serde(default)]
    not_category: Vec<String>,
    /// Only offers with an item of at least this price.
    #[param(value_type = Option<f64>, minimum = 0)]
    min_price: Option<String>,
    /// Only offers with an item of at most this price.
    #[param(value_type = Option<f64>, minimum = 0)]
    max_price: Option<String>,
    /// Whether to give reasons, false by default.
    #[param(value_type = Option<bool>)]
    explain: Option<String>,
    /// `full` for the reasons and the parts of the score.
    #[param(value_type = Option<Detail>)]
    detail: Option<String>,
    /// Answer as of another time than the market's present day: a time, or a day to its end. Not before the last day of
    /// the model. Needs the scope `admin`.
    #[param(value_type = Option<String>, example = "2018-01-31")]
    at: Option<String>,
}

/// The checked options.
#[derive(Debug)]
pub(super) struct OfferOptions {
    pub(super) store: Option<String>,
    pub(super) limit: usize,
    pub(super) exclude: Vec<String>,
    pub(super) filter: FilterParams,
    pub(super) explain: Explain,
    pub(super) at: Option<At>,
}

impl OfferParams {
    pub(super) fn check(self) -> Result<OfferOptions, Problem> {
        let exclude = self.exclude.into_iter().filter(|id| !id.is_empty()).collect();
        let (min_price, max_price) = (self.min_price.as_deref(), self.max_price.as_deref());
        Ok(OfferOptions {
            store: self.store.map(|store| id("store", store)).transpose()?,
            limit: limit("limit", self.limit.as_deref(), MOST, MOST)?,
            exclude: ids("exclude", exclude)?,
            filter: FilterParams::check(self.category, self.not_category, min_price, max_price)?,
            explain: explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?,
            at: self.at.as_deref().map(At::parse).transpose()?,
        })
    }
}

/// The options of an audience.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AudienceParams {
    /// Maximum number of customers, 1,000 by default.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
    limit: Option<String>,
    /// Whether to give reasons, for at most 1,000 customers; false by default.
    #[param(value_type = Option<bool>)]
    explain: Option<String>,
    /// `full` for the reasons and the parts of the score.
    #[param(value_type = Option<Detail>)]
    detail: Option<String>,
}

impl AudienceParams {
    /// The limit and the level of explanation.
    pub(super) fn check(&self) -> Result<(usize, Explain), Problem> {
        let explain = explain(flag("explain", self.explain.as_deref(), false)?, self.detail.as_deref())?;
        let most = if explain == Explain::No { MOST_CUSTOMERS } else { MOST_EXPLAINED };
        Ok((limit("limit", self.limit.as_deref(), CUSTOMERS, most)?, explain))
    }
}

/// Another time than the market's present, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(i64);

impl At {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let end_of =
            |day: NaiveDate| day.checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(end_of).map(|end| end.timestamp() - 1);
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp()).ok().or_else(day);
        time.map(Self)
            .ok_or_else(|| Problem::field("at", "a time is written as 2018-01-31T12:00:00Z, a day as 2018-01-31"))
    }

    /// The time, for a key with the scope `admin` and a model that does not know later days.
    pub(super) fn of(self, permissions: &KeyPermissions, snapshot: &Snapshot) -> Result<i64, Problem> {
        permissions.must_be_admin()?;
        let last = snapshot.model().end().saturating_sub(1);
        if self.0 < i64::from(last) * 86_400 {
            let last = NaiveDate::default() + Days::new(u64::from(last));
            return Err(Problem::field(
                "at",
                format!("the model knows what was bought up to {last}: ask from that day on"),
            ));
        }
        Ok(self.0)
    }
}

/// Parses a number from 1.
pub(super) fn limit(field: &'static str, text: Option<&str>, default: usize, most: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Problem::field(field, format!("{field} must be a whole number from 1 to {most}")))
}

pub(super) fn flag(field: &'static str, text: Option<&str>, default: bool) -> Result<bool, Problem> {
    match text {
        None => Ok(default),
        Some("true" | "1" | "") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(_) => Err(Problem::field(field, format!("{field} must be true or false"))),
    }
}

/// Checks an ID.
pub(super) fn id(field: &'static str, id: String) -> Result<String, Problem> {
    wrong_id(&id).map_or(Ok(id), |reason| Err(Problem::field(field, reason)))
}

/// What is wrong with an ID. PostgreSQL cannot store NUL.
pub(super) fn wrong_id(id: &str) -> Option<String> {
    let well_formed = (1..=Offer::LONGEST_ID).contains(&id.len()) && !id.contains('\0');
    (!well_formed).then(|| format!("an ID has 1 to {} bytes, none of them NUL", Offer::LONGEST_ID))
}

/// Checks the number of IDs, and each of them.
pub(super) fn ids(field: &'static str, ids: Vec<String>) -> Result<Vec<String>, Problem> {
    if ids.len() > MOST_IDS {
        return Err(Problem::field(field, format!("{field} holds at most {MOST_IDS} IDs")));
    }
    ids.into_iter().map(|one| id(field, one)).collect()
}
