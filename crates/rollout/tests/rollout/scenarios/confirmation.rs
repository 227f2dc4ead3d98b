//! A change that the server takes back by itself unless it is confirmed.

use iis::ip_security::Rule;
use inventory::{OnFailure, Step};
use jiff::SignedDuration;
use rollout::{Action, Before, Debt, EventKind, Found, Plan, Rollout, ServerState, SoakReport, Verdict};

use crate::farm::{
    DRAIN, RESTART, RESTRICT, RETURN, WITNESS, before, evidence, resumed, seen, server, small_plan,
};
use crate::run::Run;

const OWED: Debt = Debt::Confirmation { step: RESTRICT };

fn confirmed_plan(on_failure: OnFailure, max_failures: u32) -> Plan {
    let mut plan = small_plan(on_failure, max_failures);
    for step in &mut plan.steps {
        if let Step::Restrict(step) = step {
            step.confirm_within = Some(SignedDuration::from_mins(10));
        }
    }
    plan
}

fn paid(run: &mut Run) -> Vec<Action> {
    run.tell(EventKind::DebtPaid {
        server: server("eas-1"),
        debt: OWED,
        evidence: evidence("the task is gone"),
    });
    run.settle()
}

fn pays(debt: Debt, restore: bool) -> Action {
    Action::PayDebt {
        server: server("eas-1"),
        debt,
        restore: restore.then(|| before(RESTRICT)),
    }
}

#[test]
fn it_is_confirmed_once_every_step_is_proven_and_before_the_watch() {
    let mut run = Run::new(confirmed_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RETURN);
    run.probed("eas-1", RETURN, Found::Ready(before(RETURN)));
    for kind in [
        EventKind::StepApplied {
            server: server("eas-1"),
            step: RETURN,
            outcome: crate::farm::done(),
        },
        EventKind::StepVerified {
            server: server("eas-1"),
            step: RETURN,
            outcome: crate::farm::done(),
        },
    ] {
        run.tell(kind);
    }
    assert_eq!(run.settle(), [pays(OWED, false)]);
    assert!(matches!(paid(&mut run)[..], [Action::Soak { .. }]));
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report: SoakReport::Healthy(evidence("healthy for 1m")),
    });
    run.settle();
    assert_eq!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Healthy { changed: true })
    );
    assert!(run.rollout.debts().is_empty());
}

#[test]
fn a_server_that_failed_without_an_undo_gets_its_rules_back_before_it_gets_its_clients_back() {
    let mut run = Run::new(confirmed_plan(OnFailure::Stop, 0));
    run.fail_at("eas-1", RESTART);
    let last = run.journal.last().expect("events").kind.clone();
    assert_eq!(
        last,
        EventKind::DebtPaymentStarted {
            server: server("eas-1"),
            debt: OWED
        }
    );
    assert_eq!(paid(&mut run), [pays(Debt::Rotation { step: DRAIN }, false)]);
    run.pay("eas-1");
    assert_eq!(run.rollout.verdict(), Some(Verdict::BudgetSpent));
}

#[test]
fn after_an_undo_there_is_nothing_to_restore() {
    let mut run = Run::new(confirmed_plan(OnFailure::Undo, 0));
    run.fail_at("eas-1", RESTART);
    run.tell(EventKind::UndoFinished {
        server: server("eas-1"),
        step: RESTRICT,
        evidence: evidence("the section is as it was"),
    });
    assert_eq!(run.settle(), [pays(OWED, false)]);
}

#[test]
fn a_switch_that_cannot_be_taken_away_needs_a_person() {
    let mut run = Run::new(confirmed_plan(OnFailure::Stop, 0));
    run.fail_at("eas-1", RESTART);
    run.tell(EventKind::DebtUnpaid {
        server: server("eas-1"),
        debt: OWED,
        error: crate::farm::error(rollout::FailureKind::Unreachable),
        command: "on eas-1: schtasks /delete".to_owned(),
    });
    run.settle();
    run.pay("eas-1");
    assert_eq!(run.rollout.verdict(), Some(Verdict::HumanNeeded));
    assert_eq!(run.rollout.debts()[0].debt, OWED);
}

/// The server may have put its rules back while nobody was there: all of it is seen anew, from the survey on.
#[test]
fn a_kill_between_the_commit_and_the_confirmation_sends_the_server_through_all_its_steps_again() {
    for upto in [RESTART, WITNESS, RETURN] {
        let mut run = Run::new(confirmed_plan(OnFailure::Undo, 0));
        run.walk_to("eas-1", upto);
        let rollout = Rollout::replay(&run.journal).expect("our own journal");
        let mut run = Run {
            rollout,
            journal: run.journal,
            now: run.now,
        };
        run.tell(resumed());
        let survey = Action::Survey {
            server: server("eas-1"),
        };
        assert_eq!(run.settle(), [survey], "killed at step {upto}");
        run.surveyed("eas-1", seen(&[RESTRICT]));
        let actions = run.settle();
        assert!(
            matches!(actions[..], [Action::Probe { step: DRAIN, .. }]),
            "{actions:?}"
        );
        assert_eq!(run.rollout.debts().len(), 2, "both are still owed");
    }
}

/// The second time the probe sees a change that is half made: that is not where a way back may lead.
#[test]
fn a_change_that_is_begun_again_is_told_what_was_there_the_first_time() {
    let mut run = Run::new(confirmed_plan(OnFailure::Undo, 0));
    run.walk_to("eas-1", RESTRICT);
    let probed = |found: Before| EventKind::StepProbed {
        server: server("eas-1"),
        step: RESTRICT,
        found: Found::Ready(found),
    };
    let first = before(RESTRICT);
    let action = run.tell(probed(first.clone()));
    assert!(
        matches!(action, Some(Action::Apply { first: None, .. })),
        "{action:?}"
    );
    let rollout = Rollout::replay(&run.journal).expect("our own journal");
    let mut run = Run {
        rollout,
        journal: run.journal,
        now: run.now,
    };
    run.tell(resumed());
    run.settle();
    let mut half = first.clone();
    if let Before::Restrict { effective, .. } = &mut half {
        effective.rules.push(Rule::allow_address([192, 0, 2, 10].into()));
    }
    let action = run.tell(probed(half.clone()));
    let Some(Action::Apply {
        before, first: told, ..
    }) = action
    else {
        panic!("{action:?}");
    };
    assert_eq!((before, told), (half, Some(Box::new(first))));
}
