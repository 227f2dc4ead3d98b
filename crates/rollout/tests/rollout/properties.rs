//! Whatever goes wrong, in whatever order: the floor, the budget, the debts, the end.

use std::collections::BTreeSet;

use inventory::{OnFailure, Policy, Quantity};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rollout::{Action, Error, EventKind, Next, Plan, Rollout, ServerState, Verdict};

use crate::farm::{self, plan, server};
use crate::world::{End, Game, Sitting, Tape, World};

fn plans() -> impl Strategy<Value = Plan> {
    let waves = prop::sample::select(vec![
        vec![Quantity::Count(1), Quantity::Percent(25), Quantity::Percent(50)],
        vec![Quantity::Count(2)],
        vec![Quantity::Percent(50)],
        vec![],
    ]);
    let parallel = prop::sample::select(vec![
        Quantity::Percent(100),
        Quantity::Count(2),
        Quantity::Count(1),
    ]);
    let on_failure = prop::sample::select(vec![
        OnFailure::Undo,
        OnFailure::Undo,
        OnFailure::UndoAll,
        OnFailure::Stop,
        OnFailure::Ask,
    ]);
    let pace = prop::sample::select(vec![
        (inventory::Strategy::Waves, 0, vec![]),
        (inventory::Strategy::Waves, 600, vec![1]),
        (inventory::Strategy::Sliding, 0, vec![]),
    ]);
    (1_u32..7, 0_u32..5, 0_u32..3, waves, parallel, on_failure, pace).prop_filter_map(
        "the floor has to be possible",
        |(first, second, max_failures, waves, max_parallel, on_failure, (strategy, hold, pause_after))| {
            let policy = Policy {
                strategy,
                canary_hold: SignedDuration::from_secs(hold),
                pause_after,
                waves,
                max_parallel,
                max_failures,
                on_failure,
                progress_deadline: SignedDuration::from_mins(5),
                ..Policy::default()
            };
            let pools = [
                ("a", first + max_failures, Quantity::Percent(50)),
                ("b", second, Quantity::Count(1)),
            ];
            let pools: Vec<_> = pools.into_iter().filter(|(_, size, _)| *size > 0).collect();
            let playbook = farm::playbook(policy);
            match Plan::build(&farm::inventory(&pools), &playbook, &Default::default()) {
                Ok(plan) => Some(plan),
                Err(Error::FloorUnreachable { .. }) => None,
                Err(other) => panic!("{other}"),
            }
        },
    )
}

fn tapes() -> impl Strategy<Value = Tape> {
    (
        prop::collection::vec(any::<u8>(), 0..600),
        prop::sample::select(vec![0_u8, 4, 12, 40, 120]),
    )
        .prop_map(|(bytes, faults)| Tape::new(bytes, faults))
}

fn stops() -> impl Strategy<Value = Option<(usize, bool)>> {
    prop::option::weighted(0.3, (1_usize..150, any::<bool>()))
}

/// Resumes until there is nothing to resume, with everything repaired before each sitting.
fn finish_in_peace(game: &mut Game) -> Verdict {
    for _ in 0..4 {
        game.world.repair();
        if !game.rollout.is_resumable() {
            break;
        }
        game.resume(&mut Tape::quiet());
        match game.drive(&mut Tape::quiet(), Sitting::default()) {
            End::Finished(verdict) => game.check_end(verdict),
            End::Crashed => panic!("nobody asked for a crash"),
        }
    }
    game.rollout.verdict().expect("an end")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// One sitting, with faults, any interleaving of answers and timers, and perhaps a Ctrl-C or two. `Game` asserts the rest at every event.
    #[test]
    fn a_run_ends_within_its_limits(plan in plans(), mut tape in tapes(), stop_at in stops(), blind in any::<bool>()) {
        let mut game = Game::new(&plan, World::blind(&plan, blind));
        let End::Finished(verdict) = game.drive(&mut tape, Sitting { stop_at, ..Sitting::default() }) else {
            panic!("nobody asked for a crash");
        };
        game.check_end(verdict);
        prop_assert_eq!(&Rollout::replay(&game.journal).expect("our own journal"), &game.rollout);
        prop_assert_eq!(game.rollout.next(game.now), Next::Finished(verdict));
    }

    /// Killed and resumed several times, faults all along; then repaired and resumed to a good end.
    #[test]
    fn a_run_survives_kills(
        plan in plans(),
        mut tape in tapes(),
        crashes in prop::collection::vec(1_usize..60, 0..5),
        stop_at in stops(),
        blind in any::<bool>(),
    ) {
        let mut game = Game::new(&plan, World::blind(&plan, blind));
        for after in crashes {
            let crash_at = Some(game.journal.len() + after);
            let end = game.drive(&mut tape, Sitting { crash_at, stop_at });
            if let End::Finished(verdict) = end {
                game.check_end(verdict);
            }
            if !game.rollout.is_resumable() {
                break;
            }
            game.resume(&mut tape);
        }
        if game.rollout.verdict().is_none() && let End::Finished(verdict) = game.drive(&mut tape, Sitting::default()) {
            game.check_end(verdict);
        }
        let verdict = finish_in_peace(&mut game);
        prop_assert!(matches!(verdict, Verdict::Done | Verdict::NothingToDo | Verdict::Undone), "{}", verdict);
    }

    /// A second run on a farm that a first one has finished changes nothing and says so.
    #[test]
    fn a_second_run_changes_nothing(plan in plans(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut plan = plan;
        plan.policy.pause_after.clear();
        let mut first = Game::new(&plan, World::new(&plan));
        prop_assert_eq!(first.drive(&mut Tape::new(bytes.clone(), 0), Sitting::default()), End::Finished(Verdict::Done));
        let mut world = first.world.clone();
        world.changes = 0;
        let mut second = Game::new(&plan, world.clone());
        let end = second.drive(&mut Tape::new(bytes, 0), Sitting::default());
        prop_assert_eq!(end, End::Finished(Verdict::NothingToDo));
        prop_assert_eq!(&second.world.truth, &world.truth);
        prop_assert_eq!(second.world.changes, 0);
    }

    /// Servers that somebody else took out stay out, and nobody is drained while the floor is not there.
    #[test]
    fn servers_that_others_took_out_are_left_out(
        plan in plans(),
        mut tape in tapes(),
        picks in prop::collection::vec(any::<u8>(), 1..3),
        crash_at in prop::option::of(1_usize..80),
    ) {
        let mut world = World::new(&plan);
        let names: Vec<_> = plan.servers.keys().cloned().collect();
        for pick in picks {
            world.take_out(&names[usize::from(pick) % names.len()]);
        }
        let foreign = world.foreign.clone();
        let mut game = Game::new(&plan, world);
        let mut end = game.drive(&mut tape, Sitting { crash_at, ..Sitting::default() });
        if end == End::Crashed {
            game.resume(&mut tape);
            end = game.drive(&mut tape, Sitting::default());
        }
        if let End::Finished(verdict) = end {
            game.check_end(verdict);
        }
        for name in foreign {
            prop_assert!(game.world.truth[&name].out_of_rotation, "{} was put back by us", name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every beginning of a journal replays to the state that the live run had then, and resumes to an end; what the workers had when the
    /// process died was done or not.
    #[test]
    fn every_beginning_of_a_journal_can_be_resumed(plan in plans(), mut tape in tapes(), mut after in tapes(), stop_at in stops()) {
        let mut game = Game::new(&plan, World::new(&plan));
        game.history = Some(vec![(game.world.clone(), Vec::<Action>::new())]);
        game.drive(&mut tape, Sitting { stop_at, ..Sitting::default() });
        let history = game.history.take().expect("a history");
        prop_assert_eq!(history.len(), game.journal.len());
        let mut live = Rollout::new(plan.clone());
        for (at, (world, outstanding)) in history.into_iter().enumerate() {
            live.apply(&game.journal[at]).expect("our own journal");
            let beginning = &game.journal[..=at];
            let mut again = Game::from_prefix(beginning, world, outstanding);
            prop_assert_eq!(&again.rollout, &live);
            if !again.rollout.is_resumable() {
                continue;
            }
            again.resume(&mut after);
            match again.drive(&mut after, Sitting::default()) {
                End::Finished(verdict) => again.check_end(verdict),
                End::Crashed => panic!("nobody asked for a crash"),
            }
        }
    }

    /// Every beginning of a journal can be taken back instead: whatever was changed is as it was, or a person is named; what is owed is paid or
    /// named; an undo that is cut off goes on.
    #[test]
    fn every_beginning_of_a_journal_can_be_taken_back(plan in plans(), mut tape in tapes(), mut after in tapes(), crash in 1_usize..20) {
        let mut game = Game::new(&plan, World::new(&plan));
        game.history = Some(vec![(game.world.clone(), Vec::<Action>::new())]);
        game.drive(&mut tape, Sitting::default());
        let history = game.history.take().expect("a history");
        for (at, (world, outstanding)) in history.into_iter().enumerate() {
            let mut again = Game::from_prefix(&game.journal[..=at], world, outstanding);
            if !again.rollout.can_be_taken_back() {
                continue;
            }
            again.take_back(&mut after);
            let crash_at = Some(again.journal.len() + crash);
            if again.drive(&mut after, Sitting { crash_at, ..Sitting::default() }) == End::Crashed {
                again.resume(&mut after);
                again.drive(&mut after, Sitting::default());
            }
            let verdict = again.rollout.verdict().expect("an end");
            again.check_end(verdict);
            prop_assert!(matches!(verdict, Verdict::TakenBack | Verdict::HumanNeeded), "{}", verdict);
            let names = |kind: &str| again.journal[at..].iter().filter(|event| event.kind.name() == kind).count();
            prop_assert_eq!(names("server_started") + names("budget_spent"), usize::from(game.journal[at].kind.name() == "server_started") + usize::from(game.journal[at].kind.name() == "budget_spent"));
            while again.rollout.verdict() == Some(Verdict::HumanNeeded) {
                again.world.repair();
                again.resume(&mut Tape::quiet());
                again.drive(&mut Tape::quiet(), Sitting::default());
            }
            prop_assert_eq!(again.rollout.verdict(), Some(Verdict::TakenBack));
            again.check_end(Verdict::TakenBack);
        }
    }

    /// No event, however senseless, panics or changes the state when it is refused; and what is accepted replays.
    #[test]
    fn senseless_events_are_refused_whole(
        plan in plans(),
        mut tape in tapes(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40),
    ) {
        let mut game = Game::new(&plan, World::new(&plan));
        game.drive(&mut tape, Sitting::default());
        for (state, event) in picks {
            let at = state.index(game.journal.len());
            let mut rollout = Rollout::replay(&game.journal[..=at]).expect("a beginning");
            let before = rollout.clone();
            let mut foreign = game.journal[event.index(game.journal.len())].clone();
            foreign.seq = at as u64 + 1;
            let checked = rollout.check(&foreign);
            let applied = rollout.apply(&foreign);
            prop_assert_eq!(checked.is_ok(), applied.is_ok());
            if applied.is_err() {
                prop_assert_eq!(&rollout, &before);
            }
        }
    }
}

/// The properties above say nothing of what their farms never come to: here is what they come to.
#[test]
fn the_simulated_farms_come_to_everything() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    let mut verdicts = BTreeSet::new();
    let mut phases = BTreeSet::new();
    let games = (
        plans(),
        tapes(),
        prop::option::of(1_usize..60),
        stops(),
        any::<bool>(),
    );
    for _ in 0..400 {
        let (plan, mut tape, crash_at, stop_at, foreign) =
            games.new_tree(&mut runner).expect("a farm").current();
        let mut world = World::new(&plan);
        if foreign {
            world.take_out(plan.servers.keys().next_back().expect("a server"));
        }
        let mut game = Game::new(&plan, world);
        if game.drive(&mut tape, Sitting { crash_at, stop_at }) == End::Crashed {
            game.resume(&mut tape);
            game.drive(&mut tape, Sitting::default());
        }
        let mut again = Rollout::new(plan);
        for event in &game.journal {
            again.apply(event).expect("our own journal");
            kinds.insert(event.kind.name());
            if let EventKind::RunFinished { verdict } = event.kind {
                verdicts.insert(verdict.as_str());
            }
            if let Some(ServerState::Running { phase, .. }) =
                event.kind.server().and_then(|name| again.state_of(name))
            {
                phases.insert(format!("{phase:?}").split(' ').next().expect("a word").to_owned());
            }
        }
    }
    assert_eq!(kinds.len(), 33, "{kinds:?}");
    let all = [
        "aborted",
        "ambient_incident",
        "budget_spent",
        "done",
        "done_with_failures",
        "human_needed",
        "paused",
        "stopped",
        "undone",
    ];
    assert_eq!(
        verdicts.into_iter().collect::<Vec<_>>(),
        all,
        "nothing_to_do has a property of its own"
    );
    let all = [
        "Applying",
        "AwaitingLook",
        "AwaitingPermit",
        "Due",
        "Probing",
        "Verifying",
    ];
    assert_eq!(phases.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn a_farm_without_faults_is_done_in_its_waves() {
    let plan = plan(&[("eas", 8, Quantity::Percent(75))], Policy::default());
    let mut game = Game::new(&plan, World::new(&plan));
    assert_eq!(
        game.drive(&mut Tape::quiet(), Sitting::default()),
        End::Finished(Verdict::Done)
    );
    game.check_end(Verdict::Done);
    let waves = game
        .journal
        .iter()
        .filter(|event| event.kind.name() == "wave_finished")
        .count();
    assert_eq!(waves, 4);
    assert!(game.world.truth[&server("eas-8")].restricted);
}
