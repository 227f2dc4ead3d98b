//! What Exchange does by itself when a list shuts it out.

use std::time::Duration;

use casim::machine::HealthSet;

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_without_the_loopback_addresses_takes_the_server_out_of_rotation_in_the_end() {
    let stage = Stage::new(1).await;
    stage.apply().await.assert_code(0);
    assert!(stage.is_in_rotation(0));
    // Somebody drops what looks superfluous.
    let app = "\"Default Web Site/Microsoft-Server-ActiveSync\"";
    let section = "/section:system.webServer/security/ipSecurity";
    let gone = "/-\"[ipAddress='127.0.0.1']\" /-\"[ipAddress='::1']\"";
    stage
        .appcmd(0, &format!("set config {app} {section} {gone} /commit:apphost"))
        .await;
    let dropped = async {
        while stage.is_in_rotation(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), dropped)
        .await
        .expect("the load balancer drops the server");
    assert_eq!(stage.machine(0).health_set(), HealthSet::Offline);
    // casgate sees the drift, and puts it right.
    stage
        .casgate(&["status", "playbook.toml"])
        .await
        .assert_code(3)
        .assert_says(&["DRIFTED", "+ allow 127.0.0.1"]);
}
