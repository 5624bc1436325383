//! The database of pushed state: an SQLite file, or PostgreSQL for several replicas. One schema, one interface; no
//! other module uses SQL.
//!
//! A change is durable when its call returns. It takes the next number of its market and kind in the same transaction.
//! So a replica that has seen a number has seen every change before it, and can request those after it.

mod baskets;
mod changes;
mod connections;
mod dismissals;
mod error;
mod events;
mod mark;
mod people;
pub(crate) mod place;
mod replacements;
mod stock;
mod store_stock;
mod versions;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{Any, Executor, Row, Transaction};

use baskets::NewBaskets;
pub use baskets::{BasketLine, BasketPages, BasketRow, BasketsPut, Shopper, StoredBasket};
pub use changes::Changes;
use connections::{Connections, CurrentPool};
pub use dismissals::DismissalRow;
pub use error::StoreError;
use events::Pruning;
pub use events::{EventRow, EventsPut};
pub use mark::StateMarker;
pub use people::Erasure;
pub use place::DatabaseLocation;
pub use replacements::ReplacementRow;
pub use stock::{StockPut, StockRow};
pub use store_stock::StoreStockRow;
use versions::next_version;

use crate::secret::Secret;

/// A kind of pushed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Stock, item by item.
    Stock,
    /// Offers, replaced as a whole.
    Offers,
    /// Rules, replaced as a whole.
    Rules,
    /// Erased customers.
    Erased,
    /// How often customers accepted or refused one item in place of another, pair by pair.
    Replacements,
    /// Baskets that the shop pushed.
    Baskets,
    /// Items that customers dismissed.
    Dismissals,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Stock, Self::Offers, Self::Rules, Self::Erased, Self::Replacements, Self::Baskets, Self::Dismissals];

    /// The name in the database and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Offers => "offers",
            Self::Rules => "rules",
            Self::Erased => "erased",
            Self::Replacements => "replacements",
            Self::Baskets => "baskets",
            Self::Dismissals => "dismissals",
        }
    }
}

/// Timeout for obtaining a connection, and for a push.
pub const DATABASE_TIMEOUT: Duration = Duration::from_secs(3);

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    connections: Arc<Connections>,
    /// Keys the hashes of erased customers. Until it is set, it is not compared with that of the database.
    secret: Option<Arc<Secret>>,
    url: String,
    pruning: Arc<Mutex<Pruning>>,
    new_baskets: Arc<Mutex<NewBaskets>>,
}

impl Store {
    /// Opens `sqlite:<file>`, which is created if it does not exist, or `postgres://…`, and migrates the schema.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::open_or_wait(url).await?;
        store.identity().await?;
        Ok(store)
    }

    /// Like [`Self::open`], but an unreachable PostgreSQL is opened later, when it can be reached.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open_or_wait(url: &str) -> Result<Self, StoreError> {
        let connections = Arc::new(Connections::new(url).await?);
        let (pruning, new_baskets) = (Arc::default(), Arc::default());
        let store = Self { connections, secret: None, url: url.to_owned(), pruning, new_baskets };
        match store.identity().await {
            Err(error) if *store.place() == DatabaseLocation::Server && error.is_away() => Ok(store),
            known => known.map(|_| store),
        }
    }

    /// Sets the secret that keys the hashes of erased customers.
    #[must_use]
    pub fn with_secret(self, secret: Arc<Secret>) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// Where the database is.
    pub fn place(&self) -> &DatabaseLocation {
        self.connections.place()
    }

    /// The mark to leave beside the models; `None` if the database ends with the process.
    pub fn mark(&self, identity: String) -> Option<StateMarker> {
        let database = match self.place() {
            DatabaseLocation::Memory => return None,
            DatabaseLocation::Server => "PostgreSQL".to_owned(),
            DatabaseLocation::File(path) => {
                std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
            }
        };
        Some(StateMarker { identity, database })
    }

    /// Increases each time the database file is found to have been replaced.
    pub fn generation(&self) -> u64 {
        self.connections.generation()
    }

    /// The random ID that the database got at its creation. A different one means a different database, even under the
    /// same name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn identity(&self) -> Result<String, StoreError> {
        let open = self.connections.open().await?;
        let known = match identity(&open).await {
            Ok(known) => known,
            Err(error) => {
                // The content of the file was replaced, and its schema is older or missing.
                if error.as_database_error().is_some_and(|error| error.message().contains("no such table")) {
                    self.connections.suspect();
                }
                return Err(error.into());
            }
        };
        if let Some(known) = known {
            self.check_secret(&open).await?;
            return Ok(known);
        }
        let _turn = self.connections.turn().await;
        sqlx::query("INSERT INTO facts (name, value) VALUES ('identity', $1) ON CONFLICT (name) DO NOTHING")
            .bind(uuid::Uuid::new_v4().to_string())
            .execute(&open.pool)
            .await?;
        self.check_secret(&open).await?;
        Ok(identity(&open).await?.unwrap_or_default())
    }

    /// Checks that the database was used with this secret: with another one, no erased customer would be recognised.
    async fn check_secret(&self, open: &CurrentPool) -> Result<(), StoreError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let mark = || fact(open, "secret");
        let mut there = mark().await?;
        if let (None, Some(own)) = (&there, secret.mark()) {
            let put = "INSERT INTO facts (name, value) VALUES ('secret', $1) ON CONFLICT (name) DO NOTHING";
            // A read-only database cannot store the mark, so it is checked again later.
            if let Err(error) = sqlx::query(put).bind(own).execute(&open.pool).await {
                tracing::debug!(%error, "the database does not keep which secret it is used with");
                return Ok(());
            }
            there = mark().await?;
        }
        if there.as_deref() == secret.mark() { Ok(()) } else { Err(StoreError::Secret) }
    }

    /// Replaces a document, and returns the number of the change. If `sequence` is not above the last one, nothing is
    /// changed and the result is `None`. Without a sequence, the document counts as the newest.
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
        open: &CurrentPool,
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

    /// A document, with the number of its last change.
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

    /// The number of the last change, by market and kind.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn versions(&self) -> Result<Vec<(String, Kind, i64)>, StoreError> {
        let open = self.connections.open().await?;
        let rows = sqlx::query("SELECT market, kind, version FROM versions").fetch_all(&open.pool).await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("kind")?;
            // A newer release that shares the database may have more kinds.
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
                versions.push((row.try_get("market")?, kind, row.try_get("version")?));
            }
        }
        Ok(versions)
    }

    /// Whether a change is in the recent history of this database. After a rollback, it may not be.
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

    /// Signals for changes made by other replicas.
    pub fn changes(&self) -> Changes {
        Changes::new((*self.place() == DatabaseLocation::Server).then(|| self.url.clone()))
    }

    /// SQL for the time of the database's clock in Unix seconds.
    fn clock(&self) -> &'static str {
        match self.place() {
            DatabaseLocation::Server => "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) AS BIGINT)",
            DatabaseLocation::Memory | DatabaseLocation::File(_) => "unixepoch()",
        }
    }

    async fn announce(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), sqlx::Error> {
        if *self.place() == DatabaseLocation::Server {
            // Delivered on commit.
            transaction.execute("NOTIFY trolley_state").await?;
        }
        Ok(())
    }
}

async fn identity(open: &CurrentPool) -> Result<Option<String>, sqlx::Error> {
    fact(open, "identity").await
}

async fn fact(open: &CurrentPool, name: &'static str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM facts WHERE name = $1").bind(name).fetch_optional(&open.pool).await
}
