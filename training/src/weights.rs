//! The signals' weights. Set by hand on validation weeks until they are learned.

use trolley_model::{BlendWeights, Weights};

/// The weights that a new model gets.
pub(crate) fn weights() -> BlendWeights {
    let of = |weights: &[(&str, f32)]| -> Weights {
        weights.iter().map(|&(name, weight)| (name.to_owned(), weight)).collect()
    };
    BlendWeights {
        bought_together_anonymous: of(&[
            ("co_purchase", 1.0),
            ("complement", 0.1),
            ("popularity", 0.1),
            ("recent_popularity", 0.1),
        ]),
        bought_together: of(&[
            ("co_purchase", 0.5),
            ("complement", 0.05),
            ("habit", 1.0),
            ("taste", 1.0),
            ("recent_popularity", 0.1),
        ]),
        alternatives_anonymous: of(&[("substitute", 2.0), ("same_category", 3.0), ("recent_popularity", 0.5)]),
        alternatives: of(&[
            ("substitute", 2.0),
            ("same_category", 3.0),
            ("recent_popularity", 0.5),
            ("habit", 1.0),
            ("taste", 1.0),
        ]),
        offers: of(&[("habit", 1.0), ("taste", 1.0), ("recent_popularity", 0.3)]),
    }
}
