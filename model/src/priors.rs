//! Shrinkage: prior counts of baskets or switches, so that a pair seen twice does not outrank one seen two hundred
//! times.

/// Baskets with the query item, for the share of them that hold a candidate.
pub(crate) const PAIR_PRIOR: f32 = 20.0;

/// The same with stronger shrinkage, for items with few baskets.
pub(crate) const FIRM_PRIOR: f32 = 100.0;

/// Baskets added to the observed and the expected count of a lift.
pub(crate) const LIFT_PRIOR: f32 = 3.0;

/// Baskets added to each of the two items of a cosine.
pub(crate) const COSINE_PRIOR: f32 = 10.0;

/// The customer's baskets, for the share of them that hold a candidate.
pub(crate) const HABIT_PRIOR: f32 = 2.0;

/// The same with a short half-life, which leaves less weight.
pub(crate) const RECENT_HABIT_PRIOR: f32 = 1.0;

/// The same with each basket's weight divided by its number of items.
pub(crate) const SMALL_BASKET_PRIOR: f32 = 0.5;

/// The customer's baskets with the query item, for the share of them that hold a candidate.
pub(crate) const OWN_PAIR_PRIOR: f32 = 1.5;

/// Baskets of a store, for an item's share of them.
pub(crate) const STORE_PRIOR: f32 = 200.0;

/// Switches between the query item and others of its category.
pub(crate) const SWITCH_PRIOR: f32 = 5.0;
