use jiff::SignedDuration;
use rollout::Sight::{self, Refused, Served, Unknown, Unserved};

use super::super::stages::Stage::{self, Changing, Proven, Untouched};
use super::*;

/// One look a second, each answered after 40 ms.
fn findings(side: Side, looks: &[(Option<Stage>, Sight)]) -> Vec<Finding> {
    let mut judge = Judge::new(side);
    let mut sent = Timestamp::UNIX_EPOCH;
    looks
        .iter()
        .map(|(stage, sight)| {
            sent += SignedDuration::from_secs(1);
            judge.take(Look {
                stage: *stage,
                sight: *sight,
                sent,
                answered: sent + SignedDuration::from_millis(40),
            })
        })
        .collect()
}

fn breaches(side: Side, looks: &[(Option<Stage>, Sight)]) -> Vec<Option<Breach>> {
    findings(side, looks)
        .iter()
        .map(|finding| finding.breach)
        .collect()
}

const DENIED: Side = Side::Denied { wanted: Refused };
const ALLOWED: Side = Side::Allowed;

#[test]
fn an_allowed_client_is_never_refused_at_any_stage() {
    for stage in [Some(Untouched), Some(Changing), Some(Proven), None] {
        let seen = breaches(
            ALLOWED,
            &[(Some(Untouched), Served), (stage, Refused), (stage, Refused)],
        );
        assert_eq!(
            seen,
            [None, Some(Breach::AllowedRefused), None],
            "{stage:?}: told once"
        );
    }
    let restart = [
        (Some(Untouched), Served),
        (Some(Changing), Unserved),
        (Some(Changing), Served),
    ];
    assert_eq!(breaches(ALLOWED, &restart), [None; 3]);
    let refused_after_restart = [
        (Some(Untouched), Served),
        (Some(Changing), Unserved),
        (Some(Changing), Refused),
    ];
    let seen = breaches(ALLOWED, &refused_after_restart);
    assert_eq!(seen, [None, None, Some(Breach::AllowedRefused)]);
}

#[test]
fn a_client_that_the_change_lets_in_may_be_refused_until_the_change_is_proven() {
    let new_gateway = [
        (Some(Untouched), Refused),
        (Some(Changing), Refused),
        (None, Served),
        (Some(Proven), Served),
        (Some(Proven), Refused),
    ];
    let seen = breaches(ALLOWED, &new_gateway);
    assert_eq!(seen, [None, None, None, None, Some(Breach::AllowedRefused)]);
}

#[test]
fn a_denied_client_turns_exactly_when_its_server_commits() {
    let good = [
        (Some(Untouched), Served),
        (Some(Changing), Served),
        (Some(Changing), Unserved),
        (Some(Changing), Refused),
        (None, Refused),
        (Some(Proven), Refused),
    ];
    assert_eq!(breaches(DENIED, &good), [None; 6]);
    let early = [(Some(Untouched), Served), (Some(Untouched), Refused)];
    assert_eq!(breaches(DENIED, &early), [None, Some(Breach::TooEarly)]);
    let overlapping = [
        (Some(Untouched), Served),
        (None, Refused),
        (Some(Changing), Served),
    ];
    assert_eq!(breaches(DENIED, &overlapping), [None; 3]);
    let not_held = [
        (Some(Changing), Refused),
        (Some(Proven), Served),
        (Some(Proven), Served),
    ];
    assert_eq!(breaches(DENIED, &not_held), [None, Some(Breach::NotHeld), None]);
    let by_an_earlier_run = [
        (Some(Untouched), Refused),
        (Some(Untouched), Refused),
        (Some(Proven), Refused),
    ];
    assert_eq!(breaches(DENIED, &by_an_earlier_run), [None; 3]);
    let put_back = [
        (Some(Untouched), Served),
        (Some(Changing), Refused),
        // Undone; the first answers may come from the old rules.
        (Some(Untouched), Refused),
        (Some(Untouched), Served),
        (Some(Untouched), Refused),
    ];
    assert_eq!(
        breaches(DENIED, &put_back),
        [None, None, None, None, Some(Breach::TooEarly)]
    );
}

#[test]
fn opening_is_judged_the_other_way_round() {
    let side = Side::Denied { wanted: Served };
    let good = [
        (Some(Untouched), Refused),
        (Some(Changing), Served),
        (Some(Proven), Served),
    ];
    assert_eq!(breaches(side, &good), [None; 3]);
    let early = [(Some(Untouched), Refused), (Some(Untouched), Served)];
    assert_eq!(breaches(side, &early), [None, Some(Breach::TooEarly)]);
    let not_held = [(Some(Proven), Refused)];
    assert_eq!(breaches(side, &not_held), [Some(Breach::NotHeld)]);
}

#[test]
fn the_gap_runs_from_the_first_request_without_service_to_the_first_answer_with_it() {
    let looks = [
        (Some(Untouched), Served),
        (Some(Changing), Unserved),
        (Some(Changing), Unserved),
        (Some(Changing), Served),
        (Some(Proven), Served),
    ];
    let changes: Vec<_> = findings(ALLOWED, &looks)
        .iter()
        .map(|finding| finding.change)
        .collect();
    let change = |was, sees, unserved_ms| {
        Some(Change {
            was: Some(was),
            sees,
            unserved_ms,
        })
    };
    assert_eq!(
        changes,
        [
            None,
            change(Served, Unserved, None),
            None,
            change(Unserved, Served, Some(2_040)),
            None,
        ]
    );
}

#[test]
fn what_says_nothing_about_the_address_is_no_news_of_a_denied_client() {
    let looks = [
        (Some(Untouched), Served),
        (Some(Changing), Unserved),
        (Some(Changing), Refused),
    ];
    let changes: Vec<_> = findings(DENIED, &looks)
        .iter()
        .map(|finding| finding.change)
        .collect();
    let turned = Change {
        was: Some(Served),
        sees: Refused,
        unserved_ms: None,
    };
    assert_eq!(changes, [None, None, Some(turned)]);
}

#[test]
fn who_never_gets_an_answer_says_so() {
    let first = findings(ALLOWED, &[(Some(Untouched), Unserved)]);
    let change = Change {
        was: None,
        sees: Unserved,
        unserved_ms: None,
    };
    assert_eq!(first[0].change, Some(change));
}

#[test]
fn a_lost_vantage_proves_nothing_and_is_told() {
    for side in [ALLOWED, DENIED] {
        for stage in [Some(Untouched), Some(Changing), Some(Proven), None] {
            let seen = findings(
                side,
                &[
                    (stage, Unknown),
                    (stage, Unknown),
                    (Some(Changing), Served),
                    (stage, Unknown),
                ],
            );
            assert!(
                seen.iter().all(|finding| finding.breach.is_none()),
                "{side:?} {stage:?}"
            );
            let changes: Vec<_> = seen
                .iter()
                .map(|finding| finding.change.map(|change| (change.was, change.sees)))
                .collect();
            assert_eq!(
                changes,
                [
                    Some((None, Unknown)),
                    None,
                    Some((Some(Unknown), Served)),
                    Some((Some(Served), Unknown))
                ]
            );
            assert!(seen[3].change.is_some_and(Change::is_of_the_vantage));
        }
    }
    // Time without service goes on until somebody is seen to be served.
    let seen = findings(
        ALLOWED,
        &[
            (Some(Untouched), Served),
            (Some(Changing), Unserved),
            (Some(Changing), Unknown),
            (Some(Changing), Served),
        ],
    );
    assert_eq!(seen[3].change.unwrap().unserved_ms, Some(2040));
    // What was seen before it was lost still counts.
    let seen = breaches(
        DENIED,
        &[
            (Some(Untouched), Served),
            (Some(Untouched), Unknown),
            (Some(Untouched), Refused),
        ],
    );
    assert_eq!(seen, [None, None, Some(Breach::TooEarly)]);
}
