//! A random key in a file outside the database. Without it, neither the database nor a backup of it reveals who was
//! erased, or how to forge a recommendation ID.

use std::io::Write;
use std::path::{Path, PathBuf};

use trolley_model::files;
use uuid::Uuid;

use crate::config::ServerConfig;
use crate::store::place::DatabaseLocation;

/// The keys derived from the secret, one per purpose; none if there is no secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Option<Keys>);

#[derive(Clone, PartialEq, Eq)]
struct Keys {
    customers: [u8; 32],
    answers: [u8; 32],
    mark: String,
}

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SecretError {
    #[error("server.secret: {path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "server.secret: {path} is not there and cannot be made: {source}; put a file with 64 random hexadecimal digits there \
         (`openssl rand -hex 32`), the same for all replicas and for the training"
    )]
    Write { path: PathBuf, source: std::io::Error },
    #[error("server.secret: {0} is shorter than 32 characters: it must be random (`openssl rand -hex 32`)")]
    Short(PathBuf),
}

/// Minimum length of the text in bytes, without surrounding white space.
const SHORTEST: usize = 32;

/// Maximum size of the file in bytes.
const LONGEST: u64 = 4096;

impl Secret {
    /// Derives the keys from a text.
    pub fn new(text: &str) -> Self {
        let key = |purpose| blake3::derive_key(purpose, text.as_bytes());
        let mark = blake3::Hash::from(key("trolley 2026 mark of the secret")).to_hex()[..32].to_owned();
        let (customers, answers) = (key("trolley 2026 erased customers"), key("trolley 2026 recommendation ids"));
        Self(Some(Keys { customers, answers, mark }))
    }

    /// Path of the secret: `server.secret`, by default beside the SQLite file. PostgreSQL has no default path.
    pub fn place(config: &ServerConfig) -> Option<PathBuf> {
        config.secret.clone().or_else(|| match DatabaseLocation::of(&config.state) {
            Ok(DatabaseLocation::File(file)) => Some(file.with_extension("secret")),
            _ => None,
        })
    }

    /// Reads the secret of the service, and creates it if it does not exist.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn of_service(config: &ServerConfig) -> Result<Self, SecretError> {
        if let Some(path) = Self::place(config) {
            return Self::read_or_make(&path);
        }
        if !matches!(DatabaseLocation::of(&config.state), Ok(DatabaseLocation::Memory)) {
            tracing::warn!(
                "server.secret is not set: read access to the database is enough to test whether a known customer ID was \
                 erased, and recommendation IDs can be forged"
            );
        }
        Ok(Self::default())
    }

    /// Reads the secret that a service has created; empty if there is none.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn of_state(config: &ServerConfig) -> Result<Self, SecretError> {
        let read = Self::place(config).map(|path| Self::read(&path)).transpose()?;
        Ok(read.flatten().unwrap_or_default())
    }

    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read or is too short.
    pub fn read(path: &Path) -> Result<Option<Self>, SecretError> {
        let text = match files::read_text(path, LONGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SecretError::Read { path: path.to_owned(), source }),
        };
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(SecretError::Short(path.to_owned()));
        }
        Ok(Some(Self::new(text)))
    }

    /// Reads the file, and creates it if it does not exist.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn read_or_make(path: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = Self::read(path)? {
            return Ok(secret);
        }
        // Two UUIDs of 122 random bits each.
        let text = format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        match write_new(path, &text) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "server.secret was made: keep a copy, apart from the database's");
            }
            // Another process created it first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SecretError::Write { path: path.to_owned(), source }),
        }
        Self::read(path)?.ok_or_else(|| SecretError::Short(path.to_owned()))
    }

    /// The hash under which an erased customer is stored: the plain hash of the ID, keyed. Without a secret it stays
    /// plain.
    pub fn customer(&self, plain: &blake3::Hash) -> blake3::Hash {
        self.0.as_ref().map_or(*plain, |keys| blake3::keyed_hash(&keys.customers, plain.as_bytes()))
    }

    /// Identifies this secret without revealing it; `None` if there is none.
    pub fn mark(&self) -> Option<&str> {
        self.0.as_ref().map(|keys| keys.mark.as_str())
    }

    /// A new recommendation ID for a market: one half is random, the other authenticates it.
    pub fn answer(&self, market: &str) -> Uuid {
        let random = *Uuid::new_v4().as_bytes();
        self.sealed(market, random)
    }

    /// Whether [`Self::answer`] has made an ID for this market.
    pub fn has_made(&self, market: &str, id: Uuid) -> bool {
        self.sealed(market, *id.as_bytes()) == id
    }

    /// An ID whose second half is a keyed hash of the first half and the market. It is of version 8, whose bits are
    /// defined by the implementation (RFC 9562, section 5.8).
    fn sealed(&self, market: &str, mut bytes: [u8; 16]) -> Uuid {
        bytes[6] = bytes[6] & 0x0f | 0x80;
        let mut seal =
            self.0.as_ref().map_or_else(blake3::Hasher::new, |keys| blake3::Hasher::new_keyed(&keys.answers));
        seal.update(&bytes[..8]).update(market.as_bytes());
        bytes[8..].copy_from_slice(&seal.finalize().as_bytes()[..8]);
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid::from_bytes(bytes)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Creates a file that only this user may read, completely or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    // Not named by the process ID: a process in another container may have the same.
    let beside = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
    let _ = std::fs::remove_file(&beside);
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(Secret::read(&path).unwrap().is_none());
        let made = Secret::read_or_make(&path).unwrap();
        assert!(Secret::read_or_make(&path).unwrap() == made && made != Secret::default());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(Secret::read_or_make(&path), Err(SecretError::Short(_))));
        assert!(matches!(Secret::read_or_make(&folder.path().join("no/folder")), Err(SecretError::Write { .. })));
    }

    #[test]
    fn ids_are_known_again_in_their_market_alone() {
        let (secret, other) = (Secret::new("one"), Secret::new("another"));
        let id = secret.answer("de");
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
        assert!(secret.has_made("de", id) && !secret.has_made("fr", id) && !other.has_made("de", id));
        assert!(!secret.has_made("de", Uuid::new_v4()) && secret.answer("de") != id);
        for bit in 0..128 {
            assert!(!secret.has_made("de", Uuid::from_u128(id.as_u128() ^ 1 << bit)), "bit {bit}");
        }
    }

    #[test]
    fn the_same_customer_is_remembered_alike_and_not_without_the_secret() {
        let (secret, plain) = (Secret::new("one"), blake3::hash(b"anna"));
        assert_eq!(secret.customer(&plain), Secret::new("one").customer(&plain));
        assert!(secret.customer(&plain) != plain && secret.customer(&plain) != Secret::new("two").customer(&plain));
        assert!(secret.mark().is_some() && secret.mark() != Secret::new("two").mark());
        let none = Secret::default();
        assert_eq!((none.customer(&plain), none.mark()), (plain, None));
    }
}
