use clap::Args;
use uuid::Uuid;

/// Create an API key
///
/// Prints a new random key for the caller, and the lines for the config, which contain only its hash. The key itself is
/// not stored.
#[derive(Debug, Args)]
pub(super) struct Key {
    /// What the key allows, separated by commas (docs/security.md)
    #[arg(long, value_delimiter = ',', default_value = "recommend")]
    scopes: Vec<crate::config::Scope>,
    /// Markets that the key may access, separated by commas; by default all
    #[arg(long, value_delimiter = ',')]
    markets: Vec<String>,
    /// Name of the caller, logged with each change
    #[arg(long)]
    name: Option<String>,
}

impl Key {
    pub(super) fn run(&self) {
        // Two UUIDs of 122 random bits each.
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.name()).collect();
        println!("key, for the caller's `Authorization: Bearer …`:\n\n  {key}\n");
        println!("for the config:\n\n  [[server.keys]]");
        if let Some(name) = &self.name {
            println!("  name = {name:?}");
        }
        println!("  hash = \"{}\"\n  scopes = {scopes:?}", blake3::hash(key.as_bytes()));
        if !self.markets.is_empty() {
            println!("  markets = {:?}", self.markets);
        }
    }
}
