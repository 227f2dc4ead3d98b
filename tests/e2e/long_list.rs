//! Two thousand entries: several commits, and nobody who is on the list is ever denied, whatever comes between them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casim::machine::{Machine, WebReply, WebRequest};
use tokio::task::JoinHandle;

use crate::support::Stage;

const ENTRIES: u32 = 2000;

fn listed(n: u32) -> IpAddr {
    IpAddr::from([
        10,
        1,
        u8::try_from(n / 250).unwrap(),
        u8::try_from(n % 250).unwrap(),
    ])
}

/// The list of most tests, and two thousand more.
async fn stage(slow: bool) -> Stage {
    let stage = if slow {
        Stage::slow(1).await
    } else {
        Stage::new(1).await
    };
    let gateway = "{ address = \"127.0.0.10\", note = \"the gateway\" },";
    let entries: String = (0..ENTRIES)
        .map(|n| format!("\n  {{ address = \"{}\" }},", listed(n)))
        .collect();
    stage.edit("playbook.toml", gateway, &format!("{gateway}{entries}"));
    stage
}

/// Asks the server itself, all the while, as clients from all over the list.
struct Callers {
    ending: Arc<AtomicBool>,
    asking: JoinHandle<(usize, Vec<IpAddr>)>,
}

impl Callers {
    fn start(stage: &Stage) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let machine = Arc::clone(stage.machine(0));
        let asking = tokio::spawn(ask(machine, Arc::clone(&ending)));
        Self { ending, asking }
    }

    /// Nobody was ever denied.
    async fn end(self) {
        self.ending.store(true, Ordering::SeqCst);
        let (asked, denied) = self.asking.await.expect("the callers");
        assert!(asked > 100, "only {asked} were asked");
        assert_eq!(denied, Vec::<IpAddr>::new());
    }
}

async fn ask(machine: Arc<Machine>, ending: Arc<AtomicBool>) -> (usize, Vec<IpAddr>) {
    let (mut asked, mut denied) = (0, Vec::new());
    while !ending.load(Ordering::SeqCst) {
        for n in [0, 1, ENTRIES / 3, ENTRIES / 2, ENTRIES - 2, ENTRIES - 1] {
            let request = WebRequest::get("/Microsoft-Server-ActiveSync/", listed(n));
            if let WebReply::Reply { status: 403, .. } = machine.web(&request) {
                denied.push(listed(n));
            }
            asked += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (asked, denied)
}

/// Waits until the server has got so many commits.
async fn until_commits(stage: &Stage, count: usize) {
    let begun = async {
        while stage.ran(0, "set config") < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), begun)
        .await
        .expect("the commits come");
}

/// How many commits `plan` promises.
async fn promised(stage: &Stage) -> usize {
    let plan = stage.casgate(&["plan", "playbook.toml"]).await;
    plan.assert_code(0).assert_says(&[
        "proved: no address that is allowed before and after is denied on the way,",
        "odd then: 2006 rules: more than 500 are slow, and nobody reads them",
    ]);
    let (_, rest) = plan.stdout.split_once("commits: ").expect("commits are told");
    let (there, _) = rest.split_once(" there").expect("commits there are told");
    there.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_entries_there_and_none_of_them_is_ever_denied() {
    let stage = stage(false).await;
    let commits = promised(&stage).await;
    assert!((10..20).contains(&commits), "{commits}");
    let callers = Callers::start(&stage);
    stage.apply().await.assert_code(0);
    callers.end().await;
    assert_eq!(stage.ran(0, "set config"), commits);
    stage.assert_restricted(0);
    let facts = &stage.story().applied()["cas01 restrict"];
    let told = format!("written in {commits} commits: the way there and back is proved");
    assert!(facts.contains(&told), "{facts:?}");
    assert!(facts.len() < 16, "{facts:?}");
    let rules = stage.section(0).await.rules.len();
    stage.apply().await.assert_code(0);
    assert_eq!(
        (stage.ran(0, "set config"), stage.section(0).await.rules.len()),
        (commits, rules)
    );
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_two_commits_it_goes_on_where_it_was() {
    let stage = stage(true).await;
    let commits = promised(&stage).await;
    let callers = Callers::start(&stage);
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restrict ready").await;
    until_commits(&stage, 4).await;
    run.kill().await;
    let left = stage.section(0).await;
    assert!(
        left.allow_unlisted && (1..2000).contains(&left.rules.len()),
        "{}",
        left.rules.len()
    );
    stage.casgate(&["resume", "latest"]).await.assert_code(0);
    callers.end().await;
    stage.assert_restricted(0);
    assert_eq!(stage.section(0).await.rules.len(), 2006);
    // The rest was planned from what was there; at most the commit that was under way is counted twice.
    let sent = stage.ran(0, "set config");
    assert!((commits..=commits + 1).contains(&sent), "{sent} of {commits}");
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_between_two_commits_is_read_again_and_the_rest_planned_anew() {
    let stage = stage(true).await;
    let commits = promised(&stage).await;
    let callers = Callers::start(&stage);
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restrict ready").await;
    until_commits(&stage, 3).await;
    stage.machine(0).faults().file_changed_on_disk.set(2);
    run.end().await.assert_code(0);
    callers.end().await;
    let facts = &stage.story().applied()["cas01 restrict"];
    let again = "file changed on disk: read and planned again";
    assert_eq!(facts.iter().filter(|fact| *fact == again).count(), 2, "{facts:?}");
    assert_eq!(stage.ran(0, "set config"), commits + 2);
    stage.assert_restricted(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_of_two_thousand_entries_denies_none_of_them() {
    let stage = stage(false).await;
    let former = stage.section(0).await;
    let callers = Callers::start(&stage);
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restart_iis").await;
    stage.machine(0).faults().health_stays_503.set(true);
    run.until("cas01 undo_finished restrict").await;
    stage.machine(0).faults().health_stays_503.set(false);
    run.end().await.assert_code(22);
    callers.end().await;
    assert!(stage.section(0).await.same_meaning(&former));
    stage.assert_open(0);
    stage.assert_sound();
}
