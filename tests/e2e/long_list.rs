//! Two thousand entries: several commits, and nobody who is on the list is ever denied, whatever comes between them.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casim::machine::{Machine, WebReply, WebRequest};
use iis::ip_security::Section;
use tokio::task::JoinHandle;

use crate::support::Stage;

const ENTRIES: u32 = 2000;

const GATEWAY: &str = "{ address = \"127.0.0.10\", note = \"the gateway\" },";

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
    stage.edit(
        "playbook.toml",
        GATEWAY,
        &format!("{GATEWAY}{}", entries(0..ENTRIES)),
    );
    stage
}

/// With a dead man's switch, which no test waits for.
fn confirmed(stage: &Stage) {
    stage.edit(
        "playbook.toml",
        r#"existing = "replace","#,
        r#"existing = "replace", confirm_within = "24h","#,
    );
}

/// As the playbook has them.
fn entries(numbers: impl Iterator<Item = u32>) -> String {
    numbers
        .map(|n| format!("\n  {{ address = \"{}\" }},", listed(n)))
        .collect()
}

/// Asks the server itself, all the while, as clients from all over the list.
struct Callers {
    ending: Arc<AtomicBool>,
    asking: JoinHandle<(usize, Vec<IpAddr>)>,
}

impl Callers {
    fn start(stage: &Stage, numbers: Range<u32>) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let machine = Arc::clone(stage.machine(0));
        let asking = tokio::spawn(ask(machine, numbers, Arc::clone(&ending)));
        Self { ending, asking }
    }

    /// Nobody was ever denied.
    async fn end(self) {
        self.ending.store(true, Ordering::SeqCst);
        let (asked, denied) = self.asking.await.expect("the callers");
        assert!(asked > 60, "only {asked} were asked");
        assert_eq!(denied, Vec::<IpAddr>::new());
    }
}

async fn ask(machine: Arc<Machine>, numbers: Range<u32>, ending: Arc<AtomicBool>) -> (usize, Vec<IpAddr>) {
    let (begin, end) = (numbers.start, numbers.end);
    let between = end - begin;
    let (mut asked, mut denied) = (0, Vec::new());
    while !ending.load(Ordering::SeqCst) {
        for n in [
            begin,
            begin + 1,
            begin + between / 3,
            begin + between / 2,
            end - 2,
            end - 1,
        ] {
            let request = WebRequest::get("/Microsoft-Server-ActiveSync/", listed(n));
            if let WebReply::Reply { status: 403, .. } = machine.web(&request) {
                denied.push(listed(n));
            }
            asked += 1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
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
        ": 2006 rules: more than 500 are slow, and nobody reads them",
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
    let callers = Callers::start(&stage, 0..ENTRIES);
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

/// One list in the place of another, both closed: a quarter goes, and a quarter comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_long_list_in_the_place_of_another_denies_nobody_who_is_on_both() {
    let stage = stage(false).await;
    stage.apply().await.assert_code(0);
    let first = stage.section(0).await;
    let commits = stage.ran(0, "set config");
    let (gone, stays, comes) = (listed(100), listed(ENTRIES - 1), listed(ENTRIES + 100));

    let second = entries(ENTRIES / 4..ENTRIES + ENTRIES / 4);
    stage.edit("playbook.toml", &entries(0..ENTRIES), &second);
    let promised = promised(&stage).await;
    assert!(promised > 1, "{promised}");
    let callers = Callers::start(&stage, ENTRIES / 4..ENTRIES);
    stage.apply().await.assert_code(0);
    assert_eq!(stage.ran(0, "set config"), commits + promised);
    stage.assert_restricted(0);
    let status = |client: IpAddr| stage.access(0, &client.to_string());
    assert_eq!([gone, stays, comes].map(status), [403, 401, 401]);

    let run = stage.run_name();
    stage.casgate(&["undo", &run, "--yes"]).await.assert_code(0);
    callers.end().await;
    assert_eq!([gone, stays, comes].map(status), [401, 401, 403]);
    assert_eq!(stage.section(0).await, first);
    stage.assert_sound();
}

/// A farm of one, and a long list in effect; the playbook has another one, of which a quarter is new.
async fn stage_between_two_lists() -> (Stage, Section) {
    let stage = stage(true).await;
    stage.apply().await.assert_code(0);
    let former = stage.section(0).await;
    let second = entries(ENTRIES / 4..ENTRIES + ENTRIES / 4);
    stage.edit("playbook.toml", &entries(0..ENTRIES), &second);
    (stage, former)
}

async fn until_back(stage: &Stage, former: &Section) {
    let back = async {
        while !stage.section(0).await.same_meaning(former) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(100), back)
        .await
        .expect("the former rules come back");
}

/// casgate dies once it has made so many commits of its change; how many commits there were before.
async fn killed_after(stage: &Stage, commits: usize) -> usize {
    let before = stage.ran(0, "set config");
    let mut run = stage.start_apply();
    run.until("cas01 step_probed restrict ready").await;
    until_commits(stage, before + commits).await;
    run.kill().await;
    before
}

/// casgate dies between two commits, the switch goes off, and one of the task's lines meets another writer.
async fn cut_off_and_put_back(commits: usize, then: &[&str]) {
    let (stage, former) = stage_between_two_lists().await;
    confirmed(&stage);
    let callers = Callers::start(&stage, ENTRIES / 4..ENTRIES);
    killed_after(&stage, commits).await;
    let left = stage.section(0).await;
    assert!(!left.same_meaning(&former), "killed too early");
    stage.machine(0).faults().file_changed_on_disk.set(1);
    let fire = format!("schtasks /run /tn casgate-{}-3", stage.run_name());
    assert_eq!(stage.on_server(0, &fire).await.0, 0);
    until_back(&stage, &former).await;
    let ended = stage.casgate(then).await;
    ended.assert_code(0);
    callers.end().await;
    let is_former = stage.section(0).await.same_meaning(&former);
    assert_eq!(is_former, then.contains(&"undo"), "{}", ended.text());
    assert_eq!(stage.on_server(0, &fire).await.0, 1, "the task is gone");
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_fires_on_a_way_that_was_cut_off_needs_nobody_before_an_undo() {
    let undo = ["undo", "latest", "--yes"];
    tokio::join!(cut_off_and_put_back(2, &undo), cut_off_and_put_back(6, &undo));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_fires_on_a_way_that_was_cut_off_needs_nobody_before_a_resume() {
    cut_off_and_put_back(4, &["resume", "latest"]).await;
}

/// `resume` sets the switch anew, and finds a list that is half made: the former rules are those of before the first try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_a_resume_set_anew_brings_back_what_was_there_at_first() {
    let (stage, former) = stage_between_two_lists().await;
    confirmed(&stage);
    let callers = Callers::start(&stage, ENTRIES / 4..ENTRIES);
    let before = killed_after(&stage, 2).await;
    let mut run = stage.start(&["resume", "latest"]);
    run.until("cas01 step_probed restrict ready").await;
    until_commits(&stage, before + 4).await;
    run.kill().await;
    assert_eq!(stage.ran(0, "schtasks.exe /create"), 2);
    let fire = format!("schtasks /run /tn casgate-{}-3", stage.run_name());
    assert_eq!(stage.on_server(0, &fire).await.0, 0);
    until_back(&stage, &former).await;
    stage.casgate(&["undo", "latest", "--yes"]).await.assert_code(0);
    callers.end().await;
    assert!(stage.section(0).await.same_meaning(&former));
    stage.assert_sound();
}

/// A task has room for 32 lines. It is said when the servers were read, and before any of them is touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_a_switch_could_not_take_back_is_refused_before_anything_is_touched() {
    let stage = Stage::new(1).await;
    stage.edit(
        "playbook.toml",
        GATEWAY,
        &format!("{GATEWAY}{}", entries(0..3 * ENTRIES)),
    );
    confirmed(&stage);
    let before = stage.writes(0);
    for asked in [
        &["plan", "playbook.toml"][..],
        &["apply", "playbook.toml", "--yes"],
    ] {
        stage.casgate(asked).await.assert_code(10).assert_says(&[
            "REFUSED  no-way-back  cas01",
            "command lines, and a scheduled task has room for 32",
            "or leave `confirm_within` out of the `restrict` step",
        ]);
    }
    assert_eq!(stage.writes(0), before);
    stage.assert_sound();
}

/// Kills an undo when the server has begun so many of its commits, and the next undo too, and then lets one come to its end.
async fn killed_in_an_undo(commits: usize) {
    let (stage, former) = stage_between_two_lists().await;
    stage.apply().await.assert_code(0);
    let wanted = stage.section(0).await;
    let callers = Callers::start(&stage, ENTRIES / 4..ENTRIES);
    for _ in 0..2 {
        let before = stage.ran(0, "set config");
        let run = stage.start(&["undo", "latest", "--yes"]);
        until_commits(&stage, before + commits).await;
        run.kill().await;
        let left = stage.section(0).await;
        assert!(!left.same_meaning(&former) && !left.same_meaning(&wanted));
    }
    stage.casgate(&["undo", "latest", "--yes"]).await.assert_code(0);
    callers.end().await;
    assert_eq!(stage.section(0).await, former);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_two_commits_of_an_undo_it_goes_on_and_takes_nobody_for_another_writer() {
    tokio::join!(killed_in_an_undo(2), killed_in_an_undo(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_two_commits_it_goes_on_where_it_was() {
    let stage = stage(true).await;
    let commits = promised(&stage).await;
    let callers = Callers::start(&stage, 0..ENTRIES);
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
    let callers = Callers::start(&stage, 0..ENTRIES);
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
    let callers = Callers::start(&stage, 0..ENTRIES);
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 undo_finished restrict").await;
    stage.machine(0).faults().health_stays_503.set(false);
    run.end().await.assert_code(22);
    callers.end().await;
    assert!(stage.section(0).await.same_meaning(&former));
    stage.assert_open(0);
    stage.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_fires_takes_two_thousand_entries_back_although_its_first_commit_is_refused_once() {
    let stage = stage(false).await;
    confirmed(&stage);
    stage.edit(
        "playbook.toml",
        r#"healthy_deadline = "3s""#,
        r#"healthy_deadline = "2m""#,
    );
    stage.edit(
        "playbook.toml",
        r#"progress_deadline = "30s""#,
        r#"progress_deadline = "3m""#,
    );
    let former = stage.section(0).await;
    let callers = Callers::start(&stage, 0..ENTRIES);
    let mut run = stage.start_unhealthy().await;
    run.until("cas01 step_verified restart_iis").await;
    // Were the first commit left out and the others made, everybody would be denied: no entries, and the rest denied.
    stage.machine(0).faults().file_changed_on_disk.set(1);
    let fire = format!("schtasks /run /tn casgate-{}-3", stage.run_name());
    assert_eq!(stage.on_server(0, &fire).await.0, 0);
    until_back(&stage, &former).await;
    stage.machine(0).faults().health_stays_503.set(false);
    run.end().await.assert_code(22);
    callers.end().await;
    stage.assert_open(0);
    stage.assert_sound();
}
