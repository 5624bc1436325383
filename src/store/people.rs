use chrono::{DateTime, Utc};
use sqlx::Row;

use super::connections::CurrentPool;
use super::{Kind, Store, StoreError, next_version};

/// An erased customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The BLAKE3 hash of the ID, keyed with the secret.
    pub customer: blake3::Hash,
    /// Time of the erasure.
    pub at: DateTime<Utc>,
}

/// Maximum number of rows per transaction.
const ROWS: usize = 1000;

impl Store {
    /// Stores the erasure of a customer, by the keyed hash of the ID, and deletes the customer's baskets and dismissals.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn erase(&self, market: &str, customer: &blake3::Hash) -> Result<i64, StoreError> {
        loop {
            let open = self.connections.open().await?;
            self.check_secret(&open).await?;
            let put = self.erase_from(&open, market, customer).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn erase_from(&self, open: &CurrentPool, market: &str, customer: &blake3::Hash) -> Result<i64, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        // These two also wait for pushes that run at the same time, which check the erased customers once they have their
        // own number. So either the push has stored the customer's rows, or it finds the customer erased.
        next_version(&mut transaction, market, Kind::Baskets).await?;
        next_version(&mut transaction, market, Kind::Dismissals).await?;
        let version = next_version(&mut transaction, market, Kind::Erased).await?;
        let hash = customer.to_hex();
        for delete in [
            // A cancelled basket stays as an ID, so that it does not come back.
            "UPDATE baskets SET customer = NULL, hash = NULL WHERE market = $1 AND hash = $2 AND cancelled = 1",
            "DELETE FROM baskets WHERE market = $1 AND hash = $2",
            "DELETE FROM dismissals WHERE market = $1 AND hash = $2",
        ] {
            sqlx::query(delete).bind(market).bind(hash.as_str()).execute(&mut *transaction).await?;
        }
        sqlx::query(
            "INSERT INTO erased (market, customer, version, keyed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(market)
        .bind(hash.as_str())
        .bind(version)
        .bind(i64::from(self.is_keyed()))
        .execute(&mut *transaction)
        .await?;
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// The erased customers of a market, with the times of erasure. The number of a change is its time in Unix
    /// milliseconds.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn erasures(&self, market: &str) -> Result<Vec<Erasure>, StoreError> {
        let open = self.connections.open().await?;
        self.check_secret(&open).await?;
        let rows = sqlx::query("SELECT customer, version, keyed FROM erased WHERE market = $1");
        let rows = rows.bind(market).fetch_all(&open.pool).await?;
        let (mut erasures, mut plain) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let (text, version): (String, i64) = (row.try_get("customer")?, row.try_get("version")?);
            let (keyed, at) = (row.try_get::<i64, _>("keyed")? != 0, DateTime::from_timestamp_millis(version));
            let (Ok(hash), Some(at)) = (blake3::Hash::from_hex(&text), at) else { continue };
            let customer = match &self.secret {
                Some(secret) if !keyed => secret.customer(&hash),
                _ => hash,
            };
            if !keyed && self.is_keyed() {
                plain.push((text, customer, version));
            }
            erasures.push(Erasure { customer, at });
        }
        // In a read-only database they stay plain until it is writable.
        if let Err(error) = self.key(&open, market, &plain).await {
            tracing::debug!(%error, "who has been erased is kept by a hash without a key for now");
        }
        Ok(erasures)
    }

    fn is_keyed(&self) -> bool {
        self.secret.as_ref().is_some_and(|secret| secret.mark().is_some())
    }

    /// Replaces plain hashes by keyed ones.
    async fn key(
        &self,
        open: &CurrentPool,
        market: &str,
        plain: &[(String, blake3::Hash, i64)],
    ) -> Result<(), sqlx::Error> {
        for rows in plain.chunks(ROWS) {
            let _turn = self.connections.turn().await;
            let mut transaction = open.pool.begin().await?;
            for (text, keyed, version) in rows {
                sqlx::query(
                    "INSERT INTO erased (market, customer, version, keyed) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING",
                )
                .bind(market)
                .bind(keyed.to_hex().to_string())
                .bind(version)
                .execute(&mut *transaction)
                .await?;
                sqlx::query("DELETE FROM erased WHERE market = $1 AND customer = $2 AND keyed = 0")
                    .bind(market)
                    .bind(text)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    /// The hashes of all erased customers of a market.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn erased(&self, market: &str) -> Result<Vec<blake3::Hash>, StoreError> {
        Ok(self.erasures(market).await?.into_iter().map(|erasure| erasure.customer).collect())
    }
}
