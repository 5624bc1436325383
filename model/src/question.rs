//! The questions that a model answers, each with its own blend.

/// A question, for known or anonymous customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Items bought together with the query items, for anonymous customers.
    BoughtTogetherAnonymous,
    /// The same, for a known customer.
    BoughtTogether,
    /// The same, limited to items that the customer has never bought.
    BoughtTogetherNew,
    /// Alternatives to an item, for anonymous customers.
    AlternativesAnonymous,
    /// The same, for a known customer.
    Alternatives,
    /// Offers for a known customer.
    Offers,
    /// Offers for anonymous customers.
    OffersAnonymous,
    /// What a known customer will buy again.
    BuyAgain,
    /// What a known customer has never bought and is likely to buy.
    NewForYou,
}

impl Question {
    /// All questions, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::BoughtTogetherAnonymous,
        Self::BoughtTogether,
        Self::BoughtTogetherNew,
        Self::AlternativesAnonymous,
        Self::Alternatives,
        Self::Offers,
        Self::OffersAnonymous,
        Self::BuyAgain,
        Self::NewForYou,
    ];

    /// The name in artefacts, metrics and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::BoughtTogetherAnonymous => "bought_together_anonymous",
            Self::BoughtTogether => "bought_together",
            Self::BoughtTogetherNew => "bought_together_new",
            Self::AlternativesAnonymous => "alternatives_anonymous",
            Self::Alternatives => "alternatives",
            Self::Offers => "offers",
            Self::OffersAnonymous => "offers_anonymous",
            Self::BuyAgain => "buy_again",
            Self::NewForYou => "new_for_you",
        }
    }

    /// The same question for a known or an anonymous customer.
    #[must_use]
    pub fn asked_for(self, known: bool) -> Self {
        match (self, known) {
            (Self::BoughtTogether | Self::BoughtTogetherNew, false) => Self::BoughtTogetherAnonymous,
            (Self::BoughtTogetherAnonymous, true) => Self::BoughtTogether,
            (Self::Alternatives, false) => Self::AlternativesAnonymous,
            (Self::AlternativesAnonymous, true) => Self::Alternatives,
            (Self::Offers | Self::BuyAgain | Self::NewForYou, false) => Self::OffersAnonymous,
            (Self::OffersAnonymous, true) => Self::Offers,
            (question, _) => question,
        }
    }

    /// Whether it is one of the questions of bought together.
    pub fn is_bought_together(self) -> bool {
        matches!(self, Self::BoughtTogetherAnonymous | Self::BoughtTogether | Self::BoughtTogetherNew)
    }

    /// Whether it is one of the questions of alternatives.
    pub fn is_alternatives(self) -> bool {
        matches!(self, Self::AlternativesAnonymous | Self::Alternatives)
    }

    /// Whether it is one of the questions of offers.
    pub fn is_offers(self) -> bool {
        matches!(self, Self::Offers | Self::OffersAnonymous)
    }

    /// Its index in [`Question::ALL`].
    pub(crate) fn position(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_its_place_and_its_name() {
        for (at, question) in Question::ALL.into_iter().enumerate() {
            assert_eq!(question.position(), at);
            assert!(question.asked_for(false).name().ends_with("_anonymous"));
            assert!(!question.asked_for(true).name().ends_with("_anonymous"));
        }
    }
}
