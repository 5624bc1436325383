use sqlx::{Any, Transaction};

use super::Kind;

/// The number of a change: the time in Unix milliseconds, or the next number if that is higher. So numbers rise even if
/// the database is rolled back, to a backup or to a lagging standby. Otherwise replicas, which have seen higher
/// numbers, would take new changes for old. The row stays locked until the commit, so that numbers are committed in
/// order.
pub(super) async fn next_version(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    kind: Kind,
) -> Result<i64, sqlx::Error> {
    let version: i64 = sqlx::query_scalar(
        "INSERT INTO versions (market, kind, version) VALUES ($1, $2, $3) ON CONFLICT (market, kind) DO UPDATE SET \
         version = CASE WHEN versions.version < excluded.version THEN excluded.version ELSE versions.version + 1 END \
         RETURNING version",
    )
    .bind(market)
    .bind(kind.name())
    .bind(chrono::Utc::now().timestamp_millis())
    .fetch_one(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO lineage (market, kind, version) VALUES ($1, $2, $3)")
        .bind(market)
        .bind(kind.name())
        .bind(version)
        .execute(&mut **transaction)
        .await?;
    let length = lineage_length(kind);
    if version % (length / LINEAGE_PRUNE_SHARE) == 0 {
        sqlx::query(
            "DELETE FROM lineage WHERE market = $1 AND kind = $2 AND version < (SELECT MIN(version) FROM (SELECT version \
             FROM lineage WHERE market = $1 AND kind = $2 ORDER BY version DESC LIMIT $3) AS newest)",
        )
        .bind(market)
        .bind(kind.name())
        .bind(length)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(version)
}

/// The number of the change before `version`, which the transaction has made; 0 if the history does not have it.
pub(super) async fn previous_version(
    transaction: &mut Transaction<'_, Any>,
    market: &str,
    kind: Kind,
    version: i64,
) -> Result<i64, sqlx::Error> {
    let before: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM lineage WHERE market = $1 AND kind = $2 AND version < $3")
            .bind(market)
            .bind(kind.name())
            .bind(version)
            .fetch_one(&mut **transaction)
            .await?;
    Ok(before.unwrap_or_default())
}

/// Number of changes in the history of a market and kind. A replica that has seen none of them reloads everything.
/// Baskets may be pushed fifty times a second: their history is that of some minutes.
fn lineage_length(kind: Kind) -> i64 {
    if kind == Kind::Baskets { 20_000 } else { 1000 }
}

/// The history is pruned, on average, each time a twentieth of its length has been added.
const LINEAGE_PRUNE_SHARE: i64 = 20;

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    /// Number of changes in the history, and the first of them.
    async fn history(store: &Store, kind: Kind) -> (i64, i64) {
        let pool = store.connections.open().await.unwrap().pool;
        let text = "SELECT COUNT(*), MIN(version) FROM lineage WHERE market = 'de' AND kind = $1";
        sqlx::query_as(text).bind(kind.name()).fetch_one(&pool).await.unwrap()
    }

    async fn change(store: &Store, kind: Kind) {
        let mut transaction = store.connections.open().await.unwrap().pool.begin().await.unwrap();
        next_version(&mut transaction, "de", kind).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Baskets are pushed so often that a short history would not reach back to a replica's last look.
    #[tokio::test]
    async fn the_history_of_baskets_is_longer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("state.sqlite").display())).await.unwrap();
        // In the future, so that the numbers rise by one.
        let last = 5_000_000_000_999_i64 - 1;
        for (kind, length) in [(Kind::Baskets, 20_000), (Kind::Stock, 1000)] {
            let pool = store.connections.open().await.unwrap().pool;
            let fill = "WITH RECURSIVE numbers (number) AS (SELECT $1 - 24999 UNION ALL SELECT number + 1 FROM numbers \
                        WHERE number < $1) INSERT INTO lineage (market, kind, version) SELECT 'de', $2, number FROM numbers";
            sqlx::query(fill).bind(last).bind(kind.name()).execute(&pool).await.unwrap();
            let known = "INSERT INTO versions (market, kind, version) VALUES ('de', $1, $2)";
            sqlx::query(known).bind(kind.name()).bind(last).execute(&pool).await.unwrap();
            change(&store, kind).await;
            assert_eq!(history(&store, kind).await, (25_001, last - 24_999), "not each time");
            change(&store, kind).await;
            assert_eq!(history(&store, kind).await, (length, last + 2 - length + 1));
        }
        assert_eq!(history(&store, Kind::Baskets).await.0, 20_000, "kinds do not meet");
    }
}
