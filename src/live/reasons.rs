use chrono::{Days, NaiveDate};
use trolley_model::attributes::AttributeValues;
use trolley_model::recommend::{Part, Reason};
use trolley_model::{Category, Item, Model, signals};

use super::replacements::ReplacementCounts;

/// Why something is recommended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// The reasons in words, those about the requested item first.
    pub reasons: Vec<ReasonText>,
    /// The parts of the score.
    pub parts: Vec<Part>,
}

impl Why {
    /// Removes what reveals the customer's purchases.
    pub fn of_items(&mut self) {
        self.reasons.retain(|reason| !OF_CUSTOMERS.contains(&reason.kind));
        self.parts.retain(|part| !signals::OF_CUSTOMERS.contains(&part.signal.as_ref()));
    }
}

/// The kinds of reasons that reveal the customer's purchases.
const OF_CUSTOMERS: [&str; 5] = ["own_together", "bought", "regularly", "own_kind", "taste"];

/// The level of explanation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// No explanation.
    #[default]
    No,
    /// The reasons.
    Reasons,
    /// The reasons and the parts of the score.
    Full,
}

impl Explain {
    /// The explanation at this level.
    pub(super) fn say(self, why: impl FnOnce() -> Why) -> Option<Why> {
        match self {
            Self::No => None,
            Self::Reasons => Some(Why { parts: Vec::new(), ..why() }),
            Self::Full => Some(why()),
        }
    }
}

/// A reason in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasonText {
    /// The kind of reason, for programs: `together`, `own_together`, `with_kind`, `same_kind`, `comparable`, `alike`,
    /// `accepted`, `bought`, `own_kind`, `taste`, `promoted`, `popular` or `rule`.
    pub kind: &'static str,
    /// The reason in words: "often bought with Campari: 1 in 4 orders".
    pub text: String,
    /// The ID of the other item that the reason is about.
    pub with: Option<String>,
    /// The name of that item.
    pub name: Option<String>,
    /// How often the customer bought the recommended item.
    pub times: Option<u16>,
    /// The day of the customer's last purchase of the recommended item.
    pub last_day: Option<NaiveDate>,
    /// The category that the reason is about.
    pub category: Option<String>,
}

impl ReasonText {
    /// A reason in words, with names from a model.
    pub fn new(model: &Model, reason: Reason) -> Self {
        let id = |item: Item| model.catalogue().id(item).to_owned();
        let name = |item: Item| model.catalogue().name(item).map(str::to_owned);
        let category = |category: u32| model.catalogue().categories().get(category).to_owned();
        let about_item = |kind: &'static str, with: Item, text: &dyn Fn(&str) -> String| {
            let (with, name) = (id(with), name(with));
            Self { kind, text: text(name.as_deref().unwrap_or(&with)), with: Some(with), name, ..Self::default() }
        };
        let about_kind = |kind: &'static str, Category(of): Category, text: &dyn Fn(&str) -> String| {
            let category = category(of);
            Self { kind, text: text(&category), category: Some(category), ..Self::default() }
        };
        let plain = |kind, text: &str| Self { kind, text: text.to_owned(), ..Self::default() };
        match reason {
            Reason::Together { with, baskets, of } => about_item("together", with, &|name| match often(baskets, of) {
                Some(often) => format!("often bought with {name}: {often}"),
                None => format!("goes with {name}"),
            }),
            Reason::OwnTogether { with } => about_item("own_together", with, &|name| format!("you buy it with {name}")),
            Reason::WithKind { category } => about_kind("with_kind", category, &|kind| format!("goes with {kind}")),
            Reason::SameKind { category } => about_kind("same_kind", category, &|kind| format!("also {kind}")),
            Reason::Comparable { with, item } => {
                let (id, name) = (id(with), name(with));
                Self { kind: "comparable", text: compared(model, with, item), with: Some(id), name, ..Self::default() }
            }
            Reason::Alike { with } => {
                about_item("alike", with, &|name| format!("bought by the same customers as {name}"))
            }
            Reason::Bought { times, last_day } => Self {
                kind: "bought",
                text: if times.is_some() { "you usually buy this" } else { "you bought this before" }.to_owned(),
                times,
                last_day: NaiveDate::default().checked_add_days(Days::new(u64::from(last_day))),
                ..Self::default()
            },
            Reason::Regularly { every, ago, last_day } => Self {
                kind: "regularly",
                text: regularly(every, ago),
                last_day: NaiveDate::default().checked_add_days(Days::new(u64::from(last_day))),
                ..Self::default()
            },
            Reason::OwnKind { category } => about_kind("own_kind", category, &|kind| format!("you often buy {kind}")),
            Reason::FactorScore => plain("taste", "customers like you buy this"),
            Reason::Promoted => plain("promoted", "strongly promoted"),
            Reason::Popular => plain("popular", "popular here"),
        }
    }

    /// The customers' decisions on it as a replacement for another item.
    pub(super) fn accepted(taken: ReplacementCounts) -> Self {
        let text = format!("taken in its place by {} of {} customers", taken.accepted, taken.accepted + taken.rejected);
        Self { kind: "accepted", text, ..Self::default() }
    }

    /// A rule of the shop.
    pub(super) fn rule(rule: &str) -> Self {
        Self { kind: "rule", text: format!("rule {rule}"), ..Self::default() }
    }
}

/// How two items compare by attributes, size and price: "same brand, same package size, 8 % cheaper".
fn compared(model: &Model, with: Item, item: Item) -> String {
    let mut said = Vec::new();
    for attribute in model.attributes().all() {
        // "manufacturer_id" reads "manufacturer".
        let name = attribute.name.replace('_', " ");
        let name = name.strip_suffix(" id").unwrap_or(&name);
        if attribute.matches(with, item) {
            said.push(format!("same {name}"));
        } else if matches!(attribute.values, AttributeValues::Amounts(_)) {
            let [one, other] = [with, item].map(|item| attribute.shown(item));
            if !one.is_empty() && !other.is_empty() {
                said.push(format!("{other} instead of {one}"));
            }
        }
    }
    if let Some(times) = model.price_times(with, item) {
        let by = if model.size_times(with, item).is_some_and(|times| (times - 1.0).abs() > SAME_SIZE) {
            " by size"
        } else {
            ""
        };
        let percent = ((times - 1.0) * 100.0).round();
        said.push(match percent {
            0.0 => format!("same price{by}"),
            percent if percent < 0.0 => format!("{} % cheaper{by}", -percent),
            percent => format!("{percent} % dearer{by}"),
        });
    }
    said.join(", ")
}

/// Maximum relative difference of sizes that count as the same.
const SAME_SIZE: f32 = 0.01;

/// Intervals between purchases in words.
fn regularly(every: u16, ago: u16) -> String {
    let every = if every == 1 { "every day".to_owned() } else { format!("every {every} days") };
    let ago = match ago {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    };
    format!("you buy it {every}, last {ago}")
}

/// A share of baskets in words: "1 in 4 orders"; `None` if it is small.
fn often(baskets: u32, of: u32) -> Option<String> {
    /// Smallest share that is worth a number: 1 in this many.
    const FEWEST_IN: u32 = 20;
    let one_in = (of + baskets / 2) / baskets.max(1);
    match one_in {
        0 | 1 => Some("in most orders".to_owned()),
        2..=FEWEST_IN => Some(format!("1 in {one_in} orders")),
        _ => None,
    }
}

/// An item's name with its ID, or the ID alone.
pub fn label(model: &Model, item: Item) -> String {
    let id = model.catalogue().id(item);
    model.catalogue().name(item).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_in_words() {
        assert_eq!(often(733, 2887).as_deref(), Some("1 in 4 orders"));
        assert_eq!(often(90, 100).as_deref(), Some("in most orders"));
        assert_eq!(often(60, 100).as_deref(), Some("1 in 2 orders"));
        assert_eq!(often(5, 1000), None);
    }
}
