//! A connector that connects once.
//!
//! Login and seal state belong to one TCP connection. An HTTP client that reopens a closed connection by itself would send sealed
//! messages, or a command, to a connection that nobody logged in on. With this layer it cannot: its second attempt fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use crate::error::Cause;

/// How long a second attempt waits before it fails. The HTTP client asks for a new connection also in the moment in which the first
/// one is on its way back into the pool; whichever is there first wins, so the refusal must not be. A connection that was really
/// closed costs this long once, and nothing was sent on it.
const GRACE: Duration = Duration::from_millis(250);

/// The layer.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectOnce {
    used: Arc<AtomicBool>,
}

impl<S> Layer<S> for ConnectOnce {
    type Service = ConnectOnceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConnectOnceService {
            inner,
            used: Arc::clone(&self.used),
        }
    }
}

/// The connector around the real one.
#[derive(Clone, Debug)]
pub(super) struct ConnectOnceService<S> {
    inner: S,
    used: Arc<AtomicBool>,
}

impl<S, Request> Service<Request> for ConnectOnceService<S>
where
    S: Service<Request, Error = Cause>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.used.swap(true, Ordering::SeqCst) {
            return Box::pin(async {
                tokio::time::sleep(GRACE).await;
                Err(Cause::from(AlreadyConnected))
            });
        }
        Box::pin(self.inner.call(request))
    }
}

/// The connection was used up and must not be opened again.
#[derive(Debug)]
pub(super) struct AlreadyConnected;

impl fmt::Display for AlreadyConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server closed the connection while it was idle")
    }
}

impl std::error::Error for AlreadyConnected {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Counting(Arc<std::sync::atomic::AtomicUsize>);

    impl Service<()> for Counting {
        type Response = usize;
        type Error = Cause;
        type Future = std::future::Ready<Result<usize, Cause>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            std::future::ready(Ok(self.0.fetch_add(1, Ordering::SeqCst)))
        }
    }

    #[tokio::test]
    async fn the_second_attempt_never_reaches_the_network() {
        let counting = Counting::default();
        let layer = ConnectOnce::default();
        let mut service = layer.layer(counting.clone());
        assert_eq!(service.call(()).await.unwrap(), 0);
        // Clones share the one attempt, and so does a service that the same layer made again.
        for mut other in [service.clone(), layer.layer(counting.clone())] {
            let error = other.call(()).await.unwrap_err();
            assert!(error.downcast_ref::<AlreadyConnected>().is_some(), "{error}");
        }
        assert_eq!(counting.0.load(Ordering::SeqCst), 1);
    }
}
