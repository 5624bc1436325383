//! Customers as they are now: the model's profiles with the pushed baskets that the model has not counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use trolley_model::{Customer, DatedBasket, Item, Model, OwnedProfile, Profile};

use super::baskets::{CustomerBaskets, PushedBaskets, day};

/// The pushed baskets as one model and the present day see them.
#[derive(Debug)]
pub(super) struct Overlay {
    baskets: Arc<PushedBaskets>,
    /// The day after the present one.
    end: u16,
    /// The profiles that were asked for, by customer.
    profiles: Vec<Mutex<HashMap<Box<str>, Cached>>>,
}

/// A profile, with the baskets that it was counted from; `None` if the model has counted all of them.
type Cached = (Arc<CustomerBaskets>, Option<Arc<OwnedProfile>>);

/// Number of parts of the cache, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Maximum number of cached profiles per part. Beyond it, the part is emptied.
const CACHED: usize = 512;

/// A customer of an answer.
#[derive(Clone, Debug)]
pub(super) enum Shopper {
    /// As the model knows them.
    Known(Customer),
    /// With newer baskets.
    Current(Arc<OwnedProfile>),
}

impl Shopper {
    /// The profile on the present day; `end` is the day after it.
    pub(super) fn profile<'a>(&'a self, model: &'a Model, end: u16) -> Profile<'a> {
        match self {
            Self::Known(customer) => model.profile_as_of(*customer, end),
            Self::Current(profile) => profile.as_profile(),
        }
    }
}

impl Overlay {
    /// For a model.
    pub(super) fn new(baskets: Arc<PushedBaskets>, model: &Model) -> Self {
        let end = end(&baskets, model);
        Self { baskets, end, profiles: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The day after the present one.
    pub(super) fn end(&self) -> u16 {
        self.end
    }

    /// Whether the present day is still the same.
    pub(super) fn is_current(&self, model: &Model) -> bool {
        self.end == end(&self.baskets, model)
    }

    /// The pushed baskets.
    pub(super) fn baskets(&self) -> &Arc<PushedBaskets> {
        &self.baskets
    }

    /// A customer with the pushed baskets that the model has not counted; `None` if there are none.
    pub(super) fn of(&self, id: &str, known: Option<Customer>, model: &Model) -> Option<Arc<OwnedProfile>> {
        let baskets = self.baskets.of(id)?;
        let part =
            &self.profiles[id.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31) + usize::from(byte)) % SHARDS];
        let lock = || part.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, profile)) = lock().get(id)
            && Arc::ptr_eq(of, &baskets)
        {
            return profile.clone();
        }
        let profile = self.count(&baskets, known, model, self.end, i64::MAX).map(Arc::new);
        let mut cached = lock();
        if cached.len() >= CACHED {
            cached.clear();
        }
        cached.insert(id.into(), (baskets, profile.clone()));
        profile
    }

    /// As [`Overlay::of`], without the cache, for a look at all customers.
    pub(super) fn uncached(&self, id: &str, known: Option<Customer>, model: &Model) -> Option<OwnedProfile> {
        self.count(&*self.baskets.of(id)?, known, model, self.end, i64::MAX)
    }

    /// The customers with pushed baskets whom the model does not know, by ID.
    pub(super) fn new_customers(&self, model: &Model) -> Vec<Box<str>> {
        let mut new = Vec::new();
        self.baskets.each(|id, _| new.extend(model.histories().position(id).is_none().then(|| Box::from(id))));
        new.sort_unstable();
        new
    }

    /// The customer at another time than the present one, in Unix seconds: only with the baskets up to then.
    pub(super) fn at(&self, id: &str, known: Option<Customer>, model: &Model, time: i64) -> Option<Arc<OwnedProfile>> {
        let baskets = self.baskets.of(id)?;
        self.count(&baskets, known, model, day(time).saturating_add(1), time).map(Arc::new)
    }

    /// Counts the baskets up to a time; `end` is the day after the present one.
    fn count(
        &self,
        pushed: &CustomerBaskets,
        known: Option<Customer>,
        model: &Model,
        end: u16,
        until: i64,
    ) -> Option<OwnedProfile> {
        let catalogue = model.catalogue();
        let mut baskets: Vec<(u16, Vec<(Item, f32)>)> = Vec::new();
        self.baskets.with_items(|ids| {
            pushed.each(|id, time, lines| {
                if time <= until && !model.has_counted(id, day(time)) {
                    let number = |(item, quantity)| Some((catalogue.position(ids.get(item))?, quantity));
                    let mut lines: Vec<(Item, f32)> = lines.filter_map(number).collect();
                    lines.sort_unstable_by_key(|line| line.0);
                    baskets.push((day(time), lines));
                }
            });
        });
        if baskets.is_empty() {
            return None;
        }
        let columns: Vec<(u16, Vec<Item>, Vec<f32>)> = baskets
            .into_iter()
            .map(|(day, lines)| {
                let (items, quantities) = lines.into_iter().unzip();
                (day, items, quantities)
            })
            .collect();
        let dated: Vec<DatedBasket<'_>> =
            columns.iter().map(|(day, items, quantities)| DatedBasket { day: *day, items, quantities }).collect();
        Some(model.profile_with(known, &dated, end))
    }
}

/// The day after the present one of a market: the last day of the model, or the latest day on which enough baskets were
/// pushed.
fn end(baskets: &PushedBaskets, model: &Model) -> u16 {
    let latest = baskets.latest_day(day(Utc::now().timestamp()));
    latest.map_or(0, |day| day.saturating_add(1)).max(model.end())
}
