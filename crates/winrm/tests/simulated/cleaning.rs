//! No shell stays behind, whatever happens to whom it belongs.

use std::time::Duration;

use casim::endpoint::Limits;
use command::CommandLine;
use winrm::{Service, Shell, reap};

use super::{LIMIT, server};

const LONG: CommandLine = CommandLine::literal("ping -n 100000 127.0.0.1");
const SHORT: CommandLine = CommandLine::literal("hostname");

#[tokio::test]
async fn many_commands_share_one_shell() {
    let server = server(Limits::default()).await;
    let mut shell = Shell::open(server.endpoint.clone()).await.unwrap();
    for _ in 0..40 {
        let output = shell.execute(&SHORT, None, LIMIT, &mut |_, _| {}).await.unwrap();
        assert_eq!(output.stdout, b"CAS01\r\n");
    }
    assert_eq!(server.simulated.open_shells(), 1);
    shell.close().await.unwrap();
    assert_eq!(
        (server.simulated.shells_made(), server.simulated.open_shells()),
        (1, 0)
    );
    assert_eq!(server.simulated.record().logins, 1);
}

#[tokio::test]
async fn a_panic_leaves_no_shell_behind() {
    let server = server(Limits::default()).await;
    let endpoint = server.endpoint.clone();
    let task = tokio::spawn(async move {
        let mut shell = Shell::open(endpoint).await.unwrap();
        shell
            .execute(&SHORT, None, LIMIT, &mut |_, _| {
                unreachable!("somebody's mistake");
            })
            .await
    });
    assert!(task.await.unwrap_err().is_panic());
    reap(Duration::from_secs(10)).await;
    assert_eq!(
        (server.simulated.shells_made(), server.simulated.open_shells()),
        (1, 0)
    );
}

/// What a second Ctrl-C does: the work is dropped where it stands, in the middle of a command.
#[tokio::test]
async fn work_that_is_dropped_leaves_no_shell_behind() {
    let server = server(Limits::default()).await;
    let endpoint = server.endpoint.clone();
    let work = async move {
        let mut shell = Shell::open(endpoint).await.unwrap();
        shell.execute(&LONG, None, LIMIT, &mut |_, _| {}).await
    };
    let cut = tokio::time::timeout(Duration::from_millis(300), work).await;
    assert!(cut.is_err(), "the command ended by itself");
    reap(Duration::from_secs(10)).await;
    assert_eq!(
        (server.simulated.shells_made(), server.simulated.open_shells()),
        (1, 0)
    );
}

#[tokio::test]
async fn the_quota_of_shells_is_told_by_its_name() {
    let server = server(Limits {
        shells_per_user: 1,
        ..Limits::default()
    })
    .await;
    let shell = Shell::open(server.endpoint.clone()).await.unwrap();
    let error = Shell::open(server.endpoint.clone()).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("MaxShellsPerUser"), "{hint}");
    shell.close().await.unwrap();
    reap(Duration::from_secs(10)).await;
    assert_eq!(server.simulated.open_shells(), 0);
}

#[tokio::test]
async fn leftovers_are_found_by_their_names_and_ended() {
    let server = server(Limits::default()).await;
    let shell = Shell::open(server.endpoint.clone()).await.unwrap();
    let mut service = Service::open(server.endpoint.clone()).await.unwrap();
    let shells = service.shells().await.unwrap();
    assert_eq!(shells.len(), 1);
    assert!(shells[0].is_ours);
    let details = &shells[0].shell.details;
    assert_eq!(details.owner.as_deref(), Some(r"CONTOSO\operator"));
    assert_eq!(details.client_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(
        details.idle_time_out,
        Some(Duration::from_secs(300)),
        "leaks heal by themselves"
    );
    service.end_shell(&shells[0].shell.shell_id).await.unwrap();
    assert!(service.shells().await.unwrap().is_empty());
    // Its owner finds it gone, which is what it wanted.
    shell.close().await.unwrap();
    let config = service.config().await.unwrap();
    assert_eq!(
        (config.max_envelope_size_kb, config.max_shells_per_user),
        (Some(500), Some(30))
    );
    let greeting = winrm::greet(&server.endpoint).await.unwrap();
    assert_eq!(
        (greeting.offered, greeting.status),
        (vec!["Negotiate".to_owned()], 401)
    );
    assert!(greeting.clock_ahead.is_some_and(|ahead| ahead.abs() <= 2));
}
