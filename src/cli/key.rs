use clap::Args;
use uuid::Uuid;

/// Make an API key
///
/// Prints a new random key, for the one who calls, and its hash with the lines for the config. The key itself is stored
/// nowhere.
#[derive(Debug, Args)]
pub(super) struct Key {
    /// What the key may do: recommend, audience, events, customers, push, admin, metrics, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "recommend")]
    scopes: Vec<crate::config::Scope>,
    /// The markets that it opens, separated by commas; all, if not said
    #[arg(long, value_delimiter = ',')]
    markets: Vec<String>,
    /// Whose it is: the log gives it with each change
    #[arg(long)]
    name: Option<String>,
}

impl Key {
    pub(super) fn run(&self) {
        // Two of 122 random bits each.
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
