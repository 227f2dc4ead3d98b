//! `sc query|queryex|start|stop|qc`.

use std::time::Duration;

use super::Call;
use crate::machine::services::{Service, ServiceError, ServiceState, W3SVC};

/// How long services take.
const STOPPING: Duration = Duration::from_secs(2);
const STARTING: Duration = Duration::from_secs(3);

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    let words: Vec<String> = call.arguments.clone();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    call.work(30).await;
    let (verb, rest) = match words.split_first() {
        Some((verb, rest)) => (verb.to_ascii_lowercase(), rest),
        None => return usage(call),
    };
    let lists = match verb.as_str() {
        "query" | "queryex" => rest.first().is_none_or(|word| word.contains('=')),
        other => other == "enumdepend",
    };
    if lists && call.faults().services_not_listed.is_on() {
        call.print("[SC] OpenSCManager FAILED 5:\r\n\r\nAccess is denied.\r\n\r\n");
        return 5;
    }
    match (verb.as_str(), rest) {
        ("query" | "queryex", []) => list(call, verb == "queryex"),
        ("query" | "queryex", [option, size])
            if option.eq_ignore_ascii_case("bufsize=") && is_number(size) =>
        {
            list(call, verb == "queryex")
        }
        ("enumdepend", [name]) => dependents(call, name),
        ("enumdepend", [name, size]) if is_number(size) => dependents(call, name),
        ("query" | "queryex", [name]) if !name.contains('=') => query(call, name, verb == "queryex"),
        ("start", [name]) => start(call, name),
        ("stop", [name]) => stop(call, name),
        ("qc", [name]) => configuration(call, name),
        ("start" | "stop" | "qc" | "enumdepend", []) => usage(call),
        _ => call.not_simulated(&format!("'sc {}'", words.join(" "))),
    }
}

fn usage(call: &Call<'_, '_>) -> u32 {
    call.print(
        "DESCRIPTION:\r\n        SC is a command line program used for communicating with the\r\n        \
         Service Control Manager and services.\r\nUSAGE:\r\n        \
         sc <server> [command] [service name] <option1> <option2>...\r\n\r\n",
    );
    1639
}

/// The text of an error as `sc` prints it, and the exit code.
fn fail(call: &Call<'_, '_>, api: &str, error: ServiceError) -> u32 {
    let text = match error {
        ServiceError::DependentServicesRunning => {
            "A stop control has been sent to a service that other running services are dependent on."
        }
        ServiceError::AlreadyRunning => "An instance of the service is already running.",
        ServiceError::DoesNotExist => "The specified service does not exist as an installed service.",
        ServiceError::CannotAcceptControl => "The service cannot accept control messages at this time.",
        ServiceError::NotActive => "The service has not been started.",
        ServiceError::DependencyFailed => "The dependency service or group failed to start.",
    };
    let code = error as u32;
    call.print(&format!("[SC] {api} FAILED {code}:\r\n\r\n{text}\r\n\r\n"));
    code
}

/// How the name is looked up: without one, `sc` says which call failed.
fn open_failed(error: ServiceError, api: &'static str, open: &'static str) -> &'static str {
    if error == ServiceError::DoesNotExist {
        open
    } else {
        api
    }
}

fn list(call: &Call<'_, '_>, extended: bool) -> u32 {
    let state = call.machine().state();
    let running = state.services.iter().filter(|s| s.state != ServiceState::Stopped);
    let text: String = running.map(|service| status(service, extended, true)).collect();
    drop(state);
    call.print(&text);
    0
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Those that need a service, directly or through others, as `EnumDependentServices` tells. The head's words are those of Windows
/// Server 2008 and later.
fn dependents(call: &Call<'_, '_>, name: &str) -> u32 {
    let state = call.machine().state();
    match state.services.dependents(name) {
        Ok(found) => {
            let text: String = found.iter().map(|service| status(service, false, true)).collect();
            call.print(&format!("Enum: entriesRead  = {}\r\n{text}", found.len()));
            0
        }
        Err(error) => fail(call, "EnumDependentServices: OpenService", error),
    }
}

fn query(call: &Call<'_, '_>, name: &str, extended: bool) -> u32 {
    let state = call.machine().state();
    match state.services.get(name) {
        Ok(service) => {
            call.print(&status(service, extended, false));
            0
        }
        Err(error) => fail(call, "EnumQueryServicesStatus:OpenService", error),
    }
}

/// The block of one service. `sc query` shows neither PID nor FLAGS; a list shows the display name.
fn status(service: &Service, extended: bool, display_name: bool) -> String {
    let kind = if service.profile.own_process {
        "10  WIN32_OWN_PROCESS  "
    } else {
        "20  WIN32_SHARE_PROCESS  "
    };
    let state = match service.state {
        ServiceState::Stopped => "1  STOPPED ",
        ServiceState::StartPending => "2  START_PENDING ",
        ServiceState::StopPending => "3  STOP_PENDING ",
        ServiceState::Running => "4  RUNNING ",
    };
    let accepts = match service.state {
        ServiceState::Running => {
            "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\r\n"
        }
        ServiceState::StartPending | ServiceState::StopPending => {
            "                                (NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)\r\n"
        }
        ServiceState::Stopped => "",
    };
    let pending = matches!(
        service.state,
        ServiceState::StartPending | ServiceState::StopPending
    );
    let hint = if pending { "0x7d0" } else { "0x0" };
    let mut text = format!("\r\nSERVICE_NAME: {} \r\n", service.profile.name);
    if display_name {
        text.push_str(&format!("DISPLAY_NAME: {}\r\n", service.profile.display_name));
    }
    text.push_str(&format!(
        "        TYPE               : {kind}\r\n        STATE              : {state}\r\n{accepts}\
        \u{20}       WIN32_EXIT_CODE    : 0  (0x0)\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n\
        \u{20}       CHECKPOINT         : 0x0\r\n        WAIT_HINT          : {hint}\r\n"
    ));
    if extended {
        let pid = service.pid;
        text.push_str(&format!(
            "        PID                : {pid}\r\n        FLAGS              : \r\n"
        ));
    }
    text
}

fn start(call: &Call<'_, '_>, name: &str) -> u32 {
    let now = call.machine().clock.now();
    let mut state = call.machine().state_at(now);
    if name.eq_ignore_ascii_case(W3SVC) && call.faults().w3svc_does_not_start.is_on() {
        return fail(call, "StartService", ServiceError::DependencyFailed);
    }
    let crate::machine::state::State { services, chance, .. } = &mut *state;
    if let Err(error) = services.start(name, now, STARTING, chance) {
        return fail(
            call,
            open_failed(error, "StartService", "StartService: OpenService"),
            error,
        );
    }
    if let Ok(service) = services.get(name) {
        call.print(&status(service, true, false));
    }
    0
}

fn stop(call: &Call<'_, '_>, name: &str) -> u32 {
    if name.eq_ignore_ascii_case("WinRM") {
        return call.not_simulated("stopping the service that runs this command");
    }
    let now = call.machine().clock.now();
    let mut state = call.machine().state_at(now);
    if let Err(error) = state.services.stop(name, now, STOPPING) {
        return fail(call, open_failed(error, "ControlService", "OpenService"), error);
    }
    if let Ok(service) = state.services.get(name) {
        call.print(&status(service, false, false));
    }
    0
}

fn configuration(call: &Call<'_, '_>, name: &str) -> u32 {
    let state = call.machine().state();
    let profile = match state.services.get(name) {
        Ok(service) => service.profile,
        Err(error) => return fail(call, "OpenService", error),
    };
    let kind = if profile.own_process {
        "10  WIN32_OWN_PROCESS "
    } else {
        "20  WIN32_SHARE_PROCESS "
    };
    let mut dependencies = profile.dependencies.iter();
    let mut text = format!(
        "[SC] QueryServiceConfig SUCCESS\r\n\r\nSERVICE_NAME: {}\r\n        TYPE               : {kind}\r\n\
        \u{20}       START_TYPE         : 2   AUTO_START\r\n        ERROR_CONTROL      : 1   NORMAL\r\n\
        \u{20}       BINARY_PATH_NAME   : {}\r\n        LOAD_ORDER_GROUP   : \r\n        TAG                : 0\r\n\
        \u{20}       DISPLAY_NAME       : {}\r\n        DEPENDENCIES       : {}\r\n",
        profile.name,
        profile.image,
        profile.display_name,
        dependencies.next().copied().unwrap_or_default(),
    );
    for dependency in dependencies {
        text.push_str(&format!("                           : {dependency}\r\n"));
    }
    text.push_str("        SERVICE_START_NAME : LocalSystem\r\n");
    call.print(&text);
    0
}
