use trolley_model::{Catalogue, Category, Item};

/// The filter of a request. The default lets everything pass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter<'a> {
    /// Only items of these categories; of all if empty.
    pub categories: &'a [String],
    /// No items of these categories.
    pub not_categories: &'a [String],
    /// Minimum price. Items without a known price do not pass.
    pub min_price: Option<f32>,
    /// Maximum price. Items without a known price do not pass.
    pub max_price: Option<f32>,
}

/// A [`Filter`] in the numbers of a model.
#[derive(Debug)]
pub(super) struct Known<'m> {
    catalogue: &'m Catalogue,
    only: Option<Vec<Category>>,
    not: Vec<Category>,
    prices: Option<[f32; 2]>,
}

impl Filter<'_> {
    /// Whether it lets everything pass.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it filters by price.
    pub fn is_about_prices(&self) -> bool {
        self.min_price.is_some() || self.max_price.is_some()
    }

    /// Looks up the categories. A category that the model does not know has no items.
    pub(super) fn known<'m>(&self, catalogue: &'m Catalogue) -> Known<'m> {
        let numbers = |names: &[String]| -> Vec<Category> {
            names.iter().filter_map(|name| catalogue.categories().position(name).map(Category)).collect()
        };
        let prices = [self.min_price.unwrap_or(f32::MIN), self.max_price.unwrap_or(f32::MAX)];
        Known {
            catalogue,
            only: (!self.categories.is_empty()).then(|| numbers(self.categories)),
            not: numbers(self.not_categories),
            prices: self.is_about_prices().then_some(prices),
        }
    }
}

impl Known<'_> {
    pub(super) fn passes(&self, item: Item) -> bool {
        let category = self.catalogue.category(item);
        let is_of = |categories: &[Category]| category.is_some_and(|category| categories.contains(&category));
        let costs =
            |[least, most]: [f32; 2]| self.catalogue.price(item).is_some_and(|price| (least..=most).contains(&price));
        self.only.as_deref().is_none_or(is_of) && !is_of(&self.not) && self.prices.is_none_or(costs)
    }
}
