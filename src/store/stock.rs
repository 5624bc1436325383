use sqlx::{AssertSqlSafe, Row};

use super::connections::CurrentPool;
use super::{Kind, Store, StoreError, next_version, store_stock};

/// The latest stock of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    /// The item.
    pub item: String,
    /// The store, or `None` for the whole market.
    pub store: Option<String>,
    /// Whether it is available.
    pub in_stock: bool,
    /// The shop's sequence number.
    pub sequence: i64,
    /// The number of the change.
    pub version: i64,
}

/// The sequence of an item whose stock was reset: lower than any of the shop's.
const FORGOTTEN: i64 = -1;

impl StockRow {
    /// Availability and sequence; `None` if the stock was reset.
    pub fn said(&self) -> Option<(bool, u64)> {
        Some((self.in_stock, u64::try_from(self.sequence).ok()?))
    }
}

/// The result of a stock update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockPut {
    /// The number of the change.
    pub version: i64,
    /// Number of rows that were newer than the stored ones.
    pub accepted: usize,
}

/// Maximum number of rows per statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

impl Store {
    /// Updates the stock. For each item the highest sequence applies, also between a store and the whole market.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_stock(&self, market: &str, rows: &[StockRow]) -> Result<StockPut, StoreError> {
        // One statement must not name an item twice.
        let mut highest: Vec<&StockRow> = rows.iter().collect();
        highest.sort_by(|a, b| (&a.item, &a.store, b.sequence).cmp(&(&b.item, &b.store, a.sequence)));
        highest.dedup_by(|next, kept| (&next.item, &next.store) == (&kept.item, &kept.store));
        loop {
            let open = self.connections.open().await?;
            let put = self.put_stock_into(&open, market, &highest).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn put_stock_into(
        &self,
        open: &CurrentPool,
        market: &str,
        highest: &[&StockRow],
    ) -> Result<StockPut, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Stock).await?;
        let mut accepted = 0;
        let (of_stores, of_market): (Vec<&StockRow>, Vec<&StockRow>) =
            highest.iter().partition(|row| row.store.is_some());
        for rows in of_market.chunks(ROWS) {
            let mut insert = sqlx::query(AssertSqlSafe(upsert(rows.len()))).bind(market).bind(version);
            for row in rows {
                insert = insert.bind(&row.item).bind(i64::from(row.in_stock)).bind(row.sequence);
            }
            accepted += insert.execute(&mut *transaction).await?.rows_affected() as usize;
        }
        if !of_market.is_empty() {
            store_stock::supersede(&mut transaction, market, version).await?;
        }
        accepted += store_stock::put(&mut transaction, market, version, &of_stores).await?;
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(StockPut { version, accepted })
    }

    /// Resets the stock of an item: the next update applies, whatever its sequence. Returns the number of the change.
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

    async fn forget_stock_in(&self, open: &CurrentPool, market: &str, item: &str) -> Result<i64, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Stock).await?;
        // The row stays, so that other replicas see the reset.
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

    /// The market-wide stock that has changed since change `version`.
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
            Ok(StockRow { item, store: None, in_stock: in_stock != 0, sequence, version })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }
}

/// The statement for a number of rows: $1 is the market, $2 the change, then three values per row.
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
