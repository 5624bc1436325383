//! Comparison of several methods on the same cases.

use std::collections::BTreeMap;
use trolley_model::Item;
use trolley_model::figures::{Benchmark, Estimate, Group, MethodResult};

use rayon::prelude::*;

use super::bootstrap::Means;
use super::case::{Band, Case, History};
use super::metrics::{Figures, METRICS, figures};
use super::shown::{SHOWN_METRICS, ShownFigures};

/// The recommendations for a case, best first, with a maximum length.
type Answer<'a> = Box<dyn Fn(&Case, usize) -> Vec<Item> + Sync + 'a>;

/// A recommendation method.
pub(super) struct Method<'a> {
    /// Its name. The first method of a benchmark is the model.
    pub(super) name: &'static str,
    pub(super) answer: Answer<'a>,
}

impl<'a> Method<'a> {
    pub(super) fn new(name: &'static str, answer: impl Fn(&Case, usize) -> Vec<Item> + Sync + 'a) -> Self {
        Self { name, answer: Box::new(answer) }
    }
}

/// The metrics per method and case.
#[derive(Default)]
pub(super) struct Tally {
    names: Vec<&'static str>,
    /// Per method and case.
    figures: Vec<Vec<Figures>>,
    /// Properties of the lists, per method and case; empty if they are not measured.
    shown: Vec<Vec<ShownFigures>>,
    /// Per case.
    owners: Vec<u32>,
    kinds: Vec<(Band, History)>,
}

impl Tally {
    /// Evaluates all methods on all cases. Later calls must have the same methods and add to the results. Returns the
    /// lists per method and case.
    pub(super) fn judge(&mut self, cases: &[Case], methods: &[Method<'_>], k: usize) -> Vec<Vec<Vec<Item>>> {
        self.names = methods.iter().map(|method| method.name).collect();
        self.figures.resize(methods.len(), Vec::new());
        let lists: Vec<Vec<Vec<Item>>> =
            methods.iter().map(|method| cases.par_iter().map(|case| (method.answer)(case, k)).collect()).collect();
        for (of_contender, lists) in self.figures.iter_mut().zip(&lists) {
            let judged = cases.iter().zip(lists);
            of_contender.extend(judged.map(|(case, shown)| figures(shown, &case.relevant, case.relevant_count, k)));
        }
        self.owners.extend(cases.iter().map(|case| case.owner));
        self.kinds.extend(cases.iter().map(|case| (case.band, case.history)));
        lists
    }

    /// Sets the properties of the lists, per method and case.
    pub(super) fn describe(&mut self, shown: Vec<Vec<ShownFigures>>) {
        self.shown = shown;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Means and confidence intervals, over all cases and by group.
    pub(super) fn benchmark(&self, name: &str, question: &str, k: usize, seed: u64) -> Benchmark {
        let mut groups = Vec::new();
        groups.extend(self.group("all", |_| true, seed));
        for (band, name) in Band::ALL {
            groups.extend(self.group(name, |kind| kind.0 == band, seed));
        }
        for (history, name) in History::ALL {
            groups.extend(self.group(name, |kind| kind.1 == history, seed));
        }
        // A group that contains all cases adds nothing.
        let all = self.owners.len();
        groups.retain(|group| group.name == "all" || group.cases < all);
        Benchmark { name: name.to_owned(), question: question.to_owned(), k, groups }
    }

    fn group(&self, name: &str, of_kind: impl Fn(&(Band, History)) -> bool, seed: u64) -> Option<Group> {
        let cases: Vec<usize> = (0..self.kinds.len()).filter(|&case| of_kind(&self.kinds[case])).collect();
        if cases.is_empty() {
            return None;
        }
        let owners: Vec<u32> = cases.iter().map(|&case| self.owners[case]).collect();
        let means = Means::new(&of_cases(&self.figures, &cases), &owners, seed);
        let by_metric = |of: &dyn Fn(usize) -> Option<Estimate>| named(&METRICS, of);
        let mut results: Vec<MethodResult> = (0..)
            .zip(&self.names)
            .map(|(at, name)| MethodResult {
                method: (*name).to_owned(),
                figures: by_metric(&|metric| means.of(at, metric)),
                lead: by_metric(&|metric| (at > 0).then(|| means.lead(0, at, metric)).flatten()),
                ahead: BTreeMap::new(),
            })
            .collect();
        let mut due_share = None;
        if let Some(of_model) = self.shown.first() {
            let means = Means::new(&of_cases(&self.shown, &cases), &owners, seed);
            for (at, result) in results.iter_mut().enumerate() {
                result.figures.extend(named(&SHOWN_METRICS, &|metric| means.of(at, metric)));
                result.ahead =
                    named(&SHOWN_METRICS, &|metric| (at > 0).then(|| means.difference(0, at, metric)).flatten());
            }
            let measured = cases.iter().filter(|&&case| !of_model[case][0].is_nan()).count();
            due_share = Some(measured as f64 / cases.len() as f64);
        }
        let mut distinct = owners.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Some(Group { name: name.to_owned(), cases: cases.len(), customers: distinct.len(), due_share, results })
    }
}

/// The metrics of some cases, per method.
fn of_cases<'a, const N: usize>(figures: &'a [Vec<[f64; N]>], cases: &[usize]) -> Vec<Vec<&'a [f64; N]>> {
    figures.iter().map(|figures| cases.iter().map(|&case| &figures[case]).collect()).collect()
}

/// The estimates by name of the metric.
fn named(names: &[&str], of: &dyn Fn(usize) -> Option<Estimate>) -> BTreeMap<String, Estimate> {
    names.iter().enumerate().filter_map(|(at, name)| Some(((*name).to_owned(), of(at)?))).collect()
}
