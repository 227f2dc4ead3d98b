//! Signals as values: the dispatcher sees requests to stop, never a signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::error::Error;

/// Somebody wants the run to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopRequest {
    /// Start nothing new and finish what runs.
    Soft,
    /// Give up every wait. A change that is under way on a server is left alone: nothing is signalled to it.
    Hard,
}

/// Listens to SIGINT and SIGTERM: the first one, whichever it is, asks softly, every further one hard. Needs a tokio runtime.
///
/// # Errors
/// [`Error::Signals`] when the handlers cannot be installed.
pub fn signals() -> Result<mpsc::Receiver<StopRequest>, Error> {
    let (sender, receiver) = mpsc::channel(4);
    let asked_before = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut heard = signal(kind).map_err(|source| Error::Signals { source })?;
        let (sender, asked_before) = (sender.clone(), Arc::clone(&asked_before));
        tokio::spawn(async move {
            while heard.recv().await.is_some() {
                let request = match asked_before.swap(true, Ordering::SeqCst) {
                    false => StopRequest::Soft,
                    true => StopRequest::Hard,
                };
                if sender.send(request).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_asks_softly_and_every_further_one_hard() {
        let mut stop = signals().unwrap();
        let expected = [
            ("TERM", StopRequest::Soft),
            ("INT", StopRequest::Hard),
            ("INT", StopRequest::Hard),
        ];
        for (name, request) in expected {
            let sent = Command::new("kill")
                .args(["-s", name, &id().to_string()])
                .status()
                .unwrap();
            assert!(sent.success());
            let heard = tokio::time::timeout(Duration::from_secs(5), stop.recv()).await;
            assert_eq!(heard.unwrap(), Some(request), "{name}");
        }
    }
}
