//! Several ways of answering the same cases, judged beside each other.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Means};
use super::case::{Band, Case, History};
use super::metrics::{Figures, METRICS, figures};

/// The best items for a case, best first, at most so many.
type Answer<'a> = Box<dyn Fn(&Case, usize) -> Vec<u32> + Sync + 'a>;

/// One way of answering.
pub(super) struct Contender<'a> {
    /// Its name; the first of a contest is the model.
    pub(super) name: &'static str,
    /// How it answers.
    pub(super) answer: Answer<'a>,
}

impl<'a> Contender<'a> {
    pub(super) fn new(name: &'static str, answer: impl Fn(&Case, usize) -> Vec<u32> + Sync + 'a) -> Self {
        Self { name, answer: Box::new(answer) }
    }
}

/// The name under which the model takes part.
pub const MODEL: &str = "Trolley";

/// What a contest found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// Its name in metrics and gates.
    pub name: String,
    /// The question in words.
    pub question: String,
    /// Length of the lists that were judged.
    pub k: usize,
    /// Over all cases first, then by kind of case.
    pub groups: Vec<Group>,
}

/// Cases of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Which: `all`, or for example `tail`.
    pub name: String,
    /// How many cases.
    pub cases: usize,
    /// Of how many customers.
    pub customers: usize,
    /// The contenders in the order of the contest, the model first.
    pub standings: Vec<Standing>,
}

/// How one contender did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Its name.
    pub contender: String,
    /// By metric, with 95 % intervals.
    pub figures: BTreeMap<String, Estimate>,
    /// How far the model is ahead of it, as a share of its figure, paired; empty for the model itself.
    pub lead: BTreeMap<String, Estimate>,
}

impl Contest {
    /// The standings over all cases.
    pub fn all(&self) -> &[Standing] {
        self.groups.first().map_or(&[], |group| &group.standings)
    }

    /// A contender's figures over all cases.
    pub fn standing(&self, contender: &str) -> Option<&Standing> {
        self.all().iter().find(|standing| standing.contender == contender)
    }

    /// One figure of the model over all cases.
    pub fn of_model(&self, metric: &str) -> Option<Estimate> {
        self.standing(MODEL)?.figures.get(metric).copied()
    }
}

/// The figures of each contender and case.
#[derive(Default)]
pub(super) struct Tally {
    names: Vec<&'static str>,
    /// Per contender, per case.
    figures: Vec<Vec<Figures>>,
    /// Per case.
    owners: Vec<u32>,
    kinds: Vec<(Band, History)>,
}

impl Tally {
    /// Has all contenders answer all cases. Called again with the same contenders, adds to what was there.
    pub(super) fn judge(&mut self, cases: &[Case], contenders: &[Contender<'_>], k: usize) {
        self.names = contenders.iter().map(|contender| contender.name).collect();
        self.figures.resize(contenders.len(), Vec::new());
        for (of_contender, contender) in self.figures.iter_mut().zip(contenders) {
            of_contender.par_extend(cases.par_iter().map(|case| {
                let shown = (contender.answer)(case, k);
                figures(&shown, &case.relevant, case.wanted, k)
            }));
        }
        self.owners.extend(cases.iter().map(|case| case.owner));
        self.kinds.extend(cases.iter().map(|case| (case.band, case.history)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Means and intervals, over all cases and by kind.
    pub(super) fn contest(&self, name: &str, question: &str, k: usize, seed: u64) -> Contest {
        let mut groups = Vec::new();
        groups.extend(self.group("all", |_| true, seed));
        for (band, name) in Band::ALL {
            groups.extend(self.group(name, |kind| kind.0 == band, seed));
        }
        for (history, name) in History::ALL {
            groups.extend(self.group(name, |kind| kind.1 == history, seed));
        }
        // A kind that all cases are of says nothing new.
        let all = self.owners.len();
        groups.retain(|group| group.name == "all" || group.cases < all);
        Contest { name: name.to_owned(), question: question.to_owned(), k, groups }
    }

    fn group(&self, name: &str, of_kind: impl Fn(&(Band, History)) -> bool, seed: u64) -> Option<Group> {
        let cases: Vec<usize> = (0..self.kinds.len()).filter(|&case| of_kind(&self.kinds[case])).collect();
        if cases.is_empty() {
            return None;
        }
        let owners: Vec<u32> = cases.iter().map(|&case| self.owners[case]).collect();
        let figures: Vec<Vec<&Figures>> =
            self.figures.iter().map(|figures| cases.iter().map(|&case| &figures[case]).collect()).collect();
        let means = Means::new(&figures, &owners, seed);
        let by_metric = |of: &dyn Fn(usize) -> Option<Estimate>| -> BTreeMap<String, Estimate> {
            METRICS.iter().enumerate().filter_map(|(at, name)| Some(((*name).to_owned(), of(at)?))).collect()
        };
        let standing = |(at, name): (usize, &&str)| Standing {
            contender: (*name).to_owned(),
            figures: by_metric(&|metric| Some(means.of(at, metric))),
            lead: by_metric(&|metric| (at > 0).then(|| means.lead(0, at, metric)).flatten()),
        };
        let mut distinct = owners.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Some(Group {
            name: name.to_owned(),
            cases: cases.len(),
            customers: distinct.len(),
            standings: self.names.iter().enumerate().map(standing).collect(),
        })
    }
}
