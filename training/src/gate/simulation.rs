//! How the tolerance was chosen. These are not tests; the first takes fifteen minutes on the whole of The Complete
//! Journey:
//!
//! ```sh
//! cargo test --workspace --lib gate::simulation::trainings -- --ignored --nocapture
//! cargo test --workspace --lib gate::simulation::tolerances -- --ignored --nocapture
//! ```
//!
//! The first trains models with the same settings and different seeds, and writes their results for each case of the
//! last 31 days. The second resamples the households, as if they were other shops, and applies the gate to two
//! trainings: equal ones, and ones of which the new one is truly worse, because it loses a share of its hits.

use std::path::PathBuf;
use trolley_model::figures::Estimate;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::NonInferiority;
use super::non_inferiority::shown;
use crate::config::TrainingConfig;
use crate::evaluation::{Leads, Questions, Sheets, complete_journey, evaluate, paired};
use crate::progress::Silent;
use crate::random::Random;

/// Number of trainings.
const TRAININGS: u64 = 5;

/// Number of simulated shops for each line of the table.
const SHOPS: u64 = 200;

/// The results of one training.
#[derive(Serialize, Deserialize)]
struct Answered {
    sheets: Sheets,
}

fn file(seed: u64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../target/gate-simulation/seed-{seed}.json"))
}

#[test]
#[ignore = "real trainings of a quarter of an hour, not a test"]
fn trainings() {
    let tables = complete_journey();
    std::fs::create_dir_all(file(1).parent().unwrap()).unwrap();
    for seed in 1..=TRAININGS {
        let config = TrainingConfig { seed, ..TrainingConfig::default() };
        let judged = evaluate(tables.view(), &config, &Silent).unwrap().unwrap();
        let test = judged.test..tables.transactions.baskets.len();
        // All trainings answer the cases of one seed.
        let questions = Questions::new([&judged.model; 2], tables.view(), test, 1).unwrap();
        let answered = Answered { sheets: questions.answers(0) };
        std::fs::write(file(seed), serde_json::to_vec(&answered).unwrap()).unwrap();
        println!("seed {seed}: {:?}", judged.evaluation.figures());
    }
}

/// The decision of the gate about a new training compared with an old one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Said {
    refused: bool,
    weak: bool,
}

#[test]
#[ignore = "a simulation of minutes, not a test"]
fn tolerances() {
    let answered: Vec<Sheets> = (1..=TRAININGS)
        .map(|seed| {
            let bytes = std::fs::read(file(seed)).expect("run the trainings first");
            serde_json::from_slice::<Answered>(&bytes).unwrap().sheets
        })
        .collect();
    let mut households: Vec<u32> =
        answered[0].iter().flat_map(|(_, sheet)| sheet.iter().map(|one| one.owner)).collect();
    households.sort_unstable();
    households.dedup();
    let questions: Vec<String> = answered[0].iter().take(5).map(|(name, _)| name.clone()).collect();
    println!("{} households, contests: {}", households.len(), questions.join(", "));
    println!(
        "new settings, households | half of the interval by contest, % | refused at a tolerance of 2, 3, 3.5, 4, 5 % | (of these weak)"
    );
    let all = households.len();
    for (drawn, worse, by) in [
        (all, Worse::InAll, 0.0),
        (all, Worse::InAll, 0.05),
        (all, Worse::InOne, 0.05),
        (1000, Worse::InAll, 0.0),
        (1000, Worse::InAll, 0.05),
        (414, Worse::InAll, 0.0),
        (414, Worse::InAll, 0.05),
        (414, Worse::InAll, 0.2),
    ] {
        let drawn_anew = |shop| leads(&answered, &households, (drawn, worse, by), shop);
        let shops: Vec<Vec<Estimate>> = (0..SHOPS).into_par_iter().map(drawn_anew).collect();
        let half = |benchmark: usize| {
            let all = shops.iter().filter_map(|leads| leads.get(benchmark)).map(|lead| lead.value - lead.low);
            all.sum::<f64>() / shops.len() as f64 * 100.0
        };
        let halves: Vec<String> = (0..questions.len()).map(|benchmark| format!("{:.2}", half(benchmark))).collect();
        let said = [0.02, 0.03, 0.035, 0.04, 0.05].map(|tolerance| {
            let all: Vec<Said> = shops.iter().map(|leads| asked(leads, tolerance)).collect();
            let share =
                |of: fn(&Said) -> bool| all.iter().filter(|said| of(said)).count() as f64 / SHOPS as f64 * 100.0;
            format!("{:.1} ({:.0})", share(|said| said.refused), share(|said| said.weak))
        });
        let what = match (worse, by) {
            (_, 0.0) => "equal".to_owned(),
            (Worse::InAll, by) => format!("{:.0} % worse in all", by * 100.0),
            (Worse::InOne, by) => format!("{:.0} % worse in one of the five", by * 100.0),
        };
        println!("{what}, {drawn} | {} | {}", halves.join(" "), said.join(" | "));
    }
}

/// The decision of the gate on all benchmarks together.
fn asked(leads: &[Estimate], tolerance: f64) -> Said {
    let found: Vec<NonInferiority> = leads.iter().map(|lead| shown(lead, tolerance)).collect();
    Said {
        refused: found.iter().any(|found| matches!(found, NonInferiority::NotShown | NonInferiority::Worse)),
        weak: found.contains(&NonInferiority::Weak),
    }
}

/// Where the new training is worse.
#[derive(Clone, Copy)]
enum Worse {
    InAll,
    /// One benchmark, a different one from shop to shop.
    InOne,
}

/// Draws a shop of this number of households with replacement, and two of the trainings. Returns the leads of one over
/// the other, as the gate computes them. The new training loses a share of its cases, in one benchmark or in all.
fn leads(answered: &[Sheets], households: &[u32], new: (usize, Worse, f64), shop: u64) -> Vec<Estimate> {
    let (drawn, worse, by) = new;
    let mut random = Random::new(shop, &[0x51]);
    let ours = random.below(answered.len());
    let theirs = (ours + 1 + random.below(answered.len() - 1)) % answered.len();
    let mut times = vec![0u32; households.len()];
    (0..drawn).for_each(|_| times[random.below(households.len())] += 1);
    let mut found = Vec::new();
    for (benchmark, _) in answered[0].iter().take(5).enumerate() {
        let is_worse = matches!(worse, Worse::InAll) || benchmark as u64 == shop % 5;
        let sheet = |of: usize, loses: f64, random: &mut Random| {
            let (name, answers) = &answered[of][benchmark];
            let mut sheet = Vec::new();
            for answer in answers {
                let household = households.binary_search(&answer.owner).unwrap();
                for again in 0..times[household] {
                    // A household that is drawn twice counts as two.
                    let mut copy = answer.of_other(household as u32 + again * households.len() as u32);
                    if f64::from(random.unit()) < loses {
                        copy.figures = [0.0; 3];
                    }
                    sheet.push(copy);
                }
            }
            (name.clone(), sheet)
        };
        let (name, new) = sheet(ours, if is_worse { by } else { 0.0 }, &mut random);
        let (_, old) = sheet(theirs, 0.0, &mut random);
        let all: Leads = paired(&name, &new, &old, shop);
        found.extend(all.get(&format!("{name}.ndcg")).map(|paired| paired.lead));
    }
    found
}
