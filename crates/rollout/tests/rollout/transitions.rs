//! The table: in which stand which event leads where, and that everything else is refused. A row exists for each stand that a server can have.

use inventory::OnFailure;
use rollout::{
    Action, Debt, Event, EventKind, FailureKind, Found, Outcome, Phase, Rollout, ServerState, SoakReport,
    Survey, Verdict,
};

use crate::farm::{
    BACK_UP, DRAIN, RESTRICT, RETURN, WAIT_HEALTHY, before, done, error, evidence, rotation, seen, server,
    small_plan,
};
use crate::run::Run;

const EAS: &str = "eas-1";

/// A run of one pool of four in which `eas-1`, the canary, stands as the label says. The budget allows one failure.
fn standing(label: &str) -> (Run, usize) {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.tell(EventKind::WaveStarted { wave: 0 });
    let eas = || server(EAS);
    let started = |run: &mut Run, step, attempt| {
        run.tell(EventKind::StepStarted {
            server: eas(),
            step,
            attempt,
        })
    };
    let probed = |run: &mut Run, step, found| {
        run.tell(EventKind::StepProbed {
            server: eas(),
            step,
            found,
        })
    };
    let ready = |run: &mut Run, step| {
        run.tell(EventKind::StepProbed {
            server: eas(),
            step,
            found: Found::Ready(before(step)),
        })
    };
    let applied = |run: &mut Run, step, outcome| {
        run.tell(EventKind::StepApplied {
            server: eas(),
            step,
            outcome,
        })
    };
    let verified = |run: &mut Run, step| {
        run.tell(EventKind::StepVerified {
            server: eas(),
            step,
            outcome: done(),
        })
    };
    let failed = |run: &mut Run, step| {
        applied(run, step, Outcome::Failed(error(FailureKind::Failed)));
        let error = error(FailureKind::Failed);
        run.tell(EventKind::ServerFailed {
            server: eas(),
            step: Some(step),
            error,
        });
    };
    let survey = |run: &mut Run, survey| {
        run.tell(EventKind::ServerStarted { server: eas() });
        run.tell(EventKind::Surveyed {
            server: eas(),
            survey,
        });
    };
    let walk = |run: &mut Run, to| {
        survey(run, seen(&[RESTRICT]));
        for step in 0..to {
            started(run, step, 1);
            ready(run, step);
            applied(run, step, done());
            verified(run, step);
        }
    };
    let unwinding = |run: &mut Run| {
        walk(run, RESTRICT);
        started(run, RESTRICT, 1);
        ready(run, RESTRICT);
        failed(run, RESTRICT);
        run.tell(EventKind::UndoStarted {
            server: eas(),
            step: RESTRICT,
        });
    };
    let undo_error = || EventKind::UndoFailed {
        server: eas(),
        step: RESTRICT,
        error: error(FailureKind::Failed),
    };
    let undo_done = || EventKind::UndoFinished {
        server: eas(),
        step: RESTRICT,
        evidence: evidence("as before"),
    };
    let debt = Debt::Rotation { step: DRAIN };
    let paying = |run: &mut Run| {
        unwinding(run);
        run.tell(undo_done());
        run.tell(EventKind::ServerUndone { server: eas() });
        run.tell(EventKind::DebtPaymentStarted { server: eas(), debt });
    };
    let healthy = |run: &mut Run| {
        walk(run, RETURN + 1);
        run.tell(EventKind::ServerSoaking { server: eas() });
        run.tell(EventKind::SoakFinished {
            server: eas(),
            report: SoakReport::Healthy(evidence("healthy")),
        });
    };
    let mut step = DRAIN;
    match label {
        "waiting" => {}
        "surveying" => drop(run.tell(EventKind::ServerStarted { server: eas() })),
        "due" => survey(&mut run, seen(&[RESTRICT])),
        "due, nothing to do" => {
            survey(&mut run, seen(&[]));
            step = WAIT_HEALTHY;
        }
        "probing" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
        }
        "awaiting permit" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
            let before = rollout::Before::Drain {
                rotation: Some(rotation(1, 4, true)),
                site: None,
            };
            probed(&mut run, DRAIN, Found::Ready(before));
        }
        "skipped" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
            let before = rollout::Before::Drain {
                rotation: Some(rotation(1, 4, true)),
                site: None,
            };
            probed(&mut run, DRAIN, Found::Ready(before));
            run.tell(EventKind::StopRequested { hard: false });
            run.tell(EventKind::ServerSkipped { server: eas() });
        }
        "awaiting look" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
            ready(&mut run, DRAIN);
            applied(&mut run, DRAIN, Outcome::Unknown(error(FailureKind::Unreachable)));
        }
        "applying" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
            ready(&mut run, DRAIN);
        }
        "verifying" => {
            survey(&mut run, seen(&[RESTRICT]));
            started(&mut run, DRAIN, 1);
            ready(&mut run, DRAIN);
            applied(&mut run, DRAIN, done());
        }
        "drained" => {
            walk(&mut run, BACK_UP);
            step = BACK_UP;
        }
        "verifying the return" => {
            walk(&mut run, RETURN);
            started(&mut run, RETURN, 1);
            ready(&mut run, RETURN);
            applied(&mut run, RETURN, done());
            step = RETURN;
        }
        "returned" => walk(&mut run, RETURN + 1),
        "soaking" => {
            walk(&mut run, RETURN + 1);
            run.tell(EventKind::ServerSoaking { server: eas() });
        }
        "proven" => healthy(&mut run),
        "healthy" => {
            healthy(&mut run);
            run.tell(EventKind::ServerHealthy {
                server: eas(),
                changed: true,
            });
        }
        "failing" => survey(&mut run, Survey::Failed(error(FailureKind::Unreachable))),
        "failed untouched" => {
            survey(&mut run, Survey::Failed(error(FailureKind::Unreachable)));
            run.tell(EventKind::ServerFailed {
                server: eas(),
                step: None,
                error: error(FailureKind::Unreachable),
            });
        }
        "failed drained" => {
            walk(&mut run, BACK_UP);
            started(&mut run, BACK_UP, 1);
            ready(&mut run, BACK_UP);
            failed(&mut run, BACK_UP);
            step = BACK_UP;
        }
        "failed restricted" => {
            walk(&mut run, RESTRICT);
            started(&mut run, RESTRICT, 1);
            ready(&mut run, RESTRICT);
            failed(&mut run, RESTRICT);
            step = RESTRICT;
        }
        "undoing" => {
            unwinding(&mut run);
            step = RESTRICT;
        }
        "undo finished" => {
            unwinding(&mut run);
            run.tell(undo_done());
            step = RESTRICT;
        }
        "undo failed" => {
            unwinding(&mut run);
            run.tell(undo_error());
            step = RESTRICT;
        }
        "paying" => paying(&mut run),
        "undone" => {
            paying(&mut run);
            run.tell(EventKind::DebtPaid {
                server: eas(),
                debt,
                evidence: evidence("UP"),
            });
        }
        "stuck" => {
            unwinding(&mut run);
            run.tell(undo_error());
            run.tell(EventKind::ServerStuck { server: eas() });
        }
        other => panic!("no stand {other}"),
    }
    (run, step)
}

const STANDS: &[&str] = &[
    "waiting",
    "surveying",
    "due",
    "due, nothing to do",
    "probing",
    "awaiting permit",
    "awaiting look",
    "applying",
    "verifying",
    "drained",
    "verifying the return",
    "returned",
    "soaking",
    "proven",
    "healthy",
    "failing",
    "failed untouched",
    "failed drained",
    "failed restricted",
    "undoing",
    "undo finished",
    "undo failed",
    "paying",
    "undone",
    "stuck",
    "skipped",
];

/// Every event that can be about a server, at the step where it stands.
fn events(step: usize) -> Vec<(&'static str, EventKind)> {
    let eas = || server(EAS);
    let probed = |found| EventKind::StepProbed {
        server: eas(),
        step,
        found,
    };
    let applied = |outcome| EventKind::StepApplied {
        server: eas(),
        step,
        outcome,
    };
    let verified = |outcome| EventKind::StepVerified {
        server: eas(),
        step,
        outcome,
    };
    let surveyed = |survey| EventKind::Surveyed {
        server: eas(),
        survey,
    };
    let soaked = |report| EventKind::SoakFinished {
        server: eas(),
        report,
    };
    let started = |attempt| EventKind::StepStarted {
        server: eas(),
        step,
        attempt,
    };
    let failure = || error(FailureKind::Failed);
    let lost = || error(FailureKind::Unreachable);
    let debt = Debt::Rotation { step: DRAIN };
    let command = "set server eas/eas-1 state ready".to_owned();
    vec![
        ("server_started", EventKind::ServerStarted { server: eas() }),
        ("surveyed: work", surveyed(seen(&[RESTRICT]))),
        ("surveyed: nothing", surveyed(seen(&[]))),
        ("surveyed: failed", surveyed(Survey::Failed(failure()))),
        ("surveyed: no such step", surveyed(seen(&[99]))),
        ("step_started 1", started(1)),
        ("step_started 2", started(2)),
        (
            "step_probed: done",
            probed(Found::AlreadyDone(evidence("as wanted"))),
        ),
        ("step_probed: ready", probed(Found::Ready(before(step)))),
        (
            "step_probed: of another step",
            probed(Found::Ready(before((step + 1) % (RETURN + 1)))),
        ),
        ("step_probed: lost", probed(Found::Failed(lost()))),
        ("step_probed: failed", probed(Found::Failed(failure()))),
        ("step_applied: done", applied(done())),
        ("step_applied: failed", applied(Outcome::Failed(failure()))),
        ("step_applied: unknown", applied(Outcome::Unknown(lost()))),
        ("step_verified: done", verified(done())),
        ("step_verified: failed", verified(Outcome::Failed(failure()))),
        ("step_verified: unknown", verified(Outcome::Unknown(lost()))),
        ("server_soaking", EventKind::ServerSoaking { server: eas() }),
        (
            "soak_finished: healthy",
            soaked(SoakReport::Healthy(evidence("healthy"))),
        ),
        ("soak_finished: failed", soaked(SoakReport::Failed(failure()))),
        (
            "server_healthy changed",
            EventKind::ServerHealthy {
                server: eas(),
                changed: true,
            },
        ),
        (
            "server_healthy unchanged",
            EventKind::ServerHealthy {
                server: eas(),
                changed: false,
            },
        ),
        (
            "server_failed",
            EventKind::ServerFailed {
                server: eas(),
                step: Some(step),
                error: failure(),
            },
        ),
        ("undo_started", EventKind::UndoStarted { server: eas(), step }),
        (
            "undo_finished",
            EventKind::UndoFinished {
                server: eas(),
                step,
                evidence: evidence("as before"),
            },
        ),
        (
            "undo_failed",
            EventKind::UndoFailed {
                server: eas(),
                step,
                error: failure(),
            },
        ),
        ("server_undone", EventKind::ServerUndone { server: eas() }),
        ("server_stuck", EventKind::ServerStuck { server: eas() }),
        ("server_skipped", EventKind::ServerSkipped { server: eas() }),
        (
            "debt_payment_started",
            EventKind::DebtPaymentStarted { server: eas(), debt },
        ),
        (
            "debt_paid",
            EventKind::DebtPaid {
                server: eas(),
                debt,
                evidence: evidence("UP"),
            },
        ),
        (
            "debt_unpaid",
            EventKind::DebtUnpaid {
                server: eas(),
                debt,
                error: failure(),
                command,
            },
        ),
    ]
}

fn show(state: &ServerState) -> String {
    match state {
        ServerState::Running { step, attempt, phase } => {
            let phase = match phase {
                Phase::Due => "due",
                Phase::Probing => "probing",
                Phase::AwaitingPermit { .. } => "awaiting permit",
                Phase::AwaitingLook { .. } => "awaiting look",
                Phase::Applying => "applying",
                Phase::Verifying => "verifying",
            };
            format!("step {step} attempt {attempt} {phase}")
        }
        ServerState::Healthy { changed } => format!("healthy changed={changed}"),
        ServerState::Undoing { step } => format!("undoing {step}"),
        other => other.to_string(),
    }
}

fn show_action(action: &Action) -> &'static str {
    match action {
        Action::Survey { .. } => "survey",
        Action::Probe { .. } => "probe",
        Action::Apply { .. } => "apply",
        Action::Verify { .. } => "verify",
        Action::Soak { .. } => "soak",
        Action::LookAtControl { .. } => "look_at_control",
        Action::Undo { .. } => "undo",
        Action::PayDebt { .. } => "pay_debt",
    }
}

#[test]
fn every_stand_accepts_what_follows_from_it_and_nothing_else() {
    let mut table = String::new();
    for label in STANDS {
        table.push_str(&format!("{label}\n"));
        let (run, step) = standing(label);
        for (word, kind) in events(step) {
            let mut rollout = run.rollout.clone();
            let event = Event {
                seq: run.journal.len() as u64,
                at: run.now,
                kind,
            };
            match rollout.apply(&event) {
                Ok(action) => {
                    let state = rollout.state_of(&server(EAS)).expect("planned");
                    let action = action
                        .map(|action| format!(" => {}", show_action(&action)))
                        .unwrap_or_default();
                    table.push_str(&format!("    {word} -> {}{action}\n", show(&state)));
                }
                Err(_) => assert_eq!(
                    rollout, run.rollout,
                    "{label}: {word} was refused and still changed something"
                ),
            }
        }
    }
    insta::assert_snapshot!(table, @"
    waiting
        server_started -> surveying => survey
    surveying
        surveyed: work -> step 0 attempt 1 due
        surveyed: nothing -> step 5 attempt 1 due
        surveyed: failed -> failed
    due
        step_started 1 -> step 0 attempt 1 probing => probe
    due, nothing to do
        step_started 1 -> step 5 attempt 1 probing => probe
    probing
        step_probed: done -> step 1 attempt 1 due
        step_probed: ready -> step 0 attempt 1 applying => apply
        step_probed: lost -> step 0 attempt 2 awaiting look
        step_probed: failed -> failed
    awaiting permit
        step_started 2 -> step 0 attempt 2 probing => probe
    awaiting look
        step_started 2 -> step 0 attempt 2 probing => probe
    applying
        step_applied: done -> step 0 attempt 1 verifying => verify
        step_applied: failed -> failed
        step_applied: unknown -> step 0 attempt 2 awaiting look
    verifying
        step_verified: done -> step 1 attempt 1 due
        step_verified: failed -> failed
        step_verified: unknown -> step 0 attempt 2 awaiting look
    drained
        step_started 1 -> step 1 attempt 1 probing => probe
    verifying the return
        step_verified: done -> step 7 attempt 1 due
        step_verified: failed -> failed
        step_verified: unknown -> step 7 attempt 2 awaiting look
    returned
        server_soaking -> soaking => soak
    soaking
        soak_finished: healthy -> step 7 attempt 1 due
        soak_finished: failed -> failed
    proven
        server_healthy changed -> healthy changed=true
    healthy
    failing
        server_failed -> failed
    failed untouched
    failed drained
        debt_payment_started -> paying_debt => pay_debt
    failed restricted
        undo_started -> undoing 3 => undo
    undoing
        undo_finished -> undoing 3
        undo_failed -> undoing 3
    undo finished
        server_undone -> undone
    undo failed
        server_stuck -> stuck
    paying
        debt_paid -> undone
        debt_unpaid -> undone
    undone
    stuck
        debt_payment_started -> paying_debt => pay_debt
    skipped
    ");
}

fn refusal(rollout: &Rollout, kind: EventKind) -> String {
    let event = Event {
        seq: 0,
        at: crate::farm::instant(9),
        kind,
    };
    rollout.clone().apply(&event).expect_err("refused").to_string()
}

#[test]
fn refusals_name_the_state_and_the_event() {
    let plan = small_plan(OnFailure::Undo, 1);
    let fresh = Rollout::new(plan.clone());
    let (running, _) = standing("applying");
    let lines = [
        refusal(&fresh, EventKind::WaveStarted { wave: 0 }),
        refusal(&fresh, crate::farm::resumed()),
        refusal(&fresh, crate::farm::started(&small_plan(OnFailure::Stop, 1))),
        refusal(&running.rollout, crate::farm::started(&plan)),
        refusal(&running.rollout, EventKind::WaveStarted { wave: 1 }),
        refusal(&running.rollout, EventKind::WaveFinished { wave: 0 }),
        refusal(
            &running.rollout,
            EventKind::BudgetSpent {
                failures: 0,
                limit: 1,
                pool: None,
            },
        ),
        refusal(
            &running.rollout,
            EventKind::RunFinished {
                verdict: Verdict::Done,
            },
        ),
        refusal(
            &running.rollout,
            EventKind::RunFinished {
                verdict: Verdict::Aborted,
            },
        ),
        refusal(
            &running.rollout,
            EventKind::ServerStarted {
                server: server("cas99"),
            },
        ),
        refusal(
            &running.rollout,
            EventKind::ServerStarted {
                server: server("eas-2"),
            },
        ),
        refusal(
            &running.rollout,
            EventKind::StepApplied {
                server: server(EAS),
                step: 1,
                outcome: done(),
            },
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"), @"
    event `wave_started` is not possible while the run has not started
    event `run_resumed` is not possible while the run has not started
    event `run_started` is not possible while another plan was expected
    event `run_started` is not possible while run 20261124-0214-7f3a is in wave 0
    event `wave_started` is not possible while run 20261124-0214-7f3a is in wave 0
    event `wave_finished` is not possible while run 20261124-0214-7f3a is in wave 0
    event `budget_spent` is not possible while run 20261124-0214-7f3a is in wave 0
    event `run_finished` is not possible while run 20261124-0214-7f3a is in wave 0
    event `run_finished` is not possible while run 20261124-0214-7f3a is in wave 0
    event `server_started of cas99` is not possible while the plan has no server cas99
    event `server_started of eas-2` is not possible while it is not the turn of eas-2
    event `step_applied of eas-1` is not possible while eas-1 is at step 0, attempt 1, applying
    ");
}
