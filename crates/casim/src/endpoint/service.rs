//! The WS-Management service: requests in, replies and faults out (MS-WSMV 3.1.4).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;
use wsman::{
    CommandId, Config, Fault, Identity, IncomingBody, IncomingRequest, MessageId, NewCommand, NewShell,
    Response, ShellId, SignalCode, namespace,
};

use super::command::Command;
use super::listing::Lists;
use super::shell::Shell;
use super::{Limits, conformance, refusals};
use crate::machine::Machine;

/// The range of `IdleTimeOut`, in seconds (`winrm get winrm/config`: MaxIdleTimeout 2147483647 ms).
const IDLE_SECONDS: std::ops::RangeInclusive<u64> = 60..=2_147_483;
/// The smallest `MaxEnvelopeSize` that a client may ask for (DSP0226 6.2).
const SMALLEST_ENVELOPE: usize = 8192;
/// What a `ReceiveResponse` needs beside its output: the header, up to a few streams, the state.
const ENVELOPE_OVERHEAD: usize = 3072;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// `DOMAIN\user`
    pub(super) user: &'a str,
    pub(super) address: IpAddr,
    /// The server as the client calls it.
    pub(super) host: &'a str,
}

/// What to answer.
pub(super) enum Outcome {
    /// 200
    Reply { message: Vec<u8> },
    /// 200, and a command was begun with this line.
    Started { message: Vec<u8>, line: String },
    /// 500
    Fault { message: Vec<u8> },
}

/// The service of one machine.
#[derive(Debug)]
pub(super) struct Service {
    machine: Arc<Machine>,
    limits: Limits,
    shells: Mutex<BTreeMap<String, Arc<Shell>>>,
    lists: Lists,
    /// How many shells there have been.
    made: AtomicU64,
}

impl Service {
    pub(super) fn new(machine: Arc<Machine>, limits: Limits) -> Self {
        Self {
            machine,
            limits,
            shells: Mutex::default(),
            lists: Lists::default(),
            made: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Shell>>> {
        self.shells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open_shells(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn shells_made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Ends the shells that nobody has used for too long.
    pub(super) fn end_idle_shells(&self) {
        self.lock().retain(|_, shell| {
            let idle = shell.is_idle();
            if idle {
                shell.end();
            }
            !idle
        });
    }

    /// Ends every shell.
    pub(super) fn end_all(&self) {
        for shell in std::mem::take(&mut *self.lock()).into_values() {
            shell.end();
        }
    }

    /// Answers a message of somebody who is logged in.
    pub(super) async fn answer(&self, caller: Caller<'_>, message: &[u8]) -> Outcome {
        let mut line = String::new();
        let (relates_to, result) = match IncomingRequest::parse(message) {
            Err(refused) => (refused.relates_to, Err(refused.fault)),
            Ok(request) => {
                let result = match conformance::check(message) {
                    Ok(()) => self.perform(caller, &request).await,
                    Err(fault) => Err(fault),
                };
                if let IncomingBody::Command(command) = &request.body {
                    line = command.line();
                }
                (request.message_id, result)
            }
        };
        match result {
            Ok(response) => {
                let started = matches!(response, Response::CommandStarted { .. });
                let message = write(&response, relates_to.as_deref());
                match started {
                    true => Outcome::Started { message, line },
                    false => Outcome::Reply { message },
                }
            }
            Err(mut fault) => {
                if let Some(detail) = &mut fault.wsman {
                    detail.machine.get_or_insert_with(|| caller.host.to_owned());
                }
                let message = write(&Response::Fault(Box::new(fault)), relates_to.as_deref());
                Outcome::Fault { message }
            }
        }
    }

    /// The answer to an `Identify` of somebody who is not logged in, without the product's version; `None` for
    /// anything else.
    pub(super) fn identify_to_stranger(&self, message: &[u8]) -> Option<Vec<u8>> {
        let request = IncomingRequest::parse(message).ok()?;
        (request.body == IncomingBody::Identify)
            .then(|| write(&identity("OS: 0.0.0 SP: 0.0 Stack: 3.0"), None))
    }

    async fn perform(&self, caller: Caller<'_>, request: &IncomingRequest) -> Result<Response, Fault> {
        if request.body == IncomingBody::Identify {
            return Ok(identity("OS: 10.0.17763 SP: 0.0 Stack: 3.0"));
        }
        let envelope = request.max_envelope_size.map_or(self.limits.envelope, |size| {
            usize::try_from(size).unwrap_or(usize::MAX)
        });
        if envelope < SMALLEST_ENVELOPE {
            return Err(refusals::small_envelope(SMALLEST_ENVELOPE, envelope));
        }
        let resource = request.resource_uri.as_deref().unwrap_or_default();
        match (&request.body, resource) {
            (IncomingBody::Get, namespace::CONFIG_RESOURCE) => return Ok(self.config()),
            (IncomingBody::Enumerate(most), namespace::SHELL_RESOURCE) => {
                let shells: Vec<_> = self.lock().values().map(|shell| shell.listed()).collect();
                return Ok(self
                    .lists
                    .begin(shells, *most, envelope.min(self.limits.envelope)));
            }
            (IncomingBody::Pull(context, most), namespace::SHELL_RESOURCE) => {
                let envelope = envelope.min(self.limits.envelope);
                return self.lists.go_on(context.as_deref(), *most, envelope);
            }
            (_, namespace::CMD_RESOURCE) => {}
            (_, unknown) => return Err(refusals::no_such_resource(unknown)),
        }
        if let IncomingBody::Create(shell) = &request.body {
            return self.create(caller, shell);
        }
        let id = request.shell_id().ok_or_else(|| Fault::no_such_shell("(none)"))?;
        let shell = self.find(caller, &id)?;
        let _in_use = shell.in_use();
        match &request.body {
            IncomingBody::Command(command) => self.command(&shell, command),
            IncomingBody::Receive(receive) => {
                let id = receive
                    .command_id
                    .as_ref()
                    .ok_or_else(refusals::no_command_named)?;
                let asked = request.operation_timeout.unwrap_or(self.limits.operation);
                let limit = asked.min(self.limits.operation);
                let most = most_output(envelope.min(self.limits.envelope));
                let received = shell.find(id)?.receive(&receive.streams, limit, most).await?;
                Ok(Response::Received(received))
            }
            IncomingBody::Send(chunks) => {
                for chunk in chunks {
                    let id = chunk.command_id.as_ref().ok_or_else(refusals::no_command_named)?;
                    shell.find(id)?.feed(chunk.data.clone(), chunk.end);
                }
                Ok(Response::Sent)
            }
            IncomingBody::Signal(signal) => {
                let id = signal
                    .command_id
                    .as_ref()
                    .ok_or_else(refusals::no_command_named)?;
                shell.find(id)?.interrupt(&signal.code)?;
                if signal.code == SignalCode::Terminate {
                    shell.release(id);
                }
                Ok(Response::Signalled)
            }
            IncomingBody::Delete => {
                self.lock().remove(&shell.id.key());
                shell.end();
                Ok(Response::Deleted)
            }
            IncomingBody::Identify
            | IncomingBody::Get
            | IncomingBody::Enumerate(_)
            | IncomingBody::Pull(..)
            | IncomingBody::Create(_)
            | IncomingBody::Other(_) => Err(refusals::no_such_action(request.action.word())),
        }
    }

    fn config(&self) -> Response {
        Response::Config(Config {
            max_envelope_size_kb: u32::try_from(self.limits.envelope / 1024).ok(),
            max_timeout_ms: u32::try_from(self.limits.operation.as_millis()).ok(),
            allow_remote_shell_access: Some(true),
            idle_timeout_ms: u32::try_from(self.limits.idle.as_millis()).ok(),
            max_processes_per_shell: u32::try_from(self.limits.processes_per_shell).ok(),
            max_shells_per_user: u32::try_from(self.limits.shells_per_user).ok(),
            // What the simulator does not count has no limit to tell.
            ..Config::default()
        })
    }

    fn create(&self, caller: Caller<'_>, asked: &NewShell) -> Result<Response, Fault> {
        if let Some(idle) = asked.idle_time_out
            && !IDLE_SECONDS.contains(&idle.as_secs())
        {
            return Err(refusals::out_of_range("IdleTimeOut", &IDLE_SECONDS, idle));
        }
        let id = asked
            .shell_id
            .clone()
            .unwrap_or_else(|| ShellId::new(Uuid::new_v4()));
        let mut shells = self.lock();
        let own = shells.values().filter(|shell| shell.owner == caller.user).count();
        if own >= self.limits.shells_per_user {
            return Err(refusals::too_many_shells(self.limits.shells_per_user));
        }
        if shells.contains_key(&id.key()) {
            return Err(refusals::already_exists("shell"));
        }
        let shell = Arc::new(Shell::new(
            asked,
            id,
            caller.user,
            caller.address,
            self.limits.idle,
        ));
        let created = shell.created();
        shells.insert(shell.id.key(), shell);
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Response::ShellCreated(created))
    }

    fn find(&self, caller: Caller<'_>, id: &ShellId) -> Result<Arc<Shell>, Fault> {
        let shell = self.lock().get(&id.key()).cloned();
        let shell = shell.ok_or_else(|| Fault::no_such_shell(id.as_str()))?;
        match shell.owner == caller.user {
            true => Ok(shell),
            false => Err(refusals::access_denied()),
        }
    }

    fn command(&self, shell: &Arc<Shell>, asked: &NewCommand) -> Result<Response, Fault> {
        if asked.skip_cmd_shell == Some(true) && !is_full_path_of_program(&asked.command) {
            return Err(refusals::no_such_program());
        }
        if shell.running() >= self.limits.processes_per_shell {
            return Err(refusals::too_many_processes(self.limits.processes_per_shell));
        }
        let id = asked
            .command_id
            .clone()
            .unwrap_or_else(|| CommandId::new(Uuid::new_v4()));
        if shell.has(&id) {
            return Err(refusals::already_exists("command"));
        }
        let command = Command::start(&self.machine, &shell.session, id.clone(), asked.line());
        shell.add(&id, command);
        Ok(Response::CommandStarted { command_id: Some(id) })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end_all();
    }
}

fn write(response: &Response, relates_to: Option<&str>) -> Vec<u8> {
    let id = || MessageId::new(Uuid::new_v4());
    response.write(&id(), relates_to).unwrap_or_else(|error| {
        // A text of ours or of the client's that XML cannot carry.
        let fault = Response::Fault(Box::new(Fault::bad_request(&error.to_string())));
        fault.write(&id(), None).unwrap_or_default()
    })
}

fn identity(version: &str) -> Response {
    Response::Identity(Identity {
        protocol_version: Some(namespace::WSMAN.to_owned()),
        vendor: Some("Microsoft Corporation".to_owned()),
        version: Some(version.to_owned()),
    })
}

/// How many bytes of output fit into an envelope as base64.
fn most_output(envelope: usize) -> usize {
    envelope.saturating_sub(ENVELOPE_OVERHEAD) / 4 * 3
}

fn is_full_path_of_program(command: &str) -> bool {
    let path = command.trim().trim_matches('"');
    path.contains(":\\") && path.to_ascii_lowercase().ends_with(".exe")
}
