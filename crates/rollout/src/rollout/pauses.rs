//! Where the run stops to think: after a failure the untouched servers are looked at, and where the policy or the look says so, a person is
//! asked. Until that is settled nothing begins, nothing is let go, and nothing is undone.

use std::collections::BTreeMap;

use inventory::{OnFailure, ServerName};

use super::apply::Transition;
use super::state::{Control, Record, Stand};
use super::{Rollout, Stop};
use crate::action::Action;
use crate::event::EventKind;
use crate::observation::{FailureKind, StepError};
use crate::pause::{Answer, Condition, Pause};

impl Rollout {
    /// What has to be known or asked before anything else is decided.
    pub(super) fn deliberate(&self) -> Option<EventKind> {
        if self.pause.is_some() {
            return None;
        }
        self.records
            .iter()
            .filter(|record| record.stand == Stand::Failed)
            .find_map(|record| {
                let server = record.name.clone();
                match &record.control {
                    Control::Due => Some(EventKind::ControlLookStarted { server }),
                    Control::Looking => None,
                    Control::Degraded {
                        degraded,
                        healthy_before,
                    } => Some(EventKind::AmbientIncident {
                        server,
                        degraded: degraded.clone(),
                        healthy_before: *healthy_before,
                    }),
                    Control::None | Control::Incident => {
                        self.question(record).map(|pause| EventKind::RunPaused { pause })
                    }
                }
            })
    }

    /// Whether something is being found out or asked: what depends on a failure waits for it.
    pub(super) fn is_deliberating(&self) -> bool {
        self.pause.is_some() || self.records.iter().any(|record| self.is_under_judgement(record))
    }

    /// Whether it is not settled yet what becomes of the failed server.
    pub(super) fn is_under_judgement(&self, record: &Record) -> bool {
        record.stand == Stand::Failed
            && match record.control {
                Control::Due | Control::Looking | Control::Degraded { .. } => true,
                Control::None | Control::Incident => self.question(record).is_some(),
            }
    }

    /// What a person has to say about the failed server.
    fn question(&self, record: &Record) -> Option<Pause> {
        if record.stand != Stand::Failed || record.answer.is_some() || self.taking_back {
            return None;
        }
        let server = record.name.clone();
        if record.control == Control::Incident {
            Some(Pause::AmbientIncident { server })
        } else if record.is_inconclusive() {
            Some(Pause::Inconclusive { server })
        } else if self.plan.policy.on_failure == OnFailure::Ask {
            Some(Pause::Failure { server })
        } else {
            None
        }
    }

    /// Whether an untouched server waits while a failure is being judged: walking on into a change that has just been seen to fail can wait.
    pub(super) fn is_on_hold(&self, record: &Record) -> bool {
        record.is_untouched() && self.is_deliberating()
    }

    /// What becomes of a failed server: the person's answer, where there is one.
    pub(super) fn reaction(&self, record: &Record) -> OnFailure {
        match (record.answer, self.plan.policy.on_failure) {
            (Some(Answer::Undo), OnFailure::UndoAll) => OnFailure::UndoAll,
            (Some(Answer::Undo), _) => OnFailure::Undo,
            (Some(Answer::Stop), _) => OnFailure::Stop,
            (Some(Answer::GoOn | Answer::Retry) | None, policy) => {
                let is_ambient = record.control == Control::Incident && record.answer.is_none();
                // What nobody could look at is left as it is.
                if policy == OnFailure::Ask || record.is_inconclusive() || is_ambient {
                    OnFailure::Stop
                } else {
                    policy
                }
            }
        }
    }

    /// Whether a failed server was left to an incident around the farm: then no wave is put back either.
    pub(super) fn is_incident(&self) -> bool {
        self.records
            .iter()
            .any(|record| record.control == Control::Incident && record.answer != Some(Answer::GoOn))
    }

    /// The servers of the failed server's pool that the run has not touched.
    fn control_group(&self, record: &Record) -> Vec<ServerName> {
        self.records
            .iter()
            .filter(|other| {
                other.pool == record.pool
                    && other.name != record.name
                    && other.stand == Stand::Waiting
                    && !other.suspect
                    && other.is_untouched()
            })
            .map(|other| other.name.clone())
            .collect()
    }

    /// Whether untouched servers can tell whether the failure is the change's own. Of a refused login they know nothing.
    pub(super) fn wants_control(&self, record: &Record, error: &StepError) -> bool {
        !self.taking_back
            && !self.plan.control_pages.is_empty()
            && record.pool.is_some()
            && error.kind != FailureKind::LoginRefused
            && !self.control_group(record).is_empty()
    }

    pub(super) fn control_look_started(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.stand != Stand::Failed || record.control != Control::Due {
            return self.illegal_for(record, kind);
        }
        let others = self.control_group(record);
        if let Some(record) = self.records.get_mut(at) {
            record.control = Control::Looking;
        }
        Ok(Some(Action::LookAtControl {
            server: server.clone(),
            others,
        }))
    }

    pub(super) fn control_seen(
        &mut self,
        server: &ServerName,
        group: &BTreeMap<ServerName, Condition>,
        kind: &EventKind,
    ) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if record.control != Control::Looking {
            return self.illegal_for(record, kind);
        }
        let with = |wanted: Condition| {
            group
                .iter()
                .filter(move |(_, condition)| **condition == wanted)
                .map(|(name, _)| name.clone())
        };
        let degraded: Vec<ServerName> = with(Condition::Degraded).collect();
        let healthy_before = degraded.len() + with(Condition::Steady).count();
        let is_ambient = !degraded.is_empty() && degraded.len() * 2 >= healthy_before;
        if let Some(record) = self.records.get_mut(at) {
            record.control = if is_ambient {
                Control::Degraded {
                    degraded,
                    healthy_before: u32::try_from(healthy_before).unwrap_or(u32::MAX),
                }
            } else {
                Control::None
            };
        }
        Ok(None)
    }

    pub(super) fn ambient_incident(&mut self, server: &ServerName, kind: &EventKind) -> Transition {
        let (at, record) = self.expect_server(server, kind)?;
        if !matches!(record.control, Control::Degraded { .. }) {
            return self.illegal_for(record, kind);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.control = Control::Incident;
        }
        Ok(None)
    }

    pub(super) fn paused(&mut self, pause: &Pause, kind: &EventKind) -> Transition {
        let is_due = self.pause.is_none()
            && match pause {
                Pause::AfterWave { wave } => {
                    self.open_wave.is_none() && self.pause_before(wave + 1).as_ref() == Some(pause)
                }
                Pause::AmbientIncident { server }
                | Pause::Inconclusive { server }
                | Pause::Failure { server } => {
                    self.record(server)
                        .and_then(|record| self.question(record))
                        .as_ref()
                        == Some(pause)
                }
            };
        if !is_due {
            return self.illegal("nobody has to be asked that", kind);
        }
        self.pause = Some(pause.clone());
        Ok(None)
    }

    pub(super) fn answered(&mut self, answer: Answer, kind: &EventKind) -> Transition {
        match self.pause.take() {
            Some(pause) if pause.answers().contains(&answer) => {
                self.answer(&pause, answer);
                Ok(None)
            }
            pause => {
                self.pause = pause;
                self.illegal("nobody has been asked that", kind)
            }
        }
    }

    /// What an answer changes.
    pub(super) fn answer(&mut self, pause: &Pause, answer: Answer) {
        if let Some(at) = pause.server().and_then(|server| self.index.get(server)).copied()
            && let Some(record) = self.records.get_mut(at)
        {
            record.answer = Some(answer);
            if answer == Answer::Retry {
                record.stand = Stand::Waiting;
                record.counted = false;
                if !self.is_budget_spent() {
                    self.budget_spent = false;
                    self.spent_in = None;
                }
            } else if record.is_inconclusive()
                && answer == Answer::Undo
                && self.is_budget_spent()
                && self.spent_in.is_none()
            {
                self.spent_in = self.records.get(at).map(|record| record.wave);
            }
        }
        match (pause, answer) {
            (Pause::AfterWave { wave }, Answer::GoOn) => self.passed = self.passed.max(wave + 1),
            (Pause::Failure { .. }, _) => {}
            (_, Answer::Stop) => {
                self.stop = self.stop.max(Some(Stop::Soft));
                self.ended_at = Some(pause.clone());
            }
            _ => {}
        }
    }

    /// The pause that has to pass before this wave may begin.
    pub(super) fn pause_before(&self, wave: usize) -> Option<Pause> {
        let last = self
            .plan
            .policy
            .pause_after
            .iter()
            .filter_map(|after| usize::try_from(*after).ok())
            .filter(|after| *after > self.passed && *after <= wave)
            .max()?;
        // There is nothing to wait for behind the last wave.
        (wave < self.plan.waves.len()).then(|| Pause::AfterWave { wave: last - 1 })
    }
}
