//! Whatever goes wrong, in whatever order: the floor, the budget, the debts, the end.

use std::collections::BTreeSet;

use inventory::{OnFailure, Policy, Quantity};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rollout::{Action, Error, EventKind, Next, Plan, Rollout, ServerState, Verdict};

use crate::farm::{self, plan, server};
use rollout::simulation::{Chance, End, Game, Sitting, World};

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
    let weights = prop::sample::select(vec![vec![1], vec![1], vec![1, 2, 3], vec![2, 1]]);
    let spread = prop::option::weighted(0.2, Just("rack".to_owned()));
    let farm = (1_u32..7, 0_u32..5, weights, spread);
    (farm, 0_u32..3, waves, parallel, on_failure, pace).prop_filter_map(
        "the floor has to be possible",
        |((first, second, weights, spread), max_failures, waves, max_parallel, on_failure, pace)| {
            let (strategy, hold, pause_after) = pace;
            let policy = Policy {
                strategy,
                canary_hold: SignedDuration::from_secs(hold),
                pause_after,
                spread,
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
            let mut inventory = farm::inventory(&pools);
            for (number, server) in inventory.servers.values_mut().enumerate() {
                server.weight = weights[number % weights.len()];
                let rack = format!("r{}", number % 3);
                server.labels = [
                    ("rack".to_owned(), rack),
                    ("site".to_owned(), format!("s{}", number % 2)),
                ]
                .into();
            }
            match Plan::build(&inventory, &playbook, &Default::default()) {
                Ok(plan) => Some(plan),
                Err(Error::FloorUnreachable { .. } | Error::WeightUnreachable { .. }) => None,
                Err(other) => panic!("{other}"),
            }
        },
    )
}

fn tapes() -> impl Strategy<Value = Chance> {
    prop::collection::vec(any::<u8>(), 0..600).prop_map(Chance::tape)
}

/// Of 256 actions, how many go wrong.
fn faults() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![0_u8, 4, 12, 40, 120])
}

fn world(plan: &Plan, faults: u8, blind: bool) -> World {
    let mut world = World::new(plan);
    world.faults = faults;
    world.blind = blind;
    world
}

/// A game that has begun.
fn game(plan: &Plan, world: World) -> Game {
    Game::new(plan, world).expect("a run that begins")
}

/// Drives it, and lets the test fail at the first breach.
fn drive(game: &mut Game, chance: &mut Chance, sitting: Sitting) -> End {
    match game.drive(chance, sitting) {
        Ok(end) => end,
        Err(breach) => panic!("{breach}"),
    }
}

fn resume(game: &mut Game, chance: &mut Chance) {
    if let Err(breach) = game.resume(chance) {
        panic!("{breach}");
    }
}

fn check_end(game: &Game, verdict: Verdict) {
    if let Err(breach) = game.check_end(verdict) {
        panic!("{breach}");
    }
}

fn stops() -> impl Strategy<Value = Option<(usize, bool)>> {
    prop::option::weighted(0.3, (1_usize..150, any::<bool>()))
}

/// Resumes until there is nothing to resume, with everything repaired before each sitting.
fn finish_in_peace(game: &mut Game) -> Verdict {
    for _ in 0..4 {
        game.world.repair();
        game.world.faults = 0;
        if !game.rollout.is_resumable() {
            break;
        }
        resume(game, &mut Chance::quiet());
        match drive(game, &mut Chance::quiet(), Sitting::default()) {
            End::Finished(verdict) => check_end(game, verdict),
            End::Crashed => panic!("nobody asked for a crash"),
        }
    }
    game.rollout.verdict().expect("an end")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// One sitting, with faults, any interleaving of answers and timers, and perhaps a Ctrl-C or two. `Game` asserts the rest at every event.
    #[test]
    fn a_run_ends_within_its_limits(
        plan in plans(),
        mut tape in tapes(),
        faults in faults(),
        stop_at in stops(),
        blind in any::<bool>(),
    ) {
        let mut game = game(&plan, world(&plan, faults, blind));
        let End::Finished(verdict) = drive(&mut game, &mut tape, Sitting { stop_at, ..Sitting::default() }) else {
            panic!("nobody asked for a crash");
        };
        check_end(&game, verdict);
        prop_assert_eq!(&Rollout::replay(&game.journal).expect("our own journal"), &game.rollout);
        prop_assert_eq!(game.rollout.next(game.now), Next::Finished(verdict));
    }

    /// Killed and resumed several times, faults all along; then repaired and resumed to a good end.
    #[test]
    fn a_run_survives_kills(
        plan in plans(),
        mut tape in tapes(),
        faults in faults(),
        crashes in prop::collection::vec(1_usize..60, 0..5),
        stop_at in stops(),
        blind in any::<bool>(),
    ) {
        let mut game = game(&plan, world(&plan, faults, blind));
        for after in crashes {
            let crash_at = Some(game.journal.len() + after);
            let end = drive(&mut game, &mut tape, Sitting { crash_at, stop_at });
            if let End::Finished(verdict) = end {
                check_end(&game, verdict);
            }
            if !game.rollout.is_resumable() {
                break;
            }
            resume(&mut game, &mut tape);
        }
        if game.rollout.verdict().is_none() && let End::Finished(verdict) = drive(&mut game, &mut tape, Sitting::default()) {
            check_end(&game, verdict);
        }
        let verdict = finish_in_peace(&mut game);
        prop_assert!(matches!(verdict, Verdict::Done | Verdict::NothingToDo | Verdict::Undone), "{}", verdict);
    }

    /// A second run on a farm that a first one has finished changes nothing and says so.
    #[test]
    fn a_second_run_changes_nothing(plan in plans(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut plan = plan;
        plan.policy.pause_after.clear();
        let mut first = game(&plan, World::new(&plan));
        let end = drive(&mut first, &mut Chance::tape(bytes.clone()), Sitting::default());
        prop_assert_eq!(end, End::Finished(Verdict::Done));
        let mut world = first.world.clone();
        world.changes = 0;
        let mut second = game(&plan, world.clone());
        let end = drive(&mut second, &mut Chance::tape(bytes), Sitting::default());
        prop_assert_eq!(end, End::Finished(Verdict::NothingToDo));
        prop_assert_eq!(&second.world.truth, &world.truth);
        prop_assert_eq!(second.world.changes, 0);
    }

    /// Servers that somebody else took out stay out, and nobody is drained while the floor is not there.
    #[test]
    fn servers_that_others_took_out_are_left_out(
        plan in plans(),
        mut tape in tapes(),
        faults in faults(),
        picks in prop::collection::vec(any::<u8>(), 1..3),
        crash_at in prop::option::of(1_usize..80),
    ) {
        let mut world = world(&plan, faults, false);
        let names: Vec<_> = plan.servers.keys().cloned().collect();
        for pick in picks {
            world.take_out(&names[usize::from(pick) % names.len()]);
        }
        let foreign = world.foreign.clone();
        let mut game = game(&plan, world);
        let mut end = drive(&mut game, &mut tape, Sitting { crash_at, ..Sitting::default() });
        if end == End::Crashed {
            resume(&mut game, &mut tape);
            end = drive(&mut game, &mut tape, Sitting::default());
        }
        if let End::Finished(verdict) = end {
            check_end(&game, verdict);
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
    fn every_beginning_of_a_journal_can_be_resumed(
        plan in plans(),
        mut tape in tapes(),
        mut after in tapes(),
        faults in faults(),
        stop_at in stops(),
    ) {
        let mut game = game(&plan, world(&plan, faults, false));
        game.history = Some(vec![(game.world.clone(), Vec::<Action>::new())]);
        drive(&mut game, &mut tape, Sitting { stop_at, ..Sitting::default() });
        let history = game.history.take().expect("a history");
        prop_assert_eq!(history.len(), game.journal.len());
        let mut live = Rollout::new(plan.clone());
        for (at, (world, outstanding)) in history.into_iter().enumerate() {
            live.apply(&game.journal[at]).expect("our own journal");
            let beginning = &game.journal[..=at];
            let mut again = Game::from_prefix(beginning, world, outstanding).expect("a journal's beginning is a journal");
            prop_assert_eq!(&again.rollout, &live);
            if !again.rollout.is_resumable() {
                continue;
            }
            resume(&mut again, &mut after);
            match drive(&mut again, &mut after, Sitting::default()) {
                End::Finished(verdict) => check_end(&again, verdict),
                End::Crashed => panic!("nobody asked for a crash"),
            }
        }
    }

    /// Every beginning of a journal can be taken back instead: whatever was changed is as it was, or a person is named; what is owed is paid or
    /// named; an undo that is cut off goes on.
    #[test]
    fn every_beginning_of_a_journal_can_be_taken_back(
        plan in plans(),
        mut tape in tapes(),
        mut after in tapes(),
        faults in faults(),
        crash in 1_usize..20,
    ) {
        let mut game = game(&plan, world(&plan, faults, false));
        game.history = Some(vec![(game.world.clone(), Vec::<Action>::new())]);
        drive(&mut game, &mut tape, Sitting::default());
        let history = game.history.take().expect("a history");
        for (at, (world, outstanding)) in history.into_iter().enumerate() {
            let mut again = Game::from_prefix(&game.journal[..=at], world, outstanding).expect("a beginning");
            if !again.rollout.can_be_taken_back() {
                continue;
            }
            again.take_back(&mut after).expect("a run that can be taken back");
            let crash_at = Some(again.journal.len() + crash);
            if drive(&mut again, &mut after, Sitting { crash_at, ..Sitting::default() }) == End::Crashed {
                resume(&mut again, &mut after);
                drive(&mut again, &mut after, Sitting::default());
            }
            let verdict = again.rollout.verdict().expect("an end");
            check_end(&again, verdict);
            prop_assert!(matches!(verdict, Verdict::TakenBack | Verdict::HumanNeeded), "{}", verdict);
            let names = |kind: &str| again.journal[at..].iter().filter(|event| event.kind.name() == kind).count();
            prop_assert_eq!(names("server_started") + names("budget_spent"), usize::from(game.journal[at].kind.name() == "server_started") + usize::from(game.journal[at].kind.name() == "budget_spent"));
            while again.rollout.verdict() == Some(Verdict::HumanNeeded) {
                again.world.repair();
                again.world.faults = 0;
                resume(&mut again, &mut Chance::quiet());
                drive(&mut again, &mut Chance::quiet(), Sitting::default());
            }
            prop_assert_eq!(again.rollout.verdict(), Some(Verdict::TakenBack));
            check_end(&again, Verdict::TakenBack);
        }
    }

    /// No event, however senseless, panics or changes the state when it is refused; and what is accepted replays.
    #[test]
    fn senseless_events_are_refused_whole(
        plan in plans(),
        mut tape in tapes(),
        faults in faults(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40),
    ) {
        let mut game = game(&plan, world(&plan, faults, false));
        drive(&mut game, &mut tape, Sitting::default());
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
        (tapes(), faults()),
        prop::option::of(1_usize..60),
        stops(),
        any::<bool>(),
    );
    for _ in 0..400 {
        let (plan, (mut tape, faults), crash_at, stop_at, foreign) =
            games.new_tree(&mut runner).expect("a farm").current();
        let mut world = world(&plan, faults, false);
        if foreign {
            world.take_out(plan.servers.keys().next_back().expect("a server"));
        }
        let mut game = game(&plan, world);
        if drive(&mut game, &mut tape, Sitting { crash_at, stop_at }) == End::Crashed {
            resume(&mut game, &mut tape);
            drive(&mut game, &mut tape, Sitting::default());
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
    let mut game = game(&plan, World::new(&plan));
    assert_eq!(
        drive(&mut game, &mut Chance::quiet(), Sitting::default()),
        End::Finished(Verdict::Done)
    );
    check_end(&game, Verdict::Done);
    let waves = game
        .journal
        .iter()
        .filter(|event| event.kind.name() == "wave_finished")
        .count();
    assert_eq!(waves, 4);
    assert!(game.world.is_as_wanted(&server("eas-8")));
}
