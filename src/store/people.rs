use std::sync::PoisonError;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row};

use super::connections::CurrentPool;
use super::place::DatabaseLocation;
use super::{Kind, Store, StoreError, next_version, replacements};

/// A customer's response to a recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The client's ID of the event.
    pub id: String,
    /// The ID of the recommendation.
    pub recommendation: String,
    /// The kind of event.
    pub kind: &'static str,
    /// The item, or the offer.
    pub item: String,
    /// For a replacement, the item in whose place it was offered.
    pub replaced: Option<String>,
}

impl EventRow {
    /// Kind of event: a replacement was accepted.
    pub const ACCEPTED: &'static str = "replacement_accepted";
    /// Kind of event: a replacement was refused.
    pub const REJECTED: &'static str = "replacement_rejected";
}

/// The result of storing events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventsPut {
    /// Number of new events.
    pub new: usize,
    /// The number of the change in the counts of replacements, if there was one.
    pub replacements: Option<i64>,
}

/// An erased customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The BLAKE3 hash of the ID, keyed with the secret.
    pub customer: blake3::Hash,
    /// Time of the erasure.
    pub at: DateTime<Utc>,
}

/// Retention of events in seconds: 100 days, a season.
const RETENTION_SECONDS: i64 = 100 * 86_400;

/// Minimum interval between removals of old events.
const EVENT_PRUNE_INTERVAL: Duration = Duration::from_hours(1);

/// Maximum number of old events removed at a time, in addition to as many as have arrived since the last time. So a
/// wrong clock cannot delete more in an hour.
const EVENT_PRUNE_LIMIT: i64 = 10_000;

/// Maximum number of rows per statement.
const ROWS: usize = 1000;

/// When old events were last removed, and how many events have arrived since.
#[derive(Debug, Default)]
pub(super) struct Pruning {
    last: Option<Instant>,
    come: i64,
}

impl Store {
    /// Stores events; those that exist already are ignored. From time to time, this also removes events older than a
    /// season. Their age is measured by the database's clock, because a replica's own may be wrong.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_events(&self, market: &str, events: &[EventRow]) -> Result<EventsPut, StoreError> {
        loop {
            let open = self.connections.open().await?;
            let put = self.put_events_into(&open, market, events).await;
            if let Some(put) = self.connections.settle(&open, put) {
                return put;
            }
        }
    }

    async fn put_events_into(
        &self,
        open: &CurrentPool,
        market: &str,
        events: &[EventRow],
    ) -> Result<EventsPut, StoreError> {
        let _turn = self.connections.turn().await;
        let mut transaction = open.pool.begin().await?;
        let now = self.clock();
        let (mut new, mut new_replacements) = (0, Vec::new());
        // Replacements are inserted one by one, to know which of them are new.
        let (replacements, others): (Vec<&EventRow>, Vec<&EventRow>) =
            events.iter().partition(|event| event.replaced.is_some());
        let chunks = others.chunks(ROWS).chain(replacements.chunks(1));
        for events in chunks {
            let row = |row: usize| {
                format!("($1, ${}, ${}, ${}, ${}, {now})", 4 * row + 2, 4 * row + 3, 4 * row + 4, 4 * row + 5)
            };
            let values: Vec<String> = (0..events.len()).map(row).collect();
            let text = format!(
                "INSERT INTO events (market, id, recommendation, kind, item, received) VALUES {} ON CONFLICT DO NOTHING",
                values.join(", ")
            );
            let mut insert = sqlx::query(AssertSqlSafe(text)).bind(market);
            for event in events {
                insert = insert.bind(&event.id).bind(&event.recommendation).bind(event.kind).bind(&event.item);
            }
            let added = insert.execute(&mut *transaction).await?.rows_affected() as usize;
            new += added;
            new_replacements.extend(events.iter().copied().filter(|event| added > 0 && event.replaced.is_some()));
        }
        let replacements = replacements::count(&mut transaction, market, now, &new_replacements).await?;
        if replacements.is_some() {
            self.announce(&mut transaction).await?;
        }
        if let Some(most) = self.events_to_prune(new as i64) {
            let text = format!(
                "DELETE FROM events WHERE (market, id) IN (SELECT market, id FROM events WHERE received < {now} - $1 \
                 ORDER BY received LIMIT $2)"
            );
            sqlx::query(AssertSqlSafe(text)).bind(RETENTION_SECONDS).bind(most).execute(&mut *transaction).await?;
            // The counts themselves stay.
            let text = format!(
                "DELETE FROM replacement_answers WHERE (market, recommendation, item, replacement) IN (SELECT market, \
                 recommendation, item, replacement FROM replacement_answers WHERE received < {now} - $1 ORDER BY received \
                 LIMIT $2)"
            );
            sqlx::query(AssertSqlSafe(text)).bind(RETENTION_SECONDS).bind(most).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(EventsPut { new, replacements })
    }

    /// SQL for the time of the database's clock in Unix seconds.
    fn clock(&self) -> &'static str {
        match self.place() {
            DatabaseLocation::Server => "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) AS BIGINT)",
            DatabaseLocation::Memory | DatabaseLocation::File(_) => "unixepoch()",
        }
    }

    /// Maximum number of old events to remove now; `None` if it is not time yet.
    fn events_to_prune(&self, new: i64) -> Option<i64> {
        let mut pruning = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        pruning.come += new;
        if pruning.last.is_some_and(|last| last.elapsed() < EVENT_PRUNE_INTERVAL) {
            return None;
        }
        let most = EVENT_PRUNE_LIMIT + pruning.come;
        *pruning = Pruning { last: Some(Instant::now()), come: 0 };
        Some(most)
    }

    /// Stores the erasure of a customer, by the keyed hash of the ID.
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
        let version = next_version(&mut transaction, market, Kind::Erased).await?;
        sqlx::query(
            "INSERT INTO erased (market, customer, version, keyed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(market)
        .bind(customer.to_hex().as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: String) -> EventRow {
        EventRow { id, recommendation: "r".into(), kind: "click", item: "i".into(), replaced: None }
    }

    async fn count(store: &Store, which: &str) -> i64 {
        let open = store.connections.open().await.unwrap();
        let text = format!("SELECT COUNT(*) FROM events WHERE {which}");
        sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&open.pool).await.unwrap()
    }

    /// Age is measured by the database's clock, and removals are limited: whatever a replica's clock shows, the events
    /// of the others stay.
    #[tokio::test]
    async fn old_events_go_by_the_databases_clock_and_a_bounded_number_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        let store = Store::open(&url).await.unwrap();
        let many: Vec<EventRow> = (0..EVENT_PRUNE_LIMIT + 50).map(|number| event(format!("old-{number}"))).collect();
        assert_eq!(store.put_events("de", &many).await.unwrap().new, many.len());
        assert_eq!(store.put_events("de", &many[..3]).await.unwrap().new, 0, "known already");
        store.put_events("de", &[event("young".into())]).await.unwrap();
        let received = "received BETWEEN unixepoch() - 100 AND unixepoch()";
        assert_eq!(count(&store, received).await, many.len() as i64 + 1);
        let age = format!("UPDATE events SET received = received - {RETENTION_SECONDS} - 100 WHERE id LIKE 'old-%'");
        let open = store.connections.open().await.unwrap();
        sqlx::query(AssertSqlSafe(age)).execute(&open.pool).await.unwrap();

        store.put_events("de", &[event("new-1".into())]).await.unwrap();
        assert_eq!(count(&store, "id LIKE 'old-%'").await, many.len() as i64, "an hour has not passed");
        // Another process removes old events at its first push.
        let other = Store::open(&url).await.unwrap();
        other.put_events("fr", &[event("new-2".into())]).await.unwrap();
        assert_eq!(count(&store, "id LIKE 'old-%'").await, 49, "as many as are bounded, and one for the new one");
        assert_eq!(count(&store, "id NOT LIKE 'old-%'").await, 3);
    }
}
