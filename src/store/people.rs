use sqlx::{AssertSqlSafe, Row};

use super::{Kind, Store, StoreError, next_version};

/// A click or a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The client's name for it.
    pub id: String,
    /// The answer that it came of.
    pub recommendation: String,
    /// What happened.
    pub kind: &'static str,
    /// The item, or the offer.
    pub item: String,
}

/// Events are kept so long, in seconds: a season.
const KEPT: i64 = 100 * 86_400;

/// Rows in one statement.
const ROWS: usize = 1000;

impl Store {
    /// Takes in events; those that are there already are passed over. Returns how many were new. Whatever is older than
    /// a season is forgotten on the way. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_events(&self, market: &str, events: &[EventRow], now: i64) -> Result<usize, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let mut new = 0;
        for events in events.chunks(ROWS) {
            let row = |row: usize| {
                format!("($1, ${}, ${}, ${}, ${}, $2)", 4 * row + 3, 4 * row + 4, 4 * row + 5, 4 * row + 6)
            };
            let values: Vec<String> = (0..events.len()).map(row).collect();
            let text = format!(
                "INSERT INTO events (market, id, recommendation, kind, item, received) VALUES {} ON CONFLICT DO NOTHING",
                values.join(", ")
            );
            let mut insert = sqlx::query(AssertSqlSafe(text)).bind(market).bind(now);
            for event in events {
                insert = insert.bind(&event.id).bind(&event.recommendation).bind(event.kind).bind(&event.item);
            }
            new += insert.execute(&mut *transaction).await?.rows_affected() as usize;
        }
        sqlx::query("DELETE FROM events WHERE received < $1").bind(now - KEPT).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(new)
    }

    /// Remembers that a customer is not to be known any more, by the hash of the ID.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn erase(&self, market: &str, customer: &str) -> Result<i64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let version = next_version(&mut transaction, market, Kind::Erased).await?;
        sqlx::query("INSERT INTO erased (market, customer, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(market)
            .bind(customer)
            .bind(version)
            .execute(&mut *transaction)
            .await?;
        self.announce(&mut transaction).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// The hashes of all customers of a market who have been erased.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn erased(&self, market: &str) -> Result<Vec<String>, StoreError> {
        let rows =
            sqlx::query("SELECT customer FROM erased WHERE market = $1").bind(market).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| row.try_get("customer")).collect::<Result<_, _>>()?)
    }
}
