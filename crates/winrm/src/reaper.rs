//! Deletes the shells that were dropped.
//!
//! `Drop` cannot wait for a server, so it hands the shell over. Each gets a task of its own, since a server that is down must not hold up
//! the others. What is dropped outside of a runtime waits until [`reap`] is called inside of one.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::Error;
use crate::remote::RemoteShell;

/// The most that one shell may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How many shells are being deleted.
static AT_WORK: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::channel(0).0);

/// Shells that were dropped where no task could be started.
static WAITING: Mutex<Vec<RemoteShell>> = Mutex::new(Vec::new());

/// Shells that are being deleted, or could not be: the names of their endpoints by their ids.
static LEFT: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// How many shells this process left behind at each endpoint that has any, by [`Endpoint::name`](crate::Endpoint::name): those that could not be
/// deleted, and those whose deletion has not been answered yet.
pub fn left_behind() -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for url in LEFT.lock().unwrap_or_else(PoisonError::into_inner).values() {
        *counted.entry(url.clone()).or_default() += 1;
    }
    counted
}

/// Deletes the shell, and knows afterwards whether it is still there.
pub(crate) async fn delete(shell: &mut RemoteShell) -> Result<(), Error> {
    let id = shell.id().to_string();
    let left = || LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left().insert(id.clone(), shell.url());
    shell.delete().await?;
    left().remove(&id);
    Ok(())
}

/// Takes a shell over.
pub(crate) fn adopt(shell: RemoteShell) {
    match Handle::try_current() {
        Ok(runtime) => start(&runtime, shell),
        Err(_) => WAITING.lock().unwrap_or_else(PoisonError::into_inner).push(shell),
    }
}

/// Waits until every shell that was dropped so far has been deleted on its server, for at most `limit`. To be called before a program
/// ends, after Ctrl-C too. Shells that could not be deleted are ended by their servers once they are idle for long enough.
pub async fn reap(limit: Duration) {
    let waiting = std::mem::take(&mut *WAITING.lock().unwrap_or_else(PoisonError::into_inner));
    let runtime = Handle::current();
    for shell in waiting {
        start(&runtime, shell);
    }
    let mut at_work = AT_WORK.subscribe();
    // Neither the end of the time nor a closed channel changes what there is to do: go on and end.
    let _ = tokio::time::timeout(limit, at_work.wait_for(|count| *count == 0)).await;
}

fn start(runtime: &Handle, mut shell: RemoteShell) {
    let counted = Counted::new();
    runtime.spawn(async move {
        let _counted = counted;
        // Nobody is left who could be told of a failure, but for whoever asks what was left behind.
        let _ = tokio::time::timeout(LIMIT, delete(&mut shell)).await;
    });
}

/// Counts one shell as long as it lives, also if its task is cut off with the runtime.
struct Counted;

impl Counted {
    fn new() -> Self {
        AT_WORK.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        AT_WORK.send_modify(|count| *count = count.saturating_sub(1));
    }
}
