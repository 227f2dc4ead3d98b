//! `iisreset` with its verbs and texts. WinRM stays: it does not depend on IIS.

use std::time::Duration;

use super::Call;
use crate::machine::services::ServiceState;
use crate::machine::state::State;

/// How long the internet services take to stop and to start: about eight seconds, as on a small server.
const STOPPING: Duration = Duration::from_secs(3);
const STARTING: Duration = Duration::from_secs(5);

const ACCESS_DENIED: u32 = 5;
const INVALID: u32 = 87;
/// `ERROR_SERVICE_REQUEST_TIMEOUT`
const TIMED_OUT: u32 = 1053;
/// `ERROR_SERVICE_DEPENDENCY_FAIL`
const DID_NOT_START: u32 = 1068;

const ACCESS_DENIED_TEXT: &str = "Access denied, you must be an administrator of the remote computer to use this\r\n\
    command. Either have your account added to the administrator local group of\r\n\
    the remote computer or to the domain administrator global group.\r\n";
const DID_NOT_START_TEXT: &str = "The IIS Admin Service or the World Wide Web Publishing Service, or a service \
    dependent on them failed to start.  The service, or dependent services, may had an error during its startup or may \
    be disabled\r\n";
const TIMED_OUT_TEXT: &str = "The service did not respond to the start or control request in a timely fashion. (2147943453, 8007041d)\r\n";
const USAGE: &str = "IISRESET.EXE (c) Microsoft Corp. 1998-2005\r\n\r\nUsage:\r\niisreset [computername]\r\n\r\n    \
    /RESTART /START /STOP /REBOOT /REBOOTONERROR /NOFORCE /TIMEOUT:val /STATUS /ENABLE /DISABLE\r\n                    \
    \u{20}   The default value is 20s for restart, 60s for stop,\r\n                        and 0s for reboot.\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Restart,
    Start,
    Stop,
    Status,
    Enable,
    Disable,
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    let mut verb = Verb::Restart;
    let mut no_force = false;
    let mut timeout = None;
    for argument in &call.arguments {
        let Some(switch) = argument.strip_prefix(['/', '-']) else {
            return call.not_simulated("'iisreset' of another computer");
        };
        match switch.to_ascii_lowercase().as_str() {
            "restart" => verb = Verb::Restart,
            "start" => verb = Verb::Start,
            "stop" => verb = Verb::Stop,
            "status" => verb = Verb::Status,
            "enable" => verb = Verb::Enable,
            "disable" => verb = Verb::Disable,
            "noforce" => no_force = true,
            "reboot" | "rebootonerror" => {
                return call.not_simulated("a restart of the computer by 'iisreset'");
            }
            "?" => {
                call.print(USAGE);
                return 0;
            }
            other => match other
                .strip_prefix("timeout:")
                .and_then(|seconds| seconds.parse().ok())
            {
                Some(seconds) => timeout = Some(Duration::from_secs(seconds)),
                None => {
                    call.print(USAGE);
                    return INVALID;
                }
            },
        }
    }
    if call.faults().filtered_token.is_on() {
        call.print(ACCESS_DENIED_TEXT);
        return ACCESS_DENIED;
    }
    match verb {
        Verb::Status => status(call),
        Verb::Enable | Verb::Disable => {
            call.machine().state().reset_enabled = verb == Verb::Enable;
            0
        }
        Verb::Restart | Verb::Start | Verb::Stop if !call.machine().state().reset_enabled => {
            call.print("Access denied, the restart command has been disabled for this machine.\r\n");
            ACCESS_DENIED
        }
        Verb::Start => start(call, "Internet services successfully started\r\n").await,
        Verb::Stop => stop(call, no_force, timeout.unwrap_or(Duration::from_secs(60)), "Stop")
            .await
            .unwrap_or(0),
        Verb::Restart => restart(call, no_force, timeout.unwrap_or(Duration::from_secs(20))).await,
    }
}

fn status(call: &Call<'_, '_>) -> u32 {
    let state = call.machine().state();
    let words = |state: ServiceState| match state {
        ServiceState::Stopped => "Stopped",
        ServiceState::StartPending => "Start pending",
        ServiceState::StopPending => "Stop pending",
        ServiceState::Running => "Running",
    };
    let line = |s: &crate::machine::services::Service| {
        format!(
            "Status for {} ( {} ) : {}\r\n",
            s.profile.display_name,
            s.profile.name,
            words(s.state)
        )
    };
    let text: String = state
        .services
        .iter()
        .filter(|s| s.profile.internet)
        .map(line)
        .collect();
    drop(state);
    call.print(&text);
    0
}

async fn restart(call: &Call<'_, '_>, no_force: bool, timeout: Duration) -> u32 {
    let faults = call.faults();
    if faults.iisreset_hangs.take() {
        call.print("\r\nAttempting stop...\r\n");
        let now = call.machine().clock.now();
        call.machine()
            .state_at(now)
            .services
            .restart_internet_later(now, STOPPING, STOPPING + STARTING);
        return std::future::pending().await;
    }
    if faults.iisreset_access_denied_w3svc_stopped.take() {
        call.print("\r\nAttempting stop...\r\n");
        begin_stop(call);
        call.machine().pause(STOPPING).await;
        call.print("Restart attempt failed.\r\n");
        call.print(ACCESS_DENIED_TEXT);
        return ACCESS_DENIED;
    }
    if faults.iisreset_1053.take() {
        call.print("\r\nAttempting stop...\r\n");
        let now = call.machine().clock.now();
        call.machine()
            .state_at(now)
            .services
            .restart_internet_later(now, STOPPING, STOPPING + STARTING);
        call.machine().pause(STOPPING + STARTING / 2).await;
        call.print("Restart attempt failed.\r\n");
        call.print(TIMED_OUT_TEXT);
        return TIMED_OUT;
    }
    match stop(call, no_force, timeout, "Restart").await {
        None => start(call, "Internet services successfully restarted\r\n").await,
        Some(code) => code,
    }
}

fn begin_stop(call: &Call<'_, '_>) {
    let now = call.machine().clock.now();
    call.machine().state_at(now).services.stop_internet(now, STOPPING);
}

fn begin_start(call: &Call<'_, '_>) {
    let now = call.machine().clock.now();
    let listeners = !call.faults().iisreset_leaves_listeners_stopped.take();
    let mut state = call.machine().state_at(now);
    let State { services, chance, .. } = &mut *state;
    services.start_internet(now, STARTING, listeners, chance);
}

/// The stop phase; `None` when it went well. A time limit that is too short ends the attempt with `/noforce`, the
/// services stop all the same; without it the processes are killed.
async fn stop(call: &Call<'_, '_>, no_force: bool, timeout: Duration, attempt: &str) -> Option<u32> {
    call.print("\r\nAttempting stop...\r\n");
    begin_stop(call);
    if no_force && timeout < STOPPING {
        call.machine().pause(timeout).await;
        call.print(&format!("{attempt} attempt failed.\r\n"));
        call.print(TIMED_OUT_TEXT);
        return Some(TIMED_OUT);
    }
    call.machine().pause(STOPPING).await;
    call.print("Internet services successfully stopped\r\n");
    None
}

async fn start(call: &Call<'_, '_>, success: &str) -> u32 {
    call.print("Attempting start...\r\n");
    if call.faults().w3svc_does_not_start.is_on() {
        call.machine().pause(STARTING).await;
        call.print(DID_NOT_START_TEXT);
        return DID_NOT_START;
    }
    begin_start(call);
    call.machine().pause(STARTING).await;
    call.print(success);
    0
}
