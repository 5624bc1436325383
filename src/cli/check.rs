use clap::Args;
use trolley_model::Name;
use trolley_training::input;

use super::ConfigFile;
use super::progress::Bars;
use super::table::thousands;
use super::train::{latest, markets};

/// Read the config and the tables, and say what was found
///
/// Trains nothing. For each market: the files with their columns, the rows read and rejected by reason, and what is
/// left of them.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        for (market, input) in markets(&config, self.market.as_ref())? {
            println!("market {market}");
            let tables = [
                ("transactions", Some(&input.transactions)),
                ("items", input.items.as_ref()),
                ("offers", input.offers.as_ref()),
            ];
            for (table, pattern) in tables {
                let Some(pattern) = pattern else { continue };
                for (path, columns) in input::columns(pattern)? {
                    println!("  {table:12} {}: {}", path.display(), columns.join(", "));
                }
            }
            let rejects = config.rejects_of(market);
            let tables = trolley_training::read(market, input, &rejects, latest(), &Bars::new())?;
            let transactions = &tables.transactions;
            let count = |what: &str, number: u64| println!("  {what:12} {}", thousands(number));
            count("rows", transactions.read);
            let mut none = true;
            for table in ["transactions", "items", "offers"] {
                for (reason, rows) in tables.rejects.counts(table) {
                    println!("    rejected   {} × {reason} ({table})", thousands(rows));
                    none = false;
                }
            }
            if !none {
                println!("    listed in  {}", rejects.display());
            }
            for (what, rows) in [
                ("other markets", transactions.other_markets),
                ("excluded", transactions.excluded),
                ("repeated in their basket", transactions.repeated),
            ] {
                if rows > 0 {
                    println!("    left out   {} × {what}", thousands(rows));
                }
            }
            count("lines", transactions.lines.len() as u64);
            count("baskets", transactions.baskets.len() as u64);
            if transactions.merged > 0 {
                let merged = thousands(transactions.merged);
                println!(
                    "    doubtful   {merged} × of several customers, or of more than a day: is basket_id used again?"
                );
            }
            count("items", transactions.items.len() as u64);
            count("customers", transactions.customers.len() as u64);
            count("items table", tables.items.len() as u64);
            count("offers", tables.offers.len() as u64);
            match trolley_training::judgeable(&tables.transactions, &config.training.evaluation) {
                Ok(()) => println!("  {:12} yes, on the last {} days", "judged", config.training.evaluation.test_days),
                Err(why) => println!("  NOT JUDGED   a model of these tables would not be judged: {why}"),
            }
            tables.judge(input.max_rejected)?;
        }
        Ok(())
    }
}
