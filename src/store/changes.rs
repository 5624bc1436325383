use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;

/// Interval of polling, and timeout of the listening connection.
const LOOK: Duration = Duration::from_millis(500);

/// Maximum age of the listening connection: after a failover, the URL may lead to another server.
const LISTENER_MAX_AGE: Duration = Duration::from_mins(1);

/// Signals when to look for changes: on PostgreSQL as soon as another replica has made one, and periodically in any
/// case, because a notification can be lost with its connection.
#[derive(Debug)]
pub struct Changes {
    url: Option<String>,
    listener: Option<(PgListener, Instant)>,
}

impl Changes {
    /// Listens to the PostgreSQL at `url`. SQLite sends no notifications and is polled.
    pub(super) fn new(url: Option<String>) -> Self {
        Self { url, listener: None }
    }

    /// Returns when there may be changes.
    pub async fn next(&mut self) {
        let Some(url) = &self.url else { return tokio::time::sleep(LOOK).await };
        if self.listener.as_ref().is_none_or(|(_, since)| since.elapsed() > LISTENER_MAX_AGE) {
            self.listener = listening(url).await.ok().map(|listener| (listener, Instant::now()));
        }
        let Some((listener, _)) = &mut self.listener else { return tokio::time::sleep(LOOK).await };
        // A lost connection is reopened by the next call.
        if let Ok(Err(_) | Ok(None)) = tokio::time::timeout(LOOK, listener.try_recv()).await {
            self.listener = None;
        }
    }
}

async fn listening(url: &str) -> Result<PgListener, sqlx::Error> {
    let connect = async {
        let mut listener = PgListener::connect(url).await?;
        listener.listen("trolley_state").await?;
        Ok(listener)
    };
    tokio::time::timeout(LOOK, connect).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
