//! `casgate explain`: why a server stands where it stands. Reads the journal and nothing else, without the writer's lock, so that a run that is
//! under way is not disturbed.

use inventory::ServerName;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use journal::{RunEnd, StateDirectory};
use report::{Model, wording};
use rollout::{Debt, Event, OnStop, Phase, Rollout, ServerState, Wait};

use crate::args::{Common, Explain};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::printer::Printer;
use crate::state;

pub(crate) fn run(common: &Common, args: &Explain, printer: &Printer) -> Result<ExitCode, Error> {
    let runs = StateDirectory::new(state::folder(common)?);
    let run = runs.find(&args.run).map_err(|source| Error::Journal { source })?;
    let end = runs.end(&run).map_err(|source| Error::Journal { source })?;
    let events = runs.read(&run).map_err(|source| Error::Journal { source })?;
    let rollout = Rollout::replay(&events).map_err(|source| Error::Past { source })?;
    let server = ServerName::from(args.server.as_str());
    let (Some(state), Some(wait)) = (rollout.state_of(&server), rollout.wait_of(&server)) else {
        return Err(Error::NoSuchServer {
            run: run.to_string(),
            server: args.server.clone(),
        });
    };
    let story = Story {
        rollout: &rollout,
        events: &events,
        server: &server,
        end,
        zone: TimeZone::system(),
    };
    let sections = [
        ("run", vec![format!("{run}, {end}: {}", rollout.plan().title)]),
        ("wave", story.wave()),
        ("state", story.state(&state)),
        ("waits for", story.waits_for(&wait)),
        ("unblocked by", story.unblocked_by(&wait)),
        ("Ctrl-C now", story.on_stop(&state)),
        ("window", story.window()),
        ("owed", story.owed()),
        ("done", story.done()),
    ];
    printer.text(server.as_ref());
    for (name, lines) in &sections {
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            printer.text(format!("  {name:<13} {line}").trim_end());
        }
    }
    let sections: serde_json::Map<_, _> = sections
        .into_iter()
        .map(|(name, lines)| (name.replace(' ', "_").to_lowercase(), lines.into()))
        .collect();
    printer.json(&serde_json::json!({ "server": server, "state": state.as_str(), "explained": sections }));
    Ok(ExitCode::Done)
}

/// A server in a run.
struct Story<'a> {
    rollout: &'a Rollout,
    events: &'a [Event],
    server: &'a ServerName,
    end: RunEnd,
    zone: TimeZone,
}

impl Story<'_> {
    fn is_live(&self) -> bool {
        self.end == RunEnd::Running
    }

    /// Until when something may begin, and when the run will have ended.
    fn window(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(until) = self.rollout.until() {
            let word = match self.rollout.is_window_closed() {
                true => "has no room for more",
                false => "open",
            };
            lines.push(format!(
                "until {}, {word}",
                wording::instant(Some(self.rollout.plan()), until)
            ));
        }
        let now = self
            .events
            .last()
            .map(|event| event.at)
            .filter(|_| self.is_live());
        if let Some(outlook) = now.and_then(|now| self.rollout.outlook(now)) {
            lines.push(format!(
                "the run is done about {}, at worst {}",
                self.time(outlook.typical),
                self.time(outlook.at_worst)
            ));
        }
        lines
    }

    /// Why this wave.
    fn wave(&self) -> Vec<String> {
        let plan = self.rollout.plan();
        let Some(wave) = plan.wave_of(self.server) else {
            return Vec::new();
        };
        let members = plan.waves.get(wave).map_or(0, Vec::len);
        let sizes: Vec<String> = plan.waves.iter().map(|wave| wave.len().to_string()).collect();
        let mut lines = vec![format!(
            "{} of {}, with {members} of {} servers: the policy cuts them into waves of {}, in the order of their names",
            wave + 1,
            plan.waves.len(),
            plan.servers.len(),
            sizes.join(", ")
        )];
        lines.extend(plan.floors_of(self.server).map(|(floor, planned)| {
            format!(
                "{floor}: floor {} of {}, so at most {} of it under way at a time",
                planned.min_in_rotation, planned.size, planned.max_in_flight
            )
        }));
        lines
    }

    fn state(&self, state: &ServerState) -> Vec<String> {
        let since = self
            .events
            .iter()
            .rev()
            .find(|event| event.kind.server() == Some(self.server))
            .map_or_else(String::new, |event| format!(", since {}", self.time(event.at)));
        let text = match state {
            ServerState::Running { step, attempt, phase } => {
                let phase = match phase {
                    Phase::Due => "due",
                    Phase::Probing => "being looked at",
                    Phase::AwaitingPermit { .. } => "awaiting its permit",
                    Phase::AwaitingLook { .. } => "awaiting another look",
                    Phase::Applying => "being done",
                    Phase::Verifying => "being verified",
                };
                format!("running: {} is {phase}, attempt {attempt}", self.word(*step))
            }
            ServerState::Undoing { step } => format!("undoing: {}", self.word(*step)),
            ServerState::Healthy { changed: true } => "healthy, changed".to_owned(),
            ServerState::Healthy { changed: false } => "healthy, nothing had to be changed".to_owned(),
            other => other.to_string(),
        };
        let mut lines = vec![format!("{text}{since}")];
        if let Some((step, error)) = self.rollout.failure_of(self.server) {
            let at = step.map_or_else(String::new, |step| format!(" at {}", self.word(step)));
            lines.push(format!("it failed{at}"));
            lines.extend(wording::failure(error));
        }
        lines
    }

    /// What it waits for, and until when.
    fn waits_for(&self, wait: &Wait) -> Vec<String> {
        if !self.is_live() && *wait != Wait::Ended {
            return vec!["nothing: nobody is at work on this run".to_owned()];
        }
        vec![match wait {
            Wait::Ended => "nothing: it has come to its end".to_owned(),
            Wait::Wave { unfinished } => {
                format!("its wave: {} of an earlier one are not done", names(unfinished))
            }
            Wait::Parallel { limit } => format!("one of the {limit} servers that may be under way at a time"),
            Wait::Pool { pool, limit } => {
                format!("one of the {limit} servers of pool {pool} that may be under way at a time")
            }
            Wait::Turn => "its turn, which is now".to_owned(),
            Wait::Closing => "nothing: the run begins no server any more".to_owned(),
            Wait::Answer => "a failure to be judged: by a look at the untouched servers, or by the person at the terminal that the run goes on at".to_owned(),
            Wait::Floor {
                floor,
                min_in_rotation,
                retry_at,
                gives_up_at,
            } => format!(
                "{floor} to have {min_in_rotation} in rotation without it; that is looked at again at {}, and it gives up at {}",
                self.time(*retry_at),
                self.time(*gives_up_at)
            ),
            Wait::Drain { other } => {
                format!("{other} to be seen out of rotation: two that leave together would both be seen in")
            }
            Wait::Look { retry_at } => format!(
                "another look at {}, since the last one was lost",
                self.time(*retry_at)
            ),
            Wait::Worker => "the answer of the server, bounded by the step's own deadlines".to_owned(),
            Wait::Soak { until } => format!("staying healthy until {}", self.time(*until)),
            Wait::Undo => "the servers of its pool or site that are put back before it, one at a time".to_owned(),
        }]
    }

    /// What would let it go on.
    fn unblocked_by(&self, wait: &Wait) -> Vec<String> {
        let resume = || {
            let run = self.rollout.run_id().map_or("RUN", |run| run.as_str());
            match self.rollout.is_resumable() {
                true => vec![format!("casgate resume {run}")],
                false => Vec::new(),
            }
        };
        if !self.is_live() {
            return match wait {
                Wait::Ended if self.rollout.failure_of(self.server).is_none() => Vec::new(),
                _ => resume(),
            };
        }
        match wait {
            Wait::Floor { floor, .. } => {
                vec![format!("another server of {floor} that comes back into rotation")]
            }
            Wait::Wave { unfinished } => vec![format!("the end of {}", names(unfinished))],
            Wait::Parallel { .. } | Wait::Pool { .. } => {
                let under_way: Vec<ServerName> = self.rollout.running().cloned().collect();
                vec![format!("the end of one of {}", names(&under_way))]
            }
            Wait::Drain { other } => vec![format!("the load balancer, once it shows {other} out")],
            Wait::Closing => resume(),
            _ => Vec::new(),
        }
    }

    /// What the first and the second Ctrl-C would do now.
    fn on_stop(&self, state: &ServerState) -> Vec<String> {
        if !self.is_live() {
            return vec!["nobody is at work on this run".to_owned()];
        }
        let first = match self.rollout.on_stop(self.server) {
            Some(OnStop::NotBegun) => "it is not begun; `casgate resume` begins it",
            Some(OnStop::LetGo) => "it is let go, untouched; `casgate resume` begins it anew",
            Some(OnStop::Finished) => {
                "it is finished first, back into rotation and watched; nothing else is begun"
            }
            Some(OnStop::Nothing) | None => return vec!["nothing: it has come to its end".to_owned()],
        };
        let second = match state {
            ServerState::Waiting => return vec![first.to_owned()],
            ServerState::Running {
                phase: Phase::Applying,
                ..
            }
            | ServerState::Undoing { .. }
            | ServerState::PayingDebt { .. } => {
                "a second one leaves the command that runs on the server alone and ends casgate; `casgate resume` looks what became of it"
            }
            _ => "a second one ends the wait at once; `casgate resume` goes on from here",
        };
        vec![first.to_owned(), second.to_owned()]
    }

    fn owed(&self) -> Vec<String> {
        let debts = self
            .rollout
            .debts()
            .into_iter()
            .filter(|open| open.server == *self.server);
        let lines = debts.flat_map(|open| {
            let mut lines = vec![match open.debt {
                Debt::Confirmation { .. } => {
                    "the confirmation of its change, without which the server puts its former rules back by itself".to_owned()
                }
                Debt::Rotation { .. } => "its place in the load balancer's rotation".to_owned(),
                Debt::Lease => "the run's lease on the server, until the run ends".to_owned(),
            }];
            if let Some(unpaid) = open.unpaid {
                lines.extend(wording::failure(&unpaid.error));
                lines.push(format!("do by hand: {}", unpaid.command));
            }
            lines
        });
        let lines: Vec<String> = lines.collect();
        match lines.is_empty() {
            true => vec!["nothing".to_owned()],
            false => lines,
        }
    }

    /// Everything that happened to the server, with what shows it.
    fn done(&self) -> Vec<String> {
        let mut model = Model::default();
        let mut lines = Vec::new();
        for event in self.events {
            if event.kind.server() == Some(self.server) {
                for line in wording::lines(&model, event) {
                    lines.extend(line.render(event.at, &self.zone).lines().map(str::to_owned));
                }
            }
            model.apply(event);
        }
        match lines.is_empty() {
            true => vec!["nothing".to_owned()],
            false => lines,
        }
    }

    fn word(&self, step: usize) -> String {
        let step = self.rollout.plan().steps.get(step);
        step.map_or_else(|| "a step".to_owned(), |step| step.kind().to_string())
    }

    fn time(&self, at: Timestamp) -> String {
        wording::clock(at, &self.zone)
    }
}

fn names(servers: &[ServerName]) -> String {
    servers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
