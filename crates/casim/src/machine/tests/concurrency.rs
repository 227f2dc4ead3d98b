//! Two writers, one file; and a future that a server may spawn.

use std::sync::Arc;

use super::{APP, APPCMD, SECTION, appcmd, fresh, run};
use crate::machine::{OutputSink, Stdin};

#[tokio::test(start_paused = true)]
async fn of_two_commits_at_once_one_finds_the_file_changed() {
    let machine = fresh();
    let line = |address: &str| {
        format!(
            "{APPCMD} set config \"{APP}\" /section:{SECTION} /+\"[ipAddress='{address}',allowed='True']\" /commit:apphost"
        )
    };
    let (one, two) = (line("192.0.2.1"), line("192.0.2.2"));
    let (one, two) = tokio::join!(run(&machine, &one), run(&machine, &two));
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 32], "{} {}", one.stdout, two.stdout);
    let text = appcmd(&machine, &format!("list config \"{APP}\" /section:{SECTION}")).await;
    assert_eq!(text.matches("<add ").count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_of_what_xml_cannot_hold_says_so_late() {
    let machine = fresh();
    let zone = format!(
        "{APPCMD} set config \"{APP}\" /section:{SECTION} /+\"[ipAddress='fe80::1%14',allowed='True']\" /commit:apphost"
    );
    let ran = run(&machine, &zone).await;
    assert_eq!(ran.code, 0xc00c_ee2b);
    assert!(
        ran.stdout.starts_with("Applied") && ran.stdout.contains("hresult:c00cee2b"),
        "{}",
        ran.stdout
    );
    let escaped = zone.replace("%14", "%2514");
    assert_eq!(run(&machine, &escaped).await.code, 0);
    let text = appcmd(&machine, &format!("list config \"{APP}\" /section:{SECTION}")).await;
    assert!(text.contains("ipAddress=\"fe80::1%14\""), "{text}");
}

#[test]
fn a_running_command_may_move_between_threads() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let machine = fresh();
    let (out, _output) = OutputSink::channel();
    drop(sendable(machine.run("ver", Stdin::empty(), out)));
    sendable(Arc::clone(&machine));
}
