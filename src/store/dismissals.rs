use std::collections::BTreeMap;

use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{EventRow, Kind, Store, StoreError, next_version};

/// Maximum number of rows per statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// An item that a customer dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DismissalRow {
    /// The customer.
    pub customer: String,
    /// The item.
    pub item: String,
    /// When the customer last dismissed it, in Unix seconds by the database's clock.
    pub received: i64,
}

/// Stores the dismissals among new events, without those of erased customers. Returns the number of the change, if
/// anything was stored. `now` is SQL for the database's clock.
pub(super) async fn put(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    now: &'static str,
    events: &[&EventRow],
) -> Result<Option<i64>, sqlx::Error> {
    // One statement must not name a row twice.
    let mut rows: BTreeMap<(&str, &str), blake3::Hash> = BTreeMap::new();
    for event in events {
        let Some(by) = &event.dismissed_by else { continue };
        rows.insert((&by.id, &event.item), by.hash);
    }
    if rows.is_empty() {
        return Ok(None);
    }
    // Waits for erasures that run at the same time; from here on, their customers are known.
    let version = next_version(transaction, market, Kind::Dismissals).await?;
    let rows: Vec<_> = rows.into_iter().collect();
    let mut stored = 0;
    for rows in rows.chunks(ROWS) {
        let mut upsert = sqlx::query(AssertSqlSafe(upsert(rows.len(), now))).bind(market).bind(version);
        for ((customer, item), hash) in rows {
            upsert = upsert.bind(*customer).bind(hash.to_hex().to_string()).bind(*item);
        }
        stored += upsert.execute(&mut **transaction).await?.rows_affected();
    }
    let erased = sqlx::query(
        "DELETE FROM dismissals WHERE market = $1 AND version = $2 AND EXISTS (SELECT 1 FROM erased WHERE \
         erased.market = dismissals.market AND erased.customer = dismissals.hash)",
    );
    let erased = erased.bind(market).bind(version).execute(&mut **transaction).await?.rows_affected();
    Ok((stored > erased).then_some(version))
}

impl Store {
    /// The dismissals that were stored or repeated since change `version`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn dismissals_after(&self, market: &str, version: i64) -> Result<Vec<DismissalRow>, StoreError> {
        let open = self.connections.open().await?;
        let all = "SELECT customer, item, received FROM dismissals WHERE market = $1 AND version > $2";
        let rows = sqlx::query(all).bind(market).bind(version).fetch_all(&open.pool).await?;
        let row = |row: &sqlx::any::AnyRow| -> Result<DismissalRow, sqlx::Error> {
            Ok(DismissalRow {
                customer: row.try_get("customer")?,
                item: row.try_get("item")?,
                received: row.try_get("received")?,
            })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }
}

/// The statement for a number of rows: $1 is the market, $2 the change, then three values per row.
fn upsert(rows: usize, now: &'static str) -> String {
    let row = |row: usize| format!("($1, ${}, ${}, ${}, {now}, $2)", 3 * row + 3, 3 * row + 4, 3 * row + 5);
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO dismissals (market, customer, hash, item, received, version) VALUES {} \
         ON CONFLICT (market, customer, item) DO UPDATE SET hash = excluded.hash, received = excluded.received, \
         version = excluded.version",
        values.join(", ")
    )
}
