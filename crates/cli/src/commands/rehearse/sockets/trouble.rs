//! The scenario's faults as the simulated servers and their load balancer know them: each is laid down when the run is about to make the change
//! at which it is meant to happen, so that it does not hurt a server that nobody has touched yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use casim::load_balancer::Mishap;
use inventory::{ServerName, Step, StepKind};
use rollout::simulation::{Fault, Wrong};
use rollout::{EventKind, Found, Plan};

use super::super::stage::Stage;

/// The lines of appcmd that a restriction is committed with.
const COMMIT: &str = "set config";

/// Trouble to come, and trouble that is there.
pub(super) struct Trouble {
    stage: Arc<Stage>,
    kinds: Vec<StepKind>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    to_come: Vec<Fault>,
    /// Servers that can be reached again when they have failed.
    out_of_reach: Vec<ServerName>,
    laid: usize,
    /// The load balancers are reloaded when so many more events were seen.
    reload_in: Option<usize>,
}

impl Trouble {
    /// Nothing has happened yet.
    pub(super) fn new(stage: &Arc<Stage>, plan: &Plan, faults: Vec<Fault>) -> Self {
        Self {
            stage: Arc::clone(stage),
            kinds: plan.steps.iter().map(Step::kind).collect(),
            now: Mutex::new(Now {
                to_come: faults,
                ..Now::default()
            }),
        }
    }

    /// How many faults there were.
    pub(super) fn laid(&self) -> usize {
        self.lock().laid
    }

    /// A server cannot be reached until everything is repaired.
    pub(super) fn cut_off(&self, server: &ServerName) {
        if let Some(machine) = self.stage.machine(server) {
            machine.faults().winrm_down.set(true);
            self.lock().laid += 1;
        }
    }

    /// The load balancers are reloaded when so many events were seen.
    pub(super) fn reload_at(&self, events: usize) {
        self.lock().reload_in = Some(events);
    }

    /// Something was committed.
    pub(super) fn see(&self, kind: &EventKind) {
        let reloads = {
            let mut now = self.lock();
            now.reload_in = now.reload_in.map(|left| left.saturating_sub(1));
            let reloads = now.reload_in.take_if(|left| *left == 0).is_some();
            now.laid += usize::from(reloads);
            reloads
        };
        if reloads {
            self.stage
                .balancers()
                .for_each(casim::load_balancer::LoadBalancer::reload);
        }
        match kind {
            EventKind::StepProbed {
                server,
                step,
                found: Found::Ready(_),
            } => {
                let Some(kind) = self.kinds.get(*step) else { return };
                self.come(server, *kind);
                // A health page that stays sick is one of a server that was restarted; the probe of the wait itself would find it healthy.
                if *kind == StepKind::RestartIis {
                    self.come(server, StepKind::WaitHealthy);
                }
            }
            EventKind::ServerFailed { server, .. } => {
                let mut now = self.lock();
                if let Some(at) = now.out_of_reach.iter().position(|name| name == server) {
                    now.out_of_reach.remove(at);
                    if let Some(machine) = self.stage.machine(server) {
                        machine.faults().winrm_down.set(false);
                    }
                }
            }
            _ => {}
        }
    }

    fn come(&self, server: &ServerName, at: StepKind) {
        let mut now = self.lock();
        let due = |fault: &Fault| fault.server == *server && fault.at == at;
        while let Some(position) = now.to_come.iter().position(due) {
            let fault = now.to_come.remove(position);
            now.laid += 1;
            if self.lay(&fault) && fault.times == 1 {
                now.out_of_reach.push(server.clone());
            }
        }
    }

    /// Lays a fault down. True when the server is out of reach from now on.
    fn lay(&self, fault: &Fault) -> bool {
        let Some(machine) = self.stage.machine(&fault.server) else {
            return false;
        };
        let faults = machine.faults();
        match (fault.at, fault.wrong) {
            (StepKind::Drain, wrong) => self.mishap(fault, "drain", wrong),
            (StepKind::ReturnToRotation, wrong) => self.mishap(fault, "ready", wrong),
            (StepKind::InstallFeature, Wrong::Lost { happened: true }) => {
                faults.drop_after_command_with.set("enable-feature");
            }
            (StepKind::InstallFeature, Wrong::Fails) => faults.feature_install_fails.set(true),
            (StepKind::Restrict, Wrong::Lost { happened: true }) => {
                faults.drop_after_command_with.set(COMMIT)
            }
            (StepKind::Restrict, Wrong::Fails) => faults.file_changed_on_disk.set(fault.times),
            (StepKind::RestartIis, Wrong::Lost { happened: true }) => {
                faults.drop_after_command_with.set("iisreset");
            }
            (StepKind::RestartIis, Wrong::TimesOut) => faults.iisreset_hangs.set(fault.times),
            (StepKind::RestartIis, Wrong::Fails) => {
                faults.iisreset_access_denied_w3svc_stopped.set(fault.times);
            }
            (StepKind::WaitHealthy, _) => faults.health_stays_503.set(true),
            _ => {
                faults.winrm_down.set(true);
                return true;
            }
        }
        false
    }

    fn mishap(&self, fault: &Fault, state: &str, wrong: Wrong) {
        let mishap = match wrong {
            Wrong::Fails => Mishap::Denied,
            Wrong::TimesOut => Mishap::Silent,
            Wrong::Lost { happened: true } => Mishap::AnswerLost,
            Wrong::Lost { happened: false } => Mishap::Unheard,
        };
        if let Some(balancer) = self.stage.balancer_of(&fault.server) {
            let member = fault.server.to_string().to_lowercase();
            balancer
                .faults()
                .plan(&format!("/{member} state {state}"), mishap, fault.times);
        }
    }

    /// Everything is repaired: by then, or by people who take their time.
    pub(super) async fn repair(&self) {
        {
            let mut now = self.lock();
            now.to_come.clear();
            now.out_of_reach.clear();
            now.reload_in = None;
        }
        for balancer in self.stage.balancers() {
            balancer.faults().clear();
        }
        for machine in self.stage.machines() {
            let faults = machine.faults();
            faults.feature_install_fails.set(false);
            faults.file_changed_on_disk.set(0);
            faults.iisreset_hangs.set(0);
            faults.iisreset_access_denied_w3svc_stopped.set(0);
            faults.health_stays_503.set(false);
            faults.drop_after_command_with.clear();
            faults.winrm_down.set(false);
            if !machine.listens() {
                super::truth::by_hand(machine, "sc start W3SVC").await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
