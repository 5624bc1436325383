use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use tokio::sync::{Mutex, MutexGuard};

use super::place::{self, DatabaseLocation, FileId};
use super::{DATABASE_TIMEOUT, StoreError};

/// The connections to the database.
///
/// An SQLite file may be replaced while the service runs, by a restored backup or a changed link. Open connections
/// would continue in the unlinked file, and pushes would be lost. So each use compares the file of the connections with
/// the one at the path. If they differ, all connections are closed and the current file is opened, with the next
/// generation number.
#[derive(Debug)]
pub(super) struct Connections {
    url: String,
    options: AnyConnectOptions,
    place: DatabaseLocation,
    open: RwLock<CurrentPool>,
    reopening: Mutex<()>,
    /// Whether the schema is up to date.
    prepared: AtomicBool,
    /// SQLite has one writer at a time, and lets the others sleep and retry. This lock queues them instead.
    writing: Mutex<()>,
}

/// The connections of one generation.
#[derive(Clone, Debug)]
pub(super) struct CurrentPool {
    pub(super) pool: AnyPool,
    pub(super) generation: u64,
    /// The file that they belong to.
    file: Option<FileId>,
}

impl Connections {
    pub(super) async fn new(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (place, options) = (DatabaseLocation::of(url)?, place::parse(url)?);
        let options = if place == DatabaseLocation::Server { options } else { place::creating(options) };
        let (pool, file) = connect(url, options.clone(), &place).await?;
        let open = RwLock::new(CurrentPool { pool, generation: 0, file });
        let (url, reopening, writing) = (url.to_owned(), Mutex::default(), Mutex::default());
        let prepared = AtomicBool::new(place != DatabaseLocation::Server);
        Ok(Self { url, options, place, open, reopening, prepared, writing })
    }

    pub(super) fn place(&self) -> &DatabaseLocation {
        &self.place
    }

    pub(super) fn generation(&self) -> u64 {
        self.last().generation
    }

    /// Connections to the current database.
    pub(super) async fn open(&self) -> Result<CurrentPool, StoreError> {
        let open = self.last();
        if self.is_current(&open) {
            return Ok(open);
        }
        let _one_at_a_time = self.reopening.lock().await;
        let open = self.last();
        if self.is_current(&open) {
            return Ok(open);
        }
        if self.place == DatabaseLocation::Server {
            migrate(&open.pool).await?;
            self.prepared.store(true, Ordering::Relaxed);
            return Ok(open);
        }
        if let DatabaseLocation::File(path) = &self.place
            && FileId::of(path).is_none()
        {
            // An empty file must not replace it: the erased customers would be lost.
            return Err(StoreError::Gone(path.clone()));
        }
        open.pool.close().await;
        let (pool, file) = connect(&self.url, self.options.clone(), &self.place).await?;
        let open = CurrentPool { pool, generation: open.generation + 1, file };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open.clone();
        tracing::warn!("the database file of server.state was replaced: the one that is there now is in use");
        Ok(open)
    }

    /// The permit to write; PostgreSQL needs none.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.place == DatabaseLocation::Server { None } else { Some(self.writing.lock().await) }
    }

    /// The result, if it was obtained in the current database; `None` if the file was replaced meanwhile.
    pub(super) fn settle<T>(&self, open: &CurrentPool, done: Result<T, StoreError>) -> Option<Result<T, StoreError>> {
        self.is_current(open).then_some(done)
    }

    /// Reopens the file at the next use: its content has been replaced, although it is the same file.
    pub(super) fn suspect(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).file = None;
    }

    fn is_current(&self, open: &CurrentPool) -> bool {
        match &self.place {
            DatabaseLocation::File(path) => open.file.is_some() && open.file == FileId::of(path),
            DatabaseLocation::Server => self.prepared.load(Ordering::Relaxed),
            DatabaseLocation::Memory => true,
        }
    }

    fn last(&self) -> CurrentPool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Connects, and migrates the schema of SQLite. Also returns the file that the connections belong to. PostgreSQL need
/// not be reachable yet.
async fn connect(
    url: &str,
    options: AnyConnectOptions,
    place: &DatabaseLocation,
) -> Result<(AnyPool, Option<FileId>), StoreError> {
    let pool_options = AnyPoolOptions::new().acquire_timeout(DATABASE_TIMEOUT);
    let file: Arc<OnceLock<FileId>> = Arc::default();
    let pool = if *place == DatabaseLocation::Server {
        return Ok((writable(pool_options.max_connections(8)).connect_lazy(url)?, None));
    } else {
        let (first, place) = (file.clone(), place.clone());
        let pool_options = pool_options.max_connections(4).after_connect(move |connection, _| {
            let (first, place) = (first.clone(), place.clone());
            Box::pin(async move {
                durable(connection).await?;
                // All connections must belong to one file, whenever they are opened.
                if let DatabaseLocation::File(path) = &place
                    && let Some(file) = FileId::of(path)
                    && *first.get_or_init(|| file) != file
                {
                    return Err(sqlx::Error::Configuration("the database file was replaced".into()));
                }
                Ok(())
            })
        });
        // On a full disk, SQLite rolls a transaction back by itself, and the pool's own rollback fails. The connection
        // then counts one transaction too many, and the next commit on it would have no effect.
        let pool_options = pool_options.after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?; // completes a pending rollback
                Ok(!connection.is_in_transaction())
            })
        });
        pool_options.connect_with(options).await?
    };
    migrate(&pool).await?;
    Ok((pool, file.get().copied()))
}

/// Timeout for asking PostgreSQL whether it is writable, and minimum age of a connection to be given up if it is not.
const WRITABLE_CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections to the PostgreSQL that the URL leads to now. After a failover, open connections stay with the old
/// primary, which answers reads from its last state and refuses writes, or does not answer at all. So each connection
/// is checked for writability before it is used. If it fails, it is given up, with all that were opened before.
///
/// While a database is read-only, its connections are reopened every second.
fn writable(options: AnyPoolOptions) -> AnyPoolOptions {
    let given_up = Arc::new(RwLock::new(Instant::now()));
    options.test_before_acquire(false).before_acquire(move |connection, since| {
        let given_up = given_up.clone();
        Box::pin(async move {
            let made = Instant::now().checked_sub(since.age);
            if made.is_none_or(|made| made < *given_up.read().unwrap_or_else(PoisonError::into_inner)) {
                return Ok(false);
            }
            let asked = sqlx::query_scalar("SELECT current_setting('transaction_read_only')").fetch_one(connection);
            let said =
                tokio::time::timeout(WRITABLE_CHECK_TIMEOUT, asked).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
            let is_good = said.as_ref().is_ok_and(|read_only: &String| read_only == "off");
            if !is_good && since.age > WRITABLE_CHECK_TIMEOUT {
                *given_up.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                return said.map(|_| false);
            }
            said.map(|_| true)
        })
    })
}

/// Migrations only add, so a release that is older than the schema continues with what it knows.
async fn migrate(pool: &AnyPool) -> Result<(), StoreError> {
    Ok(sqlx::migrate!().set_ignore_missing(true).run(pool).await?)
}

/// Every commit is on disk when it returns, in the database file itself. So there is no second file to back up, and
/// SQLite notices before each transaction if the content was replaced.
async fn durable(connection: &mut AnyConnection) -> sqlx::Result<()> {
    connection.execute("PRAGMA busy_timeout = 3000; PRAGMA synchronous = FULL;").await?;
    if let Err(error) = connection.execute("PRAGMA journal_mode = TRUNCATE").await {
        // Before 0.1 the journal was a write-ahead log. It stays one while another process has the database open.
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
        if mode != "wal" {
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn mode(connections: &Connections) -> String {
        let pool = connections.open().await.unwrap().pool;
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&pool).await.unwrap()
    }

    /// An older release used a write-ahead log. Its content is not lost, and it is removed once no other process has it
    /// open.
    #[tokio::test]
    async fn a_database_with_a_write_ahead_log_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        let url = format!("sqlite:{}", file.display());
        let pool = Connections::new(&url).await.unwrap().open().await.unwrap().pool;
        pool.close().await;
        let older = AnyPoolOptions::new().connect(&url).await.unwrap();
        older.execute("PRAGMA journal_mode = WAL").await.unwrap();
        older.execute("INSERT INTO facts (name, value) VALUES ('a', 'b')").await.unwrap();
        let beside = Connections::new(&url).await.unwrap();
        assert_eq!(mode(&beside).await, "wal", "another process has it open");
        beside.open().await.unwrap().pool.close().await;
        older.close().await;
        let after = Connections::new(&url).await.unwrap();
        assert_eq!(mode(&after).await, "truncate");
        let pool = after.open().await.unwrap().pool;
        let kept: String =
            sqlx::query_scalar("SELECT value FROM facts WHERE name = 'a'").fetch_one(&pool).await.unwrap();
        assert_eq!(kept, "b");
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with("-wal")), "the database is one file");
    }
}
