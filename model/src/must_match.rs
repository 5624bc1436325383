//! Attributes in which an alternative must match the requested item.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::{Category, Item, Model};

/// For items of some categories, the attributes in which an alternative must be equal; a missing value matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MustMatch {
    /// The categories of the requested items; empty for all.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The attributes.
    pub attributes: Vec<String>,
}

impl MustMatch {
    /// Checks the rule.
    ///
    /// # Errors
    /// A rule that names no attribute, or has an empty name.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.attributes.is_empty() || self.attributes.iter().chain(&self.categories).any(String::is_empty) {
            return Err(ModelError::Name("must_match: name one attribute or more, and no empty names".into()));
        }
        Ok(())
    }
}

/// The rules of a market, resolved for a model.
#[derive(Clone, Debug, Default)]
pub struct MustMatches(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    /// `None` for all categories.
    categories: Option<Vec<Category>>,
    /// The name of each attribute, and its index if the model has it.
    attributes: Vec<(String, Option<usize>)>,
}

impl MustMatches {
    /// Resolves the names. An attribute that the model does not have matches for no two items.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a MustMatch>, model: &Model) -> Self {
        let rule = |rule: &MustMatch| Rule {
            categories: (!rule.categories.is_empty()).then(|| {
                let categories = rule.categories.iter();
                categories
                    .filter_map(|category| model.catalogue().categories().position(category).map(Category))
                    .collect()
            }),
            attributes: rule.attributes.iter().map(|name| (name.clone(), model.attributes().position(name))).collect(),
        };
        Self(rules.into_iter().map(rule).collect())
    }

    /// True if there are no rules.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first attribute that excludes an alternative to an item, if any.
    pub fn forbids(&self, model: &Model, item: Item, other: Item) -> Option<&str> {
        let category = model.catalogue().category(item);
        let is_about = |rule: &&Rule| match &rule.categories {
            None => true,
            Some(categories) => category.is_some_and(|category| categories.contains(&category)),
        };
        let differs =
            |attribute: &Option<usize>| attribute.is_none_or(|at| !model.attributes().all()[at].matches(item, other));
        let mut attributes = self.0.iter().filter(is_about).flat_map(|rule| &rule.attributes);
        attributes.find(|(_, attribute)| differs(attribute)).map(|(name, _)| name.as_str())
    }
}
