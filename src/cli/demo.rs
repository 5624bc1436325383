use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use trolley_model::artefact::ModelRegistry;
use trolley_model::{Item, Name};
use trolley_training::input::{self, InputConfig};
use trolley_training::{Accept, TrainingJob};

use super::last_offers::last_offers;
use super::progress::Bars;
use super::state::WithoutState;
use super::{clock, serve, state, summary, train};
use crate::config::Config;
use crate::live::{ItemQuery, Market, StateSync, label};

/// Train on a small real sample and serve the model
///
/// Needs nothing but the repository. Trains on the sample in tests/data (414 households of The Complete Journey over a
/// year), publishes the model to ./trolley-demo, serves it with the offers of the sample's last week, and prints a curl
/// command for each question.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address of the API
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of metrics, health and administration
    #[arg(long, default_value = "127.0.0.1:9090")]
    admin_listen: SocketAddr,
    /// Train only
    #[arg(long)]
    no_serve: bool,
}

const CONFIG: &str = include_str!("../../config/demo.toml");

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = Config::parse(CONFIG)?;
        config.server.listen = self.listen;
        config.server.admin_listen = self.admin_listen;
        let home = home()?;
        let reports = Config::parse(CONFIG)?;
        let registry = ModelRegistry::new(&config.models);
        let names: Vec<&Name> = config.markets.keys().collect();
        let erased = state::erased(&reports, &names, WithoutState::default())?;
        drop(names);
        for (market, input) in &mut config.markets {
            for path in [Some(&mut input.transactions), input.items.as_mut(), input.offers.as_mut()] {
                path.into_iter().for_each(|path| *path = home.join(&*path).display().to_string());
            }
            eprintln!("Learning from the sample in {} …", home.join("tests/data").display());
            let job = TrainingJob {
                erased: &|customer| erased[market].holds(customer),
                market,
                input,
                config: &config.training,
                registry: &registry,
                rejects: config.rejects.join(format!("{market}.csv")),
                now: clock::now()?,
                latest: clock::latest(),
                pushed: &[],
                threads: 0,
                accept: Accept::default(),
                force: false,
            };
            let outcome = trolley_training::train(&job, &Bars::new())?;
            train::report(&outcome, market, &reports)?;
            summary::print(&outcome, &job, &reports);
        }
        if self.no_serve {
            return Ok(());
        }
        serve::serve(&config, async |state_sync: &StateSync, listening| {
            for (name, input) in &config.markets {
                if let Err(error) = push_offers(state_sync, name, input).await {
                    eprintln!("the sample's offers cannot be read: {error:#}");
                }
            }
            for market in state_sync.markets().all().values() {
                print_commands(market, listening.api);
            }
        })
    }
}

/// The repository: the working directory, or the one where this binary was built.
fn home() -> anyhow::Result<PathBuf> {
    let places = [Path::new("."), Path::new(env!("CARGO_MANIFEST_DIR"))];
    match places.into_iter().find(|place| place.join("tests/data/transactions.parquet").is_file()) {
        Some(place) => Ok(place.to_owned()),
        None => bail!("the sample is not here: run `trolley demo` in the repository, where tests/data lies"),
    }
}

async fn push_offers(state_sync: &StateSync, name: &Name, input: &InputConfig) -> anyhow::Result<()> {
    let rows = input::read_offers(input, name.as_str(), &mut input::RowOutcomes::counted())?.rows;
    let market = state_sync.markets().get(name.as_str()).context("the market is gone")?;
    // The sample is from 2017, so its last offers are made valid at any time.
    state_sync.put_offers(&market, None, last_offers(rows, &input.columns.offers.numbers)).await?;
    Ok(())
}

/// Prints a curl command for each question, with IDs that the model knows.
fn print_commands(market: &Market, listen: SocketAddr) {
    let Some(snapshot) = market.snapshot() else { return };
    let model = snapshot.model();
    let customers = model.histories().customers();
    let busiest = model.histories().numbers().max_by_key(|&customer| model.profile(customer).baskets());
    let customer = busiest.map_or("anybody", |customer| customers.get(customer.0));
    // An item that is neither a staple nor rare is a better example than bananas.
    let item = (0..model.catalogue().bought())
        .map(Item)
        .find(|&item| model.catalogue().popularity(item) < 0.01 && model.catalogue().category(item).is_some());
    let Some(item) = item else { return };
    let query = [model.catalogue().id(item).to_owned()];
    let query = ItemQuery::of(&query, 1);
    let id = model.catalogue().id(item);
    let base = format!("http://{listen}/v1/markets/{}", market.name());
    println!("\nThe model is in service. Ask it (item {}; ctrl-c ends it):", label(model, item));
    println!("\n  # What else goes into the basket? For anybody, and for a customer with reasons");
    println!("  curl '{base}/items/{id}/bought-together'");
    println!("  curl '{base}/items/{id}/bought-together?customer={customer}&explain=true'");
    println!("\n  # It is out of stock: what instead? And again when the first of these is gone too");
    println!("  curl '{base}/items/{id}/alternatives?customer={customer}'");
    if let Some(first) = snapshot.alternatives(&query).first() {
        let update = format!("{{\"updates\": [{{\"item\": \"{}\", \"in_stock\": false, \"sequence\": 1}}]}}", first.id);
        println!("  curl -X PUT '{base}/stock' -H 'content-type: application/json' -d '{update}'");
    }
    println!("\n  # Which of this week's {} offers are for this customer?", snapshot.offers().len());
    println!("  curl '{base}/customers/{customer}/offers?limit=5'");
    println!("\nThe API is described at http://{listen}/openapi.json\n");
}
