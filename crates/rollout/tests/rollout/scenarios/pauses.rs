//! Where the run stops to think: canaries, pauses, questions, gates that could not look, and servers that nobody touched.

use inventory::{OnFailure, Policy, Quantity};
use jiff::SignedDuration;
use rollout::{
    Action, Answer, Condition, EventKind, FailureKind, Found, Next, Outcome, Pause, Plan, Rollout,
    ServerState, SoakReport, Verdict,
};

use crate::farm::{
    DRAIN, RESTRICT, WAIT_HEALTHY, before, error, evidence, plan, policy, resumed, seen, server, small_plan,
};
use crate::run::Run;

fn answered(answer: Answer) -> EventKind {
    EventKind::PersonAnswered {
        answer,
        by: "ops@jump01".to_owned(),
    }
}

fn end(run: &Run) -> Option<Verdict> {
    match run.rollout.next(run.now) {
        Next::Finished(verdict) => Some(verdict),
        _ => None,
    }
}

/// Every action that came out so far.
fn actions(run: &Run) -> Vec<Action> {
    let mut again = Rollout::new(run.rollout.plan().clone());
    let apply = |event| again.apply(event).expect("our own journal");
    run.journal.iter().filter_map(apply).collect()
}

/// One pool of four, of which one has to stay; the first wave is one server.
fn with(change: impl FnOnce(&mut Policy)) -> Plan {
    let mut policy = policy();
    change(&mut policy);
    plan(&[("eas", 4, Quantity::Count(1))], policy)
}

#[test]
fn a_pause_waits_for_a_person_and_never_assumes_yes() {
    let mut run = Run::new(with(|policy| policy.pause_after = vec![1]));
    run.finish("eas-1");
    assert_eq!(run.rollout.pause(), Some(&Pause::AfterWave { wave: 0 }));
    assert_eq!(run.rollout.next(run.now), Next::Wait(None));
    let wave = EventKind::WaveStarted { wave: 1 };
    assert!(run.refuses(wave.clone()), "a wave begins at an open pause");
    run.tell(answered(Answer::GoOn));
    run.settle();
    assert_eq!(run.rollout.wave(), Some(1));
    assert_eq!(run.rollout.pause(), None);
}

#[test]
fn a_pause_that_nobody_lets_pass_ends_the_run_and_resuming_is_letting_it_pass() {
    let mut run = Run::new(with(|policy| policy.pause_after = vec![1]));
    run.finish("eas-1");
    run.tell(answered(Answer::Stop));
    run.settle();
    assert_eq!(end(&run), Some(Verdict::Paused));
    run.tell(resumed());
    run.settle();
    assert_eq!(run.rollout.wave(), Some(1));
}

#[test]
fn a_pause_that_nobody_answered_is_asked_about_again_after_a_kill() {
    let mut run = Run::new(with(|policy| policy.pause_after = vec![1]));
    run.finish("eas-1");
    run.tell(resumed());
    run.settle();
    assert_eq!(run.rollout.pause(), Some(&Pause::AfterWave { wave: 0 }));
}

#[test]
fn a_stop_at_a_pause_is_a_stop() {
    let mut run = Run::new(with(|policy| policy.pause_after = vec![1]));
    run.finish("eas-1");
    run.tell(EventKind::StopRequested { hard: false });
    run.settle();
    assert_eq!(end(&run), Some(Verdict::Paused));
}

#[test]
fn the_canary_is_watched_on_before_the_second_wave() {
    let hold = SignedDuration::from_mins(10);
    let mut run = Run::new(with(|policy| policy.canary_hold = hold));
    run.finish("eas-1");
    assert_eq!(run.rollout.wave(), Some(0), "the first wave is not over");
    assert!(matches!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Held { .. })
    ));
    let mut soaks = actions(&run).into_iter().filter_map(|action| match action {
        Action::Soak { span, .. } => Some(span),
        _ => None,
    });
    assert_eq!(soaks.next_back(), Some(hold));
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report: SoakReport::Healthy(evidence("healthy for 10m")),
    });
    run.settle();
    assert_eq!(run.rollout.wave(), Some(1));
}

#[test]
fn a_canary_that_falls_ill_while_it_is_watched_on_is_undone_and_nobody_follows() {
    let mut run = Run::new(with(|policy| policy.canary_hold = SignedDuration::from_mins(10)));
    run.finish("eas-1");
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report: SoakReport::Failed(error(FailureKind::TimedOut)),
    });
    run.settle();
    run.undo("eas-1");
    assert_eq!(end(&run), Some(Verdict::Undone));
    assert!(!run.words().contains(&"wave_started 1".to_owned()));
}

/// `eas-1` at its health gate, which cannot look any more.
fn blind_gate(on_failure: OnFailure) -> Run {
    let mut run = Run::new(small_plan(on_failure, 1));
    run.walk_to("eas-1", WAIT_HEALTHY);
    for _ in 0..3 {
        run.probed(
            "eas-1",
            WAIT_HEALTHY,
            Found::Failed(error(FailureKind::Unreachable)),
        );
        run.now += SignedDuration::from_secs(10);
        run.settle();
    }
    run
}

#[test]
fn a_gate_that_cannot_look_neither_passes_nor_undoes_and_a_person_is_asked() {
    let run = blind_gate(OnFailure::Undo);
    let (_, failure) = run.rollout.failure_of(&server("eas-1")).expect("a failure");
    assert_eq!(failure.kind, FailureKind::Inconclusive);
    assert_eq!(
        run.rollout.pause(),
        Some(&Pause::Inconclusive {
            server: server("eas-1")
        })
    );
    assert_eq!(run.rollout.failures(), 1, "it counts");
    assert!(!run.words().contains(&format!("undo_started eas-1 {RESTRICT}")));
}

#[test]
fn an_inconclusive_gate_that_nobody_judges_ends_the_run_without_an_undo() {
    let mut run = blind_gate(OnFailure::Undo);
    run.tell(answered(Answer::Stop));
    run.settle();
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::Paused));
    assert!(!run.words().contains(&format!("undo_started eas-1 {RESTRICT}")));
}

#[test]
fn a_person_may_have_an_inconclusive_server_begun_again_or_put_back() {
    let mut run = blind_gate(OnFailure::Undo);
    run.tell(answered(Answer::Retry));
    assert_eq!(run.rollout.failures(), 0, "it does not count any more");
    run.settle();
    assert_eq!(
        run.rollout.state_of(&server("eas-1")),
        Some(ServerState::Surveying)
    );
    let mut run = blind_gate(OnFailure::Undo);
    run.tell(answered(Answer::Undo));
    run.settle();
    assert!(run.words().contains(&format!("undo_started eas-1 {RESTRICT}")));
}

#[test]
fn a_soak_that_cannot_look_is_no_pass() {
    let mut run = Run::new(small_plan(OnFailure::Undo, 1));
    run.walk_to("eas-1", 8);
    run.tell(EventKind::SoakFinished {
        server: server("eas-1"),
        report: SoakReport::Inconclusive(error(FailureKind::Unreachable)),
    });
    run.settle();
    assert!(matches!(run.rollout.pause(), Some(Pause::Inconclusive { .. })));
}

#[test]
fn whoever_is_asked_may_retry_undo_or_leave_it() {
    let failed = || {
        let mut run = Run::new(small_plan(OnFailure::Ask, 0));
        run.fail_at("eas-1", RESTRICT);
        assert_eq!(
            run.rollout.pause(),
            Some(&Pause::Failure {
                server: server("eas-1")
            })
        );
        assert!(
            !run.words().contains(&"budget_spent".to_owned()),
            "not before the answer"
        );
        run
    };
    let mut run = failed();
    run.tell(answered(Answer::Retry));
    run.settle();
    assert!(!run.rollout.is_budget_spent());
    run.surveyed("eas-1", seen(&[RESTRICT]));
    run.settle();
    let mut run = failed();
    run.tell(answered(Answer::Undo));
    run.settle();
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::Undone));
    let mut run = failed();
    run.tell(answered(Answer::Stop));
    run.settle();
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::BudgetSpent));
    assert!(!run.words().contains(&format!("undo_started eas-1 {RESTRICT}")));
}

#[test]
fn an_answer_that_was_not_offered_is_refused() {
    let mut run = Run::new(with(|policy| policy.pause_after = vec![1]));
    assert!(run.refuses(answered(Answer::GoOn)), "nobody was asked");
    run.finish("eas-1");
    assert!(run.refuses(answered(Answer::Retry)));
    assert!(run.refuses(answered(Answer::Undo)));
}

/// `eas-1` has failed and the three untouched servers look like this.
fn with_control(conditions: [Condition; 3]) -> Run {
    let mut plan = small_plan(OnFailure::Undo, 0);
    plan.control_pages = vec!["/owa/healthcheck.htm".to_owned()];
    let mut run = Run::new(plan);
    run.fail_at("eas-1", RESTRICT);
    let names = ["eas-2", "eas-3", "eas-4"];
    let asked: Vec<_> = actions(&run)
        .into_iter()
        .filter(
            |action| matches!(action, Action::LookAtControl { others, .. } if *others == names.map(server)),
        )
        .collect();
    assert_eq!(asked.len(), 1, "the untouched servers are looked at once");
    assert!(
        !run.words().contains(&"budget_spent".to_owned()),
        "not before the look"
    );
    run.tell(EventKind::ControlSeen {
        server: server("eas-1"),
        group: names.map(server).into_iter().zip(conditions).collect(),
    });
    run.settle();
    run
}

#[test]
fn untouched_servers_that_degrade_as_well_make_it_an_incident_and_nothing_is_undone() {
    let mut run = with_control([Condition::Degraded, Condition::Steady, Condition::Unwell]);
    assert!(run.words().contains(&"ambient_incident eas-1".to_owned()));
    assert!(matches!(run.rollout.pause(), Some(Pause::AmbientIncident { .. })));
    run.tell(answered(Answer::Stop));
    run.settle();
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::AmbientIncident));
    assert!(!run.words().contains(&format!("undo_started eas-1 {RESTRICT}")));
    assert!(Verdict::AmbientIncident.is_resumable());
}

#[test]
fn a_person_may_say_that_an_incident_is_none() {
    let mut run = with_control([Condition::Degraded, Condition::Degraded, Condition::Steady]);
    run.tell(answered(Answer::GoOn));
    run.settle();
    run.undo("eas-1");
    run.pay("eas-1");
    assert_eq!(end(&run), Some(Verdict::Undone));
}

#[test]
fn untouched_servers_that_are_as_before_leave_it_to_the_policy() {
    for conditions in [
        [Condition::Steady; 3],
        [Condition::Unseen; 3],
        [Condition::Unwell; 3],
        [Condition::Degraded, Condition::Steady, Condition::Steady],
    ] {
        let run = with_control(conditions);
        assert_eq!(run.rollout.pause(), None, "{conditions:?}");
        assert!(
            run.words().contains(&format!("undo_started eas-1 {RESTRICT}")),
            "{conditions:?}"
        );
    }
}

#[test]
fn undo_all_puts_back_every_wave() {
    let mut run = Run::new(with(|policy| policy.on_failure = OnFailure::UndoAll));
    run.finish("eas-1");
    run.fail_at("eas-2", RESTRICT);
    run.undo("eas-2");
    run.pay("eas-2");
    // The other one of the wave has nothing changed yet, and is let go.
    run.surveyed("eas-3", seen(&[RESTRICT]));
    run.settle();
    run.undo("eas-1");
    assert_eq!(end(&run), Some(Verdict::Undone));
    assert!(run.words().contains(&"server_undone eas-1".to_owned()));
}

#[test]
fn a_wave_is_not_put_back_where_that_could_break_the_floor() {
    // Two of four have to stay, and two are out for good: the third, which is healthy, is not risked.
    let mut plan = plan(
        &[("eas", 4, Quantity::Count(2))],
        Policy {
            waves: vec![Quantity::Count(4)],
            ..policy()
        },
    );
    plan.policy.max_failures = 0;
    let mut run = Run::new(plan);
    run.finish("eas-1");
    for name in ["eas-2", "eas-3"] {
        run.surveyed(name, seen(&[RESTRICT]));
        run.settle();
        run.pass(name, DRAIN);
    }
    for name in ["eas-2", "eas-3"] {
        for step in DRAIN + 1..RESTRICT {
            run.pass(name, step);
        }
        run.probed(name, RESTRICT, Found::Ready(before(RESTRICT)));
    }
    for name in ["eas-2", "eas-3"] {
        run.applied(name, RESTRICT, Outcome::Failed(error(FailureKind::Failed)));
        run.settle();
    }
    for name in ["eas-2", "eas-3"] {
        run.undo(name);
        run.tell(EventKind::DebtUnpaid {
            server: server(name),
            debt: rollout::Debt::Rotation { step: DRAIN },
            error: error(FailureKind::TimedOut),
            command: "set server eas/x state ready".to_owned(),
        });
        run.settle();
    }
    assert_eq!(end(&run), Some(Verdict::HumanNeeded));
    assert_eq!(run.rollout.state_of(&server("eas-1")), Some(ServerState::Stuck));
    assert!(
        !run.words().contains(&format!("undo_started eas-1 {RESTRICT}")),
        "nothing was done on the healthy one"
    );
}
