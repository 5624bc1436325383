//! Weights set by hand on validation weeks: where learning begins, and what stays when there is too little to learn from.

use trolley_model::{AlternativeRules, Blend, Blends, ListRules};

/// The blends of a model whose blend was not learned.
pub(crate) fn default_weights() -> Blends {
    let of = Blend::straight;
    Blends {
        // What goes with the item, backed by what goes with its kind; on the lift a weight, as on the customer's own baskets.
        bought_together_anonymous: of(&[("kind_backed_co_purchase", 1.0), ("kind_backed_lift", 0.3)]),
        bought_together: of(&[
            ("kind_backed_co_purchase", 1.0),
            ("kind_backed_lift", 0.3),
            ("own_co_purchase", 0.3),
            ("habit", 0.1),
        ]),
        bought_together_new: Blend::default(),
        pre_ranking: of(&[("co_purchase", 0.4), ("habit", 1.0), ("latest_popularity", 0.2)]),
        // What is bought together with an item seldom stands in for it.
        alternatives_anonymous: of(&[
            ("substitute", 2.0),
            ("same_kind", 3.0),
            ("co_purchase", -0.22),
            ("recent_popularity", 0.28),
            ("replaced", 1.0),
        ]),
        alternatives: of(&[
            ("substitute", 2.0),
            ("same_kind", 3.0),
            ("co_purchase", -0.22),
            ("recent_popularity", 0.28),
            ("habit", 1.0),
            ("taste", 1.0),
            ("replaced", 1.0),
        ]),
        offers: of(&[("habit", 1.15), ("taste", 0.5), ("recent_popularity", 0.17)]),
        offers_anonymous: of(&[("recent_popularity", 1.0)]),
        offer_numbers: Vec::new(),
        list: ListRules::default(),
        alternative_rules: AlternativeRules::default(),
    }
}
