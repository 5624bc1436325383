use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::Prefer;

use super::table::Table;
use super::{ConfigFile, state};
use crate::config::Config;
use crate::live::{Explain, ItemQuery, Offer, Policy, PriceOptions, PushedState, Snapshot, Stock, Why};

/// Query a model without a server
///
/// Answers with a table of names and reasons. The model is the one in service, or the given
/// version.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trolley recommend bought-together 1082185 --market us
  trolley recommend bought-together 1082185 981760 --market us --customer 1608 --reasons
  trolley recommend alternatives 1082185 --market us --out-of-stock 995242 --prefer cheaper
  trolley recommend buy-again 1608 --market us --limit 20
  trolley recommend offers 1608 --market us --limit 20 --csv")]
pub(super) struct Recommend {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Recommend what is bought together with these items
    BoughtTogether {
        /// The items in the basket
        #[arg(required = true)]
        items: Vec<String>,
        /// The customer whose basket it is; by default anonymous
        #[arg(long)]
        customer: Option<String>,
        /// Leave out items that the customer has bought before
        #[arg(long)]
        no_repeats: bool,
        #[command(flatten)]
        options: ItemOptions,
    },
    /// Recommend alternatives to an item that is out of stock
    Alternatives {
        /// The item that is out of stock
        item: String,
        /// The customer who wants it; by default anonymous
        #[arg(long)]
        customer: Option<String>,
        /// Show first what is cheaper, or what costs about the same, per litre, kilogram or piece
        #[arg(long)]
        prefer: Option<First>,
        /// Show only alternatives whose price differs by at most this share: 0.25 for a quarter
        #[arg(long, value_name = "SHARE")]
        price_band: Option<f32>,
        #[command(flatten)]
        options: ItemOptions,
    },
    /// List what a customer will buy next of what they have bought before
    BuyAgain {
        /// The customer
        customer: String,
        #[command(flatten)]
        options: ItemOptions,
    },
    /// List what a customer has never bought and is likely to buy
    NewForYou {
        /// The customer
        customer: String,
        /// Maximum number of items of a category
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=200))]
        per_category: u16,
        #[command(flatten)]
        options: ItemOptions,
    },
    #[cfg(feature = "training")]
    /// Recommend offers to a customer, of those in the config's offers table that were valid last
    Offers {
        /// The customer
        customer: String,
        #[command(flatten)]
        options: ItemOptions,
    },
}

/// Which alternatives come first.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum First {
    Cheaper,
    SamePrice,
}

impl First {
    fn prefer(self) -> Prefer {
        match self {
            Self::Cheaper => Prefer::Cheaper,
            Self::SamePrice => Prefer::SamePrice,
        }
    }
}

/// The arguments of all questions.
#[derive(Debug, Args)]
struct ItemOptions {
    #[command(flatten)]
    config: ConfigFile,
    /// The market; required if there are several
    #[arg(long)]
    market: Option<Name>,
    /// The version; by default the one in service
    #[arg(long)]
    version: Option<Name>,
    /// The store where the customer shops; by default the whole market
    #[arg(long)]
    store: Option<String>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// An item that is out of stock; may be repeated
    #[arg(long, value_name = "ITEM")]
    out_of_stock: Vec<String>,
    /// Show all reasons and the parts of the score, not only the first reason
    #[arg(long)]
    reasons: bool,
    /// Print CSV instead of a table
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    state: state::WithoutState,
}

impl Recommend {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.question {
            Question::BoughtTogether { items, customer, no_repeats, options } => {
                let snapshot = options.open()?;
                let query = options.query(&items, customer.as_deref(), !no_repeats);
                let found = snapshot.bought_together(&query);
                options.print(&snapshot, found.into_iter().map(|a| (None, a.id, a.score, a.tier.name(), a.why)));
            }
            Question::Alternatives { item, customer, prefer, price_band, options } => {
                let snapshot = options.open()?;
                let items = [item];
                let price = PriceOptions { prefer: prefer.map(First::prefer), band: price_band };
                let query = ItemQuery { price, ..options.query(&items, customer.as_deref(), true) };
                let found = snapshot.alternatives(&query);
                options.print(&snapshot, found.into_iter().map(|a| (None, a.id, a.score, a.tier.name(), a.why)));
            }
            Question::BuyAgain { customer, options } => {
                let snapshot = options.open()?;
                let found = snapshot.buy_again(&options.query(&[], Some(&customer), true));
                let rows = found.into_iter().map(|due| due.answer);
                options.print(&snapshot, rows.map(|a| (None, a.id, a.score, a.tier.name(), a.why)));
            }
            Question::NewForYou { customer, per_category, options } => {
                let snapshot = options.open()?;
                let found =
                    snapshot.new_for_you(&options.query(&[], Some(&customer), false), usize::from(per_category));
                options.print(&snapshot, found.into_iter().map(|a| (None, a.id, a.score, a.tier.name(), a.why)));
            }
            #[cfg(feature = "training")]
            Question::Offers { customer, options } => {
                let (snapshot, now) = (options.open_with_offers()?, chrono::Utc::now());
                let query = crate::live::OfferQuery::of(&customer, usize::from(options.limit), Explain::Full);
                let query = crate::live::OfferQuery { store: options.store.as_deref(), ..query };
                let found = snapshot.offers_for(&query, now).0;
                let rows = found.into_iter().map(|a| (Some(a.id.into_owned()), a.item, a.score, a.tier.name(), a.why));
                options.print(&snapshot, rows);
            }
        }
        Ok(())
    }
}

/// Offer, item, score, tier and reasons.
type Row<'a> = (Option<String>, &'a str, f32, &'static str, Option<Why>);

impl ItemOptions {
    fn open(&self) -> anyhow::Result<Snapshot> {
        self.open_with(|_, _| Ok(Vec::new()))
    }

    #[cfg(feature = "training")]
    fn open_with_offers(&self) -> anyhow::Result<Snapshot> {
        use anyhow::Context;
        use trolley_training::input::{self};
        let offers = |config: &Config, market: &Name| {
            let table = config.markets.get(market).filter(|input| input.offers.is_some());
            let table = table.with_context(|| format!("the config has no `offers` table for market `{market}`"))?;
            let rows = input::read_offers(table, market.as_str(), &mut input::RowOutcomes::counted())?.rows;
            Ok(super::last_offers::last_offers(rows, &table.columns.offers.numbers))
        };
        self.open_with(offers)
    }

    fn open_with(&self, offers: impl FnOnce(&Config, &Name) -> anyhow::Result<Vec<Offer>>) -> anyhow::Result<Snapshot> {
        let config = self.config.read()?;
        let registry = ModelRegistry::new(&config.models);
        let markets = registry.markets()?;
        let market = match (&self.market, &markets[..]) {
            (Some(market), _) => market.clone(),
            (None, [only]) => only.clone(),
            (None, []) => bail!("no model is published in {}: run `trolley train` first", registry.path().display()),
            (None, many) => {
                bail!("which market? --market takes one of {:?}", many.iter().map(Name::as_str).collect::<Vec<_>>())
            }
        };
        let version = self.version.clone().map_or_else(|| registry.current(&market), Ok)?;
        let opened = registry.open(&market, &version)?;
        let mut stock = Stock::default();
        for item in &self.out_of_stock {
            stock.update(&crate::live::StockUpdate { item: item.clone(), store: None, in_stock: false, sequence: 0 });
        }
        let offers = offers(&config, &market)?;
        let mut pushed = PushedState::new(offers, stock);
        let Policy { sensitive, must_match, .. } = config.policies()?.remove(&market).unwrap_or_default();
        (pushed.sensitive, pushed.must_match) = (Arc::new(sensitive), Arc::new(must_match));
        pushed.erased = Arc::new(state::erased(&config, &[&market], self.state)?[&market].pushed());
        pushed.baskets.load(&state::baskets(&config, &market, self.state)?, |_| false);
        Ok(Snapshot::new(opened, &pushed))
    }

    fn query<'a>(&'a self, items: &'a [String], customer: Option<&'a str>, repeats: bool) -> ItemQuery<'a> {
        let (store, limit) = (self.store.as_deref(), usize::from(self.limit));
        ItemQuery { customer, store, repeats, explain: Explain::Full, ..ItemQuery::of(items, limit) }
    }

    fn print<'a>(&self, snapshot: &Snapshot, rows: impl Iterator<Item = Row<'a>>) {
        let catalogue = snapshot.model().catalogue();
        let mut table: Option<Table> = None;
        for (rank, (offer, item, score, tier, why)) in rows.enumerate() {
            let header: &[&str] = match offer {
                Some(_) => &["rank", "offer", "item", "name", "score", "tier", "why"],
                None => &["rank", "item", "name", "score", "tier", "why"],
            };
            let name = catalogue.position(item).and_then(|item| catalogue.name(item));
            let mut cells = vec![(rank + 1).to_string()];
            cells.extend(offer);
            cells.extend([
                item.to_owned(),
                name.unwrap_or_default().to_owned(),
                format!("{score:.3}"),
                tier.to_owned(),
            ]);
            cells.push(self.why(&why.unwrap_or_default()));
            table.get_or_insert_with(|| Table::new(header)).row(cells);
        }
        match table {
            Some(table) => table.print(self.csv),
            None => eprintln!("nothing can be recommended: no item is in stock, or no offer is valid"),
        }
    }

    /// The first reason or, with `--reasons`, all of them and the parts of the score.
    fn why(&self, why: &Why) -> String {
        let mut reasons = why.reasons.iter().map(|reason| reason.text.clone());
        if !self.reasons {
            return reasons.next().unwrap_or_default();
        }
        let parts = why.parts.iter().map(|part| format!("{} {:+.2}", part.signal, part.share));
        reasons.chain(parts).collect::<Vec<_>>().join("; ")
    }
}
