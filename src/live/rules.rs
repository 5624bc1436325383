use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use trolley_model::{Category, Item, Model, MustMatch};

use super::offers::Offer;

/// A rule of the shop for its answers: exactly one of `block`, `block_pair`, `pin`, `boost` and `must_match`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its ID, unique among the market's rules.
    pub id: String,
    /// An item that is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// Two categories whose items are not shown for each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_pair: Option<[String; 2]>,
    /// An item that is listed first for another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// An item or a category whose scores are raised or lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boost: Option<Boost>,
    /// Attributes in which an alternative must match the requested item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_match: Option<MustMatch>,
}

/// An item that is never shown, or not for some requested items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The item.
    pub item: String,
    /// Only when one of these items is requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_items: Vec<String>,
    /// Only when an item of one of these categories is requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_categories: Vec<String>,
}

/// An item that is listed first for another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The item to list first.
    pub item: String,
    /// The requested item.
    pub to: String,
}

/// A number that is added to the scores of an item, or of all items of a category.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boost {
    /// The item; exactly one of `item` and `category` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// From -100 to 100: positive numbers raise scores, negative ones lower them.
    pub by: f32,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RuleError {
    #[error("a rule has exactly one of block, block_pair, pin, boost and must_match")]
    NotOneOfFive,
    #[error("name one attribute or more")]
    NoAttributes,
    #[error("an ID has 1 to {} bytes", Offer::LONGEST_ID)]
    IdLength,
    #[error("at most {} items and categories", Rule::MOST_IDS)]
    TooMany,
    #[error("a boost is for an item or for a category")]
    NotOneOfTwo,
    #[error("a boost is a number from -100 to 100")]
    Boost,
}

impl Rule {
    /// Maximum number of items, categories and attributes in one rule.
    pub const MOST_IDS: usize = 1000;

    /// Checks what its type does not.
    ///
    /// # Errors
    /// The invalid field, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, RuleError)> {
        let Self { id, block, block_pair, pin, boost, must_match } = self;
        let kinds = [block.is_some(), block_pair.is_some(), pin.is_some(), boost.is_some(), must_match.is_some()];
        if kinds.iter().filter(|kind| **kind).count() != 1 {
            return Err(("id", RuleError::NotOneOfFive));
        }
        if !fit([id].into_iter()) {
            return Err(("id", RuleError::IdLength));
        }
        if let Some(Block { item, for_items, for_categories }) = block {
            if for_items.len() + for_categories.len() > Self::MOST_IDS {
                return Err(("block", RuleError::TooMany));
            }
            if !fit([item].into_iter().chain(for_items).chain(for_categories)) {
                return Err(("block", RuleError::IdLength));
            }
        }
        if let Some(MustMatch { categories, attributes }) = must_match {
            if attributes.is_empty() {
                return Err(("must_match", RuleError::NoAttributes));
            }
            if categories.len() + attributes.len() > Self::MOST_IDS {
                return Err(("must_match", RuleError::TooMany));
            }
            if !fit(categories.iter().chain(attributes)) {
                return Err(("must_match", RuleError::IdLength));
            }
        }
        if !fit(block_pair.iter().flatten()) {
            return Err(("block_pair", RuleError::IdLength));
        }
        if !fit(pin.iter().flat_map(|pin| [&pin.item, &pin.to])) {
            return Err(("pin", RuleError::IdLength));
        }
        if let Some(Boost { item, category, by }) = boost {
            if item.is_some() == category.is_some() {
                return Err(("boost", RuleError::NotOneOfTwo));
            }
            if !fit(item.iter().chain(category)) {
                return Err(("boost", RuleError::IdLength));
            }
            // NaN is in no range.
            if !(-100.0..=100.0).contains(by) {
                return Err(("boost", RuleError::Boost));
            }
        }
        Ok(())
    }
}

fn fit<'a>(mut ids: impl Iterator<Item = &'a String>) -> bool {
    ids.all(|id| (1..=Offer::LONGEST_ID).contains(&id.len()))
}

/// The rules of a market in the numbers of its model. Items and categories that the model does not know have no effect.
#[derive(Clone, Debug, Default)]
pub(super) struct Rulebook {
    ids: Vec<String>,
    must_match: Vec<MustMatch>,
    /// Items that are blocked from all answers.
    blocked: HashMap<Item, usize>,
    /// The blocked items by requested item, and by category of the requested item.
    blocked_for: HashMap<Item, Vec<(Item, usize)>>,
    blocked_for_category: HashMap<Category, Vec<(Item, usize)>>,
    /// The blocked categories by category of the requested item, in both directions.
    pairs: HashMap<Category, Vec<(Category, usize)>>,
    /// By requested item, in the order of the rules.
    pins: HashMap<Item, Vec<(Item, usize)>>,
    boosted: HashMap<Item, (f32, usize)>,
    boosted_categories: HashMap<Category, (f32, usize)>,
}

impl Rulebook {
    /// `None` if there are no rules.
    pub(super) fn new(rules: &[Rule], model: &Model) -> Option<Self> {
        if rules.is_empty() {
            return None;
        }
        let catalogue = model.catalogue();
        let item = |id: &String| catalogue.position(id);
        let category = |id: &String| catalogue.categories().position(id).map(Category);
        let mut book = Self { ids: rules.iter().map(|rule| rule.id.clone()).collect(), ..Self::default() };
        book.must_match = rules.iter().filter_map(|rule| rule.must_match.clone()).collect();
        for (number, rule) in rules.iter().enumerate() {
            if let Some(Block { item: blocked, for_items, for_categories }) = &rule.block
                && let Some(blocked) = item(blocked)
            {
                if for_items.is_empty() && for_categories.is_empty() {
                    book.blocked.insert(blocked, number);
                }
                for query in for_items.iter().filter_map(item) {
                    book.blocked_for.entry(query).or_default().push((blocked, number));
                }
                for query in for_categories.iter().filter_map(category) {
                    book.blocked_for_category.entry(query).or_default().push((blocked, number));
                }
            }
            if let Some([one, other]) = &rule.block_pair
                && let (Some(one), Some(other)) = (category(one), category(other))
            {
                for (asked, blocked) in [(one, other), (other, one)] {
                    book.pairs.entry(asked).or_default().push((blocked, number));
                }
            }
            if let Some(Pin { item: pinned, to }) = &rule.pin
                && let (Some(pinned), Some(to)) = (item(pinned), item(to))
            {
                book.pins.entry(to).or_default().push((pinned, number));
            }
            if let Some(Boost { item: of_item, category: of_category, by }) = &rule.boost {
                book.boosted.extend(of_item.as_ref().and_then(item).map(|boosted| (boosted, (*by, number))));
                let of_category = of_category.as_ref().and_then(category);
                book.boosted_categories.extend(of_category.map(|boosted| (boosted, (*by, number))));
            }
        }
        Some(book)
    }

    /// The attributes that must match.
    pub(super) fn must_match(&self) -> &[MustMatch] {
        &self.must_match
    }

    /// The rule that blocks an item from all answers.
    pub(super) fn blocks_always(&self, item: Item) -> Option<&str> {
        self.blocked.get(&item).map(|&rule| self.ids[rule].as_str())
    }

    /// What is blocked from the answer to a query.
    pub(super) fn blocked(&self, model: &Model, query: &[Item]) -> Blocked<'_> {
        let mut blocked = Blocked { book: self, items: HashMap::new(), categories: HashMap::new() };
        for asked in query {
            blocked.items.extend(self.blocked_for.get(asked).into_iter().flatten().copied());
            if let Some(category) = model.catalogue().category(*asked) {
                blocked.items.extend(self.blocked_for_category.get(&category).into_iter().flatten().copied());
                blocked.categories.extend(self.pairs.get(&category).into_iter().flatten().copied());
            }
        }
        blocked
    }

    /// The items that are pinned for a query, with the rules.
    pub(super) fn pinned(&self, query: &[Item]) -> Vec<(Item, &str)> {
        let pins = query.iter().filter_map(|asked| self.pins.get(asked)).flatten();
        pins.map(|&(item, rule)| (item, self.ids[rule].as_str())).collect()
    }

    /// Whether there are any boosts.
    pub(super) fn has_boosts(&self) -> bool {
        !self.boosted.is_empty() || !self.boosted_categories.is_empty()
    }

    /// The boosts of an item, each with its rule.
    pub(super) fn boosts(&self, model: &Model, item: Item) -> impl Iterator<Item = (f32, &str)> {
        let of_category = model.catalogue().category(item).and_then(|category| self.boosted_categories.get(&category));
        let of_item = self.boosted.get(&item);
        of_item.into_iter().chain(of_category).map(|&(by, rule)| (by, self.ids[rule].as_str()))
    }

    /// The total boost of an item.
    pub(super) fn boost(&self, model: &Model, item: Item) -> f32 {
        self.boosts(model, item).map(|(by, _)| by).sum()
    }
}

/// What is blocked from the answer to one query: collected once, since a cart may be long and each candidate is looked
/// up.
#[derive(Debug)]
pub(super) struct Blocked<'a> {
    book: &'a Rulebook,
    items: HashMap<Item, usize>,
    categories: HashMap<Category, usize>,
}

impl<'a> Blocked<'a> {
    /// The rule that blocks an item.
    pub(super) fn by(&self, model: &Model, item: Item) -> Option<&'a str> {
        let of_category = || self.categories.get(&model.catalogue().category(item)?);
        let rule = self.book.blocked.get(&item).or_else(|| self.items.get(&item)).or_else(of_category)?;
        Some(&self.book.ids[*rule])
    }
}
