//! What was pushed, kept in a database: a file of SQLite, or PostgreSQL for several replicas. One schema, one interface;
//! no other module knows SQL.
//!
//! A change is durable when its call returns. Each takes the next number of its market and kind in the same transaction,
//! so that a replica that has seen a number has seen everything before it, and can ask for what came after.

mod changes;
mod connections;
mod mark;
mod people;
mod place;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::{Any, AssertSqlSafe, Executor, Row, Transaction};

pub use changes::Changes;
use connections::{Connections, Open};
pub use mark::Mark;
use people::Pruning;
pub use people::{Erasure, EventRow};
pub use place::Place;

use crate::secret::Secret;

/// What can be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What is in stock, item by item.
    Stock,
    /// The offers, as a whole.
    Offers,
    /// The rules, as a whole.
    Rules,
    /// The customers who are not to be known any more.
    Erased,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Stock, Self::Offers, Self::Rules, Self::Erased];

    /// As the database and the metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Offers => "offers",
            Self::Rules => "rules",
            Self::Erased => "erased",
        }
    }
}

/// The last word on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    /// The item.
    pub item: String,
    /// Whether it can be had.
    pub in_stock: bool,
    /// The number that the shop gave it.
    pub sequence: i64,
    /// The number of the change that brought it.
    pub version: i64,
}

/// The sequence of an item of which nothing is known any more: lower than any that the shop gives.
const FORGOTTEN: i64 = -1;

impl StockRow {
    /// Whether it can be had, and the sequence; `None` if what was said does not count any more.
    pub fn said(&self) -> Option<(bool, u64)> {
        Some((self.in_stock, u64::try_from(self.sequence).ok()?))
    }
}

/// What became of news about the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockPut {
    /// The number of the change.
    pub version: i64,
    /// So many were news.
    pub accepted: usize,
}

/// What the database could not do.
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
    #[error("the database file {0} of server.state is not there any more: put it back, or restart to begin anew")]
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
    #[error("the database of server.state did not answer within {} seconds", PATIENCE.as_secs())]
    Slow,
}

/// What to set if it is a pooler that refuses.
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
    /// Of a URL that may hold a password nothing is told, nor what the driver says of it: that quotes the URL.
    fn url(url: &str, reason: &(impl ToString + ?Sized)) -> Self {
        if url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sqlite:")) {
            return Self::Url { url: format!("`{url}`"), reason: reason.to_string() };
        }
        Self::Url { url: "a URL that is not shown here".to_owned(), reason: "it cannot be read".to_owned() }
    }

    /// Whether the database could not be reached, and may be later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Slow => true,
            Self::Database(error) | Self::Migration(MigrateError::Execute(error)) => is_away(error),
            Self::Url { .. } | Self::Certificate { .. } | Self::Gone(_) | Self::Secret | Self::Migration(_) => false,
        }
    }

    /// Why a change could not be made, for whoever wanted it: nothing about where the database is.
    pub fn cause(&self) -> &'static str {
        let code = match self {
            Self::Database(sqlx::Error::Database(error)) => error.code(),
            _ => None,
        };
        // Of PostgreSQL five characters, of SQLite a number whose last byte says what it is.
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

    /// What was to be kept cannot be written down.
    pub fn encoding(error: serde_json::Error) -> Self {
        Self::Database(sqlx::Error::Encode(Box::new(error)))
    }
}

/// How long a call waits for a connection before it fails, and a push for the database.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// The database. Copies share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    connections: Arc<Connections>,
    /// What erased customers are remembered with; not looked at before it was given.
    secret: Option<Arc<Secret>>,
    url: String,
    pruning: Arc<Mutex<Pruning>>,
}

impl Store {
    /// Opens `sqlite:<file>`, which is created if it is not there, or `postgres://…`, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::open_or_wait(url).await?;
        store.identity().await?;
        Ok(store)
    }

    /// The same, but a PostgreSQL that cannot be reached is opened when it can.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open_or_wait(url: &str) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(url).await?);
        let store = Self { connections, secret: None, url: url.to_owned(), pruning: Arc::default() };
        match store.identity().await {
            Err(error) if *store.place() == Place::Server && error.is_away() => Ok(store),
            known => known.map(|_| store),
        }
    }

    /// The same with the secret that erased customers are remembered with.
    #[must_use]
    pub fn keyed_by(self, secret: Arc<Secret>) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// Where the database is.
    pub fn place(&self) -> &Place {
        self.connections.place()
    }

    /// What is to be left beside the models; nothing if the database ends with the process.
    pub fn mark(&self, identity: String) -> Option<Mark> {
        let database = match self.place() {
            Place::Memory => return None,
            Place::Server => "PostgreSQL".to_owned(),
            Place::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        };
        Some(Mark { identity, database })
    }

    /// Grows each time that the database's file was found to be another one.
    pub fn generation(&self) -> u64 {
        self.connections.generation()
    }

    /// What the database was given when it was made. Another one means another database, even under the same name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn identity(&self) -> Result<String, StoreError> {
        let open = self.connections.open().await?;
        let known = match identity(&open).await {
            Ok(known) => known,
            Err(error) => {
                // The file has another content, whose schema is older or not there at all.
                if error.as_database_error().is_some_and(|error| error.message().contains("no such table")) {
                    self.connections.suspect();
                }
                return Err(error.into());
            }
        };
        if let Some(known) = known {
            self.has_this_secret(&open).await?;
            return Ok(known);
        }
        let _turn = self.connections.turn().await;
        sqlx::query("INSERT INTO facts (name, value) VALUES ('identity', $1) ON CONFLICT (name) DO NOTHING")
            .bind(uuid::Uuid::new_v4().to_string())
            .execute(&open.pool)
            .await?;
        self.has_this_secret(&open).await?;
        Ok(identity(&open).await?.unwrap_or_default())
    }

    /// Makes sure that the secret is the one that the database was used with: with another one nobody would be known to have
    /// been erased.
    async fn has_this_secret(&self, open: &Open) -> Result<(), StoreError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let mark = || fact(open, "secret");
        let mut there = mark().await?;
        if let (None, Some(own)) = (&there, secret.mark()) {
            let put = "INSERT INTO facts (name, value) VALUES ('secret', $1) ON CONFLICT (name) DO NOTHING";
            // A database that can only be read has to be asked again.
            if let Err(error) = sqlx::query(put).bind(own).execute(&open.pool).await {
                tracing::debug!(%error, "the database does not keep which secret it is used with");
                return Ok(());
            }
            there = mark().await?;
        }
        if there.as_deref() == secret.mark() { Ok(()) } else { Err(StoreError::Secret) }
    }

    /// Takes in news about the stock: of each item the highest sequence counts.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_stock(&self, market: &str, rows: &[StockRow]) -> Result<StockPut, StoreError> {
        // One statement must not name an item twice.
        let mut highest: Vec<&StockRow> = rows.iter().collect();
        highest.sort_by(|a, b| a.item.cmp(&b.item).then(b.sequence.cmp(&a.sequence)));
        highest.dedup_by(|next, kept| next.item == kept.item);
        loop {
            let open = self.connections.open().await?;
            let put = self.put_stock_into(&open, market, &highest).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn put_stock_into(&self, open: &Open, market: &str, highest: &[&StockRow]) -> Result<StockPut, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Stock).await?;
        let mut accepted = 0;
        for rows in highest.chunks(ROWS) {
            let mut insert = sqlx::query(AssertSqlSafe(upsert(rows.len()))).bind(market).bind(version);
            for row in rows {
                insert = insert.bind(&row.item).bind(i64::from(row.in_stock)).bind(row.sequence);
            }
            accepted += insert.execute(&mut *transaction).await?.rows_affected() as usize;
        }
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(StockPut { version, accepted })
    }

    /// Forgets what was said of an item: whatever comes next counts. Returns the number of the change.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn forget_stock(&self, market: &str, item: &str) -> Result<i64, StoreError> {
        loop {
            let open = self.connections.open().await?;
            let forgotten = self.forget_stock_in(&open, market, item).await;
            if let Some(forgotten) = self.connections.settle(&open, forgotten) {
                return forgotten;
            }
        }
    }

    async fn forget_stock_in(&self, open: &Open, market: &str, item: &str) -> Result<i64, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Stock).await?;
        // It stays as a row, so that other replicas hear of it.
        sqlx::query("UPDATE stock SET in_stock = 1, sequence = $1, version = $2 WHERE market = $3 AND item = $4")
            .bind(FORGOTTEN)
            .bind(version)
            .bind(market)
            .bind(item)
            .execute(&mut *transaction)
            .await?;
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// What was said about the stock after a change.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn stock_after(&self, market: &str, version: i64) -> Result<Vec<StockRow>, StoreError> {
        let rows =
            sqlx::query("SELECT item, in_stock, sequence, version FROM stock WHERE market = $1 AND version > $2")
                .bind(market)
                .bind(version)
                .fetch_all(&self.connections.open().await?.pool)
                .await?;
        let row = |row: &sqlx::any::AnyRow| -> Result<StockRow, sqlx::Error> {
            let in_stock: i64 = row.try_get("in_stock")?;
            let (item, sequence, version) = (row.try_get("item")?, row.try_get("sequence")?, row.try_get("version")?);
            Ok(StockRow { item, in_stock: in_stock != 0, sequence, version })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// Replaces what is kept as a whole, and returns the number of the change; `None` if its sequence is not above the
    /// last one, and nothing is changed. Without a sequence it counts as newer than all before.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_document(
        &self,
        market: &str,
        kind: Kind,
        sequence: Option<i64>,
        body: &str,
    ) -> Result<Option<i64>, StoreError> {
        loop {
            let open = self.connections.open().await?;
            let put = self.put_document_into(&open, market, kind, sequence, body).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn put_document_into(
        &self,
        open: &Open,
        market: &str,
        kind: Kind,
        sequence: Option<i64>,
        body: &str,
    ) -> Result<Option<i64>, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, kind).await?;
        let put = sqlx::query(
            "INSERT INTO documents (market, kind, version, body, sequence) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (market, kind) DO UPDATE SET version = excluded.version, body = excluded.body, \
             sequence = COALESCE(excluded.sequence, documents.sequence) WHERE excluded.sequence IS NULL \
             OR documents.sequence IS NULL OR excluded.sequence > documents.sequence",
        )
        .bind(market)
        .bind(kind.name())
        .bind(version)
        .bind(body)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
        if put.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(version))
    }

    /// What is kept as a whole, with the number of its change.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn document(&self, market: &str, kind: Kind) -> Result<Option<(i64, String)>, StoreError> {
        let row = sqlx::query("SELECT version, body FROM documents WHERE market = $1 AND kind = $2")
            .bind(market)
            .bind(kind.name())
            .fetch_optional(&self.connections.open().await?.pool)
            .await?;
        Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get("version")?, row.try_get("body")?))).transpose()?)
    }

    /// The numbers of the last changes, by market and kind.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn versions(&self) -> Result<Vec<(String, Kind, i64)>, StoreError> {
        let open = self.connections.open().await?;
        let rows = sqlx::query("SELECT market, kind, version FROM versions").fetch_all(&open.pool).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("kind")?;
            // A newer release that shares the database may keep more.
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
                versions.push((row.try_get("market")?, kind, row.try_get("version")?));
            }
        }
        Ok(versions)
    }

    /// Whether a change is one of those that have led to the database as it is.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn remembers(&self, market: &str, kind: Kind, version: i64) -> Result<bool, StoreError> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT version FROM lineage WHERE market = $1 AND kind = $2 AND version = $3")
                .bind(market)
                .bind(kind.name())
                .bind(version)
                .fetch_optional(&self.connections.open().await?.pool)
                .await?;
        Ok(found.is_some())
    }

    /// News of the changes of other replicas.
    pub fn changes(&self) -> Changes {
        Changes::new((*self.place() == Place::Server).then(|| self.url.clone()))
    }

    async fn announce(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), sqlx::Error> {
        if *self.place() == Place::Server {
            // Delivered at the commit.
            transaction.execute("NOTIFY trolley_state").await?;
        }
        Ok(())
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // It is stopping, starting, or has no connection to spare.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["57P01", "57P02", "57P03", "53300"].contains(&&*code))
        }
        _ => false,
    }
}

async fn identity(open: &Open) -> Result<Option<String>, sqlx::Error> {
    fact(open, "identity").await
}

async fn fact(open: &Open, name: &'static str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM facts WHERE name = $1").bind(name).fetch_optional(&open.pool).await
}

/// The statement that takes in so many rows of stock: $1 is the market, $2 the change, then three values per row.
fn upsert(rows: usize) -> String {
    let row = |row: usize| format!("($1, ${}, ${}, ${}, $2)", 3 * row + 3, 3 * row + 4, 3 * row + 5);
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO stock (market, item, in_stock, sequence, version) VALUES {} \
         ON CONFLICT (market, item) DO UPDATE SET in_stock = excluded.in_stock, sequence = excluded.sequence, \
         version = excluded.version WHERE excluded.sequence > stock.sequence",
        values.join(", ")
    )
}

/// The number of a change: the time in Unix milliseconds, or the next number if that is higher. So numbers go on even
/// when the database goes back, to a backup or to a standby that lags behind: replicas have seen higher ones than it
/// remembers, and would take what comes for old. Its row stays locked until the commit, so that numbers are committed in
/// order.
async fn next_version(transaction: &mut Transaction<'_, Any>, market: &str, kind: Kind) -> Result<i64, sqlx::Error> {
    let version: i64 = sqlx::query_scalar(
        "INSERT INTO versions (market, kind, version) VALUES ($1, $2, $3) ON CONFLICT (market, kind) DO UPDATE SET \
         version = CASE WHEN versions.version < excluded.version THEN excluded.version ELSE versions.version + 1 END \
         RETURNING version",
    )
    .bind(market)
    .bind(kind.name())
    .bind(chrono::Utc::now().timestamp_millis())
    .fetch_one(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO lineage (market, kind, version) VALUES ($1, $2, $3)")
        .bind(market)
        .bind(kind.name())
        .bind(version)
        .execute(&mut **transaction)
        .await?;
    if version % PRUNED_EACH == 0 {
        sqlx::query(
            "DELETE FROM lineage WHERE market = $1 AND kind = $2 AND version < (SELECT MIN(version) FROM (SELECT version \
             FROM lineage WHERE market = $1 AND kind = $2 ORDER BY version DESC LIMIT $3) AS newest)",
        )
        .bind(market)
        .bind(kind.name())
        .bind(REMEMBERED)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(version)
}

/// So many changes of a kind are remembered. A replica that has seen none of them takes in everything anew.
const REMEMBERED: i64 = 1000;

/// Of so many changes one removes what is older, about.
const PRUNED_EACH: i64 = 50;
