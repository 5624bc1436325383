use futures_util::TryStreamExt;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{Kind, StockRow, Store, StoreError, next_version};

/// Maximum number of rows per statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// The latest stock of an item in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStockRow {
    /// The store.
    pub store: String,
    /// The item.
    pub item: String,
    /// Whether it is available there; `None` if the stock was reset.
    pub in_stock: Option<bool>,
}

/// Updates the stock of stores, in the change `version`; returns the number of accepted rows. A row with a lower
/// sequence than the market-wide stock is dropped.
pub(super) async fn put(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    version: i64,
    rows: &[&StockRow],
) -> Result<usize, sqlx::Error> {
    let mut accepted = 0;
    for rows in rows.chunks(ROWS) {
        let mut insert = sqlx::query(AssertSqlSafe(upsert(rows.len()))).bind(market).bind(version);
        for row in rows {
            let store = row.store.as_deref().unwrap_or_default();
            insert = insert.bind(&row.item).bind(store).bind(i64::from(row.in_stock)).bind(row.sequence);
        }
        accepted += insert.execute(&mut **transaction).await?.rows_affected() as usize;
    }
    let superseded = sqlx::query(
        "DELETE FROM store_stock WHERE market = $1 AND version = $2 AND EXISTS (SELECT 1 FROM stock WHERE \
         stock.market = store_stock.market AND stock.item = store_stock.item AND stock.sequence > store_stock.sequence)",
    );
    let superseded = superseded.bind(market).bind(version).execute(&mut **transaction).await?.rows_affected() as usize;
    Ok(accepted.saturating_sub(superseded))
}

/// After a change of market-wide stock, removes the rows of stores with a lower sequence.
pub(super) async fn supersede(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM store_stock WHERE market = $1 AND item IN (SELECT item FROM stock WHERE market = $1 AND version = $2) \
         AND sequence < (SELECT stock.sequence FROM stock WHERE stock.market = $1 AND stock.item = store_stock.item)",
    )
    .bind(market)
    .bind(version)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl Store {
    /// Resets the stock of an item in a store: the next update applies, whatever its sequence. Returns the number of
    /// the change.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn forget_store_stock(&self, market: &str, item: &str, store: &str) -> Result<i64, StoreError> {
        loop {
            let open = self.connections.open().await?;
            let forget = async {
                let _turn = self.connections.turn().await;
                let mut transaction = open.pool.begin().await?;
                let version = next_version(&mut transaction, market, Kind::Stock).await?;
                // The row stays, so that other replicas see the reset.
                sqlx::query(
                    "UPDATE store_stock SET sequence = -1, version = $1 WHERE market = $2 AND item = $3 AND store = $4",
                )
                .bind(version)
                .bind(market)
                .bind(item)
                .bind(store)
                .execute(&mut *transaction)
                .await?;
                self.announce(&mut transaction).await?;
                transaction.commit().await?;
                Ok(version)
            };
            let forgotten = forget.await;
            if let Some(forgotten) = self.connections.settle(&open, forgotten) {
                return forgotten;
            }
        }
    }

    /// Calls `each` with the stock of stores that has changed since change `version`, and with all that is stored for
    /// items whose market-wide stock has changed since. The rows are streamed: there may be as many as stores times
    /// items.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn store_stock_after(
        &self,
        market: &str,
        version: i64,
        mut each: impl FnMut(StoreStockRow),
    ) -> Result<(), StoreError> {
        let open = self.connections.open().await?;
        let all = "SELECT store, item, in_stock, sequence FROM store_stock WHERE market = $1 AND (version > $2 OR item IN \
                   (SELECT item FROM stock WHERE market = $1 AND version > $2))";
        let mut rows = sqlx::query(all).bind(market).bind(version).fetch(&open.pool);
        while let Some(row) = rows.try_next().await? {
            let (in_stock, sequence): (i64, i64) = (row.try_get("in_stock")?, row.try_get("sequence")?);
            let in_stock = (sequence >= 0).then_some(in_stock != 0);
            each(StoreStockRow { store: row.try_get("store")?, item: row.try_get("item")?, in_stock });
        }
        Ok(())
    }
}

/// The statement for a number of rows: $1 is the market, $2 the change, then four values per row.
fn upsert(rows: usize) -> String {
    let row = |row: usize| format!("($1, ${}, ${}, ${}, ${}, $2)", 4 * row + 3, 4 * row + 4, 4 * row + 5, 4 * row + 6);
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO store_stock (market, item, store, in_stock, sequence, version) VALUES {} \
         ON CONFLICT (market, item, store) DO UPDATE SET in_stock = excluded.in_stock, sequence = excluded.sequence, \
         version = excluded.version WHERE excluded.sequence > store_stock.sequence",
        values.join(", ")
    )
}
