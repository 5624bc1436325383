//! A new model beside the one in service, on the same cases.
//!
//! The model in service has seen the test weeks: it is trained on everything. What is compared is what was held out
//! when it was judged: beside each published model lies the one of the days before its own test, with the same weights.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::Model;

use super::bootstrap::{Estimate, Means};
use super::case::Case;
use super::metrics::{Figures, METRICS, figures};
use super::weeks::{Offered, weeks};
use super::{Tables, bought_together, offers};

/// The contests in which models are compared.
const COMPARED: [&str; 3] = ["bought_together", "bought_together_anonymous", "offers"];

/// The figures that are compared.
pub(crate) fn compared() -> impl Iterator<Item = String> {
    COMPARED.into_iter().flat_map(|contest| METRICS.map(|metric| format!("{contest}.{metric}")))
}

/// Fewer cases than this say nothing.
const FEWEST_CASES: usize = 100;

/// How far a new model is ahead of the one in service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version in service.
    pub in_service: String,
    /// By figure: the lead as a share of the other's figure; empty if there are no cases that neither has seen.
    pub leads: BTreeMap<String, Estimate>,
    /// The last days of the data of both, if the new one's is earlier.
    pub older_data: Option<(String, String)>,
}

/// Compares two held-out models on the baskets from `from` on, which neither may have seen.
pub(crate) fn leads(
    ours: &Model,
    theirs: &Model,
    tables: Tables<'_>,
    from: usize,
    seed: u64,
) -> BTreeMap<String, Estimate> {
    let Tables { transactions, offers, numbers, .. } = tables;
    let test = from..transactions.baskets.len();
    let Some(first_day) = transactions.baskets.get(from).map(|basket| basket.day) else { return BTreeMap::new() };
    let end = transactions.baskets.last().map_or(0, |basket| basket.day + 1);
    let weeks = weeks(transactions, offers, first_day..end);
    // Case by case: which one, whose, and how it was answered.
    let models = [ours, theirs];
    let offered: Vec<[Arc<Offered>; 2]> =
        weeks.iter().map(|week| week.offered_by_both(models, offers, seed).map(Arc::new)).collect();
    let of_model = |which: usize| -> [Vec<Judged>; 3] {
        let model = models[which];
        let together = bought_together::cases(model, transactions, test.clone(), seed);
        let basket = |case: &Case, k| bought_together::answer(model, case, k);
        let mut weekly = Vec::new();
        for (number, (week, offered)) in weeks.iter().zip(&offered).enumerate() {
            let offered = &offered[which];
            let on_offer = offered.ready(model, numbers, 0..offered.items.len());
            let cases = week.cases(model, transactions, offered);
            let judged = judge(&cases, offers::K, &|case, k| offers::answer(model, &on_offer, case, k));
            weekly.extend(judged.into_iter().map(|one| Judged { which: number, ..one }));
        }
        [
            judge(&together, bought_together::K, &basket),
            judge(&bought_together::anonymous(&together), bought_together::K, &basket),
            weekly,
        ]
    };
    let mut leads = BTreeMap::new();
    for ((name, ours), theirs) in COMPARED.into_iter().zip(of_model(0)).zip(of_model(1)) {
        let by_key: HashMap<(usize, u32), Figures> =
            theirs.iter().map(|one| ((one.which, one.owner), one.figures)).collect();
        let pairs: Vec<(u32, Figures, Figures)> = ours
            .iter()
            .filter_map(|one| Some((one.owner, one.figures, *by_key.get(&(one.which, one.owner))?)))
            .collect();
        if pairs.len() < FEWEST_CASES {
            continue;
        }
        let owners: Vec<u32> = pairs.iter().map(|pair| pair.0).collect();
        let means = Means::new(
            &[pairs.iter().map(|pair| &pair.1).collect(), pairs.iter().map(|pair| &pair.2).collect()],
            &owners,
            seed,
        );
        for (metric, label) in METRICS.iter().enumerate() {
            leads.extend(means.lead(0, 1, metric).map(|lead| (format!("{name}.{label}"), lead)));
        }
    }
    leads
}

struct Judged {
    which: usize,
    owner: u32,
    figures: Figures,
}

fn judge(cases: &[Case], k: usize, answer: &(dyn Fn(&Case, usize) -> Vec<u32> + Sync)) -> Vec<Judged> {
    let one = |(which, case): (usize, &Case)| Judged {
        which,
        owner: case.owner,
        figures: figures(&answer(case, k), &case.relevant, case.wanted, k),
    };
    cases.par_iter().enumerate().map(one).collect()
}
