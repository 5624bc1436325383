use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;

/// How often to look when nobody tells.
const LOOK: Duration = Duration::from_millis(500);

/// So long one connection listens: where the URL leads may be another server by then.
const LISTENS: Duration = Duration::from_mins(1);

/// Says when it is time to look for changes: on PostgreSQL as soon as another replica has made one, and now and then in
/// any case, since news can be lost with a connection.
#[derive(Debug)]
pub struct Changes {
    url: Option<String>,
    listener: Option<(PgListener, Instant)>,
}

impl Changes {
    /// Of the PostgreSQL at `url`; nobody tells of changes in a SQLite.
    pub(super) fn new(url: Option<String>) -> Self {
        Self { url, listener: None }
    }

    /// Returns when there may be something new.
    pub async fn next(&mut self) {
        let Some(url) = &self.url else { return tokio::time::sleep(LOOK).await };
        if self.listener.as_ref().is_none_or(|(_, since)| since.elapsed() > LISTENS) {
            self.listener = listening(url).await.ok().map(|listener| (listener, Instant::now()));
        }
        let Some((listener, _)) = &mut self.listener else { return tokio::time::sleep(LOOK).await };
        // A connection that was lost is made again next time.
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
