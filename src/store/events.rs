use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::connections::CurrentPool;
use super::{Shopper, Store, StoreError, dismissals, replacements};

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
    /// For a dismissal, the customer who does not want the item any more.
    pub dismissed_by: Option<Shopper>,
}

impl EventRow {
    /// Kind of event: a replacement was accepted.
    pub const ACCEPTED: &'static str = "replacement_accepted";
    /// Kind of event: a replacement was refused.
    pub const REJECTED: &'static str = "replacement_rejected";
    /// Kind of event: an item was dismissed.
    pub const DISMISSED: &'static str = "dismiss";
}

/// The result of storing events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventsPut {
    /// Number of new events.
    pub new: usize,
    /// The number of the change in the counts of replacements, if there was one.
    pub replacements: Option<i64>,
    /// The number of the change in the dismissed items, if there was one.
    pub dismissals: Option<i64>,
}

/// Retention of events in seconds: 100 days, a season.
const RETENTION_SECONDS: i64 = 100 * 86_400;

/// Minimum interval between removals of old events.
const EVENT_PRUNE_INTERVAL: Duration = Duration::from_hours(1);

/// Maximum number of old events removed at a time, in addition to as many as have arrived since the last time. So a
/// wrong clock cannot delete more in an hour.
const EVENT_PRUNE_LIMIT: i64 = 10_000;

/// Maximum number of rows per statement: SQLite takes 32,766 values.
const ROWS: usize = 1000;

/// When old events were last removed, and how many events have arrived since.
#[derive(Debug, Default)]
pub(super) struct Pruning {
    last: Option<Instant>,
    come: i64,
}

impl Store {
    /// Stores events; those that exist already are ignored. From time to time, this also removes events older than a
    /// season, and dismissals with them. Their age is measured by the database's clock, because a replica's own may be
    /// wrong. Dismissals of erased customers are not stored.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub async fn put_events(&self, market: &str, events: &[EventRow]) -> Result<EventsPut, StoreError> {
        loop {
            let open = self.connections.open().await?;
            if events.iter().any(|event| event.dismissed_by.is_some()) {
                self.check_secret(&open).await?;
            }
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
        let new = insert(&mut transaction, market, now, events).await?;
        let replacements = replacements::count(&mut transaction, market, now, &new).await?;
        let dismissals = dismissals::put(&mut transaction, market, now, &new).await?;
        if replacements.is_some() || dismissals.is_some() {
            self.announce(&mut transaction).await?;
        }
        if let Some(most) = self.events_to_prune(new.len() as i64) {
            prune(&mut transaction, now, most).await?;
        }
        transaction.commit().await?;
        Ok(EventsPut { new: new.len(), replacements, dismissals })
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
}

/// Inserts events, and returns those that are new. Of several with the same ID the first counts. `now` is SQL for the
/// database's clock.
async fn insert<'e>(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    now: &'static str,
    events: &'e [EventRow],
) -> Result<Vec<&'e EventRow>, sqlx::Error> {
    let mut new: HashSet<String> = HashSet::new();
    for events in events.chunks(ROWS) {
        let row =
            |row: usize| format!("($1, ${}, ${}, ${}, ${}, {now})", 4 * row + 2, 4 * row + 3, 4 * row + 4, 4 * row + 5);
        let values: Vec<String> = (0..events.len()).map(row).collect();
        let text = format!(
            "INSERT INTO events (market, id, recommendation, kind, item, received) VALUES {} ON CONFLICT DO NOTHING \
             RETURNING id",
            values.join(", ")
        );
        let mut insert = sqlx::query_scalar(AssertSqlSafe(text)).bind(market);
        for event in events {
            insert = insert.bind(&event.id).bind(&event.recommendation).bind(event.kind).bind(&event.item);
        }
        new.extend(insert.fetch_all(&mut **transaction).await?);
    }
    Ok(events.iter().filter(|event| new.remove(&event.id)).collect())
}

/// Removes up to `most` old rows of each table. The counts of replacements stay.
async fn prune(transaction: &mut Transaction<'_, Any>, now: &'static str, most: i64) -> Result<(), sqlx::Error> {
    for (table, key) in [
        ("events", "market, id"),
        ("replacement_answers", "market, recommendation, item, replacement"),
        ("dismissals", "market, customer, item"),
    ] {
        let text = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE received < {now} - $1 \
             ORDER BY received LIMIT $2)"
        );
        sqlx::query(AssertSqlSafe(text)).bind(RETENTION_SECONDS).bind(most).execute(&mut **transaction).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: String) -> EventRow {
        EventRow { id, recommendation: "r".into(), kind: "click", item: "i".into(), replaced: None, dismissed_by: None }
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

    #[tokio::test]
    async fn old_dismissals_go_with_the_events() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        let store = Store::open(&url).await.unwrap();
        let dismissal = |item: &str| {
            let anna = Shopper { id: "anna".into(), hash: blake3::hash(b"anna") };
            let id = format!("{item}-{}", uuid::Uuid::new_v4());
            EventRow { item: item.into(), kind: EventRow::DISMISSED, dismissed_by: Some(anna), ..event(id) }
        };
        store.put_events("de", &["old", "again", "young"].map(dismissal)).await.unwrap();
        let open = store.connections.open().await.unwrap();
        let age =
            format!("UPDATE dismissals SET received = received - {RETENTION_SECONDS} - 100 WHERE item <> 'young'");
        sqlx::query(AssertSqlSafe(age)).execute(&open.pool).await.unwrap();
        let items = async || {
            let rows = store.dismissals_after("de", 0).await.unwrap();
            let mut items: Vec<String> = rows.into_iter().map(|row| row.item).collect();
            items.sort();
            items
        };
        store.put_events("de", &[dismissal("again")]).await.unwrap();
        assert_eq!(items().await, ["again", "old", "young"], "an hour has not passed");
        Store::open(&url).await.unwrap().put_events("fr", &[event("1".into())]).await.unwrap();
        assert_eq!(items().await, ["again", "young"]);
    }
}
