//! The service control manager: services with states, process ids and dependencies.
//!
//! A change that takes time is put on the service's own timetable when it is begun; [`Services::settle`] carries out
//! what is due. So a change goes on when the program that began it is gone, as on Windows.

use std::collections::VecDeque;
use std::time::Duration;

use super::ExchangeRelease;
use super::chance::Chance;

/// World Wide Web Publishing Service.
pub(super) const W3SVC: &str = "W3SVC";
/// Windows Process Activation Service.
pub(super) const WAS: &str = "WAS";
/// IIS Admin Service.
pub(super) const IISADMIN: &str = "IISADMIN";

/// Listeners of WCF, which need WAS: stopping it stops them.
pub(super) const NET_PIPE: &str = "NetPipeActivator";
pub(super) const NET_TCP: &str = "NetTcpActivator";
const LISTENERS: &str = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\SMSvcHost.exe";
/// Microsoft Exchange Health Manager.
const HEALTH_MANAGER: &str = "MSExchangeHM";

/// `SERVICE_STATUS.dwCurrentState`, with the numbers of the Win32 API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceState {
    Stopped,
    StartPending,
    StopPending,
    Running,
}

/// How a service is configured.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) display_name: &'static str,
    /// Runs in a process of its own (type 10) or shares one (type 20).
    pub(super) own_process: bool,
    pub(super) image: &'static str,
    pub(super) dependencies: &'static [&'static str],
    /// Part of `iisreset`'s work.
    pub(super) internet: bool,
}

const fn shared(
    name: &'static str,
    display_name: &'static str,
    image: &'static str,
    dependencies: &'static [&'static str],
) -> Profile {
    Profile {
        name,
        display_name,
        own_process: false,
        image,
        dependencies,
        internet: false,
    }
}

const fn own(name: &'static str, display_name: &'static str, image: &'static str) -> Profile {
    Profile {
        name,
        display_name,
        own_process: true,
        image,
        dependencies: &[],
        internet: false,
    }
}

const IIS_SERVICES: &str = r"C:\Windows\system32\svchost.exe -k iissvcs";

/// The services that the simulator has, in the order of `iisreset /status`, then others.
static PROFILES: &[Profile] = &[
    Profile {
        internet: true,
        dependencies: &["RPCSS", "SamSS"],
        ..own(
            IISADMIN,
            "IIS Admin Service",
            r"C:\Windows\system32\inetsrv\inetinfo.exe",
        )
    },
    Profile {
        internet: true,
        ..shared(
            WAS,
            "Windows Process Activation Service",
            IIS_SERVICES,
            &["RPCSS"],
        )
    },
    Profile {
        internet: true,
        ..shared(
            W3SVC,
            "World Wide Web Publishing Service",
            IIS_SERVICES,
            &[WAS, "HTTP"],
        )
    },
    Profile {
        internet: true,
        ..shared(NET_PIPE, "Net.Pipe Listener Adapter", LISTENERS, &[WAS])
    },
    Profile {
        internet: true,
        ..shared(
            NET_TCP,
            "Net.Tcp Listener Adapter",
            LISTENERS,
            &[WAS, "NetTcpPortSharing"],
        )
    },
    shared(
        "NetTcpPortSharing",
        "Net.Tcp Port Sharing Service",
        LISTENERS,
        &[],
    ),
    shared(
        "AppHostSvc",
        "Application Host Helper Service",
        r"C:\Windows\system32\svchost.exe -k apphost",
        &[],
    ),
    shared(
        "WinRM",
        "Windows Remote Management (WS-Management)",
        r"C:\Windows\System32\svchost.exe -k NetworkService -p",
        &["RPCSS", "HTTP"],
    ),
    shared(
        "RPCSS",
        "Remote Procedure Call (RPC)",
        r"C:\Windows\system32\svchost.exe -k rpcss -p",
        &[],
    ),
    shared(
        "SamSS",
        "Security Accounts Manager",
        r"C:\Windows\system32\lsass.exe",
        &["RPCSS"],
    ),
    own(
        HEALTH_MANAGER,
        "Microsoft Exchange Health Manager",
        r#""C:\Program Files\Microsoft\Exchange Server\V15\Bin\MSExchangeHMHost.exe""#,
    ),
    own(
        "MSExchangeIS",
        "Microsoft Exchange Information Store",
        r#""C:\Program Files\Microsoft\Exchange Server\V15\Bin\Microsoft.Exchange.Store.Service.exe""#,
    ),
    own(
        "MSExchangeServiceHost",
        "Microsoft Exchange Service Host",
        r#""C:\Program Files\Microsoft\Exchange Server\V15\Bin\Microsoft.Exchange.ServiceHost.exe""#,
    ),
];

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) profile: &'static Profile,
    pub(super) state: ServiceState,
    /// 0 while it is stopped.
    pub(super) pid: u32,
    plan: VecDeque<(Duration, ServiceState)>,
}

/// Why the service control manager refuses, as Win32 error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceError {
    /// 1051: others that run depend on it.
    DependentServicesRunning = 1051,
    /// 1056
    AlreadyRunning = 1056,
    /// 1060
    DoesNotExist = 1060,
    /// 1061: it is in the middle of a change.
    CannotAcceptControl = 1061,
    /// 1062
    NotActive = 1062,
    /// 1068: what it depends on does not start.
    DependencyFailed = 1068,
}

/// What happened to the web service while time passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WebServiceEvent {
    Started(Duration),
    Stopped,
}

/// Every service of the machine.
#[derive(Debug)]
pub(super) struct Services(Vec<Service>);

impl Services {
    /// All that this Exchange has, running.
    pub(super) fn running(exchange: ExchangeRelease, chance: &mut Chance) -> Self {
        let start = |profile| Service {
            profile,
            state: ServiceState::Stopped,
            pid: 0,
            plan: VecDeque::new(),
        };
        // The Health Manager came with Managed Availability.
        let there = |profile: &&Profile| profile.name != HEALTH_MANAGER || exchange.has_front_end();
        let mut services = Self(PROFILES.iter().filter(there).map(start).collect());
        for index in 0..services.0.len() {
            services.enter(index, ServiceState::Running, chance);
        }
        services
    }

    /// The service with this name, ignoring case.
    pub(super) fn get(&self, name: &str) -> Result<&Service, ServiceError> {
        self.0
            .iter()
            .find(|s| s.profile.name.eq_ignore_ascii_case(name))
            .ok_or(ServiceError::DoesNotExist)
    }

    /// Those that need this one, directly or through others, in table order.
    pub(super) fn dependents(&self, name: &str) -> Result<Vec<&Service>, ServiceError> {
        let mut needed = vec![self.get(name)?.profile.name];
        // The table is short, and a chain no longer than it.
        for _ in &self.0 {
            for service in &self.0 {
                let profile = service.profile;
                if !needed.contains(&profile.name) && profile.dependencies.iter().any(|d| needed.contains(d))
                {
                    needed.push(profile.name);
                }
            }
        }
        let is_dependent =
            |service: &&Service| needed.get(1..).is_some_and(|n| n.contains(&service.profile.name));
        Ok(self.0.iter().filter(is_dependent).collect())
    }

    /// All, in table order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.iter()
    }

    /// Whether the web service runs: only then HTTP.SYS has the sites.
    pub(super) fn web_runs(&self) -> bool {
        self.get(W3SVC).is_ok_and(|s| s.state == ServiceState::Running)
    }

    /// Sends a stop control; the service is stopped after `takes`.
    ///
    /// # Errors
    ///
    /// As the service control manager: unknown, not running, in the middle of a change, others depend on it.
    pub(super) fn stop(&mut self, name: &str, now: Duration, takes: Duration) -> Result<(), ServiceError> {
        let index = self.index(name)?;
        let name = self.0[index].profile.name;
        let needed = |s: &Service| s.profile.dependencies.contains(&name) && s.state != ServiceState::Stopped;
        match self.0[index].state {
            ServiceState::Stopped => Err(ServiceError::NotActive),
            ServiceState::StartPending | ServiceState::StopPending => Err(ServiceError::CannotAcceptControl),
            ServiceState::Running if self.0.iter().any(needed) => Err(ServiceError::DependentServicesRunning),
            ServiceState::Running => {
                self.plan_stop(index, now, takes);
                Ok(())
            }
        }
    }

    /// Starts a service and what it depends on; it runs after `takes`.
    ///
    /// # Errors
    ///
    /// As the service control manager: unknown, already running, a dependency is just stopping.
    pub(super) fn start(
        &mut self,
        name: &str,
        now: Duration,
        takes: Duration,
        chance: &mut Chance,
    ) -> Result<(), ServiceError> {
        let index = self.index(name)?;
        if self.0[index].state != ServiceState::Stopped {
            return Err(ServiceError::AlreadyRunning);
        }
        for dependency in self.0[index].profile.dependencies {
            match self.start(dependency, now, takes / 2, chance) {
                Ok(()) | Err(ServiceError::DoesNotExist) => {}
                Err(ServiceError::AlreadyRunning) => {
                    if self.get(dependency)?.state == ServiceState::StopPending {
                        return Err(ServiceError::DependencyFailed);
                    }
                }
                Err(other) => return Err(other),
            }
        }
        self.enter(index, ServiceState::StartPending, chance);
        self.0[index].plan = VecDeque::from([(now + takes, ServiceState::Running)]);
        Ok(())
    }

    /// Sends the stop control to all internet services that run, dependents first.
    pub(super) fn stop_internet(&mut self, now: Duration, takes: Duration) {
        for index in (0..self.0.len()).rev() {
            let service = &self.0[index];
            if service.profile.internet && service.state != ServiceState::Stopped {
                self.plan_stop(index, now, takes);
            }
        }
    }

    /// Starts all internet services that are stopped; `listeners` says whether those of WCF as well.
    pub(super) fn start_internet(
        &mut self,
        now: Duration,
        takes: Duration,
        listeners: bool,
        chance: &mut Chance,
    ) {
        let all = [IISADMIN, W3SVC, NET_PIPE, NET_TCP];
        for name in if listeners { &all[..] } else { &all[..2] } {
            // Already running is what was wanted.
            let _ = self.start(name, now, takes, chance);
        }
    }

    /// Puts stop and start of the internet services on the timetable, whatever becomes of the one who asked.
    pub(super) fn restart_internet_later(&mut self, now: Duration, stopped: Duration, running: Duration) {
        for service in self.0.iter_mut().filter(|s| s.profile.internet) {
            service.state = ServiceState::StopPending;
            service.plan = VecDeque::from([
                (now + stopped, ServiceState::Stopped),
                (
                    now + stopped + Duration::from_millis(1),
                    ServiceState::StartPending,
                ),
                (now + running, ServiceState::Running),
            ]);
        }
    }

    /// A service that is starting is not running before `until`.
    pub(super) fn put_start_off(&mut self, name: &str, until: Duration) {
        let starting = |s: &&mut Service| {
            s.profile.name.eq_ignore_ascii_case(name) && s.state == ServiceState::StartPending
        };
        for service in self.0.iter_mut().filter(starting) {
            for (at, _) in &mut service.plan {
                *at = (*at).max(until);
            }
        }
    }

    /// Carries out what is due, in the order of time, and tells what became of the web service.
    pub(super) fn settle(&mut self, now: Duration, chance: &mut Chance) -> Vec<WebServiceEvent> {
        let mut events = Vec::new();
        let due = |s: &Self| {
            let first =
                |(index, service): (usize, &Service)| service.plan.front().map(|(at, _)| (*at, index));
            s.0.iter()
                .enumerate()
                .filter_map(first)
                .filter(|(at, _)| *at <= now)
                .min()
        };
        while let Some((_, index)) = due(self) {
            let Some((at, state)) = self.0[index].plan.pop_front() else {
                break;
            };
            self.enter(index, state, chance);
            if self.0[index].profile.name == W3SVC {
                match state {
                    ServiceState::Running => events.push(WebServiceEvent::Started(at)),
                    ServiceState::Stopped => events.push(WebServiceEvent::Stopped),
                    ServiceState::StartPending | ServiceState::StopPending => {}
                }
            }
        }
        events
    }

    fn index(&self, name: &str) -> Result<usize, ServiceError> {
        let found = self
            .0
            .iter()
            .position(|s| s.profile.name.eq_ignore_ascii_case(name));
        found.ok_or(ServiceError::DoesNotExist)
    }

    fn plan_stop(&mut self, index: usize, now: Duration, takes: Duration) {
        let service = &mut self.0[index];
        service.state = ServiceState::StopPending;
        service.plan = VecDeque::from([(now + takes, ServiceState::Stopped)]);
    }

    /// Changes a state and with it the process: services with one image share a process.
    fn enter(&mut self, index: usize, state: ServiceState, chance: &mut Chance) {
        let profile = self.0[index].profile;
        let pid = match (state, self.0[index].pid) {
            (ServiceState::Stopped, _) => 0,
            (_, 0) => {
                let together =
                    |s: &&Service| !profile.own_process && s.profile.image == profile.image && s.pid != 0;
                self.0
                    .iter()
                    .find(together)
                    .map_or_else(|| chance.pid(), |s| s.pid)
            }
            (_, pid) => pid,
        };
        self.0[index].state = state;
        self.0[index].pid = pid;
    }
}

#[cfg(test)]
mod tests;
