//! The rest of a request body, read after the answer is known.
//!
//! A push may be refused by its key, its length or an overload before its body was read. If the connection were closed
//! then, the kernel would reset it, and many clients would never see the reason. So the rest is read, within bounds,
//! before the answer is sent.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};

/// Maximum number of bytes to read; the connection of a client that sends more is closed.
const MOST: usize = 64 << 20;

/// A body that the handler reads as far as it likes; the rest can be read afterwards.
#[derive(Clone, Debug)]
pub(super) struct Rest(Arc<Mutex<Incoming>>);

/// The request, and a second handle to its body; `None` if it has no body, or the client waits for `100 Continue`.
pub(super) fn shared(request: Request<Incoming>) -> (Request<Body>, Option<Rest>) {
    if request.body().is_end_stream() || waits(request.headers()) {
        return (request.map(Body::new), None);
    }
    let (parts, body) = request.into_parts();
    let rest = Rest(Arc::new(Mutex::new(body)));
    (Request::from_parts(parts, Body::new(rest.clone())), Some(rest))
}

/// With `Expect: 100-continue`, a client sends its body only when asked to.
fn waits(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

impl Rest {
    /// Reads the rest of the body within a time-out; true if it reached the end.
    pub(super) async fn read(self, timeouts: Duration) -> bool {
        let mut read = 0;
        let all = std::future::poll_fn(|cx| {
            loop {
                let mut body = self.body();
                if body.is_end_stream() {
                    return Poll::Ready(true);
                }
                match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => return Poll::Ready(true),
                    Poll::Ready(Some(Err(_))) => return Poll::Ready(false),
                    Poll::Ready(Some(Ok(frame))) => read += frame.data_ref().map_or(0, Bytes::len),
                }
                if read > MOST {
                    return Poll::Ready(false);
                }
            }
        });
        tokio::time::timeout(timeouts, all).await.unwrap_or(false)
    }

    fn body(&self) -> std::sync::MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl hyper::body::Body for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
