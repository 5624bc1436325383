use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{EventRow, Kind, Store, StoreError, next_version};

/// How often customers accepted and refused an item in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacementRow {
    /// The requested item.
    pub item: String,
    /// The item offered in its place.
    pub replacement: String,
    /// Number of times it was accepted.
    pub accepted: u32,
    /// Number of times it was refused.
    pub rejected: u32,
}

/// Counts the replacements among new events, each pair once per recommendation. Returns the number of the change, if
/// anything was counted. `now` is SQL for the database's clock.
pub(super) async fn count(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    now: &'static str,
    events: &[&EventRow],
) -> Result<Option<i64>, sqlx::Error> {
    let mut about: Vec<(&EventRow, &str)> = Vec::new();
    for event in events {
        let Some(replaced) = event.replaced.as_deref() else { continue };
        let text = format!(
            "INSERT INTO replacement_answers (market, recommendation, item, replacement, received) \
             VALUES ($1, $2, $3, $4, {now}) ON CONFLICT DO NOTHING"
        );
        let insert = sqlx::query(AssertSqlSafe(text)).bind(market).bind(&event.recommendation);
        if insert.bind(replaced).bind(&event.item).execute(&mut **transaction).await?.rows_affected() > 0 {
            about.push((event, replaced));
        }
    }
    if about.is_empty() {
        return Ok(None);
    }
    let version = next_version(transaction, market, Kind::Replacements).await?;
    for (event, replaced) in about {
        let is_taken = i64::from(event.kind == EventRow::ACCEPTED);
        sqlx::query(
            "INSERT INTO replacements (market, item, replacement, accepted, rejected, version) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (market, item, replacement) DO UPDATE SET accepted = replacements.accepted + excluded.accepted, \
             rejected = replacements.rejected + excluded.rejected, version = excluded.version",
        )
        .bind(market)
        .bind(replaced)
        .bind(&event.item)
        .bind(is_taken)
        .bind(1 - is_taken)
        .bind(version)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(Some(version))
}

impl Store {
    /// The counts that have changed since change `version`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn replacements_after(&self, market: &str, version: i64) -> Result<Vec<ReplacementRow>, StoreError> {
        let open = self.connections.open().await?;
        let all = "SELECT item, replacement, accepted, rejected FROM replacements WHERE market = $1 AND version > $2";
        let rows = sqlx::query(all).bind(market).bind(version).fetch_all(&open.pool).await?;
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let row = |row: &sqlx::any::AnyRow| -> Result<ReplacementRow, sqlx::Error> {
            let (accepted, rejected) = (count(row.try_get("accepted")?), count(row.try_get("rejected")?));
            Ok(ReplacementRow {
                item: row.try_get("item")?,
                replacement: row.try_get("replacement")?,
                accepted,
                rejected,
            })
        };
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }
}
