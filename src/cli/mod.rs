//! The command line: one file per command.

#[cfg(feature = "training")]
mod check;
#[cfg(feature = "training")]
mod clock;
#[cfg(feature = "training")]
mod compare;
#[cfg(feature = "training")]
mod demo;
#[cfg(feature = "training")]
mod evaluate;
#[cfg(feature = "training")]
mod generate;
mod key;
#[cfg(feature = "training")]
mod last_offers;
#[cfg(feature = "training")]
mod look;
#[cfg(feature = "training")]
mod market_outcome;
mod models;
#[cfg(feature = "training")]
mod parallel_markets;
#[cfg(feature = "training")]
mod progress;
mod recommend;
mod serve;
mod state;
#[cfg(feature = "training")]
mod summary;
mod table;
#[cfg(feature = "training")]
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::output;

/// A recommender for shops that sell baskets: what is bought together, what can replace an item, and which offers are
/// relevant for a customer. It learns from the shop's own transactions and answers over HTTP.
#[derive(Debug, Parser)]
#[command(
    name = "trolley",
    version,
    arg_required_else_help = true,
    after_help = "\
Begin with:
  trolley demo                                  a model of a small real sample, served on 127.0.0.1:8080
Then, with a config file for your own tables (config/reference.toml explains every key):
  trolley check --config shop.toml              what is read and what is rejected, before anything is trained
  trolley train --config shop.toml              learn and publish a model for each market
  trolley compare A.toml B.toml                 two ways to train beside each other, before either is in service
  trolley serve --config shop.toml              answer over HTTP; a newly published model is picked up by itself
Every key of the config can also be set as an environment variable: server.listen is TROLLEY_SERVER__LISTEN."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "training")]
    Demo(demo::Demo),
    #[cfg(feature = "training")]
    Check(check::Check),
    #[cfg(feature = "training")]
    Train(train::Train),
    #[cfg(feature = "training")]
    Evaluate(evaluate::Evaluate),
    #[cfg(feature = "training")]
    Compare(compare::Compare),
    #[cfg(feature = "training")]
    Generate(generate::Generate),
    Serve(serve::Serve),
    Recommend(recommend::Recommend),
    Models(models::Models),
    Key(key::Key),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The config file; by default trolley.toml if it exists, otherwise defaults and environment variables
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl ConfigFile {
    fn read(&self) -> Result<Config, ConfigError> {
        let default = PathBuf::from("trolley.toml");
        match &self.config {
            Some(file) => Config::read(file),
            None if default.is_file() => Config::read(&default),
            None => Config::from_environment(),
        }
    }
}

impl Cli {
    /// Runs the command, and prints an error on standard error.
    pub fn main(self) -> ExitCode {
        let done = self.run().and_then(|()| output::finish().context("standard output cannot be written"));
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Any error, in words for the user.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            #[cfg(feature = "training")]
            Command::Demo(demo) => demo.run(),
            #[cfg(feature = "training")]
            Command::Check(check) => check.run(),
            #[cfg(feature = "training")]
            Command::Train(train) => train.run(),
            #[cfg(feature = "training")]
            Command::Evaluate(evaluate) => evaluate.run(),
            #[cfg(feature = "training")]
            Command::Compare(compare) => compare.run(),
            #[cfg(feature = "training")]
            Command::Generate(generate) => generate.run(),
            Command::Serve(serve) => serve.run(),
            Command::Recommend(recommend) => recommend.run(),
            Command::Models(models) => models.run(),
            Command::Key(key) => {
                key.run();
                Ok(())
            }
        }
    }
}
