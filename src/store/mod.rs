//! What was pushed, kept in a database: a file of SQLite, or PostgreSQL for several replicas. One schema, one interface;
//! no other module knows SQL.
//!
//! A change is durable when its call returns. Each takes the next number of its market and kind in the same transaction,
//! so that a replica that has seen a number has seen everything before it, and can ask for what came after.

mod changes;
mod people;

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Executor, Row, Transaction};

pub use changes::Changes;
pub use people::EventRow;

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

    fn name(self) -> &'static str {
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
}

/// What the database could not do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error("server.state is `{0}`; it begins with sqlite: or postgres:")]
    Url(String),
    #[error("the database of server.state cannot be prepared: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the database of server.state: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database of server.state did not answer within {} seconds", PATIENCE.as_secs())]
    Slow,
}

impl StoreError {
    /// What was to be kept cannot be written down.
    pub fn encoding(error: serde_json::Error) -> Self {
        Self::Database(sqlx::Error::Encode(Box::new(error)))
    }
}

/// How long a call waits for a connection before it fails, and a push for the database.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    url: String,
}

impl Store {
    /// Whether there is one: a file of SQLite is created when something is pushed, PostgreSQL is there or out of order.
    pub fn exists(url: &str) -> bool {
        let file = url.strip_prefix("sqlite:").map(|file| file.trim_start_matches("//"));
        file.is_none_or(|file| std::path::Path::new(file.split('?').next().unwrap_or(file)).exists())
    }

    /// Opens `sqlite:<file>`, which is created if it is not there, or `postgres://…`, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let mut url = url.to_owned();
        let options = AnyPoolOptions::new().acquire_timeout(PATIENCE);
        let options = if url.starts_with("sqlite:") {
            if !url.contains('?') {
                url.push_str("?mode=rwc");
            }
            // Durable at every commit; readers are not held up by writers, and writers wait for each other.
            let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 3000;";
            // A full disk makes SQLite end a transaction by itself, and the end that the pool then asks for fails: it goes
            // on counting one too many, and what the next one on this connection commits would stay uncommitted.
            options
                .max_connections(4)
                .after_connect(move |connection, _| {
                    Box::pin(async move { connection.execute(pragmas).await.map(|_| ()) })
                })
                .after_release(|connection, _| {
                    Box::pin(async move {
                        connection.ping().await?; // an end asked for has come to its end
                        Ok(!connection.is_in_transaction())
                    })
                })
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            options.max_connections(8)
        } else {
            return Err(StoreError::Url(url));
        };
        let pool = options.connect(&url).await?;
        // Migrations only add: a release that is older than the database goes on with what it knows.
        sqlx::migrate!().set_ignore_missing(true).run(&pool).await?;
        Ok(Self { pool, url })
    }

    /// Takes in news about the stock: of each item the highest sequence counts. Returns how many were news.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_stock(&self, market: &str, rows: &[StockRow]) -> Result<usize, StoreError> {
        // One statement must not name an item twice.
        let mut highest: Vec<&StockRow> = rows.iter().collect();
        highest.sort_by(|a, b| a.item.cmp(&b.item).then(b.sequence.cmp(&a.sequence)));
        highest.dedup_by(|next, kept| next.item == kept.item);
        let mut transaction = self.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Stock).await?;
        let mut news = 0;
        for rows in highest.chunks(ROWS) {
            let mut insert = sqlx::query(AssertSqlSafe(upsert(rows.len()))).bind(market).bind(version);
            for row in rows {
                insert = insert.bind(&row.item).bind(i64::from(row.in_stock)).bind(row.sequence);
            }
            news += insert.execute(&mut *transaction).await?.rows_affected() as usize;
        }
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(news)
    }

    /// What was said about the stock after a change.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn stock_after(&self, market: &str, version: i64) -> Result<Vec<StockRow>, StoreError> {
        let rows = sqlx::query("SELECT item, in_stock, sequence FROM stock WHERE market = $1 AND version > $2")
            .bind(market)
            .bind(version)
            .fetch_all(&self.pool)
            .await?;
        let row = |row: &sqlx::any::AnyRow| -> Result<StockRow, sqlx::Error> {
            let in_stock: i64 = row.try_get("in_stock")?;
            Ok(StockRow { item: row.try_get("item")?, in_stock: in_stock != 0, sequence: row.try_get("sequence")? })
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
        let mut transaction = self.pool.begin().await?;
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
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get("version")?, row.try_get("body")?))).transpose()?)
    }

    /// The numbers of the last changes, by market and kind.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn versions(&self) -> Result<Vec<(String, Kind, i64)>, StoreError> {
        let rows = sqlx::query("SELECT market, kind, version FROM versions").fetch_all(&self.pool).await?;
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

    /// News of the changes of other replicas.
    pub fn changes(&self) -> Changes {
        Changes::of(&self.url)
    }

    async fn announce(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), sqlx::Error> {
        if !self.url.starts_with("sqlite:") {
            // Delivered at the commit.
            transaction.execute("NOTIFY trolley_state").await?;
        }
        Ok(())
    }
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
    sqlx::query_scalar(
        "INSERT INTO versions (market, kind, version) VALUES ($1, $2, $3) ON CONFLICT (market, kind) DO UPDATE SET \
         version = CASE WHEN versions.version < excluded.version THEN excluded.version ELSE versions.version + 1 END \
         RETURNING version",
    )
    .bind(market)
    .bind(kind.name())
    .bind(chrono::Utc::now().timestamp_millis())
    .fetch_one(&mut **transaction)
    .await
}
