use proptest::prelude::*;

use super::{back_within, is_left_between, passed, passed_resumed, visit_left, way_back};
use crate::Error;
use crate::ip_security::commit::tests::{allow, any_end, app, attempt, section};
use crate::ip_security::section::tests::clients;
use crate::ip_security::{Commit, Rule, Section, commits, prove, states};

fn addresses(from: u32, count: u32) -> Vec<Rule> {
    (from..from + count)
        .map(|n| Rule::allow_address(std::net::Ipv4Addr::from(n).into()))
        .collect()
}

/// The change of nearly every day: one commit, and one line that takes it back.
#[test]
fn one_commit_is_taken_back_by_one_line() {
    let restricted = section(false, &[allow("192.0.2.10/32"), allow("198.51.100.0/24")]);
    let back = way_back(&app(), &Section::default(), &restricted).unwrap();
    let [line] = &back[..] else {
        panic!("{back:?}");
    };
    assert!(
        line.as_str()
            .contains(r#" /allowUnlisted:"True" /-"[ipAddress='192.0.2.10'"#),
        "{line}"
    );
    assert_eq!(attempt(line.as_str(), &restricted), Ok(Section::default()));
    assert!(attempt(line.as_str(), &Section::default()).is_err());
}

/// The line that opens is one of its own, since a line with a removal that does not fit would not open.
#[test]
fn a_long_list_is_taken_back_from_wherever_it_had_come() {
    let long = section(false, &addresses(0x0A00_0000, 2000));
    let back = way_back(&app(), &Section::default(), &long).unwrap();
    assert!((12..=32).contains(&back.len()), "{}", back.len());
    assert!(
        back[0]
            .as_str()
            .ends_with(r#"/ipSecurity /allowUnlisted:"True" /commit:apphost"#),
        "{}",
        back[0]
    );
    assert!(
        back[1..]
            .iter()
            .all(|line| !line.as_str().contains("allowUnlisted"))
    );
    for state in passed(&app(), &Section::default(), &long, super::ROOM).unwrap() {
        let end = back.iter().fold(state, |state, line| {
            attempt(line.as_str(), &state).unwrap_or(state)
        });
        assert_eq!(end, Section::default());
    }
}

#[test]
fn more_lines_than_a_task_has_room_for_are_refused() {
    let most = section(false, &addresses(0x0A00_0000, 2500));
    assert!(way_back(&app(), &Section::default(), &most).is_ok());
    assert!(way_back(&app(), &most, &section(false, &[])).is_ok());
    let long = section(false, &addresses(0x0A00_0000, 6000));
    let refused = way_back(&app(), &Section::default(), &long).unwrap_err();
    let Error::TooManyLines { found, most: 32 } = refused else {
        panic!("{refused}");
    };
    assert!((60..90).contains(&found), "{found}");
}

/// What somebody else left is not casgate's, be it that it is made of casgate's own rules.
#[test]
fn another_hand_is_told_from_a_way_that_was_cut_off() {
    let (first, second) = (
        section(false, &addresses(0, 600)),
        section(false, &addresses(300, 600)),
    );
    let is_known = |found: &Section| is_left_between(&app(), &first, &second, found).unwrap();
    let undoing = commits(&app(), &second, &first).unwrap();
    assert!(undoing.len() > 2, "{}", undoing.len());
    assert!(states(&second, &undoing).all(|state| is_known(&state)));
    let mut fewer = second.clone();
    fewer.rules.remove(7);
    assert!(!is_known(&fewer));
    let open = section(true, &second.rules);
    assert!(!is_known(&open));
    let mut another = second.clone();
    another.rules[7] = allow("198.51.100.10/32");
    assert!(!is_known(&another));
}

fn line(commit: &Commit) -> &str {
    commit.line.line().as_str()
}

/// No client that both ends allow is denied, and nobody would take the section for somebody else's.
fn check(state: &Section, from: &Section, to: &Section, left: &[Section]) -> Result<(), TestCaseError> {
    for client in clients() {
        if from.allows(client) && to.allows(client) {
            prop_assert!(state.allows(client), "{client} is denied in {state:?}");
        }
    }
    prop_assert!(
        left.iter().any(|known| known.same_meaning(state)),
        "unknown: {state:?}"
    );
    Ok(())
}

/// Every list of up to two rules, one of which covers what the other does.
fn lists() -> Vec<Section> {
    let (host, network) = (allow("10.0.0.1/32"), allow("10.0.0.0/28"));
    let mut lists: Vec<Vec<Rule>> = vec![Vec::new()];
    for [first, second] in [[&host, &network], [&network, &host]] {
        for first in [first.clone(), first.clone().denied()] {
            lists.push(vec![first.clone()]);
            for second in [second.clone(), second.clone().denied()] {
                lists.push(vec![first.clone(), second]);
            }
        }
    }
    [true, false]
        .into_iter()
        .flat_map(|is_open| lists.iter().map(move |rules| section(is_open, rules)))
        .collect()
}

/// Each edit a commit of its own, every state of the way there, and every line in vain once: nothing is left to chance.
#[test]
fn each_short_list_comes_back_from_every_state() {
    let lists = lists();
    let mut ways = 0;
    for (from, to) in lists
        .iter()
        .flat_map(|from| lists.iter().map(move |to| (from, to)))
    {
        let passed = passed(&app(), from, to, 0).unwrap();
        let back = back_within(&app(), &passed, to, 0).unwrap();
        for (begin, in_vain) in passed
            .iter()
            .flat_map(|begin| (0..=back.len()).map(move |at| (begin, at)))
        {
            let mut state = begin.clone();
            for (at, commit) in back.iter().enumerate() {
                for _ in usize::from(at == in_vain)..2 {
                    state = attempt(line(commit), &state).unwrap_or(state);
                    for client in clients() {
                        let must_be_let_in = from.allows(client) && to.allows(client);
                        assert!(
                            !must_be_let_in || state.allows(client),
                            "{client}: {from:?} {to:?} {begin:?}"
                        );
                    }
                }
            }
            assert!(state.same_meaning(from), "{from:?} {to:?} {begin:?}: {state:?}");
            ways += 1;
        }
    }
    assert!(ways > 5000, "{ways}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Wherever the way there was cut off: a task that runs every line of the way back twice, and one of them in vain the first time, ends where the way
    /// there began. What it leaves where it is cut off itself is known and denies nobody whom both ends allow, and run again from there it ends so too.
    #[test]
    fn a_way_back_that_nobody_watches_leads_back_from_everywhere_and_leaves_nothing_unknown(
        from in any_end(), to in any_end(), room in 0usize..500, came in 0usize..20, in_vain in 0usize..20, cut in 0usize..60,
    ) {
        let passed = passed(&app(), &from, &to, room).unwrap();
        let mut state = passed[came % passed.len()].clone();
        let back = back_within(&app(), &passed, &to, room).unwrap();
        let mut left = Vec::new();
        visit_left(&app(), &passed, &back, room, &mut |state| { left.push(state.clone()); true }).unwrap();
        check(&state, &from, &to, &left)?;
        let turns = || back.iter().enumerate().flat_map(|(at, commit)| [(at, 0, commit), (at, 1, commit)]);
        for (at, turn, commit) in turns().take(cut) {
            if (at, turn) != (in_vain, 0) {
                state = attempt(line(commit), &state).unwrap_or(state);
            }
            check(&state, &from, &to, &left)?;
        }
        if cut < 2 * back.len() {
            for (at, turn, commit) in turns() {
                if (at, turn) != (in_vain, 0) {
                    state = attempt(line(commit), &state).unwrap_or(state);
                }
                for client in clients() {
                    prop_assert!(!(from.allows(client) && to.allows(client)) || state.allows(client), "{client} is denied in {state:?}");
                }
            }
        }
        prop_assert!(state.same_meaning(&from), "{state:?}");
    }

    /// What the lines do is what their commits say, and what is proved before they are written holds.
    #[test]
    fn every_way_back_is_proved(from in any_end(), to in any_end(), room in 0usize..500) {
        let passed = passed(&app(), &from, &to, room).unwrap();
        let back = back_within(&app(), &passed, &to, room).unwrap();
        for begin in &passed {
            let mut state = begin.clone();
            let mut fitting = Vec::new();
            for commit in &back {
                let after = commit.attempt(&state);
                prop_assert_eq!(attempt(line(commit), &state).ok().map(|state| state.rules), after.clone().map(|state| state.rules));
                if let Some(after) = after {
                    state = after;
                    fitting.push(commit.clone());
                }
            }
            prop_assert_eq!(prove(begin, &fitting, &from), Ok(()));
        }
        prop_assert!(way_back(&app(), &from, &to).unwrap().len() <= 1);
    }

    /// A way that was cut off, be it on its way back, and goes on from there: from each of its states the way back ends where it all began.
    #[test]
    fn a_way_that_goes_on_comes_back_to_where_it_first_began(
        from in any_end(), to in any_end(), room in 0usize..500, came in 0usize..500,
    ) {
        let there = passed(&app(), &from, &to, room).unwrap();
        let back = back_within(&app(), &there, &to, room).unwrap();
        let mut left = Vec::new();
        visit_left(&app(), &there, &back, room, &mut |state| { left.push(state.clone()); true }).unwrap();
        let begin = &left[came % left.len()];
        let all = passed_resumed(&app(), &from, begin, &to, room).unwrap();
        let back = back_within(&app(), &all, &to, room).unwrap();
        for state in &all {
            let mut now = state.clone();
            for commit in &back {
                now = attempt(line(commit), &now).unwrap_or(now);
                for client in clients() {
                    prop_assert!(!(from.allows(client) && to.allows(client)) || now.allows(client), "{client} is denied in {now:?}");
                }
            }
            prop_assert!(now.same_meaning(&from), "{state:?}: {now:?}");
        }
    }

    /// An undo that is cut off, and the one after it, leave what is known to be casgate's.
    #[test]
    fn an_undo_that_is_cut_off_twice_is_known(from in any_end(), to in any_end(), room in 0usize..500, first in 0usize..20, second in 0usize..20) {
        let passed = passed(&app(), &from, &to, room).unwrap();
        let mut left = Vec::new();
        visit_left(&app(), &passed, &[], room, &mut |state| { left.push(state.clone()); true }).unwrap();
        let mut state = to.clone();
        for cut in [first, second] {
            for commit in super::commits_within(&app(), &state, &from, room).unwrap().iter().take(cut) {
                commit.apply(&mut state);
            }
            check(&state, &from, &to, &left)?;
        }
    }
}
