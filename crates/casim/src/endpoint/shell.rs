//! One shell: its owner, its settings, its commands.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wsman::{
    CommandId, Fault, ListedShell, NewShell, ShellCreated, ShellDetails, ShellId, StreamName, namespace,
};

use super::command::Command;
use crate::machine::Session;

/// A shell of the resource `shell/cmd`.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) id: ShellId,
    /// Who made it, `DOMAIN\user`.
    pub(super) owner: String,
    /// Environment and working directory of its commands.
    pub(super) session: Session,
    client: IpAddr,
    label: Option<String>,
    idle: Duration,
    born: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    used: Instant,
    /// Requests that are being answered.
    busy: usize,
    commands: BTreeMap<String, Arc<Command>>,
}

impl Shell {
    pub(super) fn new(asked: &NewShell, id: ShellId, owner: &str, client: IpAddr, idle: Duration) -> Self {
        Self {
            id,
            owner: owner.to_owned(),
            session: Session {
                user: owner.to_owned(),
                working_directory: asked.working_directory.clone(),
                environment: asked.environment.clone(),
            },
            client,
            label: asked.name.clone(),
            born: Instant::now(),
            idle: asked.idle_time_out.unwrap_or(idle),
            state: Mutex::new(State {
                used: Instant::now(),
                busy: 0,
                commands: BTreeMap::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody uses it, until what is returned is dropped.
    pub(super) fn in_use(self: &Arc<Self>) -> InUse {
        self.lock().busy += 1;
        InUse(Arc::clone(self))
    }

    /// Whether nobody has used it for too long. A waiting `Receive` is use, a running command is not.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.busy == 0 && state.used.elapsed() >= self.idle
    }

    /// How many of its processes exist.
    pub(super) fn running(&self) -> usize {
        let state = self.lock();
        state
            .commands
            .values()
            .filter(|command| command.is_running())
            .count()
    }

    /// Whether it has a command of this name.
    pub(super) fn has(&self, id: &CommandId) -> bool {
        self.lock().commands.contains_key(&id.key())
    }

    pub(super) fn add(&self, id: &CommandId, command: Arc<Command>) {
        self.lock().commands.insert(id.key(), command);
    }

    pub(super) fn find(&self, id: &CommandId) -> Result<Arc<Command>, Fault> {
        let state = self.lock();
        state
            .commands
            .get(&id.key())
            .cloned()
            .ok_or_else(Fault::no_such_command)
    }

    /// Forgets a command.
    pub(super) fn release(&self, id: &CommandId) {
        self.lock().commands.remove(&id.key());
    }

    /// Ends every command.
    pub(super) fn end(&self) {
        for command in std::mem::take(&mut self.lock().commands).into_values() {
            command.end();
        }
    }

    /// The reply to its `Create`.
    pub(super) fn created(&self) -> ShellCreated {
        let owner = self.owner.rsplit('\\').next().unwrap_or(&self.owner);
        ShellCreated {
            shell_id: self.id.clone(),
            resource_uri: Some(namespace::CMD_RESOURCE.to_owned()),
            details: Some(ShellDetails {
                run_time: Some(Duration::ZERO),
                inactivity: Some(Duration::ZERO),
                ..self.details(owner)
            }),
        }
    }

    /// What a list says of it.
    pub(super) fn listed(&self) -> ListedShell {
        let whole = |time: Duration| Duration::from_secs(time.as_secs());
        let state = self.lock();
        let inactive = match state.busy {
            0 => state.used.elapsed(),
            _ => Duration::ZERO,
        };
        ListedShell {
            shell_id: self.id.clone(),
            name: self.label.clone(),
            resource_uri: Some(namespace::CMD_RESOURCE.to_owned()),
            state: Some("Connected".to_owned()),
            details: ShellDetails {
                run_time: Some(whole(self.born.elapsed())),
                inactivity: Some(whole(inactive)),
                ..self.details(&self.owner)
            },
        }
    }

    fn details(&self, owner: &str) -> ShellDetails {
        ShellDetails {
            owner: Some(owner.to_owned()),
            client_ip: Some(self.client.to_string()),
            working_directory: self.session.working_directory.clone(),
            idle_time_out: Some(self.idle),
            input_streams: vec![StreamName::Stdin],
            output_streams: vec![StreamName::Stdout, StreamName::Stderr],
            ..ShellDetails::default()
        }
    }
}

/// A request on a shell that is being answered, however it ends.
#[derive(Debug)]
pub(super) struct InUse(Arc<Shell>);

impl Drop for InUse {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy = state.busy.saturating_sub(1);
        state.used = Instant::now();
    }
}
