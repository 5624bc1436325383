//! Signals: the numbers that a recommendation is a weighted sum of.
//!
//! A signal says one thing about a candidate in the light of what was asked. To add one: a file here with a unit
//! struct that implements [`Signal`], and a line in [`ALL`]. Its weight then comes from the artefact's [`Blend`].
//!
//! Signals about shares (of baskets, of a customer's baskets) are put on one scale by [`log_share`], so that their
//! weights can be compared.
//!
//! [`Blend`]: crate::Blend

mod co_purchase;
mod complement;
mod habit;
mod popularity;
mod recent_popularity;
mod same_category;
mod substitute;
mod taste;

use crate::{Ask, Model};

/// One named number per candidate.
pub trait Signal: Sync {
    /// The name that the artefact's weights and an explanation use.
    fn name(&self) -> &'static str;

    /// Writes the signal of each candidate into `out`, which is as long; 0 where there is nothing to say.
    /// `candidates` are item numbers, strictly rising.
    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]);

    /// What the signal rests on for one candidate, where it rests on something that can be counted.
    fn evidence(&self, _model: &Model, _ask: &Ask<'_>, _candidate: u32) -> Option<Evidence> {
        None
    }
}

/// All signals. A blend refers to them by name.
pub static ALL: [&dyn Signal; 8] = [
    &co_purchase::CoPurchase,
    &complement::Complement,
    &substitute::Substitute,
    &same_category::SameCategory,
    &habit::Habitual,
    &taste::Taste,
    &popularity::Popularity,
    &recent_popularity::RecentPopularity,
];

/// The number of a signal in [`ALL`].
pub fn index(name: &str) -> Option<usize> {
    ALL.iter().position(|signal| signal.name() == name)
}

/// Countable facts behind a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// The candidate and this item of the query were together in so many baskets.
    BoughtTogether {
        /// The query's item.
        with: u32,
        /// Baskets that hold both.
        baskets: u32,
    },
    /// The customer has bought the candidate.
    BoughtBefore {
        /// In so many baskets.
        times: u16,
        /// Last on this day, in days since 1970-01-01.
        last_day: u16,
    },
    /// The candidate was in so many baskets of all customers.
    Popular {
        /// Baskets that hold it.
        baskets: u32,
    },
    /// The candidate is of the category of an item of the query.
    SameCategory {
        /// The category's number.
        category: u32,
    },
}

/// `ln(1 + 100 p)` of a share `p`: 0 for nothing, 0.7 for one in a hundred, 4.6 for always.
fn log_share(p: f32) -> f32 {
    (100.0 * p).ln_1p()
}

/// Calls `each` with the position among `candidates` and the entry of `list` wherever both hold the same item.
/// Both must be strictly rising.
fn matches<T>(
    candidates: &[u32],
    list: impl Iterator<Item = T>,
    item: impl Fn(&T) -> u32,
    mut each: impl FnMut(usize, T),
) {
    let mut at = 0;
    for entry in list {
        let wanted = item(&entry);
        while at < candidates.len() && candidates[at] < wanted {
            at += 1;
        }
        if at == candidates.len() {
            return;
        }
        if candidates[at] == wanted {
            each(at, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for (at, signal) in ALL.iter().enumerate() {
            assert_eq!(index(signal.name()), Some(at), "{}", signal.name());
        }
        assert_eq!(index("no such signal"), None);
    }

    #[test]
    fn matches_walks_both_lists_once() {
        let mut found = vec![];
        matches(&[1, 3, 5, 9], [0, 3, 4, 9, 12].into_iter(), |&x| x, |at, x| found.push((at, x)));
        assert_eq!(found, [(1, 3), (3, 9)]);
    }
}
