//! What one key may use: audiences at a time, events a day.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{NaiveDate, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// The events of a day that one key may send, as this process counts them.
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

    /// Counts some events; or none of them, if they are too many.
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

    /// Gives some back that were not taken in after all.
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

/// The audiences that one key may have under way.
#[derive(Clone, Debug)]
pub(super) struct AudienceShare(Arc<Semaphore>);

/// Half of all.
const SHARE: usize = 4;

impl AudienceShare {
    /// A place in it, as long as the audience is under way.
    pub(super) fn take(self) -> Result<OwnedSemaphorePermit, ()> {
        self.0.try_acquire_owned().map_err(|_| ())
    }
}

impl Default for AudienceShare {
    /// For one key, or for one request without a key.
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SHARE)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AudienceShare {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let _ = state;
        Ok(parts.extensions.remove().unwrap_or_default())
    }
}
