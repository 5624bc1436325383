//! The configuration: one TOML file, every value of which can also be set by an environment variable.
//!
//! `server.listen` is `TROLLEY_SERVER__LISTEN`: the prefix, then the path in capitals, two underscores between its
//! parts. Relative paths start from the working directory. `config/reference.toml` shows every key with its default.

mod environment;
mod error;
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

use crate::live::Policy;
pub use error::ConfigError;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder where artefacts are published and found.
    pub models: PathBuf,
    /// The folder for the lists of rejected rows, one file per market.
    pub rejects: PathBuf,
    /// Where the reports about trained models go.
    pub reports: PathBuf,
    /// How long models stay.
    pub retention: RetentionConfig,
    /// The service.
    pub server: ServerConfig,
    /// Answers about what is bought together.
    pub bought_together: BoughtTogetherConfig,
    /// How models are trained, for all markets.
    #[cfg(feature = "training")]
    pub training: TrainingConfig,
    /// The tables of each market.
    #[cfg(feature = "training")]
    pub markets: BTreeMap<Name, InputConfig>,
    /// Read by the trainer only.
    #[cfg(not(feature = "training"))]
    #[serde(skip_serializing)]
    pub training: serde::de::IgnoredAny,
    /// The known markets; their tables are read by the trainer only.
    #[cfg(not(feature = "training"))]
    #[serde(skip_serializing)]
    pub markets: BTreeMap<Name, ServedMarket>,
}

/// What the service reads of a market.
#[cfg(not(feature = "training"))]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServedMarket {
    /// Kinds of things that are not shown beside each other, or not spoken of.
    pub sensitive: Option<trolley_model::Sensitive>,
    /// In which attributes alternatives must be the same.
    pub must_match: Vec<MustMatch>,
}

/// How long models stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// After each training the newest so many versions of a market are kept, and as many of those that did not pass their
    /// gate. The one in service, the one before it and those that the gate compares with stay in any case.
    pub keep: NonZeroUsize,
    /// A model that holds a customer who was erased is removed so many days later at the latest.
    pub erased_days: NonZeroU16,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { keep: const { NonZeroUsize::new(14).unwrap() }, erased_days: const { NonZeroU16::new(30).unwrap() } }
    }
}

/// Answers about what is bought together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoughtTogetherConfig {
    /// So many places of an answer go to what the customer has never bought, if the request does not say.
    pub new: usize,
}

/// The service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where metrics, health and administration listen.
    pub admin_listen: SocketAddr,
    /// Whether administration is on `listen` too. Without keys, on this machine alone, it always is.
    pub admin_on_both: bool,
    /// The database of offers, stock, rules and erased customers: `sqlite:<file>`, created if it is not there, or
    /// `postgres://…` for several replicas.
    pub state: String,
    /// A file with a random key that is not in the database: customers who were erased are remembered, and the IDs of answers
    /// made, with it. Created if it is not there; beside the SQLite file of `state` if not said.
    pub secret: Option<PathBuf>,
    /// Who may ask. Without keys everybody who reaches the service may, and it only listens on a loopback address.
    pub keys: Vec<KeyConfig>,
    /// How often the models folder is looked at for new models, in milliseconds.
    pub reload_milliseconds: u64,
    /// Connections to the API at a time; more are closed at once.
    pub connections: usize,
    /// A question that would wait longer than this for its turn is refused with 503 at once, in microseconds; 0 refuses
    /// none. While the queue stands, the limit is 5 ms.
    pub admission_microseconds: u64,
    /// How many items the offers of a market may have together, each counted as often as it is on offer: every question
    /// about offers looks at all of them.
    pub offer_items: usize,
    /// How long an idle connection is kept, in seconds: longer than whoever stands before the service keeps it.
    pub idle_seconds: NonZeroU32,
    /// How long a client may take to send a request's headers, and to take what it is sent, in seconds.
    pub client_seconds: NonZeroU32,
    /// How long a request may take, its body included, in seconds.
    pub request_seconds: NonZeroU32,
    /// How long what is in flight may take to its end when the service stops, in seconds.
    pub drain_seconds: NonZeroU32,
    /// From the signal to stop until connections are closed, in milliseconds: time for whoever sends requests to see
    /// that the service is not ready any more.
    pub leaving_milliseconds: u64,
    /// How the log is written, to standard error.
    pub log: LogForm,
    /// With it the service speaks TLS.
    pub tls: Option<TlsConfig>,
    /// With it, what was shown is written down.
    pub exposures: Option<ExposureConfig>,
}

/// The certificate, in PEM. When the files change, the new one is used within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The log of what was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureConfig {
    /// The folder for the files.
    pub folder: PathBuf,
    /// A file is closed when it has so many megabytes.
    #[serde(default = "ExposureConfig::megabytes")]
    pub megabytes: u64,
    /// The oldest files are removed when there are more.
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

/// A key: `trolley key` makes one. To change a key, have both the old and the new one here for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Whose it is, for the log of changes; the beginning of its hash, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The BLAKE3 hash of the key, hexadecimal.
    pub hash: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// The markets that it opens; all, if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markets: Vec<Name>,
    /// Events that it may send in a day (UTC), as each process counts them.
    #[serde(default = "KeyConfig::events_per_day")]
    pub events_per_day: NonZeroU32,
    /// Requests per second at the most, a large one counting as several; as many as there are, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<NonZeroU32>,
}

impl KeyConfig {
    fn events_per_day() -> NonZeroU32 {
        const { NonZeroU32::new(1_000_000).unwrap() }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// A line of text for people.
    #[default]
    Text,
    /// A line of JSON for programs.
    Json,
}

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Questions about items, and the offers of a customer.
    Recommend,
    /// The customers whom an offer is for.
    Audience,
    /// What customers clicked and bought of what they were shown.
    Events,
    /// What customers have bought: reasons that tell it, and why an item is not in a customer's answer.
    Customers,
    /// Offers, stock and rules.
    Push,
    /// Models, and which is in service.
    Admin,
    /// Metrics.
    Metrics,
}

impl Scope {
    /// As the config has it.
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
            #[cfg(feature = "training")]
            training: TrainingConfig::default(),
            #[cfg(not(feature = "training"))]
            training: serde::de::IgnoredAny,
            markets: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads a file and the environment, which wins.
    ///
    /// # Errors
    /// If the file can't be read, a key is not known or a value is not valid.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        if !file.is_file() {
            return Err(ConfigError::NoFile(file.to_owned()));
        }
        Self::extract(&Figment::from(Toml::file_exact(file)))
    }

    /// Reads a text instead of a file, and the environment.
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

    /// The known markets, each with what the config says of its answers.
    ///
    /// # Errors
    /// If a kind is named that has no categories, or nothing that must match.
    pub fn policies(&self) -> Result<BTreeMap<Name, Policy>, ConfigError> {
        let of_market = |(name, market): (&Name, _)| {
            let policy = policy_of(market);
            let invalid = |why: String| ConfigError::Invalid(format!("markets.{name}.{why}"));
            policy.sensitive.check().map_err(|why| invalid(format!("sensitive: {why}")))?;
            policy.must_match.iter().try_for_each(MustMatch::check).map_err(invalid)?;
            Ok((name.clone(), policy))
        };
        self.markets.iter().map(of_market).collect()
    }

    /// The file of a report about a version.
    pub fn report_of(&self, market: &Name, version: &Name, kind: &str) -> PathBuf {
        self.reports.join(market).join(format!("{version}.{kind}"))
    }

    /// The file of a market's rejected rows.
    pub fn rejects_of(&self, market: &Name) -> PathBuf {
        self.rejects.join(format!("{market}.csv"))
    }
}

#[cfg(feature = "training")]
fn policy_of(market: &InputConfig) -> Policy {
    Policy { sensitive: market.sensitive.clone().unwrap_or_default(), must_match: market.must_match.clone() }
}

#[cfg(not(feature = "training"))]
fn policy_of(market: &ServedMarket) -> Policy {
    Policy { sensitive: market.sensitive.clone().unwrap_or_default(), must_match: market.must_match.clone() }
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
        // Of the market, whose optional keys have no default, every key must at least be there.
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
