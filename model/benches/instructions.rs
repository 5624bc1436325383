//! Runs one hot kernel a given number of times, so that `scripts/instructions.py` can count its instructions.
//!
//! `instructions KERNEL TIMES`; without arguments it prints the names of all kernels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;

use trolley_model::kernel::{LANES, add_errors, add_products, add_scaled, dot, dots, logs, sigmoids, transpose};
use trolley_model::{Blend, Item, Scorer, Tree};

/// A basket of ten items with 32 negatives, and vectors of 64 floats.
const ROWS: usize = 10;
const COLUMNS: usize = ROWS + 32;
const WIDTH: usize = 64 / LANES;
/// Number of candidates of an answer.
const CANDIDATES: usize = 400;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|at| ((at * 37 % 101) as f32 - 50.0) / 100.0).collect()
}

fn rows(n: usize) -> Vec<[f32; LANES]> {
    numbers(n * WIDTH * LANES).as_chunks().0.to_vec()
}

fn scorer() -> Scorer {
    let names = ["lately", "popularity", "purchases", "taste", "habit"];
    let tree = |at: usize| Tree {
        signals: [0, 1, 2].map(|split| names[(at + split) % names.len()].to_owned()),
        from: [0.1, -0.2, 0.3],
        adds: [0.1, -0.1, 0.2, -0.2],
    };
    let blend = Blend { trees: (0..200).map(tree).collect(), ..Blend::straight(&names.map(|name| (name, 0.5))) };
    Scorer::new(&blend, &[], &[]).unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [kernel, times] = &arguments[..] else {
        println!("dot add_scaled transpose add_products dots add_errors sigmoids logs score");
        return;
    };
    let (others, mut sums) = (rows(COLUMNS), rows(ROWS));
    let mut turned = vec![[0.0; LANES]; WIDTH * LANES * COLUMNS.div_ceil(LANES)];
    let (vector, mut other, mut weights) = (numbers(64), numbers(64), numbers(ROWS * COLUMNS));
    let (scorer, mut columns) = (scorer(), vec![0.5; 5 * CANDIDATES]);
    let (table, scattered) =
        (numbers(64 * CANDIDATES), (0..CANDIDATES as u32).map(|at| at * 7 % 400).collect::<Vec<_>>());
    let items: Vec<Item> = scattered.iter().copied().map(Item).collect();
    for _ in 0..times.parse().unwrap() {
        match kernel.as_str() {
            "dot" => drop(black_box(dot(black_box(&vector), black_box(&other)))),
            "add_scaled" => add_scaled(black_box(&mut other), 0.001, black_box(&vector)),
            "transpose" => transpose(black_box(&others), WIDTH, black_box(&mut turned)),
            "add_products" => add_products(black_box(&mut sums), black_box(&weights), black_box(&others), WIDTH),
            "dots" => dots(black_box(&table), &items, black_box(&vector), black_box(&mut columns[..CANDIDATES])),
            "add_errors" => add_errors(black_box(&table), &scattered, &columns, 1.0, black_box(&vector), &mut other),
            "logs" => logs(black_box(&mut columns[..CANDIDATES]), 100.0),
            "sigmoids" => sigmoids(black_box(&mut weights)),
            "score" => drop(black_box(scorer.score(black_box(&columns), CANDIDATES))),
            _ => panic!("there is no kernel `{kernel}`"),
        }
    }
}
