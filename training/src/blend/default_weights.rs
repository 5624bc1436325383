//! Default weights, chosen manually on validation weeks. They select training candidates, and serve if there are too
//! few cases to learn from.

use trolley_model::{AlternativeRules, Blend, Blends, ListRules, Question};

/// The blends of a model without learned blends.
pub(crate) fn default_weights() -> Blends {
    let of = |question, slopes: &[(&str, f32)]| (question, Blend::straight(slopes));
    Blends {
        pre_ranking: Blend::straight(&[("co_purchase", 0.4), ("habit", 1.0), ("latest_popularity", 0.2)]),
        list: ListRules::default(),
        alternative_rules: AlternativeRules::default(),
        ..Blends::of([
            // Co-purchases, backed by those of the item's category; smaller weights on the lift and on the customer's
            // own baskets.
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
            // Items bought together seldom replace each other.
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
            of(Question::BuyAgain, &[("habit", 1.0), ("due", 0.2)]),
            of(Question::NewForYou, &[("recent_popularity", 1.0), ("taste", 0.1)]),
        ])
    }
}
