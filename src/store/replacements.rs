use sqlx::{Any, Row, Transaction};

use super::{EventRow, Kind, Store, StoreError, next_version};

/// How often customers took an item in the place of another, and how often they refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacementRow {
    /// What was wanted.
    pub item: String,
    /// What was offered in its place.
    pub replacement: String,
    /// So often it was taken.
    pub accepted: u32,
    /// So often it was refused.
    pub rejected: u32,
}

/// Counts some events that are new, of those about replacements; returns the number of the change, if there are any.
pub(super) async fn count(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    events: &[&EventRow],
) -> Result<Option<i64>, sqlx::Error> {
    let about: Vec<(&EventRow, &str)> =
        events.iter().filter_map(|event| Some((*event, event.replaced.as_deref()?))).collect();
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
    /// How often customers took items in the place of others, of those pairs that were counted after a change.
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
