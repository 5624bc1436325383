//! The configuration: one TOML file. Every value can also be set by an environment variable.
//!
//! `server.listen` is `TROLLEY_SERVER__LISTEN`: the prefix, then the path in upper case, with two underscores between
//! its parts. Relative paths start from the working directory. `config/reference.toml` shows every key with its
//! default.

mod baskets;
mod environment;
mod error;
mod policy;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};
use trolley_model::{MustMatch, Name};
#[cfg(feature = "training")]
use trolley_training::{InputConfig, TrainingConfig};

use environment::Environment;

pub use baskets::BasketsConfig;
pub use error::ConfigError;
pub use policy::Policy;

/// The whole configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the published models.
    pub models: PathBuf,
    /// Folder of the lists of rejected rows, one file per market.
    pub rejects: PathBuf,
    /// Folder of the reports about trained models.
    pub reports: PathBuf,
    /// Removal of old models.
    pub retention: RetentionConfig,
    /// The service.
    pub server: ServerConfig,
    /// Answers to bought together.
    pub bought_together: BoughtTogetherConfig,
    /// Pushed baskets.
    pub baskets: BasketsConfig,
    /// How models are trained, for all markets.
    #[cfg(feature = "training")]
    pub training: TrainingConfig,
    /// The markets: their tables, and what a model of them must reach.
    #[cfg(feature = "training")]
    pub markets: BTreeMap<Name, InputConfig>,
    /// Used by the trainer only.
    #[cfg(not(feature = "training"))]
    #[serde(skip_serializing)]
    pub training: serde::de::IgnoredAny,
    /// The known markets. Their tables are read by the trainer only.
    #[cfg(not(feature = "training"))]
    #[serde(skip_serializing)]
    pub markets: BTreeMap<Name, ServedMarket>,
}

/// The part of a market's config that the service uses.
#[cfg(not(feature = "training"))]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServedMarket {
    /// Sensitive kinds, which are not shown beside each other or not mentioned in reasons.
    pub sensitive: Option<trolley_model::Sensitive>,
    /// Attributes in which an alternative must equal the requested item.
    pub must_match: Vec<MustMatch>,
}

/// Removal of old models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Number of newest versions of a market to retain after each training, and the same number of those that did not
    /// pass their gate. The version in service, the one before it and those that the gate compares with always stay.
    pub keep: NonZeroUsize,
    /// Maximum number of days from an erasure to the removal of the models that contain the customer.
    pub erased_days: NonZeroU16,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { keep: const { NonZeroUsize::new(14).unwrap() }, erased_days: const { NonZeroU16::new(30).unwrap() } }
    }
}

/// Answers to bought together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoughtTogetherConfig {
    /// Number of places in an answer for items that the customer has never bought, unless the request sets `new`.
    pub new: usize,
}

/// The service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address of the API.
    pub listen: SocketAddr,
    /// Address of metrics, health and administration.
    pub admin_listen: SocketAddr,
    /// Whether administration is also on `listen`. Without keys, on a loopback address, it always is.
    pub admin_on_both: bool,
    /// Database of offers, stock, rules, events and erased customers: `sqlite:<file>`, created if it does not exist, or
    /// `postgres://…` for several replicas.
    pub state: String,
    /// File with a random key that is not in the database. It keys the hashes of erased customers and authenticates
    /// recommendation IDs. Created if it does not exist; by default beside the SQLite file of `state`.
    pub secret: Option<PathBuf>,
    /// Keys of the callers. Without keys, everyone who can reach the service may use it, so it only listens on a
    /// loopback address.
    pub keys: Vec<KeyConfig>,
    /// Interval between scans of the models folder for new models, in milliseconds.
    pub reload_milliseconds: u64,
    /// Maximum number of connections to the API; further ones are closed immediately.
    pub connections: usize,
    /// Requests that would queue longer than this get 503 immediately, in microseconds; 0 for no limit. While there is
    /// a standing queue, the limit is 5 ms at most.
    pub admission_microseconds: u64,
    /// Maximum number of items in all offers of a market together, an item being counted once per offer: every request
    /// for offers scores all of them.
    pub offer_items: usize,
    /// Time until an idle connection is closed, in seconds: longer than that of the proxy in front of the service.
    pub idle_seconds: NonZeroU32,
    /// Maximum time for a client to send the headers of a request, and without reading any of a response, in seconds.
    pub client_seconds: NonZeroU32,
    /// Maximum time for a request, including its body, in seconds.
    pub request_seconds: NonZeroU32,
    /// Maximum time for requests in flight when the service stops, in seconds.
    pub drain_seconds: NonZeroU32,
    /// Time from the signal to stop until connections are closed, in milliseconds, in which clients and proxies notice
    /// that the service is no longer ready.
    pub leaving_milliseconds: u64,
    /// Format of the log, which goes to standard error.
    pub log: LogForm,
    /// Enables TLS.
    pub tls: Option<TlsConfig>,
    /// Enables the exposure log.
    pub exposures: Option<ExposureConfig>,
}

/// The certificate, in PEM. When the files change, new connections use the new one within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The exposure log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureConfig {
    /// Folder of the files.
    pub folder: PathBuf,
    /// Size in MiB from which a file is closed.
    #[serde(default = "ExposureConfig::megabytes")]
    pub megabytes: u64,
    /// Maximum number of files; the oldest are removed.
    #[serde(default = "ExposureConfig::files")]
    pub files: usize,
}

impl ExposureConfig {
    fn megabytes() -> u64 {
        64
    }

    fn files() -> usize {
        100
    }
}

/// A key; `trolley key` creates one. To change a key, list both the old and the new one for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Name of the caller in the log of changes; by default the beginning of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The BLAKE3 hash of the key, hexadecimal.
    pub hash: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Markets that it may access; by default all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markets: Vec<Name>,
    /// Maximum number of events per day (UTC), counted by each process.
    #[serde(default = "KeyConfig::events_per_day")]
    pub events_per_day: NonZeroU32,
    /// Maximum number of requests per second, of which a large one counts as several; by default unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<NonZeroU32>,
}

impl KeyConfig {
    fn events_per_day() -> NonZeroU32 {
        const { NonZeroU32::new(1_000_000).unwrap() }
    }
}

/// Format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// Lines of text for people.
    #[default]
    Text,
    /// Lines of JSON for programs.
    Json,
}

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Recommendations for items and carts, and the offers for a customer.
    Recommend,
    /// The customers for whom an offer is relevant.
    Audience,
    /// Sending clicks, purchases and other responses to recommendations.
    Events,
    /// What customers have bought: reasons that reveal it, what they buy again, and why an item is not in a customer's
    /// answer.
    Customers,
    /// Pushing offers, stock, rules and baskets.
    Push,
    /// Choosing models, erasing customers and resetting stock.
    Admin,
    /// Scraping metrics.
    Metrics,
}

impl Scope {
    /// The name in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recommend => "recommend",
            Self::Audience => "audience",
            Self::Events => "events",
            Self::Customers => "customers",
            Self::Push => "push",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

impl ServerConfig {
    /// Refuses to open the service to the network without keys.
    ///
    /// # Errors
    /// [`ConfigError::Open`]
    pub fn check(&self) -> Result<(), ConfigError> {
        let outside = [("listen", self.listen), ("admin_listen", self.admin_listen)]
            .into_iter()
            .find(|(_, address)| self.keys.is_empty() && !address.ip().is_loopback());
        outside.map_or(Ok(()), |(key, address)| Err(ConfigError::Open { key, address }))
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 9090)),
            admin_on_both: false,
            state: "sqlite:trolley.sqlite".into(),
            secret: None,
            keys: Vec::new(),
            reload_milliseconds: 1000,
            connections: 10_000,
            admission_microseconds: 50_000,
            offer_items: 100_000,
            idle_seconds: const { NonZeroU32::new(75).unwrap() },
            client_seconds: const { NonZeroU32::new(20).unwrap() },
            request_seconds: const { NonZeroU32::new(30).unwrap() },
            drain_seconds: const { NonZeroU32::new(10).unwrap() },
            leaving_milliseconds: 1000,
            log: LogForm::Text,
            tls: None,
            exposures: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            models: "models".into(),
            rejects: "rejects".into(),
            reports: "reports".into(),
            retention: RetentionConfig::default(),
            server: ServerConfig::default(),
            bought_together: BoughtTogetherConfig::default(),
            baskets: BasketsConfig::default(),
            #[cfg(feature = "training")]
            training: TrainingConfig::default(),
            #[cfg(not(feature = "training"))]
            training: serde::de::IgnoredAny,
            markets: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads a file and the environment, which takes precedence.
    ///
    /// # Errors
    /// If the file can't be read, a key is unknown or a value is not valid.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        if !file.is_file() {
            return Err(ConfigError::NoFile(file.to_owned()));
        }
        Self::extract(&Figment::from(Toml::file_exact(file)))
    }

    /// Like [`Config::read`], from a text instead of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::extract(&Figment::from(Toml::string(text)))
    }

    /// The defaults and the environment.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::extract(&Figment::new())
    }

    fn extract(figment: &Figment) -> Result<Self, ConfigError> {
        Environment::of_process().over(figment).map_err(|e| ConfigError::Invalid(error::words(*e)))
    }

    /// The known markets, each with its policy for answers.
    ///
    /// # Errors
    /// If a sensitive kind has no categories, or `must_match` names no attribute.
    pub fn policies(&self) -> Result<BTreeMap<Name, Policy>, ConfigError> {
        let of_market = |(name, market): (&Name, _)| {
            let policy = Policy { baskets: self.baskets.clone(), ..policy_of(market) };
            let invalid = |why: &dyn std::fmt::Display| ConfigError::Invalid(format!("markets.{name}.{why}"));
            policy.sensitive.check().map_err(|why| invalid(&format_args!("sensitive: {why}")))?;
            policy.must_match.iter().try_for_each(MustMatch::check).map_err(|why| invalid(&why))?;
            Ok((name.clone(), policy))
        };
        self.markets.iter().map(of_market).collect()
    }

    /// The policy of markets that the config does not name.
    pub fn policy_of_others(&self) -> Policy {
        Policy { baskets: self.baskets.clone(), ..Policy::default() }
    }

    /// Path of the report about a version.
    pub fn report_of(&self, market: &Name, version: &Name, kind: &str) -> PathBuf {
        self.reports.join(market).join(format!("{version}.{kind}"))
    }

    /// Path of the list of a market's rejected rows.
    pub fn rejects_of(&self, market: &Name) -> PathBuf {
        self.rejects.join(format!("{market}.csv"))
    }
}

#[cfg(feature = "training")]
fn policy_of(market: &InputConfig) -> Policy {
    let (sensitive, must_match) = (market.sensitive.clone().unwrap_or_default(), market.must_match.clone());
    Policy { sensitive, must_match, ..Policy::default() }
}

#[cfg(not(feature = "training"))]
fn policy_of(market: &ServedMarket) -> Policy {
    let (sensitive, must_match) = (market.sensitive.clone().unwrap_or_default(), market.must_match.clone());
    Policy { sensitive, must_match, ..Policy::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        let error = Config::parse("[server]\nlisten_admin = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("`server.listen_admin`"), "{error}");
        let error = Config::parse("[server]\nlistn = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("`server.listn`") && error.contains("did you mean `listen`?"), "{error}");
    }

    #[cfg(feature = "training")]
    #[test]
    fn a_key_deep_inside_is_named_with_its_path() {
        let text = "[markets.us]\ntransactions = \"t.csv\"\n[markets.us.columns.transactions]\ncustomer = \"c\"";
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains("`markets.us.columns.transactions.customer`"), "{error}");
        assert!(error.contains("did you mean `customer_id`?"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        let error = Config::parse("[server]\nlisten = \"everywhere\"").unwrap_err().to_string();
        assert!(error.contains("server.listen"), "{error}");
    }

    #[test]
    fn a_market_must_have_a_name_that_can_be_a_folder() {
        let error = Config::parse("[markets.\"../us\"]\ntransactions = \"t.csv\"").unwrap_err().to_string();
        assert!(error.contains("not a valid name"), "{error}");
    }

    #[cfg(feature = "training")]
    #[test]
    fn the_reference_shows_every_key_with_its_default() {
        let mut reference = Config::parse(include_str!("../../config/reference.toml")).unwrap();
        let example = reference.markets.remove("example").unwrap();
        let as_json = |config: &Config| serde_json::to_value(config).unwrap();
        assert_eq!(as_json(&reference), as_json(&Config::default()));
        // Optional keys of a market have no default: they must at least be there.
        let example = serde_json::to_value(example).unwrap();
        for (table, keys) in [("transactions", 8), ("items", 5), ("offers", 6)] {
            assert_eq!(example["columns"][table].as_object().unwrap().len(), keys, "{table}");
        }
        assert_eq!(example.as_object().unwrap().len(), 15);
        assert_eq!(example["sensitive"].as_object().unwrap().len(), 5);
        assert_eq!(example["csv"].as_object().unwrap().len(), 3);
        assert_eq!(example["gate"].as_object().unwrap().len(), 8);
    }

    #[cfg(feature = "training")]
    #[test]
    fn the_configs_that_come_along_are_valid() {
        for text in [include_str!("../../config/demo.toml"), include_str!("../../config/complete-journey.toml")] {
            assert_eq!(Config::parse(text).unwrap().markets.len(), 1);
        }
    }
}
