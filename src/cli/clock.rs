use anyhow::Context;
use chrono::{DateTime, Utc};

/// The current time, or `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(super) fn now() -> anyhow::Result<DateTime<Utc>> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(Utc::now()) };
    let time = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is not a time in Unix seconds"))
}

/// Tomorrow, by this machine's clock: the shop's clocks may be a little ahead.
pub(super) fn latest() -> DateTime<Utc> {
    Utc::now() + chrono::Days::new(1)
}
