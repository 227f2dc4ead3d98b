//! How a server answers each step: what a look finds, and what a change makes of it.

use std::collections::BTreeMap;

use iis::ip_security::{Section, commits};
use inventory::{ServerName, Step, StepKind};

use super::{World, restrict};
use crate::event::{SoakReport, Survey};
use crate::observation::{Before, FailureKind, Found, Outcome};
use crate::plan::Floor;
use crate::simulation::answers::{done, error, evidence};
use crate::simulation::chance::Chance;
use crate::simulation::checks::Breach;
use crate::simulation::scenario::Wrong;

impl World {
    pub(super) fn survey(&self, server: &ServerName) -> Survey {
        let work = if self.is_as_wanted(server) {
            Vec::new()
        } else {
            let wants = |step: &&Step| matches!(step.kind(), StepKind::Restrict | StepKind::RestartIis);
            let steps = self.plan.steps.iter();
            steps
                .enumerate()
                .filter(|(_, step)| wants(step))
                .map(|(index, _)| index)
                .collect()
        };
        Survey::Seen {
            work,
            facts: Vec::new(),
        }
    }

    pub(super) fn soak(&mut self, server: &ServerName, wrong: Option<Wrong>, is_hold: bool) -> SoakReport {
        match wrong {
            Some(Wrong::Lost { .. }) => SoakReport::Inconclusive(error(FailureKind::Inconclusive)),
            Some(_) => {
                // A canary that is watched on is in rotation: whatever ails it later, nobody took it out.
                self.change(server, |truth| truth.broken |= !is_hold);
                SoakReport::Failed(error(FailureKind::TimedOut))
            }
            None if self.is_broken(server) => SoakReport::Failed(error(FailureKind::TimedOut)),
            None => SoakReport::Healthy(evidence("healthy")),
        }
    }

    pub(super) fn probe(&mut self, server: &ServerName, step: usize) -> Found {
        self.change(server, |truth| truth.is_hidden = false);
        let truth = self.truth.get(server).cloned().unwrap_or_default();
        let kind = self.kind(step);
        let is_done = match kind {
            Some(StepKind::Drain) => truth.out_of_rotation,
            Some(StepKind::InstallFeature) => truth.feature,
            Some(StepKind::Restrict) => truth.section.same_meaning(&self.wanted),
            Some(StepKind::RestartIis) => !truth.stale,
            Some(StepKind::ReturnToRotation) => !truth.out_of_rotation,
            _ => false,
        };
        if is_done {
            return Found::AlreadyDone(evidence("as wanted"));
        }
        let planned = self.plan.servers.get(server).filter(|_| !self.blind);
        let seen = |floor: Option<Floor>| self.seen(server, &floor?);
        let rotation = seen(planned.and_then(|planned| planned.pool.clone()).map(Floor::Pool));
        let site = seen(planned.and_then(|planned| planned.site.clone()).map(Floor::Site));
        Found::Ready(match kind {
            Some(StepKind::Drain) => Before::Drain { rotation, site },
            Some(StepKind::BackUp) => Before::BackUp {
                name: "casgate-7f3a".to_owned(),
            },
            Some(StepKind::InstallFeature) => Before::InstallFeature {
                enabled: false,
                module_listed: false,
            },
            Some(StepKind::Restrict) => Before::Restrict {
                own: truth.section.clone(),
                effective: truth.section,
                wanted: self.wanted.clone(),
                workers: Vec::new(),
            },
            Some(StepKind::RestartIis) => Before::RestartIis {
                workers: Vec::new(),
                services: Vec::new(),
                reason: "module not loaded".to_owned(),
            },
            Some(StepKind::WaitHealthy) => Before::WaitHealthy {
                pages: BTreeMap::new(),
            },
            Some(StepKind::ReturnToRotation) => Before::ReturnToRotation { rotation },
            Some(StepKind::Command) => Before::Command,
            Some(StepKind::Powershell) => Before::Powershell,
            Some(StepKind::Witness) | None => Before::Witness,
        })
    }

    pub(super) fn apply(
        &mut self,
        server: &ServerName,
        step: usize,
        wrong: Option<Wrong>,
        chance: &mut Chance,
    ) -> Result<Outcome, Breach> {
        let Some(kind) = self.kind(step) else {
            return Ok(done());
        };
        if matches!(kind, StepKind::WaitHealthy | StepKind::Witness) {
            return Ok(match wrong {
                Some(wrong) => wrong.outcome(),
                None if self.is_broken(server) => Outcome::Failed(error(FailureKind::TimedOut)),
                None => done(),
            });
        }
        let happens = matches!(wrong, None | Some(Wrong::Lost { happened: true }));
        if happens {
            self.changes += u32::from(kind.changes() || kind == StepKind::Drain);
        }
        if kind == StepKind::Restrict {
            let states = self.way(server, &self.wanted.clone());
            // A reply that is lost may be lost at any commit.
            let made = match (happens, wrong) {
                (true, None) => states.len(),
                (true, _) => chance.below(states.len() + 1),
                (false, _) => 0,
            };
            for state in states.into_iter().take(made) {
                self.change(server, |truth| (truth.section, truth.stale) = (state, true));
                self.check_clients(server)?;
            }
        }
        let lags = self.lags;
        self.change(server, |truth| match kind {
            StepKind::Drain if happens => (truth.out_of_rotation, truth.is_hidden) = (true, lags),
            StepKind::InstallFeature if happens => (truth.feature, truth.stale) = (true, true),
            StepKind::RestartIis if happens => (truth.broken, truth.stale) = (false, false),
            // IIS stopped and did not come back.
            StepKind::RestartIis => truth.broken = true,
            StepKind::ReturnToRotation if happens => truth.out_of_rotation = false,
            _ => {}
        });
        Ok(wrong.map_or_else(done, Wrong::outcome))
    }

    /// The states of the server's section on the way to another one, commit by commit.
    pub(super) fn way(&mut self, server: &ServerName, to: &Section) -> Vec<Section> {
        let from = self
            .truth
            .get(server)
            .map(|truth| truth.section.clone())
            .unwrap_or_default();
        if let Some((_, _, states)) = self.ways.iter().find(|(a, b, _)| *a == from && b == to) {
            return states.clone();
        }
        let states: Vec<Section> = match restrict(&self.plan) {
            Some(restrict) => commits(&restrict.application, &from, to)
                .map(|commits| {
                    let mut state = from.clone();
                    let after = commits.iter().map(|commit| {
                        commit.apply(&mut state);
                        state.clone()
                    });
                    after.collect()
                })
                .unwrap_or_default(),
            None => Vec::new(),
        };
        self.ways.push((from, to.clone(), states.clone()));
        states
    }

    /// Nobody whom the rules of before and after let in is turned away.
    pub(in crate::simulation) fn check_clients(&self, server: &ServerName) -> Result<(), Breach> {
        match self.turned_away(server) {
            None => Ok(()),
            Some(client) => Err(Breach::TurnedAway {
                server: server.clone(),
                client,
            }),
        }
    }
}
