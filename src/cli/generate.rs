use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use trolley_training::{Shop, ShopSize};

use super::progress::Bars;
use super::table::thousands;

/// Generate a synthetic shop to try things with
///
/// Writes the baskets of a made-up shop of any size. Item sales follow Zipf's law, customers have habits, and there are
/// planted pairs of complements and substitutes that a model should find (planted.csv).
///
/// Then run `trolley train --config FOLDER/shop.toml`.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Folder to create; it must not exist yet
    folder: PathBuf,
    /// Approximate number of lines of all baskets
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Number of items
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    items: u32,
    /// Number of customers
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Number of days from the first basket to the last
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    days: u16,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let folder = self.folder.display();
        if self.folder.exists() {
            bail!("{folder} already exists: name a new folder");
        }
        let size = ShopSize { lines: self.lines, items: self.items, customers: self.customers, days: self.days };
        let lines = Shop::new(size, self.seed).write(&self.folder, &Bars::new());
        let lines = lines.with_context(|| format!("the shop cannot be written to {folder}"))?;
        println!("{} lines are in {folder}; now: trolley train --config {folder}/shop.toml", thousands(lines));
        Ok(())
    }
}
