//! What is true of each server, whatever the run believes, and how it answers.

mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use iis::ip_security::Section;
use inventory::{Restrict, ServerName, Step, StepKind};
use jiff::Timestamp;

use super::answers::{done, error, evidence, rotation};
use super::chance::Chance;
use super::checks::Breach;
use super::scenario::{Fault, Wrong};
use crate::action::{Action, Debt};
use crate::event::{EventKind, Survey};
use crate::observation::{Before, FailureKind, Found, LiveWeight, Outcome, Rotation, StepError};
use crate::pause::Condition;
use crate::plan::{Floor, Plan, PlannedServer};

/// What is true of a server, whatever the run believes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Truth {
    /// It gets no new clients.
    pub out_of_rotation: bool,
    /// The load balancer does not show yet that it is out.
    pub is_hidden: bool,
    /// IIS's module is installed.
    pub feature: bool,
    /// Who may reach the application.
    pub section: Section,
    /// The last restart is older than the last change.
    pub stale: bool,
    /// It does not serve.
    pub broken: bool,
    /// Something around the farm ails it: its health page says so.
    pub ails: bool,
    /// It bears the run's lease.
    pub leased: bool,
}

/// The farm.
#[derive(Clone, Debug)]
pub struct World {
    /// What is true of each server of the plan.
    pub truth: BTreeMap<ServerName, Truth>,
    /// Servers that somebody else took out before the run.
    pub foreign: BTreeSet<ServerName>,
    /// No load balancer shows the rotation: the plan's own bound has to keep the floor.
    pub blind: bool,
    /// Drains are seen late at the load balancer.
    pub lags: bool,
    /// Applies that were performed and change something.
    pub changes: u32,
    /// Of 256 actions, how many go wrong by chance.
    pub faults: u8,
    /// Faults that are laid down beforehand.
    pub script: Vec<Fault>,
    pub(super) plan: Plan,
    /// The section before the run, and the one that is wanted.
    original: Section,
    wanted: Section,
    /// Addresses that both let in.
    welcome: Vec<IpAddr>,
    /// Ways from one section to another that were worked out before.
    ways: Vec<(Section, Section, Vec<Section>)>,
}

impl World {
    /// A farm whose applications are open.
    pub fn new(plan: &Plan) -> Self {
        Self::with_section(plan, Section::default())
    }

    /// A farm whose applications have this section before the run.
    pub fn with_section(plan: &Plan, original: Section) -> Self {
        let wanted = wanted(plan, &original);
        let truth = Truth {
            section: original.clone(),
            ..Truth::default()
        };
        let mut addresses: Vec<IpAddr> = original
            .rules
            .iter()
            .chain(&wanted.rules)
            .filter_map(|rule| rule.network().map(|network| network.addr()))
            .collect();
        addresses.push(IpAddr::from([192, 0, 2, 250]));
        addresses.retain(|address| original.allows(*address) && wanted.allows(*address));
        Self {
            truth: plan
                .servers
                .keys()
                .map(|name| (name.clone(), truth.clone()))
                .collect(),
            foreign: BTreeSet::new(),
            blind: false,
            lags: false,
            changes: 0,
            faults: 0,
            script: Vec::new(),
            plan: plan.clone(),
            original,
            wanted,
            welcome: addresses,
            ways: Vec::new(),
        }
    }

    /// Somebody else takes the server out.
    pub fn take_out(&mut self, name: &ServerName) {
        self.foreign.insert(name.clone());
        self.change(name, |truth| truth.out_of_rotation = true);
    }

    /// Whoever had taken servers out puts them back.
    pub fn put_back(&mut self) {
        for name in std::mem::take(&mut self.foreign) {
            self.change(&name, |truth| truth.out_of_rotation = false);
        }
    }

    /// A person repaired every server and whatever was around the farm.
    pub fn repair(&mut self) {
        for truth in self.truth.values_mut() {
            truth.broken = false;
            truth.ails = false;
        }
    }

    /// Time has passed: the load balancer shows what is.
    pub fn settle(&mut self) {
        self.truth.values_mut().for_each(|truth| truth.is_hidden = false);
    }

    /// The rules before the run, and those that are wanted.
    pub fn sections(&self) -> (&Section, &Section) {
        (&self.original, &self.wanted)
    }

    /// Whether the server is as the playbook wants it.
    pub fn is_as_wanted(&self, name: &ServerName) -> bool {
        self.truth
            .get(name)
            .is_some_and(|truth| truth.feature && !truth.stale && truth.section.same_meaning(&self.wanted))
    }

    /// Whether its rules are those of before the run.
    pub fn is_as_before(&self, name: &ServerName) -> bool {
        self.truth
            .get(name)
            .is_some_and(|truth| truth.section.same_meaning(&self.original))
    }

    /// Whether the server takes no clients.
    pub fn is_out(&self, name: &ServerName) -> bool {
        self.truth
            .get(name)
            .is_some_and(|truth| truth.out_of_rotation || truth.broken)
    }

    /// A client that the rules of before and after let in and the server's rules of now do not.
    pub(super) fn turned_away(&self, name: &ServerName) -> Option<IpAddr> {
        let section = &self.truth.get(name)?.section;
        self.welcome
            .iter()
            .copied()
            .find(|client| !section.allows(*client))
    }

    fn change(&mut self, name: &ServerName, change: impl FnOnce(&mut Truth)) {
        if let Some(truth) = self.truth.get_mut(name) {
            change(truth);
        }
    }

    fn is_broken(&self, name: &ServerName) -> bool {
        self.truth
            .get(name)
            .is_some_and(|truth| truth.broken || truth.ails)
    }

    /// What can be seen of one of the server's floors.
    fn seen(&self, name: &ServerName, floor: &Floor) -> Option<Rotation> {
        let size = self.plan.planned(floor)?.size;
        let is_hidden = |other: &ServerName| {
            let truth = self.truth.get(other);
            truth.is_some_and(|truth| truth.is_hidden && !truth.broken)
        };
        let mut members: Vec<(&ServerName, &PlannedServer)> = self.members(floor).collect();
        let all = members.len();
        members.retain(|(other, _)| !self.is_out(other) || is_hidden(other));
        let out = u32::try_from(all - members.len()).unwrap_or(u32::MAX);
        let weight = LiveWeight {
            in_rotation: members.iter().map(|(_, server)| server.weight).sum(),
            own: self.plan.servers.get(name)?.weight,
        };
        Some(Rotation {
            weight: Some(weight),
            ..rotation(size.saturating_sub(out), size, !self.is_out(name))
        })
    }

    /// The servers of the plan that belong to a pool or stand at a site.
    pub(super) fn members<'a>(
        &'a self,
        floor: &'a Floor,
    ) -> impl Iterator<Item = (&'a ServerName, &'a PlannedServer)> {
        self.plan
            .servers
            .iter()
            .filter(move |(_, server)| server.is_of(floor))
    }

    fn kind(&self, step: usize) -> Option<StepKind> {
        self.plan.steps.get(step).map(Step::kind)
    }

    /// What goes wrong with this action: what was laid down, or what chance says.
    fn goes_wrong(&mut self, action: &Action, chance: &mut Chance) -> Option<Wrong> {
        let at = match action {
            Action::Apply { step, .. } => self.kind(*step),
            _ => None,
        };
        let server = action.server();
        if let Some(fault) = self
            .script
            .iter_mut()
            .find(|fault| fault.times > 0 && fault.server == *server && at == Some(fault.at))
        {
            fault.times -= 1;
            return Some(fault.wrong);
        }
        if !chance.happens(self.faults) {
            return None;
        }
        Some(match (chance.below(2), chance.below(2)) {
            (0, 0) => Wrong::Lost { happened: true },
            (0, _) => Wrong::Lost { happened: false },
            _ => Wrong::Fails,
        })
    }

    /// The answer of a worker.
    pub(super) fn perform(&mut self, action: &Action, chance: &mut Chance) -> Result<EventKind, Breach> {
        let wrong = self.goes_wrong(action, chance);
        let server = action.server().clone();
        Ok(match action {
            Action::Survey { .. } => EventKind::Surveyed {
                survey: match wrong {
                    Some(wrong) => Survey::Failed(wrong.error()),
                    None => self.survey(&server),
                },
                server,
            },
            Action::Probe { step, .. } => EventKind::StepProbed {
                found: match wrong {
                    Some(wrong) => Found::Failed(wrong.error()),
                    None => self.probe(&server, *step),
                },
                server,
                step: *step,
            },
            Action::Apply { step, .. } => EventKind::StepApplied {
                outcome: self.apply(&server, *step, wrong, chance)?,
                server,
                step: *step,
            },
            Action::Verify { step, .. } => {
                if wrong.is_none() {
                    self.change(&server, |truth| truth.is_hidden = false);
                }
                EventKind::StepVerified {
                    outcome: wrong.map_or_else(done, Wrong::outcome),
                    server,
                    step: *step,
                }
            }
            Action::Soak { span, .. } => EventKind::SoakFinished {
                report: self.soak(&server, wrong, *span == self.plan.policy.canary_hold),
                server,
            },
            Action::LookAtControl { others, .. } => {
                if let Some(Wrong::Lost { .. }) = wrong {
                    others
                        .iter()
                        .for_each(|name| self.change(name, |truth| truth.ails = true));
                }
                let condition = |name: &ServerName| match self.is_broken(name) {
                    true => Condition::Degraded,
                    false => Condition::Steady,
                };
                let group = others
                    .iter()
                    .map(|name| (name.clone(), condition(name)))
                    .collect();
                EventKind::ControlSeen { server, group }
            }
            Action::Undo { step, before, .. } => match wrong {
                Some(wrong) => EventKind::UndoFailed {
                    server,
                    step: *step,
                    error: wrong.error(),
                },
                None => {
                    if let Before::Restrict { effective, .. } = before {
                        for state in self.way(&server, effective) {
                            self.change(&server, |truth| truth.section = state);
                            self.check_clients(&server)?;
                        }
                    }
                    self.change(&server, |truth| truth.broken = false);
                    EventKind::UndoFinished {
                        server,
                        step: *step,
                        evidence: evidence("as before"),
                    }
                }
            },
            Action::PayDebt { debt, .. } => {
                if wrong.is_some() || (*debt != Debt::Lease && self.is_broken(&server)) {
                    return Ok(EventKind::DebtUnpaid {
                        command: format!("set server eas/{server} state ready"),
                        server,
                        debt: *debt,
                        error: wrong.map_or_else(|| error(FailureKind::Failed), Wrong::error),
                    });
                }
                self.change(&server, |truth| match debt {
                    Debt::Lease => truth.leased = false,
                    Debt::Rotation { .. } => truth.out_of_rotation = false,
                    // No simulated playbook sets a dead man's switch.
                    Debt::Confirmation { .. } => {}
                });
                EventKind::DebtPaid {
                    server,
                    debt: *debt,
                    evidence: evidence("UP"),
                }
            }
        })
    }

    /// A survey that finds work takes the lease, and tells so before it answers.
    pub(super) fn lease(&mut self, answer: &EventKind, until: Timestamp) -> Option<EventKind> {
        match answer {
            EventKind::Surveyed {
                server,
                survey: Survey::Seen { work, .. },
            } if !work.is_empty() => {
                self.change(server, |truth| truth.leased = true);
                Some(EventKind::LeaseTaken {
                    server: server.clone(),
                    until,
                    over: None,
                })
            }
            _ => None,
        }
    }
}

fn restrict(plan: &Plan) -> Option<&Restrict> {
    plan.steps.iter().find_map(|step| match step {
        Step::Restrict(restrict) => Some(restrict),
        _ => None,
    })
}

/// What the playbook makes of a section; roles are the load balancer's and the server's own business and stand for loopback here.
fn wanted(plan: &Plan, original: &Section) -> Section {
    use iis::ip_security::Rule;
    use inventory::AllowWhat;
    let Some(restrict) = restrict(plan) else {
        return original.clone();
    };
    let mut rules = Vec::new();
    for entry in &restrict.allow {
        let rule = match &entry.what {
            AllowWhat::Address(address) => Rule::allow_address(*address),
            AllowWhat::Network(network) => Rule::allow_network(*network),
            AllowWhat::Name(_) | AllowWhat::Role(_) => Rule::allow_address(IpAddr::from([127, 0, 0, 1])),
        };
        if !rules.iter().any(|known: &Rule| known.has_key_of(&rule)) {
            rules.push(rule);
        }
    }
    restrict.desired(rules).target(original)
}

impl Wrong {
    fn error(self) -> StepError {
        error(match self {
            Self::Fails => FailureKind::Failed,
            Self::TimesOut => FailureKind::TimedOut,
            Self::Lost { .. } => FailureKind::Unreachable,
        })
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Lost { .. } => Outcome::Unknown(self.error()),
            Self::Fails | Self::TimesOut => Outcome::Failed(self.error()),
        }
    }
}
