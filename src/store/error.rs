use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::DATABASE_TIMEOUT;

/// An error of the database.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error(
        "server.state is {url}: {reason}; it must be sqlite:<file> or postgres://user:password@host/database, what is special in \
             the password percent-encoded"
    )]
    Url { url: String, reason: String },
    #[error("`{key}` in the URL of server.state names {file}, which cannot be read: {error}")]
    Certificate { key: String, file: PathBuf, error: std::io::Error },
    #[error(
        "the database file {0} no longer exists: restore it; a restart creates an empty one, without the erased customers"
    )]
    Gone(PathBuf),
    #[error(
        "the secret (`server.secret`) is not the one that the database of server.state was used with, by which erased customers \
         are known: put that file back"
    )]
    Secret,
    #[error("the database of server.state cannot be prepared: {0}{hint}", hint = pooler(.0))]
    Migration(#[from] MigrateError),
    #[error("the database of server.state: {0}{hint}", hint = pooler(.0))]
    Database(#[from] sqlx::Error),
    #[error("the database of server.state did not answer within {} seconds", DATABASE_TIMEOUT.as_secs())]
    Slow,
}

/// The setting that helps if the error comes from a pooler.
fn pooler(error: &impl ToString) -> &'static str {
    let said = error.to_string();
    let is = |what: &str| said.contains(what);
    if is("unsupported startup parameter") {
        "; PgBouncer: set ignore_startup_parameters = extra_float_digits"
    } else if is("prepared statement") && (is("already exists") || is("does not exist")) {
        "; PgBouncer in transaction mode: set max_prepared_statements = 200 (it is 1.21 or later that knows it), or \
         pool_mode = session"
    } else {
        ""
    }
}

impl StoreError {
    /// A URL other than SQLite's may contain a password. It is not shown, nor is the driver's message, which quotes it.
    pub(super) fn url(url: &str, reason: &(impl ToString + ?Sized)) -> Self {
        if url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sqlite:")) {
            return Self::Url { url: format!("`{url}`"), reason: reason.to_string() };
        }
        Self::Url { url: "a URL that is not shown here".to_owned(), reason: "it cannot be read".to_owned() }
    }

    /// Whether the database is unavailable now, but may be available later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Slow => true,
            Self::Database(error) | Self::Migration(MigrateError::Execute(error)) => is_away(error),
            Self::Url { .. } | Self::Certificate { .. } | Self::Gone(_) | Self::Secret | Self::Migration(_) => false,
        }
    }

    /// Why a change failed, for its caller: nothing about the location of the database.
    pub fn cause(&self) -> &'static str {
        let code = match self {
            Self::Database(sqlx::Error::Database(error)) => error.code(),
            _ => None,
        };
        // PostgreSQL's codes have five characters; SQLite's are numbers, with the primary code in the last byte.
        match (self, code.as_deref()) {
            (Self::Gone(_), _) => "the database file is not there",
            (Self::Slow, _) => "the database does not answer",
            (_, Some("25006" | "8" | "776" | "1032" | "1544")) => "the database can only be read",
            (_, Some("53100" | "13")) => "the database's disk is full",
            (_, Some("42501")) => "the database's user may not write",
            (_, Some("26000" | "42P05")) => {
                "a pooler between gives each statement another connection: set max_prepared_statements of PgBouncer"
            }
            (error, _) if error.is_away() => "the database cannot be reached",
            _ => "the database refuses",
        }
    }

    /// A value that cannot be serialised.
    pub fn encoding(error: serde_json::Error) -> Self {
        Self::Database(sqlx::Error::Encode(Box::new(error)))
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // It is stopping or starting, or has no free connection.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["57P01", "57P02", "57P03", "53300"].contains(&&*code))
        }
        _ => false,
    }
}
