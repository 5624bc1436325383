//! Answers that the client has not read yet. A client may send many requests on one connection and read no answer, so
//! the unread bytes and their waiting time are limited.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, SizeHint};

/// Maximum number of unread bytes of a connection; a single answer may exceed it.
const MOST: usize = 32 << 20;

/// Maximum number of unread bytes of all connections.
const MOST_OF_ALL: usize = 256 << 20;

/// Bytes of an answer that are handed to hyper at a time; these are no longer counted.
const PIECE: usize = 16 << 10;

static ALL: AtomicUsize = AtomicUsize::new(0);

/// Unread bytes of all connections.
pub(in crate::api) fn waiting() -> usize {
    ALL.load(Relaxed)
}

/// The unread answers of one connection.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: AtomicUsize,
    next: AtomicUsize,
    /// When each unread answer began to wait.
    since: Mutex<BTreeMap<usize, Instant>>,
}

impl Unsent {
    /// How long the oldest unread answer has waited.
    pub(super) fn waits(&self) -> Option<Duration> {
        Some(self.since().first_key_value()?.1.elapsed())
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<usize, Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer's body, counted and handed over in pieces; unchanged if it is a single piece and `whole` is true. `None`
/// if too many bytes are unread already.
pub(super) fn watched(body: Body, unsent: &Arc<Unsent>, whole: bool) -> Option<Body> {
    let Some(bytes) = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)) else {
        return Some(body);
    };
    if bytes == 0 || (whole && bytes <= PIECE) {
        return Some(body);
    }
    let waiting = Waiting::new(bytes, unsent)?;
    Some(Body::new(Pieces { body, rest: Bytes::new(), waiting }))
}

/// The unread bytes of one answer.
struct Waiting {
    bytes: usize,
    number: usize,
    of: Arc<Unsent>,
}

impl Waiting {
    fn new(bytes: usize, of: &Arc<Unsent>) -> Option<Self> {
        // The only answer of a connection always fits, whatever its size.
        let before = of.bytes.fetch_add(bytes, Relaxed);
        let all = ALL.fetch_add(bytes, Relaxed);
        let number = of.next.fetch_add(1, Relaxed);
        of.since().insert(number, Instant::now());
        let waiting = Self { bytes, number, of: of.clone() };
        let fits = before == 0 || before.saturating_add(bytes) <= MOST;
        // Small answers, above all health, are sent even when the limit of all connections is reached.
        let all_fit = bytes <= PIECE || all.saturating_add(bytes) <= MOST_OF_ALL;
        (fits && all_fit).then_some(waiting)
    }

    fn handed_on(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.of.bytes.fetch_sub(bytes, Relaxed);
        ALL.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.handed_on(self.bytes);
        self.of.since().remove(&self.number);
    }
}

struct Pieces {
    body: Body,
    rest: Bytes,
    waiting: Waiting,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let size = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(size);
        self.waiting.handed_on(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use http_body_util::BodyExt;

    async fn all(body: Body) -> Vec<u8> {
        body.collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn what_waits_is_counted_until_it_is_taken() {
        let unsent = Arc::new(Unsent::default());
        let sent: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let mut body = watched(Body::from(sent.clone()), &unsent, true).unwrap();
        assert_eq!(unsent.bytes.load(Relaxed), 100_000);
        assert_eq!(body.size_hint().exact(), Some(100_000));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first.len(), unsent.bytes.load(Relaxed)), (PIECE, 100_000 - PIECE));
        assert!(unsent.waits().is_some());
        assert_eq!([first.to_vec(), all(body).await].concat(), sent, "nothing is lost");
        assert!(unsent.bytes.load(Relaxed) == 0 && unsent.waits().is_none());
        drop(watched(Body::from(sent), &unsent, true));
        assert!(unsent.bytes.load(Relaxed) == 0 && unsent.waits().is_none(), "a client that went away takes nothing");
    }

    #[tokio::test]
    async fn more_than_a_connections_part_is_refused_but_one_answer_never_is() {
        let unsent = Arc::new(Unsent::default());
        let large = || Body::from(vec![0; MOST - 1000]);
        let first = watched(large(), &unsent, true).unwrap();
        assert!(watched(large(), &unsent, true).is_none());
        assert!(watched(Body::from("small"), &unsent, true).is_some(), "a small one is as it is");
        assert!(
            watched(Body::from(vec![0; 2000]), &unsent, false).is_none(),
            "where many share the connection it counts"
        );
        drop(first);
        assert!(watched(large(), &unsent, true).is_some());
    }
}
