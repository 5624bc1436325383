use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use trolley_training::{Shop, ShopSize};

use super::progress::Bars;
use super::table::thousands;

/// Make up a shop to try things with
///
/// Writes the baskets of a shop that does not exist, of any size: items that sell by Zipf's law, customers with habits,
/// and pairs of complements and substitutes that are planted (planted.csv) and should be found. `trolley train --config
/// FOLDER/shop.toml` learns from it.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Where it goes: a folder that does not exist yet
    folder: PathBuf,
    /// Lines of all baskets, about
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Items
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    items: u32,
    /// Customers
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Days from the first basket to the last
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    days: u16,
    /// All randomness follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let folder = self.folder.display();
        if self.folder.exists() {
            bail!("{folder} is there already: name a folder that is not");
        }
        let size = ShopSize { lines: self.lines, items: self.items, customers: self.customers, days: self.days };
        let lines = Shop::new(size, self.seed).write(&self.folder, &Bars::new());
        let lines = lines.with_context(|| format!("the shop cannot be written to {folder}"))?;
        println!("{} lines are in {folder}; now: trolley train --config {folder}/shop.toml", thousands(lines));
        Ok(())
    }
}
