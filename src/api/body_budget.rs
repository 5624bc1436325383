//! A memory budget for request bodies: they are buffered until parsed, so their total is bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;

/// Maximum size of the body of a push in bytes.
pub(super) const LARGEST_PUSH: usize = 32 << 20;
/// Maximum size of any other body in bytes: axum's default.
pub(super) const LARGEST_QUESTION: usize = 2 << 20;

/// The unit of the budget in bytes.
const BLOCK: usize = 1 << 10;

/// Maximum time that a body waits for the budget.
const PATIENCE: Duration = Duration::from_secs(3);

/// The budget for the bodies of pushes in blocks: three of the largest.
static PUSHES: Semaphore = Semaphore::const_new((96 << 20) / BLOCK);

/// The budget for all other bodies, carts and events, in blocks.
static OTHERS: Semaphore = Semaphore::const_new((64 << 20) / BLOCK);

/// The permit of a body. It travels with the request, so it is held until the last thread drops the body.
type BodyPermit = Arc<SemaphorePermit<'static>>;

/// Admits a push when the budget has room for its body.
pub(super) async fn for_push(request: Request, next: Next) -> Response {
    room(&PUSHES, LARGEST_PUSH, request, next).await
}

/// Admits any other request when the budget has room for its body.
pub(super) async fn for_question(request: Request, next: Next) -> Response {
    room(&OTHERS, LARGEST_QUESTION, request, next).await
}

async fn room(room: &'static Semaphore, largest: usize, mut request: Request, next: Next) -> Response {
    let has_body = matches!(*request.method(), Method::PUT | Method::POST);
    let blocks = blocks(request.headers(), largest).filter(|_| has_body);
    let Some(blocks) = blocks else { return next.run(request).await };
    let Ok(Ok(permit)) = tokio::time::timeout(PATIENCE, room.acquire_many(blocks)).await else {
        let detail = "so much is being sent that there is no room for more: send it again in a moment";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    };
    // It travels with the body, which may be parsed on another thread.
    request.extensions_mut().insert::<BodyPermit>(Arc::new(permit));
    next.run(request).await
}

/// The number of blocks of a body, the maximum if its length is not declared; `None` if it is shorter than a block.
fn blocks(headers: &HeaderMap, largest: usize) -> Option<u32> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // A longer body is refused unread.
    let bytes = said.unwrap_or(largest).min(largest);
    (bytes >= BLOCK).then(|| bytes.div_ceil(BLOCK) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_as_much_as_it_says_and_the_most_if_it_says_nothing() {
        let of = |length: Option<&str>| {
            let length = length.map(|length| (header::CONTENT_LENGTH, length.parse().unwrap()));
            blocks(&HeaderMap::from_iter(length), 8 * BLOCK)
        };
        assert_eq!(
            [of(Some("0")), of(Some("1023")), of(Some("1024")), of(Some("1025"))],
            [None, None, Some(1), Some(2)]
        );
        assert_eq!([of(None), of(Some("99999999999")), of(Some("x"))], [Some(8); 3]);
    }
}
