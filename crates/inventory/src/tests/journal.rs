//! What a plan journals comes back as it was, also out of an internally tagged event.

use serde::{Deserialize, Serialize};

use crate::{Playbook, Policy, Source, Step, read_playbook};

/// Every kind of step, every kind of allow entry, no value at its default.
const EVERYTHING: &str = r#"
[playbook]
title = "Everything"
servers = "@eas and not (cas07 or cas0*)"
[policy]
waves = [1, 2, "25%"]
max_parallel = 3
max_failures = 2
min_healthy_time = "90s"
healthy_deadline = "11m"
progress_deadline = "1h 1m"
on_failure = "stop"
[[step]]
drain = { timeout = "1500ms" }
[[step]]
back_up = {}
[[step]]
install_feature = { name = "IIS-IPSecurity" }
[[step]]
restrict = { application = "Default Web Site/ecp", unlisted = "deny", existing = "keep", allow = [
  { address = "198.51.100.10", note = "Sentry" }, { address = "2001:db8::10" }, { network = "203.0.113.0/28" },
  { network = "2001:db8:1::/64" }, { name = "SEG.example.net" }, { role = "loopback" }, { role = "own_addresses" },
  { role = "load_balancer_probes" }, { role = "operator" } ], deny_action = "not_found", proxy_mode = true }
[[step]]
restart_iis = { method = "recycle_app_pool", no_force = false, timeout = "2m" }
[[step]]
restart_iis = { method = "none" }
[[step]]
wait_healthy = { paths = ["/owa/healthcheck.htm"] }
[[step]]
witness = { allowed_from = ["sentry1"], denied_from = ["outside"], unchanged = ["/owa/"], path = "/ecp/" }
[[step]]
return_to_rotation = { timeout = "61s" }
[[step]]
command = { command = "echo 1", unless = "exit 1", exit_codes = [0, 3010, 3221225786], timeout = "5m" }
[[step]]
powershell = { script = "Write-Output 1\nexit 0\n", exit_codes = [1], timeout = "5m" }
"#;

fn everything() -> Playbook {
    read_playbook(&Source::new("everything.toml", EVERYTHING)).unwrap()
}

#[test]
fn a_playbook_comes_back_out_of_json() {
    let playbook = everything();
    let json = serde_json::to_string(&playbook).unwrap();
    assert_eq!(serde_json::from_str::<Playbook>(&json).unwrap(), playbook);
}

#[test]
fn a_playbook_comes_back_out_of_a_tagged_event() {
    // serde buffers the content of such a type, which is where deserializers that borrow or ask for the format fail.
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Event {
        Planned { plan: Box<Playbook> },
    }
    let event = Event::Planned {
        plan: Box::new(everything()),
    };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    assert_eq!(
        serde_json::from_value::<Event>(serde_json::to_value(&event).unwrap()).unwrap(),
        event
    );
}

#[test]
fn the_tag_is_the_word_of_the_playbook() {
    for step in everything().steps {
        let json = serde_json::to_value(&step).unwrap();
        let tags: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        assert_eq!(tags, [step.kind().to_string()]);
        assert_eq!(serde_json::to_value(step.kind()).unwrap(), step.kind().as_str());
    }
}

#[test]
fn journal_lines_stay_readable() {
    let lines: Vec<_> = everything()
        .steps
        .iter()
        .map(|step| serde_json::to_string(step).unwrap())
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let policy = serde_json::to_string(&Policy::default()).unwrap();
    insta::assert_snapshot!(policy, @r#"{"strategy":"waves","waves":[1,"25%","50%"],"canary_hold":"0s","pause_after":[],"spread":null,"max_parallel":"100%","max_failures":0,"min_healthy_time":"1m","healthy_deadline":"10m","progress_deadline":"30m","lease":"10m","on_failure":"undo"}"#);
}

#[test]
fn what_could_not_be_meant_is_not_read_back() {
    for json in [
        r#"{"reboot":{}}"#,
        r#"{"drain":{"timeout":60}}"#,
        r#"{"restrict":{"application":"x\"y/z","unlisted":"deny","existing":"keep","allow":[]}}"#,
        r#"{"restrict":{"application":"A/x","unlisted":"deny","existing":"keep","allow":[{"network":"1.2.3.4/33"}]}}"#,
    ] {
        assert!(serde_json::from_str::<Step>(json).is_err(), "{json}");
    }
}
