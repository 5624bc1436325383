//! The purchase histories of all customers: how often, how recently, at what cadence.

use crate::customer::Customer;
use crate::error::ModelError;
use crate::ids::Ids;
use crate::item_stats::ItemStatsColumns;
use crate::offsets::Offsets;
use crate::owned_profile::OwnedProfile;
use crate::profile::{LastBasketsOf, Position, Profile};

/// The item statistics of all customers, ascending by item number for each customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Histories {
    customers: Ids,
    rows: Offsets,
    columns: ItemStatsColumns,
    baskets: Vec<u32>,
    decayed_baskets: Vec<f32>,
    last: LastBaskets,
}

/// The last baskets of all customers, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LastBaskets {
    /// The offsets of each customer's baskets in `day`.
    pub rows: Offsets,
    /// The day of each basket, in days since 1970-01-01.
    pub day: Vec<u16>,
    /// The offsets of each basket's items in `position`.
    pub basket_offsets: Offsets,
    /// Each basket's items as positions in the customer's history, ascending.
    pub position: Vec<Position>,
    /// The day after the last one of the period.
    pub end: u16,
}

impl LastBaskets {
    fn check(&self, histories: &Offsets) -> Result<(), ModelError> {
        if self.rows.len() != histories.len() || self.basket_offsets.len() != self.day.len() {
            return Err(ModelError::Length("the last baskets do not fit the customers or their days".into()));
        }
        for customer in 0..self.rows.len() as u32 {
            let items = histories.range(customer).len();
            for basket in self.rows.range(customer) {
                let positions = &self.position[self.basket_offsets.range(basket as u32)];
                let rising = positions.windows(2).all(|pair| pair[0] < pair[1]);
                if !rising || positions.last().is_some_and(|&last| last.index() >= items) {
                    return Err(ModelError::Range(format!(
                        "the last baskets of customer {customer} do not fit the history"
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Histories {
    /// Concatenates the profiles of customers, in their order. `end` is the day after the last one of the period.
    ///
    /// # Errors
    /// As [`Histories::new`].
    pub fn of_profiles(
        customers: Ids,
        profiles: impl Iterator<Item = OwnedProfile>,
        end: u16,
        items: usize,
    ) -> Result<Self, ModelError> {
        let mut columns = ItemStatsColumns::default();
        let (mut offsets, mut last_offsets, mut basket_offsets) = (vec![0], vec![0], vec![0]);
        let (mut baskets, mut decayed_baskets) = (Vec::new(), Vec::new());
        let (mut day, mut position) = (Vec::new(), Vec::new());
        for owned in profiles {
            let (stats, days, ends, positions) = owned.columns();
            columns.append(stats);
            offsets.push(columns.item.len() as u64);
            basket_offsets.extend(ends[1..].iter().map(|end| position.len() as u64 + end));
            position.extend_from_slice(positions);
            day.extend_from_slice(days);
            last_offsets.push(day.len() as u64);
            baskets.push(owned.as_profile().baskets());
            decayed_baskets.push(owned.as_profile().decayed_baskets());
        }
        let rows = |offsets, values| {
            Offsets::from_vec(offsets, values)
                .ok_or_else(|| ModelError::Order("the last baskets are out of order".into()))
        };
        let (days, positions) = (day.len(), position.len());
        let last = LastBaskets {
            rows: rows(last_offsets, days)?,
            day,
            basket_offsets: rows(basket_offsets, positions)?,
            position,
            end,
        };
        Self::new(customers, offsets, columns, baskets, decayed_baskets, last, items)
    }

    /// Assembles the parts and checks them against each other and the number of items in the catalogue.
    ///
    /// `offsets` are the CSR offsets into `columns`; `baskets` and `decayed_baskets` have one entry per customer.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn new(
        customers: Ids,
        offsets: Vec<u64>,
        columns: ItemStatsColumns,
        baskets: Vec<u32>,
        decayed_baskets: Vec<f32>,
        last: LastBaskets,
        items: usize,
    ) -> Result<Self, ModelError> {
        let habits = columns.item.len();
        for optional in [&columns.taken_on_offer, &columns.quantity] {
            if !optional.is_empty() && optional.len() != habits {
                return Err(ModelError::Length("the columns have different lengths".into()));
            }
        }
        let rows = Offsets::from_vec(offsets, habits)
            .ok_or_else(|| ModelError::Order("the row bounds are not valid".into()))?;
        let lengths = [columns.baskets.len(), columns.first_day.len(), columns.last_day.len(), columns.decayed.len()];
        if lengths.iter().any(|&length| length != habits) {
            return Err(ModelError::Length("the columns have different lengths".into()));
        }
        for (what, length) in
            [("rows", rows.len()), ("baskets", baskets.len()), ("decayed_baskets", decayed_baskets.len())]
        {
            if length != customers.len() {
                return Err(ModelError::Length(format!(
                    "{what} has {length} entries for {} customers",
                    customers.len()
                )));
            }
        }
        for row in 0..rows.len() as u32 {
            let list = &columns.item[rows.range(row)];
            if list.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(ModelError::Order(format!("the items of customer {row} are not in rising order")));
            }
            if list.last().is_some_and(|&last| last.index() >= items) {
                return Err(ModelError::Range(format!("customer {row} has an item beyond the catalogue")));
            }
        }
        let numbers = columns.decayed.iter().chain(&decayed_baskets);
        let optional = columns.taken_on_offer.iter().chain(&columns.quantity);
        if numbers.chain(optional).any(|number| !number.is_finite() || *number < 0.0) {
            return Err(ModelError::Number(
                "a decayed count, a quantity or what was taken on offer is not a finite number from 0".into(),
            ));
        }
        last.check(&rows)?;
        if columns.last_day.iter().chain(&last.day).any(|&day| day >= last.end) {
            return Err(ModelError::Range("a day lies beyond the end of the period".into()));
        }
        Ok(Self { customers, rows, columns, baskets, decayed_baskets, last })
    }

    /// The customers' IDs.
    pub fn customers(&self) -> &Ids {
        &self.customers
    }

    /// The profile of a customer, without factors: [`Model::profile`](crate::Model::profile) includes them.
    pub fn profile(&self, customer: Customer) -> Profile<'_> {
        let Customer(customer) = customer;
        let range = self.rows.range(customer);
        let ItemStatsColumns { item, baskets, first_day, last_day, decayed, taken_on_offer, quantity } = &self.columns;
        let last = self.last.rows.range(customer);
        Profile {
            items: &item[range.clone()],
            item_baskets: &baskets[range.clone()],
            first_day: &first_day[range.clone()],
            last_day: &last_day[range.clone()],
            decayed: &decayed[range.clone()],
            taken_on_offer: taken_on_offer.get(range.clone()).unwrap_or_default(),
            quantity: quantity.get(range).unwrap_or_default(),
            baskets: self.baskets[customer as usize],
            decayed_baskets: self.decayed_baskets[customer as usize],
            last: LastBasketsOf {
                days: &self.last.day[last.clone()],
                offsets: &self.last.basket_offsets.as_slice()[last.start..=last.end],
                positions: &self.last.position,
            },
            factors: (&[], 0.0),
            end: self.last.end,
            fade: 1.0,
        }
    }

    /// The numbers of all customers.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = Customer> + use<> {
        (0..self.customers.len() as u32).map(Customer)
    }

    /// The number of the customer with this ID.
    pub fn position(&self, id: &str) -> Option<Customer> {
        self.customers.position(id).map(Customer)
    }

    /// The ID of a customer.
    pub fn id(&self, customer: Customer) -> &str {
        self.customers.get(customer.0)
    }

    /// All profiles, by customer number.
    pub fn profiles(&self) -> impl ExactSizeIterator<Item = Profile<'_>> {
        self.numbers().map(|customer| self.profile(customer))
    }

    /// The last baskets, as stored.
    pub fn last(&self) -> &LastBaskets {
        &self.last
    }

    /// Number of stored pairs of a customer and an item.
    pub fn len(&self) -> usize {
        self.columns.item.len()
    }

    /// True if there are no purchases.
    pub fn is_empty(&self) -> bool {
        self.columns.item.is_empty()
    }

    /// Offsets, columns, baskets and decayed baskets, as stored.
    pub fn parts(&self) -> (&[u64], &ItemStatsColumns, &[u32], &[f32]) {
        (self.rows.as_slice(), &self.columns, &self.baskets, &self.decayed_baskets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use crate::item_stats::ItemStats;
    use crate::texts::Texts;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_most_are_those_of_a_sorted_history(
            decayed in prop::collection::vec((0u8..5).prop_map(|n| f32::from(n) / 4.0), 0..40),
            wanted in 0usize..20,
            hidden in (0u32..40).prop_map(Item),
        ) {
            let mut columns = ItemStatsColumns::default();
            for (&decayed, item) in decayed.iter().zip((0..).map(Item)) {
                columns.push(ItemStats { item, baskets: 1, first_day: 1, last_day: 1, decayed });
            }
            let (mut texts, none) = (Texts::default(), Offsets::from_lengths([0]));
            texts.push("anna").unwrap();
            let last = LastBaskets { rows: none, day: vec![], basket_offsets: Offsets::from_lengths([]), position: vec![], end: 2 };
            let (customers, offsets) = (Ids::new(texts).unwrap(), vec![0, decayed.len() as u64]);
            let histories = Histories::new(customers, offsets, columns, vec![1], vec![1.0], last, 40).unwrap();
            let mut sorted: Vec<ItemStats> = histories.profile(Customer(0)).stats().filter(|stats| stats.item != hidden).collect();
            sorted.sort_by(|a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
            let mut expected: Vec<Item> = sorted.iter().take(wanted).map(|stats| stats.item).collect();
            let mut got = histories.profile(Customer(0)).most(wanted, |item| item != hidden);
            expected.sort_unstable();
            got.sort_unstable();
            prop_assert_eq!(got, expected);
        }
    }
}
