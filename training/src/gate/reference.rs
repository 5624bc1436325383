//! The best model of the last 30 days. Each new model is also compared with it, so that small losses do not add up.

use chrono::{DateTime, Days, Utc};
use trolley_model::Name;
use trolley_model::artefact::{Manifest, ModelRegistry, Opened};

use super::Comparison;
use crate::evaluation::{Leads, QUESTIONS, compared_by};

/// Number of days for which a model can be the reference.
const DAYS: u64 = 30;

/// The held-out model of a manifest's reference, if it is not too old.
pub(super) fn of(registry: &ModelRegistry, manifest: &Manifest, now: DateTime<Utc>) -> Option<(Name, Opened)> {
    let version = manifest.judgement.as_ref()?.reference.clone()?;
    let opened = registry.held_out().open(&manifest.market, &version).ok()?;
    is_young(&opened.manifest, now).then_some((version, opened))
}

fn is_young(manifest: &Manifest, now: DateTime<Utc>) -> bool {
    let made = DateTime::parse_from_rfc3339(&manifest.created_at);
    made.is_ok_and(|made| made.checked_add_days(Days::new(DAYS)).is_some_and(|until| until >= now))
}

/// The reference for the models after this one: the previous reference if this model is behind it, otherwise `None` for
/// this model itself.
pub(crate) fn next(comparison: Option<&Comparison>, now: DateTime<Utc>) -> Option<Name> {
    let comparison = comparison?;
    let (version, leads) = if let Some(reference) = &comparison.reference {
        (&reference.version, &reference.leads)
    } else {
        comparison.manifest.as_ref().filter(|manifest| is_young(manifest, now))?;
        (&comparison.in_service, &comparison.leads)
    };
    is_behind(leads).then(|| Name::new(version).ok()).flatten()
}

/// Whether the mean of the leads over all questions is below 0; false without any lead.
fn is_behind(leads: &Leads) -> bool {
    let of_questions = QUESTIONS.iter().filter_map(|question| leads.get(&compared_by(question)));
    of_questions.map(|paired| paired.lead.value).sum::<f64>() < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Paired;
    use crate::gate::Reference;
    use trolley_model::figures::Estimate;

    fn leads(value: f64) -> Leads {
        let lead = Estimate { value, low: value, high: value };
        let paired = Paired { cases: 100, customers: 100, ours: 1.0 + value, theirs: 1.0, lead };
        [("offers.ndcg".to_owned(), paired), ("bought_together_new.ndcg".to_owned(), Paired { lead, ..paired })].into()
    }

    #[test]
    fn the_reference_stays_until_there_is_a_better_one() {
        let now = Utc::now();
        let beside = |value: f64| {
            let reference = Reference { version: "best".into(), leads: leads(value) };
            Comparison { in_service: "last".into(), reference: Some(reference), ..Comparison::default() }
        };
        assert_eq!(next(Some(&beside(-0.02)), now), Some(Name::new("best").unwrap()));
        assert_eq!(next(Some(&beside(0.01)), now), None, "it is the best itself");
        assert_eq!(next(None, now), None, "and so is the first");
    }
}
