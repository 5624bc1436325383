//! Weights set by hand on validation weeks: where learning begins, and what stays when there is too little to learn from.

use trolley_model::{Blend, Blends, ListRules};

/// The blends of a model whose blend was not learned.
pub(crate) fn by_hand() -> Blends {
    let of = Blend::straight;
    Blends {
        bought_together_anonymous: of(&[
            ("co_purchase", 0.55),
            ("complement", 0.28),
            ("substitute", 0.6),
            ("same_category", 0.6),
            ("popularity", -0.17),
            ("recent_popularity", 0.52),
        ]),
        bought_together: of(&[
            ("co_purchase", 0.25),
            ("complement", 0.1),
            ("substitute", 1.0),
            ("same_category", 0.9),
            ("habit", 1.25),
            ("taste", 0.3),
            ("popularity", -0.5),
            ("recent_popularity", 0.48),
        ]),
        bought_together_new: Blend::default(),
        pre_ranking: of(&[("co_purchase", 0.4), ("habit", 1.0), ("latest_popularity", 0.2)]),
        // What is bought together with an item seldom stands in for it.
        alternatives_anonymous: of(&[
            ("substitute", 2.0),
            ("same_category", 3.0),
            ("co_purchase", -0.22),
            ("recent_popularity", 0.28),
        ]),
        alternatives: of(&[
            ("substitute", 2.0),
            ("same_category", 3.0),
            ("co_purchase", -0.22),
            ("recent_popularity", 0.28),
            ("habit", 1.0),
            ("taste", 1.0),
        ]),
        offers: of(&[("habit", 1.15), ("taste", 0.5), ("recent_popularity", 0.17)]),
        offer_numbers: Vec::new(),
        list: ListRules::default(),
    }
}
