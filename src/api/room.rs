//! Room for what is sent: bodies are in memory until they are understood, so all of them together have a bound.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::Problem;

/// Bytes of all bodies together: three of the largest.
const ALL: u32 = 96 << 20;

/// Bytes of a body that says nothing of its length: as many as the largest has.
const UNSAID: u32 = 32 << 20;

/// Bytes that are counted at once.
const BLOCK: u32 = 1 << 10;

/// So long a body waits for room.
const PATIENCE: Duration = Duration::from_secs(3);

/// Room for all bodies, by the block.
static ROOM: Semaphore = Semaphore::const_new((ALL / BLOCK) as usize);

/// Lets a request in when there is room for its body, which it has until it is answered.
pub(super) async fn room(request: Request, next: Next) -> Response {
    let Some(blocks) = blocks(request.headers()) else { return next.run(request).await };
    match tokio::time::timeout(PATIENCE, ROOM.acquire_many(blocks)).await {
        Ok(Ok(_room)) => next.run(request).await,
        _ => {
            let detail = "so much is being sent that there is no room for more: send it again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}

/// How many blocks a body takes; `None` if it is less than one.
fn blocks(headers: &HeaderMap) -> Option<u32> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // More than the largest is refused without being read.
    let bytes = said.map_or(UNSAID, |said| u32::try_from(said).unwrap_or(u32::MAX).min(UNSAID));
    (bytes >= BLOCK).then(|| bytes.div_ceil(BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_as_much_as_it_says_and_the_most_if_it_says_nothing() {
        let of = |length: Option<&str>| {
            let length = length.map(|length| (header::CONTENT_LENGTH, length.parse().unwrap()));
            blocks(&HeaderMap::from_iter(length))
        };
        assert_eq!(
            [of(Some("0")), of(Some("1023")), of(Some("1024")), of(Some("1025"))],
            [None, None, Some(1), Some(2)]
        );
        let most = Some(UNSAID / BLOCK);
        assert_eq!([of(None), of(Some("99999999999")), of(Some("x"))], [most, most, most]);
    }
}
