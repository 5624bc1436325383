//! The names of all signals, without their code: a blend refers to signals by name.

/// All signals, in the order of [`signals::ALL`](crate::signals::ALL).
pub const NAMES: [&str; 51] = [
    "co_purchase",
    "co_purchase_count",
    "lift",
    "cosine",
    "complement",
    "substitute",
    "same_category",
    "category_co_purchase",
    "category_partner",
    "kind_backed_co_purchase",
    "kind_backed_firmly",
    "kind_backed_lift",
    "kind_lift",
    "category_lift",
    "habit",
    "recent_habit",
    "lasting_habit",
    "small_basket_habit",
    "last_baskets",
    "purchases",
    "lately",
    "due",
    "own_co_purchase",
    "own_category_co_purchase",
    "category_habit",
    "category_lately",
    "category_due",
    "expected",
    "taste",
    "taste_for_new",
    "popularity",
    "popularity_of_new",
    "recent_popularity",
    "latest_popularity",
    "trend",
    "buyers",
    "loyalty",
    "category_share",
    "own_baskets",
    "query_popularity",
    "query_purchases",
    "sales_on_offer",
    "taken_on_offer",
    "same_kind",
    "switched",
    "same_customers",
    "price_ratio",
    "price_likeness",
    "name_similarity",
    "store_popularity",
    "replaced",
];

/// Signals of alternatives only, besides one per attribute of the shop ([`likeness`](crate::signals::likeness)).
pub const OF_ALTERNATIVES: [&str; 8] = [
    "same_kind",
    "switched",
    "same_customers",
    "price_ratio",
    "price_likeness",
    "name_similarity",
    "store_popularity",
    "replaced",
];

/// Signals that are cheap per candidate: no product of vectors, no scan of the customer's baskets.
pub const CHEAP: [&str; 12] = [
    "co_purchase",
    "kind_backed_co_purchase",
    "kind_backed_lift",
    "lift",
    "kind_lift",
    "category_co_purchase",
    "habit",
    "purchases",
    "lately",
    "due",
    "latest_popularity",
    "popularity",
];

/// Signals about the customer's purchases.
pub const OF_CUSTOMERS: [&str; 20] = [
    "habit",
    "recent_habit",
    "lasting_habit",
    "small_basket_habit",
    "last_baskets",
    "purchases",
    "lately",
    "due",
    "own_co_purchase",
    "own_category_co_purchase",
    "category_habit",
    "category_lately",
    "category_due",
    "expected",
    "taste",
    "taste_for_new",
    "popularity_of_new",
    "own_baskets",
    "query_purchases",
    "taken_on_offer",
];

/// The index of a signal in [`NAMES`].
pub fn index(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| *known == name)
}
