//! Weights set by hand on validation weeks: where learning begins, and what stays when there is too little to learn from.

use trolley_model::{AlternativeRules, Blend, Blends, ListRules, Question};

/// The blends of a model whose blend was not learned.
pub(crate) fn default_weights() -> Blends {
    let of = |question, slopes: &[(&str, f32)]| (question, Blend::straight(slopes));
    Blends {
        pre_ranking: Blend::straight(&[("co_purchase", 0.4), ("habit", 1.0), ("latest_popularity", 0.2)]),
        list: ListRules::default(),
        alternative_rules: AlternativeRules::default(),
        ..Blends::of([
            // What goes with the item, backed by what goes with its kind; on the lift a weight, as on the customer's own baskets.
            of(Question::BoughtTogetherAnonymous, &[("kind_backed_co_purchase", 1.0), ("kind_backed_lift", 0.3)]),
            of(
                Question::BoughtTogether,
                &[
                    ("kind_backed_co_purchase", 1.0),
                    ("kind_backed_lift", 0.3),
                    ("own_co_purchase", 0.3),
                    ("habit", 0.1),
                ],
            ),
            // What is bought together with an item seldom stands in for it.
            of(
                Question::AlternativesAnonymous,
                &[
                    ("substitute", 2.0),
                    ("same_kind", 3.0),
                    ("co_purchase", -0.22),
                    ("recent_popularity", 0.28),
                    ("replaced", 1.0),
                ],
            ),
            of(
                Question::Alternatives,
                &[
                    ("substitute", 2.0),
                    ("same_kind", 3.0),
                    ("co_purchase", -0.22),
                    ("recent_popularity", 0.28),
                    ("habit", 1.0),
                    ("taste", 1.0),
                    ("replaced", 1.0),
                ],
            ),
            of(Question::Offers, &[("habit", 1.15), ("taste", 0.5), ("recent_popularity", 0.17)]),
            of(Question::OffersAnonymous, &[("recent_popularity", 1.0)]),
        ])
    }
}
