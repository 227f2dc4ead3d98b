//! The good day: a rollout, and the same rollout a second time.

use casim::clients::{Clients, ClientsOptions};

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_is_restricted_while_its_clients_notice_nothing_and_a_second_run_changes_nothing() {
    let stage = Stage::new(4).await;
    stage.playbook(|text| text);
    let clients = Clients::start(&stage.farm, ClientsOptions::default());
    let first = stage.casgate(&["apply", "playbook.toml", "--yes"]).await;
    let tally = clients.stop().await;
    assert_eq!(first.code, Some(0), "{}", first.text());
    assert!(
        tally.requests > 50,
        "the clients made {} requests",
        tally.requests
    );
    assert_eq!(tally.failed, 0, "{:?}", tally.first_failures);
    assert!(
        first.stdout.contains("4 changed, 0 unchanged, 0 failed"),
        "{}",
        first.stdout
    );

    let before: Vec<usize> = stage
        .farm
        .machines()
        .iter()
        .map(|m| m.command_lines().len())
        .collect();
    let second = stage.casgate(&["apply", "playbook.toml", "--yes"]).await;
    assert_eq!(second.code, Some(0), "{}", second.text());
    assert!(
        second.stdout.contains("0 changed, 4 unchanged, 0 failed"),
        "{}",
        second.stdout
    );
    for (machine, before) in stage.farm.machines().iter().zip(before) {
        let lines = machine.command_lines().split_off(before);
        let writes = [
            "set config",
            "iisreset",
            "add backup",
            "/enable-feature",
            "reg add",
        ];
        let wrote: Vec<_> = lines
            .iter()
            .filter(|line| writes.iter().any(|w| line.contains(w)))
            .collect();
        assert_eq!(wrote, Vec::<&String>::new(), "the second run wrote");
    }
}
