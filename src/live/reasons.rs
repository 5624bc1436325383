use chrono::{Days, NaiveDate};
use trolley_model::Model;
use trolley_model::recommend::Reason;
use trolley_model::signals::Evidence;

/// A reason in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The signal, its value and its part of the score.
    pub reason: Reason,
    /// What it rests on, where that can be said: "bought together in 412 baskets".
    pub text: Option<String>,
}

impl Why {
    /// With what it rests on put into words.
    pub fn new(model: &Model, reason: Reason) -> Self {
        Self { text: reason.evidence.map(|evidence| text(model, evidence)), reason }
    }
}

impl Why {
    /// What a rule of the shop does.
    pub(super) fn rule(signal: &'static str, share: f32, rule: &str) -> Self {
        let reason = Reason { signal, value: share, share, evidence: None };
        Self { reason, text: Some(format!("rule {rule}")) }
    }
}

/// An item's name with its ID, or the ID alone.
pub fn label(model: &Model, item: u32) -> String {
    let id = model.catalogue().items().get(item);
    model.catalogue().name(item).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

fn text(model: &Model, evidence: Evidence) -> String {
    match evidence {
        Evidence::BoughtTogether { with, baskets } => {
            let with = model.catalogue().items().get(with);
            format!("bought together with {with} in {baskets} {}", plural(baskets, "basket"))
        }
        Evidence::BoughtBefore { times, last_day } => {
            let day = NaiveDate::default() + Days::new(u64::from(last_day));
            let times = match times {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                times => format!("{times} times"),
            };
            format!("you bought it {times}, last on {}", day.format("%-d %B %Y"))
        }
        Evidence::Popular { baskets } => format!("in {baskets} {} of all customers", plural(baskets, "basket")),
        Evidence::SameCategory { category } => {
            format!("of the same category: {}", model.catalogue().categories().get(category))
        }
    }
}

fn plural(count: u32, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
