//! Limits of one key: concurrent audiences, and events per day.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{NaiveDate, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// The daily quota of events of one key, counted by this process.
#[derive(Clone, Debug, Default)]
pub(super) struct EventQuota(Option<Arc<Mutex<Today>>>);

#[derive(Debug)]
struct Today {
    most: usize,
    day: NaiveDate,
    sent: usize,
}

impl EventQuota {
    pub(super) fn of(most: NonZeroU32) -> Self {
        let today = Today { most: most.get() as usize, day: NaiveDate::default(), sent: 0 };
        Self(Some(Arc::new(Mutex::new(today))))
    }

    /// Counts some events, or refuses all of them if they exceed the quota.
    pub(super) fn take(&self, events: usize) -> Result<(), Problem> {
        let Some(today) = &self.0 else { return Ok(()) };
        let mut today = today.lock().unwrap_or_else(PoisonError::into_inner);
        let day = Utc::now().date_naive();
        if day != today.day {
            (today.day, today.sent) = (day, 0);
        }
        if today.sent + events > today.most {
            let detail = format!("this key may send {} events a day (UTC), and has sent {}", today.most, today.sent);
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        today.sent += events;
        Ok(())
    }

    /// Gives back the quota of events that were not recorded after all.
    pub(super) fn give_back(&self, events: usize) {
        if let Some(today) = &self.0 {
            let mut today = today.lock().unwrap_or_else(PoisonError::into_inner);
            today.sent = today.sent.saturating_sub(events);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EventQuota {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let _ = state;
        Ok(parts.extensions.remove().unwrap_or_default())
    }
}

/// The audiences that one key may have computed or queued at a time.
#[derive(Clone, Debug)]
pub(super) struct AudienceLimit(Arc<Semaphore>);

/// Maximum number of audiences of one key at a time: half of the maximum of all keys.
const SHARE: usize = 4;

impl AudienceLimit {
    /// A permit to be held until the audience is finished.
    pub(super) fn take(self) -> Result<OwnedSemaphorePermit, ()> {
        self.0.try_acquire_owned().map_err(|_| ())
    }
}

impl Default for AudienceLimit {
    /// For one key, or for one request without a key.
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SHARE)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AudienceLimit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let _ = state;
        Ok(parts.extensions.remove().unwrap_or_default())
    }
}
