//! With programs that are shell scripts: what they are told, and what their ends mean.

use std::os::unix::fs::PermissionsExt;

use auth::Secret;

use super::*;

const PASSWORD: &str = "can'ary s3cret";

struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lb");
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let path = self.folder.path().join("lb").display().to_string();
        let command = std::iter::once(path).chain(arguments.iter().map(|word| (*word).to_owned()));
        let written = CommandBalancer {
            command: command.collect(),
            backend: "eas pool".to_owned(),
            credential: Some("lb".to_owned()),
            timeout: jiff::SignedDuration::from_secs(10),
            probes_from: Vec::new(),
        };
        let credentials = Credentials::new("ops", Secret::from(PASSWORD));
        let withheld = vec!["PATH".to_owned()];
        Program::new(written, Some(credentials), withheld, Duration::from_secs(10))
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("told")).unwrap()
    }
}

#[tokio::test]
async fn the_program_is_told_in_its_environment_and_nothing_goes_through_a_shell() {
    let script = Script::new(
        r#"printf '%s\n' "$CASGATE_ACTION" "$CASGATE_MEMBER" "$CASGATE_BACKEND" "$CASGATE_USER" "$CASGATE_PASSWORD" "$(/usr/bin/env | grep -c ^PATH=)" "$@" > "${0%/*}/told""#,
    );
    let program = script.program(&["$HOME; exit 3", "two words"]);
    program.set_state("cas01", AdminState::Drain).await.unwrap();
    // `PATH` plays the variable of another password: it is withheld.
    assert_eq!(
        script.told(),
        format!("drain\ncas01\neas pool\nops\n{PASSWORD}\n0\n$HOME; exit 3\ntwo words\n")
    );
    program.set_state("cas01", AdminState::Ready).await.unwrap();
    assert!(script.told().starts_with("ready\n"));
}

#[tokio::test]
async fn exit_codes_say_how_a_member_stands() {
    let seen = async |body: &str| {
        let script = Script::new(body);
        let member = script.program(&[]).member("cas01").await;
        member.map(|member| (member.standing, member.status, member.connections))
    };
    for (body, standing, status, connections) in [
        ("exit 0", Standing::InRotation, "in rotation", None),
        (
            "echo UP 3/3; echo connections=12",
            Standing::InRotation,
            "UP 3/3",
            Some(12),
        ),
        (
            "echo connections=0; exit 10",
            Standing::TakenOut,
            "drained",
            Some(0),
        ),
        ("exit 11", Standing::Down, "down", None),
    ] {
        assert_eq!(
            seen(body).await.unwrap(),
            (standing, status.to_owned(), connections),
            "{body}"
        );
    }
    for (body, told) in [
        ("echo no such member >&2; exit 2", "exit code 2: no such member"),
        ("exit 127", "exit code 127"),
        ("kill -9 $$", "the end of a signal"),
    ] {
        let error = seen(body).await.unwrap_err();
        assert!(matches!(error, BalancerError::Refused { .. }), "{error:?}");
        assert!(error.to_string().ends_with(told), "{error}");
    }
}

#[tokio::test]
async fn what_the_program_says_is_bounded_and_the_password_does_not_show() {
    let script = Script::new(r#"echo "cannot log in with $CASGATE_PASSWORD" >&2; exit 1"#);
    let program = script.program(&[]);
    let error = program.set_state("cas01", AdminState::Drain).await.unwrap_err();
    assert!(
        error.to_string().ends_with("exit code 1: cannot log in with ***"),
        "{error}"
    );
    for shown in [
        format!("{error:?}"),
        format!("{program:?}"),
        program.ready_by_hand("cas01"),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let endless = Script::new("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
    let error = endless.program(&[]).member("cas01").await.unwrap_err();
    assert!(matches!(error, BalancerError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_and_one_that_is_not_there_is_told() {
    let script = Script::new("echo $$ > \"${0%/*}/told\"; exec sleep 600");
    let mut program = script.program(&[]);
    program.withheld.clear();
    program.limit = Duration::from_millis(300);
    let error = program.set_state("cas01", AdminState::Drain).await.unwrap_err();
    assert!(matches!(error, BalancerError::TimedOut { .. }), "{error:?}");
    assert!(error.is_transient(), "whether it happened is open");
    let process = format!("/proc/{}/cmdline", script.told().trim());
    let gone = async {
        while std::fs::read(&process).is_ok_and(|line| !line.is_empty()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("it is killed");

    program.written.command = vec!["/nowhere/lb".to_owned()];
    let error = program.set_state("cas01", AdminState::Drain).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the load balancer's program /nowhere/lb cannot be run"
    );
    program.credentials = None;
    let error = program.member("cas01").await.unwrap_err();
    assert!(matches!(error, BalancerError::NoCredential { .. }), "{error:?}");
}

#[test]
fn the_line_for_a_person_is_one_that_a_shell_takes() {
    let script = Script::new("");
    let path = script.folder.path().join("lb");
    assert_eq!(
        script.program(&["--site", "dc1"]).ready_by_hand("cas01"),
        format!(
            "CASGATE_ACTION=ready CASGATE_MEMBER=cas01 CASGATE_BACKEND='eas pool' CASGATE_USER='ops' \
             CASGATE_PASSWORD=PASSWORD-OF-lb '{}' '--site' 'dc1'",
            path.display()
        )
    );
}
