use std::collections::HashMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::connections::CurrentPool;
use super::versions::previous_version;
use super::{Kind, Store, StoreError, next_version};

/// A customer: the ID, and its keyed hash, by which erasures find the customer's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shopper {
    /// The ID.
    pub id: String,
    /// The BLAKE3 hash of the ID, keyed with the secret.
    pub hash: blake3::Hash,
}

/// A line of a basket. Its names in the database are short, because there are many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BasketLine {
    /// The item.
    #[serde(rename = "i")]
    pub item: String,
    /// The quantity.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<f64>,
    /// The price.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
}

/// A basket to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct BasketRow {
    /// The shop's ID of the basket.
    pub id: String,
    /// The customer, if known.
    pub shopper: Option<Shopper>,
    /// Time of the purchase in Unix seconds.
    pub bought: i64,
    /// What was bought.
    pub lines: Vec<BasketLine>,
}

/// A basket in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBasket {
    /// The shop's ID of the basket.
    pub id: String,
    /// The customer, if known and not erased.
    pub customer: Option<String>,
    /// Time of the purchase in Unix seconds; if only the cancellation is known, the time of that.
    pub bought: i64,
    /// What was bought; nothing if it was cancelled.
    pub lines: Vec<BasketLine>,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// The number of the change.
    pub version: i64,
}

/// The result of storing baskets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasketsPut {
    /// The number of the change, if there was one.
    pub version: Option<i64>,
    /// The number of the change before it; 0 if it is not known.
    pub previous: i64,
    /// The IDs that were not there before.
    pub new: Vec<String>,
    /// Those of `new` whose customer is erased: they are stored without the customer.
    pub anonymous: Vec<String>,
}

/// By market, how many baskets this process has stored since old ones were last removed.
pub(super) type NewBaskets = HashMap<String, i64>;

/// Maximum number of rows per statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// Number of baskets that are read at a time. SQLite cannot write while it reads.
const PAGE: i64 = 5000;

/// Maximum number of old baskets removed at a time, in addition to as many as have arrived since the last time. So a
/// wrong clock cannot delete more.
const PRUNE_LIMIT: i64 = 10_000;

impl Store {
    /// Stores baskets. Those whose IDs exist already are ignored, also if they were cancelled; of several with the same
    /// ID the first counts.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_baskets(&self, market: &str, rows: &[BasketRow]) -> Result<BasketsPut, StoreError> {
        let lines = rows.iter().map(|row| serde_json::to_string(&row.lines)).collect::<Result<Vec<_>, _>>();
        let rows: Vec<(&BasketRow, String)> = rows.iter().zip(lines.map_err(StoreError::encoding)?).collect();
        loop {
            let open = self.connections.open().await?;
            // With another secret, erasures would not find the customers.
            self.check_secret(&open).await?;
            let put = self.put_baskets_into(&open, market, &rows).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn put_baskets_into(
        &self,
        open: &CurrentPool,
        market: &str,
        rows: &[(&BasketRow, String)],
    ) -> Result<BasketsPut, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        // Waits for erasures that run at the same time; from here on, their customers are known.
        let version = next_version(&mut transaction, market, Kind::Baskets).await?;
        let new = insert(&mut transaction, market, version, self.clock(), rows).await?;
        if new.is_empty() {
            transaction.rollback().await?;
            return Ok(BasketsPut::default());
        }
        let anonymous = sqlx::query_scalar(
            "UPDATE baskets SET customer = NULL, hash = NULL WHERE market = $1 AND version = $2 AND EXISTS (SELECT 1 \
             FROM erased WHERE erased.market = baskets.market AND erased.customer = baskets.hash) RETURNING id",
        );
        let anonymous = anonymous.bind(market).bind(version).fetch_all(&mut *transaction).await?;
        let previous = previous_version(&mut transaction, market, Kind::Baskets, version).await?;
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        let mut counts = self.new_baskets.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(market.to_owned()).or_default() += new.len() as i64;
        Ok(BasketsPut { version: Some(version), previous, new, anonymous })
    }

    /// Cancels a basket: its lines are deleted, and its ID remains, so that it is not stored again. It need not have been
    /// stored before. The customer remains too, so that replicas find the basket. Returns the number of the change;
    /// `None` if it was cancelled before.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn cancel_basket(&self, market: &str, id: &str) -> Result<Option<i64>, StoreError> {
        loop {
            let open = self.connections.open().await?;
            let cancelled = self.cancel_basket_in(&open, market, id).await;
            if let Some(cancelled) = self.connections.settle(&open, cancelled) {
                return cancelled;
            }
        }
    }

    async fn cancel_basket_in(&self, open: &CurrentPool, market: &str, id: &str) -> Result<Option<i64>, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Baskets).await?;
        let now = self.clock();
        let text = format!(
            "INSERT INTO baskets (market, id, bought, cancelled, received, version, lines) \
             VALUES ($1, $2, {now}, 1, {now}, $3, '[]') ON CONFLICT (market, id) DO UPDATE SET cancelled = 1, \
             version = excluded.version, lines = excluded.lines WHERE baskets.cancelled = 0"
        );
        let cancel = sqlx::query(AssertSqlSafe(text)).bind(market).bind(id).bind(version);
        if cancel.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(version))
    }

    /// The baskets that were stored or cancelled since change `version`, in the order of the changes and in pages: there
    /// may be many. A basket that is cancelled meanwhile may come twice.
    pub fn baskets_after<'a>(&'a self, market: &'a str, version: i64) -> BasketPages<'a> {
        BasketPages { store: self, market, from: version.saturating_add(1), last: String::new(), is_at_end: false }
    }

    /// Deletes the oldest baskets that were bought before a time in Unix seconds: at most 10,000, in addition to as many
    /// as this process has stored since the last call. Returns their number. Replicas do not follow this as a change.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is deleted.
    pub async fn forget_baskets_before(&self, market: &str, bought: i64) -> Result<u64, StoreError> {
        let most = {
            let mut counts = self.new_baskets.lock().unwrap_or_else(PoisonError::into_inner);
            PRUNE_LIMIT + counts.remove(market).unwrap_or_default()
        };
        loop {
            let open = self.connections.open().await?;
            let forget = async {
                let _turn = self.connections.turn().await;
                let mut transaction = open.pool.begin().await?;
                // Waits for pushes and erasures, which could otherwise wait for this while this waits for them.
                sqlx::query("UPDATE versions SET version = version WHERE market = $1 AND kind = $2")
                    .bind(market)
                    .bind(Kind::Baskets.name())
                    .execute(&mut *transaction)
                    .await?;
                let forget = sqlx::query(
                    "DELETE FROM baskets WHERE market = $1 AND id IN (SELECT id FROM baskets WHERE market = $1 \
                     AND bought < $2 ORDER BY bought LIMIT $3)",
                );
                let forget = forget.bind(market).bind(bought).bind(most);
                let forgotten = forget.execute(&mut *transaction).await?.rows_affected();
                transaction.commit().await?;
                Ok(forgotten)
            };
            let forgotten = forget.await;
            if let Some(forgotten) = self.connections.settle(&open, forgotten) {
                return forgotten;
            }
        }
    }
}

/// Baskets of the database, page by page.
#[derive(Debug)]
pub struct BasketPages<'a> {
    store: &'a Store,
    market: &'a str,
    /// The change to continue with, and the last basket that was read of it.
    from: i64,
    last: String,
    is_at_end: bool,
}

impl BasketPages<'_> {
    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn next(&mut self) -> Result<Option<Vec<StoredBasket>>, StoreError> {
        if self.is_at_end {
            return Ok(None);
        }
        let page = sqlx::query(
            "SELECT id, customer, bought, cancelled, version, lines FROM baskets WHERE market = $1 AND version >= $2 \
             AND (version > $2 OR id > $3) ORDER BY version, id LIMIT $4",
        );
        let page = page.bind(self.market).bind(self.from).bind(&self.last).bind(PAGE);
        let page = page.fetch_all(&self.store.connections.open().await?.pool).await?;
        self.is_at_end = (page.len() as i64) < PAGE;
        let (mut baskets, mut unreadable) = (Vec::with_capacity(page.len()), 0);
        for row in page {
            let (id, version, lines): (String, i64, &str) =
                (row.try_get("id")?, row.try_get("version")?, row.try_get("lines")?);
            (self.from, self.last) = (version, id.clone());
            let Ok(lines) = serde_json::from_str(lines) else {
                unreadable += 1;
                continue;
            };
            let (customer, bought) = (row.try_get("customer")?, row.try_get("bought")?);
            let cancelled = row.try_get::<i64, _>("cancelled")? != 0;
            baskets.push(StoredBasket { id, customer, bought, lines, cancelled, version });
        }
        if unreadable > 0 {
            let market = self.market;
            tracing::error!(market, baskets = unreadable, "baskets that were pushed cannot be understood: left out");
        }
        Ok(Some(baskets))
    }
}

/// Inserts baskets in the change `version`, and returns the IDs of those that are new. `now` is SQL for the database's
/// clock.
async fn insert(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    version: i64,
    now: &'static str,
    rows: &[(&BasketRow, String)],
) -> Result<Vec<String>, sqlx::Error> {
    let mut new = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS) {
        let mut insert = sqlx::query_scalar(AssertSqlSafe(insertion(rows.len(), now))).bind(market).bind(version);
        for (row, lines) in rows {
            let customer = row.shopper.as_ref().map(|shopper| shopper.id.as_str());
            let hash = row.shopper.as_ref().map(|shopper| shopper.hash.to_hex().to_string());
            insert = insert.bind(&row.id).bind(customer).bind(hash).bind(row.bought).bind(lines);
        }
        new.extend(insert.fetch_all(&mut **transaction).await?);
    }
    Ok(new)
}

/// The statement for a number of rows: $1 is the market, $2 the change, then five values per row.
fn insertion(rows: usize, now: &'static str) -> String {
    let row = |row: usize| {
        let value = |column: usize| format!("${}", 5 * row + 3 + column);
        format!("($1, {}, {}, {}, {}, 0, {now}, $2, {})", value(0), value(1), value(2), value(3), value(4))
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO baskets (market, id, customer, hash, bought, cancelled, received, version, lines) VALUES {} \
         ON CONFLICT (market, id) DO NOTHING RETURNING id",
        values.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a newer release wrote does not stop the rest from being read.
    #[tokio::test]
    async fn baskets_that_cannot_be_read_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("state.sqlite").display())).await.unwrap();
        let line = BasketLine { item: "milk".into(), quantity: Some(1.5), price: None };
        let row = |id: &str| BasketRow { id: id.into(), shopper: None, bought: 1, lines: vec![line.clone()] };
        store.put_baskets("de", &[row("1"), row("2"), row("3")]).await.unwrap();
        let pool = store.connections.open().await.unwrap().pool;
        let written: String =
            sqlx::query_scalar("SELECT lines FROM baskets WHERE id = '1'").fetch_one(&pool).await.unwrap();
        assert_eq!(written, r#"[{"i":"milk","q":1.5}]"#);
        for (id, lines) in [("1", r#"[{"i":"milk","new":true}]"#), ("2", r#"{"packed":"AAEC"}"#)] {
            let newer = sqlx::query("UPDATE baskets SET lines = $1 WHERE id = $2").bind(lines).bind(id);
            newer.execute(&pool).await.unwrap();
        }
        let page = store.baskets_after("de", 0).next().await.unwrap().unwrap();
        let read: Vec<_> = page.into_iter().map(|basket| (basket.id, basket.lines)).collect();
        let plain = BasketLine { quantity: None, ..line.clone() };
        assert_eq!(read, [("1".to_owned(), vec![plain]), ("3".to_owned(), vec![line])]);
    }
}
