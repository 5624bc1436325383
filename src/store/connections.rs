use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use tokio::sync::{Mutex, MutexGuard};

use super::place::{self, FileId, Place};
use super::{PATIENCE, StoreError};

/// The connections to the database.
///
/// A file of SQLite may be replaced while the service runs: a backup is put back, a link is turned. Open connections go
/// on in the file that has no name any more, and what is pushed there is lost. So each use compares the file that the
/// connections have with the one that the name stands for; if they differ, all connections are closed and the file that is
/// there is opened, with the next generation number.
#[derive(Debug)]
pub(super) struct Connections {
    url: String,
    options: AnyConnectOptions,
    place: Place,
    open: RwLock<Open>,
    reopening: Mutex<()>,
    /// Whether the schema is up to date.
    prepared: AtomicBool,
    /// SQLite has one writer at a time, and lets the others sleep and try again: here they wait in a row.
    writing: Mutex<()>,
}

/// The connections of one generation.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) pool: AnyPool,
    pub(super) generation: u64,
    /// The file that they are of.
    file: Option<FileId>,
}

impl Connections {
    pub(super) async fn new(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (place, options) = (Place::of(url)?, place::parse(url)?);
        let options = if place == Place::Server { options } else { place::creating(options) };
        let (pool, file) = connect(url, options.clone(), &place).await?;
        let open = RwLock::new(Open { pool, generation: 0, file });
        let (url, reopening, writing) = (url.to_owned(), Mutex::default(), Mutex::default());
        let prepared = AtomicBool::new(place != Place::Server);
        Ok(Self { url, options, place, open, reopening, prepared, writing })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn generation(&self) -> u64 {
        self.last().generation
    }

    /// Connections to the database that is there now.
    pub(super) async fn open(&self) -> Result<Open, StoreError> {
        let open = self.last();
        if self.is_current(&open) {
            return Ok(open);
        }
        let _one_at_a_time = self.reopening.lock().await;
        let open = self.last();
        if self.is_current(&open) {
            return Ok(open);
        }
        if self.place == Place::Server {
            migrate(&open.pool).await?;
            self.prepared.store(true, Ordering::Relaxed);
            return Ok(open);
        }
        if let Place::File(path) = &self.place
            && FileId::of(path).is_none()
        {
            // An empty one must not take its place: it would have forgotten who was erased.
            return Err(StoreError::Gone(path.clone()));
        }
        open.pool.close().await;
        let (pool, file) = connect(&self.url, self.options.clone(), &self.place).await?;
        let open = Open { pool, generation: open.generation + 1, file };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open.clone();
        tracing::warn!("the database file of server.state was replaced: the one that is there now is in use");
        Ok(open)
    }

    /// The turn to write; PostgreSQL has its own order.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.place == Place::Server { None } else { Some(self.writing.lock().await) }
    }

    /// What was done, if it was done in the database that is there; `None` if that was replaced meanwhile.
    pub(super) fn settle<T>(&self, open: &Open, done: Result<T, StoreError>) -> Option<Result<T, StoreError>> {
        self.is_current(open).then_some(done)
    }

    /// The content is not what it was, though the file is: the next use opens it anew.
    pub(super) fn suspect(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).file = None;
    }

    fn is_current(&self, open: &Open) -> bool {
        match &self.place {
            Place::File(path) => open.file.is_some() && open.file == FileId::of(path),
            Place::Server => self.prepared.load(Ordering::Relaxed),
            Place::Memory => true,
        }
    }

    fn last(&self) -> Open {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Connects, and brings the schema of a SQLite up to date. Also the file that the connections are of. A PostgreSQL need not be
/// there yet.
async fn connect(
    url: &str,
    options: AnyConnectOptions,
    place: &Place,
) -> Result<(AnyPool, Option<FileId>), StoreError> {
    let pool_options = AnyPoolOptions::new().acquire_timeout(PATIENCE);
    let file: Arc<OnceLock<FileId>> = Arc::default();
    let pool = if *place == Place::Server {
        return Ok((writable(pool_options.max_connections(8)).connect_lazy(url)?, None));
    } else {
        let (first, place) = (file.clone(), place.clone());
        let pool_options = pool_options.max_connections(4).after_connect(move |connection, _| {
            let (first, place) = (first.clone(), place.clone());
            Box::pin(async move {
                durable(connection).await?;
                // All connections are of one file, whenever they are made.
                if let Place::File(path) = &place
                    && let Some(file) = FileId::of(path)
                    && *first.get_or_init(|| file) != file
                {
                    return Err(sqlx::Error::Configuration("the database file was replaced".into()));
                }
                Ok(())
            })
        });
        // A full disk makes SQLite end a transaction by itself, and the end that the pool then asks for fails: it goes on
        // counting one too many, and what the next one on this connection commits would stay uncommitted.
        let pool_options = pool_options.after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?; // an end asked for has come to its end
                Ok(!connection.is_in_transaction())
            })
        });
        pool_options.connect_with(options).await?
    };
    migrate(&pool).await?;
    Ok((pool, file.get().copied()))
}

/// So long a PostgreSQL may take to say whether it can be written.
const SAYS_SO: Duration = Duration::from_secs(1);

/// Connections to a PostgreSQL as it is where the URL leads now. After a switch-over those that are open stay with the old
/// primary, which answers questions with what it last knew, and refuses each change, or does not answer at all. So each is
/// asked before it is used whether it can be written; if not, it is given up, and with it all that were made before.
///
/// A database that can only be read for the time being is connected anew each second.
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
            let said = tokio::time::timeout(SAYS_SO, asked).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
            let is_good = said.as_ref().is_ok_and(|read_only: &String| read_only == "off");
            if !is_good && since.age > SAYS_SO {
                *given_up.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                return said.map(|_| false);
            }
            said.map(|_| true)
        })
    })
}

/// Migrations only add: a release that is older than the database goes on with what it knows.
async fn migrate(pool: &AnyPool) -> Result<(), StoreError> {
    Ok(sqlx::migrate!().set_ignore_missing(true).run(pool).await?)
}

/// Every commit is on the disk when it returns, in the database's own file: no second file has to be kept with it, and
/// SQLite notices before each transaction if the content is another one.
async fn durable(connection: &mut AnyConnection) -> sqlx::Result<()> {
    connection.execute("PRAGMA busy_timeout = 3000; PRAGMA synchronous = FULL;").await?;
    if let Err(error) = connection.execute("PRAGMA journal_mode = TRUNCATE").await {
        // Until 0.1 the journal was a write-ahead log, and as long as another process has it, it stays one.
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

    /// An older release had a write-ahead log. What is in it is not lost, and it goes as soon as nobody else has it open.
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
