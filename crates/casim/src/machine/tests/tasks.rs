//! Scheduled tasks that nobody takes away in time.

use std::time::Duration;

use iis::scheduled_task::{TaskName, create, delayed, delete, exists};

use super::{Machine, Ran, fresh, run};

const FILE: &str = r"C:\Windows\System32\inetsrv\casgate-test.xml";

fn name() -> TaskName {
    TaskName::new("casgate-test").expect("a name")
}

/// Puts the file there that says: run this line ten minutes after the registration.
fn put(machine: &Machine, bytes: Vec<u8>) {
    let key = FILE.to_lowercase();
    machine.state().files.insert(key, (FILE.to_owned(), bytes));
}

fn task() -> Vec<u8> {
    let line = command::CommandLine::literal(r#"reg add "HKLM\SOFTWARE\casgate" /v ran /d yes /f"#);
    delayed(&[&line], 600, "test").expect("a task")
}

async fn has_run(machine: &std::sync::Arc<Machine>) -> bool {
    run(machine, r#"reg query "HKLM\SOFTWARE\casgate" /v ran"#)
        .await
        .code
        == 0
}

/// Runs a client's own line and reads the answer as the client does.
async fn answer<T>(machine: &std::sync::Arc<Machine>, invocation: &command::Invocation<T>) -> T {
    let Ran { code, stdout, stderr } = run(machine, invocation.line().as_str()).await;
    invocation.parse(&command::Output {
        exit_code: code,
        stdout: stdout.into_bytes(),
        stderr: stderr.into_bytes(),
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_when_its_delay_is_over() {
    let machine = fresh();
    put(&machine, task());
    answer(&machine, &create(&name(), FILE).expect("a line"))
        .await
        .expect("created");
    assert_eq!(
        answer(&machine, &exists(&name()).expect("a line")).await,
        Ok(true)
    );
    machine.pause(Duration::from_secs(590)).await;
    assert!(!has_run(&machine).await, "too early");
    machine.pause(Duration::from_secs(20)).await;
    assert!(has_run(&machine).await, "too late");
    assert_eq!(
        answer(&machine, &exists(&name()).expect("a line")).await,
        Ok(true),
        "it stays"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_taken_away_never_runs_and_one_registered_anew_begins_anew() {
    let machine = fresh();
    put(&machine, task());
    let create = create(&name(), FILE).expect("a line");
    answer(&machine, &create).await.expect("created");
    machine.pause(Duration::from_secs(400)).await;
    answer(&machine, &create).await.expect("replaced");
    machine.pause(Duration::from_secs(400)).await;
    assert!(!has_run(&machine).await, "the first delay is forgotten");
    let delete = delete(&name()).expect("a line");
    answer(&machine, &delete).await.expect("deleted");
    assert_eq!(
        answer(&machine, &exists(&name()).expect("a line")).await,
        Ok(false)
    );
    machine.pause(Duration::from_secs(1000)).await;
    assert!(!has_run(&machine).await);
    let again = answer(&machine, &delete).await.expect_err("there is none");
    assert_eq!(again.exit_code(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_windows_does_not_disarm_it() {
    let machine = fresh();
    put(&machine, task());
    answer(&machine, &create(&name(), FILE).expect("a line"))
        .await
        .expect("created");
    machine.reboot().await;
    machine.pause(Duration::from_secs(70)).await;
    assert!(has_run(&machine).await);
}

#[tokio::test(start_paused = true)]
async fn what_windows_refuses_is_refused() {
    let machine = fresh();
    let create = create(&name(), FILE).expect("a line");
    assert!(answer(&machine, &create).await.is_err(), "no such file");
    put(
        &machine,
        b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task/>".to_vec(),
    );
    let error = answer(&machine, &create).await.expect_err("not UTF-16");
    assert!(
        error.to_string().contains("unable to switch the encoding"),
        "{error}"
    );
    put(&machine, task());
    machine.faults().filtered_token.set(true);
    assert!(answer(&machine, &create).await.is_err(), "no administrator");
    let once = run(&machine, "schtasks /create /tn x /tr cmd /sc once /st 20:00").await;
    assert_eq!(once.code, 50, "nobody's clock is simulated: {once:?}");
}
