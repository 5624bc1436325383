use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::error::StoreError;

/// The location of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseLocation {
    /// PostgreSQL.
    Server,
    /// SQLite in memory: it ends with the process.
    Memory,
    /// An SQLite file.
    File(PathBuf),
}

impl DatabaseLocation {
    /// Parses a URL in every notation that sqlx accepts.
    ///
    /// # Errors
    /// [`StoreError::Url`]
    pub fn of(url: &str) -> Result<Self, StoreError> {
        let options = parse(url)?;
        if options.database_url.scheme() != "sqlite" {
            certificates_are_there(&options)?;
            return Ok(Self::Server);
        }
        let sqlite = SqliteConnectOptions::try_from(&options).map_err(|error| StoreError::url(url, &error))?;
        let in_memory = |(key, value): (Cow<'_, str>, Cow<'_, str>)| key == "mode" && value == "memory";
        let file = sqlite.get_filename();
        if options.database_url.query_pairs().any(in_memory) || file.as_os_str().to_str().is_some_and(is_memory) {
            return Ok(Self::Memory);
        }
        // SQLite itself treats a name with this prefix as a URI: <https://www.sqlite.org/uri.html>.
        let file = file.to_str().and_then(|name| name.strip_prefix("file:")).map_or_else(|| file.to_owned(), of_uri);
        match file.as_os_str().to_str() {
            // SQLite would create a temporary database for each connection.
            Some("") => Err(StoreError::url(url, "it names no file")),
            _ => Ok(Self::File(file)),
        }
    }
}

/// Checks the files that a PostgreSQL URL names: if one is missing, no connection ever succeeds.
fn certificates_are_there(options: &AnyConnectOptions) -> Result<(), StoreError> {
    for (key, file) in options.database_url.query_pairs() {
        let is_file = ["sslrootcert", "sslcert", "sslkey"].contains(&key.replace('-', "").as_str());
        if is_file && let Err(error) = std::fs::File::open(&*file) {
            return Err(StoreError::Certificate { key: key.into_owned(), file: PathBuf::from(&*file), error });
        }
    }
    Ok(())
}

/// Whether this is SQLite's name for a database in memory, or one that sqlx generates.
fn is_memory(name: &str) -> bool {
    name == ":memory:" || name == "file::memory:" || name.starts_with("file:sqlx-in-memory-")
}

/// Parses a URL with sqlx, and refuses unsupported databases.
pub(super) fn parse(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let options = AnyConnectOptions::from_str(url).map_err(|error| StoreError::url(url, &error))?;
    match options.database_url.scheme() {
        "sqlite" | "postgres" | "postgresql" => Ok(options),
        _ => Err(StoreError::url(url, "it begins with sqlite: or postgres:")),
    }
}

/// Lets SQLite create a missing file, unless the URL sets the mode.
pub(super) fn creating(mut options: AnyConnectOptions) -> AnyConnectOptions {
    if !options.database_url.query_pairs().any(|(key, _)| key == "mode") {
        options.database_url.query_pairs_mut().append_pair("mode", "rwc");
    }
    options
}

/// The path of a URI without its `file:`.
fn of_uri(uri: &str) -> PathBuf {
    let path = match uri.strip_prefix("//") {
        // The authority is empty or `localhost`.
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => uri,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped = (*byte == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// The identity of a file, independent of its name: after a move or replacement, the name refers to another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// The file at a path, through links; `None` if there is none.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path).ok()?;
        Some(Self { device: file.dev(), number: file.ino() })
    }

    /// On other systems, an open file can be neither moved nor replaced.
    #[cfg(not(unix))]
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self { device: 0, number: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_however_it_is_written() {
        for (url, path) in [
            ("sqlite:state.sqlite", "state.sqlite"),
            ("sqlite://state.sqlite", "state.sqlite"),
            ("sqlite:./a/state.sqlite", "./a/state.sqlite"),
            ("sqlite:../state.sqlite", "../state.sqlite"),
            ("sqlite:/srv/state.sqlite", "/srv/state.sqlite"),
            ("sqlite:///srv/state.sqlite", "/srv/state.sqlite"),
            ("sqlite:////srv/state.sqlite", "//srv/state.sqlite"),
            ("sqlite:/srv/my%20shop/a%2Bb%3F.db?mode=rwc", "/srv/my shop/a+b?.db"),
            ("sqlite:/srv/my shop/state.sqlite", "/srv/my shop/state.sqlite"),
            ("sqlite:///srv/%C3%BC.db?mode=ro&cache=private", "/srv/ü.db"),
            ("SQLite:/srv/state.sqlite", "/srv/state.sqlite"),
            ("sqlite:file:/srv/state.sqlite", "/srv/state.sqlite"),
            ("sqlite:file:state.sqlite?mode=rwc", "state.sqlite"),
            ("sqlite:file:///srv/a%2520b.db", "/srv/a b.db"),
            ("sqlite:file://localhost/srv/state.sqlite", "/srv/state.sqlite"),
        ] {
            assert_eq!(DatabaseLocation::of(url).unwrap(), DatabaseLocation::File(path.into()), "{url}");
        }
        for url in ["sqlite::memory:", "sqlite:file::memory:", "sqlite:state.sqlite?mode=memory"] {
            assert_eq!(DatabaseLocation::of(url).unwrap(), DatabaseLocation::Memory, "{url}");
        }
        for url in ["postgres:///postgres?host=/tmp", "postgresql://user:p%40ss@host:5432/db?sslmode=require"] {
            assert_eq!(DatabaseLocation::of(url).unwrap(), DatabaseLocation::Server, "{url}");
        }
        for url in ["mysql://host/x", "state.sqlite", "", "sqlite:", "sqlite://", "sqlite:x?mode=whatever"] {
            let error = DatabaseLocation::of(url).unwrap_err().to_string();
            assert!(error.contains("server.state"), "{url}: {error}");
        }
    }

    /// Compares our parsing of a URL with where the driver creates the file.
    #[tokio::test]
    async fn the_driver_makes_the_file_where_we_look_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("my shop");
        std::fs::create_dir(&folder).unwrap();
        let escaped = folder.display().to_string().replace(' ', "%20");
        for (number, (before, after)) in [
            ("sqlite:", ""),
            ("sqlite://", ""),
            ("sqlite:///", ""),
            ("sqlite:", "?mode=rwc"),
            ("sqlite:", "?cache=private"),
            ("sqlite:file:", ""),
            ("sqlite:file://", ""),
            ("sqlite:file://localhost", ""),
            ("SQLITE:", "%3Fx%23y"),
        ]
        .into_iter()
        .enumerate()
        {
            let url = format!("{before}{escaped}/{number}.db{after}");
            let DatabaseLocation::File(path) = DatabaseLocation::of(&url).unwrap() else { panic!("{url}") };
            assert!(!path.exists(), "{url}");
            super::super::Store::open(&url).await.unwrap();
            assert!(path.is_file(), "{url}: {}", path.display());
        }
    }
}
