//! Another Windows server as the place from which a front end is looked at: it is told over WinRM to ask for the page.
//!
//! Each look starts PowerShell, which takes its time, so several may be under way on one server, each in a shell of its own, once the first one had its
//! login accepted. Nothing is tried again once a login was refused: that could lock the account.

use exchange::vantage::{Request, Sighting, look};
use inventory::ServerName;
use rollout::{FailureKind, StepError};
use tokio::sync::{Mutex, OnceCell, Semaphore};

use super::error::WebError;
use crate::failure::{StepErrorExt, failed, from_iis};
use crate::remote::Remote;

/// Looks under way on one server together. Windows Server 2008 R2 lets an account have five shells.
const TOGETHER: usize = 3;

const DOING: &str = "have a page asked for";

/// Another Windows server that looks.
pub(crate) struct Lookout {
    server: ServerName,
    turns: Semaphore,
    shells: [Mutex<Remote>; TOGETHER],
    accepted: OnceCell<()>,
    refused: OnceCell<StepError>,
}

impl Lookout {
    /// Connects to nothing yet; `remote` makes a shell that is not open.
    pub(crate) fn new(server: ServerName, remote: impl Fn() -> Remote) -> Self {
        Self {
            server,
            turns: Semaphore::new(1),
            shells: std::array::from_fn(|_| Mutex::new(remote())),
            accepted: OnceCell::new(),
            refused: OnceCell::new(),
        }
    }

    /// The server that looks.
    pub(crate) fn server(&self) -> &ServerName {
        &self.server
    }

    /// Looks once; waits first for those who look from there already.
    pub(crate) async fn look(&self, request: &Request<'_>) -> Result<Sighting, WebError> {
        let seen = self.seen(request).await;
        seen.map_err(|error| WebError::Lost {
            vantage: self.server.clone(),
            error: Box::new(error),
        })
    }

    async fn seen(&self, request: &Request<'_>) -> Result<Sighting, StepError> {
        const EXPECTED: &str = "powershell.exe asks, and says what came back";
        let line = look(request).map_err(|error| from_iis(DOING, EXPECTED, &error))?;
        let nobody = || failed(DOING, "a turn", "none");
        let _turn = self.turns.acquire().await.map_err(|_| nobody())?;
        if let Some(refused) = self.refused.get() {
            return Err(refused.clone());
        }
        // There are as many as there are turns at most.
        let mut free = self.shells.iter().filter_map(|shell| shell.try_lock().ok());
        let mut shell = free.next().ok_or_else(nobody)?;
        drop(free);
        let seen = shell.look(DOING, &line).await.inspect_err(|error| {
            if error.kind == FailureKind::LoginRefused {
                // Somebody else's refusal is as good.
                let _ = self.refused.set(error.clone());
            }
        })?;
        if self.accepted.set(()).is_ok() {
            self.turns.add_permits(TOGETHER - 1);
        }
        seen.map_err(|error| {
            from_iis(DOING, EXPECTED, &error)
                .hint("does AppLocker, or a constrained language mode, forbid this use of PowerShell there?")
        })
    }

    /// Leaves the server: `winrm`'s reaper deletes the shells.
    pub(crate) fn leave(&self) {
        for shell in &self.shells {
            if let Ok(mut shell) = shell.try_lock() {
                shell.abandon();
            }
        }
    }
}
