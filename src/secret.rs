//! A random key in a file outside the database. Without it, the database or a backup of it reveals neither who was erased nor
//! how to forge a recommendation ID.

use std::io::Write;
use std::path::{Path, PathBuf};

use trolley_model::files;
use uuid::Uuid;

use crate::config::ServerConfig;
use crate::store::Place;

/// The keys that are made of the secret, one for each use; or none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Option<Keys>);

#[derive(Clone, PartialEq, Eq)]
struct Keys {
    customers: [u8; 32],
    answers: [u8; 32],
    mark: String,
}

/// What is wrong with the secret.
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
    #[error("server.secret: {0} holds less than 32 characters: it must be random (`openssl rand -hex 32`)")]
    Short(PathBuf),
}

/// Characters of the file at least.
const SHORTEST: usize = 32;

/// Bytes of the file at the most.
const LONGEST: u64 = 4096;

impl Secret {
    /// Of some text.
    pub fn new(text: &str) -> Self {
        let key = |purpose| blake3::derive_key(purpose, text.as_bytes());
        let mark = blake3::Hash::from(key("trolley 2026 mark of the secret")).to_hex()[..32].to_owned();
        let (customers, answers) = (key("trolley 2026 erased customers"), key("trolley 2026 recommendation ids"));
        Self(Some(Keys { customers, answers, mark }))
    }

    /// Where the config has it: where it says, or else beside the file of the state. A PostgreSQL has no place beside it.
    pub fn place(config: &ServerConfig) -> Option<PathBuf> {
        config.secret.clone().or_else(|| match Place::of(&config.state) {
            Ok(Place::File(file)) => Some(file.with_extension("secret")),
            _ => None,
        })
    }

    /// The service's, made if it is not there.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn of_service(config: &ServerConfig) -> Result<Self, SecretError> {
        if let Some(path) = Self::place(config) {
            return Self::read_or_make(&path);
        }
        if !matches!(Place::of(&config.state), Ok(Place::Memory)) {
            tracing::warn!(
                "server.secret is not set: read access to the database is enough to test whether a known customer ID was \
                 erased, and recommendation IDs can be forged"
            );
        }
        Ok(Self::default())
    }

    /// The one that a service has made, or none.
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
    /// If it can't be read or holds too little.
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

    /// Reads the file, which is made if it is not there.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn read_or_make(path: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = Self::read(path)? {
            return Ok(secret);
        }
        // Two of 122 random bits each.
        let text = format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        match write_new(path, &text) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "server.secret was made: keep a copy, apart from the database's");
            }
            // Another process was first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SecretError::Write { path: path.to_owned(), source }),
        }
        Self::read(path)?.ok_or_else(|| SecretError::Short(path.to_owned()))
    }

    /// What a customer who has been erased is remembered by, from the plain hash of the ID: that alone, where there is no
    /// secret, and before there was one.
    pub fn customer(&self, plain: &blake3::Hash) -> blake3::Hash {
        self.0.as_ref().map_or(*plain, |keys| blake3::keyed_hash(&keys.customers, plain.as_bytes()))
    }

    /// What tells this secret from others, and nothing of it; `None` if there is none.
    pub fn mark(&self) -> Option<&str> {
        self.0.as_ref().map(|keys| keys.mark.as_str())
    }

    /// The ID of a new answer in a market: half of it is random, half shows that it was made here.
    pub fn answer(&self, market: &str) -> Uuid {
        let random = *Uuid::new_v4().as_bytes();
        self.sealed(market, random)
    }

    /// Whether an ID is that of an answer in this market.
    pub fn has_made(&self, market: &str, id: Uuid) -> bool {
        self.sealed(market, *id.as_bytes()) == id
    }

    /// An ID whose second half follows from the first: of version 8, whose bits have the meaning that its maker gives them
    /// (RFC 9562, section 5.8).
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

/// Writes a file that was not there, for this user alone. It is there as a whole, or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    // Another process, with the same number in another container, may do so too.
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
