//! Shrinkage: with how many baskets, or changes, of what is usual an estimate is mixed, so that two purchases do not outrank
//! two hundred.

/// Baskets with the item asked about, for the share of them that hold a candidate.
pub(crate) const PAIR_PRIOR: f32 = 20.0;

/// The same, where little evidence is not to count at all.
pub(crate) const FIRM_PRIOR: f32 = 100.0;

/// Baskets with both, expected and found, for a lift.
pub(crate) const LIFT_PRIOR: f32 = 3.0;

/// Baskets of each of the two items, for a cosine.
pub(crate) const COSINE_PRIOR: f32 = 10.0;

/// The customer's baskets, for the share of them that hold a candidate.
pub(crate) const HABIT_PRIOR: f32 = 2.0;

/// The same of the last weeks, of which there are fewer.
pub(crate) const RECENT_HABIT_PRIOR: f32 = 1.0;

/// The same with each basket divided by its items.
pub(crate) const SMALL_BASKET_PRIOR: f32 = 0.5;

/// The customer's baskets with the item asked about, for the share of them that hold a candidate.
pub(crate) const OWN_PAIR_PRIOR: f32 = 1.5;

/// Baskets of a store, for an item's share of them.
pub(crate) const STORE_PRIOR: f32 = 200.0;

/// Changes between the item asked about and others of its category.
pub(crate) const SWITCH_PRIOR: f32 = 5.0;
