//! Typed switches for bad days. All are off on a fresh machine; any may be thrown while the machine runs.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// A switch that stays as it is set.
#[derive(Debug, Default)]
pub struct Switch(AtomicBool);

impl Switch {
    /// Turns the fault on or off.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    /// Whether the fault is on.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A fault that happens the next few times and then no more.
#[derive(Debug, Default)]
pub struct Countdown(AtomicU32);

impl Countdown {
    /// The next `times` occasions fail.
    pub fn set(&self, times: u32) {
        self.0.store(times, Ordering::SeqCst);
    }

    /// How many occasions are left.
    pub fn left(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Uses up one occasion; `true` when this one shall fail.
    pub fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok()
    }
}

/// A fault that happens once, at the first occasion whose text contains a given one.
#[derive(Debug, Default)]
pub struct Needle(Mutex<Option<String>>);

impl Needle {
    /// The next occasion with `part` in its text fails.
    pub fn set(&self, part: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(part.to_owned());
    }

    /// No occasion fails any more.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Uses the fault up if the text is meant; `true` when this occasion shall fail.
    pub fn take(&self, text: &str) -> bool {
        let mut part = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        part.take_if(|part| text.contains(part.as_str())).is_some()
    }
}

/// Everything that can be made to go wrong on one server.
#[derive(Debug, Default)]
pub struct Faults {
    /// `dism /enable-feature` fails with 0x800f081f: the source files cannot be found.
    pub feature_install_fails: Switch,
    /// The files of IP restrictions are not on the server: `dism` shows it so, and cannot enable the feature.
    pub feature_payload_removed: Switch,
    /// `dism /enable-feature` answers 3010; the feature is enabled only after [`Machine::reboot`](super::Machine::reboot).
    pub feature_needs_reboot: Switch,
    /// The next commits of appcmd fail because `applicationHost.config` has changed on disk.
    pub file_changed_on_disk: Countdown,
    /// The next `iisreset` says access denied after the stop phase and leaves W3SVC stopped.
    pub iisreset_access_denied_w3svc_stopped: Countdown,
    /// The next `iisreset` exits 1053 although the services come back.
    pub iisreset_1053: Countdown,
    /// The next `iisreset` never ends; the services are restarted.
    pub iisreset_hangs: Countdown,
    /// The next `iisreset` says that all went well, and leaves the listeners of Net.Tcp and Net.Pipe stopped.
    pub iisreset_leaves_listeners_stopped: Countdown,
    /// Worker processes that start after a restart get the ids of those before it.
    pub process_ids_come_back: Switch,
    /// `healthcheck.htm` answers 503 as long as this is on.
    pub health_stays_503: Switch,
    /// `appcmd`, `fsutil` and `whoami` answer as for a token without administrative rights.
    pub filtered_token: Switch,
    /// Starting W3SVC fails with 1068 (`sc start`, `iisreset`).
    pub w3svc_does_not_start: Switch,
    /// Exchange's setup is among the running processes.
    pub exchange_setup_runs: Switch,
    /// Messages of appcmd come in another language.
    pub localised: Switch,
    /// The section is locked even for `applicationHost.config`: every commit of appcmd is refused.
    pub section_locked: Switch,
    /// The next commits of appcmd fail at the very end with `c00cee2b`, and nothing is written.
    pub commit_fails_late: Countdown,
    /// The next answers of appcmd that are longer than 200 bytes end in the middle, as behind an envelope that is too small.
    pub output_cut: Countdown,
    /// The next commands of appcmd about worker processes and pools fail with 1726: the activation service does not answer.
    pub rpc_fails: Countdown,
    /// `appcmd add backup` fails with 112: the disk is full.
    pub disk_full: Switch,
    /// `appcmd recycle` says that it worked, and the worker process stays.
    pub recycle_without_effect: Switch,
    /// W3SVC, once asked to start, stays in START_PENDING for ever.
    pub w3svc_start_hangs: Switch,
    /// Whenever the web service starts, rapid-fail protection has stopped ActiveSync's pool: 503.
    pub activesync_pool_stops: Switch,
    /// Worker processes need minutes until they answer.
    pub slow_warm_up: Switch,
    /// `reg add` and `reg delete` are refused: a policy guards the key.
    pub registry_guarded: Switch,
    /// `sc queryex` without a name, and `sc enumdepend`, are refused with 5: the account may not list services.
    pub services_not_listed: Switch,
    /// The WinRM port refuses connections (honoured by `endpoint`).
    pub winrm_down: Switch,
    /// The WinRM port accepts and never answers (honoured by `endpoint`).
    pub winrm_silent: Switch,
    /// The connection is dropped after the next `Command` was begun (honoured by `endpoint`).
    pub drop_after_command: Countdown,
    /// The same, for the next `Command` whose line contains a text.
    pub drop_after_command_with: Needle,
}
