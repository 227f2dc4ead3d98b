//! Events as JSON: every kind, with every sort of content, comes back as it went. What stands here is the journal's format; a change of it needs
//! a reader for what was there before.

use iis::ip_security::{Rule, Section};
use inventory::{AllowEntry, AllowWhat, OnFailure, Policy, PoolName, Quantity, Role, ServerName, Step};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rollout::{
    Accepted, Answer, Before, Condition, Debt, Event, EventKind, Evidence, FailureKind, Floor, Found,
    LiveWeight, OutOfRotation, Outcome, Pause, Plan, Receipt, Rotation, RunId, ServiceObserved, Sight,
    SoakReport, StepError, Survey, Verdict, Watched, WorkerProcessObserved,
};

use crate::farm::{self, RESTRICT, small_plan};

fn text() -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), "[ -~]{0,12}", any::<String>()].boxed()
}

fn texts() -> BoxedStrategy<Vec<String>> {
    prop::collection::vec(text(), 0..3).boxed()
}

fn server() -> BoxedStrategy<ServerName> {
    "[a-z0-9.-]{1,8}"
        .prop_map(|name| ServerName::from(name.as_str()))
        .boxed()
}

fn instant() -> BoxedStrategy<Timestamp> {
    (0_i64..4_000_000_000, 0_i32..1_000_000_000)
        .prop_map(|(s, n)| Timestamp::new(s, n).expect("an instant"))
        .boxed()
}

fn evidence() -> BoxedStrategy<Evidence> {
    texts().prop_map(|facts| Evidence { facts }).boxed()
}

fn floor() -> BoxedStrategy<Floor> {
    prop_oneof![
        text().prop_map(|pool| Floor::Pool(PoolName::from(pool.as_str()))),
        text().prop_map(Floor::Site)
    ]
    .boxed()
}

fn error() -> BoxedStrategy<StepError> {
    let kind = prop::sample::select(vec![
        FailureKind::Unreachable,
        FailureKind::LoginRefused,
        FailureKind::TimedOut,
        FailureKind::Failed,
        FailureKind::Unknown,
        FailureKind::Inconclusive,
    ]);
    (kind, text(), text(), text(), prop::option::of(text()), texts())
        .prop_map(|(kind, doing, expected, found, hint, causes)| StepError {
            kind,
            doing,
            expected,
            found,
            hint,
            causes,
        })
        .boxed()
}

fn outcome() -> BoxedStrategy<Outcome> {
    prop_oneof![
        (texts(), any::<u64>())
            .prop_map(|(facts, http_requests)| Outcome::Done(Receipt { facts, http_requests })),
        error().prop_map(Outcome::Failed),
        error().prop_map(Outcome::Unknown),
    ]
    .boxed()
}

fn rotation() -> BoxedStrategy<Rotation> {
    let out = (server(), text()).prop_map(|(server, why)| OutOfRotation { server, why });
    let out = prop::collection::vec(out, 0..3);
    let weight = (any::<u32>(), any::<u32>()).prop_map(|(in_rotation, own)| LiveWeight { in_rotation, own });
    let weight = prop::option::of(weight);
    (any::<u32>(), any::<u32>(), text(), any::<bool>(), out, weight)
        .prop_map(
            |(in_rotation, members, state, is_in_rotation, out, weight)| Rotation {
                in_rotation,
                members,
                state,
                is_in_rotation,
                out,
                weight,
            },
        )
        .boxed()
}

fn section() -> BoxedStrategy<Section> {
    let rule = prop_oneof![
        any::<std::net::IpAddr>().prop_map(Rule::allow_address),
        (text(), text(), text(), any::<bool>()).prop_map(
            |(ip_address, subnet_mask, domain_name, allowed)| Rule {
                ip_address,
                subnet_mask,
                domain_name,
                allowed
            }
        ),
    ];
    (
        any::<bool>(),
        prop::option::of(any::<bool>()),
        prop::collection::vec(rule, 0..3),
    )
        .prop_map(|(allow_unlisted, enable_proxy_mode, rules)| Section {
            allow_unlisted,
            enable_proxy_mode,
            rules,
            ..Section::default()
        })
        .boxed()
}

fn workers() -> BoxedStrategy<Vec<WorkerProcessObserved>> {
    let started = prop::option::of(instant());
    let worker =
        (any::<u32>(), text(), started).prop_map(|(pid, application_pool, started)| WorkerProcessObserved {
            pid,
            application_pool,
            started,
        });
    prop::collection::vec(worker, 0..3).boxed()
}

fn services() -> BoxedStrategy<Vec<ServiceObserved>> {
    let service = (text(), any::<bool>(), any::<u32>());
    prop::collection::vec(
        service.prop_map(|(name, running, pid)| ServiceObserved { name, running, pid }),
        0..3,
    )
    .boxed()
}

fn before() -> BoxedStrategy<Before> {
    prop_oneof![
        (prop::option::of(rotation()), prop::option::of(rotation()))
            .prop_map(|(rotation, site)| Before::Drain { rotation, site }),
        text().prop_map(|name| Before::BackUp { name }),
        (any::<bool>(), any::<bool>()).prop_map(|(enabled, module_listed)| Before::InstallFeature {
            enabled,
            module_listed
        }),
        (section(), section(), section(), workers()).prop_map(|(own, effective, wanted, workers)| {
            Before::Restrict {
                own,
                effective,
                wanted,
                workers,
            }
        }),
        (workers(), services(), text()).prop_map(|(workers, services, reason)| Before::RestartIis {
            workers,
            services,
            reason
        }),
        prop::collection::btree_map(text(), text(), 0..3).prop_map(|pages| Before::WaitHealthy { pages }),
        Just(Before::Witness),
        prop::option::of(rotation()).prop_map(|rotation| Before::ReturnToRotation { rotation }),
        Just(Before::Command),
        Just(Before::Powershell),
    ]
    .boxed()
}

fn found() -> BoxedStrategy<Found> {
    prop_oneof![
        evidence().prop_map(Found::AlreadyDone),
        before().prop_map(Found::Ready),
        error().prop_map(Found::Failed),
    ]
    .boxed()
}

fn verdict() -> BoxedStrategy<Verdict> {
    prop::sample::select(vec![
        Verdict::NothingToDo,
        Verdict::Done,
        Verdict::DoneWithFailures,
        Verdict::Stopped,
        Verdict::Paused,
        Verdict::WindowClosed,
        Verdict::BudgetSpent,
        Verdict::AmbientIncident,
        Verdict::Undone,
        Verdict::Breached,
        Verdict::Aborted,
        Verdict::HumanNeeded,
    ])
    .boxed()
}

fn pause() -> BoxedStrategy<Pause> {
    prop_oneof![
        any::<usize>().prop_map(|wave| Pause::AfterWave { wave }),
        server().prop_map(|server| Pause::AmbientIncident { server }),
        server().prop_map(|server| Pause::Inconclusive { server }),
        server().prop_map(|server| Pause::Failure { server }),
    ]
    .boxed()
}

fn answer() -> BoxedStrategy<Answer> {
    prop::sample::select(vec![Answer::GoOn, Answer::Retry, Answer::Undo, Answer::Stop]).boxed()
}

fn condition() -> BoxedStrategy<Condition> {
    prop::sample::select(vec![
        Condition::Steady,
        Condition::Degraded,
        Condition::Unwell,
        Condition::Unseen,
    ])
    .boxed()
}

fn run_plan() -> BoxedStrategy<Plan> {
    let what = prop_oneof![
        any::<std::net::IpAddr>().prop_map(AllowWhat::Address),
        any::<std::net::Ipv4Addr>()
            .prop_map(|ip| AllowWhat::Network(format!("{ip}/32").parse().expect("a network"))),
        Just(AllowWhat::Role(Role::OwnAddresses)),
    ];
    let allow = (what, prop::option::of(text())).prop_map(|(what, note)| AllowEntry { what, note });
    (
        text(),
        prop::collection::vec(allow, 0..4),
        any::<u32>(),
        0_i64..1_000_000_000,
        any::<bool>(),
    )
        .prop_map(|(title, entries, max_failures, seconds, undo)| {
            let mut plan = small_plan(if undo { OnFailure::Undo } else { OnFailure::Stop }, 1);
            plan.title = title;
            plan.policy = Policy {
                waves: vec![
                    Quantity::Count(max_failures),
                    Quantity::Percent(max_failures % 101),
                ],
                max_failures,
                min_healthy_time: SignedDuration::from_secs(seconds),
                progress_deadline: SignedDuration::from_millis(seconds),
                ..plan.policy
            };
            if let Step::Restrict(restrict) = &mut plan.steps[RESTRICT] {
                restrict.allow = entries;
            }
            if max_failures % 2 == 1 {
                plan.accepted.push(Accepted {
                    rule: "low-disk".to_owned(),
                    reason: "CHG 42".to_owned(),
                    servers: plan.servers.keys().cloned().collect(),
                });
            }
            plan
        })
        .boxed()
}

fn of_the_run() -> BoxedStrategy<EventKind> {
    prop_oneof![
        (text(), run_plan(), text(), text(), text()).prop_map(|(run, plan, operator, version, inventory)| {
            EventKind::RunStarted {
                run: RunId::new(&run),
                plan: Box::new(plan),
                operator,
                version,
                inventory,
            }
        }),
        (text(), text()).prop_map(|(operator, version)| EventKind::RunResumed { operator, version }),
        any::<usize>().prop_map(|wave| EventKind::WaveStarted { wave }),
        any::<usize>().prop_map(|wave| EventKind::WaveFinished { wave }),
        (any::<u32>(), any::<u32>(), prop::option::of(server())).prop_map(|(failures, limit, pool)| {
            EventKind::BudgetSpent {
                failures,
                limit,
                pool: pool.map(|name| name.as_str().into()),
            }
        }),
        pause().prop_map(|pause| EventKind::RunPaused { pause }),
        (answer(), text()).prop_map(|(answer, by)| EventKind::PersonAnswered { answer, by }),
        any::<bool>().prop_map(|hard| EventKind::StopRequested { hard }),
        verdict().prop_map(|verdict| EventKind::RunFinished { verdict }),
        prop_oneof![of_a_witness(), of_a_window()],
    ]
    .boxed()
}

fn of_a_window() -> BoxedStrategy<EventKind> {
    let span = || (0..1_000_000_i64).prop_map(SignedDuration::from_secs);
    prop_oneof![
        instant().prop_map(|until| EventKind::WindowEntered { until }),
        (instant(), span(), span(), span(), any::<u32>()).prop_map(|(until, left, next, undo, measured)| {
            EventKind::WindowClosed {
                until,
                left,
                next,
                undo,
                measured,
            }
        }),
    ]
    .boxed()
}

fn of_a_witness() -> BoxedStrategy<EventKind> {
    let watched = || {
        prop_oneof![
            text().prop_map(|name| Watched::Server(name.into())),
            text().prop_map(|name| Watched::Vip(name.into())),
        ]
    };
    let sight = || {
        prop::sample::select(vec![
            Sight::Served,
            Sight::Refused,
            Sight::Unserved,
            Sight::Unknown,
        ])
    };
    prop_oneof![
        (
            watched(),
            text(),
            text(),
            prop::option::of(sight()),
            sight(),
            any::<Option<u64>>()
        )
            .prop_map(|(watched, vantage, path, was, sees, unserved_ms)| {
                EventKind::WitnessChanged {
                    watched,
                    vantage: vantage.into(),
                    path,
                    was,
                    sees,
                    unserved_ms,
                }
            }),
        (floor(), error()).prop_map(|(floor, error)| EventKind::FloorBroken { floor, error }),
        (watched(), text(), error()).prop_map(|(watched, vantage, error)| {
            EventKind::WitnessBreached {
                watched,
                vantage: vantage.into(),
                error,
            }
        }),
    ]
    .boxed()
}

fn of_a_step() -> BoxedStrategy<EventKind> {
    let at = || (server(), any::<usize>());
    prop_oneof![
        (at(), any::<u32>()).prop_map(|((server, step), attempt)| EventKind::StepStarted {
            server,
            step,
            attempt
        }),
        (at(), found()).prop_map(|((server, step), found)| EventKind::StepProbed { server, step, found }),
        (at(), outcome()).prop_map(|((server, step), outcome)| EventKind::StepApplied {
            server,
            step,
            outcome
        }),
        (at(), outcome()).prop_map(|((server, step), outcome)| EventKind::StepVerified {
            server,
            step,
            outcome
        }),
        at().prop_map(|(server, step)| EventKind::UndoStarted { server, step }),
        (at(), evidence()).prop_map(|((server, step), evidence)| EventKind::UndoFinished {
            server,
            step,
            evidence
        }),
        (at(), error()).prop_map(|((server, step), error)| EventKind::UndoFailed { server, step, error }),
    ]
    .boxed()
}

fn of_a_server() -> BoxedStrategy<EventKind> {
    let survey = prop_oneof![
        (prop::collection::vec(any::<usize>(), 0..4), texts())
            .prop_map(|(work, facts)| Survey::Seen { work, facts }),
        error().prop_map(Survey::Failed),
    ];
    let report = prop_oneof![
        evidence().prop_map(SoakReport::Healthy),
        error().prop_map(SoakReport::Failed),
        error().prop_map(SoakReport::Inconclusive)
    ];
    let owed = || {
        let debt = prop_oneof![
            any::<usize>().prop_map(|step| Debt::Rotation { step }),
            any::<usize>().prop_map(|step| Debt::Confirmation { step }),
            Just(Debt::Lease)
        ];
        (server(), debt)
    };
    prop_oneof![
        server().prop_map(|server| EventKind::ServerStarted { server }),
        (server(), instant(), prop::option::of(text()))
            .prop_map(|(server, until, over)| EventKind::LeaseTaken { server, until, over }),
        (server(), text()).prop_map(|(server, holder)| EventKind::LeaseLost { server, holder }),
        (text(), text()).prop_map(|(operator, version)| EventKind::UndoRequested { operator, version }),
        (text(), text()).prop_map(|(from, operator)| EventKind::StealApproved {
            from: RunId::new(&from),
            operator
        }),
        (text(), text()).prop_map(|(on, found)| EventKind::HookFailed { on, found }),
        (server(), survey).prop_map(|(server, survey)| EventKind::Surveyed { server, survey }),
        server().prop_map(|server| EventKind::ServerSoaking { server }),
        (server(), report).prop_map(|(server, report)| EventKind::SoakFinished { server, report }),
        (server(), any::<bool>()).prop_map(|(server, changed)| EventKind::ServerHealthy { server, changed }),
        (server(), prop::option::of(any::<usize>()), error())
            .prop_map(|(server, step, error)| EventKind::ServerFailed { server, step, error }),
        server().prop_map(|server| EventKind::CanaryHeld { server }),
        server().prop_map(|server| EventKind::ControlLookStarted { server }),
        (server(), prop::collection::btree_map(server(), condition(), 0..4))
            .prop_map(|(server, group)| EventKind::ControlSeen { server, group }),
        (server(), prop::collection::vec(server(), 0..4), any::<u32>()).prop_map(
            |(server, degraded, healthy_before)| EventKind::AmbientIncident {
                server,
                degraded,
                healthy_before
            }
        ),
        server().prop_map(|server| EventKind::ServerUndone { server }),
        server().prop_map(|server| EventKind::ServerStuck { server }),
        server().prop_map(|server| EventKind::ServerSkipped { server }),
        owed().prop_map(|(server, debt)| EventKind::DebtPaymentStarted { server, debt }),
        (owed(), evidence()).prop_map(|((server, debt), evidence)| EventKind::DebtPaid {
            server,
            debt,
            evidence
        }),
        (owed(), error(), text()).prop_map(|((server, debt), error, command)| EventKind::DebtUnpaid {
            server,
            debt,
            error,
            command
        }),
    ]
    .boxed()
}

fn event() -> BoxedStrategy<Event> {
    let kind = prop_oneof![of_the_run(), of_a_step(), of_a_server()];
    (any::<u64>(), instant(), kind)
        .prop_map(|(seq, at, kind)| Event { seq, at, kind })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_event_comes_back_as_it_went(event in event()) {
        let line = serde_json::to_string(&event).expect("JSON");
        prop_assert!(!line.contains('\n'), "one line");
        let tag = serde_json::from_str::<serde_json::Value>(&line).expect("JSON")["event"].clone();
        prop_assert_eq!(tag, event.kind.name());
        prop_assert_eq!(serde_json::from_str::<Event>(&line).expect("an event"), event);
    }

    /// The hash that was approved is that of the plan in the journal.
    #[test]
    fn a_plan_keeps_its_hash_through_the_journal(plan in run_plan()) {
        let json = serde_json::to_string(&plan).expect("JSON");
        let read: Plan = serde_json::from_str(&json).expect("a plan");
        prop_assert_eq!(read.hash(), plan.hash());
        prop_assert_eq!(read, plan);
    }
}

/// One event of each kind that people read in a journal, as it stands there.
#[test]
fn the_format_is_this() {
    let server = || ServerName::from("eas-1");
    let kinds = [
        EventKind::RunResumed {
            operator: "ops@jump01".to_owned(),
            version: "0.1.0".to_owned(),
        },
        EventKind::WaveStarted { wave: 0 },
        EventKind::Surveyed {
            server: server(),
            survey: farm::seen(&[3, 4]),
        },
        EventKind::StepStarted {
            server: server(),
            step: 3,
            attempt: 1,
        },
        EventKind::StepProbed {
            server: server(),
            step: 0,
            found: Found::Ready(farm::before(0)),
        },
        EventKind::StepProbed {
            server: server(),
            step: 3,
            found: Found::Ready(farm::before(3)),
        },
        EventKind::StepProbed {
            server: server(),
            step: 4,
            found: Found::AlreadyDone(farm::evidence("as wanted")),
        },
        EventKind::StepApplied {
            server: server(),
            step: 3,
            outcome: Outcome::Done(Receipt {
                facts: vec!["+ allow 192.0.2.1".to_owned()],
                http_requests: u64::MAX,
            }),
        },
        EventKind::StepVerified {
            server: server(),
            step: 3,
            outcome: Outcome::Unknown(farm::error(FailureKind::TimedOut)),
        },
        EventKind::SoakFinished {
            server: server(),
            report: SoakReport::Healthy(farm::evidence("healthy for 1m")),
        },
        EventKind::ServerFailed {
            server: server(),
            step: None,
            error: farm::error(FailureKind::Unreachable),
        },
        EventKind::DebtPaymentStarted {
            server: server(),
            debt: Debt::Rotation { step: 0 },
        },
        EventKind::LeaseTaken {
            server: server(),
            until: farm::instant(600),
            over: Some("ended: run 20261118-0900-beef".to_owned()),
        },
        EventKind::DebtPaid {
            server: server(),
            debt: Debt::Lease,
            evidence: farm::evidence("it was gone already"),
        },
        EventKind::StopRequested { hard: true },
        EventKind::CanaryHeld { server: server() },
        EventKind::ControlSeen {
            server: server(),
            group: [(ServerName::from("eas-2"), Condition::Degraded)].into(),
        },
        EventKind::AmbientIncident {
            server: server(),
            degraded: vec![ServerName::from("eas-2")],
            healthy_before: 1,
        },
        EventKind::RunPaused {
            pause: Pause::AfterWave { wave: 0 },
        },
        EventKind::RunPaused {
            pause: Pause::Inconclusive { server: server() },
        },
        EventKind::PersonAnswered {
            answer: Answer::GoOn,
            by: "ops@jump01".to_owned(),
        },
        EventKind::RunFinished {
            verdict: Verdict::HumanNeeded,
        },
        EventKind::WitnessChanged {
            watched: Watched::Vip("eas".into()),
            vantage: "sentry1".into(),
            path: "/owa/".to_owned(),
            was: Some(Sight::Unserved),
            sees: Sight::Served,
            unserved_ms: Some(1840),
        },
    ];
    let at = farm::instant(0);
    let lines: Vec<_> = (1_u64..)
        .zip(kinds)
        .map(|(seq, kind)| serde_json::to_string(&Event { seq, at, kind }).expect("JSON"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"seq":1,"at":"2026-11-18T11:06:40Z","event":"run_resumed","operator":"ops@jump01","version":"0.1.0"}
    {"seq":2,"at":"2026-11-18T11:06:40Z","event":"wave_started","wave":0}
    {"seq":3,"at":"2026-11-18T11:06:40Z","event":"surveyed","server":"eas-1","survey":{"seen":{"work":[3,4],"facts":[]}}}
    {"seq":4,"at":"2026-11-18T11:06:40Z","event":"step_started","server":"eas-1","step":3,"attempt":1}
    {"seq":5,"at":"2026-11-18T11:06:40Z","event":"step_probed","server":"eas-1","step":0,"found":{"ready":{"of":"drain","rotation":{"in_rotation":4,"members":4,"state":"UP","is_in_rotation":true}}}}
    {"seq":6,"at":"2026-11-18T11:06:40Z","event":"step_probed","server":"eas-1","step":3,"found":{"ready":{"of":"restrict","own":{"allowUnlisted":true,"denyAction":null,"enableProxyMode":null,"rules":[]},"effective":{"allowUnlisted":true,"denyAction":null,"enableProxyMode":null,"rules":[]},"wanted":{"allowUnlisted":false,"denyAction":null,"enableProxyMode":null,"rules":[]},"workers":[]}}}
    {"seq":7,"at":"2026-11-18T11:06:40Z","event":"step_probed","server":"eas-1","step":4,"found":{"already_done":{"facts":["as wanted"]}}}
    {"seq":8,"at":"2026-11-18T11:06:40Z","event":"step_applied","server":"eas-1","step":3,"outcome":{"done":{"facts":["+ allow 192.0.2.1"],"http_requests":18446744073709551615}}}
    {"seq":9,"at":"2026-11-18T11:06:40Z","event":"step_verified","server":"eas-1","step":3,"outcome":{"unknown":{"kind":"timed_out","doing":"commit the section","expected":"exit code 0","found":"exit code 5","hint":null,"causes":[]}}}
    {"seq":10,"at":"2026-11-18T11:06:40Z","event":"soak_finished","server":"eas-1","report":{"healthy":{"facts":["healthy for 1m"]}}}
    {"seq":11,"at":"2026-11-18T11:06:40Z","event":"server_failed","server":"eas-1","step":null,"error":{"kind":"unreachable","doing":"commit the section","expected":"exit code 0","found":"exit code 5","hint":null,"causes":[]}}
    {"seq":12,"at":"2026-11-18T11:06:40Z","event":"debt_payment_started","server":"eas-1","debt":{"rotation":{"step":0}}}
    {"seq":13,"at":"2026-11-18T11:06:40Z","event":"lease_taken","server":"eas-1","until":"2026-11-18T11:16:40Z","over":"ended: run 20261118-0900-beef"}
    {"seq":14,"at":"2026-11-18T11:06:40Z","event":"debt_paid","server":"eas-1","debt":"lease","evidence":{"facts":["it was gone already"]}}
    {"seq":15,"at":"2026-11-18T11:06:40Z","event":"stop_requested","hard":true}
    {"seq":16,"at":"2026-11-18T11:06:40Z","event":"canary_held","server":"eas-1"}
    {"seq":17,"at":"2026-11-18T11:06:40Z","event":"control_seen","server":"eas-1","group":{"eas-2":"degraded"}}
    {"seq":18,"at":"2026-11-18T11:06:40Z","event":"ambient_incident","server":"eas-1","degraded":["eas-2"],"healthy_before":1}
    {"seq":19,"at":"2026-11-18T11:06:40Z","event":"run_paused","pause":{"after_wave":{"wave":0}}}
    {"seq":20,"at":"2026-11-18T11:06:40Z","event":"run_paused","pause":{"inconclusive":{"server":"eas-1"}}}
    {"seq":21,"at":"2026-11-18T11:06:40Z","event":"person_answered","answer":"go_on","by":"ops@jump01"}
    {"seq":22,"at":"2026-11-18T11:06:40Z","event":"run_finished","verdict":"human_needed"}
    {"seq":23,"at":"2026-11-18T11:06:40Z","event":"witness_changed","watched":{"vip":"eas"},"vantage":"sentry1","path":"/owa/","was":"unserved","sees":"served","unserved_ms":1840}
    "#);
}

#[test]
fn the_first_event_holds_the_whole_plan() {
    let kind = farm::started(&small_plan(OnFailure::Undo, 1));
    let event = Event {
        seq: 0,
        at: farm::instant(0),
        kind,
    };
    let json = serde_json::to_string_pretty(&event).expect("JSON");
    insta::assert_snapshot!(json, @r#"
    {
      "seq": 0,
      "at": "2026-11-18T11:06:40Z",
      "event": "run_started",
      "run": "20261124-0214-7f3a",
      "plan": {
        "title": "Only the gateways",
        "servers": {
          "eas-1": {
            "pool": "eas",
            "site": null,
            "spread": null,
            "weight": 1
          },
          "eas-2": {
            "pool": "eas",
            "site": null,
            "spread": null,
            "weight": 1
          },
          "eas-3": {
            "pool": "eas",
            "site": null,
            "spread": null,
            "weight": 1
          },
          "eas-4": {
            "pool": "eas",
            "site": null,
            "spread": null,
            "weight": 1
          }
        },
        "pools": {
          "eas": {
            "size": 4,
            "min_in_rotation": 1,
            "max_in_flight": 2,
            "smallest_in_rotation": 1,
            "weight": 4,
            "min_weight_in_rotation": 0,
            "smallest_weight_in_rotation": 1,
            "written": 1,
            "max_failures": null,
            "tightest": {
              "wave": 1,
              "under_way": 2,
              "failed": 1
            }
          }
        },
        "sites": {},
        "waves": [
          [
            "eas-1"
          ],
          [
            "eas-2",
            "eas-3"
          ],
          [
            "eas-4"
          ]
        ],
        "max_parallel": 4,
        "policy": {
          "strategy": "waves",
          "waves": [
            1,
            "50%"
          ],
          "canary_hold": "0s",
          "pause_after": [],
          "spread": null,
          "max_parallel": "100%",
          "max_failures": 1,
          "min_healthy_time": "1m",
          "healthy_deadline": "10m",
          "progress_deadline": "30m",
          "lease": "10m",
          "on_failure": "undo"
        },
        "steps": [
          {
            "drain": {
              "timeout": "1m"
            }
          },
          {
            "back_up": {}
          },
          {
            "install_feature": {
              "name": "IIS-IPSecurity"
            }
          },
          {
            "restrict": {
              "application": "Default Web Site/Microsoft-Server-ActiveSync",
              "unlisted": "deny",
              "existing": "replace",
              "allow": [
                {
                  "role": "loopback"
                }
              ]
            }
          },
          {
            "restart_iis": {
              "method": "iisreset",
              "no_force": true,
              "timeout": "1m"
            }
          },
          {
            "wait_healthy": {
              "paths": [
                "/owa/healthcheck.htm"
              ]
            }
          },
          {
            "witness": {
              "allowed_from": [],
              "denied_from": [],
              "unchanged": [],
              "path": "/Microsoft-Server-ActiveSync/"
            }
          },
          {
            "return_to_rotation": {
              "timeout": "1m"
            }
          }
        ],
        "control_pages": []
      },
      "operator": "ops@jump01",
      "version": "0.1.0",
      "inventory": "inventory/lab.toml"
    }
    "#);
}

/// A later casgate may add fields; readers of this format do not stumble over them.
#[test]
fn fields_that_are_not_known_are_ignored() {
    let line = r#"{"seq":1,"at":"2026-11-24T02:14:00Z","event":"wave_started","wave":0,"colour":"blue","nested":{"a":[1]}}"#;
    let event: Event = serde_json::from_str(line).expect("an event");
    assert_eq!(event.kind, EventKind::WaveStarted { wave: 0 });
    let unknown = r#"{"seq":1,"at":"2026-11-24T02:14:00Z","event":"wave_postponed","wave":0}"#;
    assert!(
        serde_json::from_str::<Event>(unknown).is_err(),
        "an unknown fact must not be ignored"
    );
}
