//! What was pushed, kept in a database: a file of SQLite, or PostgreSQL for several replicas. One schema, one interface;
//! no other module knows SQL.
//!
//! A change is durable when its call returns. Each takes the next number of its market and kind in the same transaction,
//! so that a replica that has seen a number has seen everything before it, and can ask for what came after.

mod changes;
mod connections;
mod error;
mod mark;
mod people;
mod place;
mod replacements;
mod stock;
mod store_stock;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{Any, Executor, Row, Transaction};

pub use changes::Changes;
use connections::{Connections, Open};
pub use error::StoreError;
pub use mark::Mark;
use people::Pruning;
pub use people::{Erasure, EventRow, EventsPut};
pub use place::Place;
pub use replacements::ReplacementRow;
pub use stock::{StockPut, StockRow};
pub use store_stock::StoreStockRow;

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
    /// How often customers took one item in the place of another, pair by pair.
    Replacements,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Stock, Self::Offers, Self::Rules, Self::Erased, Self::Replacements];

    /// As the database and the metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Offers => "offers",
            Self::Rules => "rules",
            Self::Erased => "erased",
            Self::Replacements => "replacements",
        }
    }
}

/// How long a call waits for a connection before it fails, and a push for the database.
pub const PATIENCE: Duration = Duration::from_secs(3);

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

async fn identity(open: &Open) -> Result<Option<String>, sqlx::Error> {
    fact(open, "identity").await
}

async fn fact(open: &Open, name: &'static str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM facts WHERE name = $1").bind(name).fetch_optional(&open.pool).await
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
